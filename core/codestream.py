"""The size that a compressed picture's own header claims, read without decoding it."""

from __future__ import annotations

from typing import NamedTuple

JPEG_START = b"\xff\xd8"
JPEG2000_START = b"\xff\x4f\xff\x51"
JP2_START = b"\x00\x00\x00\x0cjP  "
# start-of-frame markers of JPEG (all but DHT, JPG and DAC in their range) and of JPEG-LS
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
END_OF_IMAGE = 0xD9
START_OF_SCAN = 0xDA


class CodestreamSize(NamedTuple):
    """Rows, columns and channels that a codestream claims to hold."""

    rows: int
    columns: int
    channels: int


def codestream_size(stream: bytes) -> CodestreamSize | None:
    """Return the size that a JPEG, JPEG-LS or JPEG 2000 codestream claims, or None if it has no such header.

    Markers as in ITU-T T.81 annex B (JPEG), T.87 annex C (JPEG-LS) and T.800 annex A (JPEG 2000).
    """
    if stream.startswith(JP2_START):
        stream = stream[max(0, stream.find(JPEG2000_START)) :]
    if stream.startswith(JPEG2000_START):
        return _jpeg2000(stream)
    return _jpeg(stream) if stream.startswith(JPEG_START) else None


def _jpeg2000(stream: bytes) -> CodestreamSize | None:
    if len(stream) < 42:
        return None
    x1, y1, x0, y0 = (int.from_bytes(stream[i : i + 4], "big") for i in (8, 12, 16, 20))
    return CodestreamSize(y1 - y0, x1 - x0, int.from_bytes(stream[40:42], "big"))


def _jpeg(stream: bytes) -> CodestreamSize | None:
    at = 2
    while at + 9 < len(stream):
        if stream[at] != 0xFF:
            return None
        marker = stream[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in (END_OF_IMAGE, START_OF_SCAN):
            return None
        if marker in FRAME_MARKERS:
            rows, columns = (int.from_bytes(stream[at + i : at + i + 2], "big") for i in (5, 7))
            return CodestreamSize(rows, columns, stream[at + 9])
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None
