"""The providers, by name; opening one, which proves that it works on this machine."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

from gym_llm.errors import ConfigError, SandboxError, SandboxUnavailable, did_you_mean
from gym_llm.sandbox.sandbox import Sandbox

PROVIDERS = {
    "bubblewrap": "gym_llm.sandbox.bubblewrap:Bubblewrap",
    "docker": "gym_llm.sandbox.docker:Docker",
    "podman": "gym_llm.sandbox.podman:Podman",
    "apptainer": "gym_llm.sandbox.apptainer:Apptainer",
    "unsafe-local": "gym_llm.sandbox.local:UnsafeLocal",
}
ENGINES = ("docker", "podman", "apptainer")
_DEFAULT = "bubblewrap"
_UNSAFE = "unsafe-local"
_INSTALL = "apt-get install bubblewrap"
_PROBE, _ANSWER = "print(6 * 7)", b"42\n"


def open_sandbox(provider: str = "auto", **settings: Any) -> Sandbox:
    r"""Open a sandbox, and prove that it works by running a program in it.

    Args:
        provider: One of `PROVIDERS`; `auto` takes `bubblewrap`. `unsafe-local`, which protects nothing, is never
            taken unless it is asked for by name.
        **settings: Keyword arguments of the provider's class, such as `limits` and `python`.

    Raises:
        SandboxUnavailable: It does not work on this machine; says why, and what to install.

    >>> with open_sandbox() as box:
    ...     box.run(program="print(input()[::-1])", stdin="stressed").stdout
    b'desserts\n'
    """
    name = _DEFAULT if provider == "auto" else provider
    if name not in PROVIDERS:
        known = ", ".join(["auto", *PROVIDERS])
        raise ConfigError(f"sandbox provider {provider!r}: give one of {known}.{did_you_mean(provider, PROVIDERS)}")
    if "image" in settings and name not in ENGINES:
        raise ConfigError(f"image={settings['image']!r}: {name} takes no image; name one of {', '.join(ENGINES)}")
    module, _, attribute = PROVIDERS[name].partition(":")
    try:
        sandbox: Sandbox = getattr(import_module(module), attribute)(**settings)
    except SandboxUnavailable as error:
        raise SandboxUnavailable(f"{error}{_others(provider)}") from error
    try:
        _prove(sandbox)
    except BaseException:  # boundary: whatever ended it goes on up, and what was taken is given back
        sandbox.close()
        raise
    return sandbox


@functools.cache
def default(provider: str = "auto") -> Sandbox:
    """Return the sandbox that all environments of this process share; made when first asked for."""
    return open_sandbox(provider)


def _prove(sandbox: Sandbox) -> None:
    try:
        result = sandbox.run(program=_PROBE)
    except SandboxError as error:
        raise SandboxUnavailable(f"{sandbox.name} does not work on this machine: {error}") from error
    if not result.ok or result.stdout != _ANSWER:
        raise SandboxUnavailable(
            f"{sandbox.name} does not work on this machine: a first program ended with {result.reason} "
            f"{result.exit_status or result.signal}: {(result.stderr_text or result.stdout_text)[-500:].strip()}"
        )


def _others(provider: str) -> str:
    if provider != "auto":
        return ""
    return (
        f"\nNothing is run unprotected instead. Install bubblewrap ({_INSTALL}), or name another provider: docker, "
        f"podman, apptainer; {_UNSAFE} is for code that you trust"
    )
