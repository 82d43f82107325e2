"""Verdicts kept on disk by their content: one small JSON file each, written whole or not at all.

Several processes may share a folder. A file that cannot be read is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gym_llm.errors import ConfigError
from gym_llm.items import scrub

_FORMAT = 1
_OF_TRANSPORT = frozenset({"api_key_env", "azure_ad_token_env", "max_attempts", "max_body", "max_in_flight", "timeout"})


class Cache:
    """A folder of verdicts of one policy by one template.

    Args:
        folder: Made when it is missing.
        policy: The policy's spec; how it is reached, and not what it answers, is left out of the keys.
        template: The template's spec.

    Raises:
        ConfigError: The folder cannot be made, or the spec does not tell the policy from another one.
    """

    def __init__(self, folder: str | Path, policy: Mapping[str, Any], template: Mapping[str, Any]) -> None:
        if policy.get("type") == "callable" and "<" in str(policy.get("target")):
            raise ConfigError(
                f"cache={str(folder)!r}: the judge calls {policy['target']}, which no name tells from others; give "
                "a function at the top level of a module"
            )
        try:
            self._folder = Path(folder)
            self._folder.mkdir(parents=True, exist_ok=True)
        except (OSError, TypeError, ValueError) as error:
            fact = getattr(error, "strerror", None) or error
            raise ConfigError(f"cache={str(folder)!r}: {fact}; give a folder that can be written") from None
        self._begun = hashlib.sha256(_plain([_FORMAT, _essence(policy), template]))

    def find(self, parts: Mapping[str, str], labels: tuple[str, ...]) -> tuple[str, str] | None:
        """Return the label and the reply that are kept for some parts, or None."""
        path, _ = self._place(parts)
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return (kept.label, kept.reply) if kept.label in labels else None

    def keep(self, parts: Mapping[str, str], label: str, reply: str) -> None:
        """Keep a verdict. A disk that is full costs the next call, not this one."""
        path, folder = self._place(parts)
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.json.encode(_Kept(label, reply)))
                Path(temporary).replace(path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _place(self, parts: Mapping[str, str]) -> tuple[Path, Path]:
        digest = self._begun.copy()
        digest.update(_plain(list(parts.items())))
        name = digest.hexdigest()
        folder = self._folder / name[:2]
        return folder / f"{name[2:]}.json", folder


class _Kept(msgspec.Struct):
    label: str
    reply: str


def _essence(spec: Any) -> Any:
    """Return a policy's spec without what only says how it is reached."""
    if isinstance(spec, Mapping):
        return {key: _essence(value) for key, value in spec.items() if key not in _OF_TRANSPORT}
    return [_essence(value) for value in spec] if isinstance(spec, list | tuple) else spec


def _plain(value: Any) -> bytes:
    return msgspec.json.encode(scrub(value), order="sorted")
