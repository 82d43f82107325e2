"""One run file describes everything: environments with weights, wrappers, policy, collection."""

from __future__ import annotations

import json
import os

import pytest

from gym_llm.cli.mixture import shares
from gym_llm.errors import ConfigError
from gym_llm.mock_model import MockModel
from gym_llm.rollouts import luggage

CANARY = "SECRET_5150"
RUN = """
config_paths: [base.yaml]
defaults:
  - policy: chat
env:
  weather:
    env: SimpleWeather
    weight: 2
    env_kwargs: {max_turns: 6}
    wrappers: [{name: TimeLimit, kwargs: {max_episode_steps: 9}}]
  quiz: {env: mcqa:MCQA}
limit: 6
output: mix.jsonl
policy:
  max_in_flight: 4
"""


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def written(folder):
    return "".join(path.read_text("utf-8") for path in folder.rglob("*") if path.is_file() and path.name != "env.yaml")


def test_one_run_file_end_to_end(gym_llm, folder):
    (folder / "run.yaml").write_text(RUN.replace("mcqa:MCQA", "MCQA"))
    (folder / "base.yaml").write_text("num_repeats: 2\nprogress: false\nsampling: {temperature: 0.25}\n")
    solve = ["gym_llm/SimpleWeather-v0", "gym_llm/MCQA-v0"]
    with MockModel(solve=solve, api_key=CANARY, keep_requests=99) as server:
        (folder / "env.yaml").write_text(
            f"policy_base_url: {server.base_url}\npolicy_api_key: {CANARY}\npolicy_model_name: m\n"
        )
        result = gym_llm("collect", "config_paths=[run.yaml]", "seed=3")
        assert result.status == 0, result.err
        assert {(sent["model"], sent["temperature"]) for sent in server.recent} == {("m", 0.25)}
    assert result.out.startswith("mixture: 4 of ")
    assert len(rows(folder / "mix_weather.jsonl")) == 8
    assert len(rows(folder / "mix_quiz.jsonl")) == 4
    assert all(row["reward"] == 1.0 for name in ("weather", "quiz") for row in rows(folder / f"mix_{name}.jsonl"))
    assert CANARY not in result.out + result.err + written(folder)


def test_a_wrapper_is_around_every_episode(gym_llm, folder, monkeypatch):
    monkeypatch.syspath_prepend(str(folder))
    (folder / "witness_wrapper.py").write_text(
        "import gymnasium\n"
        "class Witness(gymnasium.Wrapper):\n"
        "    def __init__(self, env, path):\n"
        "        super().__init__(env)\n"
        "        self.path = path\n"
        "    def reset(self, **kwargs):\n"
        "        with open(self.path, 'a') as file:\n"
        "            file.write('reset ')\n"
        "        return super().reset(**kwargs)\n"
    )
    (folder / "run.yaml").write_text(
        "env: SimpleWeather\noutput: o.jsonl\nprogress: false\npolicy: scripted\nlimit: 2\n"
        "wrappers: [OrderEnforcing, {name: 'witness_wrapper:Witness', kwargs: {path: seen.txt}}]\n"
    )
    result = gym_llm("collect", "config_paths=[run.yaml]")
    assert result.status == 0, result.err
    assert (folder / "seen.txt").read_text() == "reset reset "
    assert len(rows(folder / "o.jsonl")) == 2


def test_wrapped_environments_use_the_cores(gym_llm, folder, monkeypatch):
    monkeypatch.setattr(luggage, "WORTH_JOBS", 10)
    monkeypatch.setattr(luggage, "WORTH_JOBS_ANEW", 10)
    monkeypatch.setattr(luggage, "cores", lambda: 2)
    (folder / "pid_wrapper.py").write_text(
        "import gymnasium, os\n"
        "class Pid(gymnasium.Wrapper):\n"
        "    def reset(self, **kwargs):\n"
        "        with open('seen.txt', 'a') as file:\n"
        "            file.write(f'{os.getpid()} ')\n"
        "        return super().reset(**kwargs)\n"
    )
    words = ("collect", "SimpleWeather", "policy=scripted", "output=o.jsonl", "num_repeats=10", "progress=false")
    result = gym_llm(*words, "wrappers=['pid_wrapper:Pid']")
    assert result.status == 0, result.err
    seen = (folder / "seen.txt").read_text().split()
    assert len(seen) == len(rows(folder / "o.jsonl")) >= 40
    assert str(os.getpid()) not in seen


def test_a_resume_with_other_wrappers_is_refused(gym_llm, folder):
    words = ("collect", "SimpleWeather", "policy=scripted", "output=o.jsonl", "limit=1", "progress=false")
    wrapper = "{name: TimeLimit, kwargs: {max_episode_steps: %d}}"
    assert gym_llm(*words, f"wrappers=[{wrapper % 9}]").status == 0
    assert gym_llm(*words, f"wrappers=[{wrapper % 9}]", "resume=true", "num_workers=1").status == 0
    refused = gym_llm(*words, f"wrappers=[{wrapper % 8}]", "resume=true")
    assert refused.status == 2
    assert "wrappers" in refused.err


@pytest.mark.parametrize(
    ("wrapper", "told"),
    [
        ("TimeLimt", "there is no wrapper 'TimeLimt'. Did you mean 'TimeLimit'?"),
        ("no_such_module:Wrapper", "no module 'no_such_module'"),
        ("{name: TimeLimit, kwargs: {steps: 1}}", "TimeLimit cannot be laid around"),
    ],
)
def test_a_wrapper_that_cannot_be_made(gym_llm, folder, wrapper, told):
    (folder / "run.yaml").write_text(f"env: SimpleWeather\nwrappers: [{wrapper}]\nprogress: false\n")
    result = gym_llm("collect", "config_paths=[run.yaml]")
    assert result.status == 2
    assert told in result.err
    assert sorted(path.name for path in folder.iterdir()) == ["run.yaml"]


