"""GoogleSearch: what is paid, offline search, what an author may set."""

from __future__ import annotations

import json

import gymnasium
import pytest

import gym_llm  # noqa: F401 - registers the ids
from gym_llm.envs.google_search import corpus
from gym_llm.envs.google_search.fetcher import Fetcher
from gym_llm.errors import ConfigError, TaskError
from gym_llm.items import assistant_message, function_call, reasoning

ID = "gym_llm/GoogleSearch-v0"
NEMO = {
    "responses_create_params": {
        "instructions": "Use tools, answer in \\boxed{}", "input": "Which gas?\nA: x\nB: y",
        "tools": [
            {"type": "function", "name": "search", "description": "s", "strict": True, "parameters": {
                "type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"],
                "additionalProperties": False}},
            {"type": "function", "name": "browse", "description": "b", "strict": True, "parameters": {
                "type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"],
                "additionalProperties": False}},
        ],
        "parallel_tool_calls": False, "temperature": 0.6, "max_output_tokens": 32768,
    },
    "expected_answer": "B", "task_difficulty_qwen3_32b_avg_8": 0.375,
}  # fmt: skip
WORDS = NEMO | {"expected_answer": "the Long Bell of Brivane", "accepted_answers": ["Long Bell"]}
NUMBER = NEMO | {"expected_answer": "4210"}


# What is paid.

CASES = [
    (NEMO, r"So \boxed{B}.", 1, "B"),
    (NEMO, r"\boxed{A}", 0, "A"),
    (NEMO, r"\boxed{b}", 1, "b"),
    (NEMO, r"\boxed{ B }", 1, "B"),
    (NEMO, r"\boxed{\text{B}}", 1, "B"),
    (NEMO, r"\boxed{\textbf{\text{ B }}}", 1, "B"),
    (NEMO, r"\boxed{B: heron}", 1, "B: heron"),
    (NEMO, r"\boxed{B) a heron}", 1, "B) a heron"),
    (NEMO, r"First \boxed{A}, no: \boxed{B}", 1, "B"),
    (NEMO, r"First \boxed{B}, no: \boxed{A}", 0, "A"),
    (NEMO, r"\boxed{A} \boxed{C} \boxed{B}", 0, None),
    (NEMO, r"\boxed{A, B}", 0, "A, B"),
    (NEMO, r"\boxed{B. C. D.}", 0, "B. C. D."),
    (NEMO, r"\boxed{B) or A}", 0, "B) or A"),
    (NEMO, r"\boxed{BB}", 0, "BB"),
    (NEMO, r"\boxed{}", 0, None),
    (NEMO, r"\boxed{B", 0, None),
    (NEMO, "The answer is B", 0, None),
    (NEMO, "", 0, None),
    (NEMO, "None", 0, None),
    (NEMO, r"\boxed{" * 5000 + "B", 0, None),
    (NEMO, r"\boxed{B}" * 200, 0, None),
    (WORDS, r"\boxed{Long Bell of Brivane}", 1, "Long Bell of Brivane"),
    (WORDS, r"\boxed{the  long-bell of BRIVANE.}", 1, "the  long-bell of BRIVANE."),
    (WORDS, r"\boxed{long bell}", 1, "long bell"),
    (WORDS, r"\boxed{Bell of Brivane}", 0, "Bell of Brivane"),
    (WORDS, r"\boxed{the Long Bell of Brivane or the Nine Stairs}", 0, "the Long Bell of Brivane or the Nine Stairs"),
    (NUMBER, r"\boxed{4,210}", 1, "4,210"),
    (NUMBER, r"\boxed{4{,}210}", 1, "4{,}210"),
    (NUMBER, r"\boxed{4\,210}", 1, r"4\,210"),
    (NUMBER, r"\boxed{-4210}", 0, "-4210"),
    (NUMBER, r"\boxed{4210%}", 0, "4210%"),
    (NUMBER, r"\boxed{4.210}", 0, "4.210"),
    (NUMBER, "\\boxed{42\u00b9\u2070}", 0, "42\u00b9\u2070"),
    (NUMBER, r"\boxed{42,10}", 0, "42,10"),
    (NUMBER, r"\boxed{4211}", 0, "4211"),
    (NUMBER, r"\boxed{-}", 0, "-"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "text", "reward", "parsed"), CASES)
