"""Closed word lists of English, syllables, verbs and emoji: what IFBench asks NLTK, syllapy and emoji for.

The lists are `data/english.txt`; verbs are in `data/verbs.txt`, inflected by rule; syllables are counted by vowel
groups, so a rare word may be counted one off.
"""

# ruff: noqa: RUF001 - emoji

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_DATA = Path(__file__).parent / "data"
_LISTS = {
    name: words.split()
    for name, _, words in (
        line.partition("|") for line in (_DATA / "english.txt").read_text("utf-8").splitlines()
    )
}  # fmt: skip
STOP_WORDS = frozenset(_LISTS["stop words"])
PRONOUNS = frozenset(_LISTS["pronouns"])
CONJUNCTIONS = frozenset(("and", "but", "for", "nor", "or", "so", "yet"))
NAMES = _LISTS["names"]
"""The names that IFBench's count:person_names lists in its prompt."""
MINOR_WORDS = frozenset(_LISTS["minor words"])
"""Words that title case may leave small."""

_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b05-\u2b55\u231a-\u23ff\u25aa-\u25fe\u2194-\u2199\u21a9\u21aa\u3030\u303d\u3297\u3299©®‼⁉™ℹ]"
)
EMOJI_PARTS = "\ufe0f\u200d\u20e3"
_GROUP = re.compile("[aeiouy]+")
_HIATUS = re.compile(
    "ia(?!n\\b|l\\b)|io(?!n|us)|eo(?!n\\b|us)|iu|ua(?!r)|(?<![gq])ue[lt]|uou|ying|[aeiou]ing"  # codespell:ignore ue
)
_SILENT_ED = re.compile("[^aeioudt]ed$")
_SILENT_ES = re.compile("[^aeiouscgzx]es$|[^aeiousc]hes$(?<!ches)(?<!shes)")
_KNOWN = {
    "area": 3, "being": 2, "business": 2, "create": 2, "created": 3, "every": 2, "everything": 3, "idea": 3,
    "people": 2, "quiet": 2, "real": 1, "science": 2, "something": 2, "somewhere": 2, "sometimes": 2, "therefore": 2,
    "poem": 2, "lion": 2, "the": 1, "evening": 2, "wednesday": 2, "different": 2, "family": 3, "radio": 3,
    "moment": 2, "ocean": 2, "reaction": 3, "beautiful": 3, "someone": 2, "anyone": 3, "more": 1, "once": 1,
}  # fmt: skip


def is_emoji(char: str) -> bool:
    """Whether a character is, or belongs to, an emoji."""
    return bool(_EMOJI.match(char)) or char in EMOJI_PARTS


def syllables(word: str) -> int:
    """Return the number of syllables of an English word, at least 1.

    >>> [syllables(word) for word in ("cat", "water", "table", "made", "wanted", "walked", "banana")]
    [1, 2, 2, 1, 2, 1, 3]
    """
    word = word.lower()[:60]
    if word in _KNOWN:
        return _KNOWN[word]
    number = len(_GROUP.findall(word)) + len(_HIATUS.findall(word))
    le = word.endswith("le") and len(word) > 2 and word[-3] not in "aeiouy"
    if (word.endswith("e") and not le and len(word) > 2) or _SILENT_ED.search(word) or _SILENT_ES.search(word):
        number -= word[-2:-1] not in "aeiouy" or word.endswith(("ed", "es"))
    return max(1, number)


@cache
def _verbs() -> frozenset[str]:
    lines = (_DATA / "verbs.txt").read_text("utf-8").splitlines()
    regular, irregular = lines[0].split(), lines[1].split()
    return frozenset(irregular).union(*(_forms(verb) for verb in regular))


def _forms(verb: str) -> set[str]:
    stem = verb.removesuffix("e")
    ending = verb[:-1] + "ies" if re.search("[^aeiou]y$", verb) else verb + "s"
    past = verb[:-1] + "ied" if re.search("[^aeiou]y$", verb) else stem + "ed"
    doubled = {verb + verb[-1] + "ed", verb + verb[-1] + "ing"} if re.search("[aeiou][bdgklmnprt]$", verb) else set()
    return {verb, ending, verb + "es", past, stem + "ing", *doubled}


def is_verb(word: str) -> bool:
    """Whether an English word can be a verb's form.

    >>> is_verb("Consider"), is_verb("Planning"), is_verb("The")
    (True, True, False)
    """
    return word.lower() in _verbs()
