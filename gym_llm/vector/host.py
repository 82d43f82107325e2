"""The inside of a worker of the vector engine: messages to its environments, and their answers.

Whatever an environment raises becomes an answer. An environment that awaits lets the others go on; one that blocks
is given a thread.
"""

from __future__ import annotations

import asyncio
import functools
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from gymnasium.vector import AutoresetMode

from gym_llm import bridge
from gym_llm.errors import is_fatal
from gym_llm.items import scrub_text
from gym_llm.vector.hosted import HostedEnv, MakeEnv
from gym_llm.workers.page import Page
from gym_llm.workers.serve import Reply

OK, ERROR = 0, 1
_TRACEBACK_CHARS = 6000


@dataclass(frozen=True, slots=True)
class HostFactory:
    """What a worker needs to make its host; travels there.

    Attributes:
        make_envs: What makes each environment, by its index.
        autoreset: The autoreset mode's value.
        allow_pickle: Whether foreign values are pickled on the way to the driver.
    """

    make_envs: Mapping[int, MakeEnv]
    autoreset: str
    allow_pickle: bool

    def __call__(self, page: Page) -> Host:
        """Return the host; called in the worker."""
        return Host(self, page)


class Host:
    """The environments of one worker."""

    def __init__(self, factory: HostFactory, page: Page) -> None:
        self._factory, self._page = factory, page
        self._envs: dict[int, HostedEnv] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._waiting: dict[int, deque[tuple[list[Any], Reply]]] = {}

    def handle(self, message: list[Any], reply: Reply) -> Coroutine[Any, Any, None] | None:
        """Act on [operation, environment, sequence number, payload]; one after another per environment."""
        index = message[1]
        if index in self._waiting:
            self._waiting[index].append((message, reply))
            return None
        env = self._envs.get(index)
        if env is not None and env.plain:
            self._at_once(env, message, reply)
            return None
        work = self._begin(message, reply)
        if work is None:
            return None
        self._waiting[index] = deque()
        return self._finish(message, reply, work)

    def _at_once(self, env: HostedEnv, message: list[Any], reply: Reply) -> None:
        """Do what neither awaits nor blocks, without any of what those need."""
        operation, index, number, payload = message
        try:
            result = env.step(payload) if operation == "step" else _OPERATIONS[operation](env, payload)
            reply((index, number, OK, result))
        except (Exception, SystemExit) as error:  # boundary: it is the environment's, and travels as an answer
            reply((index, number, ERROR, described(error)))

    def _begin(self, message: list[Any], reply: Reply) -> Awaitable[Any] | None:
        """Begin what a message asks for; return what has to be awaited for its result, or None when it is answered."""
        operation, index, number, payload = message
        try:
            env = self._env(index)
            work = functools.partial(_OPERATIONS[operation], env, payload)
            if env.blocking and operation in ("reset", "step", "replay"):
                return self._in_thread(work)
            if not env.awaits:
                reply((index, number, OK, work()))
                return None
            call = bridge.start(work)
            if not call.finished:
                return call
            reply((index, number, OK, call.result()))
        except (Exception, SystemExit) as error:  # boundary: as above
            reply((index, number, ERROR, described(error)))
        return None

    async def _finish(self, message: list[Any], reply: Reply, work: Awaitable[Any] | None) -> None:
        """Await an environment's work, then do what was asked of it meanwhile."""
        index = message[1]
        waiting = self._waiting[index]
        while True:
            if work is not None:
                number = message[2]
                try:
                    reply((index, number, OK, await work))
                except (Exception, SystemExit) as error:  # boundary: as above
                    reply((index, number, ERROR, described(error)))
            if not waiting:
                break
            message, reply = waiting.popleft()
            work = self._begin(message, reply)
        del self._waiting[index]

    def close(self) -> None:
        """Close the environments."""
        for env in self._envs.values():
            try:
                env.env.close()
            except Exception:  # boundary: nobody is left to be told
                traceback.print_exc()

    def _env(self, index: int) -> HostedEnv:
        if index not in self._envs:
            mode = AutoresetMode(self._factory.autoreset)
            self._envs[index] = HostedEnv(self._factory.make_envs[index], mode, self._factory.allow_pickle)
        return self._envs[index]

    def _in_thread(self, work: Callable[[], Any]) -> Awaitable[Any]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max(len(self._factory.make_envs), 1), "gym-llm-env")
        return asyncio.get_running_loop().run_in_executor(self._threads, work)


def described(error: BaseException) -> dict[str, Any]:
    """Return an exception as plain data: type, message, where it is defined, traceback; `fatal` as in the core."""
    kind = type(error)
    fatal = {"fatal": True} if is_fatal(error) else {}
    return {
        "type": kind.__name__, "message": scrub_text(str(error)), "kind": "environment", "module": kind.__module__,
        "traceback": scrub_text("".join(traceback.format_exception(error)))[-_TRACEBACK_CHARS:],
        **fatal,
    }  # fmt: skip


def _spaces(env: HostedEnv, payload: list[Any]) -> list[bool]:
    from gymnasium.spaces.utils import is_space_dtype_shape_equiv

    mode, observation_space, action_space = payload
    same = env.env.observation_space == observation_space if mode == "same" else is_space_dtype_shape_equiv(
        env.env.observation_space, observation_space
    )  # fmt: skip
    return [bool(same), bool(env.env.action_space == action_space)]


_OPERATIONS: dict[str, Callable[[HostedEnv, Any], Any]] = {
    "reset": lambda env, payload: env.reset(*payload),
    "step": lambda env, payload: env.step(payload),
    "replay": lambda env, payload: env.replay(*payload),
    "call": lambda env, payload: env.call(*payload),
    "set": lambda env, payload: env.set(*payload),
    "spaces": _spaces,
}
