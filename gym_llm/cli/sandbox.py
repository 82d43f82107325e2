"""`gym-llm sandbox`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gym_llm.errors import ConfigError
from gym_llm.items import printable

if TYPE_CHECKING:
    from gym_llm.configs.schemas import SandboxConfig
    from gym_llm.sandbox.doctor import Finding


def run(config: SandboxConfig) -> int:
    """Look at what this machine offers for sandboxes, or run a Python file in one.

    doctor shows what the kernel allows and which providers work, and tries the walls of the chosen one from
    inside; the exit status is 1 when a wall does not stand or no provider works. run FILE runs a file, prints what
    it printed and, on stderr, how it ended; the exit status is 1 unless it ended well.
    """
    return _doctor(config) if config.action == "doctor" else _run(config)


def _doctor(config: SandboxConfig) -> int:
    from gym_llm.errors import SandboxUnavailable
    from gym_llm.sandbox import doctor, open_sandbox

    if config.file is not None:
        raise ConfigError(f"sandbox doctor takes no file, and was given {str(config.file)!r}")
    good = _shown("machine", doctor.machine(), strict=False)
    good &= _shown("providers", doctor.providers(), strict=False)
    try:
        with open_sandbox(config.provider) as sandbox:
            return 0 if _shown(f"walls of {sandbox.name}", doctor.walls(sandbox), strict=True) else 1
    except SandboxUnavailable as error:
        print(f"WRONG: {printable(str(error))}")
        return 1


def _shown(title: str, findings: Iterable[Finding], *, strict: bool) -> bool:
    print(f"{title}:")
    well = True
    for finding in findings:
        well &= finding.good is not False
        mark = "WRONG: " if finding.good is False and strict else ""
        print(f"  {mark}{finding.name}: {printable(finding.text)}")
    return well


def _run(config: SandboxConfig) -> int:
    from gym_llm.sandbox import Limits, open_sandbox

    if config.file is None:
        raise ConfigError("sandbox run needs a file: gym-llm sandbox run FILE")
    program = Path(config.file).read_bytes()
    stdin = config.input.read_bytes() if config.input else b""
    limits = Limits(cpu=config.cpu, wall=config.wall, memory=int(config.memory * (1 << 20)))
    with open_sandbox(config.provider) as sandbox:
        result = sandbox.run(program=program, stdin=stdin, limits=limits, profile=config.profile)
    for stream, text in ((sys.stdout, result.stdout_text), (sys.stderr, result.stderr_text)):
        for line in text.splitlines():
            print(printable(line), file=stream)
    code = f"exit status {result.exit_status}" if result.signal is None else f"signal {result.signal}"
    used = f"{result.cpu:.2f} s of CPU, {result.wall:.2f} s, {result.memory / (1 << 20):.0f} MiB"
    print(f"{config.provider}: {result.reason}, {code}, {used}", file=sys.stderr)
    return 0 if result.ok else 1
