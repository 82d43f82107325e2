"""The environment: a program in the message, graded by tests. A row is `task.py`, running is `judging.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from gym_llm.core import ResponsesEnv
from gym_llm.envs.comp_coding import extraction, problems
from gym_llm.envs.comp_coding.judging import Judge, Outcome, failures, shared_sandbox
from gym_llm.envs.comp_coding.task import CodingTask
from gym_llm.episode import Episode, Verification
from gym_llm.errors import ConfigError, DefinitionError, did_you_mean
from gym_llm.items import Item, assistant_message, output_text
from gym_llm.sandbox import PROVIDERS

_MAX_SHOWN = 300


class CompCoding(ResponsesEnv):
    """Solve a programming problem in Python; the program, or the function, must pass all tests.

    Tasks:
        `verifier_metadata.unit_tests`: `inputs` and `outputs`, at least one of each, and `fn_name` when a function
        is called instead of a program run. `verifier_metadata.checker`, optional: `{"type": "lines" | "tokens" |
        "float" | "program", "tolerance": 1e-6, "program": source}`. `reference_solution`, optional, for `solve`.
        Rows of NeMo Gym's code_gen server load unchanged, rows of LiveCodeBench are converted. Bundled: 10 rows made
        by the generator, Apache-2.0. Unlimited: 30 families of problems, with the knobs `family`, `mode` and
        `num_tests`.
    Tools:
        None.
    Reward:
        1.0 when every test passes, else 0.0. Named rewards: `correct`, which is the reward, and `pass_ratio`, the
        share of tests that passed (with `all_tests=False` those before the first failure). The code is the last
        fenced block that is tagged as Python or, untagged, is a program; a fence begins its line. Text about
        fences, an unclosed last fence and an example of output after the program do no harm, as they do in NeMo
        Gym. `<think>` or `</think>` in the message, or twice in reasoning summaries, earns 0.0.
        Each test runs the code, unchanged, in a process of its own in a sandbox that never holds what is expected.
        A program passes when it ends without an exception and its output equals the expected one line by line, as
        text or as decimal numbers. A function's value must equal the expected one; only where neither is a whole
        number, a relative difference of 1e-5 is forgiven. Integers are compared exactly and only plain data is
        compared, unlike in NeMo Gym. A failure of the sandbox is an error, never a reward.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        A program can answer the tests that the prompt shows from a table; the hidden ones it cannot know.
    Version history:
        v0: first version.

    Args:
        sandbox: Name of the provider (see `gym_llm.sandbox.PROVIDERS`), or `auto`.
        all_tests: Run all tests, so that `pass_ratio` counts every one, instead of stopping at the first failure.
        time_limit: Seconds of CPU for one test, however busy the machine is; a sleeping program has 6 times that.
        memory_limit: MiB for one test.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = CodingTask
    needs = ("bubblewrap",)
    domain = "coding"
    max_turns = 4
    reward_weights = {"correct": 1.0, "pass_ratio": 0.0}  # noqa: RUF012

    def __init__(
        self, *, sandbox: str = "auto", all_tests: bool = False, time_limit: float = 10.0, memory_limit: int = 1024,
        **settings: Any,
    ) -> None:  # fmt: skip
        if sandbox not in ("auto", *PROVIDERS):
            raise ConfigError(
                f"sandbox={sandbox!r}: give 'auto' or one of {', '.join(PROVIDERS)}.{did_you_mean(sandbox, PROVIDERS)}"
            )
        if not (time_limit > 0 and memory_limit >= 64):
            raise ConfigError(f"time_limit={time_limit}, memory_limit={memory_limit}: give above 0 and at least 64")
        super().__init__(**settings)
        self.sandbox, self.all_tests = sandbox, all_tests
        self.time_limit, self.memory_limit = time_limit, memory_limit

    def begin(self, task: CodingTask) -> None:
        """Open the process's sandbox, so that a machine without one is told at the first reset."""
        shared_sandbox(self.sandbox)

    async def verify(self, task: CodingTask, episode: Episode) -> Verification:
        """Run the program on the tests."""
        text = output_text(episode.actions[-1]) if episode.actions else ""
        code, tests = extraction.program(text), task.verifier_metadata.unit_tests
        outcomes: list[Outcome] = []
        if code.strip():
            judge = Judge(shared_sandbox(self.sandbox), self.time_limit, self.memory_limit << 20)
            outcomes = await judge.outcomes(code, tests, task.verifier_metadata.checker, self.all_tests)
        passed, total = sum(outcome.passed for outcome in outcomes), len(tests.inputs)
        violation = _leaks_thinking(text, episode)
        rewards = {"correct": float(passed == total and not violation), "pass_ratio": passed / total}
        return Verification(
            rewards=rewards, extracted_model_code=code or None, tests=total, tests_run=len(outcomes),
            tests_passed=passed, result=[outcome.verdict for outcome in outcomes],
            first_failure=_first_failure(task, outcomes), no_code=float(not code.strip()),
            reasoning_format_violation_rate=float(violation), difficulty=task.verifier_metadata.difficulty,
        )  # fmt: skip

    def solve(self, task: CodingTask) -> list[list[Item]]:
        """Answer with the row's reference solution."""
        if not task.reference_solution:
            raise DefinitionError("this row has no reference_solution")
        return [[assistant_message(f"```python\n{task.reference_solution}\n```")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `problems.row` for the knobs."""
        return problems.row(rng, **knobs)


def _first_failure(task: CodingTask, outcomes: list[Outcome]) -> dict[str, Any] | None:
    """Return what is to be known about the first test that failed, shortened."""
    for number in failures(outcomes)[:1]:
        outcome, tests = outcomes[number], task.verifier_metadata.unit_tests
        return {
            "test": number, "verdict": outcome.verdict, "input": _short(tests.inputs[number]),
            "expected": _short(tests.outputs[number]), "output": _short(outcome.output),
            "reason": _short(outcome.reason),
        }  # fmt: skip
    return None


def _short(text: str) -> str:
    half = _MAX_SHOWN // 2
    return text if len(text) <= _MAX_SHOWN else f"{text[:half]}...{text[-half:]}"


def _leaks_thinking(text: str, episode: Episode) -> bool:
    """Whether tags of hidden reasoning are in the answer, or one of them several times in the summaries."""
    summaries = [
        part.get("text") or ""
        for action in episode.actions for item in action if item.get("type") == "reasoning"
        for part in item.get("summary") or () if isinstance(part, dict)
    ]  # fmt: skip
    said = "".join(filter(None, (part if isinstance(part, str) else "" for part in summaries)))
    return any(tag in text or said.count(tag) > 1 for tag in ("<think>", "</think>"))
