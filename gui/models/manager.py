"""The window *Models*: all installed models in a table, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QMessageBox,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.errors import TwinlensError
from core.models.bundle import Bundle
from core.models.catalogue import read_catalogue, relabel_bundle, remove_bundle
from gui.common import theme
from gui.common.placement import fitted
from gui.common.tables import set_up_table
from gui.models.card_dialog import ModelCardDialog
from gui.models.compare_dialog import CardComparisonDialog
from gui.models.importer import ModelImport
from gui.models.model_table import SORT_ROLE, ModelLine, ModelTable

SIZE = QSize(1180, 560)  # in logical pixels
SHIPPED = "It came with Twinlens: only your own models can be labelled or removed."


class ModelManager(QDialog):
    """Shows the installed models; imports, exports, labels, compares and removes them.

    Args:
        importer: imports models.
        parent: the window.
        folder: returns where a card is saved unless the person wants it elsewhere.

    Signals:
        changed: a model was removed or has another identifier.
        export_wanted: the identifier of a model that is to be written for other programs.
    """

    changed = Signal()
    export_wanted = Signal(str)

    def __init__(
        self, importer: ModelImport, parent: QWidget | None = None, folder: Callable[[], Path] = Path.home
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Models")
        self.table = ModelTable(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.table)
        self._sorted.setSortRole(SORT_ROLE)
        self.view = QTableView()
        self.broken = QLabel()
        self.words = QLabel()
        for label, look in ((self.broken, "warning"), (self.words, "dim")):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            theme.styled(label, "small", look)
        self.actions_by_name = {
            "import": self._action("&Import…", "Install a bundle, or a network of your own", importer.choose),
            "card": self._action("&Card", "What it was trained on, how it scored, what it can't do", self._show_card),
            "compare": self._action("Co&mpare cards", "Two cards side by side", self._compare),
            "export": self._action("&Export…", "Write it for other programs", self._export),
            "label": self._action("&Label…", "Tell it from another model of its network", self._label),
            "remove": self._action("&Remove…", "Delete it from this machine", self._remove),
        }
        self._lay_out()
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._on_selected())
        self.view.activated.connect(lambda _index: self._show_card())
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.refresh()
        self.view.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        self.view.resizeColumnsToContents()
        self.resize(fitted(self, SIZE))

    @property
    def chosen(self) -> list[ModelLine]:
        """The selected models, in the order on screen."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return [self.table.lines[self._sorted.mapToSource(self._sorted.index(row, 0)).row()] for row in rows]

    def refresh(self) -> None:
        """Read what is installed now; those that were selected stay so."""
        before = {line.bundle.id for line in self.chosen}
        catalogue = read_catalogue()
        self.table.show_bundles([*catalogue.bundles.values()])
        self.broken.setText("\n".join(f"⚠ {error}" for error in catalogue.broken))
        self.broken.setVisible(bool(catalogue.broken))
        self._select(before)
        self._on_selected()

    def choose(self, *bundle_ids: str) -> None:
        """Select these models."""
        self.view.clearSelection()
        self._select(set(bundle_ids))

    def _select(self, bundle_ids: set[str]) -> None:
        flags = self.view.selectionModel().SelectionFlag
        for row, line in enumerate(self.table.lines):
            if line.bundle.id in bundle_ids:
                index = self._sorted.mapFromSource(self.table.index(row, 0))
                self.view.selectionModel().select(index, flags.Select | flags.Rows)

    def _on_selected(self) -> None:
        chosen = self.chosen
        own = bool(chosen) and all(line.is_own for line in chosen)
        usable = {
            "card": len(chosen) == 1,
            "compare": len(chosen) == 2,
            "export": len(chosen) == 1,
            "label": len(chosen) == 1 and own,
            "remove": own,
        }
        for name, enabled in usable.items():
            self.actions_by_name[name].setEnabled(enabled)
        total = len(self.table.lines)
        hint = {0: "Select a model, or two to compare their cards.", 1: "", 2: ""}.get(len(chosen), "")
        shipped = SHIPPED if chosen and not own else ""
        self.words.setText(" ".join(filter(None, (f"{total} models.", hint or shipped))))

    def _show_card(self) -> None:
        for line in self.chosen[:1]:
            ModelCardDialog(line.bundle, self, self._folder()).open()

    def _compare(self) -> None:
        first, second = self.chosen
        CardComparisonDialog(first.bundle, second.bundle, self).show()

    def _export(self) -> None:
        self.export_wanted.emit(self.chosen[0].bundle.id)

    def _label(self) -> None:
        bundle = self.chosen[0].bundle
        label, taken = QInputDialog.getText(
            self, "Label model", f"Label of {bundle.card.id}, empty for none:", text=bundle.label
        )
        if taken and label.strip() != bundle.label:
            found: list[Bundle] = []
            if self._do(lambda: found.append(relabel_bundle(bundle.id, label.strip()))):
                self.choose(*(one.id for one in found))

    def _remove(self) -> None:
        names = [line.bundle.id for line in self.chosen]
        what = names[0] if len(names) == 1 else f"these {len(names)} models"
        words = f"Delete {what} from this machine for good?"
        if len(names) > 1:
            words += "\n\n" + "\n".join(names)
        ask = QMessageBox.StandardButton
        if QMessageBox.question(self, "Remove model", words, ask.Yes | ask.No, ask.No) == ask.Yes:

            def remove() -> None:
                for name in names:
                    remove_bundle(name)

            self._do(remove)

    def _do(self, change: Callable[[], object]) -> bool:
        """Change what is installed; return whether that worked, else say why not."""
        problem = ""
        try:
            change()
        except TwinlensError as error:
            problem = f"⚠ {error}"
        self.refresh()
        self.changed.emit()
        if problem:
            self.words.setText(problem)
        return not problem

    def _show_menu(self, place: QPoint) -> None:
        if not self.view.indexAt(place).isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([action for name, action in self.actions_by_name.items() if name != "import"])
        menu.popup(self.view.viewport().mapToGlobal(place))

    def _action(self, name: str, tip: str, does: Callable[[], object]) -> QAction:
        action = QAction(name, self)
        action.setToolTip(tip)
        action.triggered.connect(lambda _checked: does())
        return action

    def _lay_out(self) -> None:
        view = self.view
        view.setModel(self._sorted)
        set_up_table(view, "Installed models", several=True)
        view.setSortingEnabled(True)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GRID)
        for action in self.actions_by_name.values():
            buttons.addWidget(_button(action))
        buttons.addStretch(1)
        leave = QPushButton("Close")
        leave.setAutoDefault(False)
        leave.clicked.connect(self.reject)
        buttons.addWidget(leave)
        page = QVBoxLayout(self)
        page.setContentsMargins(24, 24, 24, 24)
        page.setSpacing(2 * theme.GRID)
        page.addWidget(view, 1)
        page.addWidget(self.broken)
        page.addWidget(self.words)
        page.addLayout(buttons)


def show_models(
    window: QWidget,
    importer: ModelImport,
    on_change: Callable[[], object],
    export: Callable[[str], object],
    folder: Callable[[], Path],
) -> None:
    """Open the models of a window, or bring them to the front.

    Args:
        window: the window.
        importer: imports models.
        on_change: called when a model was removed or has another identifier.
        export: called with the identifier of a model that is to be written for other programs.
        folder: returns where a card is saved unless the person wants it elsewhere.
    """
    shown = window.findChild(ModelManager)
    if shown is not None:
        shown.raise_()
        shown.activateWindow()
        return
    manager = ModelManager(importer, window, folder)
    manager.changed.connect(on_change)
    manager.export_wanted.connect(export)
    manager.show()


def _button(action: QAction) -> QPushButton:
    """Return a button that does what an action does, and can be used when that can."""
    button = QPushButton(action.text())
    button.setAutoDefault(False)
    button.setToolTip(action.toolTip())
    button.clicked.connect(action.trigger)
    action.changed.connect(lambda: button.setEnabled(action.isEnabled()))
    return button
