"""`gym-llm sandbox`: what it shows, how a file is run, what is refused."""

from __future__ import annotations

import json

import pytest

from gym_llm.errors import SandboxUnavailable
from gym_llm.sandbox import battery, open_sandbox


@pytest.fixture(autouse=True)
def bubblewrap():
    try:
        open_sandbox().close()
    except SandboxUnavailable as error:
        pytest.skip(f"no bubblewrap here: {error}")


def test_doctor_shows_machine_providers_and_walls(gym_llm):
    result = gym_llm("sandbox", "doctor", "attacks=false")
    assert result.status == 0, result.out + result.err
    for words in ("user namespaces: ", "bubblewrap: works", "podman", "walls of bubblewrap", "reaches no network"):
        assert words in result.out
    assert "WRONG" not in result.out


def test_doctor_of_what_protects_nothing_fails(gym_llm):
    result = gym_llm("sandbox", "doctor", "provider=unsafe-local", "attacks=false")
    assert result.status == 1
    assert "WRONG: starts no process" in result.out


@pytest.fixture
def few_attacks(monkeypatch):
    chosen = battery.trials(names=["read a file of the machine", "open a raw socket"])
    monkeypatch.setattr(battery, "trials", lambda: chosen)
    monkeypatch.setattr(battery, "BENIGN", battery.BENIGN[:2])


def test_doctor_tries_attacks(gym_llm, few_attacks):
    result = gym_llm("sandbox", "doctor")
    assert result.status == 0, result.out + result.err
    for words in ("snooping: 3 of 3 stopped", "network: 2 of 2 stopped", "honest programs: 2 of 2 work"):
        assert words in result.out


def test_doctor_tells_which_attacks_succeed_as_json(gym_llm, few_attacks):
    result = gym_llm("sandbox", "doctor", "provider=unsafe-local", "json=true")
    assert result.status == 1
    found = json.loads(result.out)
    assert not found["good"]
    through = {attack["name"] for attack in found["attacks"] if attack["outcome"] == "through"}
    assert "read a file of the machine" in through


def test_doctor_without_a_provider(gym_llm, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    result = gym_llm("sandbox", "doctor", "attacks=false")
    assert result.status == 1
    assert "apt-get install bubblewrap" in result.out


def test_run_tells_output_and_end(gym_llm, folder):
    (folder / "a.py").write_text("import sys\nprint(input(), '\\x1b[31m')\nsys.exit(len(sys.stdin.read()))")
    (folder / "in.txt").write_text("first\nxyz")
    result = gym_llm("sandbox", "run", "a.py", "input=in.txt")
    assert (result.status, result.out) == (1, "first \\x1b[31m\n")
    assert "exit, exit status 3, " in result.err


def test_run_within_limits(gym_llm, folder):
    (folder / "a.py").write_text("while True: pass")
    result = gym_llm("sandbox", "run", "a.py", "cpu=1")
    assert (result.status, result.out) == (1, "")
    assert "cpu, signal 9" in result.err


def test_an_image_is_named(gym_llm, folder, engines):
    engines.image("mine:1")
    (folder / "a.py").write_text("print(6 * 7)")
    result = gym_llm("sandbox", "run", "a.py", "provider=podman", "image=mine:1")
    assert (result.status, result.out) == (0, "42\n")
    assert "podman: exit, exit status 0, 0." in result.err
    looked = gym_llm("sandbox", "doctor", "attacks=false", "provider=docker", "image=mine:1")
    assert looked.out.count("works; opened") > 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sandbox",), "action"),
        (("sandbox", "run"), "needs a file"),
        (("sandbox", "doctor", "a.py"), "takes no file"),
        (("sandbox", "run", "a.py", "b.py"), "unexpected word 'b.py'"),
        (("sandbox", "run", "no.py"), "no.py"),
        (("sandbox", "run", "a.py", "file=b.py"), "file is given twice"),
        (("sandbox", "doctor", "image=x"), "image='x': bubblewrap takes no image; name one of docker, podman"),
    ],
)
def test_what_is_refused(gym_llm, words, told):
    result = gym_llm(*words)
    assert result.status == 2
    assert told in result.err
