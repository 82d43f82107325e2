"""The environment: what a row holds, the two tools, the reward and the reference solution."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from gym_llm import Episode, ResponsesEnv, Task, ToolError, Verification, tool
from gym_llm.errors import ConfigError
from gym_llm.items import Item, assistant_message, function_call, message

LIMIT = 10**15
_NUMBER = re.compile(r"(?:(?<!\w)[-\u2212])?\d[\d,]*(?:\.\d+)?")


class CounterTask(Task):
    """A counter's value at the beginning, and the one to bring it to."""

    initial_count: int
    expected_count: int


class StatefulCounter(ResponsesEnv):
    """Bring a counter to a value by incrementing it, and report it.

    Tasks:
        `initial_count` and `expected_count`: the counter's value at the beginning and at the end. Rows of NeMo
        Gym's example_session_state_mgmt server load unchanged. Bundled: 6 tasks written for this package,
        Apache-2.0. Unlimited: `num_increments` increments of at most `max_increment`.
    Tools:
        `increment_counter(count)` adds to the counter: `{"success": true}`. `get_counter_value()` reads it:
        `{"count": ...}`. The counter is the episode's own and stays between -10^15 and 10^15.
    Reward:
        1.0 when the counter ends at `expected_count`, else 0.0. Named rewards: `state_ok`, which is that;
        `answer_ok`, whether the last number of the last message is the expected one; `n_calls`, how many calls
        were made.
    Episode end:
        The first message without a call, or 16 turns.
    Known shortcuts:
        One increment by the sum is paid, increments that cancel out are, and so is a wrong or missing answer:
        only the counter counts. `require_answer=True` asks for the answer too. A task whose two counts are the
        same is paid without any call.
    Version history:
        v0: first version.

    Args:
        require_answer: Pay only when `answer_ok` holds as well.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = CounterTask
    reward_weights = {"state_ok": 1.0, "answer_ok": 0.0, "n_calls": 0.0}  # noqa: RUF012
    known_shortcuts = {"paid-calls-only": "the reward is the counter's; require_answer=True asks for more"}  # noqa: RUF012

    def __init__(self, *, require_answer: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.require_answer = require_answer

    def begin(self, task: CounterTask) -> None:
        """Set the counter."""
        self.count = task.initial_count

    @tool
    def increment_counter(self, count: int) -> dict[str, bool]:
        """Add a number to the counter.

        Args:
            count: What to add; may be negative.
        """
        if abs(self.count + count) > LIMIT:
            raise ToolError(f"the counter stays between -{LIMIT} and {LIMIT}")
        self.count += count
        return {"success": True}

    @tool
    def get_counter_value(self) -> dict[str, int]:
        """Read the counter."""
        return {"count": self.count}

    def verify(self, task: CounterTask, episode: Episode) -> Verification:
        """Compare the counter, and the number in the last message, with the expected value."""
        state_ok = self.count == task.expected_count
        answer_ok = _last_number(episode.last_message) == task.expected_count
        rewards: dict[str, float] = {"state_ok": state_ok, "answer_ok": answer_ok, "n_calls": len(episode.calls)}
        reward = float(state_ok and (answer_ok or not self.require_answer))
        return Verification(reward, rewards=rewards, count=self.count)

    def solve(self, task: CounterTask) -> list[list[Item]]:
        """Add what is missing, read the counter, report it."""
        missing = task.expected_count - task.initial_count
        change = function_call("increment_counter", {"count": missing})
        read = function_call("get_counter_value", {})
        return [[change], [read], [assistant_message(f"The counter is at {task.expected_count}.")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: int) -> dict[str, Any]:
        """Make a row: `num_increments` (2) increments, each from 1 to `max_increment` (20)."""
        return _row(rng, **knobs)


def _row(rng: np.random.Generator, *, num_increments: int = 2, max_increment: int = 20) -> dict[str, Any]:
    if num_increments < 1 or max_increment < 1:
        raise ConfigError(f"num_increments={num_increments}, max_increment={max_increment}: give at least 1")
    initial, steps = int(rng.integers(100)), rng.integers(1, max_increment + 1, size=num_increments).tolist()
    asked = f"Increase the counter by {', then by '.join(map(str, steps))}. Then tell me its value."
    create = {"input": [message(asked)]}
    return {"responses_create_params": create, "initial_count": initial, "expected_count": initial + sum(steps)}


def _last_number(text: str) -> float | None:
    """Return the last number that a text names, among its last 1000 characters."""
    found = _NUMBER.findall(text[-1000:])
    return float(found[-1].replace(",", "").replace("\u2212", "-")) if found else None
