"""The environment: its tool, how the answer is graded. The session is `session.py`, a row is `task.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_llm.core import ResponsesEnv
from gym_llm.envs.math_with_code import answers, problems
from gym_llm.envs.math_with_code.comparison import compared
from gym_llm.envs.math_with_code.session import PythonSession, check_packages, shared_sandbox
from gym_llm.envs.math_with_code.task import MathTask
from gym_llm.episode import Episode, Verification
from gym_llm.errors import ConfigError, VerifierError, did_you_mean
from gym_llm.items import Item, assistant_message, function_call
from gym_llm.sandbox import PROVIDERS
from gym_llm.tools import tool


class MathWithCode(ResponsesEnv):
    r"""Solve a problem of mathematics, with a Python session to compute in, and put the answer in `\boxed{}`.

    Tasks:
        `expected_result`: the answer, plain or as LaTeX. `expected_code_contains`: accepted and not looked at.
        `reference_code`, optional: code whose last value is the answer, for `solve`. Rows of NeMo Gym's math_with_code
        server load unchanged. Bundled: 8 rows made by the generator, Apache-2.0. Unlimited: 20 families of problems
        whose answers have to be computed, with the knobs `family` and `difficulty`.
    Tools:
        `execute_python(code)`: `{"success", "stdout", "stderr", "error_message", "result"}`. One session for the
        episode, in a sandbox without network: names, imports, classes and recursion are as in Python; `result` is the
        last expression's value, evaluated once; what was printed is kept when the code fails, and
        `error_message` is the traceback. After a deadline, too much memory or output, or an exit of the process
        the session starts anew and says so. numpy, scipy, sympy and pandas can be imported.
    Reward:
        1.0 when the last `\boxed{}` of the last assistant message that has one equals the expected result, else 0.0:
        as text, as a number (relative difference below 1e-6; integers exactly), or mathematically by math-verify
        (fractions, sets, thousands separators). What a tool printed is no answer, unlike in NeMo Gym. Named rewards:
        `correct`, which is the reward, and `answered`, whether there was a box. The verification also counts calls,
        failed calls and resets. A failure of the sandbox is an error, never a reward.
    Episode end:
        The first message without a call, or 16 turns.
    Known shortcuts:
        None that is known; an answer that is guessed right is paid.
    Version history:
        v0: first version.

    Args:
        sandbox: Name of the provider (see `gym_llm.sandbox.PROVIDERS`), or `auto`.
        call_timeout: Seconds that one call may take.
        output_chars: Most characters that a call shows of stdout, stderr, error and result each.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = MathTask
    needs = ("gym-llm[math-with-code]", "bubblewrap")
    domain = "math"
    reward_weights = {"correct": 1.0, "answered": 0.0}  # noqa: RUF012
    tool_timeout = 3600.0  # each call has a deadline of its own; this one would count waiting for a place, too
    verify_timeout = 5.0

    def __init__(
        self, *, sandbox: str = "auto", call_timeout: float = 10.0, output_chars: int = 10_000, **settings: Any
    ) -> None:
        if sandbox not in ("auto", *PROVIDERS):
            raise ConfigError(
                f"sandbox={sandbox!r}: give 'auto' or one of {', '.join(PROVIDERS)}.{did_you_mean(sandbox, PROVIDERS)}"
            )
        if not (call_timeout > 0 and output_chars >= 100):
            raise ConfigError(f"call_timeout={call_timeout}, output_chars={output_chars}: give above 0, at least 100")
        check_packages()
        super().__init__(**settings)
        self.sandbox, self.call_timeout, self.output_chars = sandbox, call_timeout, output_chars
        self._session: PythonSession | None = None

    def begin(self, task: MathTask) -> None:
        """End the former episode's session; the new one starts with its first call."""
        self.close()
        shared_sandbox(self.sandbox)
        self._session = PythonSession(self.sandbox, self.call_timeout, self.output_chars)

    @tool
    async def execute_python(self, code: str) -> dict[str, Any]:
        """Run Python code in the session of this conversation; what earlier calls defined is still there.

        Args:
            code: The code. The value of its last line is returned when that is an expression.
        """
        assert self._session is not None
        return await self._session.execute(code)

    async def verify(self, task: MathTask, episode: Episode) -> Verification:
        """End the session and compare the answer."""
        session = self._session or PythonSession(self.sandbox, self.call_timeout, self.output_chars)
        self.close()
        if session.failure is not None:
            raise VerifierError(f"the sandbox failed during the episode: {session.failure}") from session.failure
        answer = answers.last_answer(episode.messages)
        right, how = False, "no_answer"
        if answer is not None:
            right, how = await compared(answer, task.expected_result, self.verify_timeout)
        return Verification(
            rewards={"correct": float(right), "answered": float(answer is not None)}, accuracy=right,
            extracted_answer=answer, expected_result=task.expected_result, compared=how, python_calls=session.calls,
            python_errors=session.errors, python_resets=session.resets,
        )  # fmt: skip

    def solve(self, task: MathTask) -> list[list[Item]]:
        """Compute the answer by the row's reference code, then give it."""
        final = [assistant_message(f"The answer is $\\boxed{{{task.expected_result}}}$.")]
        if not task.reference_code:
            return [final]
        return [[function_call("execute_python", {"code": task.reference_code})], final]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `problems.row` for the knobs."""
        return problems.row(rng, **knobs)

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()
            self._session = None
