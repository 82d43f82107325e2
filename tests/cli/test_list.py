"""`gym-llm list`: what is registered, as a table and as data."""

from __future__ import annotations

import json

from gym_llm import env_ids


def test_table_has_one_line_per_environment(gym_llm):
    lines = gym_llm("list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["id", *env_ids()]
    assert all(len(line.split(maxsplit=4)) == 5 for line in lines)


def test_json_is_data(gym_llm):
    rows = json.loads(gym_llm("list", "json=true").out)
    assert [row["id"] for row in rows] == env_ids()
    assert all(row["tasks"] >= 5 and row["summary"] for row in rows)
    (weather,) = (row for row in rows if row["id"] == "gym_llm/SimpleWeather-v0")
    assert weather["tools"] == ["get_weather"]
