"""Datasets: files that are never read whole, rows that are refused by file, line, field and reason."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from gym_llm import Task
from gym_llm.errors import ConfigError, TaskError
from gym_llm.tasks import FileTasks, load


class Graded(Task):
    answer: int


def line(n, **fields):
    return json.dumps({"responses_create_params": {"input": f"task {n}"}, "answer": n, **fields})


@pytest.fixture
def dataset(tmp_path):
    def written(text):
        path = tmp_path / "rows.jsonl"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"{line(0)}\n{line(1)}\n", [1, 2]),
        (f"{line(0)}\n{line(1)}", [1, 2]),
        (f"{line(0)}\r\n{line(1)}\r\n", [1, 2]),
        (f"\n{line(0)}\n\n  \n{line(1)}\n\n", [2, 5]),
        (f"\ufeff{line(0)}\n{line(1)}\n", [1, 2]),
    ],
    ids=["plain", "no last newline", "crlf", "blank lines", "bom"],
)
def test_rows_and_their_line_numbers(dataset, text, lines):
    tasks = load(dataset(text), Graded)
    assert [task.answer for task in tasks] == [0, 1]
    assert [tasks.line(index) for index in range(2)] == lines
    assert tasks[-1].prompt == [{"role": "user", "content": "task 1"}]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{", "not JSON"),
        ("[1]", "expected a JSON object, got list"),
        (line(1, answer="many"), "answer: Input should be a valid integer"),
        ('{"answer": 1}', "responses_create_params: Field required"),
        (line(1, responses_create_params=5), "responses_create_params: expected a JSON object"),
        (line(1, responses_create_params={}), "input: missing"),
        (line(1, responses_create_params={"input": "x", "temprature": 1}), "Did you mean 'temperature'"),
        (
            line(1, responses_create_params={"input": "x", "top_p": "x"}),
            "responses_create_params.top_p: Expected `float",
        ),
        (line(1, responses_create_params={"input": [{"role": "user"}]}), r"input\[0\]: message"),
        (line(1, responses_create_params={"input": "x", "tools": [{}]}), r"tools\[0\].type: missing"),
        ('{"answer": ' + "[" * 5000, "nested too deeply|not JSON"),
    ],
)
def test_a_bad_row_is_refused_by_file_line_field_and_reason(dataset, bad, says):
    path = dataset(f"{line(0)}\n\n{bad}\n")
    tasks = load(path, Graded)
    assert tasks[0].answer == 0
    with pytest.raises(TaskError, match=says) as caught:
        tasks[1]
    assert str(caught.value).startswith(f"{path}:3: ")
    assert (caught.value.source, caught.value.line) == (str(path), 3)


def test_bytes_that_are_no_text_are_refused(dataset):
    with pytest.raises(TaskError, match=r"rows.jsonl:1: not UTF-8"):
        load(dataset(b'{"a": "\xff"}\n'))[0]


def test_escaped_lone_surrogates_are_replaced(dataset):
    tasks = load(dataset(line(0, note="x").replace('"x"', '"\\ud800"')))
    assert tasks[0].note == "\ufffd"


def test_the_index_of_a_large_file_is_small(tmp_path):
    path = tmp_path / "large.jsonl"
    rows, gap = 200, 1 << 20
    with path.open("wb") as file:
        for number in range(rows):
            file.seek(number * gap)
            file.write(line(number).encode())
            file.seek((number + 1) * gap - 1)
            file.write(b"\n")
    FileTasks(dataset_of_one(tmp_path))  # imports done before memory is counted
    tracemalloc.start()
    tasks = FileTasks(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tasks) == rows
    assert peak < 40 << 20, "a file of 200 MB is indexed without reading it whole"


def dataset_of_one(folder):
    path = folder / "one.jsonl"
    path.write_text(line(0))
    return path


def test_a_changed_file_is_indexed_again(dataset):
    assert len(load(dataset(line(0)))) == 1
    assert len(load(dataset(f"{line(0)}\n{line(1)}\n"))) == 2


def test_slices_selections_and_repeats(dataset):
    path = dataset("\n".join(line(n) for n in range(10)))
    answers = lambda tasks: [task.answer for task in tasks]  # noqa: E731
    assert answers(load(path)[2:8:3]) == [2, 5]
    assert answers(load({"path": str(path), "start": 7})) == [7, 8, 9]
    assert answers(load({"path": str(path), "stop": 2, "repeats": 2})) == [0, 0, 1, 1]
    assert answers(load(path)[:2].repeated(2)) == [0, 0, 1, 1]
    assert load(path)[5:][1:].line(0) == 7
    with pytest.raises(ConfigError, match="no task is left"):
        load(path)[5:5]


def test_an_index_outside_says_the_range(dataset):
    tasks = load(dataset(line(0)))
    for index in (1, -2):
        with pytest.raises(IndexError, match=r"outside 0\.\.0"):
            tasks[index]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("no/such.jsonl", "No such file"),
        (".", "is a folder"),
        ([], "the list is empty"),
        ({"num_tasks": 5}, "generates no tasks"),
    ],
)
def test_what_is_no_dataset(given, says):
    with pytest.raises(ConfigError, match=says):
        load(given)


def test_an_empty_file_is_refused(dataset):
    with pytest.raises(ConfigError, match="every line is empty"):
        load(dataset("\n \n"))


def test_generated_tasks_are_the_same_at_every_index_and_apart_by_seed():
    def generate(rng, low=0):
        return json.loads(line(low + int(rng.integers(1 << 40))))

    tasks = {seed: load({"num_tasks": 300, "seed": seed}, Graded, generate) for seed in (42, 43)}
    answers = {seed: [task.answer for task in tasks[seed]] for seed in tasks}
    assert tasks[42][299].answer == answers[42][299]
    assert not set(answers[42]) & set(answers[43])
    assert load({"num_tasks": 1, "low": 1 << 50}, Graded, generate)[0].answer >= 1 << 50
    with pytest.raises(ConfigError, match="num_tasks=0"):
        load({"num_tasks": 0}, Graded, generate)
    with pytest.raises(ConfigError, match=r"the generator has no setting 'lwo'.*gym-llm show"):
        load({"num_tasks": 1, "lwo": 1}, Graded, generate)[0]


def test_a_task_gives_prompt_and_create_params():
    task = Task.model_validate({"responses_create_params": {"input": "x", "top_p": None, "temperature": 1}, "id": 7})
    assert task.prompt == [{"role": "user", "content": "x"}]
    assert task.create_params == {"temperature": 1}
    assert task.id == 7
