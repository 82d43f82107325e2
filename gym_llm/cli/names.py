"""Which environment a typed name means: `MCQA`, `mcqa`, `MCQA-v0`, `gym_llm/MCQA-v0` or `module:MyEnv-v0`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import gymnasium
from gymnasium.envs.registration import EnvSpec, parse_env_id

from gym_llm.errors import ConfigError, did_you_mean
from gym_llm.registration import env_ids


def resolve(name: str) -> str:
    """Return the registered id of the environment that a name means.

    The part before a colon is imported, as Gymnasium does, also from the current folder; names of that module's
    environments may be shortened like ours. Letter case and underscores make no difference.

    Raises:
        ConfigError: No environment has this name, or the module cannot be imported.

    >>> resolve("MCQA")
    'gym_llm/MCQA-v0'
    >>> resolve("multi_needle")
    'gym_llm/MultiNeedle-v0'
    """
    module, _, local = name.rpartition(":")
    if not module:
        return _match(local, env_ids(), "gym-llm list shows all")
    import_module_here(module)
    ids = [spec.id for spec in gymnasium.registry.values() if _belongs(spec, module)]
    return _match(local, ids, f"{module} registers {', '.join(ids) or 'none'}")


def _match(name: str, ids: Iterable[str], cure: str) -> str:
    """Return the id that is meant; without a version, the newest."""
    known = sorted(ids, key=lambda full: parse_env_id(full)[2] or 0, reverse=True)
    for full in known:
        if _plain(name) in map(_plain, _forms(full)):
            return full
    forms = [form for full in known for form in _forms(full)[:3]]
    raise ConfigError(f"no environment is called {name!r}.{did_you_mean(name, forms)} {cure}")


def _forms(full: str) -> tuple[str, ...]:
    namespace, name, _ = parse_env_id(full)
    return full, full.rpartition("/")[2], name, f"{namespace}/{name}"


def _plain(name: str) -> str:
    return name.casefold().replace("_", "")


def _belongs(spec: EnvSpec, module: str) -> bool:
    root = module.partition(".")[0]
    entry = spec.entry_point
    home = entry.partition(":")[0] if isinstance(entry, str) else getattr(entry, "__module__", "")
    return root in (spec.namespace, home.partition(".")[0])


def import_module_here(module: str) -> ModuleType:
    """Import a module, also from the current folder or from a project folder of its own name therein.

    Raises:
        ConfigError: It cannot be imported.
    """
    project = Path(module.partition(".")[0])
    folders = [project, Path()] if (project / project / "__init__.py").is_file() else [Path()]
    sys.path[:0] = [str(folder.resolve()) for folder in folders if str(folder.resolve()) not in sys.path]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            here = Path.cwd()
            raise ConfigError(f"no module {module!r} in {here} or installed; go to its folder") from None
        raise ConfigError(f"module {module!r} cannot be imported: {error}") from error
    except Exception as error:  # boundary: the module is the user's; whatever it raises is told as its own fault
        raise ConfigError(f"module {module!r} cannot be imported: {type(error).__name__}: {error}") from error
