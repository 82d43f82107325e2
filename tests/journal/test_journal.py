"""The journal: whatever happened to its file, sound rows stay, each once, and nothing else is read."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gym_llm.errors import OutputError
from gym_llm.journal.journal import Journal, Recovery, quarantine_path
from gym_llm.journal.rows import encode, is_sound, read_keys, read_rows, row_key, scan, seal


def row(task: int, rollout: int = 0, text: str = "") -> dict[str, object]:
    return {"_ng_task_index": task, "_ng_rollout_index": rollout, "text": text or f"row {task}"}


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with Journal(path) as journal:
        for each in rows:
            journal.append(each)


def recover(path: Path) -> Recovery:
    with Journal(path) as journal:
        return journal.recover()


def finish(path: Path, wanted: list[dict[str, object]]) -> None:
    """What a resumed collection does: mend the file, then append what is not in it."""
    done: set[tuple[int, int]] = set()
    with Journal(path) as journal:
        journal.recover(lambda line: not done.add(row_key(line)))  # type: ignore[func-returns-value]
        for each in wanted:
            if (each["_ng_task_index"], each["_ng_rollout_index"]) not in done:
                journal.append(each)


def assert_exactly(path: Path, wanted: list[dict[str, object]]) -> None:
    assert all(sound and line.endswith(b"\n") for _, line, sound in scan(path))
    found = sorted(read_rows(path), key=lambda each: each["_ng_task_index"])
    assert found == wanted


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    rows = [row(0, text="日本語 \u2028 \U0001f600"), row(1, text="line\nbreak\r\x00"), row(2)]
    write(tmp_path / "x.jsonl", rows)
    assert list(read_rows(tmp_path / "x.jsonl")) == rows
    assert list(read_keys(tmp_path / "x.jsonl")) == [(0, 0), (1, 0), (2, 0)]
    assert (tmp_path / "x.jsonl").read_bytes().count(b"\n") == 3


def test_what_json_cannot_hold_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", [{"text": "a\ud800b", "nan": float("nan"), "odd": object()}])
    assert list(read_rows(tmp_path / "x.jsonl")) == [{"text": "a\ufffdb", "nan": None, "odd": "(object)"}]


def test_encoded_rows_are_taken_as_they_are(tmp_path: Path) -> None:
    with Journal(tmp_path / "x.jsonl") as journal:
        journal.append(encode(row(0)))
        for bad in (b"", b"{}", b"[1]", b'{"a":1}\n', b'{"a":\n1}'):
            with pytest.raises(ValueError, match="JSON object on one line"):
                journal.append(bad)
    assert list(read_rows(tmp_path / "x.jsonl")) == [row(0)]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "x.jsonl", [row(0)])
    assert list(read_keys(tmp_path / "a" / "b" / "x.jsonl")) == [(0, 0)]


@pytest.mark.parametrize("place", ["folder", "device", "under a file"])
def test_a_path_that_cannot_hold_rows_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    path = {"folder": tmp_path, "device": Path("/dev/null"), "under a file": tmp_path / "file" / "x.jsonl"}[place]
    with pytest.raises(OutputError, match=str(path)):
        Journal(path)


def test_truncation_at_every_offset_of_the_last_three_rows(tmp_path: Path) -> None:
    rows = [row(task, text="é" * task) for task in range(5)]
    path = tmp_path / "x.jsonl"
    write(path, rows)
    whole = path.read_bytes()
    start = [offset for offset, _, _ in scan(path)][2]
    for size in range(start, len(whole)):
        path.write_bytes(whole[:size])
        kept = recover(path).rows
        assert kept == whole[:size].count(b"\n") + (whole[size - 1 : size] == b"}" and whole[size : size + 1] == b"\n")
        finish(path, rows)
        assert_exactly(path, rows)


@pytest.mark.parametrize(
    "tail",
    [b"\0", b"\0" * 5000, b"garbage", b"\n", b"\n\n{", b"{}", b"{}\n", b"\xff\xfe\n\x00", b'{"a":1,"_crc":"0000'],
)
def test_tails_of_nul_and_garbage_are_quarantined(tmp_path: Path, tail: bytes) -> None:
    path, rows = tmp_path / "x.jsonl", [row(task) for task in range(3)]
    write(path, rows)
    path.write_bytes(path.read_bytes() + tail)
    assert recover(path).rows == 3
    assert_exactly(path, rows)
    assert tail.replace(b"\n", b"") == quarantine_path(path).read_bytes().replace(b"\n", b"")
    assert recover(path).quarantined == 0


def test_an_unterminated_last_row_gets_its_newline(tmp_path: Path) -> None:
    path, rows = tmp_path / "x.jsonl", [row(0), row(1)]
    write(path, rows)
    path.write_bytes(path.read_bytes()[:-1])
    assert recover(path) == Recovery(rows=2, quarantined=0)
    assert_exactly(path, rows)
    assert not quarantine_path(path).exists()


def test_flipped_bits_anywhere_cost_only_their_rows(tmp_path: Path) -> None:
    path, rows, rng = tmp_path / "x.jsonl", [row(task) for task in range(6)], random.Random(0)
    write(path, rows)
    whole = path.read_bytes()
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        assert recover(path).rows >= 4
        finish(path, rows)
        assert_exactly(path, rows)


def test_a_refused_row_is_moved_to_quarantine(tmp_path: Path) -> None:
    path, seen = tmp_path / "x.jsonl", set[tuple[int, int]]()

    def first(line: bytes) -> bool:
        key = row_key(line)
        return key not in seen and not seen.add(key)  # type: ignore[func-returns-value]

    write(path, [row(0), row(0), row(1)])
    with Journal(path) as journal:
        assert journal.recover(first) == Recovery(rows=2, quarantined=1)
        journal.append(row(2))
    assert_exactly(path, [row(0), row(1), row(2)])


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    with Journal(path) as journal, pytest.raises(OutputError, match="without the checksum"):
        journal.recover()
    assert path.read_text() == '{"a": 1}\n{"a": 2}\n'


def test_clear_empties_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write(path, [row(0)])
    with Journal(path) as journal:
        journal.clear()
        journal.append(row(1))
    assert_exactly(path, [row(1)])


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with Journal(path), pytest.raises(OutputError, match=f"process {os.getpid()}"):
        Journal(path)
    Journal(path).close()


def test_a_rewritten_file_stays_locked(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write(path, [row(0), row(1)])
    path.write_bytes(b"damage\n" + path.read_bytes())
    with Journal(path) as journal:
        assert journal.recover() == Recovery(rows=2, quarantined=1)
        with pytest.raises(OutputError, match="is being written by"):
            Journal(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["x.jsonl", "x.jsonl.quarantine"]


LIMITED = """
import resource, sys
from gym_llm.errors import OutputError
from gym_llm.journal.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
with Journal(sys.argv[1]) as journal:
    for task in range(100):
        try:
            journal.append({"_ng_task_index": task, "_ng_rollout_index": 0, "text": "x" * 400})
        except OutputError as error:
            print(error)
            break
    journal.append({"_ng_task_index": 99, "_ng_rollout_index": 0, "text": "fits"})
