"""MCQA's extraction: the tables of the specification line by line, the fixes of its weaknesses, hostile texts."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from gym_llm.envs.mcqa.extraction import MODES, custom, extract
from gym_llm.envs.mcqa.option_texts import mentioned
from gym_llm.envs.mcqa.regexes import last_match
from gym_llm.envs.mcqa.scripts import latin

STRICT, BOXED, COLON, MD = MODES


def options(letters: str) -> dict[str, str]:
    return {letter: f"opt{letter}" for letter in letters}


FOUR, TEN = options("ABCD"), options("ABCDEFGHIJ")

# mode, text, options, the letter (None: no answer); rows of the specification's table of tested cases.
TESTED = [
    (STRICT, "The answer is C.", FOUR, None),
    (STRICT, r"\boxed{ [C] }", FOUR, "C"),
    (BOXED, r"\boxed{ optC }", FOUR, "C"),
    (COLON, "Answer: c", FOUR, "C"),
    (COLON, "Answer: optC", FOUR, "C"),
    (COLON, "**Answer: C**", FOUR, None),
    (STRICT, "Therefore.\nAnswer: B", FOUR, None),
    (MD, "Therefore.\nAnswer: B", FOUR, "B"),
    (MD, "**Answer: C**", TEN, "C"),
    (MD, "__Answer__: A", TEN, "A"),
    (MD, "Answer: B because C is not valid", TEN, "B"),
    (MD, "Answer: B/B", TEN, "B"),
    (MD, "Answer: $D$", TEN, "D"),
    (MD, "Answer: (D)", TEN, "D"),
    (MD, r"\boxed{\text{Answer: G}}", TEN, "G"),
    (MD, "Answer: unknown", FOUR, None),
    (MD, "Answer: G", FOUR, None),
    (MD, "Answer: A/B/C", FOUR, None),
    (MD, "Answer: B/I", TEN, None),
    (MD, "Answer: D/H", TEN, None),
    (MD, "Answer: A or B", FOUR, None),
    (MD, "Answer: A and B", FOUR, None),
    (MD, "Answer: A, B", FOUR, None),
    (MD, "Answer: A\nAnswer: B", FOUR, "B"),
    (MD, "Answer: B\nAnswer: unknown", FOUR, "B"),
    (MD, "Answer: B\nAnswer: G", FOUR, "B"),
    (MD, "Answer: B\nAnswer: A/B/C", FOUR, "B"),
    (STRICT, r"\boxed{\text{E}}", TEN, "E"),
    (STRICT, r"\boxed{\text{I: text}}", TEN, "I"),
    (STRICT, r"\boxed{E: \text{..}}", TEN, "E"),
    (STRICT, r"\boxed{B}", TEN, "B"),
    (STRICT, r"\boxed{A polygenic risk score}", TEN, None),
    (STRICT, r"\boxed{B", TEN, None),
    (STRICT, r"\boxed{C} ... \boxed{E}", TEN, "E"),
    (STRICT, r"\boxed{\text{some idea}} ... \boxed{E}", TEN, "E"),
]

MEASURED = [
    (STRICT, r"\boxed{(B) x}", None),
    (STRICT, r"\boxed{A, B}", None),
    (STRICT, r"\boxed {B}", None),
    (STRICT, r"\boxed{C}\boxed{}", None),
    (STRICT, r"\boxed{AB}", None),
    (STRICT, r"\boxed{B and}", None),
    (STRICT, r"\fbox{B}", None),
    (STRICT, r"\boxed{{B}}", "B"),
    (STRICT, r"\boxed{B) x}", "B"),
    (STRICT, r"\boxed{A 1 2}", "A"),
    (MD, "Answer: I think C", None),
    (MD, "Answer: D - C", "D"),
    (MD, "Answer: a", "A"),
    (MD, "Answer: b)", "B"),
    (MD, "Answer: A; A", "A"),
    (MD, "Answer: A B", None),
    (MD, "Answer: Both A & B", None),
]

# What the specification lists as weaknesses, mended.
MENDED = [
    (STRICT, r"\boxed{\textbf{B}}", FOUR, "B"),
    (STRICT, r"\boxed{\mathrm{B}}", FOUR, "B"),
    (STRICT, r"\boxed{\mathbf{B}}", FOUR, "B"),
    (STRICT, r"\boxed{\mathbf{ \text{B} }}", FOUR, "B"),
    (STRICT, r"\boxed{\unknown{B}}", FOUR, None),
    (STRICT, r"\boxed{b}", FOUR, "B"),
    (STRICT, r"\boxed{(b)}", FOUR, "B"),
    (STRICT, r"\boxed{a^2}", FOUR, None),
    (STRICT, r"\boxed{a = 5}", FOUR, None),
    (STRICT, r"\boxed{x}", FOUR, None),
    (BOXED, r"\boxed{10}", {"A": "1", "B": "10"}, "B"),
    (BOXED, r"\boxed{100}", {"A": "1", "B": "10"}, None),
    (BOXED, r"\boxed{1.5}", {"A": "1", "B": "5"}, None),
    (BOXED, r"\boxed{1/2}", {"A": "1", "B": "2"}, None),
    (BOXED, r"\boxed{-1}", {"A": "1", "B": "2"}, None),
    (BOXED, r"\boxed{-1}", {"A": "1", "B": "-1"}, "B"),
    (BOXED, r"\boxed{sodium chloride}", {"A": "sodium", "B": "sodium chloride"}, "B"),
    (BOXED, r"\boxed{sodium, not sodium chloride}", {"A": "sodium", "B": "sodium chloride"}, "A"),
    (BOXED, r"\boxed{sodium or sodium chloride}", {"A": "sodium", "B": "sodium chloride"}, None),
    (BOXED, r"\boxed{not optB}", FOUR, None),
    (BOXED, r"\boxed{it is optB!}", FOUR, "B"),
    (BOXED, r"\boxed{optB and optC}", FOUR, None),
    (BOXED, r"\boxed{noptB}", FOUR, None),
    (BOXED, r"\boxed{foptB}", FOUR, None),
    (BOXED, r"\boxed{\text{OptB   }}", FOUR, "B"),
    (BOXED, r"\boxed{\text{foo}}", {"A": "text", "B": "bar"}, None),
    (BOXED, r"\boxed{same}", {"A": "same", "B": "same"}, None),
    (BOXED, r"\boxed{}", {"A": "", "B": "x"}, None),
    (BOXED, "optB", FOUR, None),
    (COLON, "Answer: A\nno, wait\nAnswer: B", FOUR, "B"),
    (COLON, "Answer: A answer: B", FOUR, "B"),
    (COLON, "Answer: C\nI gave this answer: see above", FOUR, "C"),
    (COLON, "ANSWER :\n\n  d", FOUR, "D"),
    (COLON, r"answer: \text{ B }", FOUR, "B"),
    (COLON, "Answer: B.", FOUR, None),
    (COLON, "Answer:", FOUR, None),
    (MD, "Answer:\nB", FOUR, "B"),
    (MD, "Answer: A and/or B", FOUR, None),
    (MD, "Answer: ب", FOUR, "B"),
    (MD, "Answer: ｃ", FOUR, None),  # noqa: RUF001
    (MD, "Answer: Ｃ", FOUR, "C"),  # noqa: RUF001
    (MD, "Answer: Ｇ", TEN, "G"),  # noqa: RUF001
    (MD, "Answer: 丙", FOUR, "C"),
    (MD, "Answer: ख", FOUR, "B"),
    (MD, "Answer: ง", FOUR, "D"),
    (MD, "Answer: 甲状腺", FOUR, None),
    (MD, "Answer: किताब", FOUR, None),
    (STRICT, r"\boxed{E}", FOUR, None),
    (STRICT, "", FOUR, None),
    (MD, " \n ", FOUR, None),
    (MD, "Answer: B", {}, None),
    (STRICT, r"\boxed{B}", {}, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "text", "given", "letter"),
    [*TESTED, *((mode, text, FOUR, letter) for mode, text, letter in MEASURED), *MENDED],
)
def test_letter(mode, text, given, letter):
    found = extract(mode, text, given)
    assert found.letter == letter
    assert (found.kind == "letter") == (letter is not None)
    assert found.reason


@pytest.mark.parametrize(
    ("mode", "text"),
    [(MD, "Answer: A or B"), (MD, "Answer: A/B/C"), (BOXED, r"\boxed{optB and optC}")],
)
def test_several_answers_are_ambiguous(mode, text):
    assert extract(mode, text, FOUR).kind == "ambiguous"


@pytest.mark.parametrize(
    ("mode", "text", "reason"),
    [
        (STRICT, "", "the message is empty"),
        (STRICT, "C", r"there is no \boxed{}"),
        (STRICT, r"\boxed{B", r"the last \boxed{ is not closed"),
        (STRICT, r"\boxed{E}", "E is no option"),
        (STRICT, r"\boxed{AB}", "the last box holds no single letter"),
        (COLON, "C", "there is no 'Answer:'"),
        (COLON, "Answer: Z", "what follows 'Answer:' is no option"),
        (MD, "Answer: A or B", "'Answer:' is followed by A and B"),
    ],
)
def test_reasons(mode, text, reason):
    assert extract(mode, text, FOUR).reason == reason


@pytest.mark.parametrize(
    ("match", "given", "kind", "letter"),
    [
        ("B", FOUR, "letter", "B"),
        (" b ", FOUR, "letter", "B"),
        ("ب", FOUR, "letter", "B"),
        ("OPTB", FOUR, "letter", "B"),
        ("B", {}, "letter", "B"),
        ("Z", FOUR, "none", None),
        ("optZ", FOUR, None, None),
        ("5", FOUR, None, None),
        ("", FOUR, None, None),
    ],
)
def test_custom(match, given, kind, letter):
    found = custom(match, given)
    assert (found and found.kind, found and found.letter) == (kind, letter)


@pytest.mark.parametrize(
    ("pattern", "text", "match", "problem"),
    [
        (r"Option Selected:\s*([A-Za-z])", "Option Selected: B", "B", None),
        (r"answer is ([a-z])", "ANSWER IS b", "b", None),
        ("[أ-د]", "ب", "ب", None),
        (r"Answer:\s*([A-Z])", "Answer: A? ... Answer: B", "B", None),
        ("B", "a B", "B", None),
        ("(x)?B", "B", "", None),
        ("([", "B", None, "no valid regex"),
        ("(a)(b)", "ab", None, "2 groups"),
        ("x", "B", None, "does not match"),
        ("(?P<n>a)", "a", "a", None),
        ("a{99999999999}", "a", None, "no valid regex"),
        ("(" * 5000, "a", None, "no valid regex"),
        ("[[a]", "a", "a", None),
    ],
)
def test_last_match(pattern, text, match, problem):
    found, said = last_match(pattern, text)
    assert found == match
    assert (said is None) == (problem is None)
    assert said is None or problem in said


def test_mentioned_counts_words_not_substrings():
    given = {"A": "cat", "B": "dog", "C": "cat dog"}
    assert mentioned("the cat sat", given) == ["A"]
    assert mentioned("concatenate", given) == []
    assert mentioned("a cat dog", given) == ["C"]
    assert mentioned("dog, cat", given) == ["A", "B"]


def test_ascii_text_stays_the_same_object():
    text = "Answer: B"
    assert latin(text) is text


SIZE = 5_000_000
UNITS = {
    "spaces": " ", "open boxes": "\\boxed{", "braces": "{}", "wrappers": "\\text{", "answers": "answer:",
    "lines": "Answer: A B\n", "letters": "A a ", "commas": ",", "arabic": "ب", "words": "a",
}  # fmt: skip
FRAMES = [
    (BOXED, "\\boxed{{{}"),
    (BOXED, "\\boxed{{\\text{{{}x}}}}"),
    (COLON, "Answer{}"),
    (MD, "Answer: A{}1"),
    (MD, "{}"),
]


@pytest.mark.parametrize("name", UNITS)
def test_hostile_texts_of_5_mb_take_linear_time(name):
    repeated = (UNITS[name] * (SIZE // len(UNITS[name]) + 1))[:SIZE]
    for mode, frame in FRAMES:
        begun = time.process_time()
        extract(mode, frame.format(repeated), TEN)
        assert time.process_time() - begun < 3.0, (frame, mode)


def test_extraction_stands_on_the_standard_library():
    code = (
        "import sys, types\n"
        "for name in ('gym_llm', 'gym_llm.envs', 'gym_llm.envs.mcqa'):\n"
        "    package = types.ModuleType(name); package.__path__ = [name.replace('.', '/')]\n"
        "    sys.modules[name] = package\n"
        "import gym_llm.envs.mcqa.extraction, gym_llm.envs.mcqa.regexes\n"
        "print(*{name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '.')\n{code}"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    third_party = {name for name in done.stdout.split() if not name.startswith("_")}
    assert third_party == {"gym_llm"}
