"""Settings of environments: a wrong type and an unknown name are refused by name, whoever wrote the constructor."""

from __future__ import annotations

from typing import Any, Literal

import gymnasium
import numpy as np
import pytest

import gym_llm
from gym_llm.errors import ConfigError
from gym_llm.tasks import load

ROWS = [{"responses_create_params": {"input": "Hello"}}]


class Patient(gym_llm.ResponsesEnv):
    """A class with settings of its own."""

    def __init__(
        self, *, patience: int = 4, share: float | None = 0.5, mode: Literal["a", "b"] = "a", loose: bool = False,
        any_of: Any = None, wrongly_annotated: int = None, **settings: Any,  # type: ignore[assignment]  # noqa: RUF013
    ) -> None:  # fmt: skip
        super().__init__(**settings)
        self.patience = patience

    def verify(self, task: Any, episode: Any) -> float:
        return 1.0


class Lenient(Patient):
    """A class that takes any name."""

    def __init__(self, **settings: Any) -> None:
        self.extra = settings.pop("extra", None)
        super().__init__(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"patience": "many"}, "patience='many': give a whole number"),
        ({"patience": None}, "patience=None: give a whole number"),
        ({"patience": 1.5}, r"patience=1\.5: give a whole number"),
        ({"patience": True}, "patience=True: give a whole number"),
        ({"share": "half"}, "share='half': give a number or None"),
        ({"share": [0.5]}, r"share=\[0\.5\]: give a number or None"),
        ({"mode": ["a"]}, r"mode=\['a'\]: give a text"),
        ({"loose": "no"}, "loose='no': give true or false"),
        ({"max_turns": "8"}, "max_turns='8': give a whole number or None"),
        ({"patince": 3}, "Patient has no setting 'patince'. Did you mean 'patience'?"),
        ({"max_turn": 3}, "Did you mean 'max_turns'?"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(settings, said):
    with pytest.raises(ConfigError, match=said):
        Patient(dataset=ROWS, **settings)


@pytest.mark.parametrize(
    "settings",
    [{"patience": 3.0}, {"patience": np.int64(3)}, {"share": 1}, {"share": None}, {"share": np.float32(0.5)},
     {"mode": "c"}, {"any_of": object()}, {"wrongly_annotated": None}, {"loose": True}],
)  # fmt: skip
def test_whatever_else_there_is_to_say_the_class_says_itself(settings):
    assert Patient(dataset=ROWS, **settings).patience in (3, 4)


def test_a_class_may_take_names_that_no_signature_has():
    assert Lenient(dataset=ROWS, extra=5, patience=2).extra == 5
    with pytest.raises(ConfigError, match="Lenient has no setting 'patince'"):
        Lenient(dataset=ROWS, patince=2)


def test_a_registered_environment_says_so_too():
    with pytest.raises(ConfigError, match="patience='many': give a whole number"):
        gymnasium.make("gym_llm/UserSimulator-v0", patience="many")
    with pytest.raises(ConfigError, match="Did you mean 'score_timeout'"):
        gymnasium.make("gym_llm/ReasoningGym-v0", score_timout=3)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [(5, "dataset=5: give a file's path"), ({"path": "x.jsonl", "until": 1}, "no setting 'until'.*start, stop")],
)
def test_a_dataset_that_is_none_is_refused(dataset, said):
    with pytest.raises(ConfigError, match=said):
        load(dataset)
