"""Windows on screens of several sizes, each in a process of its own, since Qt is told of its screens at the start."""

import json
import os
import subprocess
import sys

import pytest
from PySide6.QtGui import QStatusTipEvent
from PySide6.QtWidgets import QApplication

from gui.common import wording
from gui.window.main_window import MainWindow

SCRIPT = """
import json, sys
from PySide6.QtCore import QRect
from gui.window.app import make_application
from gui.common.placement import FRAME
app = make_application()
from gui.window.main_window import MainWindow
from gui.training.setup import TrainingSetup
from gui.common.about import AboutDialog

window = MainWindow()
window.apply_theme()
if sys.argv[1] != "first":  # as it was left on a second screen, which may have gone
    window.move(1400 if sys.argv[1] == "second" else 4000, 60)
    window.resize(1000, 600) if sys.argv[1] == "second" else window.resize(3000, 2000)
    window.settings.setValue("geometry", window.saveGeometry())
    window = MainWindow()
window.show()
app.processEvents()
dialog = AboutDialog(window)
free = app.screens()[sys.argv[1] == "second"].availableGeometry()
whole = QRect(window.pos(), window.size() + FRAME)
dialog_fits = dialog.width() <= free.width() and dialog.height() <= free.height()
print(json.dumps([free.contains(whole), dialog_fits, [*free.size().toTuple()], [*window.size().toTuple()]]))
"""


def opened(tmp_path, width, height, scale="1", how="first"):
    """Opens the window on a screen and returns what the script says."""
    file = tmp_path / "screens.json"
    screens = [{"name": "one", "x": 0, "y": 0, "width": width, "height": height, "logicalDpi": 96}]
    if how == "second":
        screens.append({**screens[0], "name": "two", "x": width})
    file.write_text(json.dumps({"screens": screens}))
    places = {"QT_QPA_PLATFORM": f"offscreen:configfile={file}", "QT_SCALE_FACTOR": scale,
              "TWINLENS_DATA": str(tmp_path / "data")}  # fmt: skip
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], env=os.environ | places, capture_output=True, text=True, check=True
    )
    return json.loads(found.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("size", "scale", "how"),
    [((1280, 800), "1", "first"), ((1920, 1080), "2", "first"), ((1366, 768), "1", "far away"),
     ((1366, 768), "1", "second")],
)  # fmt: skip
def test_the_window_opens_inside_the_free_area_of_the_screen(tmp_path, size, scale, how):
    inside, dialog_fits, free, window = opened(tmp_path, *size, scale, how)
    assert free == [n // int(scale) for n in size]
    assert inside, window
    assert dialog_fits


def test_the_research_notice_is_never_covered(own_data, qtbot):
    window = MainWindow()  # not begun: no thread is needed
    qtbot.addWidget(window)
    window.resize(960, 600)
    window.show()
    (strip,) = [label for label in window.statusBar().children() if wording.notice() in getattr(label, "text", str)()]
    for action in window.commands.actions.values():
        QApplication.sendEvent(window, QStatusTipEvent(action.statusTip()))
        assert strip.isVisible()
    QApplication.sendEvent(window, QStatusTipEvent("what a control does"))
    assert strip.isVisible()
    assert strip.width() >= strip.sizeHint().width()