def test_cases(play, row, text, reward, parsed):
    found = play("GoogleSearch", row, text)
    assert (found["reward"], found["parsed_option"]) == (reward, parsed)


def test_a_message_beside_a_call_is_no_answer(play):
    both = [assistant_message(r"\boxed{B}"), function_call("search", {"query": "heron"})]
    assert play("GoogleSearch", NEMO, both, "Done.")["reward"] == 0
    assert play("GoogleSearch", NEMO, both, max_turns=1)["reward"] == 0
    assert play("GoogleSearch", NEMO, both, r"\boxed{B}")["reward"] == 1
    assert play("GoogleSearch", NEMO, [assistant_message(""), reasoning(r"\boxed{B}")])["reward"] == 0


def test_the_verification_counts(play):
    searches = [function_call("search", {"query": "Ardelloch"}), function_call("search", {"query": " "})]
    reads = [function_call("browse", {"url": "https://almanac.vessmar.example/town/ardelloch"}),
             function_call("browse", {"url": "https://elsewhere.example/"})]  # fmt: skip
    found = play("GoogleSearch", NEMO, searches, reads, r"\boxed{B}")
    assert (found["searches"], found["pages_read"], found["refused_pages"], found["searched"]) == (1, 1, 1, True)
    assert not play("GoogleSearch", NEMO, r"\boxed{B}")["searched"]


@pytest.mark.parametrize("answer", ["", "  ", None, 5])
def test_rows_without_an_answer_are_refused(answer):
    with pytest.raises(TaskError, match="expected_answer"):
        gymnasium.make(ID, dataset=[NEMO | {"expected_answer": answer}]).reset(seed=0)


# The corpus.


def called(env, name, **arguments):
    """Return a call's answer and the step's info."""
    observation, *_, info = env.step([function_call(name, arguments)])
    return json.loads(observation[-1]["output"]), info


def test_search_and_browse_work_offline():
    env = gymnasium.make(ID, max_turns=60)
    env.reset(seed=0)
    found, _ = called(env, "search", query="birth of Ilva Tarrenhast, the cartographer")
    first = found["search_results"][0]
    assert (first["rank"], first["title"]) == (1, "Ilva Tarrenhast")
    assert len(found["search_results"]) == 5
    assert called(env, "search", query="birth of Ilva Tarrenhast, the cartographer")[0] == found
    assert "1522" in called(env, "browse", url=first["url"])[0]["page_content"]
    for query in (
        '"',
        "AND OR NOT",
        "title:",
        "a* NEAR(b",
        "' OR 1=1 --",
        "\x00heron",
        "x " * 150,
        "(((",
        "\u017f\u2028\xe9",
    ):
        answer, info = called(env, "search", query=query)
        assert "search_results" in answer, query
        assert "crashes" not in info
    assert "error" in called(env, "search", query="x" * 401)[0]
    for url in ("http://127.0.0.1/", "file:///etc/passwd", "https://example.com/", "../town"):
        assert "no such page" in called(env, "browse", url=url)[0]["error"]


def test_the_bundled_corpus_is_ascii_and_large_enough():
    documents = corpus.load().documents
    assert len(documents) >= 60
    assert sum(not document["facts"] for document in documents) >= 10
    assert corpus.BUNDLED.read_bytes().isascii()
    for document in documents:
        said = document["title"] + document["text"]
        assert all(value.lower() in said.lower() for value in document["facts"].values()), document["url"]


