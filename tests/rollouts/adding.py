"""A small environment for the tests of collection: adds two numbers, and breaks where its rows say so."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import time
from pathlib import Path
from typing import Any, ClassVar

import gymnasium

from gym_llm import ResponsesEnv, Task, Verification, tool
from gym_llm.errors import ModelError
from gym_llm.items import assistant_message, function_call

Row = dict[str, Any]


class AddingTask(Task):
    """Two numbers, and what goes wrong."""

    a: int
    b: int
    trouble: str = ""


class Adding(ResponsesEnv):
    """Adds two numbers with a tool or without."""

    Task: ClassVar[type[Task]] = AddingTask
    examples = "adding.jsonl"
    alive: ClassVar[int] = 0

    def begin(self, task: AddingTask) -> Any:
        """Break as the row says."""
        if task.trouble == "segfault":
            ctypes.string_at(0)
        if task.trouble == "leave":
            os._exit(7)
        if task.trouble == "hang":
            while True:
                time.sleep(3600)
        if task.trouble == "wait":
            return asyncio.sleep(3600)
        if task.trouble == "crash":
            raise RuntimeError(f"cannot begin {task.a}")
        if task.trouble == "exit":
            raise SystemExit(3)
        if task.trouble == "leak":
            raise RuntimeError(f"refused: Bearer {os.environ['ADDING_KEY']}")
        if task.trouble == "once":
            mark = Path(os.environ["ADDING_MARKS"]) / str(task.a)
            if not mark.exists():
                mark.touch()
                raise ValueError("the first attempt fails")
        return None

    @tool
    async def add(self, a: int, b: int) -> int:
        """Add two numbers.

        Args:
            a: The first.
            b: The second.
        """
        await asyncio.sleep(0)
        return a + b

    def verify(self, task: AddingTask, episode: Any) -> Verification:
        """Compare the last message with the sum."""
        if task.trouble == "verify":
            raise LookupError("no verdict")
        given = episode.last_message.strip()
        right = given == str(task.a + task.b)
        return Verification(float(right), distance=abs(int(given or 0) - task.a - task.b), given=given)

    def solve(self, task: AddingTask) -> list[list[dict[str, Any]]]:
        """Call the tool, then answer."""
        call = function_call("add", {"a": task.a, "b": task.b})
        return [[call], [assistant_message(str(task.a + task.b))]]


class Blocking(Adding):
    """Blocks its thread in every step."""

    blocking = True

    def verify(self, task: AddingTask, episode: Any) -> Verification:
        """Sleep first."""
        time.sleep(0.1)
        return super().verify(task, episode)


for _class in (Adding, Blocking):
    if f"adding/{_class.__name__}-v0" not in gymnasium.registry:  # imported under two names by pytest
        gymnasium.register(f"adding/{_class.__name__}-v0", entry_point=_class, kwargs={"dataset": None})


def row(a: int, b: int = 1, **fields: Any) -> Row:
    """One dataset row."""
    return {"responses_create_params": {"input": f"What is {a} + {b}?"}, "a": a, "b": b, **fields}


def write_rows(path: Path, rows: list[Row]) -> Path:
    """Write a dataset."""
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path


def answer(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A policy that can add."""
    words = observation[0]["content"].strip("?").split()
    return [assistant_message(str(int(words[2]) + int(words[4])))]


async def slow_answer(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, after some milliseconds."""
    await asyncio.sleep(float(os.environ.get("ADDING_SECONDS", "0.02")))
    return answer(observation)


async def never_after_40(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same for the first 40 tasks; the others wait for ever."""
    if int(observation[0]["content"].strip("?").split()[2]) >= 40:
        await asyncio.sleep(3600)
    return answer(observation)


async def slow_adding(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, with the tool first."""
    await asyncio.sleep(0.02)
    if len(observation) == 1:
        words = observation[0]["content"].strip("?").split()
        return [function_call("add", {"a": int(words[2]), "b": int(words[4])}, f"call_{words[2]}")]
    return answer(observation)


async def revoked(observation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, until the fiftieth task."""
    if int(observation[0]["content"].split()[2]) >= 50:
        raise ModelError("401: wrong key", kind="auth", status=401, fatal=True)
    return await slow_answer(observation)
