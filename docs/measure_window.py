"""Measure which share of the window its images take: ``python docs/measure_window.py [PICTURES]``.

It opens the demonstration radiograph at three sizes, with both sides open and with the findings folded, and prints
a table. The share counts pixels of the radiograph itself, of both images; what is black around them does not count.
With a folder's name it also saves each window there, in both themes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from make_screenshots import THEMES, application, in_new_window, wait_for
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication

from core.images.demo import demonstration_radiograph
from gui.common import theme
from gui.window.main_window import MainWindow

SIZES = (QSize(1280, 800), QSize(1920, 1080), QSize(2560, 1440))


def image_share(window: MainWindow) -> float:
    """Return the share of the window's area that the images on screen take, in [0, 1]."""
    shown = [panel.view.displayed() for panel in window.comparison.panels if panel.view.isVisible()]
    return sum(place.width() * place.height() for place in shown) / (window.width() * window.height())


def measure(window: MainWindow, pictures: Path | None) -> None:
    """Print the shares at all sizes, and save the windows."""
    wait_for(window.controller.settled, lambda: window.open_paths([demonstration_radiograph()]))
    actions = window.commands.actions
    print("| window | both sides open | findings folded | both folded | teacher alone, both folded |")
    print("|---|---|---|---|---|")
    for size in SIZES:
        window.resize(size)
        shares = []
        for command in ("", "findings", "worklist", "teacher_alone"):
            if command:
                actions[command].trigger()
            QApplication.processEvents()
            shares.append(f"{100 * image_share(window):.1f} %")
        for command in ("findings", "worklist"):
            actions[command].trigger()
        actions["side"].trigger()
        print(f"| {size.width()} × {size.height()} | " + " | ".join(shares) + " |", flush=True)
        for look in THEMES if pictures is not None else ():
            theme.apply(application(), look)
            QApplication.processEvents()
            window.grab().save(f"{pictures}/{look}-{size.width()}.png")


def main() -> None:
    """Measure in a new window, with a data folder of its own."""
    application()
    pictures = Path(sys.argv[1]) if sys.argv[1:] else None
    in_new_window(lambda window, _copies: measure(window, pictures))


if __name__ == "__main__":
    main()
