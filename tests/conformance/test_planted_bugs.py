"""Each planted bug is found by the probe of that name, and by no probe that has nothing to do with it.

Every environment here is the same right one with one thing wrong; the decorator names the probes that must fail.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
import types
from types import MappingProxyType
from typing import ClassVar

import gymnasium
import numpy as np
import pytest

import gym_llm
from gym_llm import items

HANG = 4.0  # seconds; for ever would slow down every test after it
PLANTED: dict[type, set[str]] = {}


def planted(*names):
    def add(cls):
        PLANTED[cls] = set(names)
        return cls

    return add


class Right(gym_llm.ResponsesEnv):
    """Ask the clerk for the code, then say it."""

    max_turns = 4

    def begin(self, task):
        self.asked = 0

    @gym_llm.tool
    def ask(self, person: str) -> dict:
        """Ask someone for the code.

        Args:
            person: Whom to ask.
        """
        self.asked += 1
        return {"times": self.asked, "code": self.task.code}

    def verify(self, task, episode):
        return float(episode.last_message == f"The code is {task.code}." and self.asked == 1)

    def solve(self, task):
        return [[items.function_call("ask", {"person": "clerk"})], said(f"The code is {task.code}.")]


def said(text):
    return [items.assistant_message(text)]


def rows():
    return [{"responses_create_params": {"input": f"What opens door {n}?"}, "code": 4000 + n} for n in range(5)]


@planted("episode-determinism", "global-randomness", "gymnasium-check")
class RandomModule(Right):
    @gym_llm.tool
    def ask(self, person: str) -> float:
        """Ask."""
        self.asked += 1
        return random.random()


@planted("episode-determinism", "gymnasium-check")
class Unseeded(Right):
    @gym_llm.tool
    def ask(self, person: str) -> int:
        """Ask."""
        self.asked += 1
        return int(np.random.default_rng().integers(1 << 60))


@planted("global-randomness")
class SeedsEverything(Right):
    def begin(self, task):
        super().begin(task)
        np.random.seed(0)


@planted("reset-determinism", "gymnasium-check")
class IgnoresTheSeed(Right):
    resets = itertools.count()

    def _draw(self, options):
        if "task_index" in options:
            return super()._draw(options)
        index = next(self.resets) % len(self.tasks)
        return index, self.tasks[index]


@planted("seeds-reach-tasks")
class OneTaskOnly(Right):
    def _draw(self, options):
        return super()._draw({"task_index": 2} | options)


@planted("instances-apart")
class SharedBetweenInstances(Right):
    counts: ClassVar[dict] = {}

    def begin(self, task):
        self.counts["asked"] = 0

    @property
    def asked(self):
        return self.counts["asked"]

    @asked.setter
    def asked(self, value):
        self.counts["asked"] = value


@planted("episodes-apart", "gold", "gymnasium-check", "episode-determinism")
class LeftOver(Right):
    asked = 0

    def begin(self, task):
        pass


@planted("gold")
class GoldBelowTheTop(Right):
    def verify(self, task, episode):
        return 0.9 * super().verify(task, episode)


@planted("gold-generated")
class UnsolvableTask(Right):
    @classmethod
    def generate(cls, rng):
        return {"responses_create_params": {"input": "What opens the door?"}, "code": float("nan")}

    def verify(self, task, episode):
        return float(super().verify(task, episode) and task.code == task.code)


@planted("paid-empty", "paid-calls-only")
class PaidEmpty(Right):
    def verify(self, task, episode):
        return float(not episode.last_message.strip()) or super().verify(task, episode)


@planted("paid-echo", "paid-all-candidates")
class PaidEcho(Right):
    def verify(self, task, episode):
        return float(task.prompt[0]["content"] in episode.last_message) or super().verify(task, episode)


@planted("paid-refusal")
class PaidRefusal(Right):
    def verify(self, task, episode):
        return float("sorry" in episode.last_message) or super().verify(task, episode)


@planted("paid-all-candidates")
class PaidAllCandidates(Right):
    def verify(self, task, episode):
        return float(str(task.code) in episode.last_message and self.asked > 0)


@planted("paid-calls-only")
class PaidCallsOnly(Right):
    def verify(self, task, episode):
        return float(self.asked == 1 and episode.calls[0].arguments == {"person": "clerk"})


@planted("observations-stay", "append-only")
class RewritesObservations(Right):
    def verify(self, task, episode):
        episode.items[0]["content"] = "(seen)"
        return super().verify(task, episode)

    def prompt(self, task):
        return [dict(item) for item in task.prompt]


@planted("append-only", "hostile-actions")
class DropsItems(Right):
    @gym_llm.tool
    def ask(self, person: str) -> dict:
        """Ask."""
        self.asked += 1
        del self.episode.items[0]
        return {"code": self.task.code}


@planted("task-stays")
class SpoilsTheTask(Right):
    def verify(self, task, episode):
        task.responses_create_params["user"] = "spoiled"
        return super().verify(task, episode)


@planted("observation-space", "hostile-actions", "hostile-messages")
class OddItems(Right):
    def respond(self, task, episode):
        return [{"role": "narrator", "content": "Night falls."}] if episode.turns < 3 and not self.asked else None


@planted("action-space")
class OddSolution(Right):
    def solve(self, task):
        asking, answering = super().solve(task)
        return [asking, [*answering, {"type": "thought", "text": "easy"}]]


@planted("reward-range", "hostile-actions", "hostile-messages")
class OutsideTheRange(Right):
    def verify(self, task, episode):
        return super().verify(task, episode) or -1.0


@planted("reward-weights")
class WeightForgotten(Right):
    def verify(self, task, episode):
        return gym_llm.Verification(super().verify(task, episode), rewards={"answer": 1.0})


@planted("verification-plain")
class ObjectsInVerification(Right):
    def verify(self, task, episode):
        return gym_llm.Verification(super().verify(task, episode), when={1, 2})


@planted("info-json", "hostile-actions", "hostile-messages")
class ObjectsInInfo(Right):
    def step(self, action):
        *rest, info = super().step(action)
        return (*rest, info | {"env": type(self)})


@planted("hostile-messages")
class TrustsTheMessage(Right):
    def verify(self, task, episode):
        text = episode.last_message
        if text.startswith("\\boxed{"):
            text[: text.index("}")]
        return super().verify(task, episode)


@planted("hostile-actions")
class RaisesOutOfStep(Right):
    def step(self, action):
        if isinstance(action, dict):
            action = action["output"] + []
        return super().step(action)


@planted("tool-crashes")
class CrashingTool(Right):
    @gym_llm.tool
    def ask(self, person: str) -> dict:
        """Ask."""
        self.asked += 1
        return {"clerk": {"code": self.task.code}}[person]


@planted("schema-arguments")
class NarrowerThanItsSchema(Right):
    @gym_llm.tool(
        parameters={"type": "object", "properties": {"person": {"type": "string", "pattern": "^clerk$"}},
                    "required": ["person"], "additionalProperties": False}
    )  # fmt: skip
    def ask(self, person):
        """Ask."""
        self.asked += 1
        return {"code": self.task.code}


@planted("strict-schemas")
class OpenSchema(Right):
    @gym_llm.tool
    def ask(self, person: str, extra: dict | None = None) -> dict:
        """Ask."""
        self.asked += 1
        return {"code": self.task.code}


@planted("turn-limit", "hostile-actions")
class NeverEnds(Right):
    def _ending(self, turn, episode):
        return "verified" if turn.has_message and not turn.calls else None


@planted("finished-refuses")
class GoesOnAfterTheEnd(Right):
    def step(self, action):
        if self.episode.end_reason is not None:
            return list(self.episode.items), 0.0, True, False, {}
        return super().step(action)


@planted("render-ansi")
class RendersRaw(Right):
    def render(self):
        return "\x1b[31mred"


@planted("close-twice")
class ClosesOnce(Right):
    def close(self):
        del self.asked


@planted("spaces-pickle")
class LocalSpace(Right):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.action_space.filter = lambda item: True


@planted("gymnasium-check")
class ResetWithoutOptions(Right):
    def reset(self, *, seed=0, options=None):
        return super().reset(seed=seed, options=options)


@planted("declarations")
class MisspeltDeclaration(Right):
    known_shortcuts = MappingProxyType({"paid-emtpy": "a slip"})


@planted("rows-load")
class BadRow(Right):
    class Task(gym_llm.Task):
        code: int

    @staticmethod
    def rows():
        return [*rows() * 60, {"responses_create_params": {"input": "x"}, "code": "not a number"}]


class HangingTool(Right):
    @gym_llm.tool
    def ask(self, person: str) -> dict:
        """Ask."""
        time.sleep(HANG)
        return {}


class HangingAsyncTool(Right):
    @gym_llm.tool
    async def ask(self, person: str) -> dict:
        """Ask."""
        await self.line_is_busy()
        return {}

    async def line_is_busy(self):
        await asyncio.sleep(HANG)


class HangingVerify(Right):
    def verify(self, task, episode):
        until = time.monotonic() + HANG
        while time.monotonic() < until:
            pass


class SlowTool(HangingAsyncTool):
    tool_timeout = 0.05


def checked(target, **kwargs):
    given = {"dataset": target.rows() if hasattr(target, "rows") else rows()}
    return gym_llm.check(target, env_kwargs=given, tasks=3, hostile_actions=400, **kwargs)


def test_the_environment_without_a_bug_passes():
    report = checked(Right)
    assert report.ok, report.text()


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_caught_by_name(bug):
    report = checked(bug)
    assert {finding.name for finding in report.failed} == PLANTED[bug], report.text()
    for finding in report.failed:
        assert finding.detail
        assert finding.cure in report.text().replace("\n" + " " * 11, " ")


@pytest.mark.parametrize(
    ("bug", "place"),
    [(HangingTool, "HangingTool.ask"), (HangingAsyncTool, "line_is_busy"), (HangingVerify, "HangingVerify.verify")],
)
def test_a_hang_is_found_in_time_with_the_line(bug, place):
    started = time.monotonic()
    report = checked(bug, step_timeout=0.4)
    assert time.monotonic() - started < 15
    [hung] = report.failed
    assert hung.name == "answers-in-time"
    assert "did not answer within 0.4 s" in hung.detail
    assert f"{place}, test_planted_bugs.py:" in hung.detail
    assert report.findings[-1].status == "skipped"
    assert "it hung in answers-in-time" in report.findings[-1].detail


def test_a_tool_that_never_answers_in_its_own_time_is_found():
    report = checked(SlowTool)
    finding = next(finding for finding in report.failed if finding.name == "answers-in-time")
    assert "did not answer within 0.05 seconds" in finding.detail


@pytest.fixture
def undocumented(monkeypatch):
    module = types.ModuleType("undocumented_environment")
    module.Right = Right
    monkeypatch.setitem(sys.modules, "undocumented_environment", module)
    yield "tests/Undocumented-v0"
    gymnasium.registry.pop("tests/Undocumented-v0")


def test_missing_docstring_fields_of_a_registered_environment(undocumented):
    gymnasium.register(undocumented, entry_point="undocumented_environment:Right")
    report = gym_llm.check(undocumented, env_kwargs={"dataset": rows()}, tasks=2, hostile_actions=20)
    assert [finding.name for finding in report.failed] == ["docstring-fields"]
    assert "Version history" in report.failed[0].detail


def test_a_specification_that_cannot_be_written_down(undocumented):
    gymnasium.register(undocumented, entry_point=lambda **kwargs: Right(**kwargs))
    report = gym_llm.check(undocumented, env_kwargs={"dataset": rows()}, tasks=2, hostile_actions=20)
    assert "spec-round-trip" in [finding.name for finding in report.failed]
