"""The attack battery: what hostile code tries, tried on a sandbox of this machine, with what stopped each attack.

`run` gives a table of outcomes; `fingerprint` and `differences` tell whether this machine is afterwards what it was.
No attack does harm where it succeeds. It proves the presence of holes, never their absence.
"""

from __future__ import annotations

from gym_llm.sandbox.battery.attack import Attack, Way
from gym_llm.sandbox.battery.attacks import ATTACKS
from gym_llm.sandbox.battery.benign import BENIGN, Benign
from gym_llm.sandbox.battery.host import differences, fingerprint
from gym_llm.sandbox.battery.runner import run, trials, warm
from gym_llm.sandbox.battery.trial import Outcome

__all__ = [
    "ATTACKS",
    "BENIGN",
    "Attack",
    "Benign",
    "Outcome",
    "Way",
    "differences",
    "fingerprint",
    "run",
    "trials",
    "warm",
]
