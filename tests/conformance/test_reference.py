"""A correct environment passes every probe; its declared shortcut is told, and the report can be read."""

from __future__ import annotations

import sys
import types
import warnings
from types import MappingProxyType

import gymnasium
import pytest

import gym_llm
from gym_llm import items
from gym_llm.conformance import PROBES, probe_table
from gym_llm.errors import ConfigError, DefinitionError


class Vault(gym_llm.ResponsesEnv):
    """A door with a code: ask the clerk, then open it.

    *Tasks*: `code`, made up. *Tools*: `ask`, `enter`. *Reward*: 1 when the door is open, else 0.
    *Episode end*: at the first message. *Known shortcuts*: none but saying nothing. *Version history*: v0.
    """

    known_shortcuts = MappingProxyType({"paid-calls-only": "the door's state alone is judged"})
    max_turns = 5

    def begin(self, task):
        self.open, self.note = False, int(self.np_random.integers(1000))

    @gym_llm.tool
    async def ask(self, person: str) -> dict:
        """Ask someone for the code.

        Args:
            person: Whom to ask.
        """
        return {"person": person, "code": self.task.code, "note": self.note}

    @gym_llm.tool
    def enter(self, code: int) -> bool:
        """Enter a code.

        Args:
            code: Four digits.
        """
        self.open = self.open or code == self.task.code
        return self.open

    def verify(self, task, episode):
        return gym_llm.Verification(float(self.open), entered=[c.arguments for c in episode.calls if c.name == "enter"])

    def solve(self, task):
        calls = (
            [items.function_call("ask", {"person": "clerk"})],
            [items.function_call("enter", {"code": task.code})],
        )
        return [*calls, [items.assistant_message("It is open.")]]

    @classmethod
    def generate(cls, rng, digits=4):
        return row(int(rng.integers(10 ** (digits - 1), 10**digits)))


def row(code):
    return {"responses_create_params": {"input": f"Open door {code % 7}."}, "code": code}


@pytest.fixture
def vault(monkeypatch):
    module = types.ModuleType("vault_environment")
    module.Vault = Vault
    monkeypatch.setitem(sys.modules, "vault_environment", module)
    gymnasium.register("tests/Vault-v0", entry_point="vault_environment:Vault")
    yield "tests/Vault-v0"
    gymnasium.registry.pop("tests/Vault-v0")


KWARGS = {"dataset": [row(code) for code in range(4000, 4008)]}


def test_a_correct_environment_passes_with_nothing_skipped(vault):
    report = gym_llm.check(vault, env_kwargs=KWARGS, hostile_actions=500)
    assert report.ok, report.text()
    assert [finding.name for finding in report.findings] == list(PROBES)
    assert [f.name for f in report.findings if f.status != "passed"] == ["paid-calls-only"]  # declared


@pytest.mark.parametrize("form", ["id with module", "spec", "class", "factory"])
def test_forms_of_the_target(vault, form):
    target = {
        "id with module": f"vault_environment:{vault}",
        "spec": gymnasium.spec(vault),
        "class": Vault,
        "factory": lambda **kwargs: Vault(**kwargs),
    }[form]
    report = gym_llm.check(target, env_kwargs=KWARGS, tasks=2, hostile_actions=20)
    assert report.ok, report.text()


def test_a_declared_shortcut_is_told_with_its_reason(vault):
    report = gym_llm.check(vault, env_kwargs=KWARGS, tasks=2, hostile_actions=20)
    finding = next(finding for finding in report.findings if finding.name == "paid-calls-only")
    assert finding.status == "declared"
    assert "the door's state alone is judged" in report.text()


def test_the_report_is_text_and_plain_data(vault):
    report = gym_llm.check(vault, env_kwargs=KWARGS, tasks=2, hostile_actions=20)
    text = report.text()
    assert all(name in text for name in PROBES)
    assert text.splitlines()[-1].startswith(f"{len(PROBES) - 1} passed, 0 failed, 1 declared")
    assert report.to_json()["ok"] is True
    assert len(report.to_json()["findings"]) == len(PROBES)


def test_checking_leaves_warnings_and_the_environment_registry_alone(vault):
    before = list(warnings.filters), set(gymnasium.registry)
    gym_llm.check(vault, env_kwargs=KWARGS, tasks=1, hostile_actions=10)
    assert (list(warnings.filters), set(gymnasium.registry)) == before


def test_what_the_caller_gets_wrong_raises(vault):
    with pytest.raises(gymnasium.error.Error):
        gym_llm.check("gym_llm/NoSuchThing-v0")
    with pytest.raises(ConfigError, match="tasks=0"):
        gym_llm.check(vault, tasks=0)


def test_an_environment_that_cannot_be_made_is_reported():
    report = gym_llm.check("CartPole-v1")
    assert [finding.name for finding in report.failed] == ["makes"]
    assert DefinitionError.__name__ in report.failed[0].detail
    assert {finding.status for finding in report.findings[1:]} == {"skipped"}


def test_every_probe_says_what_must_hold_and_the_cure():
    assert len(PROBES) >= 30
    for probe in PROBES.values():
        assert probe.promise, probe.name
        assert probe.cure, probe.name
        assert f"`{probe.name}`" in probe_table()
