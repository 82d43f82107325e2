"""Instructions on the form of a text: marks, lists, sections, endings, case, punctuation and language."""

from __future__ import annotations

import json
import re

from gym_llm.envs.instruction_following import language as languages
from gym_llm.envs.instruction_following import text as texts
from gym_llm.envs.instruction_following.language import Language
from gym_llm.envs.instruction_following.registry import Count, Relation, Text, Word, holds, if_rlvr, ifeval

_PLACEHOLDER = re.compile(r"\[[^\[\]\n]+\]")
_STAR_BULLET = re.compile(r"[ \t]*\*(?!\*)")
_DASH_BULLET = re.compile(r"[ \t]*-(?!-)[ \t]*\S|[ \t]*-[ \t]")
_RULE = re.compile(r"[ \t]*(?:-[ \t]*){2,}$")
_BOLD = re.compile(r"\*\*([^\n*]+)\*\*")
_EMPHASIS = re.compile(r"\*([^\n*]+)\*")
_TITLE = re.compile(r"<<([^<>\n]+)>>")
_FENCE = re.compile(r"```(?:json)?[ \t]*\n?", re.IGNORECASE)
_CHOICES = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_JOINT = re.compile(r"(?<=[.!?])-")
_PAIR = re.compile(r"<<[^\s<>]+ [^\s<>]+>>")


@ifeval("detectable_content:number_placeholders")
def number_placeholders(text: str, num_placeholders: Count) -> bool:
    """Use at least {num_placeholders} placeholders in square brackets."""
    return len(_PLACEHOLDER.findall(text)) >= num_placeholders


@ifeval("detectable_content:postscript")
def postscript(text: str, postscript_marker: Word) -> bool:
    """At the end, add a postscript that begins with {postscript_marker}."""
    lower = text.lower()
    letters = [char for char in postscript_marker.lower() if char.isalnum()]
    if letters in (["p", "s"], ["p", "p", "s"]):
        ending = r"\." if postscript_marker.endswith(".") else r"\b"
        marker = re.compile(r"(?<![\w.])" + r"\s?".join(rf"{letter}\." for letter in letters[:-1]) + rf"\s?s{ending}")
        return marker.search(lower) is not None
    return postscript_marker.lower() in lower


@ifeval("detectable_format:number_bullet_lists")
def number_bullet_lists(text: str, num_bullets: Count) -> bool:
    """Write exactly {num_bullets} bullet points, such as: * A point."""
    return sum(map(_is_bullet, text.splitlines())) == num_bullets


def _is_bullet(line: str) -> bool:
    if _STAR_BULLET.match(line):
        rest = line.lstrip()[1:]
        return bool(rest.strip()) and (rest[0].isspace() or rest.count("*") % 2 == 0)
    return bool(_DASH_BULLET.match(line)) and not _RULE.match(line)


@ifeval("detectable_format:constrained_response")
def constrained_response(text: str) -> bool:
    """Answer with one of: My answer is yes. My answer is no. My answer is maybe."""
    return any(choice in text for choice in _CHOICES)


@ifeval("detectable_format:number_highlighted_sections")
def number_highlighted_sections(text: str, num_highlights: Count) -> bool:
    """Highlight at least {num_highlights} parts, *like this*."""
    bold = [found for found in _BOLD.findall(text) if found.strip()]
    plain = [found for found in _EMPHASIS.findall(_BOLD.sub(" ", text)) if found.strip()]
    return len(bold) + len(plain) >= num_highlights


@ifeval("detectable_format:multiple_sections")
def multiple_sections(text: str, section_spliter: Word, num_sections: Count) -> bool:
    """Write {num_sections} sections, each beginning with {section_spliter} and its number."""
    heading = re.compile(rf"(?<!\w){re.escape(section_spliter)}\s?\d+", re.IGNORECASE)
    return sum(1 for _ in heading.finditer(text)) >= num_sections


