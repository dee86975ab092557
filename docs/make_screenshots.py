"""Make the pictures of the window in docs/images: ``python docs/make_screenshots.py``.

They show the demonstration radiograph only, which comes with pydicom-data.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PySide6.QtCore import QEventLoop, QSize  # noqa: E402
from PySide6.QtWidgets import QWidget  # noqa: E402

from core.demo import demonstration_radiograph  # noqa: E402
from gui import theme  # noqa: E402
from gui.app import make_application  # noqa: E402
from gui.main_window import MainWindow  # noqa: E402
from gui.settings import Preferences, store, write_preferences  # noqa: E402
from gui.shortcuts import ShortcutSheet  # noqa: E402

SIZES = {"1280": QSize(1280, 800), "2560": QSize(2560, 1440)}
THEMES: tuple[theme.Theme, ...] = ("dark", "light")
IMAGES = ROOT / "docs" / "images"


def save(widget: QWidget, name: str) -> None:
    """Save a widget as WebP, which shows a radiograph without bands in a third of a PNG's size."""
    IMAGES.mkdir(exist_ok=True)
    path = IMAGES / f"{name}.webp"
    if not widget.grab().save(str(path), "WEBP", 90):  # type: ignore[call-overload]
        raise SystemExit(f"{path} can't be written.")
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB")


def main() -> None:
    """Make all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TWINLENS_DATA"] = folder
        app = make_application()
        settings = store()
        write_preferences(settings, Preferences())
        settings.setValue("noticed", True)
        settings.sync()
        window = MainWindow()
        window.apply_theme()
        window.resize(SIZES["1280"])
        window.show()
        window.begin([])
        app.processEvents()
        save(window, "window-empty")
        analysed = QEventLoop()
        window.conductor.settled.connect(analysed.quit)
        window.open_paths([demonstration_radiograph()])
        analysed.exec()
        for look in THEMES:
            theme.apply(app, look)
            for name, size in SIZES.items():
                window.resize(size)
                app.processEvents()
                save(window, f"window-{look}-{name}")
        theme.apply(app, "dark")
        sheet = ShortcutSheet(window)
        sheet.show()
        app.processEvents()
        save(sheet, "keys")
        sheet.close()
        window.close()
        window.deleteLater()
        app.processEvents()


if __name__ == "__main__":
    main()
