"""One YAML file read as plain data, with the line of each key.

Built on PyYAML's safe loader, which makes no objects, within limits on size, depth and aliases. Not composition: who
wins over whom is in `layers.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from gym_llm.configs.layers import Layer, Path_
from gym_llm.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_VALUES = 100_000
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_RESOLVER = re.compile(r"\$\{\s*([\w.]*)\s*(:|\$\{)")
_FLOAT = re.compile(r"[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+\Z")


class _Loader(yaml.SafeLoader):
    """The safe loader, with `1e-3` a number as in YAML 1.2, and dates left as text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789"))


def read(path: Path, label: str) -> Layer:
    """Read a file whose document is a mapping, or empty.

    Args:
        path: The file.
        label: What messages call it.

    Raises:
        ConfigError: It cannot be read, is no such YAML, passes a limit, names a key twice or uses a resolver
            other than `oc.env`.
    """
    try:
        size = path.stat().st_size
        text = path.read_text("utf-8") if size <= MAX_BYTES else ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{label} cannot be read: {reason}") from None
    if size > MAX_BYTES:
        raise ConfigError(f"{label} has {size:,} bytes; a configuration file may have {MAX_BYTES:,}")
    try:
        _check_shape(text, label)
        loader = _Loader(text)
        node = loader.get_single_node()
        layer = Layer(label)
        if node is not None:
            _fill(layer, loader, node)
        return layer
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{label}:{mark.line + 1}" if mark else label
        problem = getattr(error, "problem", None) or "it is no YAML"
        raise ConfigError(f"{where} cannot be read: {problem}; indent with spaces, quote special characters") from None


def check_text(text: str, where: str) -> None:
    """Refuse resolvers other than `oc.env`.

    Raises:
        ConfigError: With the place, which `where` says.
    """
    for name, mark in _RESOLVER.findall(text):
        if mark != ":" or name != "oc.env":
            raise ConfigError(f"{where}: ${{{name or '${'}...}} is not read here; use ${{key}} or ${{oc.env:NAME}}")


def _check_shape(text: str, label: str) -> None:
    depth = aliases = 0
    for event in yaml.parse(text, _Loader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        where = f"{label}:{line}"
        if depth > MAX_DEPTH:
            raise ConfigError(f"{where}: nested deeper than {MAX_DEPTH} levels; flatten it")
        if aliases > MAX_ALIASES:
            raise ConfigError(f"{where}: more than {MAX_ALIASES} aliases (*name); use ${{key}} instead")


def _fill(layer: Layer, loader: _Loader, root: yaml.Node) -> None:
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{layer.label}:1 is no mapping; write lines of `key: value`")
    budget = iter(range(MAX_VALUES))
    layer.data = _mapping(layer, loader, root, (), budget)


def _mapping(
    layer: Layer, loader: _Loader, node: yaml.MappingNode, path: Path_, budget: Iterator[int]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        where = f"{layer.label}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
            raise ConfigError(f"{where}: a key is a plain word; merge keys (<<) are not read, use ${{key}}")
        key = str(key_node.value)
        if key in found:
            raise ConfigError(f"{where}: {'.'.join((*path, key))} stands twice in this file; keep one")
        layer.origins[(*path, key)] = where
        found[key] = _value(layer, loader, value_node, (*path, key), budget)
    return found


def _value(layer: Layer, loader: _Loader, node: yaml.Node, path: Path_, budget: Iterator[int]) -> Any:
    where = f"{layer.label}:{node.start_mark.line + 1}"
    if next(budget, None) is None or len(path) > MAX_DEPTH:
        raise ConfigError(f"{where}: aliases unfold to too much; write the values out")
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTIONS:
        raise ConfigError(f"{'.'.join(path)} ({where}): {node.tag} is no plain value; leave the tag out")
    if isinstance(node, yaml.MappingNode):
        return _mapping(layer, loader, node, path, budget)
    if isinstance(node, yaml.SequenceNode):
        return [_value(layer, loader, each, (*path, str(i)), budget) for i, each in enumerate(node.value)]
    value = loader.construct_object(node)
    if isinstance(value, str):
        check_text(value, f"{'.'.join(path)} ({where})")
    elif not isinstance(value, bool | int | float | None):
        raise ConfigError(f"{'.'.join(path)} ({where}): {node.tag} is no plain value; quote it as text")
    return value
