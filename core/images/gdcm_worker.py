"""GDCM and imagecodecs in a process of their own: a damaged file can make GDCM end the whole process.

A question is what a picture's header says, and its encapsulated pixel data. An answer is an array as NumPy saves it, or
empty where it can't be decoded.
"""

from __future__ import annotations

import io
import sys
import time
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from core.images.jpeg_header import JPEG_START
from core.system import worker_process
from core.system.worker_process import HelperProcess, HelperStoppedError

SECONDS = 120  # for one image; the largest that are opened take some ten seconds
MEMORY_BYTES = 8 << 30  # address space of the process, where the system can bound it

helper = HelperProcess("decode")


class DecoderFailedError(Exception):
    """The decoder can't decode this, or has gone down over it."""


def decode(decoder: str, syntax: UID, pixel_data: bytes, header: dict[str, Any]) -> npt.NDArray[Any]:
    """Return the one frame of encapsulated pixel data, shape (H, W) or (H, W, 3) RGB.

    Args:
        decoder: ``gdcm`` or ``imagecodecs``.
        syntax: the transfer syntax to decode it as.
        pixel_data: the value of the Pixel Data element.
        header: pydicom's decoding options for it, e.g. ``rows``.

    Raises:
        DecoderFailedError: if it can't be decoded.
    """
    most = 4096 + 8 * header["rows"] * header["columns"] * header["samples_per_pixel"]
    end = time.monotonic() + SECONDS
    try:
        answer = helper.ask(
            {"decoder": decoder, "syntax": str(syntax), **header}, pixel_data, most, lambda: time.monotonic() > end
        )
    except HelperStoppedError as cause:
        raise DecoderFailedError("The decoder stopped.") from cause
    if not answer:
        raise DecoderFailedError("The decoder refuses it.")
    decoded: npt.NDArray[Any] = np.load(io.BytesIO(answer), allow_pickle=False)
    return decoded


def serve() -> None:
    """Answer questions on standard input until it is closed."""
    _bound_memory()
    worker_process.serve(_answer)


def _answer(header: dict[str, Any], pixel_data: bytes) -> bytes:
    stream = io.BytesIO()
    try:
        decoder, syntax = header.pop("decoder"), UID(header.pop("syntax"))
        if decoder == "gdcm":
            found = get_decoder(syntax).as_array(pixel_data, index=0, decoding_plugin=decoder, **header)[0]
        else:
            found = _by_imagecodecs(get_frame(pixel_data, 0, number_of_frames=1))
        np.save(stream, found, allow_pickle=False)
    except Exception:  # noqa: BLE001 - whatever it is, the picture can't be decoded
        return b""
    return stream.getvalue()


def _by_imagecodecs(stream: bytes) -> npt.NDArray[Any]:
    import imagecodecs

    if stream.startswith(JPEG_START):
        return np.asarray(imagecodecs.jpeg_decode(stream))
    return np.asarray(imagecodecs.jpegxl_decode(stream))


def _bound_memory() -> None:
    if sys.platform != "win32":
        import resource

        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, MEMORY_BYTES)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
