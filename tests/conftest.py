"""Fixtures that the whole suite shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["peak_memory", "slow_files"]

ROOT = Path(__file__).resolve().parent.parent

if "PYTEST_XDIST_WORKER" in os.environ:  # side by side, each has a core of its own
    os.environ["OMP_NUM_THREADS"] = "1"

settings.register_profile("twinlens", deadline=None)  # a busy machine is no defect
settings.load_profile("twinlens")


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the user's data and cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setenv("TWINLENS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real images and starting weights, which does not come with the repository."""
    folder = Path(os.environ.get("TWINLENS_SHARED") or ROOT.parent / "shared")
    if not (folder / "data" / "README.md").is_file():
        pytest.skip(f"no real images at {folder} (set TWINLENS_SHARED to the folder that holds data/)")
    return folder


@pytest.fixture(scope="session")
def shared_data(shared: Path) -> Path:
    """The folder with real images."""
    return shared / "data"
