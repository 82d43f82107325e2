"""Layers of settings, laid over each other: a later one wins, mappings merge, everything else is replaced.

Each key remembers where it was written. Where the layers come from is in `sources.py`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

Path_ = tuple[str, ...]
DELETE = object()
"""As a value: take the key away."""


@dataclass(slots=True)
class Layer:
    """Settings from one source.

    Attributes:
        label: What messages call the source.
        data: The settings, mappings of plain data.
        origins: For each key of a mapping, by its path, where it was written.
        chosen: The options it chooses, by group.

    >>> low, high = Layer("low.yaml", {"a": {"b": 1, "c": 2}}), Layer("high.yaml", {"a": {"b": 3}})
    >>> low.lay(high)
    >>> low.data
    {'a': {'b': 3, 'c': 2}}
    """

    label: str
    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path_, str] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)

    def lay(self, other: Layer) -> None:
        """Lay another layer over this one."""
        _merge(self, self.data, other, other.data, ())

    def put(self, path: Path_, value: Any) -> None:
        """Lay one value over this layer; `DELETE` stays in it, for the layers below."""
        other = Layer(self.label)
        inner = other.data
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value
        other.origins = {path[: end + 1]: self.label for end in range(len(path))}
        _merge(self, self.data, other, other.data, (), keep_deletions=True)

    def drop(self, path: Path_) -> None:
        """Take a key away; nothing happens when it is not there."""
        inner: Any = self.data
        for part in path[:-1]:
            inner = inner.get(part) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.pop(path[-1], None)
        self._forget(path)

    def origin(self, path: Path_) -> str:
        """Return where a key, or the nearest one that it lies in, was written; empty when nowhere."""
        places = (self.origins.get(path[:end]) for end in range(len(path), 0, -1))
        return next((place for place in places if place), "")

    def _forget(self, path: Path_) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


def _merge(
    into: Layer, below: dict[str, Any], other: Layer, above: dict[str, Any], path: Path_, *,
    keep_deletions: bool = False,
) -> None:  # fmt: skip
    for key, value in above.items():
        own = (*path, key)
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(into, below[key], other, value, own, keep_deletions=keep_deletions)
        elif value is DELETE:
            into.drop(own)
            if keep_deletions:
                below[key] = DELETE
        else:
            into._forget(own)
            below[key] = {} if isinstance(value, dict) else copy.copy(value)
            if own in other.origins:
                into.origins[own] = other.origins[own]
            if isinstance(value, dict):
                _merge(into, below[key], other, value, own, keep_deletions=keep_deletions)
