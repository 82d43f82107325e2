"""The contract: `ResponsesEnv`, a Gymnasium environment whose observations and actions are lists of items.

An environment is tools, a verifier and per-episode state. This class runs the episode around them: it draws the
task, runs every tool call, keeps the conversation append-only, applies the budgets and verifies. It calls no
model: that is a policy's work.
"""

from __future__ import annotations

import inspect
import math
import traceback
from collections.abc import Mapping
from typing import Any, ClassVar, Self, cast

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding

from gym_llm import actions, bridge, calls, settings
from gym_llm import tasks as rows
from gym_llm.episode import EndReason, Episode, ToolCall, Verification
from gym_llm.errors import ConfigError, DefinitionError, VerifierError, did_you_mean, is_fatal
from gym_llm.items import Action, Item, function_call_output, message, scrub, scrub_text
from gym_llm.spaces import InputItems, OutputItems
from gym_llm.tasks import Dataset, Row, Tasks, bundled, load
from gym_llm.tools import Tool, tools_of
from gym_llm.transcript import transcript

StepResult = tuple[list[Item], float, bool, bool, dict[str, Any]]
_OPTIONS = ("task", "task_index")


class ResponsesEnv(gymnasium.Env[list[Item], Action]):
    """A resource server as a Gymnasium environment.

    Subclasses declare a row model, tools and `verify`; `begin`, `respond`, `answer_call`, `solve` and `generate` as
    needed; in `needs`, what must be installed beyond this package. A tool that ends the episode calls `end_episode`.

    Args:
        dataset: A JSONL file, rows, a selection or a generator's settings (see `gym_llm.tasks.load`); the
            bundled examples when left out.
        max_turns: Actions per episode; the class's own number when left out.
        max_tokens: Generated tokens per episode; no limit when left out.
        max_seconds: Seconds from reset, looked at after each action; no limit when left out.
        render_mode: `"ansi"` for the conversation as text.

    Raises:
        ConfigError: For a dataset that is missing or empty, or a budget below 1.

    >>> class Parrot(ResponsesEnv):
    ...     def verify(self, task, episode):
    ...         return float(episode.last_message == task.prompt[-1]["content"])
    >>> env = Parrot(dataset=[{"responses_create_params": {"input": "Hello"}}])
    >>> observation, info = env.reset(seed=0)
    >>> observation
    [{'role': 'user', 'content': 'Hello'}]
    >>> _, reward, terminated, truncated, info = env.step([{"role": "assistant", "content": "Hello"}])
    >>> reward, terminated, info["end_reason"]
    (1.0, True, 'verified')
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"]}  # noqa: RUF012 - Gymnasium's name and type
    Task: ClassVar[type[rows.Task]] = rows.Task
    domain: ClassVar[str] = "agent"
    max_turns: int = 16
    reward_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    reward_weights: Mapping[str, float] = {}
    replayable: ClassVar[bool] = True
    blocking: ClassVar[bool] = False
    tool_timeout: float = 30.0
    max_output_chars: int = 200_000
    examples: ClassVar[str] = "example.jsonl"
    needs: ClassVar[tuple[str, ...]] = ()
    known_shortcuts: ClassVar[Mapping[str, str]] = {}
    tools: ClassVar[dict[str, Tool]] = {}
    awaits: ClassVar[bool] = False
    _drawing: np.random.Generator | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.tools = tools_of(cls)
        written = [tool.function for tool in cls.tools.values()]
        written += [getattr(cls, name) for name in ("begin", "respond", "answer_call", "verify")]
        cls.awaits = any(map(inspect.iscoroutinefunction, written))
        if not issubclass(cls.Task, rows.Task):
            raise DefinitionError(f"{cls.__name__}.Task must extend gym_llm.Task")

    def __new__(cls, *_: Any, **given: Any) -> Self:
        """Refuse settings of a wrong type before a constructor meets them."""
        settings.check(cls, given)
        return super().__new__(cls)

    def __init__(
        self, *, dataset: Dataset | None = None, max_turns: int | None = None, max_tokens: int | None = None,
        max_seconds: float | None = None, render_mode: str | None = None, **unknown: Any,
    ) -> None:  # fmt: skip
        if unknown:
            settings.refuse(type(self), unknown)
        _check_budgets(max_turns=max_turns, max_tokens=max_tokens, max_seconds=max_seconds)
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigError(f"render_mode={render_mode!r}: the one mode is 'ansi'")
        self.tasks: Tasks = load(
            bundled(type(self), self.examples) if dataset is None else dataset, self.Task, self._generator()
        )
        self.max_turns = type(self).max_turns if max_turns is None else max_turns
        self.max_tokens, self.max_seconds, self.render_mode = max_tokens, max_seconds, render_mode
        declared = [tool.declaration() for tool in self.tools.values()]
        self.observation_space = InputItems()
        self.action_space = OutputItems(declared)
        self._declared = declared
        self._offered: frozenset[str] = frozenset()
        self.row: Row = {}
        self._task: rows.Task | None = None
        self._episode: Episode | None = None

    # What an environment's author writes.

    def begin(self, task: Any) -> Any:
        """Set up per-episode state on `self`; sync or async."""

    def prompt(self, task: Any) -> list[Item]:
        """Return the first observation; the task's own input unless overridden."""
        return cast(rows.Task, task).prompt

    def respond(self, task: Any, episode: Episode) -> Any:
        """Return the user's next turn (text or items) after a message without calls, or None to verify now."""
        return None

    def answer_call(self, call: ToolCall) -> Any:
        """Return the answer to a call that no `@tool` takes, as of a tool that only the row declares; sync or async.

        Without it such a tool is unknown. The arguments are as the model wrote them: `call.raw_arguments`.

        Raises:
            ToolError: For the model; any other exception is answered and reported as a tool's is.
        """
        raise calls.unknown(call.name, self.tools, self._offered)

    def verify(self, task: Any, episode: Episode) -> Any:
        """Return the episode's reward: a float or a `Verification`; sync or async."""
        raise DefinitionError(f"{type(self).__name__} has no verify(task, episode)")

    def solve(self, task: Any) -> list[list[Item]]:
        """Return the reference solution: the items of one action per turn."""
        raise DefinitionError(f"{type(self).__name__} has no solve(task): it has no reference solution")

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> Row:
        """Return one new row; environments that can make unlimited tasks override it."""
        raise DefinitionError(f"{cls.__name__} generates no tasks")

    # What an environment's author calls.

    def end_episode(self) -> None:
        """End the episode with this turn: call it in a tool, in `answer_call` or in `respond`.

        The other calls of the turn are run first; then what there is is verified.

        >>> from gym_llm import tool
        >>> from gym_llm.items import function_call
        >>> class Bell(ResponsesEnv):
        ...     @tool
        ...     def ring(self) -> str:
        ...         '''Ring the bell, and be done.'''
        ...         self.end_episode()
        ...         return "ding"
        ...     def verify(self, task, episode):
        ...         return float(episode.calls[-1].output == "ding")
        >>> env = Bell(dataset=[{"responses_create_params": {"input": "Ring the bell."}}])
        >>> observation, info = env.reset(seed=0)
        >>> env.step([function_call("ring", {})])[1:3]
        (1.0, True)
        """
        self.episode.ending = True

    # Gymnasium's interface.

    @property
    def task(self) -> Any:
        """The task of the current episode.

        Raises:
            ResetNeeded: Before the first reset.
        """
        if self._task is None:
            raise ResetNeeded("there is no task yet; call reset() first")
        return self._task

    @property
    def episode(self) -> Episode:
        """The current episode.

        Raises:
            ResetNeeded: Before the first reset.
        """
        if self._episode is None:
            raise ResetNeeded("there is no episode yet; call reset() first")
        return self._episode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[list[Item], dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Seeds `np_random`, which draws the task; the same seed gives the same task.
            options: `{"task_index": 17}` or `{"task": row}` to say which task.

        Returns:
            The first observation, and `info` with `task_index` (None for a given row) and
            `responses_create_params` (all of the create call but `input`).

        Raises:
            TaskError: When the row is not one of this environment's.
            ConfigError: For an unknown option.
        """
        if type(seed) is int and seed >= 0:
            self._np_random, self._np_random_seed = None, seed  # many episodes never draw: made when asked for
        else:
            super().reset(seed=seed)
        self._episode = None
        index, task = self._draw(options or {})
        self._task = task
        params = task.create_params
        if self._declared and not params.get("tools"):
            params["tools"] = self._declared
        self._offered = frozenset(tool.get("name", "") for tool in params.get("tools", ()))
        _resolved(self.begin(task))
        items = list(self.prompt(task))
        used = {item["call_id"] for item in items if isinstance(item.get("call_id"), str)}
        self._episode = Episode(items, len(items), call_ids=used)
        return list(items), {"task_index": index, "responses_create_params": params}

    def step(self, action: Action) -> StepResult:
        """Take the model's output: run its calls, or end the episode.

        Args:
            action: The `output` of one model call, or the whole Response.

        Returns:
            The conversation so far, the reward (0 until the last step), terminated, truncated and `info`.

        Raises:
            ResetNeeded: When the episode is over.
        """
        episode = self.episode
        if episode.end_reason is not None:
            raise ResetNeeded(f"the episode is over ({episode.end_reason}); call reset()")
        turn = actions.read(action, episode)
        episode.items += turn.items
        episode.actions.append(turn.items)
        episode.tokens += turn.tokens
        info: dict[str, Any] = {"tool_calls": len(turn.calls)}
        if turn.problems:
            info["problems"] = turn.problems
        self._run_calls(turn, episode, info)
        end = self._ending(turn, episode)
        if end is None:
            return list(episode.items), 0.0, False, False, info
        return self._finish(episode, end, info)

    def render(self) -> Any:
        """Return the conversation as text when `render_mode="ansi"`."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs render_mode='ansi' at make")
            return None
        return transcript(self._episode.items if self._episode else [])

    @property
    def _np_random(self) -> np.random.Generator | None:
        if self._drawing is None and self._np_random_seed is not None:
            self._drawing, _ = seeding.np_random(self._np_random_seed)
        return self._drawing

    @_np_random.setter
    def _np_random(self, generator: np.random.Generator | None) -> None:
        self._drawing = generator

    # The episode's course.

    def _generator(self) -> Any:
        overridden = type(self).generate.__func__ is not ResponsesEnv.generate.__func__  # type: ignore[attr-defined]
        return self.generate if overridden else None

    def _draw(self, options: dict[str, Any]) -> tuple[int | None, rows.Task]:
        for key in options:
            if key not in _OPTIONS:
                raise ConfigError(f"reset option {key!r} is unknown.{did_you_mean(key, _OPTIONS)}")
        given, index = options.get("task"), options.get("task_index")
        if given is not None:
            self.row = given.model_dump() if isinstance(given, rows.Task) else given
            return None, self.tasks.task(self.row)
        index = int(self.np_random.integers(len(self.tasks)) if index is None else index)
        self.row = self.tasks.row(index)
        return index, self.tasks.task(self.row, self.tasks.line(index))

    def _run_calls(self, turn: actions.Turn, episode: Episode, info: dict[str, Any]) -> None:
        """Run the turn's calls in order and append their answers."""
        for call in turn.calls:
            if turn.incomplete:
                calls.refuse(call, f"not run: the response was cut off ({turn.incomplete})")
            else:
                crash = calls.run(
                    call, self, self.tools, self._offered, self.tool_timeout, self.max_output_chars, self.answer_call
                )
                if crash:
                    info.setdefault("crashes", []).append(crash)
            episode.calls.append(call)
            episode.items.append(function_call_output(call.call_id, call.output))
        info["tool_errors"] = sum(call.error is not None for call in turn.calls)

    def _ending(self, turn: actions.Turn, episode: Episode) -> EndReason | None:
        """Return why the episode ends with this turn; otherwise append what the model has to be told."""
        if turn.incomplete:
            return "incomplete"
        reply: list[Item] = []
        if turn.has_message and not turn.calls:
            answer = _resolved(self.respond(self._task, episode))
            if answer is None:
                return "verified"
            reply = [message(answer)] if isinstance(answer, str) else answer
        if turn.problems and not episode.ending:
            reply = [*reply, message("Your output could not be used as it is. " + "; ".join(turn.problems[:5]))]
        episode.items += reply
        if episode.ending:
            return "verified"
        if episode.turns >= self.max_turns:
            return "max_turns"
        if self.max_tokens is not None and episode.tokens >= self.max_tokens:
            return "max_tokens"
        if self.max_seconds is not None and episode.seconds >= self.max_seconds:
            return "max_seconds"
        return None

    def _finish(self, episode: Episode, end: EndReason, info: dict[str, Any]) -> StepResult:
        """Verify what there is. A verifier that fails gives an error and no reward."""
        episode.end_reason = end
        try:
            info["verification"] = self._verified(_resolved(self.verify(self._task, episode)))
        except DefinitionError:
            raise
        except Exception as error:  # boundary: a verifier's failure is recorded, never turned into a reward
            episode.end_reason = "error"
            info["error"] = failure(error, "verifier")
        info["end_reason"] = episode.end_reason
        reward = info["verification"]["reward"] if "verification" in info else math.nan
        return list(episode.items), reward, end == "verified" and "error" not in info, (
            end != "verified" or "error" in info
        ), info  # fmt: skip

    def _verified(self, result: Any) -> dict[str, Any]:
        """Return `info["verification"]`: the reward, the named rewards, the verifier's fields."""
        if not isinstance(result, Verification):
            result = Verification(result)
        reward = result.reward
        if reward is None:
            reward = self._combined(result.rewards or {})
        try:
            reward = float(reward)
        except (TypeError, ValueError):
            raise VerifierError(f"the reward is {result.reward!r}, not a number") from None
        if not math.isfinite(reward):
            raise VerifierError(f"the reward is {reward}, not a finite number")
        named = {"rewards": {k: float(v) for k, v in result.rewards.items()}} if result.rewards else {}
        return {"reward": reward, **named, **cast(dict[str, Any], scrub(result.fields))}

    def _combined(self, rewards: dict[str, float]) -> float:
        if unknown := rewards.keys() - self.reward_weights.keys():
            raise VerifierError(f"reward_weights of {type(self).__name__} lacks {sorted(unknown)}")
        return sum(self.reward_weights[name] * float(value) for name, value in rewards.items())


def failure(error: BaseException, kind: str) -> dict[str, Any]:
    """Return `info["error"]` for a failed episode: `type`, `message`, `kind` and `where` (the innermost frame).

    When it was a judge, or another model, that will fail every other episode likewise, `fatal` says so.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].name} in {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    fatal = {"fatal": True} if is_fatal(error) else {}
    return {"type": type(error).__name__, "message": scrub_text(str(error)), "kind": kind, "where": where, **fatal}


def _check_budgets(**budgets: Any) -> None:
    for name, budget in budgets.items():
        whole = name != "max_seconds"
        if budget is not None and (not isinstance(budget, int if whole else int | float) or budget <= 0):
            kind = "whole number" if whole else "number"
            raise ConfigError(f"{name}={budget!r}: give a {kind} above 0, or leave it out")


def _resolved(result: Any) -> Any:
    return bridge.wait(result) if inspect.isawaitable(result) else result
