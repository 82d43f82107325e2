"""The environment: what a row holds, the tool, the reward, the reference solution and new pictures."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pydantic

from gym_llm import Episode, ResponsesEnv, Task, Verification, tool
from gym_llm.envs.pictures import COLOURS, Circle, Picture, drawn, image_message, place
from gym_llm.errors import ConfigError
from gym_llm.items import Item, assistant_message, function_call

_TAG = re.compile(r"<count>\s*+(\d{1,9})\s*+</count>", re.IGNORECASE)
_ASK = (
    "The picture shows circles in several colours on white. How many of them are {colour}? "
    "Call count once with the number, or end with it between the tags <count> and </count>."
)


class CountTask(Task):
    """A picture's circles and the colour that is counted, as fields or inside `verifier_metadata`."""

    circles: list[Circle] = pydantic.Field(min_length=1)
    target_color: str = pydantic.Field(min_length=1)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _lifted(cls, row: Any) -> Any:
        """Take the fields out of `verifier_metadata`, where rows of NeMo Gym have them."""
        inner = row.get("verifier_metadata") if isinstance(row, dict) else None
        if not isinstance(inner, dict):
            return row
        return {key: inner[key] for key in ("circles", "target_color") if key in inner} | row

    @property
    def gold(self) -> int:
        """How many circles have the colour."""
        return sum(circle.color == self.target_color for circle in self.circles)


class CircleCount(ResponsesEnv):
    """Count the circles of one colour in a picture.

    Tasks:
        A prompt with an `input_image` item, the picture's `circles` (`x`, `y`, `radius`, `color`) and the
        `target_color` to count; rows of NeMo Gym's circle_count server, which keep them in `verifier_metadata`,
        load unchanged. Bundled: 6 pictures made by the generator, Apache-2.0, PNG data URLs of a few kB. Unlimited,
        with the knobs `num_circles`, `num_colours`, `size` (pixels), `min_radius` and `max_radius`.
    Tools:
        `count(n)` answers: `{"n": ...}`. A message may answer instead, as `<count>7</count>`.
    Reward:
        1.0 when the number is right, else 0.0. The first call that could be read counts; without one, the last tag
        of the last message. Named rewards: `correct`, which is the reward; `answered`; `off_by`, how far off the
        number is, 0 without one.
    Episode end:
        The first message without a call, or 4 turns.
    Known shortcuts:
        Nothing has to be said after the call. A guess is right now and then: small counts are commonest.
    Version history:
        v0: first version.

    Args:
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = CountTask
    domain = "vision"
    max_turns = 4
    reward_weights = {"correct": 1.0, "answered": 0.0, "off_by": 0.0}  # noqa: RUF012
    known_shortcuts = {"paid-calls-only": "the answer is a call; nothing has to be said after it"}  # noqa: RUF012

    @tool
    def count(self, n: int) -> dict[str, int]:
        """Answer how many circles there are.

        Args:
            n: The number.
        """
        return {"n": n}

    def verify(self, task: CountTask, episode: Episode) -> Verification:
        """Compare the first call's number, or the tag's, with the picture's."""
        answer = _answer(episode)
        off_by = 0 if answer is None else min(abs(answer - task.gold), 1_000_000)
        rewards: dict[str, float] = {"correct": answer == task.gold, "answered": answer is not None, "off_by": off_by}
        shown = None if answer is None else max(-1_000_000, min(answer, 1_000_000))
        return Verification(rewards=rewards, answer=shown, expected=task.gold, target_color=task.target_color)

    def solve(self, task: CountTask) -> list[list[Item]]:
        """Call count with the right number, and say so."""
        call = function_call("count", {"n": task.gold})
        return [[call], [assistant_message(f"There are {task.gold}.")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: int) -> dict[str, Any]:
        """Make a row: `num_circles` (5 to 14), `num_colours` (4), `size` (448), `min_radius`, `max_radius` (30)."""
        return _row(rng, **knobs)


def _answer(episode: Episode) -> int | None:
    for call in episode.calls:
        if call.name == "count" and call.arguments is not None and call.error is None:
            return int(call.arguments["n"])
    tags = _TAG.findall(episode.last_message[-100_000:].rpartition("</think>")[2])
    return int(tags[-1]) if tags else None


def _row(
    rng: np.random.Generator, *, num_circles: int | None = None, num_colours: int = 4, size: int = 448,
    min_radius: int = 14, max_radius: int = 30,
) -> dict[str, Any]:  # fmt: skip
    number = int(rng.integers(5, 15)) if num_circles is None else num_circles
    if not (1 <= num_colours <= len(COLOURS) and 1 <= number <= 100 and 4 <= min_radius <= max_radius):
        raise ConfigError(
            f"num_circles={num_circles}, num_colours={num_colours}, min_radius={min_radius}, max_radius={max_radius}: "
            f"give 1 to 100, 1 to {len(COLOURS)}, and radii from 4 pixels"
        )
    if not 32 <= size <= 1024:
        raise ConfigError(f"size={size}: give 32 to 1024 pixels")
    names = [str(name) for name in rng.choice(list(COLOURS), size=num_colours, replace=False)]
    colours = [names[int(index)] for index in rng.integers(num_colours, size=number)]
    target = names[0] if rng.random() < 0.1 else colours[int(rng.integers(number))]
    circles: Picture = place(rng, colours, size, (min_radius, max_radius))
    asked = image_message(drawn(circles, size), _ASK.format(colour=target))
    return {
        "responses_create_params": {"input": [asked]},
        "circles": [circle.model_dump() for circle in circles], "target_color": target,
    }  # fmt: skip
