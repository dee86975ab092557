"""Fixtures of the training window's tests."""

import sys

import pytest
from tiny_training import tiny_recipe

from gui.settings.preferences import store
from gui.training import process
from gui.training.process import running_in
from gui.training.window import TrainingWindow
from tests.gui.comparison_samples import dispose
from tests.gui.training.driving import FAKE, prepare
from training.recipe import to_toml


@pytest.fixture(autouse=True)
def no_process_left():
    """Lets go of runs that were left to themselves, and which the tests have ended."""
    yield
    for left in process._left:
        left.waitForFinished(5000)
    process._left.clear()


@pytest.fixture
def fake(monkeypatch):
    """Puts a process in the place of the training module that only behaves like it; returns how to choose the way."""
    monkeypatch.setattr(process, "own_command", lambda _package, *words: [sys.executable, str(FAKE), *words])
    # a script's own folder comes first, and tests/ has folders by the names of the packages
    monkeypatch.setenv("PYTHONPATH", str(FAKE.parent.parent))
    return lambda how: monkeypatch.setenv("TWINLENS_FAKE", how)


@pytest.fixture
def make_training(qtbot, own_data, monkeypatch):
    """Returns a function that opens a training window; runs are ended at the end."""
    made = []

    def make():
        window = TrainingWindow(store())  # not given to qtbot, which would close it before its run is ended
        window.show()
        made.append(window)
        return window

    yield make
    for window in made:
        process = running_in(window.setup.plan.out)
        monkeypatch.setattr(window, "ask", lambda: "go on")
        window.let_go()
        window.close()
        dispose(window)
        if process is not None:
            process.kill()


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(to_toml(tiny_recipe(optim__epochs=3)))
    return path


@pytest.fixture
def prepared(make_training, fake, recipe_file, tmp_path, qtbot):
    """A window in which everything is chosen."""
    window = make_training()
    return prepare(window, recipe_file, tmp_path / "data", tmp_path / "run", qtbot)
