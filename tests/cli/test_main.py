"""Mistakes are told in one line with their cure, never with a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

import gym_llm as package
from gym_llm.cli.commands import BY_NAME

MISTAKES = {
    "unknown command": ("colect", "Did you mean 'collect'?"),
    "unknown option": ("--verison", "Did you mean '--version'?"),
    "unknown option of a command": ("list --jsn", "unknown option '--jsn'"),
    "setting as an option": ("collect MCQA --limit 5", "'--limit'. Settings are written key=value: limit=5"),
    "setting as an option with =": ("collect MCQA --num-repeats=5", "key=value: num_repeats=5"),
    "setting as an option, alone": ("collect MCQA --overwrite seed=1", "key=value: overwrite=VALUE"),
    "setting of a group as an option": ("collect MCQA --policy.model=m", "key=value: policy.model=m"),
    "run file as an option": ("collect --config run.yaml", "key=value: config_paths=[run.yaml]"),
    "unknown environment": ("show MCQB", "Did you mean 'MCQA"),
    "unknown key": ("list jsn=true", "Did you mean 'json'?"),
    "unknown key in a group": ("collect MCQA policy.latncy=1", "Did you mean 'policy.latency'?"),
    "unknown option of a group": ("collect MCQA policy=opnai", "Did you mean 'openai'?"),
    "missing name": ("show", "required: env"),
    "missing model": ("collect MCQA policy=openai", "required: policy.model"),
    "wrong type": ("collect MCQA limit=many", "limit='many'"),
    "out of range": ("collect MCQA num_repeats=0", "num_repeats=0"),
    "two names": ("show MCQA MCQA", "unexpected word 'MCQA'"),
    "name given twice": ("show MCQA env=MCQA", "given twice"),
    "no setting": ("list foo", "settings are written key=value"),
    "unreadable value": ("collect MCQA limit=[1", "quote"),
    "unset variable": ("collect MCQA output=${oc.env:GYM_LLM_NO_SUCH}", "GYM_LLM_NO_SUCH"),
    "hydra's own keys": ("collect MCQA hydra.run.dir=x", "no effect"),
    "missing module": ("show no_such_module:Env-v0", "no module 'no_such_module'"),
    "bad package name": ("new Bad-Name", "lower-case"),
    "name of a module": ("new json", "choose another name"),
    "wrong environment argument": ("show MCQA env_kwargs.max_trns=3", "max_trns"),
    "missing dataset": ("collect MCQA input=nowhere.jsonl progress=false", "nowhere.jsonl"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistake_is_one_line_with_a_cure(gym_llm, case):
    words, told = MISTAKES[case]
    result = gym_llm(*words.split())
    assert result.status == 2
    assert told in result.err
    assert result.err.startswith("gym-llm: error: ")
    assert result.err.count("\n") <= 2
    assert "Traceback" not in result.err


@pytest.mark.parametrize("way", ["option", "variable"])
def test_traceback_is_shown_when_asked_for(gym_llm, monkeypatch, way):
    if way == "variable":
        monkeypatch.setenv("GYM_LLM_TRACEBACK", "1")
    result = gym_llm("show", "MCQB", *(["--traceback"] if way == "option" else []))
    assert "Traceback" in result.err
    assert result.status == 2


def test_a_key_is_never_told(gym_llm):
    canary = "SECRET_4711"
    for words in (
        f"policy.api_key=[{canary}]",
        f"policy.api_key={{{canary}:1}}",
        f"policy.api_key='{canary}",
        f"policy.api_key.x={canary}",
        f"policy.api_key={canary} policy.type=x",
        f"policy.api_key={canary} policy.x=1",
        f"policy.api_key={canary} policy=null",
        f"~policy.api_key={canary}",
    ):
        result = gym_llm("collect", "MCQA", "policy=openai", "--traceback", *words.split())
        assert result.status == 2, words
        assert canary not in result.out + result.err, words


def test_version(gym_llm):
    assert gym_llm("--version").out == f"gym-llm {package.__version__}\n"


def test_control_characters_of_a_name_are_escaped(gym_llm):
    assert "\x1b" not in gym_llm("show", "MCQA\x1b[31m").err


@pytest.mark.parametrize("name", BY_NAME)
def test_every_command_has_help(gym_llm, name):
    result = gym_llm(name, "--help")
    assert result.status == 0
    for part in (f"Usage: gym-llm {name}", "Examples", BY_NAME[name].summary):
        assert part in result.out


def test_no_words_show_the_overview(gym_llm):
    result = gym_llm()
    assert result.status == 2
    assert all(name in result.out for name in BY_NAME)


def test_ctrl_c_leaves_no_traceback(folder):
    command = [sys.executable, "-m", "gym_llm.cli", "play", "SimpleWeather"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()) and b"/quit" not in line:
            pass
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert b"interrupted" in process.stderr.readline()
        process.send_signal(signal.SIGINT)  # while it leaves
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_a_closed_pipe_is_quiet(folder):
    line = f"{sys.executable} -m gym_llm.cli show MCQA | head -c 1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, env={**os.environ}, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
