"""The prefix audit: breaks are found where they are, and nowhere else."""

from __future__ import annotations

import pytest

from gym_llm.tokens import prefix_breaks


def call(prompt, generated):
    return [{"type": "reasoning"}, {"prompt_token_ids": prompt, "generation_token_ids": generated}]


@pytest.mark.parametrize(
    ("actions", "breaks"),
    [
        ([], None),
        ([[{"type": "message"}], []], None),
        ([call([1], [2])], []),
        ([call([1], [2]), call([1, 2, 3], [4]), call([1, 2, 3, 4], [])], []),
        ([call([1], [2]), call([1, 3], [4])], [{"turn": 1, "position": 1, "seen": 2}]),
        ([call([1, 2], [3]), call([1], [4])], [{"turn": 1, "position": 1, "seen": 3}]),
        ([call([1, 2], [3]), call([], [4])], [{"turn": 1, "position": 0, "seen": 3}]),
        # after a break the audit goes on from the new prompt
        ([call([1], [2]), call([9], [8]), call([9, 8, 7], [])], [{"turn": 1, "position": 0, "seen": 2}]),
        # a turn without token data, such as one whose context was full, is passed over
        ([call([1], [2]), [], call([1, 2, 3], [])], []),
        ([call([1], []), call([], [])], [{"turn": 1, "position": 0, "seen": 1}]),
    ],
)
def test_breaks(actions, breaks):
    assert prefix_breaks(actions) == breaks


def test_token_data_is_read_from_whichever_item_has_it():
    first = [{"prompt_token_ids": [1], "generation_token_ids": [2]}, {"type": "function_call"}]
    assert prefix_breaks([first, call([1, 2], [3])]) == []
