from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gymnasium
import pytest

from gym_llm import ResponsesEnv, collect, tool
from gym_llm.errors import ConfigError, ModelError
from gym_llm.items import Item, assistant_message, function_call, message, reasoning
from gym_llm.mock_model import MockModel, Request, SolveAnswers
from gym_llm.mock_model.chat_api import chat_message, message_items
from gym_llm.policies import OpenAIPolicy

COUNT, SPELL = "gym_llm_mock_test/Count-v0", "gym_llm_mock_test/Spell-v0"
COUNT_ROWS = [
    {"responses_create_params": {"input": f"Add {n} and 1.", "instructions": "Use the tool."}, "n": n}
    for n in range(50)
]


def spelling(word: str) -> list[Item]:
    """A prompt with a model turn of its own."""
    question = [message("You spell.", "system"), message(f"Spell {word}.")]
    return [*question, assistant_message("Really?"), message("Yes.")]


SPELL_ROWS = [{"responses_create_params": {"input": spelling(word)}, "word": word} for word in ("cat", "dog")]


class Count(ResponsesEnv):
    """Add by a tool."""

    resets = 0

    def begin(self, task: Any) -> None:
        Count.resets += 1

    @tool
    def add(self, a: int, b: int) -> str:
        """Add two numbers.

        Args:
            a: One.
            b: The other.
        """
        return str(a + b)

    def verify(self, task: Any, episode: Any) -> float:
        return float(episode.last_message == str(task.n + 1))

    def solve(self, task: Any) -> list[list[Item]]:
        return [
            [reasoning("Add."), function_call("add", {"a": task.n, "b": 1})],
            [assistant_message(str(task.n + 1))],
        ]


class Spell(ResponsesEnv):
    """Spell in two user turns."""

    def respond(self, task: Any, episode: Any) -> str | None:
        return "Again." if episode.turns < 2 else None

    def verify(self, task: Any, episode: Any) -> float:
        return float([message.casefold() for message in episode.messages] == [task.word, task.word])

    def solve(self, task: Any) -> list[list[Item]]:
        return [[assistant_message(task.word)], [assistant_message(task.word.upper())]]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    gymnasium.register(COUNT, entry_point=Count)
    gymnasium.register(SPELL, entry_point=Spell)
    yield
    del gymnasium.registry[COUNT], gymnasium.registry[SPELL]


SOURCES = [(COUNT, {"dataset": COUNT_ROWS}), (SPELL, {"dataset": SPELL_ROWS})]


def ask(answers: SolveAnswers, items: list[Item]) -> list[Item]:
    return list(answers(Request(items, [], {}, "responses", 1)))


def play(env_id: str, rows: list[Any], index: int, answer: Any) -> float:
    """Play one task to its end and return the reward."""
    env = gymnasium.make(env_id, dataset=rows)
    observation, info = env.reset(options={"task_index": index})
    for _ in range(10):
        observation, reward, terminated, _, _ = env.step(answer(observation, info["responses_create_params"]))
        if terminated:
            return float(reward)
    raise AssertionError("the episode does not end")


def test_every_task_of_every_environment_is_solved_in_any_order() -> None:
    answers = SolveAnswers(SOURCES)
    for env_id, rows, index in [
        (SPELL, SPELL_ROWS, 1),
        (COUNT, COUNT_ROWS, 49),
        (COUNT, COUNT_ROWS, 3),
        (SPELL, SPELL_ROWS, 0),
    ]:
        assert play(env_id, rows, index, lambda observation, _: ask(answers, observation)) == 1.0


def test_tasks_are_read_only_as_far_as_needed() -> None:
    Count.resets = 0
    ask(SolveAnswers(SOURCES), [message("Add 2 and 1.")])
    assert Count.resets == 4


def over_http(post: Any, server: MockModel, observation: list[Item], params: dict[str, Any]) -> Any:
    body = {"model": "m", "input": observation, **params}
    return json.loads(post(server, "/v1/responses", body)[2])


