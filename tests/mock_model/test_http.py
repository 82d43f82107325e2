from __future__ import annotations

import pytest

from gym_llm.mock_model.http import MAX_HEAD_BYTES, BadRequest, HttpRequest, RequestParser

SIZED = b"POST /a?b=c HTTP/1.1\r\nHost: t\r\nX-Thing:  v \r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
)
BARE = b"GET /g HTTP/1.1\r\n\r\n"


def parse_all(data: bytes, step: int) -> list[HttpRequest]:
    parser, found = RequestParser(1000), []
    for start in range(0, len(data), step):
        parser.feed(data[start : start + step])
        while (request := parser.next()) is not None:
            found.append(request)
    assert parser.buffered == 0
    return found


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 10_000])
def test_pipelined_requests_come_out_whole_however_they_are_torn(step: int) -> None:
    found = parse_all(SIZED + CHUNKED + BARE + b"\r\n" + CHUNKED + SIZED, step)
    assert [(request.method, request.path, request.body) for request in found] == [
        (b"POST", b"/a", b"hello"),
        (b"POST", b"/c", b"hello world"),
        (b"GET", b"/g", b""),
        (b"POST", b"/c", b"hello world"),
        (b"POST", b"/a", b"hello"),
    ]
    assert found[0].headers[b"x-thing"] == b"v"


@pytest.mark.parametrize(
    ("line", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n", False),
        (b"GET / HTTP/1.0\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n", True),
    ],
)
def test_the_client_says_whether_the_connection_stays(line: bytes, keep_alive: bool) -> None:
    assert parse_all(line + b"\r\n", 100)[0].keep_alive is keep_alive


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nName : v\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: v\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000, 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD_BYTES, 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * MAX_HEAD_BYTES, 431),
    ],
)
def test_what_could_be_read_in_two_ways_or_is_too_large_is_refused(data: bytes, status: int) -> None:
    parser = RequestParser(1000)
    parser.feed(data)
    with pytest.raises(BadRequest) as refused:
        parser.next()
    assert refused.value.status == status


def test_many_chunks_count_together_against_the_cap() -> None:
    parser = RequestParser(1000)
    parser.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"64\r\n%b\r\n" % (b"a" * 100) * 11)
    with pytest.raises(BadRequest, match="1000 bytes"):
        parser.next()
