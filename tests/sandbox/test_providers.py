"""Which provider is taken, what is said when none works, and the engines' command lines.

The engines are tested against a script on PATH that records its words; docker for real where it works.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import time

import pytest

from gym_llm.errors import ConfigError, SandboxUnavailable
from gym_llm.sandbox import PROVIDERS, Limits, default, doctor, open_sandbox

FAKE = """#!{python}
import json, os, subprocess, sys
words = sys.argv[1:]
with open({log!r}, "a") as file:
    file.write(json.dumps([os.path.basename(sys.argv[0]), *words]) + "\\n")
if words[0] in ("info", "version", "kill"):
    sys.exit(0)
work = next(word.split(":")[0] for word in words if ":/sandbox/work" in word)
code = next(word.split(":")[0] for word in words if ":/sandbox/program.py" in word)
inside = next(word.split(":")[0] for word in words if ":/opt/gym-llm/sandbox/inside" in word)
places = {{"/sandbox/program.py": code, "/opt/gym-llm/sandbox/inside/rlimits.py": inside + "/rlimits.py"}}
own = words[words.index("-I") - 1:]
own = [places.get(word, word).replace("'/opt/gym-llm/sandbox'", repr(os.path.dirname(inside))) for word in own]
os.chdir(work)
os.environ["PYTHONPATH"] = work
os.execv({python!r}, [{python!r}, *own[1:]])
"""


@pytest.fixture
def engines(tmp_path, monkeypatch):
    """Fake engines that record their words and then run the program here."""
    log = tmp_path / "words.jsonl"
    for name in ("docker", "podman", "apptainer"):
        script = tmp_path / name
        script.write_text(FAKE.format(python=sys.executable, log=str(log)))
        script.chmod(script.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return lambda: [json.loads(line) for line in log.read_text().splitlines()]


def test_auto_is_bubblewrap(box):
    with open_sandbox() as sandbox:
        assert sandbox.name == "bubblewrap"
        assert sandbox.describe()["provider"] == "bubblewrap"


def test_environments_share_one(box):
    assert default() is default()
    assert default().run(program="print(1)").ok


def test_no_provider_is_an_error_with_the_install_line(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap") as caught:
        open_sandbox()
    for word in ("bubblewrap is not installed", "Nothing is run unprotected", "docker", "unsafe-local"):
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["docker", "podman", "apptainer"])
def test_missing_engine_names_its_install(monkeypatch, name):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxUnavailable, match=f"{name} is not installed; install it: "):
        open_sandbox(name)


def test_unknown_provider_and_setting():
    with pytest.raises(ConfigError, match="Did you mean 'docker'"):
        open_sandbox("dockr")
    with pytest.raises(TypeError, match="pythn"):
        open_sandbox("bubblewrap", pythn="x")


def test_bubblewrap_that_does_not_work_says_why(tmp_path, monkeypatch):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SandboxUnavailable, match="does not work on this machine"):
        open_sandbox()


def test_interpreter_that_does_not_run():
    with pytest.raises(SandboxUnavailable, match="no/python"):
        open_sandbox("bubblewrap", python="/no/python")


@pytest.mark.skipif(not shutil.which("/usr/bin/python3"), reason="no /usr/bin/python3 on this machine")
def test_another_interpreter(box):
    with open_sandbox("bubblewrap", python="/usr/bin/python3") as sandbox:
        told = sandbox.run(program="import sys; print(sys.prefix)").stdout_text
    assert told == "/usr\n"


def test_preloaded_modules_are_there(box):
    with open_sandbox("bubblewrap", preload=["numpy"]) as sandbox:
        sandbox.run(program="1")
        there = "import sys; print('numpy' in sys.modules); import numpy; print(numpy.arange(3).sum())"
        result = sandbox.run(program=there)
    assert result.stdout == b"True\n3\n"
    assert result.cpu < 0.1


def test_read_only_folders(tmp_path, box):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/table.txt").write_text("42")
    with open_sandbox("bubblewrap", read_only=[str(tmp_path / "data")]) as sandbox:
        path = str(tmp_path / "data/table.txt")
        assert sandbox.run(program=f"print(open({path!r}).read())").stdout == b"42\n"
        assert not sandbox.run(program=f"open({path!r}, 'w')").ok
    assert not box.run(program=f"open({path!r})").ok


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_container_command_line(engines, name):
    limits = Limits(memory=256 << 20, processes=9, disk=8 << 20, open_files=50, cpu=3)
    with open_sandbox(name, image="img:1") as sandbox:
        program, files = "import helper; print(input(), helper.X)", {"helper.py": "X = 1"}
        result = sandbox.run(program=program, stdin="hi", files=files, limits=limits)
    assert result.stdout == b"hi 1\n", result.stderr_text
    asked, _, (engine, *words) = engines()
    assert (asked, engine) == ([name, "info"], name)
    line = " ".join(words)
    for option in (
        "--network none", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--pids-limit 11",
        f"--memory {256 << 20}", f"--memory-swap {256 << 20}", "--rm", "--ulimit core=0:0", "--ulimit nofile=50:50",
        f"--tmpfs /tmp:rw,nosuid,nodev,size={8 << 20}", "--workdir /sandbox/work", "/sandbox/program.py:ro",
    ):  # fmt: skip
        assert option in line, option
    assert words.index("img:1") < words.index("/opt/gym-llm/sandbox/inside/rlimits.py")
    assert "--user 0" not in line
    given = json.loads(words[words.index("/opt/gym-llm/sandbox/inside/rlimits.py") + 1])
    assert (given["cpu"], given["memory"]) == (3, 256 << 20)


def test_apptainer_command_line(engines):
    with open_sandbox("apptainer") as sandbox:
        assert sandbox.run(program="print(1)").stdout == b"1\n"
    words = engines()[-1]
    line = " ".join(words)
    for option in ("exec", "--containall", "--cleanenv", "--no-home", "--no-privs", "--net --network none"):
        assert option in line
    assert "docker://python:3.11-slim" in words


def test_container_is_killed_at_the_deadline(engines):
    with open_sandbox("docker") as sandbox:
        began = time.monotonic()
        assert sandbox.run(program="import time; time.sleep(30)", limits=Limits(wall=0.5)).reason == "wall"
        assert time.monotonic() - began < 5
    run, kill = engines()[-2:]
    assert kill == ["docker", "kill", run[run.index("--name") + 1]]


def test_session_in_a_container(engines):
    with open_sandbox("docker") as sandbox, sandbox.session(limits=Limits(wall=5)) as session:
        session.execute("x = 1")
        reply = session.execute("print('out')\nx")
        assert (reply.stdout, reply.result) == ("out\n", "1")
        assert session.execute("import time; time.sleep(30)", 0.5).reason == "wall"
        assert session.execute("2").result == "2"


def test_docker_for_real():
    try:
        sandbox = open_sandbox("docker")
    except SandboxUnavailable as error:
        pytest.skip(f"docker does not work here: {error}")
    with sandbox, sandbox.session() as session:
        assert sandbox.run(program="print(input())", stdin="hi").stdout == b"hi\n"
        assert session.execute("1 + 1").result == "2"


def test_doctor_tells_of_machine_providers_and_walls(box):
    assert {"kernel", "user namespaces", "bubblewrap"} <= {finding.name for finding in doctor.machine()}
    assert [finding.name for finding in doctor.providers()] == list(PROVIDERS)
    findings = doctor.walls(box)
    assert len(findings) > 9
    assert all(finding.good for finding in findings), findings


def test_doctor_sees_walls_that_do_not_stand(local):
    fallen = {finding.name for finding in doctor.walls(local) if not finding.good}
    assert {"starts no process", "sees no process of this machine"} <= fallen
