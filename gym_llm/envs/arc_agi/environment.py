"""The environment: how an answer is compared with the expected grids, and the reference answer."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from gym_llm import Episode, ResponsesEnv, Verification
from gym_llm.envs.arc_agi import extraction, puzzles
from gym_llm.envs.arc_agi.grids import Grid
from gym_llm.envs.arc_agi.task import ArcTask
from gym_llm.items import Item, assistant_message


class ArcAGI(ResponsesEnv):
    r"""Find the rule behind pairs of coloured grids and draw the output of a test grid.

    Tasks:
        ARC's own JSON loads as it is: `train` and `test`, lists of `{"input": grid, "output": grid}`, and the
        question is asked for it. Or `responses_create_params` with `expected_output`, as in the rows of NeMo Gym's
        arc_agi server. Bundled: 8 puzzles made by the generator, Apache-2.0. Unlimited, with the knobs `depth`,
        `num_train`, `max_side` and `num_tests`: chains of rules (turns, mirrors, gravity, recolouring and others),
        kept when all chains of two rules that fit the examples agree on the test. `rules` names the chain.
    Tools:
        None.
    Reward:
        1.0 when the answer's grids are the expected ones, cell by cell, else 0.0. The last grid in the last
        message counts, a grid in `\boxed{}` before others; as JSON, or as lines of digits (two or more, unless
        boxed). With several tests the last grids count, in the tests' order. Where NeMo Gym takes the first boxed
        grid of all messages, we take the last of the last message, and read no grid from reasoning in think tags.
        Named rewards: `correct`, which is the reward; `extracted`; `shape_ok`, the share of tests whose
        output has the right shape; `cell_accuracy`, the share of right cells where the shape is right.
    Episode end:
        The first message, or 4 turns.
    Known shortcuts:
        None known. Public puzzles may have been seen in training; generated ones were not.
    Version history:
        v0: first version.

    Args:
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = ArcTask
    domain = "reasoning"
    max_turns = 4
    reward_weights = {"correct": 1.0, "extracted": 0.0, "shape_ok": 0.0, "cell_accuracy": 0.0}  # noqa: RUF012

    def verify(self, task: ArcTask, episode: Episode) -> Verification:
        """Compare the last grids with the expected ones."""
        gold = task.gold
        found = extraction.grids(episode.last_message, len(gold))
        shares = [_share(mine, right) for mine, right in zip(found or [], gold, strict=False)]
        rewards: dict[str, float] = {
            "correct": found == gold, "extracted": found is not None,
            "shape_ok": sum(share is not None for share in shares) / len(gold),
            "cell_accuracy": sum(share or 0.0 for share in shares) / len(gold),
        }  # fmt: skip
        return Verification(rewards=rewards, predicted=found, expected=gold)

    def solve(self, task: ArcTask) -> list[list[Item]]:
        """Answer with the expected grids, boxed."""
        boxes = [f"\\boxed{{{json.dumps(grid)}}}" for grid in task.gold]
        return [[assistant_message("\n".join(["I applied the rule.", *boxes]))]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: int) -> dict[str, Any]:
        """Make a row; see `puzzles.row` for the knobs."""
        return puzzles.row(rng, **knobs)


def _share(mine: Grid, right: Grid) -> float | None:
    """Return the share of equal cells, or None when the shapes differ."""
    if (len(mine), len(mine[0])) != (len(right), len(right[0])):
        return None
    return float(np.mean(np.array(mine) == np.array(right)))
