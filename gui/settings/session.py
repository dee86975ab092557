"""What is remembered from one start to the next: files, selection, choices, how the images were shown."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QSettings

from core.compare.session import Choice
from core.names import path_from, readable
from core.system.atomic_files import make_folder, written_whole
from core.system.paths import data_folder
from core.tasks import TASKS

RECENT_KEPT = 10
FILE = "session.json"


@dataclass(frozen=True)
class Session:
    """One session.

    Attributes:
        files: the worklist.
        current: the file on screen.
        selected: all selected files.
        choice: models, method and runtime.
        view: settings of the comparison, as it gave them.
        worklist: filter, order and groups of the worklist, as it gave them.
    """

    files: list[Path] = field(default_factory=list)
    current: Path | None = None
    selected: list[Path] = field(default_factory=list)
    choice: Choice = field(default_factory=Choice)
    view: dict[str, object] = field(default_factory=dict)
    worklist: dict[str, object] = field(default_factory=dict)


def read_session() -> Session:
    """Return the last session; an empty one if there is none or its file is damaged."""
    try:
        raw = json.loads((data_folder() / FILE).read_text(encoding="utf-8"))
        chosen = {key: raw["choice"][key] for key in ("task", "teacher", "student", "cam")}
        if not all(value is None or isinstance(value, str) for value in chosen.values()):
            return Session()
        if chosen["task"] not in (None, *TASKS):
            chosen = {"cam": chosen["cam"]}
        current = raw["current"]
        return Session(
            files=[path_from(file) for file in raw["files"]],
            current=None if current is None else path_from(current),
            choice=replace(Choice(), **chosen),
            view=dict(raw["view"]),
            selected=[path_from(file) for file in raw.get("selected", [])],
            worklist=dict(raw.get("worklist", {})),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Session()


def write_session(session: Session) -> None:
    """Remember a session; it is there whole or not at all.

    Raises:
        WriteError: if it can't be written.
    """
    make_folder(data_folder())
    raw = {
        "files": [readable(path) for path in session.files],
        "current": None if session.current is None else readable(session.current),
        "choice": asdict(session.choice),
        "view": session.view,
        "selected": [readable(path) for path in session.selected],
        "worklist": session.worklist,
    }
    with written_whole(data_folder() / FILE) as file:
        json.dump(raw, file, ensure_ascii=False, indent=1)


def recent(settings: QSettings) -> list[Path]:
    """Return the files and folders that were opened last, newest first."""
    found = settings.value("recent", [])
    if isinstance(found, str):  # a list of one comes back as its item
        found = [found]
    return [path_from(path) for path in found] if isinstance(found, list) else []


def add_recent(settings: QSettings, paths: list[Path]) -> None:
    """Remember files and folders as opened."""
    newest = list(dict.fromkeys([*(path.absolute() for path in paths[:RECENT_KEPT]), *recent(settings)]))
    settings.setValue("recent", [readable(path) for path in newest[:RECENT_KEPT]])


def forget(settings: QSettings) -> None:
    """Forget files and recent files."""
    settings.remove("recent")
    (data_folder() / FILE).unlink(missing_ok=True)
