"""Folders on this machine: the package's own assets, the user's data and the user's cache."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

from core.names import readable


def package_weights() -> Path:
    """Return the folder of the bundles that come with the program."""
    return Path(__file__).resolve().parents[2] / "assets" / "weights"


def package_tasks() -> Path:
    """Return the folder of the tasks that come with the program."""
    return Path(__file__).resolve().parents[2] / "assets" / "tasks"


def package_fonts() -> Path:
    """Return the folder of the fonts that are embedded in reports."""
    return Path(__file__).resolve().parents[2] / "assets" / "fonts"


def package_checklists() -> Path:
    """Return the folder of the checklists for reviewers that a card is laid beside."""
    return Path(__file__).resolve().parents[2] / "assets" / "checklists"


def package_icons() -> Path:
    """Return the folder of the program's icons."""
    return Path(__file__).resolve().parents[2] / "assets" / "icons"


def data_folder() -> Path:
    """Return the user's data folder; ``TWINLENS_DATA`` overrides it."""
    return Path(os.environ.get("TWINLENS_DATA") or platformdirs.user_data_dir("twinlens", appauthor=False))


def user_weights() -> Path:
    """Return the folder of the bundles that the user imported or trained."""
    return data_folder() / "weights"


def user_tasks() -> Path:
    """Return the folder of the user's own tasks."""
    return data_folder() / "tasks"


def cache_folder() -> Path:
    """Return the folder of things that can be made again; ``TWINLENS_CACHE`` overrides it.

    Where it can't be written, it is a temporary folder, for this process and those that it starts, which is removed at
    the end; :func:`cache_notice` then states it.
    """
    wanted = Path(os.environ.get("TWINLENS_CACHE") or platformdirs.user_cache_dir("twinlens", appauthor=False))
    problem = _why_not_writable(wanted)
    if not problem:
        return wanted
    temporary = Path(tempfile.mkdtemp(prefix="twinlens-cache-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    os.environ["TWINLENS_CACHE"] = str(temporary)
    _notices.append(
        f"{readable(wanted)}: The cache can't be written ({problem}). What it would hold is made again at each start. "
        "Check the folder, or name another one by TWINLENS_CACHE."
    )
    return temporary


def cache_notice() -> str:
    """Return what a person should know about the cache, once :func:`cache_folder` was asked for, or an empty string."""
    return " ".join(_notices)


def data_notice() -> str:
    """Return what a person should know if the user's data folder can't be written, or an empty string."""
    problem = _why_not_writable(data_folder())
    if not problem:
        return ""
    return (
        f"{readable(data_folder())}: No settings, session or history can be stored here ({problem}). Check the folder, "
        "or name another one by TWINLENS_DATA."
    )


_notices: list[str] = []


@cache
def _why_not_writable(folder: Path) -> str:
    """Return why a folder, or the nearest one above it that is there, can't be written, or an empty string."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    try:
        with tempfile.TemporaryFile(dir=there):
            return ""
    except OSError as cause:
        return cause.strerror or str(cause)
