from __future__ import annotations

import pytest
from pydantic import ValidationError

from gym_llm.mock_model import FaultConfig, MockModelConfig, SolveSource


def test_short_forms_stand_for_mappings() -> None:
    short = MockModelConfig.model_validate(
        {"faults": ["slow:interval=0.1:every:3", "drop"], "solve": "gym_llm/A-v0", "latency": 1}
    )
    assert short.faults == (FaultConfig(kind="slow", interval=0.1, every=3), FaultConfig(kind="drop"))
    assert short.solve == (SolveSource(id="gym_llm/A-v0"),)
    assert short.latency == "1"
    assert MockModelConfig.model_validate(short.model_dump()) == short
    assert MockModelConfig.model_validate_json(short.model_dump_json()) == short


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"latnecy": "1"}, "latnecy"),
        ({"latency": "soon"}, "not a number of seconds"),
        ({"faults": ["rate_limt"]}, "rate_limit"),
        ({"faults": ["drop:evvery=2"]}, "evvery"),
        ({"faults": ["drop:every"]}, "KIND:OPTION:VALUE"),
        ({"answers": "solve"}, "needs solve="),
        ({"answers": "script"}, "needs script="),
        ({"script": ["a"], "solve": ["b"]}, "both script and solve"),
        ({"rate": 0}, "greater than 0"),
    ],
)
def test_wrong_options_are_refused_by_name(options: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        MockModelConfig.model_validate(options)


def test_a_configuration_is_frozen_hides_its_key_and_documents_every_option() -> None:
    config = MockModelConfig(api_key="SECRET_123")
    with pytest.raises(ValidationError):
        config.port = 1  # type: ignore[misc]
    assert "SECRET_123" not in repr(config)
    for model in (MockModelConfig, FaultConfig, SolveSource):
        assert all(field.description for field in model.model_fields.values())
