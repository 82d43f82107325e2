from __future__ import annotations

import pytest

from gym_llm.items import Item, assistant_message, function_call, function_call_output, message, reasoning
from gym_llm.mock_model.conversation import essence, turn_number

CALL, OUTPUT = function_call("f", {}), function_call_output("call_f", "1")
PLAN = [[reasoning("r"), CALL], [reasoning("r"), CALL, CALL], [assistant_message("done")]]


def test_the_same_item_in_other_forms_has_the_same_essence() -> None:
    assert essence({"role": "user", "content": "Hi"}) == essence(
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}],
        }
    )
    assert essence(CALL) == essence({**CALL, "id": "fc_1", "call_id": "other", "status": "completed"})
    assert essence(reasoning("r")) == ("reasoning", "r")


def test_parts_without_text_count_by_their_content() -> None:
    first, second = (
        essence({"role": "user", "content": [{"type": "input_image", "image_url": url}]}) for url in ("a", "b")
    )
    assert first != second


@pytest.mark.parametrize("keep_reasoning", [True, False])
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_turns_are_counted_with_and_without_reasoning(turn: int, keep_reasoning: bool) -> None:
    after: list[Item] = []
    for action in PLAN[:turn]:
        after += [item for item in action if keep_reasoning or item["type"] != "reasoning"]
        after.append(OUTPUT)
    assert turn_number(PLAN, after) == turn


def test_uneven_counts_fall_back_to_runs() -> None:
    after = [CALL, CALL, OUTPUT, message("go on")]
    assert turn_number(PLAN, after) == 1


def test_turns_without_an_environment_item_between_are_told_apart() -> None:
    plan = [[reasoning("a")], [reasoning("b")], [assistant_message("c")]]
    assert turn_number(plan, [reasoning("a"), reasoning("b")]) == 2
