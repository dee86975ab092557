"""What tests of models share."""

import numpy as np
import pytest

from core.system.paths import user_weights
from core.uncertainty.novelty import NoveltyGate, View
from core.uncertainty.thumbnail import EXPOSURE_SIZE, LAYOUT_SIZE


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Data of a user of this test's own."""
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    return user_weights()


@pytest.fixture
def gate():
    random = np.random.default_rng(0)
    likeness = View(random.normal(size=(3, LAYOUT_SIZE)), 0.5, random.normal(size=(2, LAYOUT_SIZE)), 0.4)
    mean, matrix = random.normal(size=EXPOSURE_SIZE), random.normal(size=(EXPOSURE_SIZE, 4))
    return NoveltyGate(likeness, View(random.normal(size=(3, 4)), 0.7, random.normal(size=(2, 4)), 0.4, mean, matrix))
