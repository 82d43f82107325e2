"""What attacks are after: secrets, files, sockets and a process of this machine, made for one trial and watched."""

from __future__ import annotations

import base64
import contextlib
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

_UNTOUCHED = "untouched"
_LEFT_IN = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/opt/gym-llm", "/sandbox")
_END_SECONDS = 1.5
VARIABLE = "GYM_LLM_CANARY"


def token(kind: str) -> str:
    """Return a secret that cannot be guessed."""
    return f"gymllm-{kind}-{secrets.token_hex(12)}"


class Bystander:
    """A process of this machine that minds its own business, with a secret among its variables."""

    def __init__(self) -> None:
        self.secret = token("bystander")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", "import time; time.sleep(900)"], env={VARIABLE: self.secret},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its number on this machine."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether nobody has killed it."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


class Marks:
    """The marks of one trial.

    Args:
        known: Secrets beside its own, such as the bystander's.
    """

    def __init__(self, known: list[str]) -> None:
        self.mark, self.beside = token("mark"), token("beside")
        self.secret, self.answer = token("file"), token("answer")
        self._secrets = [*known, self.secret, self.answer, self.beside]
        self.folder = Path(tempfile.mkdtemp(prefix="gym-llm-marks-"))
        self.folder.chmod(0o755)
        for name, text, mode in (("secret", self.secret, 0o644), ("target", _UNTOUCHED, 0o666)):
            (self.folder / name).write_text(text, "ascii")
            (self.folder / name).chmod(mode)
        self._sockets = [self._listening(*address) for address in self._addresses()]

    def environment(self, bystander: int) -> dict[str, str]:
        """Return what attacks are told."""
        tcp, udp = (listener.getsockname()[1] for listener in self._sockets[:2])
        return {
            "MARK": self.mark, "MACHINE": platform.node(), "BYSTANDER": str(bystander),
            "SECRET_FILE": str(self.folder / "secret"), "TARGET_FILE": str(self.folder / "target"),
            "TCP": str(tcp), "UDP": str(udp), "ABSTRACT": f"abstract-{self.folder.name}",
            "UNIX_PATH": str(self.folder / "socket"),
        }  # fmt: skip

    def leaked(self, data: bytes) -> str:
        """Return which secret is in some data, plain or lightly dressed; empty when none is."""
        for secret in self._secrets:
            plain = secret.encode()
            for form in (plain, plain[::-1], plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")[:-1]):
                if form in data:
                    return secret.split("-")[1]
        return ""

    def touched(self) -> str:
        """Return what was reached from inside; empty when nothing was."""
        if (self.folder / "target").read_text("utf-8", "replace") != _UNTOUCHED:
            return "a file of the machine was changed"
        names = (
            "a port",
            "a datagram port",
            "an abstract socket",
            "an abstract datagram socket",
            "a socket in a folder",
        )
        for name, listener in zip(names, self._sockets, strict=True):
            with contextlib.suppress(BlockingIOError):
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                else:
                    listener.recv(1)
                return f"{name} of the machine was reached"
        return self._left()

    def close(self) -> None:
        """Remove them, and what an attack left on this machine."""
        for listener in self._sockets:
            listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for folder in _LEFT_IN:
            for path in Path(folder).glob(f"{self.mark}*"):
                with contextlib.suppress(OSError):
                    path.unlink()

    def __enter__(self) -> Marks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _left(self) -> str:
        """Return what of the trial is still there a moment after its end."""
        for folder in _LEFT_IN:
            if any(Path(folder).glob(f"{self.mark}*")):
                return f"a file was left in {folder}"
        end = time.monotonic() + _END_SECONDS
        while found := self._processes():
            if time.monotonic() > end:
                return f"{len(found)} processes are still alive"
            time.sleep(0.05)
        return ""

    def _processes(self) -> list[int]:
        """Return the processes of this machine that the trial started."""
        mark, found = self.mark.encode(), []
        for name in os.listdir("/proc"):  # noqa: PTH208
            if not name.isdigit():
                continue
            for part in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    if mark in Path("/proc", name, part).read_bytes():
                        found.append(int(name))
                        break
        return found

    def _addresses(self) -> list[tuple[int, int, object]]:
        abstract = f"\0abstract-{self.folder.name}"
        return [
            (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            (socket.AF_UNIX, socket.SOCK_STREAM, abstract),
            (socket.AF_UNIX, socket.SOCK_DGRAM, f"{abstract}d"),
            (socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / "socket")),
        ]

    def _listening(self, family: int, kind: int, address: object) -> socket.socket:
        listener = socket.socket(family, kind)
        listener.bind(address)  # type: ignore[arg-type]
        listener.setblocking(False)
        if kind == socket.SOCK_STREAM:
            listener.listen(4)
        if isinstance(address, str) and not address.startswith("\0"):
            Path(address).chmod(0o777)
        return listener
