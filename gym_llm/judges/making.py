"""Making a judge of what a setting holds: a judge, plain data, a policy, or any callable.

Plain data makes the same judge for everyone in a process, so that its bound on concurrency holds for all the
environments that were given it.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import SecretStr

from gym_llm.errors import ConfigError
from gym_llm.judges.judge import Judge
from gym_llm.judges.scripted import Comparison
from gym_llm.judges.template import EQUIVALENCE, Template
from gym_llm.policies import as_policy

SETTINGS = ("attempts", "concurrency", "cache", "template")
"""Keys of a judge's own in plain data that else describes a policy; with `policy`, `timeout` is one too."""
_made: weakref.WeakValueDictionary[bytes, Judge] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def as_judge(judge: Any, template: Template = EQUIVALENCE) -> Judge:
    """Return a judge.

    Args:
        judge: A `Judge`; `"scripted"` for the comparison by rule; a policy, its type, or any callable that is one;
            or a mapping: a policy's spec (`type` is `openai` when left out) with a judge's own settings beside it,
            `{"model": "m", "base_url": "http://localhost:8000/v1", "attempts": 2}`, or under `policy`.
        template: What it is asked, unless it brings a template of its own.

    Raises:
        ConfigError: It is none of these, or a setting is wrong; or its template has other fields.

    >>> as_judge({"model": "m", "base_url": "http://localhost:8000/v1", "api_key": "secret"}).policy.spec()["type"]
    'openai'
    """
    made = judge if isinstance(judge, Judge) else _from_data(judge, template)
    if set(made.template.fields) != set(template.fields):
        raise ConfigError(
            f"the judge's template has the fields {', '.join(made.template.fields)}; "
            f"here it is given {', '.join(template.fields)}"
        )
    return made


def _from_data(judge: Any, template: Template) -> Judge:
    if isinstance(judge, str):
        judge = {"policy": judge}
    if not isinstance(judge, Mapping):
        return Judge(as_policy(judge), template)
    key = _key(judge, template)
    if key is None:
        return _made_of(judge, template)
    with _lock:
        made = _made.get(key)
        if made is None:
            made = _made[key] = _made_of(judge, template)
    return made


def _made_of(judge: Mapping[str, Any], template: Template) -> Judge:
    names = (*SETTINGS, "timeout") if "policy" in judge else SETTINGS
    settings = {name: judge[name] for name in names if name in judge}
    rest = {name: value for name, value in judge.items() if name not in names}
    if "policy" in rest and len(rest) > 1:
        others = ", ".join(sorted(rest.keys() - {"policy"}))
        raise ConfigError(f"judge: beside policy there may stand {', '.join(names)}; {others} belongs into it")
    policy = rest.get("policy", {"type": "openai", **rest})
    own = settings.pop("template", None)
    asked = template if own is None else Template.of(own)
    return Judge(Comparison() if policy == "scripted" else as_policy(policy), asked, **settings)


def _key(judge: Mapping[str, Any], template: Template) -> bytes | None:
    """Return a digest of plain data, secrets included; None when there are objects in it."""
    try:
        data = msgspec.json.encode([judge, template.spec()], enc_hook=_revealed, order="sorted")
    except (TypeError, ValueError):
        return None
    return hashlib.sha256(data).digest()


def _revealed(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Template):
        return value.spec()
    raise TypeError(type(value).__name__)
