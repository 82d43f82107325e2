"""Wrappers named in the configuration, laid around an environment each time one is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import gymnasium

from gym_llm.cli.environment import make
from gym_llm.cli.names import import_module_here
from gym_llm.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from gym_llm.configs.schemas import WrapperSchema

Wrap = Callable[[Any], gymnasium.Env[Any, Any]]
_MODULES = ("gym_llm.wrappers", "gymnasium.wrappers")


def maker(
    env: str, kwargs: Mapping[str, Any], wrappers: Sequence[str | WrapperSchema]
) -> Callable[[], gymnasium.Env[Any, Any]]:
    """Return what makes an environment inside its wrappers, of which the first is innermost.

    Raises:
        ConfigError: There is no wrapper of a name, or it does not take its arguments.
    """
    wraps: list[tuple[str, Wrap]] = []
    for wrapper in wrappers:
        name, given = (wrapper, {}) if isinstance(wrapper, str) else (wrapper.name, wrapper.kwargs)
        wraps.append((name, partial(_class(name), **given)))
    return partial(_made, env, dict(kwargs), wraps)


def _made(env: str, kwargs: dict[str, Any], wraps: Sequence[tuple[str, Wrap]]) -> gymnasium.Env[Any, Any]:
    made: gymnasium.Env[Any, Any] = make(env, {**kwargs, "disable_env_checker": True})
    for name, wrap in wraps:
        try:
            made = wrap(made)
        except (TypeError, ValueError, AssertionError, gymnasium.error.Error) as error:
            raise ConfigError(f"wrappers: {name} cannot be laid around {env}: {error}; correct its kwargs") from error
    return made


def _class(name: str) -> type[gymnasium.Wrapper[Any, Any, Any, Any]]:
    module, _, local = name.rpartition(":")
    homes = [import_module_here(each) for each in ((module,) if module else _MODULES)]
    found = next((vars(home)[local] for home in homes if local in vars(home)), None)
    if isinstance(found, type) and issubclass(found, gymnasium.Wrapper):
        return found
    known = [each for home in homes for each in vars(home) if each[:1].isupper()]
    cure = f"name one of {' or '.join([module] if module else _MODULES)}, or module:Class"
    raise ConfigError(f"wrappers: there is no wrapper {name!r}.{did_you_mean(local, known)} {cure}")
