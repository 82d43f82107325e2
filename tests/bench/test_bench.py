"""A bench has every figure for every round, all of them sensible, and its parts add up; nothing here is about speed."""

from __future__ import annotations

import json
import math

import pytest

from gym_llm.bench import bench
from gym_llm.bench.figures import Figure, gathered
from gym_llm.bench.pipeline import PARTS
from gym_llm.bench.stepping import OURS, SYNC, THEIRS
from gym_llm.bench.usage import tree
from gym_llm.errors import ConfigError, DefinitionError

MAY_BE_ZERO = {"workers_cpu_us", "pss_kb_per_env", "start_cpu_seconds"}
"""One process has no workers, and small ones may fit into memory that is there already."""


@pytest.fixture(scope="module")
def report():
    said, before = [], set(tree())
    found = bench(
        "gym_llm/SimpleWeather-v0", episodes=12, num_envs=3, num_workers=1, concurrency=8, steps=4, rounds=2,
        latency="uniform:0:0.01", vs="gymnasium", say=said.append,
    )  # fmt: skip
    assert len(said) == 1 + 3 * 2 + 2
    assert set(tree()) <= before, "a process was left behind"
    return found


def groups(report):
    return [report.alone, *report.stepping.values(), report.pipeline]


def test_every_figure_has_every_round_and_is_sensible(report):
    assert list(report.stepping) == [OURS, THEIRS, SYNC]
    for figures in groups(report):
        for name, figure in figures.items():
            assert len(figure.values) == 2, name
            assert all(map(math.isfinite, figure.values)), name
            assert figure.low <= figure.median <= figure.high
            assert figure.low > 0 or name in MAY_BE_ZERO, name


def test_reference_solutions_are_played(report):
    assert report.alone["reward"].values == (1.0, 1.0)
    assert report.alone["steps_per_episode"].low >= 1


def test_parts_add_up(report):
    assert tuple(sorted(report.parts)) == tuple(sorted(PARTS))
    assert sum(report.parts.values()) == pytest.approx(report.pipeline["cpu_ms"].median)
    for figures in report.stepping.values():
        whole = zip(figures["driver_cpu_us"].values, figures["workers_cpu_us"].values, strict=True)
        assert [sum(each) for each in whole] == pytest.approx(list(figures["cpu_us"].values))


def test_ratios_are_of_medians(report):
    assert set(report.ratios) == {THEIRS, SYNC}
    theirs, ours = (report.stepping[name]["cpu_us"].median for name in (THEIRS, OURS))
    assert report.ratios[THEIRS] == pytest.approx(theirs / ours)
    assert report.over_bare_once_started < report.over_bare


def test_text_says_where_what_and_how_much(report):
    text = str(report)
    for words in ("gym_llm/SimpleWeather-v0, medians of 2 rounds", "cores", "load", OURS, THEIRS, SYNC,
                  "policy: the requests", "peak memory", "mock model, CPU ms"):  # fmt: skip
        assert words in text
    assert max(map(len, text.splitlines())) <= 130


def test_json_holds_everything(report, tmp_path):
    path = tmp_path / "bench.json"
    report.write_json(path)
    held = json.loads(path.read_text("utf-8"))
    assert held == json.loads(json.dumps(report.as_dict()))
    assert held["settings"]["num_envs"] == 3
    assert held["pipeline"]["cpu_ms"]["rounds"] == list(report.pipeline["cpu_ms"].values)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_plot_is_drawn(report, tmp_path, ending):
    pytest.importorskip("matplotlib", reason="the extra bench is not installed")
    path = tmp_path / f"bench.{ending}"
    report.write_plot(path)
    assert path.read_bytes().startswith(b"\x89PNG" if ending == "png" else b"<?xml")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"vs": "ray"}, "gymnasium"),
        ({"rounds": 0}, "rounds"),
        ({"latency": "soon"}, "latency"),
        ({"num_workers": 0}, "num_workers"),
    ],
)
def test_wrong_settings_are_named(wrong, said):
    with pytest.raises(ConfigError, match=said):
        bench("gym_llm/MCQA-v0", **wrong)


def test_an_environment_without_solutions_is_refused(monkeypatch):
    from gym_llm.core import ResponsesEnv
    from gym_llm.envs.mcqa import MCQA

    monkeypatch.setattr(MCQA, "solve", ResponsesEnv.solve)
    with pytest.raises(DefinitionError, match="no reference solution"):
        bench("gym_llm/MCQA-v0")


def test_a_solution_that_does_not_end_is_refused(monkeypatch):
    from gym_llm.envs.stateful_counter import StatefulCounter

    monkeypatch.setattr(StatefulCounter, "solve", lambda self, task: [])
    with pytest.raises(ConfigError, match="does not end the episode of task 0"):
        bench("gym_llm/StatefulCounter-v0")


def test_figures_tell_their_spread():
    assert str(Figure((1.0,))) == "1"
    assert str(gathered([{"a": 1.0}, {"a": 2.0}, {"a": 9.0}])["a"]) == "2 (1 to 9)"
