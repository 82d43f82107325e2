"""The fewest moves that solve a level: breadth first over player and boxes, without squares that no box leaves."""

from __future__ import annotations

from collections import deque

from gym_llm.envs.sokoban.board import MOVES, Level

State = tuple[int, frozenset[int]]
MAX_STATES = 60_000


def solution(level: Level, max_states: int = MAX_STATES) -> list[str] | None:
    """Return the shortest solution, or None when there is none or more states were met than allowed."""
    live = live_squares(level)
    start: State = (level.player, level.boxes)
    came: dict[State, tuple[State, str] | None] = {start: None}
    waiting = deque([start])
    while waiting and len(came) <= max_states:
        state = waiting.popleft()
        if state[1] == level.targets:
            return _path(came, state)
        for name in MOVES:
            after = _moved(level, state, level.step(name), live)
            if after is not None and after not in came:
                came[after] = (state, name)
                waiting.append(after)
    return None


def live_squares(level: Level) -> frozenset[int]:
    """Return the squares from which a box alone could be pushed to some target."""
    live, waiting = set(level.targets), list(level.targets)
    while waiting:
        square = waiting.pop()
        for name in MOVES:
            step = level.step(name)
            box, player = square - step, square - 2 * step
            if box not in live and box not in level.walls and player not in level.walls:
                live.add(box)
                waiting.append(box)
    return frozenset(live)


def _moved(level: Level, state: State, step: int, live: frozenset[int]) -> State | None:
    player, boxes = state
    ahead = player + step
    if ahead in level.walls:
        return None
    if ahead not in boxes:
        return ahead, boxes
    beyond = ahead + step
    return None if beyond not in live or beyond in boxes else (ahead, boxes - {ahead} | {beyond})


def _path(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    names: list[str] = []
    while (step := came[state]) is not None:
        state, name = step
        names.append(name)
    return names[::-1]
