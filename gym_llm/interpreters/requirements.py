"""Requirements as users write them, checked and brought to one form, so that equal ones have equal text.

Each is one requirement of the packaging standard (PEP 508). A file's options are refused but `-r` and `--hash`:
where packages come from is uv's or pip's own configuration. Nothing is resolved or installed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from gym_llm.errors import ConfigError

Requirements = Sequence[str] | str | os.PathLike[str]

_HASH = re.compile(r"\s+--hash[= ](\S+)")
_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDE = re.compile(r"(?:-r|--requirement)(?:\s+|=)(\S.*)")
_MAX_DEPTH = 16


def read(requirements: Requirements | None) -> tuple[str, ...]:
    """Return the normalised requirements, sorted, each once; gym-llm itself is left out, it is always this one.

    Args:
        requirements: A list of requirement strings, or the path of a requirements file.

    Raises:
        ConfigError: One cannot be used, or the file cannot be read.

    >>> read(["Math_Verify == 0.8.0", "numpy<3,>=2", "math-verify==0.8.0"])
    ('math-verify==0.8.0', 'numpy<3,>=2')
    """
    if requirements is None:
        return ()
    if isinstance(requirements, str | os.PathLike):
        lines = list(_lines(Path(requirements).expanduser(), _MAX_DEPTH))
    else:
        lines = [(line, "requirements") for line in requirements]
    parsed = (_normalised(line, source) for line, source in lines)
    return tuple(sorted({text for text in parsed if name(text) != "gym-llm"}))


def name(requirement: str) -> str:
    """Return the package that a normalised requirement names.

    >>> name("math-verify[antlr4]==0.8.0")
    'math-verify'
    """
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def local_files(requirements: Sequence[str]) -> tuple[str, ...]:
    """Return the state (size in bytes, modification time in ns) of the local files that requirements point at."""
    files = [Path(file) for file in map(_local, requirements) if file]
    return tuple(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)


def _lines(path: Path, depth: int) -> Iterator[tuple[str, str]]:
    """Yield (requirement, where it stands) of a file and of those that it includes with -r."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        one = f"; for one requirement, give a list: [{str(path)!r}]" if _is_requirement(str(path)) else ""
        raise ConfigError(f"requirements={str(path)!r}: there is no such file{one}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"requirements={str(path)!r} cannot be read: {error}") from error
    if not depth:
        raise ConfigError(f"requirements={str(path)!r}: files include each other with -r")
    for number, line in enumerate(_joined(text).split("\n"), start=1):
        line = _COMMENT.sub("", line).strip()
        if include := _INCLUDE.fullmatch(line):
            yield from _lines(path.parent / include[1], depth - 1)
        elif line:
            yield line, f"{path}:{number}"


def _joined(text: str) -> str:
    """Join lines that end in a backslash with the next, keeping the line numbers of what follows."""
    return re.sub(r"((?:[^\n]*\\\n)+)([^\n]*)", lambda m: m[0].replace("\\\n", " ") + "\n" * m[1].count("\n"), text)


def _normalised(line: object, source: str) -> str:
    if not isinstance(line, str):
        raise ConfigError(f"{source}: {line!r} is not a requirement string such as 'math-verify==0.8.0'")
    if line.lstrip().startswith("-"):
        cure = "uv or pip reads indexes and the like from its own configuration"
        raise ConfigError(f"{source}: the option {line!r} is not supported; {cure}")
    text = _HASH.sub("", line)
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        cure = "; for a local wheel write 'name @ file:///folder/file.whl'" if "/" in text else ""
        raise ConfigError(f"{source}: {line!r} is not a requirement: {str(error).splitlines()[0]}{cure}") from error
    requirement.name = canonicalize_name(requirement.name)
    _check_local(str(requirement), source)
    return " ".join([str(requirement), *(f"--hash={digest}" for digest in sorted(_HASH.findall(line)))])


def _is_requirement(text: str) -> bool:
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def _local(requirement: str) -> str | None:
    """Return the path that a requirement names with a file: URL."""
    url = urlsplit(Requirement(_HASH.sub("", requirement)).url or "")
    return unquote(url.path) if url.scheme == "file" else None


def _check_local(requirement: str, source: str) -> None:
    """Refuse a folder: what it holds changes while its name stays, so that the cache could not tell."""
    file = _local(requirement)
    if file is not None and not Path(file).is_file():
        state = "is a folder; build a wheel of it" if Path(file).is_dir() else "does not exist"
        raise ConfigError(f"{source}: {requirement!r}: {file} {state}")
