"""How the images are laid out: side by side, one alone, the original, a swipe, the difference, or four with another."""

from __future__ import annotations

from typing import Literal, cast, get_args

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup

Layout = Literal["side", "teacher", "student", "original", "swipe", "difference", "four"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
NAMES: dict[Layout, str] = {
    "side": "Side by side",
    "teacher": "Teacher alone",
    "student": "Student alone",
    "original": "Original alone",
    "swipe": "Swipe",
    "difference": "Difference",
    "four": "Four-up",
}
TIPS: dict[Layout, str] = {
    "side": "Teacher and student side by side",
    "teacher": "The teacher's heat map alone, as large as the window",
    "student": "The student's heat map alone, as large as the window",
    "original": "The image alone, without a heat map",
    "swipe": "A line to drag: the image left of it, the heat map right of it",
    "four": "Two images, one above the other: a prior or any other stays below while you go on above",
    "difference": "The teacher's heat map minus the student's: indigo where the teacher's is higher, teal below",
}


class Layouts(QObject):
    """The layout of the task on screen, and the actions that choose it; each task has its own.

    Attributes:
        actions: one that can be checked for each layout; one that is checked goes back to side by side.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._task = ""
        self._chosen: dict[str, Layout] = {}
        self.actions: dict[Layout, QAction] = {}
        self._group = QActionGroup(self)
        self._group.setExclusionPolicy(QActionGroup.ExclusionPolicy.ExclusiveOptional)
        for layout in LAYOUTS:
            action = self._group.addAction(NAMES[layout])
            action.setCheckable(True)
            action.setData(layout)
            action.setToolTip(TIPS[layout])
            self.actions[layout] = action
        self._group.triggered.connect(self._on_triggered)
        self._check()

    @property
    def current(self) -> Layout:
        """The layout of the task on screen."""
        return self._chosen.get(self._task, "side")

    def set_task(self, task: str) -> None:
        """Take the layout that was last used for a task."""
        self._task = task
        self._check()
        self.changed.emit()

    def choose(self, layout: Layout) -> None:
        """Lay the images out so, for this task from now on."""
        self._chosen[self._task] = layout
        self._check()
        self.changed.emit()

    def as_settings(self) -> dict[str, object]:
        """Return the layout of each task, fit for JSON."""
        return {task: layout for task, layout in self._chosen.items() if task}

    def restore(self, settings: object) -> None:
        """Take the layouts again; what makes no sense is left out."""
        if isinstance(settings, dict):
            self._chosen = {str(task): layout for task, layout in settings.items() if layout in LAYOUTS}
            self._check()
            self.changed.emit()

    def _on_triggered(self, action: QAction) -> None:
        self.choose(cast(Layout, action.data()) if action.isChecked() else "side")

    def _check(self) -> None:
        for layout, action in self.actions.items():
            action.setChecked(layout == self.current)