def over_chat(post: Any, server: MockModel, observation: list[Item], params: dict[str, Any]) -> Any:
    """Speak chat as clients do: instructions merged into one system message, reasoning left out."""
    messages: list[dict[str, Any]] = []
    texts = [params["instructions"]] if "instructions" in params else []
    for item in observation:
        if item.get("role") == "system":
            texts.append(item["content"])
        elif item.get("type") == "function_call_output":
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})
        elif item.get("type") in ("function_call", "reasoning") or item.get("role") == "assistant":
            made = chat_message([item])
            made.pop("reasoning_content", None)
            if item.get("type") != "reasoning":
                messages.append(made)
        else:
            messages.append({"role": "user", "content": [{"type": "text", "text": item["content"]}]})
    system = [{"role": "system", "content": "\n\n".join(texts)}] if texts else []
    raw = post(server, "/v1/chat/completions", {"model": "m", "messages": [*system, *messages]})[2]
    return message_items(json.loads(raw)["choices"][0]["message"])


@pytest.mark.parametrize("speak", [over_http, over_chat])
def test_whole_episodes_over_the_wire_earn_the_top_reward(post: Any, speak: Any) -> None:
    with MockModel(answerer=SolveAnswers(SOURCES)) as server:
        for env_id, rows in ((COUNT, COUNT_ROWS[:3]), (SPELL, SPELL_ROWS)):
            for index in range(len(rows)):
                reward = play(env_id, rows, index, lambda seen, params: speak(post, server, seen, params))
                assert reward == 1.0


def test_a_string_input_is_found(post: Any) -> None:
    with MockModel(solve=[{"id": COUNT, "kwargs": {"dataset": COUNT_ROWS}}]) as server:
        answer = json.loads(post(server, "/v1/responses", {"input": "Add 7 and 1."})[2])
        assert json.loads(answer["output"][1]["arguments"]) == {"a": 7, "b": 1}


def test_an_unknown_prompt_is_refused_with_the_cure(post: Any) -> None:
    with MockModel(solve=[{"id": SPELL, "kwargs": {"dataset": SPELL_ROWS}}]) as server:
        status, _, raw = post(server, "/v1/responses", {"input": "Who are you?"})
        assert status == 400
        text = json.loads(raw)["error"]["message"]
        assert "none of the 2 tasks" in text
        assert "Who are you?" in text
        assert "dataset" in text


@pytest.mark.parametrize("seed", [0, 11])
def test_drawn_prompts_are_known_by_the_collections_seed(tmp_path: Any, seed: int) -> None:
    shuffled = {"id": "gym_llm/MCQA-v0", "kwargs": {"shuffle_options": True}}
    for solve_seed, right in ((seed, True), (seed + 1, False)):
        with MockModel(solve=[shuffled], solve_seed=solve_seed) as server:
            done = collect(
                shuffled["id"], OpenAIPolicy("m", server.base_url), env_kwargs=shuffled["kwargs"], num_repeats=2,
                seed=seed, output=tmp_path / f"{right}.jsonl", max_attempts=1, progress=False,
            )  # fmt: skip
        if right:
            assert (done.episodes, done.metrics["reward"]["mean"]) == (24, 1.0)
        else:
            assert done.failures > 12
            assert "begins like none of the 12 tasks" in done.metrics["failures"]["first"]["model_bad_request"]
            assert "solve_seed=" in str(done)


def test_a_conversation_that_goes_on_after_the_solution_is_refused() -> None:
    answers = SolveAnswers(SOURCES)
    said = [assistant_message("cat"), message("Again."), assistant_message("CAT"), message("Again.")]
    with pytest.raises(ModelError, match="gives 2 actions for task 0 and turn 2"):
        ask(answers, [*spelling("cat"), *said])


def test_sources_without_reference_solutions_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="no ResponsesEnv"):
        SolveAnswers([("CartPole-v1", {})])
    with pytest.raises(gymnasium.error.Error):
        SolveAnswers([("gym_llm_mock_test/Cuont-v0", {})])
    with pytest.raises(ConfigError, match="at least one"):
        SolveAnswers([])
