"""Tasks whose clicks are counted, and a history of thousands; each is really done, and what it makes is looked at."""

from __future__ import annotations

import csv
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from PIL import Image

from core.compare.session import Choice, ComparisonSession
from core.images.demo import demonstration_radiograph
from core.images.reader import read_image
from core.records.analysis import analysis
from core.records.history import History
from driving import samples
from driving.driven_window import DrivenWindow
from driving.scenes import analyse_all
from gui.engine.result import file_result
from gui.export.report_dialog import ReportDialog
from gui.history.remembered import facts_of
from gui.worklist.entry import State

IMAGES, THOUSANDS = 12, 5000


def first(driven: DrivenWindow) -> None:
    """The first start: what has to be understood once."""
    driven.user.click(driven.window.banner.button)


def report(driven: DrivenWindow) -> None:
    """Open an image, and save its report as PDF."""
    user, window = driven.user, driven.window
    image = driven.folder / "radiograph.png"
    samples.radiograph().save(image)

    def open_image() -> None:
        user.click(window.tools.opening)
        user.answer_file_dialog(image)

    with driven.counted("open an image → PDF report"):
        driven.settled(open_image)
        user.click(window.tools.report)
        user.click(user.opened(ReportDialog).save)
        made = image.with_name("radiograph report.pdf")
        user.until(made.exists, "the report written")
    if not made.read_bytes().startswith(b"%PDF"):
        raise SystemExit(f"{made} is no PDF.")
    driven.look("report-saved", both=False)
    driven.close(user.opened(ReportDialog))


def disagreements(driven: DrivenWindow) -> None:
    """Open a folder, analyse it whole, and write a table of the disagreements."""
    user, window, actions = driven.user, driven.window, driven.window.commands.actions
    folder = samples.labelled_folder(driven.folder / "labelled", IMAGES)
    table = driven.folder / "disagreements.csv"
    user.ask(actions["clear"].trigger)
    user.ask(lambda: window.set_preferences(replace(window.preferences, maps_in_batch=True)))
    with driven.counted("open a folder → disagreements → table"):
        user.click_arrow(window.tools.opening)
        user.click_item(actions["open_folder"])
        driven.settled(lambda: user.answer_file_dialog(folder))
        with driven.timed(f"{IMAGES} images analysed with heat maps"):
            analyse_all(driven)
        driven.look("batch-done", both=False)
        user.click(window.banner.button)
        driven.look("disagreements", both=False)
        user.click(window.banner.button)
        user.answer_file_dialog(table)
        user.until(table.exists, "the table written")
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    shown = user.ask(window.list.shown_entries)
    if not rows or len(rows) != len(shown):
        raise SystemExit(f"{table} has {len(rows)} rows; {len(shown)} disagreements are shown.")
    driven.look("table-written", both=False)


def history_of_thousands(folder: Path) -> Path:
    """Write thousands of images, and a history in which all of them were analysed; return their folder."""
    found = ComparisonSession().examine(demonstration_radiograph(), Choice(cam="none"))
    assert found.image is not None and found.comparison is not None  # noqa: S101 - it comes with the program
    result = file_result(found.image, found.comparison)
    place = folder / "thousands"
    place.mkdir()
    with History() as history:
        for number in range(THOUSANDS):
            path = place / f"{number:04d}.png"
            pixels = np.full((64, 64), 80, np.uint8)
            pixels[0, :4] = [int(figure) for figure in f"{number:04d}"]
            Image.fromarray(pixels).save(path)
            row = analysis(
                read_image(path).digest, found.comparison, asdict(Choice(cam="none")), path, facts_of(result)
            )
            history.insert(row)
    return place


def restored(driven: DrivenWindow) -> None:
    """Thousands of results come back from the history."""
    window = driven.window
    place = driven.folder / "thousands"
    driven.user.ask(window.commands.actions["clear"].trigger)
    with driven.timed(f"{THOUSANDS:,} results back from the history"):
        driven.user.ask(lambda: window.open_paths([place]))
        driven.user.until(
            lambda: (
                len(window.worklist.entries()) == THOUSANDS
                and all(one.state is State.DONE for one in window.worklist.entries())
            ),
            "all results back",
        )
    driven.look("thousands", both=False)
