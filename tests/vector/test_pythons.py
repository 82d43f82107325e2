"""Environments of one vector in interpreters of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest

from gym_llm.errors import ConfigError
from gym_llm.vector import AsyncVectorEnv, make_vec


@pytest.fixture(autouse=True, scope="module")
def _cache(tmp_path_factory):
    before = os.environ.get("GYM_LLM_CACHE")
    os.environ["GYM_LLM_CACHE"] = str(tmp_path_factory.mktemp("interpreters"))
    yield
    if before is None:
        del os.environ["GYM_LLM_CACHE"]
    else:
        os.environ["GYM_LLM_CACHE"] = before


def _index_is_reachable() -> bool:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", os.devnull, "math-verify==0.7.0"]
    if uv := shutil.which("uv"):
        command = [uv, "pip", "compile", "--no-deps", "-q", "-"]
    return subprocess.run(command, input=b"math-verify==0.7.0\n", capture_output=True, timeout=60).returncode == 0


@pytest.mark.skipif(not _index_is_reachable(), reason="packages are installed from an index, and none is reachable")
def test_two_versions_of_a_package_in_one_vector():
    def make():
        import importlib.metadata

        import gymnasium

        import gym_llm  # noqa: F401

        env = gymnasium.make("gym_llm/StatefulCounter-v0")
        env.set_wrapper_attr("mark", importlib.metadata.version("math-verify"))
        return env

    def first():
        import gymnasium

        import gym_llm  # noqa: F401

        env = gymnasium.make("gym_llm/StatefulCounter-v0")
        env.set_wrapper_attr("mark", "this one")
        return env

    requirements = [None, ["math-verify==0.7.0"], ["math-verify==0.8.0"]]
    envs = AsyncVectorEnv([first, make, make], requirements=requirements)
    try:
        assert envs.get_attr("mark") == ("this one", "0.7.0", "0.8.0")
        assert len(envs.reset(seed=0)[0]) == 3
    finally:
        envs.close()


def _other_python() -> str | None:
    for version in ("3.13", "3.12"):
        found = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
        if sys.version_info[:2] != tuple(map(int, version.split("."))) and any(found):
            return version
    return None


@pytest.mark.skipif(_other_python() is None, reason="there is no other supported Python on this machine")
@pytest.mark.skipif(
    not _index_is_reachable(), reason="another Python needs packages of its own, and no index is reachable"
)
def test_another_version_of_python():
    version = _other_python()
    envs = make_vec("gym_llm/StatefulCounter-v0", num_envs=2, python=[version, None])
    here = AsyncVectorEnv([lambda: gym.make("gym_llm/StatefulCounter-v0")] * 2, num_workers=1)
    try:
        assert envs._engine.workers[0].pid != envs._engine.workers[1].pid
        assert envs.reset(seed=0)[0] == here.reset(seed=0)[0]
    finally:
        envs.close()
        here.close()


def test_wrong_lists_are_refused():
    with pytest.raises(ConfigError, match="python has 1 entries for 2 environments"):
        make_vec("gym_llm/StatefulCounter-v0", num_envs=2, python=["3.12"])
    with pytest.raises(ConfigError, match="num_workers=0"):
        make_vec("gym_llm/StatefulCounter-v0", num_envs=2, num_workers=0)
