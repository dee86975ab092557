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
from driving.scenes import analyse_all
from driving.stage import Stage
from gui.engine.result import file_result
from gui.export.report_dialog import ReportDialog
from gui.history.remembered import facts_of
from gui.worklist.entry import State

IMAGES, THOUSANDS = 12, 5000


def first(stage: Stage) -> None:
    """The first start: what has to be understood once."""
    stage.hand.click(stage.window.banner.button)


def report(stage: Stage) -> None:
    """Open an image, and save its report as PDF."""
    hand, window = stage.hand, stage.window
    image = stage.folder / "radiograph.png"
    samples.radiograph().save(image)

    def open_image() -> None:
        hand.click(window.tools.opening)
        hand.answer_file_dialog(image)

    with stage.counted("open an image → PDF report"):
        stage.settled(open_image)
        hand.click(window.tools.report)
        hand.click(hand.opened(ReportDialog).save)
        made = image.with_name("radiograph report.pdf")
        hand.until(made.exists, "the report written")
    if not made.read_bytes().startswith(b"%PDF"):
        raise SystemExit(f"{made} is no PDF.")
    stage.look("report-saved", both=False)
    stage.close(hand.opened(ReportDialog))


def disagreements(stage: Stage) -> None:
    """Open a folder, analyse it whole, and write a table of the disagreements."""
    hand, window, actions = stage.hand, stage.window, stage.window.commands.actions
    folder = samples.labelled_folder(stage.folder / "labelled", IMAGES)
    table = stage.folder / "disagreements.csv"
    hand.ask(actions["clear"].trigger)
    hand.ask(lambda: window.set_preferences(replace(window.preferences, maps_in_batch=True)))
    with stage.counted("open a folder → disagreements → table"):
        hand.click_arrow(window.tools.opening)
        hand.click_item(actions["open_folder"])
        stage.settled(lambda: hand.answer_file_dialog(folder))
        with stage.timed(f"{IMAGES} images analysed with heat maps"):
            analyse_all(stage)
        stage.look("batch-done", both=False)
        hand.click(window.banner.button)
        stage.look("disagreements", both=False)
        hand.click(window.banner.button)
        hand.answer_file_dialog(table)
        hand.until(table.exists, "the table written")
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    shown = hand.ask(window.list.shown_entries)
    if not rows or len(rows) != len(shown):
        raise SystemExit(f"{table} has {len(rows)} rows; {len(shown)} disagreements are shown.")
    stage.look("table-written", both=False)


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


def restored(stage: Stage) -> None:
    """Thousands of results come back from the history."""
    window = stage.window
    place = stage.folder / "thousands"
    stage.hand.ask(window.commands.actions["clear"].trigger)
    with stage.timed(f"{THOUSANDS:,} results back from the history"):
        stage.hand.ask(lambda: window.open_paths([place]))
        stage.hand.until(
            lambda: (
                len(window.worklist.entries()) == THOUSANDS
                and all(one.state is State.DONE for one in window.worklist.entries())
            ),
            "all results back",
        )
    stage.look("thousands", both=False)
