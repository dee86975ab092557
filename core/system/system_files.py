"""Folders and files that systems make beside the user's own, and that hold no images of the user."""

from __future__ import annotations

_FOLDERS = {
    "__macosx", "__pycache__", "@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin",
    "system volume information", "lost+found",
}  # fmt: skip
_FILES = {"thumbs.db", "desktop.ini", "dicomdir"}


def is_system_folder(name: str) -> bool:
    """Return whether a folder is hidden, or made by the system: a NAS's previews, a Mac's archives, a recycle bin."""
    return name.startswith(".") or name.lower() in _FOLDERS


def is_system_file(name: str) -> bool:
    """Return whether a file is hidden, made by the system, or the list of a DICOM medium."""
    return name.startswith(".") or name.lower() in _FILES
