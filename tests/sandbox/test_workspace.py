"""Workspaces: what the caller reads and writes stays below them, whatever was put in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gym_llm.errors import SandboxError
from gym_llm.sandbox import open_sandbox


@pytest.fixture
def space(box):
    with box.workspace({"a.txt": "1", "src/b.py": b"x = 2\n"}) as made:
        yield made


def test_a_run_reads_and_writes_it(box, space):
    program = "import os\nprint(sorted(os.listdir('.')), open('a.txt').read())\nopen('src/c.txt', 'w').write('3')"
    result = box.run(program=program, workspace=space)
    assert result.stdout_text == "['a.txt', 'src'] 1\n", result.stderr_text
    assert space.read("src/c.txt") == b"3"
    assert space.paths() == ["a.txt", "src/b.py", "src/c.txt"]


def test_it_outlives_runs_and_takes_files(box, space):
    box.run(["bash", "-c", "mkdir -p deep/er && cp a.txt deep/er/"], workspace=space)
    space.write("deep/er/new.txt", "4", mode=0o755)
    result = box.run(["bash", "-c", "cat deep/er/*; test -x deep/er/new.txt && echo x"], workspace=space)
    assert result.stdout == b"14x\n"
    assert box.run(["cat", "late.txt"], files={"late.txt": "5"}, workspace=space).stdout == b"5"


def test_snapshot_is_a_copy(box, space):
    with space.snapshot() as before:
        box.run(["bash", "-c", "echo changed > a.txt; rm -r src"], workspace=space)
        assert before.read("a.txt") == b"1"
        assert before.paths() == ["a.txt", "src/b.py"]
        assert space.paths() == ["a.txt"]
        assert box.run(["cat", "src/b.py"], workspace=before).stdout == b"x = 2\n"


def test_from_a_folder(box, tmp_path):
    (tmp_path / "run.sh").write_text("echo ran")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("run.sh")
    with box.workspace(from_folder=tmp_path) as space:
        assert box.run(["sh", "./link"], workspace=space).stdout == b"ran\n"
        box.run(["rm", "run.sh"], workspace=space)
    assert (tmp_path / "run.sh").exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "../other", "src/../../x", ""])
def test_paths_stay_below(space, path):
    with pytest.raises(SandboxError, match="below the workspace"):
        space.read(path)
    with pytest.raises(SandboxError, match="below the workspace"):
        space.write(path, b"")


def test_links_are_not_followed(box, space, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    plan = f"ln -s {secret} file; ln -s {tmp_path} folder; ln -s a.txt inner; mkfifo pipe; mkdir d"
    assert box.run(["bash", "-c", plan], workspace=space).ok
    for path in ("file", "folder/secret", "inner"):
        with pytest.raises(OSError, match=r"Too many levels|Not a directory"):
            space.read(path)
    with pytest.raises(OSError, match="Not a directory"):
        space.write("folder/new", b"1")
    space.write("file", b"mine")
    assert secret.read_text() == "s3cret"
    assert space.read("file") == b"mine"
    for path in ("pipe", "d"):
        with pytest.raises(SandboxError, match="no regular file"):
            space.read(path)
    with space.snapshot() as copied:
        assert (copied.path / "folder").readlink() == tmp_path
        assert "pipe" not in copied.paths()


def test_long_files_are_refused(box, space):
    box.run(["truncate", "-s", "1G", "sparse"], workspace=space)
    space.write("long", b"x" * 1000)
    with pytest.raises(SandboxError, match="1000 bytes, more than 10"):
        space.read("long", most=10)


def test_other_workspaces_cannot_be_seen(box, space):
    with box.workspace({"other.txt": "2"}) as other:
        program = (
            "import os\nfor p in ('/spaces', '..', '../..', '/tmp'):\n"
            "    try: print(p, os.listdir(p))\n    except OSError: pass"
        )
        told = box.run(program=program, workspace=space).stdout_text
        assert other.name not in told
        assert space.name not in told
        assert other.read("other.txt") == b"2"


def test_stubborn_trees_are_removed(box):
    space = box.workspace()
    box.run(["bash", "-c", "mkdir -p a/b/c; touch a/b/c/f; ln -s / a/l; chmod 000 a/b/c a/b a"], workspace=space)
    space.close()
    assert not space.path.exists()
    assert Path("/usr").exists()
    with pytest.raises(SandboxError, match="closed"):
        space.paths()


def test_belongs_to_its_sandbox(box):
    with (
        open_sandbox("unsafe-local") as other, other.workspace() as space,
        pytest.raises(SandboxError, match="another sandbox"),
    ):  # fmt: skip
        box.run(program="1", workspace=space)


def test_closing_the_sandbox_removes_all():
    with open_sandbox("bubblewrap") as box:
        home = box.workspace({"a": "1"}).path.parents[1]
        assert home.exists()
    assert not home.exists()


def test_what_a_killed_process_left_is_removed(tmp_path):
    code = (
        "import os\nfrom gym_llm.sandbox import open_sandbox\nbox = open_sandbox('unsafe-local')\n"
        "print(box.workspace({'a': '1'}).path.parents[1], flush=True)\nos.kill(os.getpid(), 9)"
    )
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=False)
    left = Path(done.stdout.strip())
    assert left.is_relative_to(tmp_path)
    assert left.exists()
    os.utime(left, (time.time() - 60,) * 2)
    code = "from gym_llm.sandbox import open_sandbox\nwith open_sandbox('unsafe-local') as box: box.workspace()"
    subprocess.run([sys.executable, "-c", code], env=variables, check=True)
    assert not list(tmp_path.iterdir())
