"""Names of environments may be shortened; a module before a colon is imported, also from the current folder."""

from __future__ import annotations

import sys

import gymnasium
import pytest

from gym_llm.cli.names import resolve
from gym_llm.errors import ConfigError
from gym_llm.registration import env_ids

REGISTERING = """
import gymnasium
for name in ("Own-v0", "Own-v2", "mine/Space-v1"):
    gymnasium.register(id=name, entry_point="{module}:Own")
"""


@pytest.mark.parametrize("name", ["MCQA", "MCQA-v0", "gym_llm/MCQA-v0", "gym_llm/MCQA", "mcqa", "gym_llm/mcqa-v0"])
def test_forms_of_a_name(name):
    assert resolve(name) == "gym_llm/MCQA-v0"


@pytest.mark.parametrize("env_id", env_ids())
def test_every_environment_is_chosen_in_the_same_ways(env_id):
    folder = gymnasium.spec(env_id).entry_point.split(":")[0].rpartition(".")[2]
    name = env_id.removeprefix("gym_llm/").removesuffix("-v0")
    assert {resolve(form) for form in (folder, name, name.lower(), f"{name}-v0", env_id)} == {env_id}


@pytest.mark.parametrize(("name", "meant"), [("MCQ", "MCQA"), ("SimpleWether-v0", "SimpleWeather-v0")])
def test_unknown_name_suggests(name, meant):
    with pytest.raises(ConfigError, match=f"Did you mean '.*{meant}"):
        resolve(name)


@pytest.mark.parametrize("name", ["", "-v0", "gym_llm/", "a b", "MCQA-v0/x", "MCQA-v99", "\x00"])
def test_nonsense_is_refused(name):
    with pytest.raises(ConfigError, match="no environment is called"):
        resolve(name)


@pytest.fixture
def module(folder, monkeypatch):
    name = f"registering_{folder.name.lower()}".replace("-", "_")
    (folder / f"{name}.py").write_text(REGISTERING.format(module=name))
    monkeypatch.setattr(sys, "path", list(sys.path))
    kept = dict(gymnasium.registry)
    yield name
    gymnasium.registry.clear()
    gymnasium.registry.update(kept)
    sys.modules.pop(name, None)


def test_module_of_the_current_folder(module):
    assert resolve(f"{module}:Own-v0") == "Own-v0"
    assert resolve(f"{module}:Own") == "Own-v2"
    assert resolve(f"{module}:Space") == "mine/Space-v1"
    with pytest.raises(ConfigError, match=r"registers .*Own-v2"):
        resolve(f"{module}:Other")


def test_a_module_that_breaks_says_how(folder, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (folder / "breaking_module.py").write_text("1 / 0")
    with pytest.raises(ConfigError, match="ZeroDivisionError"):
        resolve("breaking_module:X")
    (folder / "needing_module.py").write_text("import no_such_dependency")
    with pytest.raises(ConfigError, match="no_such_dependency"):
        resolve("needing_module:X")
