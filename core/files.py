"""Files that appear under their name only when all of them has been written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from core.errors import WriteError


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file that appears under its name only when all of it has been written.

    Raises:
        WriteError: if it can't be written, e.g. because the disk is full; what was there before stays.
    """
    with _beside(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        yield file


@contextmanager
def bytes_written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that appears under its name only when all of it has been written.

    Raises:
        WriteError: if it can't be written, e.g. because the disk is full; what was there before stays.
    """
    with _beside(path) as part, part.open("wb") as file:
        yield cast(BinaryIO, file)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    part = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except BrokenPipeError:
        raise
    except OSError as cause:
        raise cannot_write(path, cause) from cause
    finally:
        part.unlink(missing_ok=True)


def make_folder(path: Path) -> Path:
    """Make a folder, with those above it, unless it is there.

    Raises:
        WriteError: if it can't be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise cannot_write(path, cause) from cause
    return path


def cannot_write(path: Path, cause: OSError) -> WriteError:
    """Return the error for a person that an operating system's error means for writing this file."""
    if cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return WriteError("The disk is full.", path=path, remedy="Free some space or choose another disk.")
    if cause.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WriteError("You may not write here.", path=path, remedy="Choose another folder.")
    if cause.errno in (errno.ENOENT, errno.ENOTDIR):
        return WriteError("The folder does not exist.", path=path, remedy="Make it or choose another one.")
    if cause.errno == errno.EISDIR:
        return WriteError("This is a folder.", path=path, remedy="Give the name of a file.")
    return WriteError(f"It can't be written ({cause.strerror or cause}).", path=path, remedy="Choose another place.")
