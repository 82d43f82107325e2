"""`gym-llm sandbox`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gym_llm.errors import ConfigError
from gym_llm.items import printable

if TYPE_CHECKING:
    from gym_llm.configs.schemas import SandboxConfig
    from gym_llm.sandbox import Sandbox
    from gym_llm.sandbox.battery import Outcome
    from gym_llm.sandbox.doctor import Finding

_WIDTH = 40


def run(config: SandboxConfig) -> int:
    """Look at what this machine offers for sandboxes, or run a Python file in one.

    doctor shows what the kernel allows and which providers work, tries the walls of the chosen one from inside, and
    the attack battery on it, about a minute; the exit status is 1 when a wall does not stand, an attack succeeds, an
    honest program fails or no provider works. run FILE runs a file, prints what
    it printed and, on stderr, how it ended; the exit status is 1 unless it ended well.
    """
    return _doctor(config) if config.action == "doctor" else _run(config)


def _doctor(config: SandboxConfig) -> int:
    from gym_llm.errors import SandboxUnavailable
    from gym_llm.sandbox import doctor, open_sandbox

    if config.file is not None:
        raise ConfigError(f"sandbox doctor takes no file, and was given {str(config.file)!r}")
    quiet = config.as_json
    found = {"machine": doctor.machine(), "providers": doctor.providers(config.image)}
    for title, findings in found.items():
        _shown(title, findings, strict=False, quiet=quiet)
    try:
        with open_sandbox(config.provider, **_settings(config)) as sandbox:
            found["walls"] = doctor.walls(sandbox)
            good = _shown(f"walls of {sandbox.name}", found["walls"], strict=True, quiet=quiet)
            outcomes, battery = _battered(sandbox) if config.attacks else ([], [])
            found["battery"] = battery
            if config.attacks:
                good &= _shown(f"attacks on {sandbox.name}", battery, strict=True, quiet=quiet)
    except SandboxUnavailable as error:
        good, outcomes = False, []
        found["walls"] = [doctor.Finding(config.provider, False, str(error))]
        _shown("walls", found["walls"], strict=True, quiet=quiet)
    if quiet:
        sections = {title: [asdict(finding) for finding in findings] for title, findings in found.items()}
        print(json.dumps({"good": good, **sections, "attacks": [asdict(outcome) for outcome in outcomes]}))
    return 0 if good else 1


def _settings(config: SandboxConfig) -> dict[str, str]:
    """Return what the provider is opened with."""
    return {} if config.image is None else {"image": config.image}


def _battered(sandbox: Sandbox) -> tuple[list[Outcome], list[Finding]]:
    """Try the attacks and the honest programs; returns the outcomes, and what is to be shown of them."""
    from gym_llm.sandbox import battery
    from gym_llm.sandbox.doctor import Finding

    battery.warm(sandbox)
    before = battery.fingerprint(sandbox.owner)
    work = battery.trials()
    with _Bar(len(work)) as bar:
        outcomes = battery.run(sandbox, work, told=lambda outcome: bar.step())
    changed = battery.differences(before, sandbox.owner)
    found = []
    for kind in battery.ATTACKS:
        tried = [outcome for outcome in outcomes if outcome.kind == kind]
        past = [outcome for outcome in tried if outcome.outcome != "stopped"]
        found.append(Finding(kind, not past, f"{len(tried) - len(past)} of {len(tried)} stopped"))
        found += [Finding(f"  {each.name} ({each.way})", False, f"{each.outcome}: {each.detail}") for each in past]
    failed = [f"{program.name}: {wrong}" for program in battery.BENIGN if (wrong := program.run(sandbox))]
    works = len(battery.BENIGN) - len(failed)
    found.append(Finding("honest programs", not failed, "; ".join([f"{works} of {len(battery.BENIGN)} work", *failed])))
    found.append(Finding("this machine", not changed, "; ".join(changed) or "unchanged"))
    return outcomes, found


class _Bar:
    """A progress bar on a terminal, and nothing elsewhere."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def step(self) -> None:
        """Count one more."""
        self._done += 1
        if self._shown:
            filled = _WIDTH * self._done // self._total
            bar = "#" * filled + "." * (_WIDTH - filled)
            print(f"\r{bar} {self._done}/{self._total} attacks", end="", file=sys.stderr, flush=True)


def _shown(title: str, findings: Iterable[Finding], *, strict: bool, quiet: bool) -> bool:
    if not quiet:
        print(f"{title}:")
    well = True
    for finding in findings:
        well &= finding.good is not False
        mark = "WRONG: " if finding.good is False and strict else ""
        if not quiet:
            print(f"  {mark}{finding.name}: {printable(finding.text)}")
    return well


def _run(config: SandboxConfig) -> int:
    from gym_llm.sandbox import Limits, open_sandbox

    if config.file is None:
        raise ConfigError("sandbox run needs a file: gym-llm sandbox run FILE")
    program = Path(config.file).read_bytes()
    stdin = config.input.read_bytes() if config.input else b""
    limits = Limits(cpu=config.cpu, wall=config.wall, memory=int(config.memory * (1 << 20)))
    with open_sandbox(config.provider, **_settings(config)) as sandbox:
        result = sandbox.run(program=program, stdin=stdin, limits=limits, profile=config.profile)
    for stream, text in ((sys.stdout, result.stdout_text), (sys.stderr, result.stderr_text)):
        for line in text.splitlines():
            print(printable(line), file=stream)
    code = f"exit status {result.exit_status}" if result.signal is None else f"signal {result.signal}"
    used = f"{result.cpu:.2f} s of CPU, {result.wall:.2f} s, {result.memory / (1 << 20):.0f} MiB"
    print(f"{config.provider}: {result.reason}, {code}, {used}", file=sys.stderr)
    return 0 if result.ok else 1
