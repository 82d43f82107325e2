"""Which provider is taken, what is said when none works, and the engines' command lines.

The engines' words are tested on stand-ins (`recorded_engine.py`); `test_engines.py` has the real ones.
"""

from __future__ import annotations

import asyncio
import shutil
import time

import pytest

from gym_llm.errors import ConfigError, SandboxError, SandboxUnavailable
from gym_llm.sandbox import PROVIDERS, Limits, container_run, default, doctor, engine, open_sandbox

IMAGE = "img:1"


@pytest.fixture
def recorded(engines):
    """Stand-ins with an image."""
    engines.image(IMAGE)
    return engines


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
    assert result.cpu < box.run(program=there).cpu / 2


def test_read_only_folders(tmp_path, box):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/table.txt").write_text("42")
    with open_sandbox("bubblewrap", read_only=[str(tmp_path / "data")]) as sandbox:
        path = str(tmp_path / "data/table.txt")
        assert sandbox.run(program=f"print(open({path!r}).read())").stdout == b"42\n"
        assert not sandbox.run(program=f"open({path!r}, 'w')").ok
    assert not box.run(program=f"open({path!r})").ok


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_container_command_line(recorded, name):
    limits = Limits(memory=256 << 20, processes=9, disk=8 << 20, open_files=50, cpu=3)
    with open_sandbox(name, image=IMAGE) as sandbox:
        program, files = "import helper; print(input(), helper.X)", {"helper.py": "X = 1"}
        result = sandbox.run(program=program, stdin="hi", files=files, limits=limits, environment={"TOKEN": "s3cret"})
    assert result.stdout == b"hi 1\n", result.stderr_text
    asked, _, (engine, *words) = recorded.calls
    assert (asked, engine) == ([name, "info"], name)
    line = " ".join(words)
    for option in (
        "--network none", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--pids-limit 10",
        f"--memory {(256 + 8 + 64) << 20}", f"--memory-swap {(256 + 8 + 64) << 20}", "--rm", "--ulimit core=0:0",
        f"--tmpfs /tmp:rw,exec,nosuid,nodev,mode=1777,size={8 << 20}", "--ipc private", "--tmpfs /sys/class:ro",
    ):  # fmt: skip
        assert option in line, option
    for secret in ("--user 0", "s3cret", "helper"):  # what is run, and what it gets, are no words of a process
        assert secret not in line
    assert ("nr_inodes=4096" in line) == (name == "docker")
    assert words.index(IMAGE) < words.index("python3")


def test_apptainer_command_line(recorded):
    with open_sandbox("apptainer", image=IMAGE) as sandbox:
        assert sandbox.run(program="print(1)").stdout == b"1\n"
    words = recorded.calls[-1]
    line = " ".join(words)
    for option in (
        "exec",
        "--containall",
        "--cleanenv",
        "--no-home",
        "--no-privs",
        "--no-init",
        "--net --network none",
    ):
        assert option in line
    assert f"docker://{IMAGE}" in words


@pytest.mark.parametrize("name", ["docker", "podman", "apptainer"])
def test_ends_in_a_container(recorded, name):
    with open_sandbox(name, image=IMAGE) as sandbox:
        began = time.monotonic()
        assert sandbox.run(program="import time; time.sleep(30)", limits=Limits(wall=0.5)).reason == "wall"
        assert time.monotonic() - began < 5
        assert sandbox.run(program="while True: pass", limits=Limits(cpu=1)).reason == "cpu"
        assert sandbox.run(["sh", "-c", "kill -9 $$"]).signal == 9
        assert sandbox.run(program="raise SystemExit(137)").exit_status == 137


def test_a_container_that_does_not_heed_is_removed(recorded, monkeypatch):
    monkeypatch.setattr(container_run, "_END_SECONDS", 0.2)
    monkeypatch.setattr(container_run.ContainerRun, "kill", lambda run: None)
    with open_sandbox("docker", image=IMAGE) as sandbox:

        async def cancelled():
            await asyncio.wait_for(sandbox.arun(program="import time; time.sleep(60)"), 1)

        with pytest.raises(TimeoutError):
            asyncio.run(cancelled())
    run, removal = recorded.calls[-2:]
    assert removal == ["docker", "rm", "--force", run[run.index("--name") + 1]]


def test_session_in_a_container(recorded):
    with open_sandbox("docker", image=IMAGE) as sandbox, sandbox.session(limits=Limits(wall=5)) as session:
        session.execute("x = 1")
        reply = session.execute("print('out')\nx")
        assert (reply.stdout, reply.result) == ("out\n", "1")
        assert session.execute("import time; time.sleep(30)", 0.5).reason == "wall"
        assert session.execute("2").result == "2"


def test_the_start_of_a_container_counts_in_no_deadline(recorded, monkeypatch):
    with open_sandbox("docker", image=IMAGE, limits=Limits(wall=0.7)) as sandbox:
        python = recorded.images / "img_1" / "opt" / "bin" / "python3"
        python.write_text(python.read_text().replace("exec", "sleep 1.5; exec"))
        result = sandbox.run(program="import time; time.sleep(0.1); print(1)")
        assert (result.stdout, result.wall < 0.7) == (b"1\n", True)
        with sandbox.session() as session:
            reply = session.execute("1 + 1")
            assert (reply.result, reply.wall < 0.7) == ("2", True)
        monkeypatch.setattr(engine, "_START_SECONDS", 0.3)
        with pytest.raises(SandboxError, match=r"did not start in (0\.3 seconds|time)"):
            sandbox.run(program="print(1)")


def test_an_image_that_is_not_there(recorded):
    with pytest.raises(SandboxUnavailable, match=r"podman does not work on this machine: .*Unable to find image 'x'"):
        open_sandbox("podman", image="x")


def test_only_engines_take_an_image():
    for provider in ("auto", "bubblewrap", "unsafe-local"):
        with pytest.raises(
            ConfigError, match=r"image='x': (bubblewrap|unsafe-local) takes no image; name one of docker"
        ):
            open_sandbox(provider, image="x")


def test_an_engines_client_gets_its_own_variables_only(monkeypatch):
    monkeypatch.setenv("CONTAINERS_CONF", "/c")
    monkeypatch.setenv("API_KEY", "s3cret")
    given = engine._client_environment()
    assert given["CONTAINERS_CONF"] == "/c"
    assert "s3cret" not in given.values()


def test_doctor_tells_of_machine_providers_and_walls(box):
    assert {"kernel", "user namespaces", "bubblewrap"} <= {finding.name for finding in doctor.machine()}
    assert [finding.name for finding in doctor.providers()] == list(PROVIDERS)
    findings = doctor.walls(box)
    assert len(findings) > 9
    assert all(finding.good for finding in findings), findings


def test_doctor_sees_walls_that_do_not_stand(local):
    fallen = {finding.name for finding in doctor.walls(local) if not finding.good}
    assert {"starts no process", "sees no process of this machine"} <= fallen
