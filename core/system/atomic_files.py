"""Files and folders that appear under their name only when all of them has been written."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from core.errors import TwinlensError, WriteError
from core.names import shortened

ASIDE = ".old"  # suffix of a folder while another takes its place
PART_BYTES = 180  # of a file's name in the name of its unfinished part: a file system allows 255 in all


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    r"""Open a UTF-8 text file that appears under its name only when all of it has been written.

    A lone surrogate, which is no text, is written as ``\udcNN``.

    Raises:
        WriteError: if it can't be written, e.g. because the disk is full; what was there before stays.
    """
    with _beside(path) as part, part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
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
    part = path.with_name(f".{shortened(path.name, PART_BYTES)}.{os.getpid()}.part")
    try:
        _check_name(path)
        yield part
        part.replace(path)
    except BrokenPipeError:
        raise
    except OSError as cause:
        raise cannot_write(path, cause) from cause
    finally:
        with suppress(OSError):  # an earlier error is the one to report
            part.unlink(missing_ok=True)


def _check_name(path: Path) -> None:
    """Raise the OSError of an impossible name now, not when all has been written."""
    try:
        path.lstat()
    except FileNotFoundError:
        return
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


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
    """Return the error for a person that corresponds to an operating system's error on writing this file."""
    problem, remedy = _WRITING.get(
        cause.errno or 0, (f"It can't be written ({cause.strerror or cause}).", "Choose another place.")
    )
    return WriteError(problem, path=path, remedy=remedy)


def system_error(cause: OSError) -> TwinlensError:
    """Return the error for a person that corresponds to an operating system's error."""
    place = cause.filename if isinstance(cause.filename, str | bytes | os.PathLike) else None
    problem, remedy = _ANYTHING.get(
        cause.errno or 0, (f"The system refused this ({cause.strerror or cause}).", "Check the disk and the folder.")
    )
    return TwinlensError(problem, path=None if place is None else os.fsdecode(place), remedy=remedy)


_FULL = "The disk is full.", "Free some space or choose another disk."
_LARGE = "The disk takes no file as large as this.", "Choose another disk."
_LONG = "The name is too long for this disk.", "Choose a shorter one."
_WRITING = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _LARGE,
    errno.ENAMETOOLONG: _LONG,
    errno.EACCES: ("You may not write here.", "Choose another folder."),
    errno.EPERM: ("You may not write here.", "Choose another folder."),
    errno.EROFS: ("You may not write here.", "Choose another folder."),
    errno.ENOENT: ("The folder does not exist.", "Make it or choose another one."),
    errno.ENOTDIR: ("The folder does not exist: a file is in its place.", "Choose another folder."),
    errno.EEXIST: ("A file is where the folder should be.", "Choose another folder."),
    errno.EISDIR: ("This is a folder.", "Give the name of a file."),
}
_ANYTHING = _WRITING | {
    errno.EACCES: ("You have no permission for this.", "Ask its owner, or choose another place."),
    errno.EPERM: ("You have no permission for this.", "Ask its owner, or choose another place."),
    errno.EROFS: ("This may not be written.", "Choose another place."),
    errno.ENOENT: ("This does not exist.", "Check the name."),
    errno.ENOTDIR: ("This is no folder.", "Check the name."),
}


def replace_folder(staged: Path, target: Path) -> None:
    """Move a complete folder to its place; the old one is removed when the new one is in place.

    Meanwhile the old one has another name, from which :func:`restore_folders` restores it if the machine goes down
    between the two moves.
    """
    aside = target.with_name(f".{target.name}{ASIDE}")
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
        target.replace(aside)
    try:
        staged.replace(target)
    except OSError:
        if aside.exists():
            aside.replace(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def restore_folders(parent: Path) -> None:
    """Restore the folders that :func:`replace_folder` had renamed when it was interrupted."""
    for aside in parent.glob(f".*{ASIDE}"):
        target = aside.with_name(aside.name[1:].removesuffix(ASIDE))
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            with suppress(OSError):  # another process was faster
                aside.replace(target)
