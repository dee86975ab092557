"""The outline of an ONNX file that is not decoded: how much of it is numbers of weights, and how much is structure.

Decoding can take fifty times the bytes of the structure, and no more than the bytes of the numbers. So the structure is
bounded before.
"""

from __future__ import annotations

import mmap
import stat
from dataclasses import dataclass
from pathlib import Path

from core.errors import BundleError
from core.onnx.parts import ASK

MAX_FILE_BYTES = 2_000_000_000  # more, a protobuf message can't have
MAX_STRUCTURE_BYTES = 8_000_000
MAX_FIELDS = 2_000_000

# numbers of fields, from the model inwards: graph; node, initializer; attribute; t; raw_data, float_data, double_data
GRAPH, NODE, INITIALIZER, ATTRIBUTE, TENSOR = 7, 1, 5, 5, 5
NUMBERS = (9, 4, 10)
WEIGHT, CONSTANT = (GRAPH, INITIALIZER), (GRAPH, NODE, ATTRIBUTE, TENSOR)
INSIDE = {(GRAPH,), WEIGHT, CONSTANT[:2], CONSTANT[:3], CONSTANT}
BULK = {(*place, field) for place in (WEIGHT, CONSTANT) for field in NUMBERS}

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # protobuf's wire types


def check_outline(path: Path) -> None:
    """Check that a file can be decoded as an ONNX graph in bounded memory.

    Raises:
        BundleError: if it is no regular file, too large, not protobuf, or mostly structure.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise BundleError("This is not a file.", path=path, remedy="Choose an .onnx file.")
        if not 0 < about.st_size <= MAX_FILE_BYTES:
            raise BundleError(
                f"The file has {about.st_size:,} bytes; a model has 1 to {MAX_FILE_BYTES:,}.",
                path=path,
                remedy="Choose an .onnx file; weights of more than 2 GB are not supported.",
            )
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            outline = _Outline(content)
            outline.walk((), 0, len(content))
    except OSError as cause:
        raise BundleError(f"The file can't be read ({cause.strerror}).", path=path, remedy="Check the file.") from cause
    except _NotProtobufError as cause:
        raise BundleError("The file is not an ONNX graph.", path=path, remedy="Choose an .onnx file.") from cause
    structure = about.st_size - outline.numbers
    if structure > MAX_STRUCTURE_BYTES:
        raise BundleError(
            f"The file has {structure:,} bytes beside its weights; {MAX_STRUCTURE_BYTES:,} are allowed.",
            path=path,
            remedy=ASK,
        )


class _NotProtobufError(Exception):
    """The bytes are not a protobuf message."""


@dataclass
class _Outline:
    """Counts the bytes of numbers.

    Attributes:
        content: the file.
        numbers: bytes of weights' numbers found so far.
        fields: fields seen so far.
    """

    content: mmap.mmap
    numbers: int = 0
    fields: int = 0

    def walk(self, place: tuple[int, ...], position: int, end: int) -> None:
        """Go through the fields of a message, and into those that can hold numbers."""
        while position < end:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise _NotProtobufError
            key, position = self._varint(position, end)
            field, kind = (*place, key >> 3), key & 7
            if kind == LENGTH:
                length, position = self._varint(position, end)
                if length > end - position:
                    raise _NotProtobufError
                if field in BULK:
                    self.numbers += length
                elif field in INSIDE:
                    self.walk(field, position, position + length)
                position += length
            elif kind == VARINT:
                _value, position = self._varint(position, end)
            elif kind in {FIXED32, FIXED64}:
                position += 4 if kind == FIXED32 else 8
            else:
                raise _NotProtobufError
        if position != end:
            raise _NotProtobufError

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        """Return the number that begins here, and where the next field begins."""
        value = 0
        for i in range(10):
            if position + i >= end:
                raise _NotProtobufError
            byte = self.content[position + i]
            value |= (byte & 127) << (7 * i)
            if byte < 128:
                return value, position + i + 1
        raise _NotProtobufError
