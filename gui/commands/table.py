"""All commands of the window with their keys, in one table: menus, the sheet (F1) and the command search use it.

Viewing keys are where Weasis and OHIF have them: W, Z, T, I, Esc and digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.common import theme


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        id: what the code calls it.
        menu: the menu that it is in.
        name: what a person reads; ``&`` stands before the letter for the menu.
        keys: its keys, the first are shown; empty for none.
        last_of_group: whether a line follows in the menu.
    """

    id: str
    menu: str
    name: str
    keys: tuple[str, ...] = ()
    last_of_group: bool = False

    @property
    def menu_words(self) -> str:
        """The name of its menu."""
        return self.menu

    @property
    def words(self) -> str:
        """The name, as a menu wants it."""
        return self.name

    @property
    def plain(self) -> str:
        """The name without the mark of the menu's letter and without dots."""
        return self.words.replace("&", "").rstrip("…")

    def key_words(self) -> str:
        """Return its first keys as this system writes them."""
        return QKeySequence(self.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if self.keys else ""


FILE, GO, VIEW, ANALYSE, REVIEW, REPORT, HELP = (
    "&File",
    "&Go",
    "&View",
    "&Analyse",
    "Re&view",
    "&Report",
    "&Help",
)
MENUS = (FILE, GO, VIEW, ANALYSE, REVIEW, REPORT, HELP)

COMMANDS: tuple[Command, ...] = (
    Command("open", FILE, "&Open images…", ("Ctrl+O",)),
    Command("open_folder", FILE, "Open &folder…", ("Ctrl+Shift+O",)),
    Command("demonstration", FILE, "Open the &demonstration", ("Ctrl+D",), last_of_group=True),
    Command("import_model", FILE, "&Import model…", last_of_group=True),
    Command("remove", FILE, "&Remove from the worklist", ("Ctrl+Backspace",)),
    Command("clear", FILE, "&Clear the worklist"),
    Command("put_back", FILE, "&Undo removing", ("Ctrl+Z",), last_of_group=True),
    Command("settings", FILE, "Se&ttings…", ("Ctrl+,",), last_of_group=True),
    Command("quit", FILE, "&Quit", ("Ctrl+Q",)),
    Command("next", GO, "&Next image", ("PgDown",)),
    Command("previous", GO, "&Previous image", ("PgUp",)),
    Command("first", GO, "&First image", ("Ctrl+Home",)),
    Command("last", GO, "&Last image", ("Ctrl+End",), last_of_group=True),
    Command("next_disagreement", GO, "Next &disagreement", ("N",), last_of_group=True),
    Command("filter", GO, "Filter the &worklist", ("Ctrl+F",)),
    Command("search", GO, "Find a &command", ("Ctrl+K",)),
    Command("overlay", VIEW, "Heat &map on or off", ("I",)),
    Command("difference", VIEW, "&Difference of the maps", ("D",)),
    Command("contour", VIEW, "&Contour at the top 20 %", ("C",), last_of_group=True),
    Command("window_level", VIEW, "&Window and level", ("W",)),
    Command("zoom", VIEW, "&Zoom", ("Z",)),
    Command("pan", VIEW, "&Pan", ("T",)),
    Command("reset", VIEW, "&Reset zoom and window", ("Esc",), last_of_group=True),
    Command("preset_1", VIEW, "Window from the &file", ("1",)),
    Command("preset_2", VIEW, "&Full range", ("2",)),
    Command("preset_3", VIEW, "0.1 to 99.9 % of the pixels", ("3",), last_of_group=True),
    Command("worklist", VIEW, "Show the work&list", ("Ctrl+L",)),
    Command("full_screen", VIEW, "F&ull screen", ("F11",)),
    Command("analyse_all", ANALYSE, "&Analyse all", ("Ctrl+R",)),
    Command("pause", ANALYSE, "&Pause or go on", ("Ctrl+P",)),
    Command("cancel", ANALYSE, "&Stop", ("Ctrl+.",), last_of_group=True),
    Command("next_class", ANALYSE, "Explain the &next class", ("K",), last_of_group=True),
    Command("teacher_card", ANALYSE, "Model card of the &teacher"),
    Command("student_card", ANALYSE, "Model card of the &student", last_of_group=True),
    Command("train", ANALYSE, "Train a &model…", ("Ctrl+T",)),
    Command("agree", REVIEW, "&Agree", ("A",)),
    Command("disagree", REVIEW, "&Disagree", ("X",)),
    Command("unsure", REVIEW, "&Unsure", ("U",)),
    Command("note", REVIEW, "&Note", ("M",), last_of_group=True),
    Command("history", REVIEW, "&History", ("Ctrl+H",)),
    Command("scores", REVIEW, "&Scores over the worklist", ("Ctrl+J",)),
    Command("report", REPORT, "&PDF report…", ("Ctrl+Shift+R",)),
    Command("export", REPORT, "Export &data…", ("Ctrl+Shift+E",), last_of_group=True),
    Command("export_csv", REPORT, "Export worklist as &table…", ("Ctrl+E",)),
    Command("save_picture", REPORT, "&Save picture of the comparison…", ("Ctrl+S",)),
    Command("shortcuts", HELP, "&Keys", ("F1",)),
    Command("about", HELP, "&About Twinlens"),
)
# what has no command because it is held or dragged
GESTURES: tuple[tuple[str, str], ...] = (
    ("H held", "Hide the heat map"),
    ("Wheel", "Zoom both images"),
    ("Right drag", "Window and level"),
    ("↓ ↑ in the worklist", "Next, previous image"),
    ("Click on a class", "Explain this class"),
)


def equip(action: QAction, command: Command) -> QAction:
    """Give an action the name and keys of a command; buttons keep a shorter name that it had."""
    short = action.iconText()
    action.setObjectName(command.id)
    action.setText(command.words)
    if short:
        action.setIconText(short)
    action.setShortcuts([QKeySequence(keys) for keys in command.keys])
    action.setAutoRepeat(command.menu == GO)  # a key held for long must not switch something on and off
    tip = f"{command.plain} ({command.key_words()})" if command.keys else command.plain
    action.setToolTip(tip)
    if command.id == "quit":
        action.setMenuRole(QAction.MenuRole.QuitRole)
    return action


class ShortcutSheet(QDialog):
    """The sheet of all keys (F1)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        columns = QHBoxLayout()
        columns.setSpacing(48)
        halves = (QGridLayout(), QGridLayout())
        for menu, commands in groupby(COMMANDS, lambda command: command.menu):
            title = menu.replace("&", "")
            rows = [(command.key_words(), command.plain) for command in commands if command.keys]
            self._add_group(halves[0 if menu in (FILE, GO, REVIEW, REPORT) else 1], title, rows)
        self._add_group(halves[1], "Held, dragged, clicked", list(GESTURES))
        for half in halves:
            half.setHorizontalSpacing(24)
            half.setVerticalSpacing(4)
            half.setColumnStretch(1, 1)
            half.setRowStretch(half.rowCount(), 1)
            columns.addLayout(half)
        page = QVBoxLayout(self)
        page.setContentsMargins(32, 24, 32, 24)
        page.setSpacing(24)
        page.addLayout(columns)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        page.addWidget(buttons)

    def _add_group(self, grid: QGridLayout, title: str, rows: list[tuple[str, str]]) -> None:
        first = grid.rowCount()  # the grid's own first row is empty
        head = QLabel(title)
        head.setContentsMargins(0, 16 if first > 1 else 0, 0, 4)
        theme.styled(head, "bold")
        grid.addWidget(head, first, 0, 1, 2)
        for row, (keys, words) in enumerate(rows, first + 1):
            label = QLabel(keys)
            theme.styled(label, "dim")
            grid.addWidget(label, row, 0)
            grid.addWidget(QLabel(words), row, 1)
