"""What a person can undo: each change says how it is made and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QUndoCommand


class Change(QUndoCommand):
    """A change that is made when it is pushed on the stack.

    Args:
        words: what was changed, after "Undo", e.g. ``reading of a.png``.
        make: makes it, the first time and again.
        take_back: restores what was there before.
    """

    def __init__(self, words: str, make: Callable[[], object], take_back: Callable[[], object]) -> None:
        super().__init__(words)
        self._make, self._take_back = make, take_back

    def redo(self) -> None:
        """Make the change."""
        self._make()

    def undo(self) -> None:
        """Take it back."""
        self._take_back()