def test_any_jsonl_of_documents_is_a_corpus(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(
        '{"url": "u1", "title": "Cats", "text": "A cat purrs."}\n\n{"url": "u2", "title": "D", "text": "Dog"}\n'
    )
    env = gymnasium.make(ID, provider={"type": "corpus", "path": str(path)}, max_page_chars=100)
    env.reset(seed=0)
    assert called(env, "search", query="cats")[0]["search_results"] == [
        {"rank": 1, "title": "Cats", "url": "u1", "snippet": "A cat purrs."}
    ]
    assert called(env, "browse", url="u1")[0] == {"page_content": "Cats\n\nA cat purrs."}


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "no document"), ("{", "no JSON"), ('{"url": "a", "title": "b"}', "texts url, title, text"), ("[1]", "object"),
     ('{"url":"a","title":"b","text":"c"}\n{"url":"a","title":"b","text":"c"}', "twice")],
)  # fmt: skip
def test_a_bad_corpus_is_refused(tmp_path, text, told):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        gymnasium.make(ID, provider={"type": "corpus", "path": str(path)})


@pytest.mark.parametrize(
    ("settings", "told"),
    [("gogle", "there are corpus, searxng, google"), ({"type": "searxng"}, "needs url"),
     ({"type": "searxng", "url": "ftp://x"}, "no address"), ({"type": "searxng", "url": "http://a:b@x"}, "no user"),
     ({"type": "corpus", "pth": "x"}, "Did you mean 'path'"), ({"type": "corpus", "path": "/no/such"}, "No such file"),
     ({"type": "google", "key": "k"}, "no key stands there"), ({"type": "google", "cx": "c"}, "lacks its key"),
     (5, "provider=5: give a mapping"), ([5], "give a mapping")],
)  # fmt: skip
def test_bad_providers_are_refused(settings, told, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with pytest.raises(ConfigError, match=told):
        gymnasium.make(ID, provider=settings)


@pytest.mark.parametrize(
    ("hosts", "told"),
    [("example.org", "give a list of host names"), (None, "give a list"), ([5], "5 is no host name"),
     (["https://example.org"], "leave scheme and path out"),
     (["example.org/a"], "leave scheme"), ([""], "no host name")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["allowed_hosts", "blocked_hosts"])
def test_bad_hosts_are_refused(name, hosts, told):
    with pytest.raises(ConfigError, match=f"{name}.*{told}"):
        gymnasium.make(ID, **{name: hosts})


def test_hosts_may_be_written_in_any_script():
    assert Fetcher(blocked_hosts=["B\u00fccher.example"]).blocks("https://www.b\u00fccher.example/a")
    assert Fetcher(blocked_hosts=[".example.org"]).blocks("https://example.org/")


@pytest.mark.parametrize("knobs", [{"hops": 1}, {"hops": 2, "num_options": 10}, {"hops": 3, "num_options": 2}, {}])
def test_generated_questions_are_answered_by_their_pages(knobs):
    env = gymnasium.make(ID, dataset={"num_tasks": 25, "seed": 3, **knobs})
    again = gymnasium.make(ID, dataset={"num_tasks": 25, "seed": 3, **knobs})
    for index in range(25):
        task = env.unwrapped.tasks[index]
        assert env.unwrapped.tasks.row(index) == again.unwrapped.tasks.row(index)
        assert len(task.evidence) == task.hops == knobs.get("hops", task.hops)
        last = corpus.load().page(task.evidence[-1])
        answer = task.expected_answer
        if knobs.get("num_options"):
            lines = task.prompt[0]["content"].splitlines()[1:-1]
            options = dict(line.split(": ", 1) for line in lines)
            assert len(set(options.values())) == len(options) <= knobs["num_options"]
            answer = options[answer]
        else:
            assert answer not in task.prompt[0]["content"]
        assert answer.lower() in last.lower()
        env.reset(options={"task_index": index})
        for action in env.unwrapped.solve(task):
            _, reward, *_ = env.step(action)
        assert reward == 1


@pytest.mark.parametrize("knobs", [{"hops": 0}, {"hops": 4}, {"num_options": 1}, {"num_options": 11}])
def test_bad_knobs_are_refused(knobs):
    with pytest.raises(ConfigError, match="give 1 to 3"):
        gymnasium.make(ID, dataset={"num_tasks": 2, **knobs}).reset(seed=0)
