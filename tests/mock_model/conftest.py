"""A raw HTTP client that shows exactly what is on the wire, and request bodies."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gym_llm.mock_model import MockModel

Wire = tuple[int, dict[str, str], bytes]


def http_bytes(path: str, body: Any = None, method: str = "POST", **headers: str) -> bytes:
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nHost: t\r\n{lines}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


class RawClient:
    def __init__(self, server: MockModel) -> None:
        host, port = server.url.removeprefix("http://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> Wire:
        """Read one whole answer with Content-Length or chunks; EOFError when the connection ends too early."""
        status, headers = self.read_head()
        if "transfer-encoding" in headers:
            body = b""
            while size := int(self._line(), 16):
                body += self._exactly(size)
                self._exactly(2)
            self._exactly(2)
            return status, headers, body
        return status, headers, self._exactly(int(headers["content-length"]))

    def read_head(self) -> tuple[int, dict[str, str]]:
        status = int(self._line().split()[1])
        headers = {}
        while line := self._line().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def rest(self) -> bytes:
        return self.file.read()

    def _line(self) -> bytes:
        line = self.file.readline()
        if not line:
            raise EOFError
        return line

    def _exactly(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def connect() -> Iterator[Callable[[MockModel], RawClient]]:
    opened: list[RawClient] = []

    def open_one(server: MockModel) -> RawClient:
        opened.append(RawClient(server))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def post(connect: Callable[[MockModel], RawClient]) -> Callable[..., Wire]:
    """Send one request on a connection of its own and read the answer."""

    def send(server: MockModel, path: str, body: Any = None, method: str = "POST", **headers: str) -> Wire:
        client = connect(server)
        client.send(http_bytes(path, body, method, **headers))
        return client.read()

    return send


@pytest.fixture
def request_bytes() -> Callable[..., bytes]:
    return http_bytes


RESPONSES = {"model": "m", "input": "Hello"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(params=["/v1/responses", "/v1/chat/completions"])
def call(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """The path and a body of each API."""
    return request.param, dict(RESPONSES if request.param == "/v1/responses" else CHAT)
