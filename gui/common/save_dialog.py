"""Asks where a file is to be saved: its name decides the format, and nothing is overwritten without asking."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from core.names import readable


def ask_where(
    parent: QWidget, title: str, name: str, kinds: Mapping[str, tuple[str, ...]], folder: Path | None = None
) -> tuple[Path, str] | None:
    """Return the file that was chosen and the kind that was chosen for it, None if the person wants none.

    A name that ends like none of the kinds gets the ending of the chosen one; if there is a file of that name, which
    the dialog could not know, the person is asked.

    Args:
        parent: the window that asks.
        title: what is saved, in words.
        name: how the file is called unless the person wants it otherwise.
        kinds: the endings of each kind, e.g. ``.png``, the usual one first, by its name in words.
        folder: where the dialog starts; None where the system's own dialog last was.
    """
    filters = {f"{words} ({' '.join('*' + ending for ending in endings)})": words for words, endings in kinds.items()}
    start = readable(name) if folder is None else str(folder / readable(name))
    chosen, used = QFileDialog.getSaveFileName(parent, title, start, ";;".join(filters))
    if not chosen:
        return None
    path, kind = Path(chosen), filters.get(used, next(iter(kinds)))
    if path.suffix.lower() in {ending for endings in kinds.values() for ending in endings}:
        return path, kind
    path = path.with_name(path.name + kinds[kind][0])
    return (path, kind) if not path.exists() or may_replace(parent, title, path) else None


def may_replace(parent: QWidget, title: str, path: Path) -> bool:
    """Ask whether a file that is there may be replaced."""
    words = f"{readable(path)} is there already. Replace it?"
    ask = QMessageBox.StandardButton
    return QMessageBox.question(parent, title, words, ask.Yes | ask.No, ask.No) == ask.Yes
