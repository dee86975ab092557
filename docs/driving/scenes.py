"""The scenes: every screen of the program, each reached as a person reaches it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog

from core.records.review import Review
from driving import samples
from driving.stage import Stage
from gui.commands.palette import CommandSearch
from gui.commands.sheet import ShortcutSheet
from gui.common.about import AboutDialog
from gui.export.data_dialog import ExportDialog
from gui.export.model_dialog import ModelExportDialog
from gui.export.report_dialog import ReportDialog
from gui.history.view import HistoryView
from gui.models.card_dialog import ModelCardDialog
from gui.models.compare_dialog import CardComparisonDialog
from gui.models.manager import ModelManager
from gui.monitor.view import MonitorView
from gui.performance.window import PerformanceWindow
from gui.settings.dialog import SettingsDialog
from gui.slides.window import SlideWindow
from gui.training.window import TrainingWindow
from gui.worklist.entry import State

LAYOUTS = (  # keys, what is seen, and its picture in the documentation
    ("ctrl+2", "teacher", ""),
    ("ctrl+3", "student", ""),
    ("ctrl+4", "original", ""),
    ("ctrl+5", "swipe", "view-swipe"),
    ("ctrl+6", "difference", "view-difference"),
)
READINGS = ("COVID-19", "COVID-19", "Normal", "Non-COVID", "COVID-19")  # made up


def start(stage: Stage) -> None:
    """The first start, the empty window, and the demonstration."""
    hand, window = stage.hand, stage.window
    stage.look("start-first")
    hand.click(window.banner.button)
    small = hand.ask(window.width) == 1280
    stage.look("start", page="window-empty" if small else "")
    with stage.timed("first image"):
        stage.settled(lambda: hand.click(window.comparison.demonstration_button))
    width = hand.ask(window.width)
    stage.look("analysed", page=f"window-{{}}-{width}")
    shares = stage.found["shares"]
    for what, key in (("both sides open", ""), ("findings folded", "F6"), ("both folded", "F7"),
                      ("teacher alone, both folded", "ctrl+2")):  # fmt: skip
        if key:
            hand.press(key)
        shares[what] = hand.ask(lambda: image_share(stage))
    stage.look("folded", both=False)
    hand.press("F6", "F7", "ctrl+1")


def image_share(stage: Stage) -> float:
    """Return the share of the window that pixels of the images on screen take, in [0, 1]."""
    window = stage.window
    shown = [panel.view.displayed() for panel in window.comparison.panels if panel.view.isVisible()]
    return sum(place.width() * place.height() for place in shown) / (window.width() * window.height())


def layouts(stage: Stage) -> None:
    """Each layout, the contour, the full range, and the heat maps for another class."""
    hand, view = stage.hand, stage.window.comparison
    for key, name, page in LAYOUTS:
        hand.press(key)
        stage.look(f"layout-{name}", view, page=page)
    hand.press("ctrl+6", "s")  # it stays as the second image
    stage.look("layout-four")
    hand.press("ctrl+1", "c")
    stage.look("contour", view, page="view-contour")
    hand.press("c", "i", "2")
    stage.look("full-range", view, page="view-full-range")
    hand.press("i", "Escape")
    stage.settled(lambda: hand.press("k"))
    stage.look("next-class", page="view-next-class", both=False)
    hand.click(stage.window.comparison.panel.choices)
    stage.look("models-and-method")
    hand.click(stage.window.comparison.panel.choices)


def worklist(stage: Stage) -> None:
    """A folder analysed whole: thumbnails, lines, table; and an image that neither network can judge."""
    hand, window = stage.hand, stage.window
    copies = samples.altered_copies(stage.folder / "copies")
    stage.settled(lambda: hand.ask(lambda: window.open_paths(copies)))
    analyse_all(stage)
    hand.press("F8")
    stage.look("worklist-lines", page="worklist")
    hand.press("shift+F8")
    stage.look("worklist-table")
    hand.press("shift+F8", "F8")
    unusual = next(path for path in copies if path.stem == "upside down")
    stage.settled(lambda: hand.ask(lambda: window.list.choose(unusual)))
    stage.look("not-assessable", page="cant-judge")
    broken = next(path for path in copies if path.stem == "no image")
    stage.settled(lambda: hand.ask(lambda: window.list.choose(broken)))
    stage.look("failed")
    stage.settled(lambda: hand.ask(lambda: window.list.choose(copies[0])))


def analyse_all(stage: Stage) -> None:
    """Click *Analyse all* and wait until every file has been analysed or has failed."""
    window = stage.window
    stage.hand.click(window.tools.analyse)
    stage.hand.until(
        lambda: (
            all(one.state is not State.WAITING for one in window.worklist.entries())
            and not window.controller.batch_running
        ),
        "all files analysed",
    )
    stage.hand.settle()


def dialogs(stage: Stage) -> None:
    """The windows that a key opens."""
    hand, window = stage.hand, stage.window
    opened: tuple[tuple[str, type[QDialog], str], ...] = (
        ("F1", ShortcutSheet, "keys"),
        ("ctrl+comma", SettingsDialog, "settings"),
        ("ctrl+k", CommandSearch, "command-search"),
    )
    for key, kind, name in opened:
        hand.press(key)
        dialog = hand.opened(kind)
        stage.look(name, dialog, page=name)
        stage.close(dialog)
    hand.ask(window.commands.actions["about"].trigger)
    stage.look("about")
    stage.close(hand.opened(AboutDialog))
    hand.click(window.comparison.student.card_button)
    card = hand.opened(ModelCardDialog)
    stage.look("model-card", card, page="model-card")
    stage.close(card)
    hand.press("ctrl+m")
    manager = hand.opened(ModelManager)
    stage.look("models", manager, page="models")
    names = [line.bundle.id for line in hand.ask(lambda: manager.table.lines)][:3:2]
    hand.ask(lambda: manager.choose(*names))
    hand.ask(manager.actions_by_name["compare"].trigger)
    compared = hand.opened(CardComparisonDialog)
    stage.look("compare-cards", compared)
    stage.close(compared)
    stage.close(manager)


def outputs(stage: Stage) -> None:
    """Report, export, history, monitoring and performance."""
    hand, window = stage.hand, stage.window
    hand.click(window.comparison.review.buttons["COVID-19"])
    hand.press("ctrl+shift+r")
    report = hand.opened(ReportDialog)
    hand.until(lambda: report.preview.job is None and bool(report.preview.pages), "the report's preview")
    stage.look("report", report, page="report")
    stage.close(report)
    for entry, reading in zip(hand.ask(window.worklist.entries), READINGS, strict=False):
        hand.ask(lambda path=entry.path, reading=reading: window.worklist.set_review(path, Review(reading)))
    shown: tuple[tuple[str, type[QDialog], str], ...] = (
        ("ctrl+shift+e", ExportDialog, "export"), ("ctrl+h", HistoryView, "history"), ("ctrl+shift+m", MonitorView, ""),
    )  # fmt: skip
    for key, kind, page in shown:
        hand.press(key)
        dialog = hand.opened(kind)
        hand.settle()
        stage.look(page or "monitor", dialog, page=page)
        stage.close(dialog)
    hand.press("ctrl+j")
    scores = hand.opened(PerformanceWindow)
    for number in range(hand.ask(scores.tabs.count)):
        hand.click_tab(scores.tabs.tabBar(), number)
        stage.look(f"performance-{number + 1}", scores, page="" if number else "scores")
    stage.close(scores)
    hand.ask(window.commands.actions["export_model"].trigger)
    models = hand.opened(ModelExportDialog)
    stage.look("export-model", models)
    stage.close(models)
    hand.press("ctrl+t")
    trained = hand.opened(TrainingWindow)
    hand.settle()
    stage.look("training-setup")
    hand.ask(trained.close)


def slide(stage: Stage) -> None:
    """A whole slide: opened, moved through, a grid of it compared, a field opened."""
    hand, window = stage.hand, stage.window
    path = samples.slide(stage.folder / "slides")
    with stage.timed("slide"):
        hand.ask(lambda: window.open_paths([path]))
        slides = hand.opened(SlideWindow)
        hand.until(slides.panel.compare.isEnabled, "the slide's overview")
        for key in ("plus", "plus", "Right", "Down", "plus", "Left"):
            hand.press(key)
        hand.press("0")
        hand.click(slides.panel.compare)
        hand.until(slides.panel.export.isEnabled, "the slide's grid compared")
    stage.look("slide", slides, page="slide")
    hand.ask(slides.view.setFocus)
    hand.press("plus", "plus")
    stage.look("slide-closer", both=False)
    hand.ask(slides.close)


def training(stage: Stage) -> None:
    """A training run, from the data set to its end."""
    hand = stage.hand
    with stage.timed("data set checked"):
        hand.press("ctrl+t")
        trained = hand.opened(TrainingWindow)
        hand.ask(lambda: trained.setup.set_recipe_file(samples.recipe(stage.folder / "small.toml")))
        hand.click(trained.setup.data)
        hand.write(str(samples.data_set(stage.folder / "data")))
        hand.press("Return")
        hand.until(lambda: not trained._check.running and trained.findings.isVisible(), "the data set checked")
    stage.look("training-checked")
    with stage.timed("training run"):
        hand.click(trained.start_button)
        hand.until(lambda: trained.running, "the run began")
        hand.until(lambda: not trained.running, "the run ended")
    stage.look("training", trained, page="training")
    for number in range(hand.ask(trained.tabs.count)):
        hand.click_tab(trained.tabs.tabBar(), number)
        stage.look(f"training-{number + 1}", both=False)
    hand.ask(trained.close)


SCENES: dict[str, Callable[[Stage], None]] = {
    "start": start, "layouts": layouts, "worklist": worklist, "dialogs": dialogs, "outputs": outputs,
    "slide": slide, "training": training,
}  # fmt: skip
