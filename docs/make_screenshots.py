"""Make the pictures of the documentation in docs/images: ``python docs/make_screenshots.py [SCENE…]``.

They show the demonstration radiograph, which comes with pydicom-data, and altered copies of it. Scenes are the
functions of ``SCENES``; without a name all are made.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image, ImageFilter  # noqa: E402
from PySide6.QtCore import QEventLoop, QRect, QSize, QTimer, SignalInstance  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QWidget  # noqa: E402

from core.images.demo import demonstration_radiograph  # noqa: E402
from core.images.reader import read_image  # noqa: E402
from core.records.review import Review  # noqa: E402
from gui.common import theme  # noqa: E402
from gui.engine.events import BatchProgress  # noqa: E402
from gui.settings.preferences import Preferences, store, write_preferences  # noqa: E402
from gui.window.app import make_application  # noqa: E402
from gui.window.main_window import MainWindow  # noqa: E402

SIZES = {"1280": QSize(1280, 800), "2560": QSize(2560, 1440)}
THEMES: tuple[theme.Theme, ...] = ("dark", "light")
IMAGES = ROOT / "docs" / "images"
WIDE = {"models": QSize(1180, 460), "scores": QSize(1128, 736)}
READINGS = ("COVID-19", "COVID-19", "Normal", "Non-COVID", "COVID-19")  # made up


def save(widget: QWidget, name: str, part: QRect | None = None) -> None:
    """Save a widget as WebP, which shows a radiograph without bands in a third of a PNG's size."""
    IMAGES.mkdir(exist_ok=True)
    path = IMAGES / f"{name}.webp"
    picture = widget.grab() if part is None else widget.grab(part)
    if not picture.save(str(path), "WEBP", 90):  # type: ignore[call-overload]
        raise SystemExit(f"{path} can't be written.")
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} kB", flush=True)


def save_dialog(window: MainWindow, command: str, name: str, wait: int = 300) -> None:
    """Run a command, and save the window that it opens when it has stood for so many milliseconds; then close it."""
    waiting, timer = QEventLoop(), QTimer()

    def look() -> None:
        for opened in QApplication.topLevelWidgets():
            if opened is not window and opened.isVisible() and (isinstance(opened, QDialog) or opened.windowTitle()):
                timer.stop()
                if name in WIDE:
                    opened.resize(WIDE[name])  # offscreen, dialogs are made for a small screen
                    QApplication.processEvents()
                save(opened, name)
                opened.close()
                waiting.quit()
                return

    timer.setInterval(wait)
    timer.timeout.connect(look)
    timer.start()
    window.commands.actions[command].trigger()
    if timer.isActive():  # else it was a dialog that had to be answered first
        waiting.exec()


def wait_for(signal: SignalInstance, act: Callable[[], object]) -> None:
    """Act, and return when the signal has come."""
    waiting = QEventLoop()
    signal.connect(waiting.quit)
    act()
    waiting.exec()
    signal.disconnect(waiting.quit)
    QApplication.processEvents()


