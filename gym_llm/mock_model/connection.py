"""One client connection: requests in, replies played out in order, each with its own delays and ending.

It knows HTTP framing and timers, and nothing of models: a handler turns each request into a `Reply`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from gym_llm.mock_model.http import BadRequest, HttpRequest, RequestParser
from gym_llm.mock_model.replies import Reply, error_content, honest
from gym_llm.mock_model.stats import Stats

Handler = Callable[[HttpRequest], Reply]

_PIPELINE_BYTES = 1024 * 1024
_RESET = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """Serves one client; pipelined requests are answered one after the other, in order.

    Args:
        handler: Turns a request into a reply; must not raise.
        stats: Counters that this connection adds to.
        open_connections: Where the connection registers itself while it is open.
        max_body_bytes: Largest request body.
    """

    def __init__(self, handler: Handler, stats: Stats, open_connections: set[Connection], max_body_bytes: int) -> None:
        self._handler = handler
        self._stats = stats
        self._open = open_connections
        self._parser = RequestParser(max_body_bytes)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reply: Reply | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._keep_alive = True
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(self)
        self._stats.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what was still to be played."""
        self._open.discard(self)
        self._stats.connections -= 1
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._finish(complete=False)

    def data_received(self, data: bytes) -> None:
        """Take bytes; answer when no other reply is being played."""
        self._stats.bytes_in += len(data)
        self._parser.feed(data)
        if self._reply is None:
            self._pump()
        elif self._transport is not None and not self._paused and self._parser.buffered > _PIPELINE_BYTES:
            self._paused = True
            self._transport.pause_reading()

    def abort(self) -> None:
        """Close at once, dropping what is unsent."""
        if self._transport is not None:
            self._transport.abort()

    def _pump(self) -> None:
        """Answer complete requests until one of them has to wait."""
        while self._transport is not None and self._reply is None and not self._transport.is_closing():
            try:
                request = self._parser.next()
            except BadRequest as error:
                self._keep_alive = False
                self._begin(honest(error_content(error.status, str(error))))
                return
            if request is None:
                self._ask_for_more()
                return
            self._keep_alive = request.keep_alive
            self._begin(self._handler(request))

    def _ask_for_more(self) -> None:
        if self._transport is None:
            return
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if self._parser.expects_continue:
            self._parser.expects_continue = False
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _begin(self, reply: Reply) -> None:
        self._reply = reply
        if reply.delay > 0:
            self._timer = self._loop.call_later(reply.delay, self._resume, 0)
        else:
            self._play(0)

    def _resume(self, position: int) -> None:
        self._timer = None
        self._play(position)
        self._pump()

    def _play(self, position: int) -> None:
        """Write from the given piece on: one piece per interval, or all."""
        reply = self._reply
        assert reply is not None
        pieces = reply.pieces
        if reply.interval > 0 and position + 1 < len(pieces):
            self._write(pieces[position])
            self._timer = self._loop.call_later(reply.interval, self._resume, position + 1)
            return
        if reply.end == "hold":
            return
        self._finish(complete=True)  # before the last write: a client that has its answer finds it counted
        if pieces:
            self._write(pieces[position] if len(pieces) == position + 1 else b"".join(pieces[position:]))
        if reply.end == "reset":
            self._reset()
        elif (reply.end == "close" or not self._keep_alive) and self._transport is not None:
            self._transport.close()

    def _finish(self, complete: bool) -> None:
        reply, self._reply = self._reply, None
        if reply is not None and reply.on_end is not None:
            reply.on_end(complete)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._stats.bytes_out += len(data)
            self._transport.write(data)

    def _reset(self) -> None:
        if self._transport is None:
            return
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()
