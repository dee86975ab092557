"""The scenes: every screen of the program, each reached as a person reaches it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog

from core.records.review import Review
from driving import samples
from driving.driven_window import DrivenWindow
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
from gui.worklist.entry import State

LAYOUTS = (  # keys, what is seen, and its picture in the documentation
    ("ctrl+2", "teacher", ""),
    ("ctrl+3", "student", ""),
    ("ctrl+4", "original", ""),
    ("ctrl+5", "swipe", "view-swipe"),
    ("ctrl+6", "difference", "view-difference"),
)
READINGS = ("COVID-19", "COVID-19", "Normal", "Non-COVID", "COVID-19")  # made up


def start(driven: DrivenWindow) -> None:
    """The first start, the empty window, and the demonstration."""
    user, window = driven.user, driven.window
    driven.look("start-first")
    user.click(window.banner.button)
    small = user.ask(window.width) == 1280
    driven.look("start", page="window-empty" if small else "")
    with driven.timed("first image"):
        driven.settled(lambda: user.click(window.comparison.empty.demonstration))
    width = user.ask(window.width)
    driven.look("analysed", page=f"window-{{}}-{width}")
    shares = driven.found["shares"]
    for what, key in (("both sides open", ""), ("findings folded", "F6"), ("both folded", "F7"),
                      ("teacher alone, both folded", "ctrl+2")):  # fmt: skip
        if key:
            user.press(key)
        shares[what] = user.ask(lambda: image_share(driven))
    driven.look("folded", both=False)
    user.press("F6", "F7", "ctrl+1")


def image_share(driven: DrivenWindow) -> float:
    """Return the share of the window that pixels of the images on screen take, in [0, 1]."""
    window = driven.window
    shown = [panel.view.displayed() for panel in window.comparison.panels if panel.view.isVisible()]
    return sum(place.width() * place.height() for place in shown) / (window.width() * window.height())


def layouts(driven: DrivenWindow) -> None:
    """Each layout, the contour, the full range, and the heat maps for another class."""
    user, view = driven.user, driven.window.comparison
    for key, name, page in LAYOUTS:
        user.press(key)
        driven.look(f"layout-{name}", view, page=page)
    user.press("ctrl+6", "s")  # it stays as the second image
    driven.look("layout-four")
    user.press("ctrl+1", "c")
    driven.look("contour", view, page="view-contour")
    user.press("c", "i", "2")
    driven.look("full-range", view, page="view-full-range")
    user.press("i", "Escape")
    driven.settled(lambda: user.press("k"))
    driven.look("next-class", page="view-next-class", both=False)
    user.click(driven.window.comparison.panel.choices)
    driven.look("models-and-method")
    user.click(driven.window.comparison.panel.choices)


def worklist(driven: DrivenWindow) -> None:
    """A folder analysed whole: thumbnails, lines, table; and an image that neither network can judge."""
    user, window = driven.user, driven.window
    copies = samples.altered_copies(driven.folder / "copies")
    driven.settled(lambda: user.ask(lambda: window.open_paths(copies)))
    analyse_all(driven)
    user.press("F8")
    driven.look("worklist-lines", page="worklist")
    user.press("shift+F8")
    driven.look("worklist-table")
    user.press("shift+F8", "F8")
    unusual = next(path for path in copies if path.stem == "upside down")
    driven.settled(lambda: user.ask(lambda: window.list.choose(unusual)))
    driven.look("not-assessable", page="cant-judge")
    broken = next(path for path in copies if path.stem == "no image")
    driven.settled(lambda: user.ask(lambda: window.list.choose(broken)))
    driven.look("failed")
    driven.settled(lambda: user.ask(lambda: window.list.choose(copies[0])))


def analyse_all(driven: DrivenWindow) -> None:
    """Click *Analyse all* and wait until every file has been analysed or has failed."""
    window = driven.window
    driven.user.click(window.tools.analyse)
    driven.user.until(
        lambda: (
            all(one.state is not State.WAITING for one in window.worklist.entries())
            and not window.controller.batch_running
        ),
        "all files analysed",
    )
    driven.user.settle()


def dialogs(driven: DrivenWindow) -> None:
    """The windows that a key opens."""
    user, window = driven.user, driven.window
    opened: tuple[tuple[str, type[QDialog], str], ...] = (
        ("F1", ShortcutSheet, "keys"),
        ("ctrl+comma", SettingsDialog, "settings"),
        ("ctrl+k", CommandSearch, "command-search"),
    )
    for key, kind, name in opened:
        user.press(key)
        dialog = user.opened(kind)
        driven.look(name, dialog, page=name)
        driven.close(dialog)
    user.ask(window.commands.actions["about"].trigger)
    driven.look("about")
    driven.close(user.opened(AboutDialog))
    user.click(window.comparison.student.card_button)
    card = user.opened(ModelCardDialog)
    driven.look("model-card", card, page="model-card")
    driven.close(card)
    user.press("ctrl+m")
    manager = user.opened(ModelManager)
    driven.look("models", manager, page="models")
    names = [line.bundle.id for line in user.ask(lambda: manager.table.lines)][:3:2]
    user.ask(lambda: manager.choose(*names))
    user.ask(manager.actions_by_name["compare"].trigger)
    compared = user.opened(CardComparisonDialog)
    driven.look("compare-cards", compared)
    driven.close(compared)
    driven.close(manager)


def outputs(driven: DrivenWindow) -> None:
    """Report, export, history, monitoring and performance."""
    user, window = driven.user, driven.window
    user.click(window.comparison.review.buttons["COVID-19"])
    user.press("ctrl+shift+r")
    report = user.opened(ReportDialog)
    user.until(lambda: report.preview.job is None and bool(report.preview.pages), "the report's preview")
    driven.look("report", report, page="report")
    driven.close(report)
    for entry, reading in zip(user.ask(window.worklist.entries), READINGS, strict=False):
        user.ask(lambda path=entry.path, reading=reading: window.worklist.set_review(path, Review(reading)))
    shown: tuple[tuple[str, type[QDialog], str], ...] = (
        ("ctrl+shift+e", ExportDialog, "export"), ("ctrl+h", HistoryView, "history"), ("ctrl+shift+m", MonitorView, ""),
    )  # fmt: skip
    for key, kind, page in shown:
        user.press(key)
        dialog = user.opened(kind)
        user.settle()
        driven.look(page or "monitor", dialog, page=page)
        driven.close(dialog)
    user.press("ctrl+j")
    scores = user.opened(PerformanceWindow)
    for number in range(user.ask(scores.tabs.count)):
        user.click_tab(scores.tabs.tabBar(), number)
        driven.look(f"performance-{number + 1}", scores, page="" if number else "scores")
    driven.close(scores)
    user.ask(window.commands.actions["export_model"].trigger)
    models = user.opened(ModelExportDialog)
    driven.look("export-model", models)
    driven.close(models)
    user.press("ctrl+t")
    trained = user.opened_when_loaded("gui.training.window", "TrainingWindow")
    user.settle()
    driven.look("training-setup")
    user.ask(trained.close)


def slide(driven: DrivenWindow) -> None:
    """A whole slide: opened, moved through, a grid of it compared, a field opened."""
    user, window = driven.user, driven.window
    path = samples.slide(driven.folder / "slides")
    with driven.timed("slide"):
        user.ask(lambda: window.open_paths([path]))
        slides = user.opened_when_loaded("gui.slides.window", "SlideWindow")
        user.until(slides.panel.compare.isEnabled, "the slide's overview")
        for key in ("plus", "plus", "Right", "Down", "plus", "Left"):
            user.press(key)
        user.press("0")
        user.click(slides.panel.compare)
        user.until(slides.panel.export.isEnabled, "the slide's grid compared")
    driven.look("slide", slides, page="slide")
    user.ask(slides.view.setFocus)
    user.press("plus", "plus")
    driven.look("slide-closer", both=False)
    user.ask(slides.close)


def training(driven: DrivenWindow) -> None:
    """A training run, from the data set to its end."""
    user = driven.user
    with driven.timed("data set checked"):
        user.press("ctrl+t")
        trained = user.opened_when_loaded("gui.training.window", "TrainingWindow")
        user.ask(lambda: trained.setup.set_recipe_file(samples.recipe(driven.folder / "small.toml")))
        user.click(trained.setup.data)
        user.write(str(samples.data_set(driven.folder / "films")))
        user.press("Return")
        user.until(lambda: not trained._check.running and trained.findings.isVisible(), "the data set checked")
    driven.look("training-checked")
    with driven.timed("training run"):
        user.click(trained.start_button)
        user.until(lambda: trained.running, "the run began")
        user.until(lambda: not trained.running, "the run ended")
    driven.look("training", trained, page="training")
    for number in range(user.ask(trained.tabs.count)):
        user.click_tab(trained.tabs.tabBar(), number)
        driven.look(f"training-{number + 1}", both=False)
    user.ask(trained.close)


SCENES: dict[str, Callable[[DrivenWindow], None]] = {
    "start": start, "layouts": layouts, "worklist": worklist, "dialogs": dialogs, "outputs": outputs,
    "slide": slide, "training": training,
}  # fmt: skip
