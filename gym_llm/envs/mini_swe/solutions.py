"""Reference solutions: the change that undoes a bug, or the row's own patch."""

from __future__ import annotations

from gym_llm.envs.mini_swe.repositories import Bug, repository
from gym_llm.envs.mini_swe.task import OWN, SWETask
from gym_llm.items import Item, assistant_message, function_call

_END = "GYM_LLM_END_OF_PATCH"


def solution(task: SWETask) -> list[list[Item]]:
    """Return the actions that repair a repository and submit it."""
    if task.bug is None:
        patch = task.patch.rstrip("\n")  # a blank at its end may be its last line
        command = f"git apply --whitespace=nowarn - <<'{_END}'\n{patch}\n{_END}"
        repair = function_call("bash", {"command": command}, "call_0")
    else:
        old, new = undoing(task.bug, repository(task.repo.removeprefix(OWN)).files[task.bug.path].decode())
        repair = function_call("edit", {"path": task.bug.path, "old": old, "new": new}, "call_0")
    return [[repair], [function_call("submit", {}, "call_1")], [assistant_message("The bug is repaired.")]]


def undoing(bug: Bug, healthy: str) -> tuple[str, str]:
    """Return old and new text of an edit that undoes a bug: whole lines, as many as make it unique."""
    broken = healthy[: bug.start] + bug.new + healthy[bug.start + len(bug.old) :]
    start, stop = bug.start, bug.start + len(bug.new)
    while True:
        start = broken.rfind("\n", 0, max(start - 1, 0)) + 1
        stop = (broken.find("\n", stop) + 1) or len(broken)
        old = broken[start:stop]
        if broken.count(old) == 1:
            return old, broken[start : bug.start] + bug.old + broken[bug.start + len(bug.new) : stop]
