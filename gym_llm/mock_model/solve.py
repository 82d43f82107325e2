"""Answers by the reference solutions of environments: the mock model that always gets it right.

A conversation is matched to its task by its beginning, which is the task's first observation; the turn is
counted in what follows. Nothing is kept per conversation, so any number may run at once and in any order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium

from gym_llm.core import ResponsesEnv
from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import Item, message, message_text
from gym_llm.mock_model.conversation import essence, turn_number
from gym_llm.mock_model.model_call import Request
from gym_llm.seeds import drawn

_CACHED_SOLUTIONS = 4096

Solution = list[list[Item]]


class SolveAnswers:
    """Answers every conversation of some environments by `solve`.

    The index from first observations to tasks is built as far as it is needed: a conversation that is not in it
    reads on through the tasks until it is found. It holds some 150 bytes a task. Of tasks with the same first
    observation the first one's solution is given.

    Args:
        sources: Environment ids with their keyword arguments for `gymnasium.make`.
        seed: Of the collection that asks. Without it tasks are known whose first observation is the same in each
            episode.

    Raises:
        ConfigError: No source is given, or one has no reference solutions.
        gymnasium.error.Error: There is no such environment.
    """

    def __init__(self, sources: Sequence[tuple[str, Mapping[str, Any]]], seed: int | None = None) -> None:
        if not sources:
            raise ConfigError("SolveAnswers needs at least one environment id")
        self._names = [name for name, _ in sources]
        self._envs = [_made(name, kwargs) for name, kwargs in sources]
        self._seed = seed
        self._tasks: dict[bytes, tuple[int, int]] = {}
        self._lengths: set[int] = set()
        self._unread = self._read()
        self._solutions: dict[tuple[int, int], Solution] = {}

    def __call__(self, request: Request) -> Sequence[Item]:
        """Return the next action of the conversation's reference solution.

        Raises:
            ModelError: With status 400: the conversation begins like no task, or goes on after the last action.
        """
        found = self._find(request)
        if found is None:
            raise _refused(self._unknown(request))
        task, length = found
        solution = self._solution(task)
        turn = turn_number(solution, request.input[length:])
        if turn >= len(solution):
            raise _refused(
                f"solve() of {self._names[task[0]]} gives {len(solution)} actions for task {task[1]} and turn "
                f"{turn} (from 0) was asked for. Make solve() return one action per turn."
            )
        return solution[turn]

    def _find(self, request: Request) -> tuple[tuple[int, int], int] | None:
        """Return the task and the length of its first observation, reading on through the tasks if need be."""
        digests = list(_digests(request.input))
        found = self._longest(digests)
        wanted = {digest: length for length, digest in enumerate(digests, start=1)}
        while found is None:
            added = next(self._unread, None)
            if added is None:
                return None
            for digest in added:
                if digest in wanted:
                    found = self._tasks[digest], wanted[digest]
        return found

    def _longest(self, digests: list[bytes]) -> tuple[tuple[int, int], int] | None:
        for length in sorted(self._lengths, reverse=True):
            if length <= len(digests) and digests[length - 1] in self._tasks:
                return self._tasks[digests[length - 1]], length
        return None

    def _read(self) -> Iterator[list[bytes]]:
        """Index the tasks one by one, giving the digests that stand for each."""
        for number, env in enumerate(self._envs):
            for index in range(len(env.unwrapped.tasks)):
                observation, info = self._reset(env, index)
                yield [
                    self._add(form, (number, index))
                    for form in _forms(observation, info["responses_create_params"].get("instructions"))
                ]

    def _add(self, items: Sequence[Item], task: tuple[int, int]) -> bytes:
        digest = b""
        for digest in _digests(items):  # noqa: B007 - the last one stands for all items
            pass
        self._tasks.setdefault(digest, task)
        self._lengths.add(len(items))
        return digest

    def _solution(self, task: tuple[int, int]) -> Solution:
        known = self._solutions.get(task)
        if known is None:
            env = self._envs[task[0]]
            self._reset(env, task[1])
            known = env.unwrapped.solve(env.unwrapped.task)
            if len(self._solutions) >= _CACHED_SOLUTIONS:
                del self._solutions[next(iter(self._solutions))]
            self._solutions[task] = known
        return known

    def _reset(self, env: Any, index: int) -> tuple[list[Item], dict[str, Any]]:
        seed = None if self._seed is None else drawn(self._seed, index, 0, 1)[0]
        began: tuple[list[Item], dict[str, Any]] = env.reset(seed=seed, options={"task_index": index})
        return began

    def _unknown(self, request: Request) -> str:
        start = essence(request.input[0])[1][:40] if request.input else ""
        names = ", ".join(self._names[:3]) + (" ..." if len(self._names) > 3 else "")
        return (
            f"The conversation begins like none of the {len(self._tasks)} tasks of {names}: {start!r}... Start the "
            'mock model with what is collected from: solve=[{"id": ..., "kwargs": {"dataset": ...}}], and with '
            "solve_seed= the collection's seed when prompts are drawn."
        )


def _made(name: str, kwargs: Mapping[str, Any]) -> Any:
    env: gymnasium.Env[Any, Any] = gymnasium.make(name, disable_env_checker=True, **kwargs)
    if not isinstance(env.unwrapped, ResponsesEnv):
        raise ConfigError(f"{name} is no ResponsesEnv: the mock model can only answer by its solve()")
    return env


def _digests(items: Sequence[Item]) -> Iterator[bytes]:
    """Give for each item a digest of the conversation up to and with it."""
    running = hashlib.blake2b(digest_size=12)
    for item in items:
        kind, text = essence(item)
        raw = text.encode("utf-8", "surrogatepass")
        running.update(b"%b %d\n%b" % (kind.encode(), len(raw), raw))
        yield running.copy().digest()


def _forms(observation: Sequence[Item], instructions: str | None) -> Iterator[Sequence[Item]]:
    """Give the ways in which clients send a first observation.

    Chat clients put the instructions into one system message, together with leading system messages.
    """
    yield observation
    if instructions:
        rest = next((n for n, item in enumerate(observation) if not _is_system(item)), len(observation))
        texts = [instructions, *map(message_text, observation[:rest])]
        yield [message("\n\n".join(texts), "system"), *observation[rest:]]


def _is_system(item: Item) -> bool:
    return item.get("role") in ("system", "developer")


def _refused(text: str) -> ModelError:
    return ModelError(text, kind="bad_request", status=400)
