"""Where Twinlens keeps things on this machine: the package's own assets, the user's data and the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def package_weights() -> Path:
    """Return the folder of the bundles that come with the program."""
    return Path(__file__).resolve().parent.parent / "assets" / "weights"


def package_fonts() -> Path:
    """Return the folder of the fonts that are embedded in reports."""
    return Path(__file__).resolve().parent.parent / "assets" / "fonts"


def data_folder() -> Path:
    """Return the user's data folder; ``TWINLENS_DATA`` overrides it."""
    return Path(os.environ.get("TWINLENS_DATA") or platformdirs.user_data_dir("twinlens", appauthor=False))


def user_weights() -> Path:
    """Return the folder of the bundles that the user imported or trained."""
    return data_folder() / "weights"


def cache_folder() -> Path:
    """Return the folder of things that can be made again; ``TWINLENS_CACHE`` overrides it."""
    return Path(os.environ.get("TWINLENS_CACHE") or platformdirs.user_cache_dir("twinlens", appauthor=False))
