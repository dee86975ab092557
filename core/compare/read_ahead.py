"""Files read ahead of their use: on several threads, in their order, and never more of them than memory bears."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Generic, TypeVar

from core.system.cpu_count import usable_cores

Read = TypeVar("Read")

MOST_BYTES = 256 << 20  # of what has been read and is still held
MOST_READERS = 4
LARGE_FILE = 16 << 20  # bytes from which on one file is decoded at a time: decoding takes a multiple of the pixels


class ReadAhead(Generic[Read]):
    """Reads files ahead; iterate over it once, in one thread.

    Args:
        read: reads a file, in any thread; an error that it raises stands in the file's place.
        paths: the files; asked for one more whenever there is room.
        size: bytes that something read holds until it is released.
        most: how many files are read ahead, at least 1.
        most_bytes: once so much is held, only the file that is waited for is read.
    """

    def __init__(
        self,
        read: Callable[[Path], Read],
        paths: Iterable[Path],
        size: Callable[[Read], int],
        *,
        most: int,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._read, self._paths, self._size = read, paths, size
        self._most, self._most_bytes = most, most_bytes
        self._changed = threading.Condition()
        self._large = threading.Lock()
        self._held = 0  # bytes
        self._awaited = 0  # number of the file that is waited for
        self._stopped = False

    def __iter__(self) -> Iterator[tuple[Path, Read | Exception]]:
        numbered = enumerate(self._paths)
        reading: deque[tuple[int, Path, Future[Read]]] = deque()
        with ThreadPoolExecutor(min(MOST_READERS, max(2, usable_cores())), "reading") as pool:
            try:
                while True:
                    while len(reading) < self._most and (following := next(numbered, None)) is not None:
                        reading.append((*following, pool.submit(self._one, *following)))
                    if not reading:
                        return
                    number, path, future = reading.popleft()
                    with self._changed:
                        self._awaited = number
                        self._changed.notify_all()
                    found = _outcome(future)
                    yield path, found
            finally:
                self.stop()

    def release(self, read: Read) -> None:
        """Let go of the memory of something that was read."""
        with self._changed:
            self._held -= self._size(read)
            self._changed.notify_all()

    def stop(self) -> None:
        """Read no further file; those being read are finished, and those waiting have an InterruptedError."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _one(self, number: int, path: Path) -> Read:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._held < self._most_bytes or number == self._awaited,
            )
            if self._stopped:
                raise InterruptedError
        with self._large if _file_size(path) >= LARGE_FILE else nullcontext():
            found = self._read(path)
        with self._changed:
            self._held += self._size(found)
        return found


def _outcome(future: Future[Read]) -> Read | Exception:
    """Wait for a file, and return what was read or why nothing was."""
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001 - handed over
        return error


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it states what is wrong
