"""Processes that serve requests: for what can crash the process that does it, or would block a window.

A worker is started when its first request comes and stays, since most of the time goes into its start. A request is
the sizes of two parts, then the parts: a text, and data. A reply is a size, then that many bytes.

Not ``multiprocessing``: its workers run the main script again, so that reading an image in a script without
``if __name__ == "__main__"`` fails; they can't be started within a ``multiprocessing.Pool``; and sending to one that
hangs blocks without a time limit.
"""

from __future__ import annotations

import atexit
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO

from core.system.subprocesses import own_command

REQUEST, REPLY = struct.Struct("<QQ"), struct.Struct("<Q")
POLL_SECONDS = 0.05


class WorkerStoppedError(Exception):
    """The process ended before it replied: by itself, for lack of time, or because the reply is not wanted."""


class WorkerProcess:
    """A hidden command of ``python -m core`` that runs :func:`serve`; one request at a time, from any thread.

    Args:
        command: its name.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self._lock = threading.RLock()
        self._running: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)

    @property
    def running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._running is not None and self._running.poll() is None

    def ask(self, text: str, data: bytes, most: int, unwanted: Callable[[], bool]) -> bytes:
        """Return the reply to a request.

        Args:
            text: the text of the request.
            data: its data.
            most: bytes that a reply can have.
            unwanted: called repeatedly; the process is ended when it returns True.

        Raises:
            WorkerStoppedError: if no reply came, or a longer one.
        """
        head = text.encode()
        while not self._lock.acquire(timeout=POLL_SECONDS):
            if unwanted():
                raise WorkerStoppedError
        try:
            return self._reply(REQUEST.pack(len(head), len(data)) + head + data, most, unwanted)
        finally:
            self._lock.release()

    def _reply(self, request: bytes, most: int, unwanted: Callable[[], bool]) -> bytes:
        process = self._started()
        replied, ended = threading.Event(), threading.Event()

        def guard() -> None:
            while not replied.wait(POLL_SECONDS):
                if unwanted():
                    process.kill()
                    ended.set()
                    return

        guarding = threading.Thread(target=guard, daemon=True)
        guarding.start()
        try:
            return _ask(process, request, most)
        except (OSError, EOFError) as cause:
            ended.set()
            raise WorkerStoppedError from cause
        finally:
            replied.set()
            guarding.join()
            if ended.is_set():
                self.stop()

    def stop(self) -> None:
        """End the process, if it runs; a waiting caller gets WorkerStoppedError, the next request starts another."""
        while not self._lock.acquire(timeout=POLL_SECONDS):  # whoever asks holds it, and may only be starting one
            if (process := self._running) is not None:
                process.kill()
        try:
            if self._running is not None:
                self._running.kill()
                self._running.communicate()
                self._running = None
        finally:
            self._lock.release()

    def _started(self) -> subprocess.Popen[bytes]:
        process = self._running
        if process is None or process.poll() is not None:
            self.stop()
            process = self._running = subprocess.Popen(  # noqa: S603 - our own command
                own_command("core", self._command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return process


def serve(reply: Callable[[str, bytes], bytes]) -> None:
    """Serve requests on standard input until it is closed; what libraries print is discarded.

    Args:
        reply: given the text and the data of a request, returns the reply.
    """
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    while head := requests.read(REQUEST.size):
        text, data = REQUEST.unpack(head)
        content = reply(requests.read(text).decode(), requests.read(data))
        replies.write(REPLY.pack(len(content)) + content)
        replies.flush()


def _ask(process: subprocess.Popen[bytes], request: bytes, most: int) -> bytes:
    """Return the reply.

    Raises:
        EOFError: if the process ends before it, or sends more than the limit.
        OSError: if it no longer reads.
    """
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(request)
    process.stdin.flush()
    (size,) = REPLY.unpack(_exactly(process.stdout, REPLY.size))
    if size > most:
        raise EOFError
    return _exactly(process.stdout, size)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
