"""Writing pictures with a palette as PNG (ISO/IEC 15948), and files as data URIs."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(pixels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """A picture.

    Args:
        pixels: Rows of numbers of colours (height, width), neither of them zero.
        palette: Red, green and blue of at most 256 colours (n, 3).
    """
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with the number of its filter: none
    rows[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def data_uri(content: bytes, media_type: str) -> str:
    """A file inside an address."""
    return f"data:{media_type};base64,{b64encode(content).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
