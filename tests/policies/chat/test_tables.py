"""Every row of the tables of docs/conversion.md is what the code does."""

from __future__ import annotations

import pytest
from doc_tables import table, value

from gym_llm.errors import ModelError
from gym_llm.policies.chat.completion import CUT, FINISHED
from gym_llm.policies.chat.conversion import answer_items, chat_items, chat_messages
from gym_llm.policies.chat.request import merged, read_params
from gym_llm.policies.chat.rules import Rules
from gym_llm.schemas import input_problem, output_problem

TO_CHAT = table("rule", "options", "items", "chat")
INSTRUCTIONS = table("rule", "instructions", "items", "chat")
ANSWERS = table("rule", "options", "chat", "items")


def bare(item):
    """Return an item without ids, statuses and annotations."""
    found = {key: inner for key, inner in item.items() if key not in ("id", "status")}
    if isinstance(found.get("content"), list):
        found["content"] = [{k: v for k, v in part.items() if k != "annotations"} for part in found["content"]]
    return found


@pytest.mark.parametrize(("rule", "options", "items", "chat"), TO_CHAT, ids=[row[0] for row in TO_CHAT])
def test_items_to_chat(rule, options, items, chat):
    given = value(items)
    assert [problem for item in given if (problem := input_problem(item))] == []
    assert chat_messages(given, Rules(**value(options))) == value(chat)
    assert given == value(items), "the items were changed"


@pytest.mark.parametrize(("rule", "instructions", "items", "chat"), INSTRUCTIONS)
def test_instructions(rule, instructions, items, chat):
    assert chat_messages(value(items), instructions=value(instructions)) == value(chat)


@pytest.mark.parametrize(("rule", "items", "says"), table("rule", "items", "the error says"))
def test_items_that_chat_cannot_hold(rule, items, says):
    with pytest.raises(ModelError) as caught:
        chat_messages(value(items))
    assert says.strip("`") in str(caught.value)
    assert (caught.value.kind, caught.value.fatal) == ("bad_request", False)


PARAMS = table("rule", "row", "policy", "chat")


@pytest.mark.parametrize(("rule", "row", "policy", "chat"), PARAMS, ids=[row[0] for row in PARAMS])
def test_create_parameters(rule, row, policy, chat):
    assert merged(read_params(value(row)), read_params(value(policy)))[0] == value(chat)


@pytest.mark.parametrize(("rule", "row", "says"), table("refused", "row", "the error says"))
def test_parameters_that_are_refused(rule, row, says):
    with pytest.raises(ModelError) as caught:
        merged(read_params(value(row)), read_params({}))
    assert says.strip("`") in str(caught.value)


@pytest.mark.parametrize(("rule", "options", "chat", "items"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_answers(rule, options, chat, items):
    rules = Rules(**value(options))
    found = answer_items(value(chat), rules, "1", opened=rules.think_opened)
    assert [bare(item) for item in found] == value(items)
    assert [problem for item in found if (problem := output_problem(item))] == []


def test_finish_reasons():
    told = table("server", "status", "reason", "finish_reason")
    for server, status, reason, _ in told:
        for word in server.split(", "):
            if word.strip("`") in FINISHED:
                assert status == "completed"
            elif word.strip("`") in CUT:
                assert (status, reason) == ("incomplete", CUT[word.strip("`")])
    assert {"stop", "tool_calls"} <= FINISHED


def test_tables_cover_what_they_say():
    assert len(TO_CHAT) > 25
    assert len(PARAMS) > 12
    assert len(ANSWERS) > 12


@pytest.mark.parametrize("entry", [{"role": "user"}, {"role": "user", "content": [{"type": "smell"}]}, {}, None])
def test_chat_messages_that_cannot_be_read(entry):
    with pytest.raises(ModelError, match="chat message 0"):
        chat_items([entry])
