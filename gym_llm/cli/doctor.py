"""`gym-llm doctor`."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Any

from gym_llm import __version__
from gym_llm.cli.policy import described
from gym_llm.errors import GymLLMError, ModelError
from gym_llm.items import message, printable

if TYPE_CHECKING:
    from gym_llm.configs.schemas import DoctorConfig
    from gym_llm.policies import Health

_GIB = 1024**3
_FEW_TOKENS = 16
_SHOWN_MODELS = 5
_APIS = {
    "/responses": "Responses (policy=openai)",
    "/chat/completions": "Chat Completions (policy=chat)",
    "/completions": "Completions (policy=chat policy.completions=true)",
}


def run(config: DoctorConfig) -> int:
    """Show what is installed, what the machine allows, and whether the model can be reached.

    Each server of the policy is asked for its models and for the APIs that it speaks; nothing is generated unless
    tokens=true. The exit status is 1 when something is wrong. Keys are never shown.
    """
    missing = list(_missing())
    for line in (*_software(), *missing, *_machine()):
        print(line)
    with described(config.policy) as settings:
        healthy = asyncio.run(_endpoints(settings, config))
    return 0 if healthy and not missing else 1


def _software() -> Iterator[str]:
    yield f"gym-llm {__version__}, Python {platform.python_version()} ({sys.executable}), {platform.platform()}"
    installed = [f"{name} {version}" for name, version in _requirements("").items() if version]
    yield f"packages: {', '.join(installed)}"
    for extra in sorted({extra for extra, _ in _wanted()} - {""}):
        found = _requirements(extra)
        absent = [name for name, version in found.items() if not version]
        yield f"extra {extra}: " + (f"lacks {', '.join(absent)}" if absent else "installed")


def _missing() -> Iterator[str]:
    """Name the packages that should be there and are not."""
    for name, version in _requirements("").items():
        if not version:
            yield f"WRONG: {name} is not installed; run: pip install gym-llm"


def _requirements(extra: str) -> dict[str, str]:
    """Return the packages that an extra (empty: the package itself) needs, with their versions if installed."""
    found: dict[str, str] = {}
    for name in (name for of, name in _wanted() if of == extra):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def _wanted() -> Iterator[tuple[str, str]]:
    """Yield extra and name of each package that this one's metadata wants; nothing when it is not installed."""
    try:
        lines = metadata.requires("gym-llm") or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        wanted = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        yield (wanted[1] if wanted else ""), re.split(r"[^\w.-]", line, maxsplit=1)[0]


def _machine() -> Iterator[str]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = "memory unknown"
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        page = os.sysconf("SC_PAGE_SIZE") / _GIB
        free, whole = (os.sysconf(name) * page for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"))
        memory = f"{free:.1f} of {whole:.1f} GiB of memory free"
    yield f"machine: {usable} of {os.cpu_count()} cores usable, {memory}"
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield f"open files: {_count(soft)}, raised as needed up to {_count(hard)}; each request in flight takes one"


def _count(limit: int) -> str:
    import resource

    return "unlimited" if limit == resource.RLIM_INFINITY else f"{limit:,}"


async def _endpoints(settings: dict[str, Any], config: DoctorConfig) -> bool:
    """Look at each server of the policy; returns whether all are well."""
    addresses = settings.get("base_url")
    every = addresses if isinstance(addresses, list) else [addresses]
    well = True
    for address in every:
        own = settings | ({"base_url": address} if address else {})
        well &= await _policy(own, config)
    return well


async def _policy(settings: dict[str, Any], config: DoctorConfig) -> bool:
    from gym_llm.policies import from_spec

    print(f"policy: {config.policy.type}")
    try:
        found = await from_spec(settings).probe(config.timeout, thorough=True)
        for health in found:
            _show(health)
        if found and config.tokens:
            print(f"  token ids: {await _token_ids(settings, config.timeout)}")
    except GymLLMError as error:
        for line in str(error).splitlines():
            print(f"  WRONG: {printable(line)}")
        return False
    if not found:
        print("  no server to ask")
    return True


def _show(health: Health) -> None:
    print(f"  {health.endpoint} (model {printable(health.model)})")
    print(f"  reachable: first answer after {health.latency or 0:.3f} s")
    shown = ", ".join(health.models[:_SHOWN_MODELS]) or "not listed"
    more = len(health.models) - _SHOWN_MODELS
    print(f"  models: {shown}{f' and {more} more' if more > 0 else ''}")
    for path, name in _APIS.items():
        print(f"  {'speaks' if path in (health.apis or ()) else 'lacks'} {name}")


async def _token_ids(settings: dict[str, Any], timeout: float) -> str:
    """Ask for a short answer, and return whether token ids came with it."""
    from gym_llm.policies import from_spec

    asked = {"max_output_tokens": _FEW_TOKENS, "timeout": timeout, "max_attempts": 1}
    if settings["type"] == "chat":
        asked |= {"return_token_ids": True}
    policy = from_spec(settings | asked)
    try:
        answer: Any = await policy([message("Hi")], {})
    except ModelError as error:
        return f"no ({printable(str(error))})"
    finally:
        await policy.close()
    count = sum(len(item.get("generation_token_ids") or ()) for item in answer["output"])
    return f"yes, {count} for this answer" if count else "no, the server answered without them"
