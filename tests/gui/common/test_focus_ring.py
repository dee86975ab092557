"""Whatever takes the keyboard shows that it has it."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.common import theme
from gui.common.focus_ring import FocusRing, FocusRings
from gui.common.input_boxes import ComboBox, LineEdit, Slider, SpinBox

KINDS = [
    QCheckBox, QListWidget, QPlainTextEdit, QPushButton, QRadioButton, QTabBar, QToolButton, ComboBox, LineEdit,
    SpinBox, lambda: Slider(Qt.Orientation.Horizontal),
]  # fmt: skip


@pytest.fixture
def page(qtbot, qapp):
    theme.apply(qapp, "dark")
    made = qapp.findChild(FocusRings)  # one already serves, if another test of this process made the application
    rings = made or FocusRings(qapp)
    window = QWidget()
    column = QVBoxLayout(window)
    window.parts = [kind() for kind in KINDS]
    for part in window.parts:
        if isinstance(part, QTabBar):
            part.addTab("a tab")
        part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column.addWidget(part)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitActive(window)
    yield window
    if made is None:
        qapp.focusChanged.disconnect(rings._on_focus)
        rings.setParent(None)  # the next test must not find it before the event loop has deleted it
        rings.deleteLater()


def shows_ring(window, part):
    """Whether there are pixels of the focus's colour at the part's upper edge."""
    picture, wanted = window.grab().toImage(), theme.colour("focus")
    where = part.mapTo(window, part.rect().topLeft())
    colours = [QColor(picture.pixel(where.x() + part.width() // 2, where.y() + dy)) for dy in range(3)]
    return any(abs(c.red() - wanted.red()) + abs(c.blue() - wanted.blue()) < 60 for c in colours)


@pytest.mark.parametrize("look", ["dark", "light"])
def test_each_kind_of_widget_shows_it_and_only_then(look, page):
    theme.apply(QApplication.instance(), look)
    for part in page.parts:
        part.setFocus()
        assert QApplication.focusWidget() is part
        found = [other for other in page.parts if shows_ring(page, other)]
        assert found == [part], type(part).__name__


def test_the_ring_follows_and_is_in_nobodys_way(page, qtbot):
    box = page.parts[0]
    before = page.size()
    box.setFocus()
    (ring,) = box.findChildren(FocusRing)
    page.resize(before.width() + 200, before.height())
    qtbot.waitUntil(lambda: ring.geometry() == box.rect())
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().topLeft() + ring.rect().center() * 0.1)
    assert ring.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    box.setParent(None)
    box.deleteLater()  # the ring goes with it
    QApplication.sendPostedEvents(None, 0)
    page.parts[1].setFocus()
    assert page.parts[1].findChildren(FocusRing)
