"""`JudgedEnv`: an environment that may ask a judge, given as plain data that its specification can show.

It only holds the judge; when to ask and what a verdict earns is the environment's own.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from gymnasium.envs.registration import EnvSpec

from gym_llm.core import ResponsesEnv
from gym_llm.judges.judge import Judge
from gym_llm.judges.making import as_judge
from gym_llm.judges.template import EQUIVALENCE, Template


class JudgedEnv(ResponsesEnv):
    """An environment with a judge.

    The judge's key, when one is given directly, is for this process only: `spec`, records and representations have
    the judge without it. Every process that makes the environment has connections of its own.

    Args:
        judge: As `gym_llm.judges.as_judge` takes it; None for none.
        **settings: As for every environment.

    Attributes:
        template: What the class asks of its judge.
        judge: The judge, or None.
    """

    template: ClassVar[Template] = EQUIVALENCE

    def __init__(self, *, judge: Any = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.judge: Judge | None = None if judge is None else as_judge(judge, self.template)

    @property
    def spec(self) -> EnvSpec | None:
        """The specification that Gymnasium gave, the judge in it as plain data without secrets."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        if spec is not None and spec.kwargs.get("judge") is not None and self.judge is not None:
            spec = copy.copy(spec)
            spec.kwargs = {**spec.kwargs, "judge": self._described(self.judge, spec.kwargs["judge"])}
        self._spec = spec

    _spec: EnvSpec | None = None

    def _described(self, judge: Judge, given: Any) -> Any:
        if isinstance(given, str):
            return given
        described = judge.spec()
        if judge.template == self.template:
            del described["template"]
        return described
