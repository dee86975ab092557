"""All commands of the window in one table: title, keys, what they do, and when they can be used.

Menus, shortcuts, the sheet of shortcuts (F1) and the command search (Ctrl+K) use it. Viewing keys are where Weasis and
OHIF have them: W, Z, T, I, Esc and digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QUndoStack

from gui.commands.command import Command
from gui.commands.files import FileCommands
from gui.comparison.controller import ComparisonController
from gui.comparison.view import ComparisonView
from gui.export.controller import Reporter
from gui.export.quick import Exports
from gui.history.review_controller import Reviews
from gui.models.chooser import ModelChooser
from gui.models.importer import ModelImport
from gui.performance.controller import Performance
from gui.worklist.view import WorklistView

FILE, GO, VIEW, ANALYSE, REVIEW, REPORT, HELP = "&File", "&Go", "&View", "&Analyse", "Re&view", "&Report", "&Help"


@dataclass(frozen=True)
class Windows:
    """What opens a window or changes the main one; each is called without arguments."""

    settings: Callable[[], object]
    search: Callable[[], object]
    fold_worklist: Callable[[], object]
    widen_worklist: Callable[[], object]
    table_worklist: Callable[[], object]
    fold_panel: Callable[[], object]
    write_note: Callable[[], object]
    full_screen: Callable[[], object]
    train: Callable[[], object]
    history: Callable[[], object]
    models: Callable[[], object]
    shortcuts: Callable[[], object]
    about: Callable[[], object]
    quit: Callable[[], object]


def command_table(
    windows: Windows,
    files: FileCommands,
    listed: WorklistView,
    view: ComparisonView,
    chooser: ModelChooser,
    controller: ComparisonController,
    stop: Callable[[], object],
    importer: ModelImport,
    reviews: Reviews,
    reporter: Reporter,
    performance: Performance,
    exports: Exports,
    changes: QUndoStack,
) -> tuple[Command, ...]:
    """Return all commands, in the order of the menus.

    Args:
        windows: opens windows.
        files: opens files and takes them off the worklist.
        listed: the worklist on screen.
        view: the comparison on screen.
        chooser: holds the choice of models.
        controller: leads the analysis.
        stop: ends "Analyse all".
        importer: imports models.
        reviews: takes the reader's reading.
        reporter: opens report and exports.
        performance: opens the scores.
        exports: writes table and picture.
        changes: what can be undone.
    """
    layouts = view.layouts.actions

    def has_files() -> bool:
        return bool(listed.all_paths())

    def is_running() -> bool:
        return controller.batch_running

    def has_heat_maps() -> bool:
        return chooser.choice.cam != "none"

    def has_comparison() -> bool:
        return controller.comparison is not None

    def has_model(role: str) -> Callable[[], bool]:
        return lambda: role in controller.bundles

    return (
        Command("open", FILE, "&Open images…", files.open, ("Ctrl+O",)),
        Command("open_folder", FILE, "Open &folder…", files.open_folder, ("Ctrl+Shift+O",)),
        Command("demonstration", FILE, "Open the &demonstration", files.open_demonstration, ("Ctrl+D",),
                last_of_group=True),
        Command("models", FILE, "&Models…", windows.models, ("Ctrl+M",)),
        Command("import_model", FILE, "&Import model…", importer.choose),
        Command("export_model", FILE, "E&xport model…", reporter.export_model, last_of_group=True),
        Command("remove", FILE, "&Remove from the worklist", files.remove_selected, ("Ctrl+Backspace",), has_files),
        Command("clear", FILE, "&Clear the worklist", files.clear, enabled=has_files),
        Command("undo", FILE, "&Undo", changes.undo, ("Ctrl+Z",), changes.canUndo),
        Command("redo", FILE, "Re&do", changes.redo, ("Ctrl+Shift+Z", "Ctrl+Y"), changes.canRedo, last_of_group=True),
        Command("settings", FILE, "Se&ttings…", windows.settings, ("Ctrl+,",), last_of_group=True),
        Command("quit", FILE, "&Quit", windows.quit, ("Ctrl+Q",)),
        Command("next", GO, "&Next image", lambda: listed.step(1), ("PgDown",), has_files, repeats=True),
        Command("previous", GO, "&Previous image", lambda: listed.step(-1), ("PgUp",), has_files, repeats=True),
        Command("first", GO, "&First image", listed.choose_first, ("Ctrl+Home",), has_files),
        Command("last", GO, "&Last image", listed.choose_last, ("Ctrl+End",), has_files, last_of_group=True),
        Command("next_disagreement", GO, "Next &disagreement", files.next_disagreement, ("N",), has_files,
                repeats=True, last_of_group=True),
        Command("filter", GO, "Filter the &worklist", files.filter, ("Ctrl+F",), has_files),
        Command("search", GO, "Find a &command", windows.search, ("Ctrl+K",)),
        Command("overlay", VIEW, "Heat &map on or off", view.overlay_action, ("I",), has_heat_maps),
        Command("contour", VIEW, "&Contour at the top 20 %", view.contour_action, ("C",), has_heat_maps,
                last_of_group=True),
        Command("side", VIEW, "Teacher and student side &by side", layouts["side"], ("Ctrl+1",)),
        Command("teacher_alone", VIEW, "T&eacher alone", layouts["teacher"], ("Ctrl+2",)),
        Command("student_alone", VIEW, "&Student alone", layouts["student"], ("Ctrl+3",)),
        Command("original", VIEW, "&Original alone", layouts["original"], ("Ctrl+4",)),
        Command("swipe", VIEW, "S&wipe between image and heat map", layouts["swipe"], ("Ctrl+5",), has_heat_maps),
        Command("difference", VIEW, "&Difference of the heat maps", layouts["difference"], ("D", "Ctrl+6"),
                has_heat_maps, last_of_group=True),
        Command("window_level", VIEW, "&Window and level", view.window_level_action, ("W",)),
        Command("zoom", VIEW, "&Zoom", view.zoom_action, ("Z",)),
        Command("pan", VIEW, "&Pan", view.pan_action, ("T",)),
        Command("reset", VIEW, "&Reset zoom and window", view.reset_action, ("Esc",), last_of_group=True),
        Command("preset_1", VIEW, "Window from the &file", view.preset_actions[0], ("1",)),
        Command("preset_2", VIEW, "&Full range", view.preset_actions[1], ("2",)),
        Command("preset_3", VIEW, "&Auto contrast", view.preset_actions[2], ("3",), last_of_group=True),
        Command("worklist", VIEW, "Show or hide the work&list", windows.fold_worklist, ("Ctrl+L", "F7")),
        Command("wide_worklist", VIEW, "Worklist with &names or thumbnails", windows.widen_worklist, ("F8",)),
        Command("worklist_table", VIEW, "Worklist as a ta&ble", windows.table_worklist, ("Shift+F8",)),
        Command("findings", VIEW, "Show or hide the findin&gs", windows.fold_panel, ("F6",)),
        Command("full_screen", VIEW, "F&ull screen", windows.full_screen, ("F11",)),
        Command("analyse_all", ANALYSE, "&Analyse all", controller.analyse_all, ("Ctrl+R",)),
        Command("pause", ANALYSE, "&Pause / Resume", controller.toggle_pause, ("Ctrl+P",), is_running),
        Command("cancel", ANALYSE, "&Stop", stop, ("Ctrl+.",), is_running, last_of_group=True),
        Command("next_class", ANALYSE, "Heat map for &next class", controller.next_class, ("K",), has_comparison),
        Command("each_its_own", ANALYSE, "Heat map of &each network for its own finding", controller.each_its_own,
                ("E",), has_comparison, last_of_group=True),
        Command("teacher_card", ANALYSE, "Model card of the &teacher", lambda: view.card_requested.emit("teacher"),
                enabled=has_model("teacher")),
        Command("student_card", ANALYSE, "Model card of the &student", lambda: view.card_requested.emit("student"),
                enabled=has_model("student"), last_of_group=True),
        Command("train", ANALYSE, "Train a &model…", windows.train, ("Ctrl+T",), extra="train"),
        Command("agree", REVIEW, "&Agree with both", reviews.agree, ("A",)),
        Command("note", REVIEW, "&Note", windows.write_note, ("M",), last_of_group=True),
        Command("history", REVIEW, "&History", windows.history, ("Ctrl+H",)),
        Command("scores", REVIEW, "&Performance", performance.show, ("Ctrl+J",)),
        Command("report", REPORT, "&PDF report…", reporter.report, ("Ctrl+Shift+R",)),
        Command("export", REPORT, "Export &data…", reporter.export, ("Ctrl+Shift+E",), last_of_group=True),
        Command("export_csv", REPORT, "Export worklist as &table…", lambda: exports.table(listed.shown_entries()),
                ("Ctrl+E",)),
        Command("save_picture", REPORT, "&Save picture of the comparison…", lambda: exports.picture(view.on_screen()),
                ("Ctrl+S",)),
        Command("shortcuts", HELP, "&Keyboard shortcuts", windows.shortcuts, ("F1",)),
        Command("about", HELP, "&About Twinlens", windows.about),
    )  # fmt: skip
