"""The environment: what a row holds, the reward and the reference solution. The tools are in `tools/`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np

from gym_llm import Episode, ResponsesEnv, Task, Verification
from gym_llm.envs.workplace_assistant.comparison import Change, changes, shown
from gym_llm.envs.workplace_assistant.ground_truth import GroundCall, outcome
from gym_llm.envs.workplace_assistant.tables import Office
from gym_llm.envs.workplace_assistant.tools import Desk
from gym_llm.envs.workplace_assistant.worlds import world as world_of
from gym_llm.errors import ConfigError
from gym_llm.items import Item, assistant_message, function_call

_REPORT = re.compile(
    r"(?im)^[ \t*_#>-]{0,9}report\b[ \t*_]{0,9}:[ \t*_`]{0,9}(-?[0-9][0-9,]{0,15})(?:\.0)?[ \t\r*_`.]{0,9}$"
)
_REPORTS = re.compile(r"(?im)^[ \t*_#>-]{0,9}report\b")


class WorkplaceTask(Task):
    """What the user asks for, and the calls that do it."""

    id: int
    ground_truth: list[GroundCall]
    category: str
    environment_name: str = "workplace_assistant"
    world: int | str | None = None
    report: int | None = None


class WorkplaceAssistant(Desk, ResponsesEnv):
    """Do what a colleague asks for in a mock office: mail, calendar, web analytics, project board, customers.

    Tasks:
        `ground_truth`: the calls that do what is asked, each a `name` and `arguments` as JSON text; an empty list
        when nothing is to be changed. `category`: the domain. Of our own rows also `world`, the seed of the office
        (or a folder of tables), and `report`, a number that the last message has to state. Rows of NeMo Gym's
        workplace_assistant load unchanged; they need `world=` the tables that they were made for. Bundled: 13 rows
        made by the generator, Apache-2.0. Unlimited, with the knobs `domain`, `world` and `template`; see `requests`.
    Tools:
        27 tools, 1 for the directory of the staff, 6 for mail, 5 for the calendar, 6 for web analytics, 5 for the
        project board and 4 for customers. They write into an office that is the episode's own. Unlike NeMo Gym's:
        results stand alone and not under `output`; searches are literal, not regular expressions; ids have 8
        digits throughout and never change; an upper bound without a time takes in its day; meetings lie between
        9:00 and 18:00; dates, products, states and colleagues are checked wherever they are written. `compat=True`,
        or a row whose ground truth needs it, brings the last three back to what NeMo Gym does.
    Reward:
        1.0 when the changes made are the ground truth's and nothing else was changed, and the message is right;
        else 0.0. Changes are compared as records: the order of calls does not matter, nor do the ids of new
        records, letter case (but in states, lists and boards), spacing, or how a number, date or time is written.
        Where the row has a `report`, the last message has to hold one line `Report: <number>` with it. Where it
        has none and nothing is to be changed, something has to be said after a call that succeeded. NeMo Gym
        compares tables row by row, in order, and pays a policy that does and says nothing for the latter rows;
        `compat=True` pays that too.
        Named rewards: `state_ok`, `message_ok`, `progress` (share of the changes asked for that were made),
        `side_effects` (how many others were made) and `graded` (`progress` less side effects per change asked for).
        The verification also shows the changes that are `missing` and `extra`.
    Episode end:
        The first message without a call, or 16 turns.
    Known shortcuts:
        Where changes are asked for and no report, nothing has to be said. A report that is a small count can be
        guessed. On rows of NeMo Gym's where nothing is to be changed, any look-up with any message is paid.
    Version history:
        v0: first version.

    Args:
        world: The office for rows that name none: a seed (0 or more) for one of our own, or a folder of WorkBench's
            tables (`csv_data`).
        compat: Check as little as NeMo Gym's tools do, and pay for doing nothing where nothing is to be done.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = WorkplaceTask
    domain = "agent"
    reward_weights = {  # noqa: RUF012
        "state_ok": 1.0, "message_ok": 0.0, "progress": 0.0, "side_effects": 0.0, "graded": 0.0,
    }  # fmt: skip
    known_shortcuts = {"paid-calls-only": "a request for changes is judged by the changes alone"}  # noqa: RUF012

    def __init__(self, *, world: int | str | None = None, compat: bool = False, **settings: Any) -> None:
        seed = isinstance(world, int) and not isinstance(world, bool) and world >= 0
        if not (world is None or isinstance(world, str) or seed):
            raise ConfigError(f"world={world!r}: give a seed of 0 or more, or a folder of WorkBench's tables")
        if world is not None:
            world_of(world)
        super().__init__(**settings)
        self.world, self.compat = world, compat

    def begin(self, task: WorkplaceTask) -> None:
        """Open an office, and see what the ground truth makes of it."""
        which = self.world if task.world is None else task.world
        if which is None:
            cure = "give world= the folder of the tables that the row was made for, or a seed"
            raise ConfigError(f"world=None: the row with id {task.id} names no world; {cure}")
        world = world_of(which)
        self.expected = outcome(world, task.ground_truth, lax=self.compat)
        if task.ground_truth and len(self.expected.failed) == len(task.ground_truth):
            fact = f"no call of the ground truth of the row with id {task.id} succeeds ({self.expected.failed[0]})"
            raise ConfigError(f"world={which!r}: {fact}; give the world that the row was made for")
        self.office = Office(world, lax=self.expected.lax)

    def state_diff(self) -> dict[str, list[dict[str, Any]]]:
        """Return what was changed so far, and what is missing and extra compared with the ground truth."""
        done = changes(self.office)
        return self._differences(done) | {"changed": shown(done, self.office)}

    def render(self) -> Any:
        """Return the conversation and the changes made so far as text when `render_mode="ansi"`."""
        text = super().render()
        if text is None or self._episode is None:
            return text
        return "\n".join([text, *(f"changed: {change}" for change in self.state_diff()["changed"])])

    def verify(self, task: WorkplaceTask, episode: Episode) -> Verification:
        """Compare what was changed with what was to be changed, and the message with the report."""
        required, done = self.expected.changes, changes(self.office)
        size, missing, extra = required.total(), (required - done).total(), (done - required).total()
        progress = 1 - missing / size if size else 1.0
        state_ok, message_ok = not missing and not extra, self._message_ok(task, episode)
        rewards: dict[str, float] = {
            "state_ok": state_ok, "message_ok": message_ok, "progress": progress, "side_effects": extra,
            "graded": max(0.0, progress - extra / max(size, 1)),
        }  # fmt: skip
        return Verification(
            float(state_ok and message_ok), rewards=rewards, changes_required=size, changes_made=done.total(),
            ground_truth_failed=len(self.expected.failed), **self._differences(done),
        )  # fmt: skip

    def solve(self, task: WorkplaceTask) -> list[list[Item]]:
        """Make the calls of the ground truth, or look someone up when there are none; then say so."""
        calls = [
            function_call(call.name, call.arguments, f"call_{number}") for number, call in enumerate(task.ground_truth)
        ]
        look = function_call("company_directory_find_email_address", {"name": "a"})
        said = "Done." if calls else "Nothing had to be changed."
        report = "" if task.report is None else f"\nReport: {task.report}"
        return [calls or [look], [assistant_message(said + report)]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `requests.row` for the knobs."""
        from gym_llm.envs.workplace_assistant import requests  # only those who generate need the templates

        return requests.row(rng, **knobs)

    def _differences(self, done: Counter[Change]) -> dict[str, list[dict[str, Any]]]:
        required = self.expected.changes
        return {"missing": shown(required - done, self.office), "extra": shown(done - required, self.office)}

    def _message_ok(self, task: WorkplaceTask, episode: Episode) -> bool:
        said = episode.last_message
        if task.report is not None:
            found = _REPORT.findall(said)
            return len(_REPORTS.findall(said)) == 1 == len(found) and int(found[0].replace(",", "")) == task.report
        if self.expected.changes or self.compat:
            return True
        return bool(said.strip()) and any(call.error is None for call in episode.calls)
