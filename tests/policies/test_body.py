"""Bodies: complete JSON objects come through, everything else is told apart."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from gym_llm.policies.body import Unreadable, decoded, decompressed
from gym_llm.policies.failures import BodyTooLarge


def test_every_beginning_of_a_body_is_broken_off():
    body = json.dumps({"status": "completed", "output": [{"type": "message", "text": 'né \\ "x"'}], "n": 12}).encode()
    assert decoded(body)["n"] == 12
    for size in range(len(body)):
        with pytest.raises(Unreadable):
            decoded(body[:size])


@pytest.mark.parametrize("body", [b"", b"   ", b'{"a": [1, 2', b'{"a": "tex'])
def test_broken_off_is_told_from_malformed(body):
    with pytest.raises(Unreadable) as caught:
        decoded(body)
    assert caught.value.truncated


@pytest.mark.parametrize(
    "body", [b'{"a", 1}', b"[1]", b"3", b"null", b'{"a": 1} {"b": 2}', b"<html>", b"\xff\xfe{}", b"[" * 10**6]
)
def test_what_is_no_object_is_refused(body):
    with pytest.raises(Unreadable):
        decoded(body)


def test_python_servers_may_send_nan_and_lone_surrogates():
    assert decoded(b'{"p": [NaN, -Infinity, 1.5], "t": "a\\ud800b"}') == {"p": [None, None, 1.5], "t": "a\ufffdb"}


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_compressed_bodies_are_read(pack):
    assert decompressed(pack(b"{}"), "gzip" if pack is gzip.compress else "deflate", 100) == b"{}"


def test_bomb_is_stopped_at_the_cap():
    with pytest.raises(BodyTooLarge):
        decompressed(gzip.compress(b" " * 10_000_000), "gzip", 1_000_000)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(gzip.compress(b"x" * 99, mtime=0)[:-9], "gzip"), (b"plain", "gzip"), (b"x", "br")],
    ids=["cut", "plain", "unknown"],
)
def test_bad_compression_is_refused(body, encoding):
    with pytest.raises(Unreadable):
        decompressed(body, encoding, 1000)
