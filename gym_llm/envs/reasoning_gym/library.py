"""The reasoning-gym library itself, in a worker process of the pool: names, entries, scores.

Imported nowhere else, so that no environment's process pays for the library or runs its scorers. Plain data in
and out.
"""

from __future__ import annotations

import importlib
import json
import random
import re
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np

from gym_llm.envs.reasoning_gym import corrections, fences

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _factory: Any = importlib.import_module("reasoning_gym.factory")
    importlib.import_module("reasoning_gym")
    _plain_scorer = importlib.import_module("reasoning_gym.dataset").ProceduralDataset.score_answer

fences.install()
_polynomials: Any = importlib.import_module("reasoning_gym.algebra.polynomial_multiplication")
_itermonomials = _polynomials.itermonomials
_polynomials.itermonomials = lambda *given: sorted(_itermonomials(*given), key=str)
_TUPLES = ("arc_agi", "rearc")
"""Datasets that compare boards as tuples, which JSON gives back as lists."""
_NAN = re.compile(r"(?<![^\W_])[-+]?nan(?:[ij])?(?![^\W_])", re.IGNORECASE)
"""Every comparison with it is false: complex_arithmetic would take it for exact."""
_HUGE = re.compile(r"(?<![\w.])\d+(?:\.\d*)?e[+-]?\d{5,}", re.IGNORECASE)
"""Numbers that a fraction of Python's would need gigabytes for: coin_flip reads 1e999999999."""


def names() -> list[list[Any]]:
    """Return every dataset's name and whether it has a curriculum; mixtures are made elsewhere."""
    return [[name, _factory.has_curriculum(name)] for name in sorted(_factory.DATASETS) if name != "composite"]


def entry(name: str, level: Any, config: dict[str, Any], seed: int) -> dict[str, Any]:
    """Make one entry: question, answer (or null) and metadata, as plain data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        random.seed(seed)  # codeio runs programs that draw from the global generators
        np.random.seed(seed)
        made = _dataset(name, json.dumps(level), json.dumps(config | {"seed": seed, "size": 1}))[0]
    found = {"question": made["question"], "answer": made["answer"], "metadata": made.get("metadata") or {}}
    found["metadata"].setdefault("source_dataset", name)
    if name == "polynomial_multiplication":
        found["metadata"]["variables"] = sorted(found["metadata"]["variables"])
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


def score(
    name: str, level: Any, config: dict[str, Any], given: dict[str, Any], answer: str, substrings: bool
) -> list[Any]:
    """Return the score of an answer and what its scorer raised, if anything.

    Raises:
        Exception: What the scorer raises for the entry's own answer, too: then the entry is at fault.
    """
    if _NAN.search(answer) and not (given["answer"] and _NAN.search(given["answer"])):
        return [0.0, "not a number"]
    if _HUGE.search(answer) and not (given["answer"] and _HUGE.search(given["answer"])):
        return [0.0, "a number beyond measure"]
    dataset = _cached(name, json.dumps(level), json.dumps(config))
    if name in _TUPLES:
        given = given | {"metadata": {key: _tuples(value) for key, value in given["metadata"].items()}}
    if not substrings and type(dataset).score_answer is _plain_scorer:
        return [float(answer == given["answer"]), None]
    with fences.scoring(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = float(dataset.score_answer(answer, given))
        except Exception as error:  # boundary: a scorer that chokes on an answer, unless it chokes on every one
            if given["answer"] is not None:
                dataset.score_answer(given["answer"], given)
            return [0.0, f"its scorer raised {type(error).__name__}: {str(error)[:200]}"]
    kept = min(value, corrections.most(name, answer, given))
    return [kept, None if kept == value else "its scorer pays more than the answer is worth"]


class _Sorted(set[str]):
    """A set in one order: some datasets draw from sets, whose order is another one in each process."""

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__()))

    def __sub__(self, other: Any) -> _Sorted:
        return _Sorted(super().__sub__(other))


def _dataset(name: str, level: str, config: str) -> Any:
    chosen = {**_levelled(name, json.loads(level)), **json.loads(config)}
    dataset = _factory.create_dataset(name, **chosen)
    if isinstance(letters := getattr(dataset, "letters", None), set):
        dataset.letters = _Sorted(letters)
    return dataset


_cached = lru_cache(maxsize=256)(_dataset)


def _levelled(name: str, level: Any) -> dict[str, Any]:
    """Return a curriculum's configuration: one level for all its attributes, each at most its last, or one each."""
    if level is None:
        return {}
    curriculum = _factory.create_curriculum(name)
    attributes = curriculum.attributes
    for attribute, asked in (dict.fromkeys(attributes, level) if isinstance(level, int) else level).items():
        last = len(curriculum.get_attribute(attribute).levels) - 1
        curriculum.set_attr_level(attribute, min(asked, last) if isinstance(level, int) else asked)
    found = asdict(curriculum.generate_configuration())
    return {key: value for key, value in found.items() if key not in ("seed", "size")}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
