"""IFBench's forms: brackets, quotes, lists, indents, templates, options, emoji."""

# ruff: noqa: RUF001 - typographic marks and other scripts are what this is about

from __future__ import annotations

import re
from itertools import pairwise

from gym_llm.envs.instruction_following import lexicon
from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.registry import Word, ifbench

_CLOSES = {")": "(", "]": "[", "}": "{"}
_LETTERED = re.compile(r"\W{0,8}a\W{1,8}b\W{1,8}c\b", re.IGNORECASE)
_THESIS = re.compile(r"<(i|em)>([^<>]+)</\1>", re.IGNORECASE)
_CURLY = str.maketrans("“”„‟‘’", '""""\'\'')
_DEEP = 5


@ifbench("format:parentheses")
def parentheses(text: str) -> bool:
    """Nest brackets, such as (round [square {and curly}]), at least 5 deep."""
    opened: list[str] = []
    deepest = 0
    for char in re.findall(r"[()\[\]{}]", text):
        if char not in _CLOSES:
            opened.append(char)
            deepest = max(deepest, len(opened))
        elif opened and opened[-1] == _CLOSES[char]:
            opened.pop()
            if not opened and deepest >= _DEEP:
                return True
            deepest = deepest if opened else 0
        else:
            opened, deepest = [], 0
    return False


@ifbench("format:quotes")
def quotes(text: str) -> bool:
    """Nest quotations at least 3 deep, with double and single quotation marks in turn."""
    opened: list[str] = []
    flat = re.sub(r"(?<=\w)['’](?=\w)", "", text).translate(_CURLY)
    closing = 0
    for mark in re.findall("[\"']", flat):
        if opened and opened[-1] == mark:
            opened.pop()
            closing += 1
            if closing >= 3:
                return True
        else:
            opened.append(mark)
            closing = 0
    return False


@ifbench("format:options")
def options(text: str, options: Word) -> bool:
    """Answer with one of these options and nothing else: {options}."""
    separator = r"/" if "/" in options else r"\bor\b" if re.search(r"\bor\b", options) else r","
    listed = [option.strip() for option in re.split(separator, options) if option.strip()]
    if _LETTERED.match(options):
        return text.strip() in listed
    return _plain(text) in map(_plain, listed)


def _plain(text: str) -> str:
    return text.strip().strip(texts.PUNCTUATION + " ").lower()


@ifbench("format:newline")
def newline(text: str) -> bool:
    """Write each word on a line of its own."""
    found = texts.nonblank_lines(text)
    return bool(texts.words(text)) and all(len(texts.bare_words(line)) <= 1 for line in found)


@ifbench("format:emoji")
def emoji(text: str) -> bool:
    """End every sentence with an emoji."""
    found = texts.sentences(text)
    return bool(found) and all(
        _ends_with_emoji(sentence) or (place + 1 < len(found) and _begins_with_emoji(found[place + 1]))
        for place, sentence in enumerate(found)
        if not _only_emoji(sentence)
    ) and any(map(lexicon.is_emoji, text))  # fmt: skip


def _ends_with_emoji(sentence: str) -> bool:
    bare = sentence.rstrip(texts.PUNCTUATION + " ")
    return bool(bare) and lexicon.is_emoji(bare[-1])


def _begins_with_emoji(sentence: str) -> bool:
    return lexicon.is_emoji(sentence.lstrip(texts.PUNCTUATION + " ")[:1] or " ")


def _only_emoji(sentence: str) -> bool:
    return not any(map(str.isalnum, sentence)) and any(map(lexicon.is_emoji, sentence))


@ifbench("format:line_indent")
def line_indent(text: str) -> bool:
    """Make stairs: indent each line further than the one before."""
    indents = [len(line) - len(line.lstrip(" ")) for line in texts.nonblank_lines(text)]
    return len(indents) >= 2 and all(a < b for a, b in pairwise(indents))


@ifbench("format:quote_unquote")
def quote_unquote(text: str) -> bool:
    """Follow every quotation with an explanation that is not quoted."""
    flat = "".join(text.translate(_CURLY).split())
    ending = flat.rstrip("".join(mark for mark in texts.PUNCTUATION if mark != '"'))
    return '""' not in flat and not ending.endswith('"') and flat.count('"') >= 2


@ifbench("format:list")
def separated_list(text: str, sep: Word) -> bool:
    """Answer with a list of items, with {sep} instead of bullets."""
    return text.count(sep) >= 2


@ifbench("format:thesis")
def thesis(text: str) -> bool:
    """Begin each section with a thesis in italics, in HTML."""
    return any(found[2].strip() and text[found.end() :].strip() for found in _THESIS.finditer(text))


@ifbench("format:sub-bullets")
def sub_bullets(text: str) -> bool:
    """Write bullet points with * and, below each, at least one bullet point with -."""
    parts: list[bool] = []
    for line in texts.nonblank_lines(text):
        if re.match(r"\s*\*\s*[^\s*]", line):
            parts.append(False)
        elif parts and re.match(r"\s*-\s*[^\s-]", line):
            parts[-1] = True
    return bool(parts) and all(parts)


@ifbench("format:no_bullets_bullets")
def no_bullets_bullets(text: str) -> bool:
    """Write at least two sentences that end in a full stop, then at least two bullet points with *."""
    found = texts.nonblank_lines(text)
    first = next((place for place, line in enumerate(found) if line.lstrip().startswith("*")), len(found))
    prose = texts.sentences("\n".join(found[:first]))
    bullets = found[first:]
    return (
        sum(sentence.endswith(".") for sentence in prose) >= 2
        and len(bullets) >= 2
        and all(line.lstrip().startswith("*") for line in bullets)
    )


@ifbench("format:title_case")
def title_case(text: str) -> bool:
    """Write your whole response in title case: every major word with a capital."""
    found = [token for token in texts.tokens(text) if token[0].isalpha()]
    return bool(found) and all(
        not token[0].islower() or (place > 0 and token in lexicon.MINOR_WORDS) for place, token in enumerate(found)
    ) and any(token[0].isupper() for token in found)  # fmt: skip


@ifbench("format:output_template")
def output_template(text: str) -> bool:
    """Use this template: My Answer: [answer] My Conclusion: [conclusion] Future Outlook: [outlook]."""
    places = [text.find(label) for label in ("My Answer:", "My Conclusion:", "Future Outlook:")]
    return min(places) >= 0 and places == sorted(places)


@ifbench("format:no_whitespace")
def no_whitespace(text: str) -> bool:
    """Use no white space."""
    return not any(map(str.isspace, text))
