"""Measure the window: start-up, the first image, the longest stall in analysis, and a worklist of thousands of files.

``python -m gui.diagnostics.benchmark`` prints a Markdown table.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from PySide6.QtCore import QEventLoop, QTimer

from core.cli.runner import run
from core.compare.batch import compare_files
from core.compare.session import Choice, ComparisonSession
from core.images.demo import demonstration_radiograph
from core.images.reader import find_images, read_image
from gui.diagnostics.heartbeat import Heartbeat
from gui.engine.events import ComparisonGrown, Event
from gui.engine.result import FileResult, ModelSummary, file_result
from gui.engine.results import Result
from gui.settings.preferences import Preferences, store, write_preferences
from gui.window.app import make_application
from gui.window.main_window import MainWindow
from gui.worklist.entry import State
from gui.worklist.filter import Show
from gui.worklist.order import Order

FILES = 5000
STARTS = 3
CHOOSING_SECONDS = 5  # what a person takes to choose the first file

Row = tuple[str, float, str]  # what, value, unit

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def measure(
    images: Annotated[int, typer.Option(min=1, help="How many images are analysed while stalls are timed.")] = 10,
    real: Annotated[
        Path | None, typer.Option("--folder", help="Analyse the images in this folder instead.", file_okay=False)
    ] = None,
    files: Annotated[int, typer.Option(min=100, help="How many files the long worklist has.")] = FILES,
) -> None:
    """Measure the window on this machine, on the screen or, with QT_QPA_PLATFORM=offscreen, without one."""
    from core.benchmarks.suite import machine

    rows = [("window up, from the start of the process", start_up(), "s")]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TWINLENS_DATA"] = str(Path(folder) / "data")
        make_application()
        rows += first_image()
        if real is None:
            _write_images(Path(folder) / "images", images)
        rows += stalls(real or Path(folder) / "images")
        rows += long_worklist(Path(folder), files)
    typer.echo(machine().line() + "\n\n| what | |\n|---|---:|")
    for what, value, unit in rows:
        typer.echo(f"| {what} | {value:.2f} {unit} |" if unit == "s" else f"| {what} | {value:.0f} {unit} |")


def start_up() -> float:
    """Return the median time in seconds from the start of the process until the window has been painted."""
    script = (
        "import time; from gui.window.app import make_application; from gui.window.main_window import MainWindow\n"
        "app = make_application(); window = MainWindow(); window.apply_theme(); window.show(); app.processEvents()\n"
        "print(time.time()); window.close()"
    )
    times = []
    for _ in range(STARTS):
        started = time.time()
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)  # noqa: S603
        times.append(float(done.stdout.split()[-1]) - started)
    return sorted(times)[len(times) // 2]


def first_image() -> list[Row]:
    """Time the first image of a session, opened some seconds after the models have been loaded."""
    window = MainWindow()
    window.apply_theme()
    window.show()
    loaded: list[float] = []
    window.controller.models_ready.connect(lambda: loaded.append(time.perf_counter()))
    window.begin([])
    _wait(lambda: bool(loaded))
    chosen: list[bool] = []
    QTimer.singleShot(1000 * CHOOSING_SECONDS, lambda: chosen.append(True))
    _wait(lambda: bool(chosen))
    seen: dict[str, float] = {}

    def note(event: Event) -> None:
        if not isinstance(event, ComparisonGrown):
            return
        seconds = time.perf_counter() - opened
        seen.setdefault("both predictions", seconds)
        for role, result in (("student", event.comparison.student), ("teacher", event.comparison.teacher)):
            if result.heat_map is not None:
                seen.setdefault(f"{role}'s first heat map", seconds)
        if not event.refining:
            seen["both fast heat maps"] = seconds

    window.engine.happened.connect(note)
    opened = time.perf_counter()
    window.open_paths([demonstration_radiograph()])
    _wait(lambda: "both fast heat maps" in seen)
    window.close()
    return [(f"first image of a session, until {what}", seconds, "s") for what, seconds in seen.items()]


def stalls(folder: Path) -> list[Row]:
    """Time the event loop while a folder is opened, shown and analysed with heat maps, then while torch is needed."""
    count = len(list(find_images([folder])))
    write_preferences(store(), Preferences(maps_in_batch=True))
    window = MainWindow()
    window.apply_theme()
    window.show()
    heart = Heartbeat(window)
    heart.start()
    window.begin([folder])
    _wait(lambda: window.worklist.rowCount() == count and window.controller.comparison is not None)
    started = time.perf_counter()
    window.commands.actions["analyse_all"].trigger()
    _wait(lambda: all(entry.state is not State.WAITING for entry in window.worklist.entries()))
    took = time.perf_counter() - started
    _wait(lambda: window.controller.ready is not None)
    whole = heart.stop()
    heart.start()
    started = time.perf_counter()
    box = window.chooser.cam_box
    box.setCurrentIndex(box.findData("Grad-CAM"))
    box.activated.emit(box.currentIndex())
    _wait(lambda: _explained_by(window, "Grad-CAM"))
    first = time.perf_counter() - started
    cam = heart.stop()
    closing = time.perf_counter()
    window.close()
    closed = time.perf_counter() - closing
    without_window = _without_window([entry.path for entry in window.worklist.entries()])
    return [
        (f"longest stall, models loaded and {count} images analysed", whole.ms, "ms"),
        ("99.9th percentile of the heartbeat's intervals", whole.usual_ms, "ms"),
        (f"analysing {count} images with both heat maps", took, "s"),
        ("the same images by the command line's path", without_window, "s"),
        ("longest stall, Grad-CAM chosen for the first time", cam.ms, "ms"),
        ("both maps of Grad-CAM, torch started for them", first, "s"),
        ("closing", closed, "s"),
    ]


def _without_window(paths: list[Path]) -> float:
    """Return the seconds for the same comparisons without a window, with models that are loaded and compiled."""
    session, choice = ComparisonSession(), Choice(cam="fast")
    session.examine(paths[0], choice)
    started = time.perf_counter()
    for _found in compare_files(session, paths, choice):
        pass
    return time.perf_counter() - started


def _explained_by(window: MainWindow, method: str) -> bool:
    """Return whether both maps on screen were made by a method."""
    ready = window.controller.ready
    if ready is None or ready.comparison is None:
        return False
    maps = (ready.comparison.teacher.heat_map, ready.comparison.student.heat_map)
    return all(heat_map is not None and heat_map.method == method for heat_map in maps)


def _compared() -> FileResult:
    """Return what both models say of the demonstration radiograph."""
    found = ComparisonSession().examine(demonstration_radiograph(), Choice(cam="none"))
    assert found.image is not None and found.comparison is not None  # noqa: S101 - it comes with the program
    return file_result(found.image, found.comparison)


def long_worklist(folder: Path, count: int) -> list[Row]:
    """Time a worklist of many files, each step until the list has been painted."""
    window = MainWindow()
    window.apply_theme()
    window.show()
    paths = [folder / f"{i * 7919 % count:05d}.png" for i in range(count)]
    compared = _compared()
    summaries = [ModelSummary(name, 0.5 + i / 1000, False, False) for i, name in enumerate(("COVID-19", "Normal"))]

    def fill() -> None:
        window.worklist.add(paths)

    def set_results() -> None:
        for i, path in enumerate(paths):
            teacher, student = summaries[i % 2], summaries[i % 3 == 0]
            found = replace(
                compared,
                teacher=teacher,
                student=student,
                agree=teacher is student,
                divergence=(i % 101) / 101,
                record=replace(compared.record, path=str(path)),
            )
            window.worklist.set_result(path, Result(found))

    rows = [
        (f"{count:,} files added", _timed(window, fill), "ms"),
        (f"{count:,} results noted", _timed(window, set_results), "ms"),
        ("sorted by disagreement", _timed(window, lambda: _choose(window, order=Order.DIVERGENCE)), "ms"),
        ("sorted by name", _timed(window, lambda: _choose(window, order=Order.NAME)), "ms"),
        ("filtered to disagreements", _timed(window, lambda: _choose(window, show=Show.DISAGREE)), "ms"),
        ("filtered by a text as well", _timed(window, lambda: window.list.search.setText("42")), "ms"),
        ("all shown again", _timed(window, window.list.clear_filter), "ms"),
    ]
    bar = window.list.list.verticalScrollBar()
    steps = [_timed(window, partial(bar.setValue, bar.maximum() * i // 50)) for i in range(51)]
    rows.append(("scrolled by a page, the slowest of 50", max(steps), "ms"))
    window.close()
    return rows


def _choose(window: MainWindow, show: Show | None = None, order: Order | None = None) -> None:
    if show is not None:
        window.list.show_box.setCurrentIndex(window.list.show_box.findData(show))
    if order is not None:
        window.list.order_box.setCurrentIndex(window.list.order_box.findData(order))


def _timed(window: MainWindow, step: Callable[[], object]) -> float:
    """Return the milliseconds that a step takes with the painting that follows."""
    started = time.perf_counter()
    step()
    window.list.list.viewport().repaint()
    make_application().processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
    return 1e3 * (time.perf_counter() - started)


def _wait(for_what: Callable[[], bool]) -> None:
    while not for_what():
        make_application().processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def _write_images(folder: Path, count: int) -> None:
    """Write the demonstration radiograph many times, shifted, so that no result is one of before."""
    folder.mkdir()
    picture = np.rint(read_image(demonstration_radiograph()).displayed() * 65535).astype(np.uint16)
    for i in range(count):
        Image.fromarray(np.roll(picture, 16 * i, axis=1)).save(folder / f"{i:04d}.png", compress_level=1)


if __name__ == "__main__":
    run(app)