"""


def test_a_full_disk_leaves_whole_rows_and_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    ended = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True)
    assert "cannot be written" in ended.stdout
    assert "resume=True" in ended.stdout
    assert all(sound for _, _, sound in scan(path))
    assert list(read_keys(path))[-1] == (99, 0)
    assert recover(path).quarantined == 0


def test_no_space_left_on_a_small_file_system(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("cannot mount a file system here")
    try:
        with pytest.raises(OutputError, match="No space left"):
            write(tmp_path / "x.jsonl", [row(task, text="x" * 700) for task in range(1000)])
        assert all(sound for _, _, sound in scan(tmp_path / "x.jsonl"))
        assert len(list(read_keys(tmp_path / "x.jsonl"))) > 50
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


WRITER = """
import sys
from gym_llm.journal.journal import Journal
from gym_llm.journal.rows import row_key
path, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
done = set()
with Journal(path) as journal:
    journal.recover(lambda line: not done.add(row_key(line)))
    print("writing", flush=True)
    for task in range(count):
        if (task, 0) not in done:
            journal.append({"_ng_task_index": task, "_ng_rollout_index": 0, "text": str(task) * (size + task % 7)})
"""


@pytest.mark.parametrize(("count", "size"), [(8_000, 40), (60, 200_000)])
def test_a_killed_writer_loses_and_doubles_nothing(tmp_path: Path, count: int, size: int) -> None:
    path, rng = tmp_path / "x.jsonl", random.Random(1)
    command = [sys.executable, "-c", WRITER, str(path), str(count), str(size)]
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(rng.uniform(0.001, 0.03))
            writer.send_signal(signal.SIGKILL)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert all(sound for _, _, sound in scan(path))
    assert sorted(read_keys(path)) == [(task, 0) for task in range(count)]


def test_rows_are_synced_within_the_time_without_being_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(fd), real(fd))[1])
    with Journal(tmp_path / "x.jsonl", sync_seconds=0.05) as journal:
        journal.append(row(0))
        deadline = time.monotonic() + 10
        while not synced and time.monotonic() < deadline:
            time.sleep(0.01)
        assert synced


def test_a_failed_sync_is_told_at_the_next_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    with Journal(tmp_path / "x.jsonl", sync_seconds=0.01) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", broken)
            journal.append(row(0))
            assert journal._syncer is not None
            journal._syncer.join(10)
        with pytest.raises(OutputError, match="cannot be synced"):
            journal.append(row(1))


def test_the_checksum_covers_every_byte() -> None:
    line = seal(encode(row(7)))[:-1]
    assert is_sound(line)
    assert not any(is_sound(line[:i] + bytes([line[i] ^ 1]) + line[i + 1 :]) for i in range(len(line)))
    assert not is_sound(b"")
    assert not is_sound(line[1:])
    assert not is_sound(line + b" ")


def test_no_file_is_left_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        write(tmp_path / "x.jsonl", [row(0)])
    assert len(list(Path("/proc/self/fd").iterdir())) == before
