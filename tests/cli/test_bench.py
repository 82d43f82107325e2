"""`gym-llm bench`: what it prints and writes, with and without matplotlib."""

from __future__ import annotations

import json
import sys

import pytest

QUICK = ("episodes=10", "num_envs=2", "num_workers=1", "concurrency=8", "latency=0", "steps=1", "rounds=1")


def test_table_plot_figures_and_profile(gym_llm, folder):
    pytest.importorskip("matplotlib", reason="the extra bench is not installed")
    result = gym_llm("bench", "MCQA", *QUICK, "output=out/b.png", "profile=out/p.html")
    assert result.status == 0, result.err
    for words in ("gym_llm/MCQA-v0, one round", "The environment alone", "Stepping 2 environments", "10 episodes"):
        assert words in result.out
    assert (folder / "out/b.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((folder / "out/b.json").read_text("utf-8"))["settings"]["episodes"] == 10
    assert "<svg" in (folder / "out/p.html").read_text("utf-8")
    assert "measuring the whole pipeline, round 1 of 1" in result.err


def test_without_matplotlib_only_the_plot_is_missing(gym_llm, folder, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = gym_llm("bench", "MCQA", *QUICK)
    assert result.status == 0, result.err
    assert "plot: not drawn, matplotlib is not installed; install it with: pip install 'gym-llm[bench]'" in result.out
    (figures,) = (folder / "outputs").iterdir()
    assert figures.name.startswith("bench-MCQA-v0-")
    assert figures.suffix == ".json"


@pytest.mark.parametrize(
    ("word", "said"),
    [("output=b.txt", "output"), ("vs=ray", "vs"), ("rounds=0", "rounds"), ("latency=soon", "latency")],
)
def test_mistakes_are_told_before_anything_is_measured(gym_llm, word, said):
    result = gym_llm("bench", "MCQA", word)
    assert result.status == 2
    assert said in result.err
    assert "measuring" not in result.err
