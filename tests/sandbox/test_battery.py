"""The attack battery: nothing gets through, the machine is what it was, honest programs run, and it has teeth."""

from __future__ import annotations

import os
import shutil

import pytest

from gym_llm.errors import SandboxUnavailable
from gym_llm.sandbox import bubblewrap, command_line, open_sandbox
from gym_llm.sandbox.battery import ATTACKS, BENIGN, differences, fingerprint, run, trials, warm
from gym_llm.sandbox.battery.attack import Attack
from gym_llm.sandbox.battery.marks import Marks


@pytest.fixture
def sandbox():
    """The default provider with one zygote, which every run that could poison it shares."""
    try:
        opened = open_sandbox("auto", concurrency=16, zygotes=1)
    except SandboxUnavailable as error:
        if os.environ.get("CI"):  # there it is installed: a skip would hide that it does not work
            raise
        pytest.skip(f"no sandbox here: {error}")
    with opened:
        warm(opened)
        yield opened


def test_it_is_large_and_of_many_kinds():
    names = [attack.name for attacks in ATTACKS.values() for attack in attacks]
    assert len(names) == len(set(names)) >= 200
    assert len(ATTACKS) == 10
    assert {way for _, _, way in trials()} == {"compute", "process", "shell", "session"}


WAITING = {
    "sleep", "do not die when told to", "stop oneself", "wait for what never comes", "answer by halves",
    "wait for the deadline and end well", "close the channel", "flood the channel",
}  # fmt: skip


@pytest.mark.timeout(170)
def test_nothing_gets_through_and_the_machine_is_what_it_was(sandbox):
    """One test, since the battery is run once: what came of it, the machine, and honest programs after it."""
    before = fingerprint(sandbox.owner)
    outcomes = run(sandbox)
    changed = differences(before, sandbox.owner)
    assert len(outcomes) == len(trials())
    assert not [outcome for outcome in outcomes if outcome.outcome == "through"]
    assert not [outcome for outcome in outcomes if outcome.outcome == "unexplained"]
    assert {outcome.name for outcome in outcomes if "ended by wall" in outcome.detail} <= WAITING
    assert not changed
    assert not {program.name: told for program in BENIGN if (told := program.run(sandbox))}


def test_marks_tell_a_leak_and_a_touch():
    with Marks(["gymllm-other-0"]) as marks:
        assert (marks.leaked(b"x"), marks.touched()) == ("", "")
        assert marks.leaked(f"a {marks.secret} b".encode()) == "file"
        assert marks.leaked(marks.answer.encode()[::-1]) == "answer"
        assert marks.leaked(marks.answer.encode().hex().encode()) == "answer"
        (marks.folder / "target").write_text("changed")
        assert "was changed" in marks.touched()


def outcome_of(sandbox, text, **settings):
    """Return the outcome of an attack made up here."""
    (found,) = run(sandbox, [("own", Attack("own", text, ("compute",), **settings), "compute")])
    return found


def test_controls(sandbox):
    assert outcome_of(sandbox, "through('yes')").outcome == "through"
    assert outcome_of(sandbox, "open('/nowhere')").outcome == "stopped"
    assert outcome_of(sandbox, "pass").outcome == "unexplained"
    assert outcome_of(sandbox, "import time; time.sleep(9)").outcome == "unexplained"
    assert outcome_of(sandbox, "absent()", beside="raise SystemExit(1)").outcome == "through"
    assert outcome_of(sandbox, "absent()", then="through('left')").outcome == "through"
    assert outcome_of(sandbox, "absent()", check=lambda trial: "checked").detail == "checked"


def test_unprotected_most_get_through(local):
    kinds = ("snooping", "network", "persistence")
    outcomes = run(local, [one for one in trials(kinds) if one[2] != "session"])
    through = [outcome.name for outcome in outcomes if outcome.outcome == "through"]
    assert len(set(through)) >= 25
    assert {"read a file of the machine", "connect to a port of the machine", "leave a daemon"} <= set(through)


def edited(*changes):
    """Return a weakening that edits what runs inside."""

    def weaken(monkeypatch, tmp_path):
        folder = tmp_path / "inside"
        shutil.copytree(command_line._INSIDE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for name, old, new in changes:
            text = (folder / name).read_text()
            assert old in text
            (folder / name).write_text(text.replace(old, new))
        tmp_path.chmod(0o755)
        monkeypatch.setattr(command_line, "_INSIDE", folder)

    return weaken


def worded(change):
    """Return a weakening that edits the command line."""

    def weaken(monkeypatch, tmp_path):
        original = bubblewrap.bubblewrap
        monkeypatch.setattr(bubblewrap, "bubblewrap", lambda *words, **named: change(original(*words, **named)))

    return weaken


def with_the_network(words):
    shares = [f"--unshare-{name}" for name in ("user", "pid", "ipc", "uts")]
    return [other for word in words for other in (shares if word == "--unshare-all" else [word])]


def with_real_zeros(words):
    at = words.index("/dev/zero")
    return [*words[: at - 1], "/dev/zero", *words[at:]]


def without_network_namespaces(monkeypatch, tmp_path):
    worded(with_the_network)(monkeypatch, tmp_path)
    edited(("zygote.py", " | kernel.CLONE_NEWNET", ""))(monkeypatch, tmp_path)


SIZES = "f\"size={limits['disk']},nr_inodes={limits['inodes']},mode=755\""
LIMITED = 'rlimits.limit(header["limits"], supervisors)'
LAYERS = {
    "system call filter": (
        edited(("supervisor.py", "filter_.install()", "pass")),
        ["add a key", "flush every disk", "open a ring of requests", "read the memory of other processes"],
    ),
    "rule of shared memory": (
        edited(("seccomp.py", "(0x21, 0x23)", "()")), ["take shared memory out of every account"],
    ),
    "resource limits": (
        edited(("supervisor.py", LIMITED, "pass")),
        ["take memory", "open files without end", "start threads without end"],
    ),
    "network namespaces": (
        without_network_namespaces, ["connect to a port of the machine", "connect from a shell"],
    ),
    "small file systems": (
        edited(("walls.py", SIZES, '"mode=755"')), ["make files without end", "fill /tmp"],
    ),
    "memory of the tree": (
        edited(("watch.py", "self._peak > self._most_memory and", "False and")), ["take memory in many processes"],
    ),
    "supervisor's deafness": (
        edited(("supervisor.py", "signal.signal(signal.SIGINT, signal.SIG_IGN)", "pass")), ["send SIGINT to process 1"],
    ),
    "device of zeros": (worded(with_real_zeros), ["take it by the device of zeros"]),
}  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_without_a_layer_something_gets_through(layer, monkeypatch, tmp_path, box):
    weaken, names = LAYERS[layer]
    weaken(monkeypatch, tmp_path)
    with open_sandbox("bubblewrap", zygotes=1, concurrency=8) as weakened:
        outcomes = run(weakened, trials(names=names))
    assert outcomes
    assert [outcome for outcome in outcomes if outcome.outcome == "through"], outcomes
