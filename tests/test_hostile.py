"""Nothing that a model can send escapes from `step`: at least 10,000 hostile actions for every shipped environment.

Those whose tools run programs, milliseconds each, get 2,000.

Hypothesis draws what it is good at (texts, JSON values, items out of them) and the seeds of the generators that
`gym_llm.check` uses; many actions make one example, played across episodes.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice

import gymnasium
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage

import gym_llm
from gym_llm import items
from gym_llm.conformance import hostile
from gym_llm.conformance.invariants import step_problem
from gym_llm.conformance.material import ARGUMENTS, KEYS, TYPES, VALUES

WANTED, EXAMPLES, SEEDED = 10_000, 60, 120
WANTED_OF_SANDBOXES = 2_000

SHOWABLE = [value for value in VALUES if value != 10**5000]  # Hypothesis prints what it draws


texts = st.text(st.characters(), max_size=60)  # lone surrogates and NUL included
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(SHOWABLE)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
arguments = st.sampled_from(ARGUMENTS) | texts | values.map(lambda value: json.dumps(value, default=str, skipkeys=True))


@st.composite
def hostile_items(draw, names):
    """One item out of drawn fields, some of them of the right form."""
    item = draw(st.dictionaries(st.sampled_from(KEYS), values, max_size=4))
    form = draw(st.sampled_from(("call", "message", "type", "bare", "openai")))
    if form == "call":
        item |= {"type": "function_call", "name": draw(names), "arguments": draw(arguments)}
    elif form == "message":
        item |= {"type": "message", "role": "assistant", "content": draw(texts | values)}
    elif form == "type":
        item["type"] = draw(st.sampled_from(TYPES) | texts)
    elif form == "openai":
        return draw(openai_objects(names))
    return item


@st.composite
def openai_objects(draw, names):
    """An object of the `openai` package, made without validation, as its client makes them of a server's answer."""
    if draw(st.booleans()):
        return ResponseFunctionToolCall.construct(
            type="function_call", name=draw(names), arguments=draw(arguments), call_id=draw(texts)
        )
    content = [{"type": "output_text", "text": draw(texts), "annotations": []}]
    return ResponseOutputMessage.construct(
        id="m", type="message", role="assistant", status="completed", content=content
    )


def drawn_actions(tools):
    names = st.sampled_from([tool["name"] for tool in tools] or ["none"]) | texts
    listed = st.lists(hostile_items(names), max_size=3)
    whole = st.fixed_dictionaries(
        {"output": listed | values}, optional={"status": values, "incomplete_details": values, "usage": values}
    )
    return st.lists(listed | listed.map(tuple) | whole | values, min_size=10, max_size=60)


def played(env, actions, count):
    """Play the actions across episodes; what any of them gets wrong fails the test."""
    inner = env.unwrapped
    observation, _ = env.reset(seed=0)
    for action in actions:
        before = len(observation)
        observation, reward, terminated, truncated, info = env.step(action)
        over = terminated or truncated
        problem = step_problem(inner, before, observation, reward, over, info)
        assert problem is None, f"{problem}\n{inner.episode.actions[-1]!r:.2000}"
        count["actions"] += 1
        if over:
            count["episodes"] += 1
            observation, _ = env.reset()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("env_id", gym_llm.env_ids())
def test_no_action_escapes(env_id):
    env = gymnasium.make(env_id)
    tools = [tool.declaration() for tool in env.unwrapped.tools.values()]
    count = Counter()
    wanted = WANTED_OF_SANDBOXES if "bubblewrap" in env.unwrapped.needs else WANTED

    @settings(
        max_examples=EXAMPLES * wanted // WANTED,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn_actions(tools), st.integers(0, 2**32))
    def play(drawn, seed):
        generated = hostile.actions(np.random.default_rng(seed), tools)
        played(env, drawn + [action for _, action in islice(generated, SEEDED)], count)

    play()
    rest = hostile.actions(np.random.default_rng(1), tools)
    played(env, (action for _, action in islice(rest, max(wanted - count["actions"], 0))), count)
    played(env, (hostile.giant(np.random.default_rng(seed), tools) for seed in range(6)), count)
    assert count["actions"] >= wanted
    assert count["episodes"] >= wanted / (2 * env.unwrapped.max_turns)
    env.close()


def test_every_kind_is_played_and_the_same_seed_gives_the_same_actions():
    first, again = (hostile.actions(np.random.default_rng(7), ()) for _ in range(2))
    drawn = list(islice(first, 2000))
    assert {kind for kind, _ in drawn} == set(hostile.KINDS)
    assert [kind for kind, _ in drawn] == [kind for kind, _ in islice(again, 2000)]


TOKENS = (
    '{"a": ',
    "[",
    "]",
    "{",
    "}",
    '"',
    "\\",
    "\\ud800",
    "\\u0000",
    "NaN",
    "Infinity",
    "1e999",
    "9" * 4400,
    ",",
    ":",
)


def mutated(rng, text):
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(text) + 1))
        kind = rng.integers(4)
        if kind == 0:
            text = text[:place] + text[place + int(rng.integers(1, 4)) :]
        elif kind == 1:
            text = text[:place] + chr(int(rng.integers(0x110000))) + text[place:]
        elif kind == 2:
            text = text[:place] + hostile.pick(rng, TOKENS) + text[place:]
        else:
            text = text[:place] + text[place:] * int(rng.integers(2, 4))
    return text[:50_000]


def test_model_json_survives_ten_thousand_mutations():
    rng = np.random.default_rng(0)
    seeds = (
        '{"city": "Oslo", "days": [1, 2.5, null, true]}',
        "[]",
        '{"a": {"b": [{"c": "\\u00e9"}]}}',
        *ARGUMENTS[:24],
    )
    refused = 0
    for _ in range(10_000):
        text = mutated(rng, hostile.pick(rng, seeds))
        try:
            value = items.parse_model_json(text)
        except items.ModelJSONError as error:
            refused += 1
            value = str(error)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    assert 2000 < refused < 10_000


@given(st.text(st.characters(), max_size=200))
@settings(derandomize=True, database=None, deadline=None)
def test_printable_text_drives_no_terminal(text):
    shown = items.printable(text)
    shown.encode()
    assert not any((char < " " and char not in "\n\t") or char in "\x7f\x9b\u202e\u2066" for char in shown)
    assert items.printable(shown) == shown
