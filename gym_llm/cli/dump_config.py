"""`gym-llm dump-config`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gym_llm.items import printable

if TYPE_CHECKING:
    import pydantic

    from gym_llm.configs.compose import Composed


def run(composed: Composed, checked: pydantic.BaseModel, *, origin: bool) -> int:
    """Show the settings that a command would see, as YAML.

    Type the command as you would run it, with dump-config before its name: nothing is run. Secrets are masked. With
    --origin each value is followed by where it was written: file and line, env.yaml, or the command line.
    """
    from gym_llm.configs.dump import dump

    for line in dump(composed, checked, origin=origin).splitlines():
        print(printable(line))
    return 0
