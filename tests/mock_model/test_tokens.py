from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gym_llm.items import assistant_message, function_call, function_call_output, message, reasoning
from gym_llm.mock_model.tokens import END, VOCABULARY_SIZE, item_tokens, log_probs, prompt_tokens, token_bytes

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
items = st.one_of(
    texts.map(message),
    texts.map(assistant_message),
    texts.map(reasoning),
    st.builds(function_call, texts, texts, texts),
    st.builds(function_call_output, texts, texts),
)


@given(st.lists(items), st.lists(items), st.lists(items))
def test_a_growing_conversation_only_appends_tokens(before: list[Any], action: list[Any], after: list[Any]) -> None:
    tools = [{"name": "f"}]
    prompt = prompt_tokens(before, "Be brief.", tools)
    generated = item_tokens(action)
    following = prompt_tokens([*before, *action, *after], "Be brief.", tools)
    assert following[: len(prompt) + len(generated)] == prompt + generated


@given(st.lists(items, max_size=4))
def test_ids_are_in_the_vocabulary_and_carry_the_text(conversation: list[Any]) -> None:
    ids = item_tokens(conversation)
    assert all(0 <= token < VOCABULARY_SIZE for token in ids)
    assert ids.count(END) == len(conversation)
    probabilities = log_probs(ids, 5)
    assert len(probabilities) == len(ids)
    assert all(-2 < probability <= 0 for probability in probabilities)


def test_the_text_can_be_read_back() -> None:
    assert b"".join(map(token_bytes, item_tokens([message("Größe")]))).decode() == "Größe"


def test_call_ids_do_not_matter_since_environments_rename_them() -> None:
    assert item_tokens([function_call("f", {}, "a")]) == item_tokens([function_call("f", {}, "b")])
