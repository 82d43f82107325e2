"""Whole episodes over chat against the mock model: rewards, reasoning, token ids from end to end, every ending."""

from __future__ import annotations

import asyncio
import json

import gymnasium
import pytest

import gym_llm
from gym_llm.core import ResponsesEnv
from gym_llm.items import function_call
from gym_llm.mock_model import MockModel
from gym_llm.policies import ChatCompletionsPolicy
from gym_llm.tools import tool
from gym_llm.wrappers import AgentWrapper


class Lookup(ResponsesEnv):
    """One tool, three turns if the model likes."""

    max_turns = 3

    @tool
    def look_up(self, word: str) -> str:
        """Look a word up.

        Args:
            word: The word.
        """
        return f"{word} is a word"

    def verify(self, task, episode):
        return float("done" in episode.last_message)


def play(env, base_url, **settings):
    """Play one episode and return its trajectory and record."""

    async def main():
        policy = ChatCompletionsPolicy("m", base_url, max_attempts=1, **settings)
        try:
            return await AgentWrapper(env, policy).arollout(seed=0)
        finally:
            await policy.close()

    trajectory = asyncio.run(main())
    return trajectory, json.loads(json.dumps(trajectory.record()))


def lookup(**kwargs):
    return Lookup(dataset=[{"responses_create_params": {"input": "What is a fjord?"}}], **kwargs)


def script(*answers):
    """Return two turns of calls and a message, each beginning with what is given."""
    calls = [[function_call("look_up", {"word": word}, f"call_{word}")] for word in ("fjord", "fell")]
    return tuple([*given, *call] for given, call in zip(answers, [*calls, []], strict=True))


def by_outputs(answers):
    """Return an answerer that counts turns by the tool outputs, whatever a history leaves out."""
    return lambda request: answers[sum(item.get("type") == "function_call_output" for item in request.input)]


def thinking(text):
    return {"role": "assistant", "content": f"<think>{text}</think>"}


def apart(text):
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]}


DONE = {"role": "assistant", "content": "All done."}


@pytest.mark.parametrize("env_id", gym_llm.env_ids())
def test_reference_solutions_over_chat_with_contiguous_token_ids(env_id):
    with MockModel(solve=[env_id]) as server:
        trajectory, record = play(gymnasium.make(env_id), server.base_url, return_token_ids=True)
    assert (trajectory.reward, trajectory.end_reason) == (1.0, "verified")
    assert record["gym_llm"]["prefix_breaks"] == []
    seen = []
    for turn in trajectory.turns:
        last = turn.action[-1]
        assert last["prompt_token_ids"][: len(seen)] == seen
        assert len(last["generation_token_ids"]) == len(last["generation_log_probs"])
        seen = last["prompt_token_ids"] + last["generation_token_ids"]


THINKERS = [
    (thinking, "think_tags", 0),
    (thinking, "drop", 2),
    (apart, "reasoning_content", 0),
    (apart, "interleaved", 0),
    (apart, "think_tags", 2),
]


@pytest.mark.parametrize(("think", "history", "breaks"), THINKERS)
def test_a_thinking_model_and_what_its_history_does_to_the_prefix(think, history, breaks):
    answers = script([think("First.")], [think("Then.")], [think("So."), DONE])
    with MockModel(answerer=by_outputs(answers), keep_requests=3) as server:
        trajectory, record = play(lookup(), server.base_url, return_token_ids=True, reasoning_history=history)
        requests = list(server.recent)
    assert trajectory.reward == 1.0
    kinds = [item["type"] for item in trajectory.output]
    assert kinds == ["reasoning", "function_call", "function_call_output"] * 2 + ["reasoning", "message"]
    assert trajectory.output[0]["summary"][0]["text"] == "First."
    assert trajectory.output[-1]["content"][0]["text"] == "All done."
    sent = [message for message in requests[-1]["messages"] if message["role"] == "assistant"]
    assert ["First." in json.dumps(message) for message in sent] == [history != "drop", False]
    found = record["gym_llm"]["prefix_breaks"]
    assert [where["turn"] for where in found] == [1, 2][:breaks]
    assert all(where["position"] < where["seen"] for where in found)


def test_without_token_data_there_is_no_audit():
    with MockModel(text="done") as server:
        _, record = play(lookup(), server.base_url)
    assert "prefix_breaks" not in record["gym_llm"]


def ending(env, **server_options):
    with MockModel(**server_options) as server:
        trajectory, record = play(env, server.base_url)
    reasons = [turn["finish_reason"] for turn in record["gym_llm"]["turns"]]
    return trajectory.end_reason, trajectory.truncated, reasons, trajectory.reward


def test_every_ending_is_told_apart():
    calls = script([], [], [DONE])
    assert ending(lookup(), script=calls) == ("verified", False, ["stop"] * 3, 1.0)
    assert ending(lookup(max_turns=2), script=calls) == ("max_turns", True, ["stop"] * 2, 0.0)
    cut = ending(lookup(), script=calls, faults=["incomplete:every=2"])
    assert cut == ("incomplete", True, ["stop", "length"], 0.0)
    full = ending(lookup(), script=calls, faults=["context_overflow:every=3"])
    assert full == ("incomplete", True, ["stop", "stop", "context_overflow"], 0.0)
    filtered = ending(lookup(), script=calls, faults=["content_filter"])
    assert filtered == ("incomplete", True, ["content_filter"], 0.0)


def test_a_cut_off_call_is_not_run():
    with MockModel(script=script([], [], [DONE]), faults=["incomplete"]) as server:
        trajectory, record = play(lookup(), server.base_url)
    assert record["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert "not run" in trajectory.output[-1]["output"]


def test_the_record_says_which_weights_answered():
    class Versioned(ChatCompletionsPolicy):
        async def __call__(self, observation, info):
            answer = await super().__call__(observation, info)
            return answer | {"_gym_llm": answer["_gym_llm"] | {"policy_version": 12}}

    async def main(base_url):
        policy = Versioned("m", base_url)
        try:
            return await AgentWrapper(lookup(), policy).arollout(seed=0)
        finally:
            await policy.close()

    with MockModel(text="done") as server:
        record = asyncio.run(main(server.base_url)).record()
    assert record["gym_llm"]["turns"][0]["policy_version"] == 12
    assert record["gym_llm"]["policy"]["model"] == "m"
