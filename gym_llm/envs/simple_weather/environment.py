"""The environment: what a row holds, the one tool, the reward and the reference solution."""

from __future__ import annotations

import re
from typing import Any

from gym_llm import Episode, ResponsesEnv, Task, Verification, tool
from gym_llm.items import Item, assistant_message, function_call, message_text

_COLD = re.compile(r"(?<!\bnot )(?<!n't )(?<!\bnever )(?<!\bnot very )(?<!\bnot so )\bcold\b", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:city|cities|location|place|town|where)\b", re.IGNORECASE)


class WeatherTask(Task):
    """A question about the weather; `cities` are the ones that it names, empty when it names no place."""

    cities: list[str] | None = None


class SimpleWeather(ResponsesEnv):
    """Look the weather up in every city that the user asks about.

    Tasks:
        `cities`: the cities that the question names, an empty list when it names none. Rows of NeMo Gym's
        example_single_tool_call server have no such field and load unchanged. Bundled: 6 questions written for
        this package, Apache-2.0.
    Tools:
        `get_weather(city)`: `{"city", "weather_description"}`. It is always cold.
    Reward:
        1.0 when every named city was looked up exactly once and nothing else was, and the last message says that
        it is cold; when no city is named, for asking which one is meant, without a call. Otherwise 0.0. Rows
        without `cities` ask for at least one call, and none twice. Named rewards: `called_tool`, `args_valid`
        (no call failed), and `answered`, which counts only when those two hold and is the reward.
    Episode end:
        The first message without a call, or 16 turns.
    Known shortcuts:
        It is always cold, but saying so is paid only after the right calls. With `compat=True` everything is.
    Version history:
        v0: first version.

    Args:
        compat: Reward every episode with 1.0, as NeMo Gym does.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = WeatherTask
    reward_weights = {"called_tool": 0.0, "args_valid": 0.0, "answered": 1.0}  # noqa: RUF012

    def __init__(self, *, compat: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.compat = compat

    @tool
    def get_weather(self, city: str) -> dict[str, str]:
        """Get the current weather in a city.

        Args:
            city: Name of the city.
        """
        return {"city": city, "weather_description": f"The weather in {city} is cold."}

    def verify(self, task: WeatherTask, episode: Episode) -> Verification:
        """Check the calls against the named cities, and the last message against what the tool said."""
        asked = sorted(_name(call.arguments["city"]) for call in episode.calls if call.arguments)
        wanted = sorted(set(asked)) or None if task.cities is None else sorted(map(_name, task.cities))
        called, valid = asked == wanted, all(asked) and not any(call.error for call in episode.calls)
        said = _asks_back(task, episode.last_message) if wanted == [] else _COLD.search(episode.last_message)
        answered = called and valid and bool(said)
        rewards: dict[str, float] = {"called_tool": called, "args_valid": valid, "answered": answered}
        return Verification(1.0 if self.compat else None, rewards=rewards)

    def solve(self, task: WeatherTask) -> list[list[Item]]:
        """Look every city up at once and say that it is cold; ask back when there is none."""
        cities = ["Oslo"] if task.cities is None else task.cities
        if not cities:
            return [[assistant_message("Which city do you mean?")]]
        calls = [function_call("get_weather", {"city": city}, f"call_{city}") for city in cities]
        return [calls, [assistant_message(f"The weather in {' and '.join(cities)} is cold.")]]


def _name(city: str) -> str:
    return city.partition(",")[0].strip().casefold()


def _asks_back(task: WeatherTask, said: str) -> bool:
    """Whether a message asks for the place, and does not just repeat the question."""
    repeats = any(message_text(item).strip().casefold() in said.casefold() for item in task.prompt)
    return "?" in said and _PLACE.search(said) is not None and not repeats
