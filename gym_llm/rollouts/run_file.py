"""`<stem>_run.json`: the settings of a collection, so that a resume with other settings is refused.

Only what changes the rows counts. How the model is reached (address, time limits, requests in flight) does not;
taking more tasks or more repeats is a continuation. Secrets are never in it: a policy's specification has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gym_llm.errors import OutputError
from gym_llm.journal.rows import encode
from gym_llm.tasks import FileTasks, ListTasks, Tasks

Settings = dict[str, Any]
_GROWING = ("limit", "num_repeats")
_REACHING = frozenset({
    "api_key", "api_key_env", "azure_ad_token_env", "azure_endpoint", "base_url", "cooldown", "max_attempts",
    "max_body", "max_in_flight", "routing", "timeout",
})  # fmt: skip
_SAMPLE = 1000
_ABSENT = "(not set)"


def write_settings(path: Path, settings: Settings) -> None:
    """Write the settings, all or nothing."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(msgspec.json.format(encode(settings), indent=2) + b"\n")
    temporary.replace(path)


def read_settings(path: Path) -> Settings | None:
    """Return the settings of an earlier run, or None when there was none.

    Raises:
        OutputError: If the file cannot be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise OutputError(f"{path} cannot be read ({error}); start again with overwrite=True") from error


def refuse_changes(path: Path, old: Settings, new: Settings) -> None:
    """Refuse to continue a collection whose rows would now come out differently.

    Raises:
        OutputError: Naming each changed setting, with its old and its new value.
    """
    before, after = dict(_flat(old)), dict(_flat(new))
    changed = [
        f"  {key}: {before.get(key, _ABSENT)!r} -> {after.get(key, _ABSENT)!r}"
        for key in sorted(before.keys() | after.keys())
        if _matters(key) and not _same(key, before.get(key, _ABSENT), after.get(key, _ABSENT))
    ]
    if changed:
        raise OutputError(
            f"cannot continue: settings have changed since {path} was written\n" + "\n".join(changed)
            + "\nGive the old values, another output, or overwrite=True to start again."
        )  # fmt: skip


def _matters(key: str) -> bool:
    first, *rest = key.split(".")
    if first == "input":
        return rest == ["sha256"]
    return first not in ("created", "concurrency") and not (first == "policy" and rest and rest[0] in _REACHING)


def _same(key: str, before: Any, after: Any) -> bool:
    if key in _GROWING:
        return bool(after is None or (before is not None and after >= before))
    return bool(before == after)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def fingerprint(tasks: Tasks) -> str:
    """Return the SHA-256 of a dataset, in hexadecimal: of the file's bytes, or of the rows.

    Of tasks that are generated or selected, whose making is in the environment's settings, the first 1,000 count.
    """
    if isinstance(tasks, FileTasks):
        with Path(tasks.source).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    count = len(tasks) if isinstance(tasks, ListTasks) else min(len(tasks), _SAMPLE)
    digest = hashlib.sha256(b"%d\n" % len(tasks))
    for index in range(count):
        digest.update(encode(tasks.row(index)) + b"\n")
    return digest.hexdigest()
