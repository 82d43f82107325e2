"""The environment: what a row holds, the tool, the reward, the reference solution and new pictures."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pydantic

from gym_llm import Episode, ResponsesEnv, Task, Verification, tool
from gym_llm.envs.pictures import COLOURS, Circle, drawn, image_message, place
from gym_llm.errors import ConfigError
from gym_llm.items import Item, assistant_message, function_call

_FAR = 1_000_000
_TAG = re.compile(r"<click>\s*+(-?\d{1,9})[\s,]++(-?\d{1,9})\s*+</click>", re.IGNORECASE)
_ASK = (
    "This picture is {size} pixels wide and {size} high; (0, 0) is its top left corner, x grows to the right and y "
    "downwards. Click inside the {colour} circle: call click once with the pixel's x and y, or end with them between "
    "the tags <click> and </click>, separated by a comma."
)


class ClickTask(Task):
    """A picture's circles and the colour of the one to click on."""

    circles: list[Circle] = pydantic.Field(min_length=1)
    target_color: str

    @pydantic.model_validator(mode="after")
    def _hittable(self) -> ClickTask:
        if not self.targets:
            raise ValueError(f"no circle is {self.target_color!r}")
        return self

    @property
    def targets(self) -> list[Circle]:
        """The circles of the target's colour."""
        return [circle for circle in self.circles if circle.color == self.target_color]


class CircleClick(ResponsesEnv):
    """Click inside the circle of one colour in a picture.

    Tasks:
        A prompt with an `input_image` item, the picture's `circles` (`x`, `y`, `radius`, `color`) and the
        `target_color`; rows of NeMo Gym's circle_click server load unchanged. Bundled: 6 pictures made by the
        generator, Apache-2.0, PNG data URLs of a few kB. Unlimited, with the knobs `num_circles`, `size` (pixels),
        `min_radius` and `max_radius`; each circle has a colour of its own.
    Tools:
        `click(x, y)` clicks, in whole pixels from the top left corner: `{"x": ..., "y": ...}`. A message may click
        instead, as `<click>120, 80</click>`.
    Reward:
        1.0 when the click lies in a circle of the target's colour or on its edge, else 0.0. The first call that
        could be read counts; without one, the last tag of the last message. Named rewards: `hit`, which is the
        reward; `clicked`; `wrong_circle`, whether another circle was hit; `distance`, from the nearest target's
        centre in pixels, 0 without a click.
    Episode end:
        The first message without a call, or 4 turns.
    Known shortcuts:
        Nothing has to be said after the call. A click at random hits as often as the circle's share of the picture.
    Version history:
        v0: first version.

    Args:
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = ClickTask
    domain = "vision"
    max_turns = 4
    reward_weights = {"hit": 1.0, "clicked": 0.0, "wrong_circle": 0.0, "distance": 0.0}  # noqa: RUF012
    known_shortcuts = {"paid-calls-only": "the answer is a call; nothing has to be said after it"}  # noqa: RUF012

    @tool
    def click(self, x: int, y: int) -> dict[str, int]:
        """Click at a pixel of the picture.

        Args:
            x: Pixels from the left edge.
            y: Pixels from the top edge.
        """
        return {"x": x, "y": y}

    def verify(self, task: ClickTask, episode: Episode) -> Verification:
        """Look where the first click, or the tag's, lies."""
        click = _click(episode)
        rewards = {"hit": 0.0, "clicked": 0.0, "wrong_circle": 0.0, "distance": 0.0}
        if click is not None:
            inside = {circle.color for circle in task.circles if circle.distance(*click) <= circle.radius}
            hit = task.target_color in inside
            distance = min(circle.distance(*click) for circle in task.targets)
            rewards = {"hit": hit, "clicked": 1.0, "wrong_circle": bool(inside) and not hit, "distance": distance}
        return Verification(rewards=rewards, click=None if click is None else list(click), target=task.target_color)

    def solve(self, task: ClickTask) -> list[list[Item]]:
        """Click on the centre, and say so."""
        target = task.targets[0]
        call = function_call("click", {"x": round(target.x), "y": round(target.y)})
        return [[call], [assistant_message(f"I clicked on the {target.color} circle.")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: int) -> dict[str, Any]:
        """Make a row: `num_circles` (3 to 6), `size` (448), `min_radius` (16), `max_radius` (50)."""
        return _row(rng, **knobs)


def _click(episode: Episode) -> tuple[int, int] | None:
    """Return the clicked pixel, kept within a million of the corner."""
    for call in episode.calls:
        if call.name == "click" and call.arguments is not None and call.error is None:
            return _kept(call.arguments["x"]), _kept(call.arguments["y"])
    tags = _TAG.findall(episode.last_message[-100_000:].rpartition("</think>")[2])
    return (_kept(int(tags[-1][0])), _kept(int(tags[-1][1]))) if tags else None


def _kept(part: int) -> int:
    return max(-_FAR, min(part, _FAR))


def _row(
    rng: np.random.Generator, *, num_circles: int | None = None, size: int = 448, min_radius: int = 16,
    max_radius: int = 50,
) -> dict[str, Any]:  # fmt: skip
    number = int(rng.integers(3, 7)) if num_circles is None else num_circles
    if not (1 <= number <= len(COLOURS) and 4 <= min_radius <= max_radius and 32 <= size <= 1024):
        raise ConfigError(
            f"num_circles={num_circles}, min_radius={min_radius}, max_radius={max_radius}, size={size}: "
            f"give 1 to {len(COLOURS)} circles, radii from 4 pixels and a size of 32 to 1024"
        )
    colours = [str(name) for name in rng.choice(list(COLOURS), size=number, replace=False)]
    circles = place(rng, colours, size, (min_radius, max_radius))
    target = colours[int(rng.integers(number))]
    asked = image_message(drawn(circles, size), _ASK.format(size=size, colour=target))
    return {
        "responses_create_params": {"input": [asked]},
        "circles": [circle.model_dump() for circle in circles], "target_color": target,
    }  # fmt: skip
