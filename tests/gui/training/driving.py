"""What a person does to the training window, and a stand-in for the training module."""

from pathlib import Path

import fake_training

PATIENCE = 120_000  # milliseconds; torch takes its time to load on busy cores
FAKE = Path(fake_training.__file__)


def prepare(window, recipe, data, run, qtbot):
    data.mkdir(exist_ok=True)
    window.setup.set_recipe_file(recipe)
    window.setup.data.setText(str(data))
    window.setup.out.setText(str(run))
    return window


def ended(window):
    return lambda: window._run is None or not window.running


def wait_for(qtbot, condition):
    qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE)
