"""Interpreters of their own: built once, found again, isolated but for gym_llm, and plain errors when they fail.

Most packages here are tiny wheels in a folder, so that no index is needed; `TestIndex` uses the real one, if it
answers.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

from gym_llm import interpreters
from gym_llm.errors import ConfigError
from gym_llm.interpreters import Interpreter, interpreter, recipe, requirements, search
from gym_llm.interpreters.build import MARKER
from gym_llm.interpreters.installer import find_uv
from gym_llm.interpreters.probe import PACKAGE, Python, this

ROOT = PACKAGE.parent
VERSION = ".".join(map(str, sys.version_info[:3]))
MAKE = "import gymnasium, gym_llm\nobservation, info = gymnasium.make('gym_llm/SimpleWeather-v0').reset(seed=1)"

pytestmark = pytest.mark.timeout(300)
needs_uv = pytest.mark.skipif(find_uv() is None, reason="uv is not installed")


def wheel(folder: Path, name: str, version: str, code: str = "", *, requires: str = "") -> Path:
    """Write a wheel of one package whose `__version__` is its version."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", f"__version__ = {version!r}\n{code}")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Packages to install."""
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, "gymllm_probe", "1.0")
    wheel(folder, "gymllm_probe", "2.0")
    wheel(folder, "tqdm", "99.0")  # the running interpreter has another one
    wheel(folder, "gymllm_envs", "1.0", requires="gym-llm>=99")
    wheel(folder, "msgspec", "0.99", "raise RuntimeError('this msgspec is broken')\n")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("GYM_LLM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "interpreters"


@pytest.fixture
def offline(wheels, monkeypatch):
    """Installers that see those wheels only, by their ordinary configuration."""
    for installer in ("UV", "PIP"):
        monkeypatch.setenv(f"{installer}_NO_INDEX", "1")
        monkeypatch.setenv(f"{installer}_FIND_LINKS", str(wheels))


@pytest.fixture(scope="module")
def index():
    """A package index that answers, or a skipped test."""
    words = [*(find_uv() or [sys.executable, "-m"]), "pip", "install", "--dry-run"]
    words += ["--python", sys.executable] if find_uv() else []
    try:
        done = subprocess.run([*words, "math-verify==0.7.0"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"no package index is reachable: {error}")
    if done.returncode:
        pytest.skip(f"no package index is reachable: {done.stderr.strip().splitlines()[-1:]}")


@pytest.fixture
def slow_uv(tmp_path, monkeypatch):
    """The real uv behind a script that writes down each call, and waits before it installs while `hold` exists."""
    real = find_uv()
    if real is None or len(real) > 1:
        pytest.skip("uv is not on PATH")
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "uv"
    script.write_text(
        textwrap.dedent(f"""\
            #!/bin/sh
            [ "$1" = --version ] || echo "$1" >> {tmp_path}/calls
            if [ "$1" = pip ]; then
                echo $$ > {tmp_path}/installing
                while [ -e {tmp_path}/hold ]; do sleep 0.05; done
            fi
            exec {real[0]} "$@"
            """)
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def tell(python: Interpreter, expression: str, before: str = "pass") -> object:
    """Return the value of an expression in a worker's interpreter."""
    code = f"import json\n{before}\nprint(json.dumps({expression}))"
    done = subprocess.run(
        [str(python.executable), "-P", "-c", code], env={**os.environ, **python.environ()}, cwd="/",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def version_in(python: Interpreter, module: str) -> object:
    return tell(python, f"{module}.__version__", f"import {module}")


def start(requirement: str) -> subprocess.Popen[str]:
    """Ask for an interpreter in another process, which leads a group of its own."""
    asked = f"interpreter(requirements=[{requirement!r}])"
    code = f"from gym_llm.interpreters import interpreter; print({asked}.executable)"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)
    return path.read_text()


