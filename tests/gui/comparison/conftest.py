"""A comparison view with a picture and models."""

import numpy as np
import pytest
from task_samples import CHEST_XRAY

from gui.common import theme
from gui.comparison.view import ComparisonView
from gui.engine.image_pyramid import ScreenPicture
from tests.gui.comparison_samples import agreeing, dispose, picture


@pytest.fixture
def view(qapp):
    theme.apply(qapp, "dark")
    made = ComparisonView()
    made.resize(1000, 700)
    made.show()
    made.panel.resize(220, 700)
    made.panel.show()
    found = agreeing()
    made.set_models(CHEST_XRAY, found.teacher.bundle, found.student.bundle)
    made.show_picture(ScreenPicture(picture(np.tile(np.arange(256, dtype=np.uint8), (300, 1)))))
    yield made
    dispose(made.panel)
    dispose(made)
