import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)

from gui.common.input_boxes import ComboBox, Slider, SpinBox
from gui.history.view import HistoryView
from gui.settings.dialog import SettingsDialog
from gui.training.setup import TrainingSetup
from gui.window.main_window import MainWindow
from tests.gui.driving import wheel


@pytest.mark.parametrize("kind", [ComboBox, SpinBox, lambda parent: Slider(Qt.Orientation.Horizontal, parent)])
def test_the_wheel_changes_only_what_has_the_focus(kind, qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    box = kind(parent)
    if isinstance(box, ComboBox):
        box.addItems(["a", "b", "c"])
    value = box.currentIndex if isinstance(box, ComboBox) else box.value
    box.resize(120, 30)
    parent.show()
    parent.activateWindow()
    qtbot.waitUntil(parent.isActiveWindow)
    QWidget.setFocus(parent)
    box.clearFocus()
    before = value()
    assert not wheel(box, -1 if isinstance(box, ComboBox) else 1).isAccepted()
    assert value() == before
    assert not box.hasFocus()
    box.setFocus()
    wheel(box, -1 if isinstance(box, ComboBox) else 1)
    assert value() > before


def test_no_box_of_the_program_is_another_kind(own_data, qtbot):
    window = MainWindow()  # not begun: no thread is needed
    qtbot.addWidget(window)
    history = HistoryView(window.recorder, window)
    settings = SettingsDialog(window.preferences, window)
    training = TrainingSetup(window.chooser.catalogue, window.settings)
    qtbot.addWidget(training)
    boxes = [box for top in (window, history, settings, training) for kind in (QComboBox, QAbstractSpinBox,
             QAbstractSlider) for box in top.findChildren(kind) if not isinstance(box, QScrollBar)]  # fmt: skip
    assert len(boxes) > 15
    assert [box for box in boxes if not isinstance(box, (ComboBox, SpinBox, Slider))] == []
    for top in (window, history, settings, training):  # a number's line is the box's own
        for kind in (QLineEdit, QPlainTextEdit, QTextEdit):
            for line in top.findChildren(kind):
                assert not line.acceptDrops() or line.isReadOnly() or isinstance(line.parent(), SpinBox), line
    qtbot.waitSignal(settings.storage.measured, timeout=20_000).wait()
    settings.close()
    history.close()