def alive(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


def name_of(wanted: list[str] | str | Path) -> str:
    return recipe.fresh(this(), requirements.read(wanted)).name


class TestAsked:
    def test_nothing_is_the_running_interpreter(self, cache):
        found = interpreter()
        assert found == Interpreter(Path(sys.executable), VERSION)
        assert found.environ() == {}
        assert interpreter(requirements=[]) == interpreter(sys.executable) == found
        assert interpreter(f"{sys.version_info[0]}.{sys.version_info[1]}") == found
        assert not cache.exists()

    def test_command_and_environment(self):
        found = Interpreter(Path("/somewhere/bin/python"), "3.12.1", (Path("/somewhere/bin"),))
        assert found.command("gym_llm.cli", "list") == ["/somewhere/bin/python", "-P", "-m", "gym_llm.cli", "list"]
        assert found.environ()["PATH"].split(os.pathsep)[0] == "/somewhere/bin"
        assert found.environ()["VIRTUAL_ENV"] == "/somewhere"

    @pytest.mark.parametrize(
        ("python", "said"),
        [
            ("3.99", r"No Python 3\.99 was found.*Found: .*3\.1\d"),
            ("/no/such/python", "neither an interpreter's path nor a version"),
            ("/", "name the interpreter in it: /bin/python"),
            ("/bin/false", "is not a usable Python"),
        ],
    )
    def test_unknown_pythons_are_refused(self, python, said, cache):
        with pytest.raises(ConfigError, match=said):
            interpreter(python)
        assert not cache.exists()

    def test_versions_match_by_whole_numbers(self):
        assert search.is_version("3.12")
        assert search.is_version("3.12.1")
        assert not search.is_version("./3.12")
        assert not search.is_version(Path("3.12"))

    def test_version_is_found_on_path(self, tmp_path, monkeypatch):
        major, minor = sys.version_info[:2]
        script = tmp_path / f"python{major}.{minor + 70}"
        answer = json.dumps({**vars_of(this()), "version": f"{major}.{minor + 70}.3"})
        script.write_text(f"#!/bin/sh\necho '{answer}'\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        assert search.by_version(f"{major}.{minor + 70}").version == f"{major}.{minor + 70}.3"


def vars_of(python: Python) -> dict[str, object]:
    return {field: getattr(python, field) for field in python.__struct_fields__}


class TestRequirements:
    @pytest.mark.parametrize(
        ("wanted", "said"),
        [
            (["no such thing"], "'no such thing' is not a requirement"),
            (["math-verify=0.7"], "is not a requirement"),
            (["fine\n--index-url x"], "is not a requirement"),
            ([""], "is not a requirement"),
            (["./folder"], "write 'name @ file:///"),
            (["--index-url=x"], "its own configuration"),
            (["-e ."], "not supported"),
            ([7], "7 is not a requirement string"),
            (["here @ file:///no/such.whl"], "/no/such.whl does not exist"),
            (["here @ file:///tmp"], "/tmp is a folder; build a wheel of it"),
            ("math-verify==0.7.0", r"give a list: \['math-verify==0.7.0'\]"),
            ("missing.txt", "there is no such file"),
            (Path("/"), "cannot be read"),
        ],
        ids=str,
    )
    def test_bad_ones_are_refused_before_anything_is_built(self, wanted, said, cache):
        with pytest.raises(ConfigError, match=said):
            interpreter(requirements=wanted)
        assert not cache.exists()

    def test_bad_line_of_a_file_is_named(self, tmp_path):
        (tmp_path / "needs.txt").write_text("good==1\nlong \\\n>=2\n# comment\nnot good\n")
        with pytest.raises(ConfigError, match=r"needs\.txt:5: 'not good'"):
            requirements.read(tmp_path / "needs.txt")

    def test_files_that_include_each_other_are_refused(self, tmp_path):
        (tmp_path / "needs.txt").write_text("-r needs.txt\n")
        with pytest.raises(ConfigError, match="include each other"):
            requirements.read(tmp_path / "needs.txt")

    def test_equal_requirements_have_equal_keys(self):
        first = name_of(["Math_Verify == 0.7.0", "numpy<3,>=2"])
        assert first == name_of(["numpy >=2, <3", "math.verify==0.7.0", "numpy>=2,<3"])
        assert first == name_of(["numpy>=2,<3", "math-verify==0.7.0", "gym_llm==0.1"])
        assert first != name_of(["numpy>=2,<3", "math-verify==0.8.0"])

    def test_a_file_counts_by_its_content(self, tmp_path):
        (tmp_path / "one.txt").write_text("# ours\nmath-verify==0.7.0  # pinned\nnumpy>=2,\\\n<3\n")
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "two.txt").write_text("-r more.txt\nnumpy>=2,<3\n")
        (tmp_path / "deep" / "more.txt").write_text("math-verify == 0.7.0\n")
        assert name_of(tmp_path / "one.txt") == name_of(str(tmp_path / "deep" / "two.txt"))
        assert name_of(tmp_path / "one.txt") == name_of(["math-verify==0.7.0", "numpy>=2,<3"])
        before = name_of(tmp_path / "one.txt")
        (tmp_path / "one.txt").write_text("math-verify==0.8.0\nnumpy>=2,<3\n")
        assert name_of(tmp_path / "one.txt") != before

    def test_a_changed_local_wheel_is_another_key(self, tmp_path):
        path = wheel(tmp_path, "here", "1.0")
        before = name_of([f"here @ {path.as_uri()}"])
        wheel(tmp_path, "here", "1.0", "changed = True\n")
        assert name_of([f"here @ {path.as_uri()}"]) != before

    def test_keys_are_the_same_in_another_process(self):
        code = (
            "from gym_llm.interpreters import recipe, requirements, probe\n"
            "print(recipe.fresh(probe.this(), requirements.read(['b>=1,<2', 'a==1'])).name)"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == name_of(["a==1", "b<2,>=1"])


@pytest.mark.usefixtures("offline")
class TestBuilt:
    def test_requirements_are_there_and_gym_llm_with_nothing_beside_it(self, cache):
        one, two = (interpreter(requirements=[f"gymllm-probe=={version}"]) for version in ("1.0", "2.0"))
        assert [version_in(one, "gymllm_probe"), version_in(two, "gymllm_probe")] == ["1.0", "2.0"]
        assert one.version == VERSION
        assert one.executable.is_relative_to(cache)
        assert tell(one, "len(observation) > 0", MAKE) is True
        path = tell(one, "sys.path", "import sys")
        assert [entry.name for entry in Path(path[0]).iterdir()] == ["gym_llm"]
        assert Path(path[0], "gym_llm").resolve() == PACKAGE
        if ROOT.name != "site-packages":
            assert str(ROOT) not in path, "the running interpreter's .pth files were processed"

    def test_its_own_pins_win_over_what_the_running_interpreter_has(self):
        found = interpreter(requirements=["tqdm==99.0"])
        assert version_in(found, "tqdm") == "99.0"
        assert tell(found, "importlib.metadata.version('tqdm')", "import importlib.metadata") == "99.0"

    @needs_uv
    def test_a_package_that_depends_on_gym_llm_gets_this_one(self):
        found = interpreter(requirements=["gymllm-envs", "gym-llm>=99"])
        assert version_in(found, "gymllm_envs") == "1.0"
        assert Path(tell(found, "gym_llm.__file__", "import gym_llm")).resolve().parent == PACKAGE

    def test_hashes_are_checked(self, wheels, tmp_path):
        digest = hashlib.sha256((wheels / "gymllm_probe-1.0-py3-none-any.whl").read_bytes()).hexdigest()
        (tmp_path / "good.txt").write_text(f"gymllm-probe==1.0 \\\n    --hash=sha256:{digest}\n")
        (tmp_path / "bad.txt").write_text(f"gymllm-probe==1.0 --hash=sha256:{'0' * 64}\n")
        assert version_in(interpreter(requirements=tmp_path / "good.txt"), "gymllm_probe") == "1.0"
        with pytest.raises(ConfigError, match=r"(?i)hash"):
            interpreter(requirements=tmp_path / "bad.txt")

    def test_a_failing_requirement_shows_the_installers_output(self, cache):
        with pytest.raises(ConfigError, match=r"because of gymllm-probe==3.0:\n(.*\n)*.*[Nn]o ") as failure:
            interpreter(requirements=["tqdm==99.0", "gymllm-probe==3.0"])
        assert len(str(failure.value).splitlines()) <= 41
        assert not [path for path in cache.iterdir() if path.is_dir()], "nothing half-built is left"

    def test_requirements_that_break_gym_llm_are_an_error(self):
        with pytest.raises(ConfigError, match=r"cannot import gym_llm(.*\n)*.*this msgspec is broken"):
            interpreter(requirements=["msgspec==0.99"])

    def test_an_unusable_cache_is_a_configuration_error(self, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv("GYM_LLM_CACHE", str(tmp_path / "file"))
        with pytest.raises(ConfigError, match="GYM_LLM_CACHE names another folder"):
            interpreter(requirements=["gymllm-probe"])

    def test_without_uv_pip_installs(self, wheels, cache):
        code = (
            "import sys; from gym_llm.interpreters import installer, interpreter\n"
            "installer.importlib.util.find_spec = lambda name: None\n"
            "assert installer.find_uv() is None\n"
            "print(interpreter(requirements=['gymllm-probe==1.0']).executable)"
        )
        environ = {**os.environ, "PATH": str(wheels)}
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True)
        if "ensurepip" in done.stderr:
            pytest.skip("this Python has no ensurepip")
        assert done.returncode == 0, done.stderr
        assert version_in(Interpreter(Path(done.stdout.strip()), ""), "gymllm_probe") == "1.0"


@pytest.mark.usefixtures("offline")
class TestExisting:
    @pytest.fixture
    def theirs(self, tmp_path):
        """Somebody's virtual environment, with a package found through a .pth file."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "theirs")], check=True)
        [site] = (tmp_path / "theirs").glob("lib/python*/site-packages")
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "their_module.py").write_text("__version__ = 'theirs'\n")
        (site / "tqdm.py").write_text("__version__ = 'theirs'\n")
        (site / "their.pth").write_text(f"{tmp_path / 'source'}\n")
        return tmp_path / "theirs"

    def test_its_packages_come_first_and_nothing_is_written_into_it(self, theirs):
        before = sorted(theirs.rglob("*"))
        found = interpreter(theirs / "bin" / "python")
        assert version_in(found, "their_module") == version_in(found, "tqdm") == "theirs"
        assert tell(found, "len(observation) > 0", MAKE) is True
        assert str(theirs / "bin") in found.environ()["PATH"].split(os.pathsep)[:2]
        assert {path for path in theirs.rglob("*") if "__pycache__" not in path.parts} == set(before)

    def test_one_that_lacks_nothing_is_used_as_it_is(self, theirs, cache):
        [site] = theirs.glob("lib/python*/site-packages")
        (site / "zzz.pth").write_text("".join(f"{entry}\n" for entry in (ROOT, *this().sites)))
        found = interpreter(str(theirs / "bin" / "python"))
        assert found.executable == theirs / "bin" / "python"
        assert not cache.exists()

    def test_with_requirements_it_only_lends_its_python(self, theirs):
        found = interpreter(theirs / "bin" / "python", ["gymllm-probe==1.0"])
        assert version_in(found, "gymllm_probe") == "1.0"
        assert tell(found, "find_spec('their_module') is None", "from importlib.util import find_spec") is True


@pytest.mark.usefixtures("offline")
class TestOnce:
    def test_a_second_use_builds_nothing(self, slow_uv):
        first = interpreter(requirements=["gymllm-probe==1.0"])
        assert (slow_uv / "calls").read_text().split() == ["venv", "pip"]
        marker = first.executable.parents[1] / MARKER
        os.utime(marker, (1, 1))
        assert interpreter(requirements=["Gymllm_Probe == 1.0"]) == first
        assert (slow_uv / "calls").read_text().split() == ["venv", "pip"]
        assert marker.stat().st_mtime > 1, "its use is noted"

    def test_two_processes_that_race_build_once(self, slow_uv):
        (slow_uv / "hold").touch()
        racers = [start("gymllm-probe==1.0") for _ in range(2)]
        wait_for(slow_uv / "installing")
        time.sleep(2.5)  # the other one has started, and waits for more than a second
        (slow_uv / "hold").unlink()
        outcomes = [(*racer.communicate(timeout=120), racer.returncode) for racer in racers]
        assert [status for _, _, status in outcomes] == [0, 0], outcomes
        assert outcomes[0][0] == outcomes[1][0]
        assert (slow_uv / "calls").read_text().split() == ["venv", "pip"]
        assert sum("is being built by another process; waiting" in said for _, said, _ in outcomes) == 1

    def test_what_a_killed_builder_left_is_built_again(self, slow_uv, cache):
        (slow_uv / "hold").touch()
        builder = start("gymllm-probe==1.0")
        wait_for(slow_uv / "installing")
        os.killpg(builder.pid, signal.SIGKILL)
        builder.communicate()
        [half] = [path for path in cache.iterdir() if path.is_dir()]
        (half / "garbage").touch()
        (slow_uv / "hold").unlink()
        found = interpreter(requirements=["gymllm-probe==1.0"])
        assert found.executable.parents[1] == half
        assert version_in(found, "gymllm_probe") == "1.0"
        assert not (half / "garbage").exists()

    def test_an_installer_that_outlives_its_builder_keeps_the_folder(self, slow_uv):
        (slow_uv / "hold").touch()
        builder = start("gymllm-probe==1.0")
        orphan = int(wait_for(slow_uv / "installing"))
        builder.kill()
        builder.communicate()
        second = start("gymllm-probe==1.0")
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                second.wait(3)
            assert second.returncode is None
            assert alive(orphan)
            assert (slow_uv / "calls").read_text().split() == ["venv", "pip"]
        finally:
            (slow_uv / "hold").unlink()
        assert second.wait(120) == 0
        assert not alive(orphan)
        second.communicate()


@pytest.mark.usefixtures("offline")
class TestClean:
    def test_what_was_not_used_for_long_is_removed(self, cache):
        used, unused = (interpreter(requirements=[f"gymllm-probe=={version}"]) for version in ("1.0", "2.0"))
        os.utime(unused.executable.parents[1] / MARKER, (1, 1))
        assert interpreters.clean() == [unused.executable.parents[1]]
        assert sorted(path.name for path in cache.iterdir()) == sorted(
            [used.executable.parents[1].name, f"{used.executable.parents[1].name}.lock"]
        )
        assert interpreter(requirements=["gymllm-probe==2.0"]) == unused, "it is built again"

    def test_half_built_ones_go_and_those_being_built_stay(self, slow_uv, cache):
        (cache / "py3.11-half").mkdir(parents=True)
        (slow_uv / "hold").touch()
        builder = start("gymllm-probe==1.0")
        wait_for(slow_uv / "installing")
        assert interpreters.clean(older_than_days=0) == [cache / "py3.11-half"]
        (slow_uv / "hold").unlink()
        said, errors = builder.communicate(timeout=120)
        assert Path(said.strip()).exists(), errors

    def test_nothing_to_clean(self):
        assert interpreters.clean() == []

    def test_negative_days_are_refused(self):
        with pytest.raises(ConfigError, match="older_than_days=-1"):
            interpreters.clean(older_than_days=-1)


@pytest.mark.usefixtures("index")
class TestIndex:
    def test_two_versions_of_math_verify_side_by_side(self):
        found = {version: interpreter(requirements=[f"math-verify=={version}"]) for version in ("0.7.0", "0.8.0")}
        code = f"import importlib.metadata\n{MAKE}"
        assert {v: tell(one, "importlib.metadata.version('math-verify')", code) for v, one in found.items()} == {
            "0.7.0": "0.7.0", "0.8.0": "0.8.0",
        }  # fmt: skip

    def test_another_version_of_python(self):
        other = another_python()
        found = interpreter(".".join(other.version.split(".")[:2]), ["math-verify==0.8.0"])
        assert tell(found, "list(sys.version_info[:3])", f"import sys\n{MAKE}") == [
            int(number) for number in found.version.split(".")
        ]
        assert not set(this().sites) & set(tell(found, "sys.path", "import sys"))

    def test_another_python_by_path_keeps_what_it_has(self):
        other = another_python()
        found = interpreter(other.executable)
        assert found.version == other.version
        assert tell(found, "sys.version.split()[0]", f"import sys\n{MAKE}") == other.version


def another_python() -> Python:
    for minor in (11, 12, 13, 14):
        with contextlib.suppress(ConfigError):
            if minor != sys.version_info[1]:
                return search.by_version(f"3.{minor}")
    pytest.skip("there is no other version of Python >= 3.11 on this machine")