@ifeval("detectable_format:json_format")
def json_format(text: str) -> bool:
    """Write the whole output as JSON; a markdown fence is allowed."""
    inner = text.strip()
    if opening := _FENCE.match(inner):
        inner = inner[opening.end() :].removesuffix("```").strip()
    try:
        json.loads(inner, parse_constant=_refused)
    except (ValueError, RecursionError):
        return False
    return True


def _refused(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@ifeval("detectable_format:title")
def title(text: str) -> bool:
    """Give your answer a title in double angular brackets, such as <<joy>>."""
    return any(found.strip() for found in _TITLE.findall(text))


@ifeval("combination:two_responses")
def two_responses(text: str) -> bool:
    """Give two different responses, separated by six asterisks: ******."""
    parts = [part.strip() for part in text.split("******")]
    if len(parts) > 2 and not parts[0]:
        parts = parts[1:]
    if len(parts) > 2 and not parts[-1]:
        parts = parts[:-1]
    return len(parts) == 2 and all(parts) and parts[0] != parts[1]


@ifeval("combination:repeat_prompt")
def repeat_prompt(text: str, prompt_to_repeat: Text) -> bool:
    """First repeat this request word for word, then answer it: {prompt_to_repeat}."""
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


@ifeval("startend:end_checker")
def end_checker(text: str, end_phrase: Word) -> bool:
    """End your response with this exact phrase: {end_phrase}."""
    return text.strip().strip('"').rstrip().lower().endswith(end_phrase.strip('"').strip().lower())


@ifeval("startend:quotation")
def quotation(text: str) -> bool:
    """Wrap your whole response in double quotation marks."""
    inner = text.strip()
    return len(inner) > 1 and inner[0] == inner[-1] == '"'


@ifeval("change_case:capital_word_frequency")
def capital_word_frequency(text: str, capital_frequency: Count, capital_relation: Relation) -> bool:
    """Write {capital_relation} {capital_frequency} words in capital letters."""
    return holds(sum(map(str.isupper, texts.tokens(text))), capital_relation, capital_frequency)


@ifeval("change_case:english_capital")
def english_capital(text: str) -> bool:
    """Write your whole response in English and in capital letters."""
    return text.isupper() and languages.is_written_in(text, "en")


@ifeval("change_case:english_lowercase")
def english_lowercase(text: str) -> bool:
    """Write your whole response in English and in lower-case letters."""
    return text.islower() and languages.is_written_in(text, "en")


@ifeval("punctuation:no_comma")
def no_comma(text: str) -> bool:
    """Use no commas."""
    return "," not in text


@if_rlvr("punctuation:punctuation_dot")
def punctuation_dot(text: str) -> bool:
    """Use no full stops."""
    return "." not in text


@if_rlvr("punctuation:punctuation_exclamation")
def punctuation_exclamation(text: str) -> bool:
    """Use no exclamation marks."""
    return "!" not in text


@ifeval("language:response_language")
def response_language(text: str, language: Language) -> bool:
    """Write your whole response in the language with the ISO code {language}."""
    return languages.is_written_in(text, language)


@if_rlvr("detectable_format:square_brackets")
def square_brackets(text: str) -> bool:
    """Put every word of your response into square brackets."""
    return all(len(word) > 2 and word[0] == "[" and word[-1] == "]" for word in text.split())


@if_rlvr("detectable_format:bigram_wrapping")
def bigram_wrapping(text: str) -> bool:
    """Wrap every two words in double angular brackets: <<I am>> <<at home>>."""
    found = text.split()
    pairs = list(zip(found[::2], found[1::2], strict=False))
    return bool(pairs) and all(_PAIR.fullmatch(f"{a} {b}") for a, b in pairs)


@if_rlvr("detectable_format:sentence_hyphens")
def sentence_hyphens(text: str) -> bool:
    """Join all sentences with hyphens, with no space between them."""
    return all(len(texts.sentences(part)) == 1 and part == part.strip() for part in _JOINT.split(text.strip()))
