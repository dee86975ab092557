"""Stored tensors of a graph: their type, their shape, and where their numbers lie."""

from __future__ import annotations

import math
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BundleError
from core.names import readable
from core.onnx.parts import ASK, EXPORT, check_parts, shown

if TYPE_CHECKING:
    from onnx import TensorProto

MAX_INLINE_BYTES = 1_000_000  # of one tensor that is stored in the graph itself
MAX_AXES = 8
MAX_NUMBERS = 1 << 30


def check_tensor(
    tensor: TensorProto, folder: Path, files: Collection[str], most_inline: int = MAX_INLINE_BYTES
) -> None:
    """Check one stored tensor: its type, its shape, and that its data have just that size and lie where they may.

    Args:
        tensor: the tensor.
        folder: the graph's folder.
        files: names of the files in it that may hold weights.
        most_inline: how many bytes may lie in the graph itself.

    Raises:
        BundleError: if it is not so.
    """
    import onnx
    from onnx import TensorProto, helper

    check_parts(tensor)
    name = shown(tensor.name)
    kinds = (
        *(TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE, TensorProto.BOOL),
        *(TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64),
    )
    if tensor.data_type not in kinds:
        raise BundleError(f"The weight {name} has a type of number that is not allowed.", remedy=EXPORT)
    dims = list(tensor.dims)
    if len(dims) > MAX_AXES or any(length < 0 for length in dims) or math.prod(dims) > MAX_NUMBERS:
        raise BundleError(f"The weight {name} has an impossible shape, {dims[:9]}.", remedy=ASK)
    expected = math.prod(dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    if tensor.data_location == TensorProto.EXTERNAL:
        _check_external(tensor, expected, folder, files)
        return
    if tensor.external_data:
        raise BundleError(f"The weight {name} is stored in two places.", remedy=ASK)
    found = len(tensor.raw_data)
    if not found and math.prod(dims):
        with suppress(ValueError, TypeError, OverflowError):  # it is checked below
            found = onnx.numpy_helper.to_array(tensor).nbytes if _listed(tensor) == math.prod(dims) else 0
    if found != expected:
        raise BundleError(f"The weight {name} has {found:,} bytes where its shape needs {expected:,}.", remedy=ASK)
    if found > most_inline:
        raise BundleError(
            f"The weight {name} is stored in the graph and has {found:,} bytes.",
            remedy="Import it, which puts the weights into a file of their own.",
        )


def _listed(tensor: TensorProto) -> int:
    """Return how many numbers a tensor without raw data lists."""
    return max(len(tensor.float_data), len(tensor.int32_data), len(tensor.int64_data), len(tensor.double_data))


def _check_external(tensor: TensorProto, expected: int, folder: Path, files: Collection[str]) -> None:
    name = shown(tensor.name)
    for entry in tensor.external_data:
        check_parts(entry)
    where = {entry.key: entry.value for entry in tensor.external_data}
    location = where.get("location", "")
    if len(where) != len(tensor.external_data) or where.keys() - {"location", "offset", "length", "checksum"}:
        raise BundleError(f"The weight {name} states its place in an unknown way.", remedy=ASK)
    if tensor.raw_data or _listed(tensor):
        raise BundleError(f"The weight {name} is stored in two places.", remedy=ASK)
    if location not in files:  # whole names only: no path can leave the folder
        raise BundleError(
            f"The weight {name} lies in {shown(location)}, which is not a file of the model.",
            remedy=f"Weights may lie in {' or '.join(sorted(files)) or 'the graph'} only.",
        )
    try:
        about = (folder / location).lstat()
    except OSError as cause:
        raise BundleError(
            f"The weight {name} lies in {readable(location)}, which can't be read ({cause.strerror}).",
            remedy="Put the file beside the graph.",
        ) from cause
    if not stat.S_ISREG(about.st_mode):
        raise BundleError(
            f"{readable(location)} beside the graph is not a file but a link, folder or device.", remedy=ASK
        )
    numbers = [where.get("offset", "0"), where.get("length", str(expected))]
    if not all(number.isascii() and number.isdecimal() and len(number) < 16 for number in numbers):
        raise BundleError(f"The weight {name} states an impossible place in its file.", remedy=ASK)
    offset, length = map(int, numbers)
    if length != expected or offset + length > about.st_size:
        raise BundleError(
            f"The weight {name} takes bytes {offset:,} to {offset + length:,} of a file of {about.st_size:,}; its "
            f"shape needs {expected:,}.",
            remedy="The weights belong to another graph: get both files again.",
        )
