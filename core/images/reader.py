"""Open an image file, recognised by its content, or say why it can't be opened."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.errors import ImageError
from core.images.medical_image import MedicalImage
from core.system.output_names import is_own_output
from core.system.suppress_warnings import without_warnings
from core.system.system_files import is_system_file, is_system_folder

MAX_FILE_BYTES = 1 << 30
OPENED = ("PNG", "JPEG", "JPEG 2000", "JPEG XL", "WebP", "TIFF", "BMP", "DICOM")
SUPPORTED = f"Twinlens opens {', '.join(OPENED[:-1])} and {OPENED[-1]} images."
HEAD_BYTES = 4096


def read_image(path: str | Path, *, with_identity: bool = False, frame: int = 0) -> MedicalImage:
    """Open an image.

    Args:
        path: the file, whatever its name ends in.
        with_identity: whether a DICOM file's patient identity is read as well.
        frame: which frame of a DICOM file, the first being 0.

    Raises:
        ImageError: if it can't be opened, naming the file, the reason and what to do.
    """
    path = Path(path)
    data = _read_bytes(path)
    kind = recognise(data[:HEAD_BYTES])
    if kind is None:
        raise ImageError(f"This is not an image. {SUPPORTED}", path=path)
    if kind not in OPENED:
        raise ImageError(
            f"This is {_article(kind)} {kind} file. {SUPPORTED}", path=path, remedy="Export it as one of these."
        )
    from core.images.dicom import read_dicom
    from core.images.raster import read_raster

    digest = hashlib.sha256(data).hexdigest()
    try:
        with without_warnings():
            if kind == "DICOM":
                return read_dicom(data, path, digest, with_identity=with_identity, frame=frame)
            return read_raster(data, path, digest, kind)
    except ImageError:
        raise
    except MemoryError as cause:
        raise ImageError(
            "There is not enough memory to open this image.", path=path, remedy="Close other programs."
        ) from cause
    except Exception as cause:  # decoders raise many kinds on a damaged file
        raise ImageError(
            f"The {kind} file is damaged and can't be decoded ({type(cause).__name__}).",
            path=path,
            remedy="Get the file again from where it came from.",
        ) from cause


def recognise(head: bytes) -> str | None:
    """Return what a file is by its first bytes, e.g. ``PNG`` or ``PDF``, or None if it is nothing known."""
    if head[128:132] == b"DICM":
        return "DICOM"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "WebP", b"AVI ": "video"}.get(head[8:12], "RIFF")
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video")
    if head[344:347] in (b"n+1", b"ni1"):
        return "NIfTI"
    if head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace():
        return "PGM or PPM"
    if head[:2] == b"BM" and len(head) >= 18 and head[14:18] in _BMP_HEADERS:
        return "BMP"
    return "DICOM" if _begins_as_data_set(head) else None


def _begins_as_data_set(head: bytes) -> bool:
    """Return whether these bytes look like a DICOM data set that came without the 128-byte preamble.

    It begins with a low element of group 0002 or 0008: its tag, then two capitals (explicit) or a small length
    (implicit, which is little-endian always).
    """
    explicit = len(head) > 16 and head[4:6].isalpha() and head[4:6].isupper()
    if explicit and head[:3] in (b"\x00\x02\x00", b"\x00\x08\x00"):
        return True
    if head[:2] not in (b"\x02\x00", b"\x08\x00") or int.from_bytes(head[2:4], "little") > 0x0100:
        return False
    return explicit or (len(head) > 16 and 0 < int.from_bytes(head[4:8], "little") <= 64)


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff\xf7", "JPEG-LS"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"8BPS", "Photoshop"),
    (b"NRRD", "NRRD"),
    (b"\x93NUMPY", "NumPy"),
    (b"\x89HDF", "HDF5"),
    (b"v/1\x01", "OpenEXR"),
    (b"PK\x03\x04", "ZIP"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "RAR"),
    (b"\x1f\x8b", "gzip"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"\x00\x00\x01\xba", "video"),
    (b"\x00\x00\x01\xb3", "video"),
)
# brands of the container that HEIF, AVIF, camera raw and video share
_BRANDS = dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"), "HEIF"
)
_BRANDS |= {b"avif": "AVIF", b"avis": "AVIF", b"crx ": "camera raw (CR3)"}


def _article(kind: str) -> str:
    return "an" if kind.startswith(("AVIF", "HDF5", "NRRD", "OpenEXR")) else "a"


_BMP_HEADERS = tuple(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))


def find_images(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the images that paths name: a file as it is, a folder's images at any depth, sorted by name.

    In folders, what is hidden or made by the system (:mod:`core.system.system_files`), files that are no image by their
    first bytes, and pictures that Twinlens wrote itself are skipped; links to folders are not followed. A file or
    folder that can't be read is yielded, so that opening it raises the reason.
    """
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a folder above may not be entered
            yield path
            continue
        closed: list[OSError] = []
        for folder, subfolders, names in os.walk(path, onerror=closed.append):
            subfolders[:] = sorted(name for name in subfolders if not is_system_folder(name))
            for name in sorted(names):
                file = Path(folder) / name
                if not is_system_file(name) and _looks_like_image(file):
                    yield file
        yield from (Path(error.filename) for error in closed)


def _looks_like_image(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return recognise(file.read(HEAD_BYTES)) in OPENED and not is_own_output(path)
    except FileNotFoundError:  # gone meanwhile, or a link that leads nowhere
        return False
    except OSError:
        return True


def _read_bytes(path: Path) -> bytes:
    """Read a regular file of bounded size; pipes and devices are rejected before they are opened, so nothing hangs."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(path):  # raises where it may not be opened
                pass
            raise ImageError("This is a folder, not an image.", path=path, remedy="Choose the images in it.")
        if not stat.S_ISREG(found.st_mode):
            raise ImageError("This is not a regular file.", path=path, remedy="Choose an image file.")
        if found.st_size == 0:
            raise ImageError("The file is empty.", path=path, remedy="Get the file again from where it came from.")
        if found.st_size > MAX_FILE_BYTES:
            raise ImageError(
                f"The file is larger than {MAX_FILE_BYTES >> 30} GiB.", path=path, remedy="Export a smaller image."
            )
        return path.read_bytes()
    except FileNotFoundError as cause:
        raise ImageError("There is no such file.", path=path, remedy="Check the name.") from cause
    except PermissionError as cause:
        raise ImageError(
            "You have no permission to read this file or folder.", path=path, remedy="Ask its owner."
        ) from cause
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or str(cause)
        raise ImageError(
            f"The file can't be read ({reason}).", path=path, remedy="Check the disk or the name."
        ) from cause
