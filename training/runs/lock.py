"""One process a run: a lock on its folder that ends with its process, however that ends, and who holds it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from core.errors import UsageError, WriteError
from core.system.atomic_files import cannot_write, make_folder
from training.runs.folder import RunFolder
from training.runs.records import Record, RunError, read_record

NOTE_SECONDS, POLL_SECONDS = 2.0, 0.02


class Owner(Record):
    """``process.json``: a process that works, or worked, in a run's folder.

    Attributes:
        pid: its number on its machine.
        created: when it began, in seconds since 1970; numbers of processes are used again.
        host: the machine's name.
        left: whether it has left the folder, though it may go on with something else.
    """

    pid: int
    created: float
    host: str
    left: bool = False

    def process(self) -> psutil.Process | None:
        """Return the process if it is at work on this machine, else None."""
        if self.left or self.host != platform.node():
            return None
        try:
            found = psutil.Process(self.pid)
            alive = found.is_running() and found.status() != psutil.STATUS_ZOMBIE
            return found if alive and abs(found.create_time() - self.created) < 1 else None
        except psutil.Error:
            return None


def read_owner(folder: RunFolder) -> Owner | None:
    """Return the process that worked in a folder last, whether or not it still does; None where none is noted."""
    try:
        return read_record(folder.process, Owner)
    except RunError:
        return None


@contextmanager
def owned(folder: RunFolder) -> Iterator[None]:
    """Own a run's folder, which is made where it is missing; the lock ends with this process, even if it is killed.

    Raises:
        UsageError: if another process owns it, or the disk has no locks.
        WriteError: if the folder can't be made or written to.
    """
    from filelock import FileLock, Timeout

    make_folder(folder.path)
    lock = FileLock(folder.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise taken(folder) from None
    except NotImplementedError as cause:
        raise UsageError(
            "This disk can't lock files, so that a second process could not be kept out.",
            path=folder.path,
            remedy="Choose a folder on another disk.",
        ) from cause
    except OSError as cause:
        raise cannot_write(folder.lock, cause) from cause
    owner = Owner(pid=os.getpid(), created=psutil.Process().create_time(), host=platform.node())
    try:
        folder.write_record(folder.process, owner)
        yield
    finally:
        with suppress(WriteError):
            folder.write_record(folder.process, owner.model_copy(update={"left": True}))
        lock.release()


def taken(folder: RunFolder) -> UsageError:
    """Return the error for a folder that another process owns."""
    end = time.monotonic() + NOTE_SECONDS
    while ((owner := read_owner(folder)) is None or owner.left) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)  # the process that has just taken the lock is about to note its number
    who = f"process {owner.pid} on {owner.host}" if owner is not None else "another process"
    return UsageError(
        f"This run is under way already, by {who}.",
        path=folder.path,
        remedy="Open it in the training window to follow it, stop it, or name another folder.",
    )
