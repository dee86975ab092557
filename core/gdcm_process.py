"""GDCM in a process of its own: a damaged file can make it end the whole process, or write beyond its memory.

The process is started when the first image needs it and kept, since most of the time goes into its start. A question
is the sizes of two parts, then the parts: what a picture's header says (JSON) and its encapsulated pixel data. An
answer is a size and an array as NumPy saves it, or the size zero where GDCM can't decode it.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import struct
import subprocess
import sys
import threading
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from core.process import own_command

SECONDS = 120  # for one image; the largest that are opened take some ten seconds
MEMORY_BYTES = 8 << 30  # address space of the process, where the system can bound it
QUESTION, ANSWER = struct.Struct("<QQ"), struct.Struct("<Q")

_lock = threading.Lock()
_running: subprocess.Popen[bytes] | None = None


class DecoderFailedError(Exception):
    """GDCM can't decode this, or has gone down over it."""


def decode(syntax: UID, pixel_data: bytes, header: dict[str, Any]) -> npt.NDArray[Any]:
    """Return the one frame of encapsulated pixel data, shape (H, W) or (H, W, 3) RGB.

    Args:
        syntax: its transfer syntax.
        pixel_data: the value of the Pixel Data element.
        header: pydicom's decoding options for it, e.g. ``rows``.

    Raises:
        DecoderFailedError: if it can't be decoded.
    """
    words = json.dumps({"syntax": str(syntax), **header}).encode()
    most = 4096 + 8 * header["rows"] * header["columns"] * header["samples_per_pixel"]
    with _lock:
        process = _process()
        guard = threading.Timer(SECONDS, process.kill)
        guard.start()
        try:
            answer = _ask(process, QUESTION.pack(len(words), len(pixel_data)) + words + pixel_data, most)
        except (OSError, EOFError) as cause:
            stop()
            raise DecoderFailedError("The decoder stopped.") from cause
        finally:
            guard.cancel()
            guard.join()
    if not answer:
        raise DecoderFailedError("The decoder refuses it.")
    decoded: npt.NDArray[Any] = np.load(io.BytesIO(answer), allow_pickle=False)
    return decoded


def stop() -> None:
    """End the process, if it runs; the next image starts another."""
    global _running  # noqa: PLW0603 - there is one for the whole program
    if _running is not None:
        _running.kill()
        _running.communicate()
        _running = None


def serve() -> None:
    """Answer questions on standard input until it is closed; what libraries write goes nowhere."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    _bound_memory()
    while head := questions.read(QUESTION.size):
        words, pixels = QUESTION.unpack(head)
        answer = _answer(json.loads(questions.read(words)), questions.read(pixels))
        answers.write(ANSWER.pack(len(answer)) + answer)
        answers.flush()


def _answer(header: dict[str, Any], pixel_data: bytes) -> bytes:
    stream = io.BytesIO()
    try:
        decoder = get_decoder(UID(header.pop("syntax")))
        np.save(stream, decoder.as_array(pixel_data, index=0, decoding_plugin="gdcm", **header)[0], allow_pickle=False)
    except Exception:  # noqa: BLE001 - whatever it is, the picture can't be decoded
        return b""
    return stream.getvalue()


def _bound_memory() -> None:
    if sys.platform != "win32":
        import resource

        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, MEMORY_BYTES)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _process() -> subprocess.Popen[bytes]:
    global _running  # noqa: PLW0603 - there is one for the whole program
    if _running is not None and _running.poll() is not None:
        stop()
    if _running is None:
        _running = subprocess.Popen(  # noqa: S603 - our own command
            own_command("core", "decode"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        atexit.register(stop)
    return _running


def _ask(process: subprocess.Popen[bytes], question: bytes, most: int) -> bytes:
    """Return the answer.

    Raises:
        EOFError: if the process ends before it, or answers more than can be.
        OSError: if it no longer listens.
    """
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(question)
    process.stdin.flush()
    (size,) = ANSWER.unpack(_exactly(process.stdout, ANSWER.size))
    if size > most:
        raise EOFError
    return _exactly(process.stdout, size)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
