"""A row: an issue, the repository it is about, and the tests that decide."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pydantic
from pydantic_core import PydanticCustomError

from gym_llm.envs.mini_swe.repositories import Bug, repository
from gym_llm.errors import ConfigError
from gym_llm.items import Item, message
from gym_llm.tasks import Task

OWN = "gym_llm/"
_INSTRUCTIONS = """A repository lies in the working folder. Resolve the issue below by changing its code.

Look around and try things with `bash` (each command has a fresh shell, without network), read with `view`, change with
`edit` and `create`. Tests that you do not see decide; changes of tests and of test settings are discarded. Call
`submit` when you are done, then say in a sentence what was wrong.

<issue>
{issue}
</issue>
"""


def _listed(value: Any) -> Any:
    """Return a list that was written as JSON text, as the data sets' tables have it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise PydanticCustomError("tests", "give a list of test ids, or one as JSON text") from None
    return value


Tests = Annotated[list[str], pydantic.BeforeValidator(_listed)]


class SWETask(Task):
    """A row of SWE-bench or SWE-Gym, or one of our own, which has a `bug`."""

    instance_id: str = pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
    repo: str
    base_commit: str = ""
    problem_statement: str
    patch: str = ""
    test_patch: str = ""
    version: str = ""
    subset: str = ""
    FAIL_TO_PASS: Tests = pydantic.Field(min_length=1)
    PASS_TO_PASS: Tests = pydantic.Field(default_factory=list)
    image_name: str | None = None
    bug: Bug | None = None

    @property
    def prompt(self) -> list[Item]:
        """The row's own input; made from the issue when that is empty, as in NeMo Gym's rows."""
        return super().prompt or [message(instructions(self.problem_statement))]

    @pydantic.model_validator(mode="after")
    def _is_whole(self) -> SWETask:
        if (self.bug is not None) != self.repo.startswith(OWN):
            raise PydanticCustomError("repo", "rows of repo 'gym_llm/...', and no others, have a bug")
        if self.bug is not None:
            try:
                self.bug.seeded(repository(self.repo.removeprefix(OWN)).files)
            except (ConfigError, ValueError) as error:
                raise PydanticCustomError("bug", "{reason}", {"reason": str(error)}) from None
        return self


def instructions(issue: str) -> str:
    """Return the prompt for an issue."""
    return _INSTRUCTIONS.format(issue=issue.strip())
