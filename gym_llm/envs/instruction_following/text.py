"""Words, sentences and keywords of a text: small rules on the standard library, linear in the text's length.

They stand where the original libraries ask NLTK, so nothing is downloaded. Sentences end at . ! ? before white
space or the end, and at their full-width forms; abbreviations, initials and numbers do not end one.
"""

# ruff: noqa: RUF001, SIM905 - typographic marks and other scripts are what this is about

from __future__ import annotations

import re
import string
from functools import lru_cache

PUNCTUATION = string.punctuation + "“”‘’«»…–—¿¡。、！？，；：（）「」"
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+(?:['’\-.]\w+)*", re.UNICODE)
_STOP = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]*_~]{0,8}(?=\s|$)|[。！？]+[」』”’]{0,4}")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr st prof rev gen capt col lt sgt inc ltd jr sr co corp vs etc e.g i.e cf approx dept al ph.d u.s u.k "
    "a.m p.m mt".split()
)  # fmt: skip
_NUMBERED = frozenset(("no", "nos", "vol", "fig", "p", "pp", "ch"))
_ENDING = frozenset("etc inc ltd jr sr co corp a.m p.m u.s u.k ph.d al".split())
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def words(text: str) -> list[str]:
    r"""Return the runs of `\w`, which is how the data sets count words.

    >>> words("It's 3.5 km, no?")
    ['It', 's', '3', '5', 'km', 'no']
    """
    return _WORD.findall(text)


def tokens(text: str) -> list[str]:
    """Return the words, contractions and compounds in one piece, without punctuation.

    >>> tokens("It's well-known: 3.5 km.")
    ["It's", 'well-known', '3.5', 'km']
    """
    return _TOKEN.findall(text)


def bare_words(text: str) -> list[str]:
    """Return what stands between white space, lower-case, without punctuation at its ends; punctuation alone is none.

    >>> bare_words('"Yes" - he said...')
    ['yes', 'he', 'said']
    """
    stripped = (word.strip(PUNCTUATION) for word in text.lower().split())
    return [word for word in stripped if word]


@lru_cache(maxsize=8)
def _sentences(text: str) -> tuple[str, ...]:
    flat = " ".join(text.split())
    found, start = [], 0
    for stop in _STOP.finditer(flat):
        if stop.group()[0] == "." and _goes_on(flat, start, stop.start(), stop.end()):
            continue
        found.append(flat[start : stop.end()].strip())
        start = stop.end()
    found.append(flat[start:].strip())
    return tuple(sentence for sentence in found if sentence)


def sentences(text: str) -> list[str]:
    """Return the sentences. A list without terminators is one sentence, as in the original libraries.

    >>> sentences("Dr. Lee paid 3.50. Why? He had to!")
    ['Dr. Lee paid 3.50.', 'Why?', 'He had to!']
    """
    return list(_sentences(text))


def _goes_on(flat: str, start: int, dot: int, end: int) -> bool:
    """Whether a sentence goes on after a full stop: an abbreviation, an initial, or a number of a list."""
    space = flat.rfind(" ", max(start, dot - 24), dot)
    word = flat[(start if space < 0 and dot - start <= 24 else space + 1) : dot].lstrip("(\"'“‘[*_")
    lower = word.lower()
    following = flat[end + 1 : end + 2]
    if lower in _ENDING:
        return not following.isupper()
    if lower in _ABBREVIATIONS:
        return bool(following)
    if lower in _NUMBERED:
        return following.isdigit()
    initial = len(word) == 1 and word.isalpha() and word.isupper() and word != "I"
    dotted = bool(_DOTTED.fullmatch(word + ".")) and "." in word
    if initial or dotted:
        return bool(following) and (initial or not following.isupper())
    opens = not flat[start : dot - len(word)].strip("(\"'“‘[*_ ")
    return word.isdigit() and opens and bool(following)  # "1. First" opens a list


@lru_cache(maxsize=512)
def keyword_pattern(keyword: str) -> re.Pattern[str]:
    """Return the pattern of a whole word or phrase, ignoring case; scripts without spaces have no word ends."""
    before = r"(?<!\w)" if keyword[:1].isalnum() and not _UNSPACED.match(keyword[0]) else ""
    after = r"(?!\w)" if keyword[-1:].isalnum() and not _UNSPACED.match(keyword[-1]) else ""
    spaced = r"\s+".join(map(re.escape, keyword.split())).replace("’", "'").replace("'", "['’]")
    return re.compile(before + spaced + after, re.IGNORECASE)


def occurrences(text: str, keyword: str) -> int:
    """Return how often a word or phrase stands in a text.

    >>> occurrences("Cat, cats, CAT-like; concatenate", "cat")
    2
    """
    return sum(1 for _ in keyword_pattern(keyword).finditer(text))


def first_word(text: str) -> str:
    """Return the first word, lower-case, without punctuation around it; empty when there is none."""
    return next(iter(bare_words(text)), "")


def last_word(text: str) -> str:
    """Return the last word, lower-case, without punctuation around it; empty when there is none."""
    for word in reversed(text.lower().split()):
        if bare := word.strip(PUNCTUATION):
            return bare
    return ""


def nonblank_lines(text: str) -> list[str]:
    """Return the lines that hold something."""
    return [line for line in text.splitlines() if line.strip()]
