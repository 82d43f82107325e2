"""What this machine offers for sandboxes: what the kernel allows, which providers work, whether the walls stand.

Each function returns findings; `gym-llm sandbox doctor` prints them.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gym_llm.errors import SandboxError
from gym_llm.sandbox.limits import Limits
from gym_llm.sandbox.providers import ENGINES, PROVIDERS, open_sandbox
from gym_llm.sandbox.sandbox import Sandbox

_LANDLOCK_CREATE_RULESET = 444
_RUNS = 20
_RESTRICTIONS = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"), ("kernel.unprivileged_userns_clone", "0", "1"),
)  # fmt: skip
_CANARY = "gym-llm-canary"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        good: Whether it is as it should be; None when it only informs.
        text: What was found, and the cure where there is one.
    """

    name: str
    good: bool | None
    text: str


def machine() -> list[Finding]:
    """Look at what the kernel allows."""
    release = f"{platform.system()} {platform.release()} on {platform.machine()}, user {os.geteuid()}"
    found = [Finding("kernel", None, release), _namespaces(), _seccomp(), _landlock(), _bubblewrap()]
    return [*found, Finding("cgroups", None, _cgroups())]


def providers(image: str | None = None) -> list[Finding]:
    """Open each provider and run a program in it; none but `unsafe-local` and what is installed costs anything.

    Args:
        image: For those that take one.
    """
    return [_provider(name, {"image": image} if image and name in ENGINES else {}) for name in PROVIDERS]


def walls(sandbox: Sandbox) -> list[Finding]:
    """Try the walls of a sandbox from inside; each finding is good when the attempt failed."""
    return [_attempt(sandbox, name, program) for name, program in _ATTEMPTS.items()]


def _namespaces() -> Finding:
    try:
        most = int(Path("/proc/sys/user/max_user_namespaces").read_text("ascii"))
    except (OSError, ValueError):
        return Finding("user namespaces", False, "this kernel has none")
    for name, bad, cure in _RESTRICTIONS:
        path = Path("/proc/sys", name.replace(".", "/"))
        if path.exists() and path.read_text("ascii").strip() == bad:
            return Finding("user namespaces", os.geteuid() == 0, f"restricted; sysctl -w {name}={cure}")
    text = f"allowed, up to {most}" if most else "switched off; sysctl -w user.max_user_namespaces=10000"
    return Finding("user namespaces", bool(most), text)


def _seccomp() -> Finding:
    text = Path("/proc/self/status").read_text("utf-8")
    supported = "Seccomp:" in text and platform.machine() in ("x86_64", "aarch64")
    return Finding("seccomp", supported, "available" if supported else f"no filter for {platform.machine()}")


def _landlock() -> Finding:
    version = ctypes.CDLL(None).syscall(_LANDLOCK_CREATE_RULESET, None, 0, 1)
    return Finding("landlock", None, f"version {version} (not used)" if version > 0 else "none (not needed)")


def _bubblewrap() -> Finding:
    found = shutil.which("bwrap")
    if found is None:
        return Finding("bubblewrap", False, "not installed; apt-get install bubblewrap")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return Finding("bubblewrap", True, f"{version} ({found})")


def _cgroups() -> str:
    path = Path("/sys/fs/cgroup/cgroup.controllers")
    unified = path.read_text("ascii").split() if path.exists() else []
    return f"version 2 with {', '.join(unified)} (not needed)" if unified else "version 1 or none (not needed)"


def _provider(name: str, settings: dict[str, Any]) -> Finding:
    began = time.monotonic()
    try:
        with open_sandbox(name, **settings) as sandbox:
            opened = time.monotonic() - began
            times = [_timed(sandbox) for _ in range(_RUNS if name == "bubblewrap" else 1)]
    except SandboxError as error:
        return Finding(name, None, str(error).splitlines()[0])
    took = sorted(times)[len(times) // 2] * 1000
    text = f"works; opened in {opened:.2f} s, an empty program takes {took:.1f} ms"
    if name == "unsafe-local":
        return Finding(name, None, f"{text}, protects nothing")
    return Finding(name, True, text)


def _timed(sandbox: Sandbox) -> float:
    began = time.monotonic()
    sandbox.run(program="pass")
    return time.monotonic() - began


_ATTEMPTS = {
    "reaches no network": "import socket\nsocket.create_connection(('1.1.1.1', 53), 1)",
    "starts no process": "import os\nos.fork()",
    "sees no process of this machine": (
        "import os\nassert len([p for p in os.listdir('/proc') if p.isdigit()]) > 2, 'only its own are there'"
    ),
    "changes no file of the system": "open('/usr/canary', 'w')",
    "writes no kernel setting": "open('/proc/sys/kernel/core_pattern', 'w')",
    "sees no home folder": "import os\nassert os.listdir('/home') or os.listdir('/root/.ssh'), 'both are empty'",
    "inherits no variable": f"import os\nassert {_CANARY!r} in str(os.environ), 'it is not there'",
    "is not root": "import os\nos.setuid(0)",
    "mounts nothing": (
        "import ctypes\nmount = ctypes.CDLL(None, use_errno=True).mount\n"
        "if mount(b'x', b'/sandbox/tmp', b'tmpfs', 0, None): raise OSError(ctypes.get_errno(), 'mount')"
    ),
    "takes no more memory than it may": "assert bytearray(1 << 29)",
    "fills no disk": "open('big', 'wb').write(b'x' * (1 << 25))",
}


def _attempt(sandbox: Sandbox, name: str, program: str) -> Finding:
    limits = Limits(cpu=5, wall=10, memory=256 << 20, disk=8 << 20, file_size=64 << 20)
    os.environ["GYM_LLM_CANARY"] = _CANARY
    try:
        result = sandbox.run(program=f"{program}\nprint('through')", limits=limits)
    finally:
        del os.environ["GYM_LLM_CANARY"]
    if result.ok:
        return Finding(name, False, "a program that tries it gets through")
    told = result.stderr_text.strip().splitlines()
    return Finding(name, True, f"stands; a program that tries it gets {told[-1] if told else result.reason}")
