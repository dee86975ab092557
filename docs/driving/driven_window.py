"""Where the window is driven: one size, one scale, both themes; what is looked at and measured there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QWidget

from driving.user_input import UserInput, is_shown
from gui.common import theme
from gui.diagnostics.heartbeat import Heartbeat
from gui.window.main_window import MainWindow

THEMES: tuple[theme.Theme, ...] = ("light", "dark")  # it ends as it begins


@dataclass
class DrivenWindow:
    """One window, and what is found out about it.

    Attributes:
        window: the window.
        user: drives it.
        heartbeat: times its event loop.
        folder: for files that are opened and written.
        looks: where pictures of the screen are saved.
        pictures: where the documentation's pictures are saved, None where this window's are not used.
        found: what was measured, fit for JSON.
    """

    window: MainWindow
    user: UserInput
    heartbeat: Heartbeat
    folder: Path
    looks: Path
    pictures: Path | None
    found: dict[str, Any] = field(default_factory=lambda: {"stalls": {}, "clicks": {}, "shares": {}, "seconds": {}})

    def look(self, name: str, widget: QWidget | None = None, *, page: str = "", both: bool = True) -> None:
        """Save the screen in both themes, and a widget for a page of the documentation.

        Args:
            name: what is seen.
            widget: what the documentation shows, the main window by default.
            page: the picture's name in the documentation, where it has one; ``{}`` in it stands for the theme.
            both: whether the light theme is looked at too.
        """
        self.user.away()
        for look in THEMES if both else THEMES[-1:]:
            if both:
                self.user.ask(lambda look=look: theme.apply(_app(), look))
                self.user.settle()
                time.sleep(0.1)
            self.user.screen().save(str(self.looks / f"{name}-{look}.png"))
            if page and self.pictures is not None and (look == "dark" or "{}" in page):
                shown = widget or self.window
                part = self.user.ask(lambda shown=shown: QRect(shown.mapToGlobal(shown.rect().topLeft()), shown.size()))
                path = self.pictures / f"{page.format(look)}.webp"
                self.user.screen(part).save(str(path), "WEBP", 90)  # type: ignore[call-overload]
        print(f"  {name}", flush=True)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Time the event loop while something is done."""
        self.user.ask(self.heartbeat.start)
        started = time.perf_counter()
        yield
        self.found["seconds"][what] = time.perf_counter() - started
        stall = self.user.ask(self.heartbeat.stop)
        self.found["stalls"][what] = asdict(stall)
        parts = f"own {stall.own_ms:.0f}, computing {stall.computing_ms:.0f}, usual {stall.usual_ms:.0f}"
        print(f"  {what}: longest stall {stall.ms:.0f} ms ({parts}) {stall.where}", flush=True)

    @contextmanager
    def counted(self, what: str) -> Iterator[None]:
        """Count clicks."""
        self.user.clicks = 0
        yield
        self.found["clicks"][what] = self.user.clicks
        print(f"  {what}: {self.user.clicks} clicks", flush=True)

    def settled(self, act: Callable[[], object]) -> None:
        """Act, and wait until nothing more comes for the image on screen."""
        seen: list[bool] = []
        connection = self.user.ask(lambda: self.window.controller.settled.connect(seen.append))
        act()
        self.user.until(lambda: bool(seen), "the image on screen analysed")
        self.user.ask(lambda: self.window.controller.settled.disconnect(connection))
        self.user.settle()

    def close(self, widget: QWidget) -> None:
        """Close a window by its own key, or else as a window manager does."""
        self.user.press("Escape")
        self.user.ask(lambda: widget.close() if is_shown(widget) else None)
        self.user.settle()


def _app() -> QApplication:
    app = QApplication.instance()
    assert isinstance(app, QApplication)  # noqa: S101 - it is the one whose window is driven
    return app
