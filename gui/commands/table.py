"""All commands of the window in one table: title, keys, what they do, and when they can be used.

Menus, shortcuts, the sheet of shortcuts (F1) and the command search (Ctrl+K) use it. Viewing keys are where Weasis and
OHIF have them: W, Z, T, Esc and digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QUndoStack

from gui.commands.command import Command
from gui.commands.files import FileCommands
from gui.commands.pictures import PictureCommands
from gui.comparison.controller import ComparisonController
from gui.comparison.presets import FIXED, MOST
from gui.comparison.view import ComparisonView
from gui.export.controller import Reporter
from gui.export.quick import Exports
from gui.history.review_controller import Reviews
from gui.models.chooser import ModelChooser
from gui.models.importer import ModelImport
from gui.performance.controller import Performance
from gui.worklist.view import WorklistView

FILE, GO, VIEW, IMAGE, ANALYSE = "&File", "&Go", "&View", "&Image", "&Analyse"
REVIEW, REPORT, HELP = "Re&view", "&Report", "&Help"


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
    monitor: Callable[[], object]
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
    pictures: PictureCommands,
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
        pictures: copies, pastes, prints and finds pictures.
        changes: what can be undone.
    """
    layouts, tools = view.layouts.actions, view.tool_actions
    viewing, presets = view.viewing, view.viewing.presets

    def has_files() -> bool:
        return bool(listed.all_paths())

    def is_running() -> bool:
        return controller.batch_running

    def has_heat_maps() -> bool:
        return chooser.choice.cam != "none"

    def has_comparison() -> bool:
        return controller.comparison is not None

    def has_file() -> bool:
        return controller.path is not None

    def has_image() -> bool:
        return view.first.picture is not None

    def has_frames() -> bool:
        return view.frames.has_frames

    def has_model(role: str) -> Callable[[], bool]:
        return lambda: role in controller.bundles

    # what they are called follows from the image; those that it does not have are hidden
    further_presets = (
        Command(f"preset_{number}", IMAGE, f"Window preset {number}", presets[number - 1], (str(number),),
                partial(viewing.has_preset, number), last_of_group=number == MOST)
        for number in range(FIXED + 1, MOST + 1)
    )  # fmt: skip
    return (
        Command("open", FILE, "&Open images…", files.open, ("Ctrl+O",)),
        Command("open_folder", FILE, "Open &folder…", files.open_folder, ("Ctrl+Shift+O",)),
        Command("demonstration", FILE, "Open the &demonstration", files.open_demonstration, ("Ctrl+D",)),
        Command("paste", FILE, "&Paste image", pictures.paste, ("Ctrl+V",)),
        Command("show_in_folder", FILE, "Show in f&older", pictures.show_in_folder, ("Ctrl+Shift+F",), has_file,
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
                has_heat_maps),
        Command("four_up", VIEW, "Four-&up: two images", layouts["four"], ("Ctrl+7",)),
        Command("keep_below", VIEW, "&Keep as second image", viewing.keep_below, ("S",), has_image),
        Command("link", VIEW, "L&ink both images", viewing.linked, ("Ctrl+8",), last_of_group=True),
        Command("worklist", VIEW, "Show or hide the work&list", windows.fold_worklist, ("Ctrl+L", "F7")),
        Command("wide_worklist", VIEW, "Worklist with &names or thumbnails", windows.widen_worklist, ("F8",)),
        Command("worklist_table", VIEW, "Worklist as a ta&ble", windows.table_worklist, ("Shift+F8",)),
        Command("findings", VIEW, "Show or hide the findin&gs", windows.fold_panel, ("F6",)),
        Command("full_screen", VIEW, "F&ull screen", windows.full_screen, ("F11",)),
        Command("pan", IMAGE, "&Pan", tools["pan"], ("T",)),
        Command("zoom", IMAGE, "&Zoom", tools["zoom"], ("Z",)),
        Command("window_level", IMAGE, "&Window and level", tools["window"], ("W",)),
        Command("distance", IMAGE, "Measure a &distance", tools["distance"], ("L",)),
        Command("angle", IMAGE, "Measure an &angle", tools["angle"], ("G",)),
        Command("ellipse", IMAGE, "Measure values in an &ellipse", tools["ellipse"], ("O",)),
        Command("delete_measurement", IMAGE, "Delete &measurement", viewing.changes["delete_measurement"], ("Del",),
                last_of_group=True),
        Command("fit", IMAGE, "&Fit to the window", viewing.changes["fit"], ("B",)),
        Command("actual_size", IMAGE, "Actual pi&xels (100 %)", viewing.changes["actual_size"], ("Ctrl+0",)),
        Command("zoom_percent", IMAGE, "Zoom in per &cent…", viewing.zoom_percent, ("P",)),
        Command("magnifier", IMAGE, "Ma&gnifier", viewing.magnifier, ("V",), last_of_group=True),
        Command("invert", IMAGE, "&Invert", viewing.changes["invert"], ("Ctrl+I",)),
        Command("rotate_right", IMAGE, "&Rotate right", viewing.changes["rotate_right"], ("R",)),
        Command("rotate_left", IMAGE, "Rotate &left", viewing.changes["rotate_left"], ("Shift+R",)),
        Command("flip_across", IMAGE, "Flip left to rig&ht", viewing.changes["flip_across"], ("F",)),
        Command("flip_down", IMAGE, "Flip top to &bottom", viewing.changes["flip_down"], ("Shift+F",)),
        Command("reset", IMAGE, "Re&set the view", view.reset_action, ("Esc",), last_of_group=True),
        Command("preset_1", IMAGE, "Window from the &file", presets[0], ("1",)),
        Command("preset_2", IMAGE, "F&ull range", presets[1], ("2",)),
        Command("preset_3", IMAGE, "Auto co&ntrast", presets[2], ("3",)),
        *further_presets,
        Command("next_frame", IMAGE, "Next frame", lambda: view.frames.step(1), (".",), has_frames, repeats=True),
        Command("previous_frame", IMAGE, "Previous frame", lambda: view.frames.step(-1), (",",), has_frames,
                repeats=True),
        Command("analyse_all", ANALYSE, "&Analyse all", controller.analyse_all, ("Ctrl+R",)),
        Command("pause", ANALYSE, "&Pause / Resume", controller.toggle_pause, ("Ctrl+P",), is_running),
        Command("cancel", ANALYSE, "&Stop", stop, ("Ctrl+.",), is_running, last_of_group=True),
        Command("next_class", ANALYSE, "Heat map for &next class", controller.next_class, ("K",), has_comparison),
        Command("each_its_own", ANALYSE, "Heat map for &each network's finding", controller.each_its_own,
                ("E",), has_comparison, last_of_group=True),
        Command("teacher_card", ANALYSE, "Model card of the &teacher", lambda: view.card_requested.emit("teacher"),
                enabled=has_model("teacher")),
        Command("student_card", ANALYSE, "Model card of the &student", lambda: view.card_requested.emit("student"),
                enabled=has_model("student"), last_of_group=True),
        Command("train", ANALYSE, "Train a &model…", windows.train, ("Ctrl+T",), extra="train"),
        Command("agree", REVIEW, "&Agree with both", reviews.agree, ("A",)),
        Command("note", REVIEW, "&Note", windows.write_note, ("M",), last_of_group=True),
        Command("history", REVIEW, "&History", windows.history, ("Ctrl+H",)),
        Command("monitor", REVIEW, "M&onitoring", windows.monitor, ("Ctrl+Shift+M",)),
        Command("scores", REVIEW, "&Performance", performance.show, ("Ctrl+J",)),
        Command("report", REPORT, "&PDF report…", reporter.report, ("Ctrl+Shift+R",)),
        Command("export", REPORT, "Export &data…", reporter.export, ("Ctrl+Shift+E",), last_of_group=True),
        Command("export_csv", REPORT, "Export worklist as &table…", lambda: exports.table(listed.shown_entries()),
                ("Ctrl+E",)),
        Command("save_picture", REPORT, "&Save picture of the comparison…", lambda: exports.picture(view.on_screen()),
                ("Ctrl+S",)),
        Command("copy_picture", REPORT, "&Copy picture of the comparison", lambda: pictures.copy(view.on_screen()),
                ("Ctrl+C",), has_comparison),
        Command("print", REPORT, "P&rint picture of the comparison…", lambda: pictures.print(view.on_screen()),
                ("Ctrl+Shift+P",), has_comparison),
        Command("shortcuts", HELP, "&Keyboard shortcuts", windows.shortcuts, ("F1",)),
        Command("about", HELP, "&About Twinlens", windows.about),
    )  # fmt: skip
