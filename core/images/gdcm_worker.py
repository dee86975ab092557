"""GDCM and imagecodecs in a process of their own: a damaged file can crash the process in which GDCM decodes it.

A request is a ``_Request`` as JSON, and the encapsulated pixel data. A reply is an array as NumPy saves it, or
empty where the data can't be decoded.
"""

from __future__ import annotations

import io
import json
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np
from pydantic import TypeAdapter
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from core.images.jpeg_header import JPEG_START
from core.images.medical_image import Pixels
from core.system import worker_process
from core.system.worker_process import WorkerProcess, WorkerStoppedError

SECONDS = 120  # for one image; the largest that are opened take some ten seconds
MEMORY_BYTES = 8 << 30  # address space of the process, where the system can bound it

worker = WorkerProcess("decode")


class DecoderFailedError(Exception):
    """The decoder can't decode this, or crashed."""


@dataclass(frozen=True)
class DecodingOptions:
    """What a decoder of pydicom needs of a frame, under pydicom's own names; see ``pydicom.pixels.DecodeRunner``."""

    rows: int
    columns: int
    samples_per_pixel: int
    photometric_interpretation: str
    planar_configuration: int
    pixel_representation: int
    bits_allocated: int
    bits_stored: int
    pixel_keyword: str
    pixel_vr: str
    number_of_frames: int = 1
    correct_unused_bits: bool = False
    apply_j2k_sign_correction: bool = False
    apply_jls_sign_correction: bool = False


@dataclass(frozen=True)
class _Request:
    """Which decoder, ``gdcm`` or ``imagecodecs``, decodes what."""

    decoder: str
    syntax: str
    options: DecodingOptions


def decode(decoder: str, syntax: UID, pixel_data: bytes, options: DecodingOptions) -> Pixels:
    """Return the one frame of encapsulated pixel data, shape (H, W) or (H, W, 3) RGB.

    Args:
        decoder: ``gdcm`` or ``imagecodecs``.
        syntax: the transfer syntax to decode it as.
        pixel_data: the value of the Pixel Data element.
        options: what its header states.

    Raises:
        DecoderFailedError: if it can't be decoded.
    """
    most = 4096 + 8 * options.rows * options.columns * options.samples_per_pixel
    end = time.monotonic() + SECONDS
    request = json.dumps(asdict(_Request(decoder, str(syntax), options)))
    try:
        reply = worker.ask(request, pixel_data, most, lambda: time.monotonic() > end)
    except WorkerStoppedError as cause:
        raise DecoderFailedError("The decoder stopped.") from cause
    if not reply:
        raise DecoderFailedError("The decoder can't decode it.")
    return np.asarray(np.load(io.BytesIO(reply), allow_pickle=False))


def serve() -> None:
    """Serve requests on standard input until it is closed."""
    _bound_memory()
    worker_process.serve(_reply)


def _reply(text: str, pixel_data: bytes) -> bytes:
    stream = io.BytesIO()
    try:
        np.save(stream, _decoded(TypeAdapter(_Request).validate_json(text), pixel_data), allow_pickle=False)
    except Exception:  # noqa: BLE001 - whatever it is, the image can't be decoded
        return b""
    return stream.getvalue()


def _decoded(request: _Request, pixel_data: bytes) -> Pixels:
    if request.decoder == "gdcm":
        decoder = get_decoder(UID(request.syntax))
        return decoder.as_array(pixel_data, index=0, decoding_plugin="gdcm", **asdict(request.options))[0]
    import imagecodecs

    stream = get_frame(pixel_data, 0, number_of_frames=1)
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
