"""Settings of an environment, checked by the annotations of its constructors: a wrong type, an unknown name.

Only plain types are looked at (numbers, texts, booleans, None, and choices among them); what a value may be beyond
its type, the environment says itself.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal, NoReturn

from gym_llm.errors import ConfigError, did_you_mean

_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "None"}
_PLAIN = (*_WORDS, list, tuple, dict, set, bytes)
Plain = frozenset[type]


def check(made: type, given: Mapping[str, Any]) -> None:
    """Refuse values of another type than a constructor's parameters have.

    Args:
        made: The class that is made.
        given: The settings, by name.

    Raises:
        ConfigError: Naming the setting, its value and what to give.
    """
    parameters = _parameters(made)
    for name, value in given.items():
        allowed, default = parameters.get(name, (None, None))
        if allowed is not None and value is not default and not _fits(value, allowed):
            words = " or ".join(word for kind, word in _WORDS.items() if kind in allowed)
            raise ConfigError(f"{name}={value!r}: give {words}")


def refuse(made: type, unknown: Mapping[str, Any]) -> NoReturn:
    """Refuse settings that no constructor of a class has.

    Raises:
        ConfigError: Always; with the name that was probably meant.
    """
    name = next(iter(unknown))
    raise ConfigError(f"{made.__name__} has no setting {name!r}.{did_you_mean(name, _parameters(made))}")


@lru_cache(maxsize=256)
def _parameters(made: type) -> dict[str, tuple[Plain | None, Any]]:
    """Return the plain types of every setting, None where it has others, and its default."""
    found: dict[str, tuple[Plain | None, Any]] = {}
    for constructor in _constructors(made):
        try:
            hints = typing.get_type_hints(constructor)
        except (NameError, TypeError, AttributeError):  # a name that is imported for type checkers only
            hints = {}
        for name, parameter in list(inspect.signature(constructor).parameters.items())[1:]:
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) and name not in found:
                found[name] = _plain(hints.get(name, Any)), parameter.default
    return found


def _constructors(made: type) -> Iterator[Any]:
    """Yield a class's constructor, and those that its keyword arguments go on to."""
    for each in made.__mro__:
        if "__init__" in vars(each) and each is not object:
            yield vars(each)["__init__"]
            kinds = {parameter.kind for parameter in inspect.signature(vars(each)["__init__"]).parameters.values()}
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                return


def _plain(hint: Any) -> Plain | None:
    parts = typing.get_args(hint) if isinstance(hint, types.UnionType) or _is_union(hint) else (hint,)
    kinds: set[type] = set()
    for part in parts:
        if typing.get_origin(part) is Literal:
            kinds |= {type(choice) for choice in typing.get_args(part)}
        elif part in _WORDS:
            kinds.add(part)
        else:
            return None
    return frozenset(kinds)


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Union


def _fits(value: Any, allowed: Plain) -> bool:
    kind = type(value)
    if kind not in _PLAIN:
        return True  # a number of numpy's, an enumeration: the environment knows
    whole = kind is float and value.is_integer() and int in allowed
    return kind in allowed or whole or (kind is int and float in allowed)
