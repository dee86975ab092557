"""Fixtures of the window's tests: a window with real models, and a watch over threads and timers left behind."""

import faulthandler
import os
import threading

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QApplication

from core.images.demo import demonstration_radiograph
from gui.common import theme
from gui.common.threads import Background
from tests.gui.driving import PATIENCE, all_done, settled


@pytest.fixture(autouse=True)
def nothing_left_behind(request):
    """Fail a test that leaves a thread or a running timer behind, and name it."""
    if "qtbot" not in request.fixturenames:
        yield
        return
    threads = set(threading.enumerate())
    started = []
    original = QThread.start

    def start(self, *arguments):
        started.append((self, self.objectName() or type(self).__name__))
        return original(self, *arguments)

    QThread.start = start
    yield
    QThread.start = original
    left = [name for thread, name in started if _is_running(thread)]
    left += [thread.name for thread in set(threading.enumerate()) - threads if not thread.daemon]
    app = QApplication.instance()
    for widget in app.topLevelWidgets():
        left += [f"timer of {widget}" for timer in widget.findChildren(QTimer) if timer.isActive()]
    if left:
        faulthandler.dump_traceback(all_threads=True)
        pytest.fail(f"left running: {', '.join(left)}")


def _is_running(thread):
    try:
        return thread.isRunning()
    except RuntimeError:  # deleted by Qt
        return False


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """A user's data folder of the test's own."""
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def make_window(qtbot, own_data):
    """Returns a function that opens a window; all are closed at the end."""
    from gui.settings.preferences import Preferences, store, write_preferences
    from gui.window.main_window import MainWindow

    made = []

    def make(paths=(), cam="fast", **preferences):
        settings = store()
        write_preferences(settings, Preferences(cam=cam, **preferences))
        settings.sync()
        window = MainWindow()
        qtbot.addWidget(window)
        theme.apply(QApplication.instance(), "dark")
        window.resize(1280, 800)
        window.show()
        window.begin(list(paths))
        made.append(window)
        return window

    yield make
    for window in made:
        window.close()
        assert window.engine.close(PATIENCE)
        assert window.recorder.close(PATIENCE)  # on a busy machine the window does not wait for so long
        assert all(job.wait(PATIENCE) for job in window.findChildren(Background))


@pytest.fixture
def analysed(qtbot, make_window):
    """A window with the demonstration radiograph, answered without heat maps, which would take seconds."""
    window = make_window(cam="none")
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE) as done:
        window.open_paths([demonstration_radiograph()])
    assert done.args == [True]
    return window


@pytest.fixture(scope="session")
def png():
    """Writes the demonstration radiograph, made small, as PNG."""
    from PIL import Image

    from core.images.preprocessing import resize
    from core.images.reader import read_image

    picture = resize(read_image(demonstration_radiograph()).displayed(), 256, 240)

    def write(path, flipped=False):
        values = picture[:, ::-1] if flipped else picture
        Image.fromarray(np.rint(values * 255).astype(np.uint8)).save(path)

    return write


@pytest.fixture
def two(tmp_path, png):
    """Two pictures of a radiograph, alone in a folder."""
    paths = [tmp_path / "images" / name for name in ("a.png", "b.png")]
    paths[0].parent.mkdir()
    png(paths[0])
    png(paths[1], flipped=True)
    return paths


@pytest.fixture
def window(make_window, qtbot, two):
    """A window with both pictures analysed and the first of them on screen."""
    made = make_window(cam="none")
    assert settled(made, qtbot, lambda: made.open_paths([two[0].parent]))
    made.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(all_done(made), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not made.controller.batch_running, timeout=PATIENCE)  # said after the last answer
    assert made.controller.path == two[0]
    made.activateWindow()
    return made
