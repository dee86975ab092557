"""What a person does to the window, as Qt's own events, and what is left of it."""

import gc
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from core.runtimes.turns import TurnTakingRuntime
from gui.worklist.entry import State

PATIENCE = 120_000  # milliseconds


def settled(window, qtbot, action):
    """Does something and waits until nothing more comes for the file on screen; returns whether it was compared."""
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE) as done:
        action()
    return done.args[0]


def all_done(window):
    """Returns a function that says whether every file has an answer."""
    return lambda: all(entry.state is State.DONE for entry in window.worklist.entries())


def loaded_networks():
    """Counts the networks that a runtime holds."""
    gc.collect()
    return sum(type(found) is TurnTakingRuntime for found in gc.get_objects())


def wheel(widget, notches=-1, held=Qt.KeyboardModifier.NoModifier):
    """Turns the wheel over the middle of a widget, with keys held."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(middle, widget.mapToGlobal(middle), QPoint(), QPoint(0, 120 * notches),
                        Qt.MouseButton.NoButton, held, Qt.ScrollPhase.NoScrollPhase,
                        False)  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event


def drop(widget, path: Path, proposed):
    """Drops a file on a widget, or on what it stands in if it takes none; returns what the file manager then does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    while not widget.acceptDrops():
        widget = widget.parentWidget()
    rest = (data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    both = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    done = []
    for kind, at in ((QDragEnterEvent, QPoint(5, 5)), (QDropEvent, QPointF(5, 5))):
        event = kind(at, both, *rest)
        event.setDropAction(proposed)
        QApplication.sendEvent(widget, event)
        done.append(event.dropAction() if event.isAccepted() else Qt.DropAction.IgnoreAction)
    return done
