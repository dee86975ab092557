import sys

import PySide6
from PySide6.QtCore import QObject, Signal


class Sender(QObject):
    sent = Signal()


def test_a_signal_takes_no_reference_from_true():
    """PySide6 6.12.0 does: a long session, or a long worklist, ended with a fatal error of Python 3.11."""
    sender = Sender()
    before = sys.getrefcount(True)
    for _ in range(200):
        sender.sent.emit()
    lost = before - sys.getrefcount(True)
    assert lost < 100, f"PySide6 {PySide6.__version__} crashes long sessions; install what pyproject.toml asks for"
