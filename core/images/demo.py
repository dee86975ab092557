"""The demonstration input: a real chest radiograph that the package ``pydicom-data`` brings along."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from core.errors import ImageError

CHEST = "RG1_UNCR.dcm"


def demonstration_radiograph() -> Path:
    """Return the path of the chest radiograph (CR, MONOCHROME1, an adult, full of large round masses).

    Raises:
        ImageError: if the package is not installed.
    """
    return _sample(CHEST)


def _sample(name: str) -> Path:
    package = importlib.util.find_spec("data_store")
    folders = [] if package is None else list(package.submodule_search_locations or ())
    for folder in folders:
        path = Path(folder) / "data" / name
        if path.is_file():
            return path
    raise ImageError(
        f"The demonstration image {name} is not installed.", remedy="Install the package pydicom-data with pip."
    )
