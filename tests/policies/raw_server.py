"""A raw server for odd answers, byte by byte, and asking a policy from a test without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from gym_llm.policies import OpenAIPolicy

ITEMS = [{"role": "user", "content": "Hello"}]


class RawServer:
    """Answers the nth request with the nth reply (the last one again and again), then closes the connection."""

    def __init__(self, replies: Sequence[bytes]) -> None:
        self._replies = replies
        self.requests: list[bytes] = []
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readexactly(1)
            if head == b"\x16":  # a TLS handshake, which this server takes for a bad request
                writer.write(self._replies[0])
                return
            head += await reader.readuntil(b"\r\n\r\n")
            length = next((int(x[15:]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            self.requests.append(head + body)
            writer.write(self._replies[min(len(self.requests), len(self._replies)) - 1])
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def close(self) -> None:
        async def stop() -> None:
            self._server.close()
            await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """Return an answer's bytes; without `length` its Content-Length is right."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def unframed(body: bytes) -> bytes:
    """Return an answer whose end is the connection's."""
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body


def ask(policy: OpenAIPolicy, times: int = 1) -> list[object]:
    """Ask at once, in an event loop of its own, and return the answers or errors."""

    async def main() -> list[object]:
        try:
            return await asyncio.gather(*(policy(ITEMS, {}) for _ in range(times)), return_exceptions=True)
        finally:
            await policy.close()

    return asyncio.run(main())
