"""Recording the episodes of a hand-driven loop as JSONL, as `collect` writes them."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from gym_llm.items import Action
from gym_llm.journal.journal import Journal
from gym_llm.trajectory import Trajectory
from gym_llm.wrappers import recorder


class RecordTrajectories(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Append every finished episode to a JSONL file, one line each; failed ones to `<stem>_failures.jsonl`.

    Lines survive the process being killed. One process writes a file at a time. Episodes that are abandoned by
    an early `reset` are not written.

    Args:
        env: A gym_llm environment; wrap it directly, so that the actions seen here are the model's.
        path: The file; lines are added to what it holds.
        policy: What to say in the records of who acted: plain data.

    Raises:
        OutputError: When the file cannot be written, or another process writes it.

    >>> import gymnasium, tempfile, gym_llm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     env = RecordTrajectories(gymnasium.make("gym_llm/SimpleWeather-v0"), f"{folder}/episodes.jsonl")
    ...     _ = env.reset(seed=0)
    ...     _ = env.step([{"role": "assistant", "content": "I cannot say."}])
    ...     env.close()
    ...     len(Path(f"{folder}/episodes.jsonl").read_text().splitlines())
    1
    """

    def __init__(
        self, env: gymnasium.Env[Any, Action], path: str | os.PathLike[str], policy: dict[str, Any] | None = None
    ) -> None:
        RecordConstructorArgs.__init__(self, path=str(path), policy=policy)
        gymnasium.Wrapper.__init__(self, env)
        self._inner = recorder.responses_env(env)
        self._path, self._policy = Path(path), policy or {"type": "hand"}
        self._journals: dict[Path, Journal] = {}
        self._repeats: Counter[int | None] = Counter()
        self._trajectory: Trajectory | None = None
        self._waiting_since = 0.0
        self._journal(self._path)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset, and begin a trajectory."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._trajectory = recorder.begin(self._inner, info, self._policy, seed, None)
        self._waiting_since = time.perf_counter()
        return observation, info

    def step(self, action: Action) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and write the trajectory when the episode is over."""
        latency = time.perf_counter() - self._waiting_since
        before = len(self._inner.episode.items)
        step = self.env.step(action)
        if self._trajectory is not None:
            recorder.add_turn(self._trajectory, self._inner, before, action, step, latency)
            if step[2] or step[3]:
                self._write(self._trajectory)
                self._trajectory = None
        self._waiting_since = time.perf_counter()
        return step

    def close(self) -> None:
        """Close the environment and the files."""
        for journal in self._journals.values():
            journal.close()
        self._journals.clear()
        super().close()

    def _write(self, trajectory: Trajectory) -> None:
        trajectory.rollout_index = self._repeats[trajectory.task_index]
        self._repeats[trajectory.task_index] += 1
        if trajectory.verification is not None:
            self._journal(self._path).append(trajectory.record())
        else:
            failures = self._path.with_name(f"{self._path.stem}_failures.jsonl")
            self._journal(failures).append(trajectory.failure())

    def _journal(self, path: Path) -> Journal:
        if path not in self._journals:
            self._journals[path] = Journal(path)
            self._journals[path].recover()
        return self._journals[path]
