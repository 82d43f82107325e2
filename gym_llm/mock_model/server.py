"""Running the mock model: in an event loop, in a background thread, or for good from the command line."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import sys
import threading
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from gym_llm.errors import ConfigError
from gym_llm.mock_model.app import Application
from gym_llm.mock_model.config import MockModelConfig
from gym_llm.mock_model.connection import Connection
from gym_llm.mock_model.model_call import Answerer
from gym_llm.mock_model.stats import Stats

BACKLOG = 16_384
"""Connections that may wait to be accepted; the kernel's `somaxconn` may be lower."""


class MockModel:
    """An OpenAI-compatible model server that thinks nothing.

    Use it as a context manager (then it runs in a thread, with an event loop of its own), or call `start` and
    `stop` in a running loop.

    Args:
        config: All options; the defaults when left out.
        answerer: Answers in place of those that `config` describes: a callable from `Request` to output items.
        **options: Options by name, in place of `config`.

    Attributes:
        config: All options.
        stats: Counters.

    Raises:
        ConfigError: Both `config` and options are given.

    >>> import urllib.request
    >>> with MockModel(text="Hi.") as server:
    ...     urllib.request.urlopen(server.url + "/health").status
    200
    """

    def __init__(
        self, config: MockModelConfig | None = None, *, answerer: Answerer | None = None, **options: Any
    ) -> None:
        if config is not None and options:
            raise ConfigError(f"give either config or options by name, not both: {', '.join(options)}")
        self.config = config or MockModelConfig(**options)
        self.stats = Stats()
        self._app = Application(self.config, self.stats, answerer)
        self._open: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._thread: _LoopThread | None = None
        self._port = 0

    @property
    def recent(self) -> deque[dict[str, Any]]:
        """The last request bodies, oldest first, as many as `keep_requests` says."""
        return self._app.recent

    @property
    def url(self) -> str:
        """The server's address, without the API's `/v1`."""
        host = self.config.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def base_url(self) -> str:
        """The address that clients are given."""
        return f"{self.url}/v1"

    async def start(self) -> Self:
        """Listen in the running loop.

        Raises:
            ConfigError: The address cannot be listened on.
        """
        raise_open_files_limit()
        loop = asyncio.get_running_loop()
        config = self.config

        def connect() -> Connection:
            return Connection(self._app.handle, self.stats, self._open, config.max_body_bytes)

        try:
            self._server = await loop.create_server(connect, config.host, config.port, backlog=BACKLOG)
        except OSError as error:
            raise ConfigError(_cannot_listen(config, error)) from None
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Stop listening and close every connection at once; call it in the loop of `start`."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self._open):
            connection.abort()
        await asyncio.sleep(0)
        await server.wait_closed()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        thread = _LoopThread()
        try:
            thread.call(self.start())
        except BaseException:
            thread.close()
            raise
        self._thread = thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.call(self.stop())
            self._thread.close()
            self._thread = None


class _LoopThread:
    """A thread that runs an event loop until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gym_llm mock model", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def serve(config: MockModelConfig, answerer: Answerer | None = None) -> None:
    """Run a mock model until SIGINT or SIGTERM, printing its `base_url` first and what it saw last.

    Raises:
        ConfigError: The address cannot be listened on.
    """
    asyncio.run(_serve(config, answerer))


async def _serve(config: MockModelConfig, answerer: Answerer | None) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
            loop.add_signal_handler(signum, stopped.set)
    async with MockModel(config, answerer=answerer) as server:
        _say(f"base_url: {server.base_url}")
        await stopped.wait()
        seen = server.stats
        _say(f"{seen.requests} requests, {seen.rejected} rejected, at most {seen.max_in_flight} in flight")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _cannot_listen(config: MockModelConfig, error: OSError) -> str:
    where = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another program: give another port, or port=0 for any free one"
    return f"cannot listen on {where}: {error.strerror or error}"


def raise_open_files_limit() -> None:
    """Raise the soft limit of open files to the hard one, since each connection is a file."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # a hard limit of "infinity" above the kernel's own maximum
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
