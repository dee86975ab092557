"""What lies in a data set's folder: its files, and what is no part of it, with the reason."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.images.reader import HEAD_BYTES, recognise
from training.data.dataset import LeftOut

# reasons for which a file is no sample
HIDDEN = "hidden, or made by the system"
OUTPUT = "written by Twinlens, as a run, a model, a report or an export"
NO_IMAGE = "no image"
CLOSED = "a folder that can't be opened"
AGAIN = "a link to a folder that is read already"

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom", ".webp", ".gif", ".jp2", ".j2k", ".jxl",
    ".heic", ".heif", ".avif",
)  # fmt: skip
NO_IMAGES = ("PDF", "ZIP", "gzip", "video", "RIFF")  # what ``recognise`` returns beside images
SYSTEM_FOLDERS = {
    "__macosx", "__pycache__", "@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin",
    "system volume information", "lost+found",
}  # fmt: skip
SYSTEM_FILES = {"thumbs.db", "desktop.ini", "dicomdir"}
OWN_FOLDERS = ({"recipe.toml", "environment.json"}, {"card.json", "weights.safetensors"})  # a run, a bundle
# exported pictures beside their record, plots beside their page
OWN_FILES = re.compile(
    r"(?P<picture>\d{4}.*)-(teacher|student)(-legend)?\.(png|tiff)|(?P<plot>.+)-(reliability|confusion|curves|parts)\..+"
)
OWN_MARKS = {"PNG": b'"image_sha256"', "DICOM": b"Twinlens"}  # what stands in the head of pictures and DICOM results


@dataclass(frozen=True)
class Listing:
    """The files of a folder at any depth.

    Attributes:
        folder: the folder.
        files: what may be part of a data set, sorted.
        left_out: what is not, whatever the layout.
    """

    folder: Path
    files: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def images(self) -> tuple[Path, ...]:
        """The files that are images by their content or name.

        One that Twinlens can't open, being damaged or of another format, is among them, so that it is reported and
        counted as unreadable.
        """
        return self._sorted[0]

    @property
    def others(self) -> tuple[LeftOut, ...]:
        """The files that are no images."""
        return self._sorted[1]

    @cached_property
    def _sorted(self) -> tuple[tuple[Path, ...], tuple[LeftOut, ...]]:
        return sort_out(self.files)


def sort_out(files: Iterable[Path]) -> tuple[tuple[Path, ...], tuple[LeftOut, ...]]:
    """Return which files are images by their content or name, and the others."""
    images: list[Path] = []
    others: list[LeftOut] = []
    for file in files:
        reason = _no_image(file)
        if reason:
            others.append(LeftOut(file, reason))
        else:
            images.append(file)
    return tuple(images), tuple(others)


def list_files(folder: Path) -> Listing:
    """List a folder at any depth. Links to folders are followed, each folder is read once."""
    files: list[Path] = []
    left_out: list[LeftOut] = []
    seen: set[str] = set()

    def closed(error: OSError) -> None:
        left_out.append(LeftOut(Path(os.fsdecode(error.filename)), CLOSED))

    for where, folders, names in os.walk(folder, onerror=closed, followlinks=True):
        here, real = Path(where), os.path.realpath(where)
        is_own = here != folder and any(own <= set(names) for own in OWN_FOLDERS)
        if real in seen or is_own:
            left_out.append(LeftOut(here, AGAIN) if real in seen else _whole(here, OUTPUT))
            folders.clear()
            continue
        seen.add(real)
        left_out += [_whole(here / name, HIDDEN) for name in sorted(folders) if _is_hidden(name, SYSTEM_FOLDERS)]
        folders[:] = sorted(name for name in folders if not _is_hidden(name, SYSTEM_FOLDERS))
        beside = set(names)
        for name in sorted(names):
            if _is_hidden(name, SYSTEM_FILES):
                left_out.append(LeftOut(here / name, HIDDEN))
            elif _is_own(name, beside):
                left_out.append(LeftOut(here / name, OUTPUT))
            else:
                files.append(here / name)
    return Listing(folder, tuple(sorted(files)), tuple(left_out))


def _no_image(file: Path) -> str:
    """Return why a file is no image, or an empty string if it is one."""
    head = b""
    try:
        if stat.S_ISREG(file.stat().st_mode):
            with file.open("rb") as opened:
                head = opened.read(HEAD_BYTES)
    except OSError:
        pass  # recognised by its name: one that can't be read must be reported as such
    kind = recognise(head)
    if kind in OWN_MARKS and OWN_MARKS[kind] in head:
        return OUTPUT
    is_image = kind not in NO_IMAGES if kind is not None else file.suffix.lower() in SUFFIXES
    return "" if is_image or file.suffix.lower() in SUFFIXES else NO_IMAGE


def _is_hidden(name: str, system: set[str]) -> bool:
    return name.startswith(".") or name.lower() in system


def _is_own(name: str, beside: set[str]) -> bool:
    found = OWN_FILES.fullmatch(name)
    if found is None:
        return False
    return f"{found['picture']}.json" in beside if found["picture"] else f"{found['plot']}.md" in beside


def _whole(folder: Path, reason: str) -> LeftOut:
    return LeftOut(folder, reason, sum(len(names) for _where, _folders, names in os.walk(folder)))
