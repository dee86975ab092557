"""The two sides of the window, worklist and findings: shown, folded away and widened by key."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from gui.comparison.view import ComparisonView
from gui.worklist.view import Mode, WorklistView

NARROW = 1600  # pixels: a window less wide gives the findings the first of these widths
PANEL_WIDTHS = (220, 240)
WIDEST = 0.45  # of the window: what the worklist takes at most when it is widened


class Sides:
    """Worklist and findings as sides of a window.

    Args:
        window: gets both.
        listed: the worklist.
        comparison: holds the findings, and gets the keyboard when a side that had it is folded.
    """

    def __init__(self, window: QMainWindow, listed: WorklistView, comparison: ComparisonView) -> None:
        self._window, self._listed, self._comparison = window, listed, comparison
        self.worklist = self._side("worklist", "Worklist", listed, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.findings = self._side("findings", "Findings", comparison.panel, Qt.DockWidgetArea.RightDockWidgetArea)

    def fit(self, width: int) -> None:
        """Give the findings more room in a wide window."""
        self._comparison.panel.setFixedWidth(PANEL_WIDTHS[width >= NARROW])

    def fold(self, side: QDockWidget) -> None:
        """Hide a side and give its room to the images, or show it again; the keyboard leaves what is hidden."""
        focus = QApplication.focusWidget()
        side.setVisible(not side.isVisible())
        if not side.isVisible() and focus is not None and side.isAncestorOf(focus):
            views: list[QWidget] = [panel.view for panel in self._comparison.panels if panel.view.isVisible()]
            (views or [self._comparison.empty.demonstration])[0].setFocus()

    def widen(self) -> None:
        """Show the worklist with names, or with thumbnails alone if it has names now."""
        self._show("thumbnails" if self._listed.mode == "lines" and self.worklist.isVisible() else "lines")

    def tabulate(self) -> None:
        """Show the worklist as a table, or with names if it is one now."""
        self._show("lines" if self._listed.mode == "table" and self.worklist.isVisible() else "table")

    def show_filter(self) -> None:
        """Show the worklist wide enough for its filter."""
        if not (self._listed.wide and self.worklist.isVisible()):
            self.widen()

    def _show(self, mode: Mode) -> None:
        had_focus = self._listed.view().hasFocus()
        self._listed.set_mode(mode)
        self.worklist.show()
        if had_focus:
            self._listed.view().setFocus()
        width = min(self._listed.width_wanted, round(WIDEST * self._window.width()))
        self._window.resizeDocks([self.worklist], [width], Qt.Orientation.Horizontal)

    def _side(self, name: str, title: str, inside: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(name)
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget())
        dock.setWidget(inside)
        self._window.addDockWidget(area, dock)
        return dock
