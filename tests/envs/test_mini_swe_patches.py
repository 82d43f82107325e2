"""Patches of MiniSWE: what is taken of a workspace, and what diffs of git say."""

from __future__ import annotations

import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.mini_swe import diffs, patches
from gym_llm.errors import VerifierError
from gym_llm.sandbox import default


def test_links_and_large_files_of_the_original_are_no_changes():
    box = default()
    with box.workspace({"tests/big.bin": b"x" * (patches.MOST_BYTES + 1), "a.py": b"1\n"}) as space:
        box.run(["bash", "-c", "ln -s a.py tests/link.py; ln -s a.py b.py"], workspace=space)
        with space.snapshot() as clean:
            original = patches.Snapshot(clean)
            assert patches.take(space, original) == patches.Patch()
            box.run(["bash", "-c", "rm b.py; echo 2 > b.py; rm tests/link.py tests/big.bin"], workspace=space)
            found = patches.take(space, original)
            assert (found.files, found.protected) == ({"b.py": b"2\n"}, ["tests/big.bin"])


def test_patches_are_diffs_that_can_be_read_back():
    before = {"a.py": b"1\n2\n3\n", "b.py": b"x\ny", "c.py": b"gone\n"}
    patch = patches.Patch({"a.py": b"1\n3\n4\n", "b.py": b"x\nz\n", "c.py": None, "d/e.py": b"new\nfile\n"})
    diff = patches.unified(before, patch)
    assert diffs.patched(before, diff) == patch.files
    assert patches.changed_lines(diff) == 2 + 2 + 1 + 2
    with pytest.raises(VerifierError, match="does not fit"):
        diffs.patched(before | {"a.py": b"1\nother\n3\n"}, diff)


BEFORE = {"a.py": b"1\n\n3\n4\n", "gone": b"", "old.py": b"x = 1\n", "moved.py": b"1\n2\n", "dos.py": b"1\r\n2\r\n"}
GIT_DIFF = """diff --git a/pkg/__init__.py b/pkg/__init__.py
new file mode 100644
index 0000000..e69de29
diff --git a/gone b/gone
deleted file mode 100644
index e69de29..0000000
diff --git a/old.py b/new name.py
similarity index 100%
rename from old.py
rename to new name.py
diff --git a/moved.py b/there.py
similarity index 50%
rename from moved.py
rename to there.py
index 0000000..1111111 100644
--- a/moved.py
+++ b/there.py
@@ -1,2 +1,2 @@
 1
-2
+3
diff --git a/blob.bin b/blob.bin
new file mode 100644
index 0000000..1111111
Binary files /dev/null and b/blob.bin differ
diff --git "a/na\\303\\257ve.py" "b/na\\303\\257ve.py"
new file mode 100644
index 0000000..e69de29
diff --git a/dos.py b/dos.py
--- a/dos.py
+++ b/dos.py
@@ -1,2 +1,2 @@
 1\r
-2\r
+3\r
diff --git a/a.py b/a.py
--- a/a.py
+++ b/a.py
@@ -1,3 +1,4 @@
 1

+2
 3"""


def test_what_git_says_above_hunks_and_what_editors_cut_is_read():
    """Empty new files, renames, quoted names; an empty line of context without its blank; a last without end."""
    assert diffs.patched(BEFORE, GIT_DIFF) == {
        "pkg/__init__.py": b"", "gone": None, "old.py": None, "new name.py": b"x = 1\n", "moved.py": None,
        "there.py": b"1\n3\n", "naïve.py": b"", "dos.py": b"1\r\n3\r\n", "a.py": b"1\n\n2\n3\n4\n",
    }  # fmt: skip
    assert diffs.touched(GIT_DIFF) == sorted([
        "pkg/__init__.py", "gone", "old.py", "new name.py", "moved.py", "there.py", "blob.bin", "naïve.py",
        "dos.py", "a.py",
    ])  # fmt: skip
    with pytest.raises(VerifierError, match=r"old\.py"):
        diffs.patched({}, GIT_DIFF)