def altered_copies(folder: Path) -> list[Path]:
    """Write copies of the demonstration radiograph that are altered as their names say, and a file that is no image."""
    brightness = read_image(demonstration_radiograph()).displayed()
    original = Image.fromarray((255 * brightness).astype(np.uint8))
    copies = {
        "as it is": original,
        "mirrored": original.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "tilted by 10 degrees": original.rotate(10),
        "less contrast": Image.fromarray((255 * (0.5 + (brightness - 0.5) * 0.5)).astype(np.uint8)),
        "blurred": original.filter(ImageFilter.GaussianBlur(60)),
        "upside down": original.rotate(180),
    }
    for name, copy in copies.items():
        copy.resize((copy.width // 2, copy.height // 2)).save(folder / f"{name}.png")
    (folder / "no image.png").write_text("This is a text.", encoding="utf-8")
    return [folder / f"{name}.png" for name in (*copies, "no image")]


def scene_window(window: MainWindow, _copies: list[Path]) -> None:
    """The window: empty, and with the radiograph in both themes and two sizes."""
    save(window, "window-empty")
    wait_for(window.controller.settled, lambda: window.open_paths([demonstration_radiograph()]))
    for look in THEMES:
        theme.apply(application(), look)
        for name, size in SIZES.items():
            window.resize(size)
            QApplication.processEvents()
            save(window, f"window-{look}-{name}")
    theme.apply(application(), "dark")
    window.resize(SIZES["1280"])


def scene_view(window: MainWindow, _copies: list[Path]) -> None:
    """Ways to look at one comparison: contour, difference, swipe, another window, another class."""
    wait_for(window.controller.settled, lambda: window.open_paths([demonstration_radiograph()]))
    actions, view = window.commands.actions, window.comparison
    actions["contour"].trigger()
    QApplication.processEvents()
    save(view, "view-contour")
    actions["contour"].trigger()
    for name in ("difference", "swipe"):
        actions[name].trigger()
        QApplication.processEvents()
        save(view, f"view-{name}")
    actions["side"].trigger()
    actions["overlay"].trigger()
    actions["preset_2"].trigger()
    QApplication.processEvents()
    save(view, "view-full-range")
    actions["overlay"].trigger()
    actions["reset"].trigger()
    wait_for(window.controller.settled, actions["next_class"].trigger)
    save(window, "view-next-class")


def scene_worklist(window: MainWindow, copies: list[Path]) -> None:
    """A worklist that was analysed whole, and an image that neither network can judge."""
    wait_for(window.controller.settled, lambda: window.open_paths(copies))
    done = QEventLoop()

    def on_batch(progress: BatchProgress) -> None:
        if progress.total and not progress.running:
            done.quit()

    window.controller.batch_changed.connect(on_batch)
    window.commands.actions["analyse_all"].trigger()
    done.exec()
    window.commands.actions["wide_worklist"].trigger()
    QApplication.processEvents()
    save(window, "worklist")
    window.commands.actions["wide_worklist"].trigger()
    unusual = next(path for path in copies if path.stem == "upside down")
    wait_for(window.controller.settled, lambda: window.list.choose(unusual))
    save(window, "cant-judge")


def scene_dialogs(window: MainWindow, _copies: list[Path]) -> None:
    """The smaller windows."""
    wait_for(window.controller.settled, lambda: window.open_paths([demonstration_radiograph()]))
    names = {
        "shortcuts": "keys",
        "settings": "settings",
        "search": "command-search",
        "student_card": "model-card",
        "models": "models",
    }
    for command, name in names.items():
        save_dialog(window, command, name)


def scene_export(window: MainWindow, copies: list[Path]) -> None:
    """Report, export, history and scores."""
    wait_for(window.controller.settled, lambda: window.open_paths(copies[:5]))
    done = QEventLoop()
    window.controller.batch_changed.connect(lambda now: done.quit() if now.total and not now.running else None)
    window.commands.actions["analyse_all"].trigger()
    done.exec()
    window.comparison.review.buttons["COVID-19"].click()
    save_dialog(window, "report", "report", wait=20_000)
    for entry, reading in zip(window.worklist.entries(), READINGS, strict=True):
        window.worklist.set_review(entry.path, Review(reading))
    for command in ("export", "history", "scores"):
        save_dialog(window, command, command, wait=1_000)


def scene_training(window: MainWindow, _copies: list[Path]) -> None:
    """The training window."""
    save_dialog(window, "train", "training", wait=25_000)


SCENES: dict[str, Callable[[MainWindow, list[Path]], None]] = {
    "window": scene_window,
    "view": scene_view,
    "worklist": scene_worklist,
    "dialogs": scene_dialogs,
    "export": scene_export,
    "training": scene_training,
}


def application() -> QApplication:
    """Return the application of this process."""
    return make_application()


def in_new_window(scene: Callable[[MainWindow, list[Path]], None]) -> None:
    """Play a scene in a new window, with a data folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TWINLENS_DATA"] = f"{folder}/data"
        copies = Path(folder) / "copies"
        copies.mkdir()
        settings = store()
        write_preferences(settings, Preferences())
        settings.setValue("noticed", True)
        settings.sync()
        window = MainWindow()
        window.apply_theme()
        window.resize(SIZES["1280"])
        window.show()
        window.begin([])
        QApplication.processEvents()
        scene(window, altered_copies(copies))
        window.close()
        window.deleteLater()
        QApplication.processEvents()


def main() -> None:
    """Make the pictures of the scenes that are named."""
    application()
    for name in sys.argv[1:] or SCENES:
        in_new_window(SCENES[name])


if __name__ == "__main__":
    main()
