"""The installed models as a table for a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.models.bundle import Bundle
from core.models.card import Interval, Scores
from core.models.origin import Origin, OriginKind, origin_of
from gui.common import theme
from gui.common.wording import counted, megabytes

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = int(Qt.ItemDataRole.UserRole)
ORIGINS: dict[OriginKind, str] = {"shipped": "shipped", "trained": "trained here", "imported": "imported"}


@dataclass(frozen=True)
class ModelLine:
    """One installed model.

    Attributes:
        bundle: the model.
        origin: where it comes from.
        size: bytes of its files.
    """

    bundle: Bundle
    origin: Origin
    size: int

    @property
    def scores(self) -> Scores | None:
        """What it scored on the first data set of its card."""
        return self.bundle.card.scores[0] if self.bundle.card.scores else None

    @property
    def is_own(self) -> bool:
        """Whether it is the user's, and can be labelled and removed."""
        return self.origin.kind != "shipped"


def model_line(bundle: Bundle) -> ModelLine:
    """Return a model with what its folder says of it."""
    files = (bundle.directory / name for name in bundle.files)
    return ModelLine(bundle, origin_of(bundle), sum(path.stat().st_size for path in files if path.is_file()))


@dataclass(frozen=True)
class Column:
    """A column: its name, a cell's text and tip, and what it is sorted by."""

    name: str
    text: Callable[[ModelLine], str]
    key: Callable[[ModelLine], Any]
    tip: Callable[[ModelLine], str] = lambda _line: ""


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _score(
    name: str, read: Callable[[Scores], float | None], interval: str = "", words: Callable[[float], str] = _share
) -> Column:
    def value(line: ModelLine) -> float | None:
        return None if line.scores is None else read(line.scores)

    def text(line: ModelLine) -> str:
        found = value(line)
        return "–" if found is None else words(found)

    def tip(line: ModelLine) -> str:
        if line.scores is None:
            return "Not measured"
        about = f"On {line.scores.images:,} images of {line.scores.dataset}"
        found: Interval | None = getattr(line.scores, interval) if interval else None
        limits = "" if found is None else f"\n95 %: {100 * found.low:.1f} to {100 * found.high:.1f} %"
        return about + limits + (f"\n⚠ {line.scores.caution}" if line.scores.caution else "")

    return Column(name, text, lambda line: -1.0 if value(line) is None else value(line), tip)


def _origin_tip(line: ModelLine) -> str:
    made = line.bundle.card.training
    lines = [f"Made by {made.made_by}, {made.made_on.isoformat()}"]
    if line.origin.source:
        lines.append(f"Imported from {line.origin.source}, {line.origin.on[:10]}")
    return "\n".join([*lines, str(line.bundle.directory)])


COLUMNS: tuple[Column, ...] = (
    Column("Model", lambda line: line.bundle.name, lambda line: line.bundle.name.lower(), lambda line: line.bundle.id),
    Column("Task", lambda line: line.bundle.card.described_task.name, lambda line: line.bundle.card.task),
    Column("Role", lambda line: line.bundle.card.role, lambda line: line.bundle.card.role),
    _score("Accuracy", lambda scores: scores.accuracy, "accuracy_interval"),
    _score("Macro F1", lambda scores: scores.macro_f1, "macro_f1_interval"),
    _score("AUROC", lambda scores: scores.auroc, words="{:.3f}".format),
    _score("ECE", lambda scores: scores.ece),
    Column(
        "Size",
        lambda line: megabytes(line.size),
        lambda line: line.size,
        lambda line: f"{counted(line.bundle.card.parameters)} parameters, stored as {line.bundle.card.storage}",
    ),
    Column("Origin", lambda line: ORIGINS[line.origin.kind], lambda line: line.origin.kind, _origin_tip),
    Column(
        "Made on",
        lambda line: line.bundle.card.training.made_on.isoformat(),
        lambda line: line.bundle.card.training.made_on.isoformat(),
    ),
)


class ModelTable(QAbstractTableModel):
    """The models, in the order of their identifiers; a view sorts them by ``SORT_ROLE``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lines: list[ModelLine] = []

    def show_bundles(self, bundles: Sequence[Bundle]) -> None:
        """Show other models."""
        self.beginResetModel()
        self.lines = [model_line(bundle) for bundle in sorted(bundles, key=lambda bundle: bundle.id)]
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of models."""
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's name and default
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: ANN401 - as Qt has it
        """Return a column's name."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].name
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:  # noqa: ANN401 - as Qt has it
        """Return a cell's text, tip, colour or sorting key."""
        line, column = self.lines[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(line)
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip(line) or None
        if role == Qt.ItemDataRole.ForegroundRole and column.name == "Role":
            return theme.colour(line.bundle.card.role)
        if role == SORT_ROLE:
            return column.key(line)
        return None
