"""Drive the real window on a virtual screen as a person does: ``python docs/drive_window.py [--only NAME…]``.

Pointer and keys are events of the X server. Every screen is reached, looked at in both themes and saved in a folder;
image shares, clicks and the longest stalls are measured. Writes the documentation's pictures, ``docs/benchmarks/
window-driven.json`` and ``.md``. Needs Linux with Xvfb, openbox and xdotool. The images are the demonstration
radiograph, which comes with pydicom-data, altered copies of it, and a tissue that is made up.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
sys.path[:0] = [str(ROOT), str(DOCS), str(ROOT / "tests")]

MEASURED = DOCS / "benchmarks" / "window-driven.json"
EXAMPLES = Path(tempfile.gettempdir()) / "examples"
EVERY = ("start", "layouts", "worklist", "dialogs", "outputs", "slide")
UNDECORATED = """<?xml version="1.0"?><openbox_config xmlns="http://openbox.org/3.4/rc">
<applications><application class="*"><decor>no</decor></application></applications></openbox_config>"""


@dataclass(frozen=True)
class Setup:
    """A screen and what is played on it.

    Attributes:
        width, height: the screen in physical pixels.
        scale: of the display.
        scenes: what is played, in order.
        pictures: the scenes whose pictures the documentation shows.
    """

    width: int
    height: int
    scale: float
    scenes: tuple[str, ...]
    pictures: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The screen in words."""
        return f"{self.width} × {self.height}" + (f" at {100 * self.scale:.0f} %" if self.scale != 1 else "")


SETUPS = {
    "1280": Setup(1280, 800, 1, (*EVERY, "training"), (*EVERY, "training")),
    "1920": Setup(1920, 1080, 1, EVERY),
    "2560": Setup(2560, 1440, 1, EVERY, ("start",)),
    "150": Setup(1920, 1200, 1.5, EVERY),
    "200": Setup(2560, 1600, 2, EVERY),
    "tasks": Setup(1280, 800, 1, ("first", "report", "disagreements", "restored")),
}


def main() -> None:
    """Play all setups, or those that are named, one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SETUPS, default=list(SETUPS), help="setups")
    parser.add_argument("--scenes", nargs="+", help="only these scenes")
    parser.add_argument("--looks", type=Path, default=ROOT / "build" / "window", help="where the screens are saved")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)  # where to write what is found; on this display
    given = parser.parse_args()
    if given.here is not None:
        play(given.only[0], given.scenes, given.looks, given.here)
        return
    from driving.page import write_page

    failed = False
    for name in given.only:
        print(f"{SETUPS[name].name}", flush=True)
        found, has_failed = on_virtual_screen(name, given.scenes, given.looks)
        failed |= has_failed
        measured: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
        kept = measured.setdefault(name, {"load": 0.0})
        kept["load"] = max(kept["load"], os.getloadavg()[1])
        for what, figures in found.items():
            kept.setdefault(what, {}).update(figures)
        MEASURED.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        write_page(measured, {name: setup.name for name, setup in SETUPS.items()}, MEASURED.with_suffix(".md"))
    if failed:
        raise SystemExit("Not all scenes came to their end.")


def on_virtual_screen(name: str, scenes: list[str] | None, looks: Path) -> tuple[dict[str, Any], bool]:
    """Play a setup in a process and on a screen of its own; return what was measured, and whether a scene failed."""
    setup = SETUPS[name]
    with tempfile.TemporaryDirectory() as folder:
        rules, found = Path(folder) / "rc.xml", Path(folder) / "found.json"
        rules.write_text(UNDECORATED, encoding="utf-8")
        reading, writing = os.pipe()
        size = f"{setup.width}x{setup.height}x24"
        words = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
        server = subprocess.Popen(words, pass_fds=(writing,), stderr=subprocess.DEVNULL)  # noqa: S603
        os.close(writing)
        with os.fdopen(reading) as number:
            display = f":{number.readline().strip()}"
        environment = {
            **os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": f"{setup.scale:g}",
            "TWINLENS_DATA": str(EXAMPLES / "twinlens"),
        }  # fmt: skip
        rules_words = ["openbox", "--config-file", str(rules)]
        manager = subprocess.Popen(rules_words, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            command = [sys.executable, __file__, "--only", name, "--looks", str(looks), "--here", str(found)]
            command += ["--scenes", *scenes] if scenes else []
            with examples():
                failed = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
        finally:
            for process in (manager, server):
                process.terminate()
                process.wait()
        return json.loads(found.read_text(encoding="utf-8")), bool(failed)


@contextmanager
def examples() -> Iterator[None]:
    """Make the folder of images, whose name can stand in pictures, and remove it when the window has ended."""
    EXAMPLES.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(EXAMPLES)


def play(name: str, wanted: list[str] | None, looks: Path, found: Path) -> None:
    """Play a setup on this display, and write what was measured."""
    from driving import tasks
    from driving.driven_window import DrivenWindow
    from driving.scenes import SCENES
    from driving.user_input import UserInput

    from gui.diagnostics.heartbeat import Heartbeat
    from gui.window.app import make_application
    from gui.window.main_window import MainWindow

    scenes = {**SCENES, "first": tasks.first, "report": tasks.report, "disagreements": tasks.disagreements,
              "restored": tasks.restored}  # fmt: skip
    setup = SETUPS[name]
    app = make_application()
    looks = looks / name
    shutil.rmtree(looks, ignore_errors=True)
    looks.mkdir(parents=True)
    if "restored" in (wanted or setup.scenes):
        tasks.history_of_thousands(EXAMPLES)
    window, user = MainWindow(), UserInput()
    window.apply_theme()
    window.setGeometry(app.primaryScreen().geometry())
    window.show()
    window.begin([])
    driven = DrivenWindow(window, user, Heartbeat(), EXAMPLES, looks, None)
    failed: list[str] = []

    def act() -> None:
        for scene in wanted or setup.scenes:
            driven.pictures = DOCS / "images" if scene in setup.pictures else None
            try:
                scenes[scene](driven)
            except BaseException:  # noqa: BLE001 - said, and what was measured before is kept
                failed.append(scene)
                traceback.print_exc()
                user.screen().save(str(looks / f"failed-{scene}.png"))
                break
        user.ask(window.close)
        user.ask(app.quit)

    app.setQuitOnLastWindowClosed(False)
    threading.Thread(target=act, daemon=True).start()
    app.exec()
    found.write_text(json.dumps(driven.found), encoding="utf-8")
    if failed:
        print(f"{failed[0]} came to no end.", flush=True)
    os._exit(bool(failed))  # a heat map may still be computed, which can't be interrupted


if __name__ == "__main__":
    main()
