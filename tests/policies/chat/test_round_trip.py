"""To chat and back loses nothing but what the page says: 10,000 conversations, and more where hypothesis looks."""

from __future__ import annotations

import os
from random import Random
from typing import get_args

import pytest
from conversations import conversation, normal_form
from hypothesis import given, settings
from hypothesis import strategies as st
from test_tables import bare

from gym_llm.policies.chat.conversion import chat_items, chat_messages
from gym_llm.policies.chat.rules import ReasoningHistory, Rules
from gym_llm.schemas import input_problem

HISTORIES = get_args(ReasoningHistory)
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))


def assert_round_trip(items, history):
    rules = Rules(history)
    assert [problem for item in items if (problem := input_problem(item))] == []
    messages = chat_messages(items, rules)
    back = chat_items(messages, rules)
    assert [bare(item) for item in back] == normal_form(items, history)
    assert [problem for item in back if (problem := input_problem(item))] == []
    if "<think>" not in str(items) and "</think>" not in str(items):
        assert chat_messages(back, rules) == messages


@pytest.mark.parametrize("history", HISTORIES)
def test_ten_thousand_conversations(history):
    for seed in range(10_000 // len(HISTORIES)):
        assert_round_trip(conversation(Random(f"{history} {seed}")), history)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(HISTORIES))
def test_conversations_that_hypothesis_finds(random, history):
    assert_round_trip(conversation(random), history)


def test_conversations_are_not_trivial():
    drawn = [conversation(Random(seed)) for seed in range(300)]
    kinds = {item.get("type", "message") for items in drawn for item in items}
    assert kinds == {"message", "reasoning", "function_call", "function_call_output"}
    assert sum(normal_form(items, "think_tags") != items for items in drawn) > 100
