"""A bundle from outside, a folder or a .zip: only the files that make up a bundle are copied, each of bounded size.

Nothing is extracted under a name that the archive gives, no link is followed, and nothing is run.
"""

from __future__ import annotations

import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from core.errors import BundleError
from core.models.bundle import CARD_FILE, FILE_LIMITS, WEIGHTS_FILE

PIECE = 1 << 20
MAX_ARCHIVE_BYTES = sum(FILE_LIMITS.values()) + 10_000_000
MAX_ENTRIES, MAX_DIRECTORY_BYTES = 1000, 1_000_000
END_RECORD, END_RECORD_64 = b"PK\x05\x06", b"PK\x06\x07"
END_RECORD_REACH = 22 + 20 + (1 << 16)  # a comment of up to 64 KiB may follow the record

CHOOSE = f"Choose a folder, or a .zip, that holds {CARD_FILE} and {WEIGHTS_FILE}."
REMEDY = "Ask whoever made the bundle for another copy."


def copy_bundle_files(source: Path, target: Path, names: tuple[str, ...] = tuple(FILE_LIMITS)) -> None:
    """Copy a bundle's files from a folder or .zip into an existing folder, down to the disk; others are skipped.

    Args:
        source: the folder, or an archive that holds one bundle, at its top or in a folder.
        target: where they go.
        names: which files to take, of ``FILE_LIMITS``; those that are missing are left out.

    Raises:
        BundleError: if one is a link, too large or unreadable, or the archive is damaged or made to do harm.
    """
    if source.is_dir():
        for name in names:
            if os.path.lexists(source / name):
                with _regular_file(source / name) as file:
                    _copy(file, target / name, FILE_LIMITS[name], source / name)
        return
    if not zipfile.is_zipfile(_existing(source)):
        raise BundleError("This is neither a folder nor a .zip.", path=source, remedy=CHOOSE)
    _check_end_record(source)
    try:
        with zipfile.ZipFile(source) as archive:
            for name, entry in _entries(archive, source).items():
                if name in names:
                    with archive.open(entry) as file:
                        _copy(file, target / name, FILE_LIMITS[name], source)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, struct.error) as cause:
        raise BundleError(f"The archive is damaged or encrypted ({cause}).", path=source, remedy=REMEDY) from cause


def _existing(source: Path) -> Path:
    try:
        found = source.stat()
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or cause
        raise BundleError(f"It can't be opened ({reason}).", path=source, remedy=CHOOSE) from cause
    if not stat.S_ISREG(found.st_mode):
        raise BundleError("This is neither a folder nor a file.", path=source, remedy=CHOOSE)
    if found.st_size > MAX_ARCHIVE_BYTES:
        raise BundleError("The archive is larger than a bundle can be.", path=source, remedy=CHOOSE)
    return source


@contextmanager
def _regular_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is no link, pipe or device: those could point outside, or reading would never end."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise BundleError("This is a link or a device, not a file.", path=path, remedy=REMEDY)
    try:
        file = path.open("rb")
    except OSError as cause:
        raise BundleError(
            f"It can't be read ({cause.strerror}).", path=path, remedy="Check who may read it."
        ) from cause
    with file:
        yield file


def _check_end_record(source: Path) -> None:
    """Refuse an archive whose list of contents would fill the memory (APPNOTE 4.3.16), before it is read."""
    with source.open("rb") as file:
        file.seek(max(0, source.stat().st_size - END_RECORD_REACH))
        tail = file.read()
    at = tail.rfind(END_RECORD)
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    if END_RECORD_64 in tail or size > MAX_DIRECTORY_BYTES:
        raise BundleError("The archive holds far more than a bundle.", path=source, remedy=REMEDY)


def _entries(archive: zipfile.ZipFile, source: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the entries that make up the archive's one bundle, by file name."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise BundleError("The archive holds far more than a bundle.", path=source, remedy=REMEDY)
    for entry in entries:
        place = PurePosixPath(entry.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in entry.filename:
            raise BundleError("The archive has files that point out of its folder.", path=source, remedy=REMEDY)
    cards = [entry for entry in entries if PurePosixPath(entry.filename).name == CARD_FILE]
    if len(cards) != 1:
        raise BundleError(f"The archive holds {len(cards)} bundles; one is needed.", path=source, remedy=CHOOSE)
    folder = PurePosixPath(cards[0].filename).parent
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        place = PurePosixPath(entry.filename)
        if place.parent != folder or place.name not in FILE_LIMITS or entry.is_dir():
            continue
        if place.name in found:
            raise BundleError(f"The archive holds {place.name} twice.", path=source, remedy=REMEDY)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BundleError(f"{place.name} is a link, not a file.", path=source, remedy=REMEDY)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError("The archive is compressed in an unusual way.", path=source, remedy="Zip it again.")
        found[place.name] = entry
    return found


def _copy(file: IO[bytes], target: Path, most: int, source: Path) -> None:
    """Copy at most so many bytes, whatever size was declared, and wait until they are on the disk."""
    size = 0
    with target.open("wb") as copy:
        while piece := file.read(PIECE):
            size += len(piece)
            if size > most:
                raise BundleError(
                    f"{target.name} is larger than {most / 1e6:.0f} MB.",
                    path=source,
                    remedy="This is not a Twinlens bundle.",
                )
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
