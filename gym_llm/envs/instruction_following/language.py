"""Which language a text is written in: by its script, then by its function words and letters.

Deterministic and offline, without a model: langdetect, which the original library asks, draws random numbers,
wavers on short texts and fails on capitals. Texts without any evidence are in no language.
"""

# ruff: noqa: RUF001 - typographic marks and other scripts are what this is about

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated

import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.envs.instruction_following import lexicon
from gym_llm.errors import did_you_mean

_MAX_CHARS = 20_000
_WORDS = re.compile(r"[^\s\d.,!?;:…।،؟۔\"“”«»()\[\]{}<>*_'‘’/\-–—]+")  # \w leaves out the vowel signs of India
# First and last code point of the scripts that tell languages apart.
_SCRIPTS = {
    "latin": ((0x41, 0x24F), (0x1E00, 0x1EFF)), "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "cyrillic": ((0x400, 0x52F),), "hebrew": ((0x590, 0x5FF),), "arabic": ((0x600, 0x6FF), (0x750, 0x77F)),
    "devanagari": ((0x900, 0x97F),), "bn": ((0x980, 0x9FF),), "pa": ((0xA00, 0xA7F),), "gu": ((0xA80, 0xAFF),),
    "ta": ((0xB80, 0xBFF),),
    "te": ((0xC00, 0xC7F),),  # codespell:ignore te
    "kn": ((0xC80, 0xCFF),), "ml": ((0xD00, 0xD7F),),
    "th": ((0xE00, 0xE7F),), "ko": ((0xAC00, 0xD7AF), (0x1100, 0x11FF)), "kana": ((0x3040, 0x30FF),),
    "han": ((0x3400, 0x9FFF),),
}  # fmt: skip
_ONLY = {"greek": "el", "hebrew": "he"}
_SHARED = {"latin", "cyrillic", "arabic", "devanagari"}
_ENGLISH = ("ing", "ful", "less", "ness", "tion", "ship", "ward", "ously")
_LIKELIEST = {"cyrillic": "ru", "arabic": "ar", "devanagari": "hi"}
"""What a few words without any evidence are in, by script; in Latin letters they may be in anything."""
_TRADITIONAL = frozenset("這個們來說時國會學對開關門見過還進點現經實與為從無業東車長書電話語認識讓請謝愛樂馬鳥魚龍")
_SIMPLIFIED = frozenset("这个们来说时国会学对开关门见过还进点现经实与为从无业东车长书电话语认识让请谢爱乐马鸟鱼龙")
_ALIASES = {"zh": ("zh-cn", "zh-tw"), "nb": ("no",), "nn": ("no",), "iw": ("he",), "pt-br": ("pt",), "pt-pt": ("pt",)}


@cache
def _profiles() -> dict[str, tuple[str, frozenset[str], str]]:
    """Return script, function words and telling letters of each language that shares its script with others."""
    found = {}
    for line in (Path(__file__).parent / "data" / "languages.txt").read_text("utf-8").splitlines():
        code, script, letters, words = line.split("|")
        found[code] = script, frozenset(words.split()), letters.strip()
    return found


def known() -> list[str]:
    """Return the codes that a row may ask for."""
    alone = [script for script in _SCRIPTS if len(script) == 2]
    return sorted({*alone, *_ONLY.values(), "ja", "zh-cn", "zh-tw", *_profiles(), *_ALIASES})


def _known_code(code: str) -> str:
    lower = code.strip().lower().replace("_", "-")
    if lower not in known():
        raise PydanticCustomError(
            "language", "no language has the code {code}.{cure}",
            {"code": repr(code), "cure": did_you_mean(lower, known())},
        )  # fmt: skip
    return lower


Language = Annotated[str, pydantic.AfterValidator(_known_code)]


def is_written_in(text: str, code: str) -> bool:
    """Whether a text is written in a language.

    >>> is_written_in("HOW ARE YOU TODAY?", "en"), is_written_in("Wie geht es dir heute?", "en")
    (True, False)
    """
    return detect(text[:_MAX_CHARS]) in _ALIASES.get(code, (code,))


@lru_cache(maxsize=16)
def detect(text: str) -> str | None:
    """Return the code of the language that there is most evidence of; None without evidence.

    >>> detect("Das war nicht der Weg, den wir kennen."), detect("これは本です。"), detect("12 + 3")
    ('de', 'ja', None)
    """
    lower = text.lower()
    counts = _scripts(lower)
    if not counts:
        return None
    # A letter of Han or Hangul says as much as two of an alphabet.
    script = max(counts, key=lambda name: (counts[name] * (2 if name in ("han", "kana", "ko") else 1), name))
    if script in ("han", "kana"):
        return "ja" if counts["kana"] * 10 >= counts["han"] and counts["kana"] else _chinese(lower)
    if script in _SHARED:
        return _among(script, lower)
    return _ONLY.get(script, script)


def _scripts(lower: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for char, number in Counter(lower).items():
        if char.isalpha():
            point = ord(char)
            for script, ranges in _SCRIPTS.items():
                if any(first <= point <= last for first, last in ranges):
                    counts[script] += number
    return counts


def _chinese(lower: str) -> str:
    traditional = sum(char in _TRADITIONAL and char not in _SIMPLIFIED for char in lower)
    simplified = sum(char in _SIMPLIFIED and char not in _TRADITIONAL for char in lower)
    return "zh-tw" if traditional > simplified else "zh-cn"


def _among(script: str, lower: str) -> str | None:
    """Return the language of a script by its function words, a telling letter counting as half a word."""
    words = Counter(_WORDS.findall(lower))
    letters = Counter(lower)
    scores = {
        code: sum(words[word] * (1 + len(word) / 10) for word in function_words)
        + sum(min(letters[letter], 40) for letter in telling) / 2
        for code, (written, function_words, telling) in _profiles().items()
        if written == script
    }
    best = max(scores, key=lambda code: (scores[code], code == "en", code))
    if scores[best] > 0:
        return best
    return "en" if script == "latin" and any(map(_sounds_english, words)) else _LIKELIEST.get(script)


def _sounds_english(word: str) -> bool:
    """Whether a content word speaks for English where no function word does, as in "Danger ahead! Stop!"."""
    return word.isascii() and (lexicon.is_verb(word) or (len(word) > 5 and word.endswith(_ENGLISH)))


def sample(code: str) -> list[str]:
    """Return words that are evidence of a language, for texts made in it."""
    code = _ALIASES.get(code, (code,))[0]
    if code in _profiles():
        script, own, _ = _profiles()[code]
        others = [words for other, (written, words, _) in _profiles().items() if written == script and other != code]
        return sorted(own, key=lambda word: (sum(word in words for words in others), -len(word), word))[:24]
    fixed = {"ja": "これは とても ほん です", "zh-cn": "这个 我们 来说 时间", "zh-tw": "這個 我們 來說 時間",
             "el": "και το είναι με για", "he": "של את על הוא גם", "ko": "우리 는 오늘 길 을"}  # fmt: skip
    if code in fixed:
        return fixed[code].split()
    first = _SCRIPTS[code][0][0]
    letters = [chr(point) for point in range(first, first + 0x40) if chr(point).isalpha()]
    return ["".join(letters[start : start + 3]) for start in range(0, 24, 3)]
