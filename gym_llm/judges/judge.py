"""`Judge`: asks a policy for a verdict until the answer is one, or raises `JudgeError`; never a verdict made up.

It bounds how many verdicts are asked for at once in each event loop, and keeps verdicts on disk when told to. How the
question is put is in `template.py`, how the answer is read in `labels.py`.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gym_llm.errors import JudgeError, ModelError
from gym_llm.items import Action, is_assistant_message, printable, scrub_text
from gym_llm.judges import labels
from gym_llm.judges.cache import Cache
from gym_llm.judges.template import EQUIVALENCE, Template
from gym_llm.policies import Policy, as_policy
from gym_llm.policies.settings import seconds, whole_number

_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said.

    Attributes:
        label: One of the template's labels.
        reply: The judge's whole message.
        attempts: How often it was asked; 0 when the verdict was kept on disk.
        tampered: Names of the parts that held a label written as a verdict: what tricks look like.
    """

    label: str
    reply: str
    attempts: int
    tampered: tuple[str, ...] = ()


class Judge:
    """A policy that gives verdicts.

    Args:
        policy: What is asked: a `Policy`, its spec, or any callable, as `gym_llm.policies.as_policy` takes it. Beside
            the conversation, `info["judge"]` tells it the bare `parts` and the `labels`.
        template: What it is asked.
        attempts: How often it is asked before an answer without a clear verdict is an error. Failed requests are the
            policy's own to repeat.
        concurrency: Verdicts asked for at once, in each event loop.
        timeout: Seconds for one verdict, waiting for others left out; no limit when None.
        cache: A folder that keeps verdicts by their content (template, policy, parts in their order); none when None.

    Raises:
        ConfigError: A setting cannot be used, or the policy answers per episode of an environment only.

    >>> def strict(observation, info):
    ...     parts = info["judge"]["parts"]
    ...     label = "A=B" if parts["candidate"] == parts["reference"] else "A!=B"
    ...     return [{"role": "assistant", "content": f"[[{label}]]"}]
    >>> judge = Judge(strict)
    >>> asyncio.run(judge(question="2 + 2?", reference="4", candidate="four")).label
    'A!=B'
    """

    def __init__(
        self, policy: Any, template: Template = EQUIVALENCE, *, attempts: int = 3, concurrency: int = 64,
        timeout: float | None = None, cache: str | Path | None = None,
    ) -> None:  # fmt: skip
        self.policy: Policy = as_policy(policy)
        self.template = template
        self._attempts = whole_number("attempts", attempts)
        self._concurrency = whole_number("concurrency", concurrency)
        self._timeout = None if timeout is None else seconds("timeout", timeout)
        self._folder = None if cache is None else str(cache)
        self._cache = None if cache is None else Cache(cache, self.policy.spec(), template.spec())
        self._gates: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that a verdict may have; the first one is that of success."""
        return self.template.names

    async def __call__(self, **parts: str) -> Verdict:
        """Return the verdict on some parts.

        Args:
            **parts: The template's fields, in the order in which the judge shall see them.

        Raises:
            JudgeError: There is none; `fatal` when there will be none for other parts either, as for a wrong key.
            ConfigError: These are not the template's fields.
        """
        self.template.check(parts)
        if self._cache is not None and (kept := self._cache.find(parts, self.labels)) is not None:
            return Verdict(*kept, attempts=0, tampered=tuple(self.template.tampered(parts)))
        async with self._gate():
            verdict = await self._within(parts)
        if self._cache is not None:
            self._cache.keep(parts, verdict.label, verdict.reply)
        return verdict

    def with_template(self, template: Template) -> Judge:
        """Return a judge that asks the same policy something else."""
        settings = {**self._settings(), "timeout": self._timeout, "cache": self._folder}
        return Judge(self.policy, template, **settings)

    def spec(self) -> dict[str, Any]:
        """Return the plain data that `as_judge` makes an equal judge of; without secrets."""
        limits = {"timeout": self._timeout, "cache": self._folder}
        given = {name: value for name, value in limits.items() if value is not None}
        return {"policy": self.policy.spec(), **self._settings(), **given, "template": self.template.spec()}

    async def close(self) -> None:
        """Close the policy's connections in the running event loop; the judge can be used again."""
        await self.policy.close()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Judge) and self.policy == other.policy and self.spec() == other.spec()

    def __hash__(self) -> int:
        return hash((self.policy, self.template.instructions))

    def __repr__(self) -> str:
        return f"Judge({self.policy!r}, labels={list(self.labels)})"

    def __reduce__(self) -> tuple[Any, ...]:
        from gym_llm.judges.making import as_judge

        return as_judge, (self.spec(),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Judge:
        return self

    @property
    def _name(self) -> str:
        model = self.policy.spec().get("model")
        return f"the judge {model or type(self.policy).__name__}"

    def _settings(self) -> dict[str, Any]:
        return {"attempts": self._attempts, "concurrency": self._concurrency}

    def _gate(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        gate = self._gates.get(loop)
        if gate is None:
            gate = self._gates[loop] = asyncio.Semaphore(self._concurrency)
        return gate

    async def _within(self, parts: Mapping[str, str]) -> Verdict:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._asked(parts)
        except TimeoutError:
            raise JudgeError(f"{self._name} gave no verdict within timeout={self._timeout:g} seconds") from None

    async def _asked(self, parts: Mapping[str, str]) -> Verdict:
        """Ask until the reply is a verdict; every attempt has a mark of its own."""
        problem = ""
        for attempt in range(1, self._attempts + 1):
            action = await self._answer(parts, attempt)
            try:
                reply = _reply(action)
                label = labels.read(reply, self.labels)
            except labels.Unclear as error:
                problem = str(error)
            else:
                return Verdict(label, scrub_text(reply), attempt, tuple(self.template.tampered(parts)))
        raise JudgeError(f"{self._name} gave no clear verdict in {self._attempts} attempts; of the last one: {problem}")

    async def _answer(self, parts: Mapping[str, str], attempt: int) -> Action:
        told = {"parts": dict(parts), "labels": list(self.labels), "attempt": attempt}
        info = {"responses_create_params": {}, "judge": told}
        try:
            act = self.policy.for_episode(cast(Any, None), attempt)
            return await act(self.template.render(parts), info)
        except ModelError as error:
            raise JudgeError(f"{self._name} failed ({error.kind}): {error}", fatal=error.fatal) from error
        except Exception as error:  # boundary: a policy of anyone's may raise anything; none of it is a verdict
            raise JudgeError(f"{self._name} failed: {_said(error)}") from error


def _reply(action: Action) -> str:
    """Return the text of the last message in an action; reasoning is no part of the verdict.

    Raises:
        Unclear: The response was cut off, or has no message.
    """
    if hasattr(action, "model_dump"):
        action = action.model_dump(exclude_unset=True)
    if isinstance(action, str):
        return action
    if isinstance(action, Mapping) and "output" in action:
        if action.get("status") in ("incomplete", "failed", "cancelled") or action.get("incomplete_details"):
            raise labels.Unclear("it was cut off")
        action = action["output"]
    items = [action] if isinstance(action, Mapping) else action if isinstance(action, list | tuple) else []
    dumped = (item.model_dump(exclude_unset=True) if hasattr(item, "model_dump") else item for item in items)
    said = [item for item in dumped if isinstance(item, dict) and is_assistant_message(item)]
    if not said:
        raise labels.Unclear("it holds no message")
    content = said[-1].get("content", "")
    if isinstance(content, str):
        return content
    parts = [part.get("text") for part in content or () if isinstance(part, dict)]  # a refusal has none
    return "".join(part for part in parts if isinstance(part, str))


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {printable(scrub_text(str(error)))[:_EXCERPT]}"
