"""Tasks: dataset rows, checked, from a file that is never read whole.

`Task` is the row model that environments extend; `load` turns whatever a user calls a dataset into `Tasks`, a
lazy sequence. A bad row is refused with file, line, field and reason. What a row's prompt may hold is in
`schemas.py`.
"""

from __future__ import annotations

import json
import os
import re
import stat
import weakref
from abc import abstractmethod
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, cast, overload

import msgspec
import numpy as np
import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import Item, message, scrub
from gym_llm.schemas import create_params_problem

Row = dict[str, Any]
_CHUNK = 1 << 24
_SELECTION = ("path", "start", "stop", "step", "repeats")
_UNKNOWN = re.compile(r"unexpected keyword argument '(\w+)'")


def _create_params(value: Any) -> Any:
    if problem := create_params_problem(value):
        raise PydanticCustomError("create_params", "{reason}", {"field": problem[0], "reason": problem[1]})
    return value


class Task(pydantic.BaseModel):
    """One dataset row: the Responses create call that opens the episode, and the environment's own fields.

    Environments extend it with the fields that their verifier reads. Fields that no one declared are kept.

    >>> Task.model_validate({"responses_create_params": {"input": "Hello"}, "id": 7}).id
    7
    """

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    responses_create_params: Annotated[Any, pydantic.AfterValidator(_create_params)]

    @property
    def prompt(self) -> list[Item]:
        """The input items; a string input is one user message."""
        given = self.responses_create_params["input"]
        return [message(given)] if isinstance(given, str) else list(given)

    @property
    def create_params(self) -> dict[str, Any]:
        """All of the create call but `input`, without the keys that are null."""
        return {k: v for k, v in self.responses_create_params.items() if k != "input" and v is not None}


Dataset = str | os.PathLike[str] | Sequence[Row | Task] | Mapping[str, Any]


class Tasks(Sequence[Task]):
    """A lazy sequence of tasks.

    Attributes:
        model: The row model.
        source: Where the rows come from, for messages.
    """

    model: type[Task]
    source: str

    def row(self, index: int) -> Row:
        """Return the raw row.

        Raises:
            IndexError: Naming the valid indices.
            TaskError: When the line is not one JSON object.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"task_index {index} is outside 0..{len(self) - 1} of {self.source}")
        return self._row(index % len(self))

    @abstractmethod
    def _row(self, index: int) -> Row: ...

    def line(self, index: int) -> int:
        """Return the row's line number in its file, from 1."""
        return index + 1

    def task(self, row: Row, line: int = 1) -> Task:
        """Check a row.

        Raises:
            TaskError: With line, field and reason.
        """
        try:
            return self.model.model_validate(row)
        except pydantic.ValidationError as error:
            field, reason = _first_problem(error)
            raise TaskError(self.source, line, field, reason) from None

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Tasks: ...
    def __getitem__(self, index: int | slice) -> Task | Tasks:
        if isinstance(index, slice):
            return SelectedTasks(self, range(len(self))[index])
        return self.task(self.row(index), self.line(index))

    def __iter__(self) -> Iterator[Task]:
        return (self[index] for index in range(len(self)))

    def repeated(self, times: int) -> Tasks:
        """Return each task `times` times in a row: a, a, b, b, ..."""
        return SelectedTasks(self, range(len(self)), times)


class FileTasks(Tasks):
    """Tasks of a JSONL file: only the offsets of its lines are held, 16 bytes a row."""

    def __init__(self, path: str | os.PathLike[str], model: type[Task] = Task) -> None:
        self.model, self.source = model, str(path)
        try:
            status = os.stat(path)  # noqa: PTH116 - each of thousands of environments looks
        except OSError as error:
            raise ConfigError(f"dataset {self.source!r}: {error.strerror}; give the path of a JSONL file") from None
        if stat.S_ISDIR(status.st_mode):
            raise ConfigError(f"dataset {self.source!r} is a folder; give the path of a JSONL file")
        self._index = _index(os.path.abspath(path), status.st_size, status.st_mtime_ns)  # noqa: PTH100 - as above
        if not self._index.numbers:
            raise ConfigError(f"dataset {self.source!r} holds no task: every line is empty")

    def __len__(self) -> int:
        return len(self._index.numbers)

    def __reduce__(self) -> tuple[Any, ...]:
        return FileTasks, (self.source, self.model)

    def line(self, index: int) -> int:
        """Return the line number that was found while indexing."""
        return self._index.numbers[index]

    def _row(self, index: int) -> Row:
        return parse_row(self._index.read(index), self.source, self._index.numbers[index])


class ListTasks(Tasks):
    """Tasks of rows in memory."""

    def __init__(self, rows: Sequence[Row | Task], model: type[Task] = Task, source: str = "dataset") -> None:
        if not rows:
            raise ConfigError(f"{source} holds no task: the list is empty")
        self._rows, self.model, self.source = rows, model, source

    def __len__(self) -> int:
        return len(self._rows)

    def _row(self, index: int) -> Row:
        row = self._rows[index]
        return row.model_dump() if isinstance(row, Task) else row


