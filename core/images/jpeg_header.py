"""The header of a compressed image, read without decoding it."""

from __future__ import annotations

from typing import NamedTuple

JPEG_START = b"\xff\xd8"
JPEG2000_START = b"\xff\x4f\xff\x51"
JP2_START = b"\x00\x00\x00\x0cjP  "
JPEG_XL_START = b"\xff\x0a"
JPEG_XL_BOX = b"\x00\x00\x00\x0cJXL "
# start-of-frame markers (ITU-T T.81 table B.1, T.87 annex C); those left out mark no frame
FRAME_KINDS = {0xC0: "JPEG", 0xC1: "JPEG", 0xC2: "JPEG", 0xC3: "lossless JPEG", 0xF7: "JPEG-LS"}
FRAME_KINDS |= dict.fromkeys((0xC5, 0xC6, 0xC7), "hierarchical JPEG")
FRAME_KINDS |= dict.fromkeys((0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF), "arithmetic JPEG")
END_OF_IMAGE = 0xD9
START_OF_SCAN = 0xDA
# JPEG XL's size: bits of each of four codes, and widths that follow from the height (ISO/IEC 18181-1, annex D.2)
SIZE_BITS = (9, 13, 18, 30)
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


class Codestream(NamedTuple):
    """What the header of a codestream states.

    Attributes:
        kind: ``JPEG`` (8 bits), ``12-bit JPEG``, ``lossless JPEG``, ``hierarchical JPEG``, ``arithmetic JPEG``,
            ``JPEG-LS``, ``JPEG 2000`` or ``JPEG XL``.
        rows: height in pixels.
        columns: width in pixels.
        channels: how many; 0 where the header does not say it (JPEG XL).
        bits: bits of a sample; 0 where the header does not say it.
        subsampled: whether channels differ in resolution, as only those of YCbCr do.
    """

    kind: str
    rows: int
    columns: int
    channels: int = 0
    bits: int = 0
    subsampled: bool = False


def read_codestream(stream: bytes) -> Codestream | None:
    """Return what a JPEG, JPEG-LS, JPEG 2000 or JPEG XL codestream claims, or None if it has no such header.

    Markers as in ITU-T T.81 annex B (JPEG), T.87 annex C (JPEG-LS) and T.800 annex A (JPEG 2000); JPEG XL as in
    ISO/IEC 18181, also in its container.
    """
    if stream.startswith(JP2_START):
        stream = stream[max(0, stream.find(JPEG2000_START)) :]
    if stream.startswith(JPEG2000_START):
        return _jpeg2000(stream)
    if stream.startswith((JPEG_XL_START, JPEG_XL_BOX)):
        return _jpeg_xl(stream)
    return _jpeg(stream) if stream.startswith(JPEG_START) else None


def _jpeg2000(stream: bytes) -> Codestream | None:
    if len(stream) < 45:
        return None
    x1, y1, x0, y0 = (int.from_bytes(stream[i : i + 4], "big") for i in (8, 12, 16, 20))
    channels = int.from_bytes(stream[40:42], "big")
    grids = {stream[i + 1 : i + 3] for i in range(42, min(len(stream) - 2, 42 + 3 * channels), 3)}
    return Codestream("JPEG 2000", y1 - y0, x1 - x0, channels, (stream[42] & 0x7F) + 1, len(grids) > 1)


def _jpeg(stream: bytes) -> Codestream | None:
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
        if marker in FRAME_KINDS:
            rows, columns = (int.from_bytes(stream[at + i : at + i + 2], "big") for i in (5, 7))
            bits, channels = stream[at + 4], stream[at + 9]
            sampling = {stream[i] for i in range(at + 11, min(len(stream), at + 10 + 3 * channels), 3)}
            kind = FRAME_KINDS[marker]
            kind = f"{bits}-bit JPEG" if kind == "JPEG" and bits != 8 else kind
            return Codestream(kind, rows, columns, channels, bits, len(sampling) > 1)
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None


def _jpeg_xl(stream: bytes) -> Codestream | None:
    if stream.startswith(JPEG_XL_BOX):
        stream = _boxed(stream)
    if not stream.startswith(JPEG_XL_START):
        return None
    bits, at = int.from_bytes(stream[2:16], "little"), 0

    def number(size: int) -> int:
        nonlocal at
        at += size
        return bits >> (at - size) & ((1 << size) - 1)

    def length(small: int) -> int:
        return 8 * (number(5) + 1) if small else number(SIZE_BITS[number(2)]) + 1

    small = number(1)
    rows = length(small)
    ratio = number(3)
    across, down = RATIOS.get(ratio, (0, 1))
    return Codestream("JPEG XL", rows, rows * across // down if ratio else length(small))


def _boxed(stream: bytes) -> bytes:
    """Return the beginning of the codestream in JPEG XL's container, or nothing."""
    at = 0
    while at + 8 <= len(stream):
        size, name = int.from_bytes(stream[at : at + 4], "big"), stream[at + 4 : at + 8]
        if name in (b"jxlc", b"jxlp"):
            return stream[at + (8 if name == b"jxlc" else 12) :]
        if size < 8:
            return b""
        at += size
    return b""