def test_weights_share_out_the_limit():
    assert shares({"a": 1, "b": 1}, {"a": 3, "b": 100}, None) == {"a": 3, "b": 3}
    assert shares({"a": 3, "b": 1}, {"a": 99, "b": 99}, 8) == {"a": 6, "b": 2}
    assert shares({"a": 0.1, "b": 0.2}, {"a": 10, "b": 20}, None) == {"a": 10, "b": 20}


@pytest.mark.parametrize(
    ("weights", "sizes", "limit", "told"),
    [
        ({"a": 1, "b": 1}, {"a": 3, "b": 9}, 10, "5 tasks of env.a are wanted, there are 3"),
        ({"a": 99, "b": 1}, {"a": 99, "b": 9}, 4, "no task of env.b would be played"),
    ],
)
def test_a_limit_that_cannot_be_shared_out(weights, sizes, limit, told):
    with pytest.raises(ConfigError, match=told):
        shares(weights, sizes, limit)


def test_dump_config_masks_by_type_and_tells_origins(gym_llm, folder):
    (folder / "run.yaml").write_text(RUN.replace("mcqa:MCQA", "MCQA"))
    (folder / "base.yaml").write_text(f"sampling:\n  max_output_tokens: 7\n  extra_body: {{note: 'x-{CANARY}'}}\n")
    (folder / "env.yaml").write_text(f"policy_api_key: {CANARY}\npolicy_model_name: m\n")
    words = ("dump-config", "collect", "config_paths=[run.yaml]", "seed=3")
    result = gym_llm(*words, "--origin")
    assert result.status == 0, result.err
    lines = {line.split("#")[0].strip(): line.partition("# ")[2] for line in result.out.splitlines()}
    assert lines["max_output_tokens: 7"] == "base.yaml:2"
    assert lines["seed: 3"] == "command line"
    assert lines["model: m"] == "packaged policy/chat.yaml:2, policy_model_name from env.yaml:2"
    assert lines["api_key: '****'"] == "packaged policy/chat.yaml:4, policy_api_key from env.yaml:1"
    assert lines["max_episode_steps: 9" if "max_episode_steps: 9" in lines else "limit: 6"].startswith("run.yaml:")
    assert "api_key_env: OPENAI_API_KEY" in gym_llm(*words).out
    assert CANARY not in result.out + result.err + gym_llm(*words).out


def test_dump_config_is_what_the_command_sees(gym_llm, folder):
    shown = gym_llm("dump-config", "collect", "SimpleWeather", "policy=random", "limit=1", "output=o.jsonl").out
    (folder / "again.yaml").write_text(shown + "progress: false\n" if "progress:" not in shown else shown)
    again = gym_llm("dump-config", "collect", "config_paths=[again.yaml]")
    assert again.out == shown
    assert gym_llm("collect", "config_paths=[again.yaml]").status == 0
    assert len(rows(folder / "o.jsonl")) == 1


def test_dump_config_masks_the_mock_models_key(gym_llm):
    result = gym_llm("dump-config", "mock-model", f"api_key={CANARY}")
    assert result.status == 0, result.err
    assert "api_key: '****'" in result.out
    assert CANARY not in result.out


def test_dump_config_masks_keys_that_no_schema_knows(gym_llm):
    given = (f"+env_kwargs.judge.api_key={CANARY}", "+env_kwargs.judge.model=m", "+env_kwargs.hotkeys=5")
    shown = gym_llm("dump-config", "collect", "EquivalenceLLMJudge", *given).out
    assert CANARY not in shown
    assert "api_key: '****'" in shown
    assert "hotkeys: 5" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("dump-config",), "name a command"),
        (("dump-config", "colect"), "Did you mean 'collect'?"),
        (("dump-config", "collect", "MCQA", "limitt=3"), "unknown key 'limitt'"),
        (("collect", "MCQA", "--search-dir"), "--search-dir needs a folder"),
        (("collect", "MCQA", "--search-dir=nowhere"), "there is no such folder"),
        (("collect", "MCQA", "--origin"), "unknown option '--origin'"),
    ],
)
def test_mistakes_around_it(gym_llm, words, told):
    result = gym_llm(*words)
    assert result.status == 2
    assert told in result.err


def test_a_secret_is_never_repeated_by_an_error(gym_llm, folder):
    (folder / "env.yaml").write_text(f"policy_api_key: {CANARY}\npolicy_model_name: m\n")
    for words in (
        ("policy=openai", "limit=${policy_api_key}"),
        ("policy=openai", "policy.api_key={a:${policy_api_key}}"),
        ("policy=openai", f"policy.api_kee={CANARY}"),
        ("policy=openai", f"password={CANARY}"),
        ("policy=openai", "policy.x=${policy_api_key}"),
        ("policy=openai", "policy.timeout=${policy_api_key}"),
        ("policy=openai", "policy.reasoning_history=${policy_api_key}"),
    ):
        for first in (("collect", "MCQA"), ("dump-config", "collect", "MCQA")):
            result = gym_llm(*first, "--traceback", *words)
            assert result.status == 2, words
            assert CANARY not in result.out + result.err, words