class GeneratedTasks(Tasks):
    """Tasks made by an environment's `generate`, each from its own random stream."""

    def __init__(
        self, generate: Callable[..., Row], model: type[Task] = Task, *,
        num_tasks: int = 1000, seed: int = 0, **knobs: Any,
    ) -> None:  # fmt: skip
        self.model, self.source = model, f"generated tasks (seed {seed})"
        self._generate, self._num_tasks, self._seed, self._knobs = generate, num_tasks, seed, knobs
        if num_tasks < 1:
            raise ConfigError(f"num_tasks={num_tasks}: generate at least 1 task")

    def __len__(self) -> int:
        return self._num_tasks

    def _row(self, index: int) -> Row:
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, index, 0x7A5C]))
        try:
            return self._generate(rng, **self._knobs)
        except TypeError as error:
            unknown = _UNKNOWN.search(str(error))
            if unknown and unknown[1] in self._knobs:
                cure = "the environment's page, or gym-llm show, names them under Tasks"
                raise ConfigError(f"the generator has no setting {unknown[1]!r}; {cure}") from error
            if self._knobs:
                raise ConfigError(f"generator settings {self._knobs}: {error}") from error
            raise


class SelectedTasks(Tasks):
    """Some tasks of another sequence, each perhaps several times."""

    def __init__(self, base: Tasks, indices: range, repeats: int = 1) -> None:
        self._base, self._indices, self._repeats = base, indices, repeats
        self.model, self.source = base.model, base.source
        if not len(self):
            raise ConfigError(f"no task is left of the {len(base)} of {base.source}")

    def __len__(self) -> int:
        return len(self._indices) * self._repeats

    def _row(self, index: int) -> Row:
        return self._base.row(self._indices[index // self._repeats])

    def line(self, index: int) -> int:
        """Return the base's line number."""
        return self._base.line(self._indices[index // self._repeats])


def load(dataset: Dataset, model: type[Task] = Task, generate: Callable[..., Row] | None = None) -> Tasks:
    """Return the tasks of a dataset.

    Args:
        dataset: A JSONL file's path; rows; a selection `{"path": ..., "start": 0, "stop": 100, "step": 1,
            "repeats": 2}`; or a generator's settings `{"num_tasks": 1000, "seed": 0, **knobs}`.
        model: The row model.
        generate: Makes one row from a random generator and the knobs.

    Raises:
        ConfigError: When there is no such file, no row, or no generator.
    """
    if isinstance(dataset, Tasks):
        return dataset
    if isinstance(dataset, str | os.PathLike):
        return FileTasks(dataset, model)
    if not isinstance(cast(Any, dataset), Mapping | Sequence):
        raise ConfigError(f"dataset={dataset!r}: give a file's path, a list of rows, or a mapping of settings")
    if not isinstance(dataset, Mapping):
        return ListTasks(dataset, model)
    if "path" in dataset:
        if unknown := dataset.keys() - _SELECTION:
            cure = f"beside path there may stand {', '.join(_SELECTION[1:])}"
            raise ConfigError(f"dataset has no setting {min(unknown)!r}; {cure}")
        return _selection(model, **dataset)
    if generate is None:
        raise ConfigError("this environment generates no tasks; give dataset= the path of a JSONL file")
    return GeneratedTasks(generate, model, **dataset)


def _selection(
    model: type[Task], path: str, start: int = 0, stop: int | None = None, step: int = 1, repeats: int = 1
) -> Tasks:
    tasks: Tasks = FileTasks(path, model)
    return SelectedTasks(tasks, range(len(tasks))[start:stop:step], repeats)


def parse_row(line: bytes, source: str, number: int) -> Row:
    """Parse one line of JSON.

    Raises:
        TaskError: When it is not one JSON object.
    """
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        row = _parse_slowly(line, source, number)
    except RecursionError:
        raise TaskError(source, number, "", "nested too deeply") from None
    if not isinstance(row, dict):
        raise TaskError(source, number, "", f"expected a JSON object, got {type(row).__name__}")
    return row


def _parse_slowly(line: bytes, source: str, number: int) -> Any:
    """Accept what is JSON but not UTF-8 text (escaped lone surrogates), and say well what is not JSON."""
    try:
        return scrub(json.loads(line.decode("utf-8-sig")), max_depth=900)
    except UnicodeDecodeError as error:
        raise TaskError(source, number, "", f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise TaskError(source, number, "", "nested too deeply") from None
    except ValueError as error:
        raise TaskError(source, number, "", f"not JSON: {error}") from None


class _Index:
    """Where the lines of an open file are: its descriptor is shared by all who read it, in any thread.

    Attributes:
        numbers: Line numbers of the lines that hold something.
    """

    def __init__(self, path: Path) -> None:
        self._offsets, self.numbers = array("Q"), array("Q")
        with path.open("rb", buffering=_CHUNK) as file:
            start = 0
            for number, line in enumerate(file, start=1):
                if not line.isspace():
                    self._offsets.extend((start, start + len(line)))
                    self.numbers.append(number)
                start += len(line)
            self._fd = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._fd)

    def read(self, index: int) -> bytes:
        """Return one line."""
        start, stop = self._offsets[2 * index], self._offsets[2 * index + 1]
        return os.pread(self._fd, stop - start, start)


@lru_cache(maxsize=16)
def _index(path: str, size: int, changed_ns: int) -> _Index:
    return _Index(Path(path))


def _first_problem(error: pydantic.ValidationError) -> tuple[str, str]:
    problem = error.errors(include_url=False, include_input=True)[0]
    path = list(map(str, problem["loc"]))
    if problem["type"] == "create_params" and problem["ctx"]["field"]:
        path.append(problem["ctx"]["field"])
    shown = "" if problem["type"] in ("missing", "create_params") else f" (got {problem['input']!r:.80})"
    return ".".join(path), problem["msg"] + shown


def bundled(owner: type, name: str) -> Path:
    """Return the path of a data file beside a class's module."""
    import inspect

    return Path(inspect.getfile(owner)).parent / "data" / name
