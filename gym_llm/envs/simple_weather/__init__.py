"""Questions about the weather and one tool: the smallest environment."""

from __future__ import annotations

from gym_llm.envs.simple_weather.environment import SimpleWeather, WeatherTask

__all__ = ["SimpleWeather", "WeatherTask"]
