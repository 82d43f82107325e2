"""Making rows: a problem of a family, as a program or as a function, its tests and its reference solution."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np

from gym_llm.envs.comp_coding.families import FAMILIES, Family
from gym_llm.envs.comp_coding.inputs import READERS, written
from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.items import message

MODES = ("stdin", "call")
_ATTEMPTS = 20
_FORMAT = "Give the whole code in one ```python block."
_TYPES = {
    "number": "int", "numbers": "list[int]", "text": "str", "texts": "list[str]", "grid": "list[list[int]]",
    "edges": "list[list[int]]",
}  # fmt: skip
_ANSWERS = {
    "int": "Write the number.", "bool": "Write YES or NO.", "str": "Write the text.",
    "list[int]": "Write the values on one line, separated by spaces.",
}  # fmt: skip
_PRINTERS = {
    "int": "print(answer)", "bool": 'print("YES" if answer else "NO")', "str": "print(answer)",
    "list[int]": "print(*answer)",
}  # fmt: skip


def row(
    rng: np.random.Generator, *, family: str | None = None, mode: str | None = None, num_tests: int = 10
) -> dict[str, Any]:
    """Return a row.

    Args:
        rng: Source of randomness.
        family: Name of a family (see `families.FAMILIES`); any by default.
        mode: `stdin` for a program, `call` for a function; any by default.
        num_tests: Number of tests, 3 to 100.

    Raises:
        ConfigError: For a knob out of range.
    """
    name = family or str(rng.choice(list(FAMILIES)))
    if name not in FAMILIES:
        raise ConfigError(f"family={name!r} is unknown.{did_you_mean(name, FAMILIES)}")
    mode = mode or str(rng.choice(MODES))
    if mode not in MODES or not 3 <= num_tests <= 100:
        raise ConfigError(f"mode={mode!r}, num_tests={num_tests}: give one of {', '.join(MODES)} and 3 to 100")
    made = FAMILIES[name]
    chosen = {key: values[int(rng.integers(len(values)))] for key, values in made.choices.items()}
    tests = _tests(rng, made, chosen, num_tests)
    answers = [made.solve(*arguments, **chosen) for arguments in tests]
    is_call = mode == "call"
    prompt = _asked(made, chosen, name if is_call else None)
    shown = _example(tests[1], answers[1], is_call)
    return {
        "responses_create_params": {"input": [message(f"{prompt}\n\n{shown}\n\n{_FORMAT}")]},
        "verifier_metadata": {
            "unit_tests": {
                "inputs": [_given(arguments, is_call) for arguments in tests],
                "outputs": [json.dumps(answer) if is_call else _printed(answer) for answer in answers],
                "fn_name": name if is_call else None,
            },
            "difficulty": "easy",
        },
        "reference_solution": _solution(made, chosen, is_call),
        "family": name,
        "id": int(rng.integers(1 << 31)),
    }


def _tests(rng: np.random.Generator, made: Family, chosen: dict[str, Any], count: int) -> list[list[Any]]:
    """Draw the tests' arguments, small ones first, until the answers differ."""
    for _ in range(_ATTEMPTS):
        tests = [_arguments(rng, made, number / (count - 1)) for number in range(count)]
        answers = [str(made.solve(*arguments, **chosen)) for arguments in tests]
        if max(map(answers.count, answers)) <= max(2, count * 2 // 3):
            break
    return tests


def _arguments(rng: np.random.Generator, made: Family, scale: float) -> list[Any]:
    drawn: list[Any] = []
    for given in made.inputs.values():
        drawn.append(given.drawn(rng, scale, drawn))
    return drawn


def _asked(made: Family, chosen: dict[str, Any], function: str | None) -> str:
    """Return the problem and how its input and output look."""
    statement, answer = made.statement.format(**chosen), _answer_type(made)
    if function:
        head = f"    def {function}({_signature(made)}) -> {answer}:"
        return f"{statement}\n\nWrite a function with this signature, which returns the answer:\n\n{head}"
    lines = "; then ".join(given.described(name) for name, given in made.inputs.items())
    return f"{statement}\n\nWrite a program. It reads from standard input: {lines}. {_ANSWERS[answer]}"


def _signature(made: Family) -> str:
    return ", ".join(f"{name}: {_TYPES[given.kind]}" for name, given in made.inputs.items())


def _example(arguments: list[Any], answer: Any, is_call: bool) -> str:
    if is_call:
        return f"For example, with the arguments {', '.join(map(repr, arguments))} it returns {answer!r}."
    return f"For example, for the input\n\n{_given(arguments, False)}\nthe output is\n\n{_printed(answer)}".rstrip()


def _given(arguments: list[Any], is_call: bool) -> str:
    return "\n".join(map(json.dumps, arguments)) if is_call else "".join(map(written, arguments))


def _printed(answer: Any) -> str:
    if isinstance(answer, bool):
        return "YES\n" if answer else "NO\n"
    return " ".join(map(str, answer)) + "\n" if isinstance(answer, list) else f"{answer}\n"


def _answer_type(made: Family) -> str:
    return str(inspect.signature(made.solve).return_annotation)


def _solution(made: Family, chosen: dict[str, Any], is_call: bool) -> str:
    """Return the source of the reference function, and of what calls it."""
    source = inspect.getsource(made.solve).replace("  # noqa: D103", "")
    name = made.solve.__name__
    settings = ", ".join(f"{key}={value!r}" for key, value in chosen.items())
    names = ", ".join(made.inputs)
    if is_call:
        source = source.replace(f"def {name}(", "def solve(", 1)
        return f"{source}\n\ndef {name}({_signature(made)}):\n    return solve({names}, {settings})"
    reading = "\n".join(f"{key} = {READERS[given.kind]}" for key, given in made.inputs.items())
    return f"{source}\n\n{reading}\nanswer = {name}({names}, {settings})\n{_PRINTERS[_answer_type(made)]}"
