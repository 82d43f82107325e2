"""The scripted user: answers what is asked, two questions a message, and leaves when too much is asked in vain.

It knows its goal and tells none of it unasked. What it was asked is read by rule from the questions in a message; the
same messages get the same answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice

from gym_llm.envs.user_simulator.desks import Desk, sentence

ANSWERS = 2
"""Questions that the user answers in one message."""
_MAX_CHARS = 10_000
_MAX_CLAUSES = 100
_SENTENCE = re.compile(r"[^.!?\n;]*[.!?\n;]?")
_REQUEST = re.compile(
    r"\b(?:tell me|let me know|(?:could|can|would) you|please (?:give|name|say|state|specify|choose)|i need to know"
    r"|may i ask|what|which|when|where|how many|how much)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class User:
    """A user at a desk, for one episode.

    Attributes:
        desk: Where.
        goal: What the user wants, by field.
        told: Fields that were told so far, in order.
        patience: Messages in vain that the user bears.
        needless: Questions for what was told already or beyond two at once, wrong guesses, messages that ask nothing.
        shotguns: Messages that asked more than the user answers at once.
        in_vain: Messages that brought nothing new, and shotguns.
    """

    desk: Desk
    goal: dict[str, str]
    told: list[str] = field(default_factory=list)
    patience: int = 4
    needless: int = 0
    shotguns: int = 0
    in_vain: int = 0

    def answer(self, text: str) -> str | None:
        """Return the user's answer to a message; None when the user leaves."""
        asked, guesses = questions(self.desk, text)
        new = [slot for slot in asked if slot not in self.told]
        self.needless += max(len(asked) - len(new), len(asked) - ANSWERS) if asked else int(not guesses)
        said = self._judged(guesses)
        known = [slot for slot in asked if slot in self.told]
        for slot in (new or known)[:ANSWERS]:
            said.append(sentence(self.desk.slots[slot], self.goal[slot]))
            if slot not in self.told:
                self.told.append(slot)
        too_many = len(asked) + len(guesses) > ANSWERS
        self.shotguns += too_many
        self.in_vain += too_many or not new
        if self.in_vain > self.patience:
            return None
        if too_many:
            said.append("One thing after the other, please.")
        return " ".join(said) or "What would you like to know?"

    def _judged(self, guesses: dict[str, str]) -> list[str]:
        """Confirm or deny values that were offered without a question; a wrong one tells nothing more."""
        said = []
        for slot, value in list(guesses.items())[:1]:
            right = self.goal[slot] == value
            said.append(f"Yes, {value}." if right else f"No, not {value}.")
            self.needless += not right or slot in self.told
            if right and slot not in self.told:
                self.told.append(slot)
        return said


def questions(desk: Desk, text: str) -> tuple[list[str], dict[str, str]]:
    """Return the fields that a message asks for, in order, and single values that it asks to confirm.

    A question that offers several values of a field asks for that field.

    >>> from gym_llm.envs.user_simulator.desks import desks
    >>> questions(desks()["flowers"], "Gladly. Which colour, and how many? Should it be roses?")
    (['colour', 'stems'], {'kind': 'roses'})
    """
    asked: list[str] = []
    guesses: dict[str, str] = {}
    clauses = (found for found in _SENTENCE.findall(text[:_MAX_CHARS]) if len(found) > 3)
    for clause in islice(clauses, _MAX_CLAUSES):
        if not (clause.endswith("?") or _REQUEST.search(clause)):
            continue
        lowered = clause.lower()
        places: list[tuple[int, str]] = []
        for name, slot in desk.slots.items():
            found = slot.asks.search(clause)
            offered = [value for value in slot.values if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", lowered)]
            if found or len(offered) > 1:
                places.append((found.start() if found else lowered.index(offered[0]), name))
            elif offered:
                guesses[name] = offered[0]
        asked += [name for _, name in sorted(places) if name not in asked]
    return asked, {name: value for name, value in guesses.items() if name not in asked}
