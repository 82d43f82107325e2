"""The environment: what a row holds, the form's tools, the user's turns, the reward and the reference solution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydantic
from pydantic_core import PydanticCustomError

from gym_llm import Episode, ResponsesEnv, Task, ToolError, Verification, tool
from gym_llm.envs.user_simulator import desks
from gym_llm.envs.user_simulator.played import PlayedUser, UserFailed
from gym_llm.envs.user_simulator.user import ANSWERS, User
from gym_llm.errors import ConfigError, VerifierError, did_you_mean
from gym_llm.items import Item, assistant_message, function_call


class DeskTask(Task):
    """A customer at a desk: what is wanted, and which of it the first message tells."""

    desk: str
    goal: dict[str, str]
    told: tuple[str, ...] = ()

    @pydantic.field_validator("desk")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in desks.desks():
            known = desks.desks()
            reason = f"there are {', '.join(known)}.{did_you_mean(value, known)}"
            raise PydanticCustomError("desk", "{reason}", {"reason": reason})
        return value

    @pydantic.field_validator("goal")
    @classmethod
    def _fills_the_form(cls, value: dict[str, str], info: pydantic.ValidationInfo) -> dict[str, str]:
        slots = desks.desks()[info.data["desk"]].slots if "desk" in info.data else {}
        wrong = [name for name, slot in slots.items() if value.get(name) not in slot.values]
        if wrong:
            reason = f"must give {wrong[0]} one of its values: {', '.join(slots[wrong[0]].values)}"
        elif slots and (more := value.keys() - slots.keys()):
            reason = f"gives {', '.join(sorted(more))}, which the desk lacks; it has {', '.join(slots)}"
        else:
            return value
        raise PydanticCustomError("goal", "{reason}", {"reason": reason})

    @pydantic.field_validator("told")
    @classmethod
    def _are_fields(cls, value: tuple[str, ...], info: pydantic.ValidationInfo) -> tuple[str, ...]:
        goal = info.data.get("goal")
        if goal is not None and not set(value) <= goal.keys():
            reason = f"names a field that the desk lacks; it has {', '.join(goal)}"
            raise PydanticCustomError("told", "{reason}", {"reason": reason})
        return value


class UserSimulator(ResponsesEnv):
    """Find out by asking what a customer wants, and submit the form that says it.

    Tasks:
        `desk`: `table`, `train` or `flowers`. `goal`: the value of each field, hidden from the model. `told`: the
        fields that the first message tells. Bundled: 9 rows made by the generator, Apache-2.0. Unlimited, with
        the knobs `desk` and `told` (how many fields the first message tells, 0 to 3).
    Tools:
        `show_form()`: fields, their values and what is filled in. `fill(field, value)` fills one in, `submit()` ends
        the filling; a form is submitted once, and complete.
    Reward:
        1.0 when the submitted form is the goal, and each field had been told by the user before it was submitted:
        a right guess is paid nothing. Otherwise 0.0. With `needless_cost`, so much less for each needless question,
        down to 0.0. Named rewards: `goal`, and `needless_questions` (questions for what was told, wrong guesses,
        messages that ask nothing). The verification also says `guessed_fields`, `wrong_fields`, `shotguns`
        (messages with more than two questions, of which two are answered), `user_turns` and `left`. With a user that
        a model plays, telling cannot be traced, so that the form alone is paid; when that model fails, there is an
        error and no reward.
    Episode end:
        The first message after the form was submitted; the user leaves after more than `patience` messages that
        bring nothing new or ask for too much at once; or 24 turns.
    Known shortcuts:
        The scripted user reads questions by keywords, so bare keywords with a question mark are answered.
    Version history:
        v0: first version.

    Args:
        user: A policy that plays the user, such as `{"model": ..., "base_url": ...}`; the scripted user when None.
        patience: Messages in vain that the scripted user bears.
        needless_cost: What a needless question costs, 0 to 1.
        user_timeout: Seconds that a user played by a model may take for one answer.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = DeskTask
    max_turns = 24
    reward_weights = {"goal": 1.0, "needless_questions": 0.0}  # noqa: RUF012

    def __init__(
        self, *, user: Any = None, patience: int = 4, needless_cost: float = 0.0, user_timeout: float = 120.0,
        **settings: Any,
    ) -> None:  # fmt: skip
        if patience < 0 or not 0 <= needless_cost <= 1 or not user_timeout > 0:
            raise ConfigError(
                f"patience={patience}, needless_cost={needless_cost}, user_timeout={user_timeout}: "
                "give 0 or more, 0 to 1 and seconds above 0"
            )
        super().__init__(**settings)
        self.patience, self.needless_cost = patience, needless_cost
        self._played = None if user is None else PlayedUser(user, user_timeout)
        self._failure: UserFailed | None = None

    def begin(self, task: DeskTask) -> None:
        """Put an empty form on the desk and the user before it."""
        self.desk = desks.desks()[task.desk]
        self.form: dict[str, str] = {}
        self.guessed: list[str] | None = None
        self.user_turns, self.left, self._failure = 0, False, None
        self.user = User(self.desk, dict(task.goal), list(task.told), self.patience)

    @tool
    def show_form(self) -> dict[str, Any]:
        """Show the form: its fields, the values that each may have, and what is filled in."""
        return {"fields": {name: list(slot.values) for name, slot in self.desk.slots.items()}, "filled": self.form}

    @tool
    def fill(self, field: str, value: str) -> dict[str, Any]:
        """Fill in one field of the form.

        Args:
            field: Name of the field.
            value: One of its values, exactly as in the form.
        """
        self._open()
        if field not in self.desk.slots:
            raise ToolError(f"there is no field {field[:80]!r}.{did_you_mean(field[:80], self.desk.slots)}")
        wanted = " ".join(value[:200].lower().split())
        if wanted not in self.desk.slots[field].values:
            raise ToolError(f"{field} cannot be {value[:80]!r}: {', '.join(self.desk.slots[field].values)}")
        self.form[field] = wanted
        return {"filled": self.form}

    @tool
    def submit(self) -> dict[str, bool]:
        """Submit the form. This can be done once, when every field is filled in."""
        self._open()
        if missing := [name for name in self.desk.slots if name not in self.form]:
            raise ToolError(f"not filled in: {', '.join(missing)}")
        self.guessed = [name for name in self.desk.slots if name not in self.user.told]
        return {"submitted": True}

    async def respond(self, task: DeskTask, episode: Episode) -> str | None:
        """Return what the user says; None when the form is submitted or the user leaves."""
        if self.guessed is not None:
            return None
        if self._played is None:
            said = self.user.answer(episode.last_message)
            self.left = said is None
        else:
            said = await self._from_model(self._played, task, episode)
        self.user_turns += said is not None
        return said

    def verify(self, task: DeskTask, episode: Episode) -> Verification:
        """Compare the submitted form with the goal, and see whether its values had been told."""
        if self._failure is not None:
            raise VerifierError(str(self._failure)) from self._failure
        submitted = self.guessed is not None
        wrong = [name for name, value in task.goal.items() if self.form.get(name) != value]
        goal = submitted and not wrong and (self._played is not None or not self.guessed)
        cost = self.needless_cost * self.user.needless
        return Verification(
            max(0.0, goal - cost), rewards={"goal": float(goal), "needless_questions": float(self.user.needless)},
            submitted=submitted, wrong_fields=wrong, guessed_fields=self.guessed or [], shotguns=self.user.shotguns,
            user_turns=self.user_turns, left=self.left,
        )  # fmt: skip

    def solve(self, task: DeskTask) -> list[list[Item]]:
        """Ask for what was not told, two fields a message; fill in, submit, and say goodbye."""
        slots = desks.desks()[task.desk].slots
        asked = [slots[name].question for name in slots if name not in task.told]
        asks = [[assistant_message(" ".join(asked[at : at + ANSWERS]))] for at in range(0, len(asked), ANSWERS)]
        fills = [
            function_call("fill", {"field": name, "value": value}, f"call_{name}") for name, value in task.goal.items()
        ]
        return [*asks, [*fills, function_call("submit", {})], [assistant_message("It is done. Goodbye!")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `desks.row` for the knobs."""
        return desks.row(rng, **knobs)

    def _open(self) -> None:
        if self.guessed is not None:
            raise ToolError("the form was submitted already")

    async def _from_model(self, played: PlayedUser, task: DeskTask, episode: Episode) -> str | None:
        """Return the played user's words, noting which values they tell; None when the model failed."""
        try:
            said = await played.answer(self.desk, task.goal, episode.items)
        except UserFailed as error:
            self._failure = error
            return None
        words = said.lower()
        told = [name for name, value in task.goal.items() if value in words]
        fresh = [name for name in told if name not in self.user.told]
        self.user.needless += not fresh
        self.user.told += fresh
        return said
