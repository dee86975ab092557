"""One command of the window: its title, its keys, when it can be used and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from PySide6.QtGui import QAction, QKeySequence

from core.system.extras import MissingExtraError, missing_extra


def always() -> bool:
    """Return that a command can be used, whatever is open."""
    return True


@dataclass(frozen=True)
class Command:
    """One command; it cannot be made without what it does.

    Attributes:
        id: its name in the code.
        menu: the menu that it is in, ``&`` before the letter that opens it.
        title: its name in menus; ``&`` stands before its letter.
        does: called when it is triggered; or a control's own action, which already does it.
        keys: its shortcuts, the first of which is shown; empty for none.
        enabled: whether it can be used now.
        extra: the extra that it needs, without which it can't be used at all; empty for none.
        repeats: whether a key that is held down triggers it again and again.
        last_of_group: whether a line follows in the menu.
    """

    id: str
    menu: str
    title: str
    does: Callable[[], object] | QAction
    keys: tuple[str, ...] = ()
    enabled: Callable[[], bool] = always
    extra: str = ""
    repeats: bool = False
    last_of_group: bool = False

    @cached_property
    def missing(self) -> MissingExtraError | None:
        """Why it can't be used in this installation, or None."""
        return missing_extra(self.extra, self.plain_title) if self.extra else None

    @property
    def plain_title(self) -> str:
        """The title without the mark of its letter and without dots."""
        return self.title.replace("&", "").rstrip("…")

    @property
    def key_text(self) -> str:
        """Its first shortcut as this system writes it; empty for none."""
        return QKeySequence(self.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if self.keys else ""

    @property
    def tooltip(self) -> str:
        """Its title and first shortcut; of one whose extra is missing, how to add that."""
        if self.missing is not None:
            return str(self.missing)
        return f"{self.plain_title} ({self.key_text})" if self.keys else self.plain_title
