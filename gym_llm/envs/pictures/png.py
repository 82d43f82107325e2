"""PNG files of pictures with few colours: one byte a pixel and a palette. Source: the PNG specification, W3C 2003."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np

from gym_llm.items import Item

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
_INDEXED, _BITS = 3, 8


def png(pixels: Pixels, palette: Sequence[tuple[int, int, int]]) -> bytes:
    """Return a PNG file.

    Args:
        pixels: Places in the palette, shape (height, width).
        palette: Red, green and blue of up to 256 colours, 0 to 255 each.
    """
    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, _BITS, _INDEXED, 0, 0, 0)
    unfiltered = np.zeros((height, 1), dtype=np.uint8)  # each line begins with its filter's number
    lines = np.hstack([unfiltered, pixels]).tobytes()
    colours = bytes(part for colour in palette for part in colour)
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def data_url(pixels: Pixels, palette: Sequence[tuple[int, int, int]]) -> str:
    """Return a PNG file as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png(pixels, palette)).decode()


def image_message(url: str, text: str) -> Item:
    """Build a user message of a picture and a text."""
    parts = [{"type": "input_image", "image_url": url, "detail": "auto"}, {"type": "input_text", "text": text}]
    return {"role": "user", "content": parts}
