"""How the window looks: two palettes, one type scale, one style sheet.

Lengths are logical pixels on a grid of eight. Teacher and student have an accent each that nothing else uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from core.explain.rendering import STUDENT_RGB, TEACHER_RGB

Theme = Literal["dark", "light"]
Role = Literal[
    "window", "surface", "raised", "line", "text", "dim", "disabled", "selection", "focus", "warning", "image",
    "on_image", "teacher", "student",
]  # fmt: skip

SMALL, BODY, TITLE = 12, 14, 18  # the type scale
GRID = 8


@dataclass(frozen=True)
class Colours:
    """A palette: a colour by role, as ``#rrggbb``.

    Attributes:
        window: behind everything.
        surface: lists, fields and menus.
        raised: buttons, tracks of bars, what the pointer is over.
        line: the one-pixel lines between parts.
        text: what is read first.
        dim: what is read second.
        disabled: what can't be used now.
        selection: the chosen row.
        focus: the ring around what has the keyboard.
        warning: amber; always beside an icon and words.
        image: around images.
        on_image: words over an image.
        teacher: the teacher's accent, indigo.
        student: the student's accent, teal.
    """

    window: str
    surface: str
    raised: str
    line: str
    text: str
    dim: str
    disabled: str
    selection: str
    focus: str
    warning: str
    image: str
    on_image: str
    teacher: str
    student: str


def _hexadecimal(rgb: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


PALETTES: dict[Theme, Colours] = {
    "dark": Colours(
        window="#0f1114",
        surface="#16191e",
        raised="#242930",
        line="#2b313a",
        text="#e7e9ed",
        dim="#9da6b3",
        disabled="#5d6672",
        selection="#313946",
        focus="#8ea2bd",
        warning="#f0b64a",
        image="#000000",
        on_image="#e7e9ed",
        teacher=_hexadecimal(TEACHER_RGB),
        student=_hexadecimal(STUDENT_RGB),
    ),
    # the accents are darker versions of the same hues, so that words in them have a contrast of 4.5 on white
    "light": Colours(
        window="#f5f6f8",
        surface="#ffffff",
        raised="#e6e9ee",
        line="#d3d8df",
        text="#15181d",
        dim="#566070",
        disabled="#9aa3b0",
        selection="#d5dce7",
        focus="#50678a",
        warning="#8a5800",
        image="#000000",
        on_image="#e7e9ed",
        teacher="#4a4fd0",
        student="#00756c",
    ),
}

_current: list[Theme] = ["dark"]


def apply(app: QApplication, theme: Theme) -> None:
    """Give the whole program a theme; widgets that draw for themselves get a style change event."""
    _current[0] = theme
    app.setStyle("Fusion")
    app.setPalette(_qt_palette(PALETTES[theme]))
    app.setFont(font())
    app.setStyleSheet(_style_sheet(PALETTES[theme]))


def current() -> Theme:
    """Return the theme that was applied last."""
    return _current[0]


def colour(role: Role) -> QColor:
    """Return a colour of the present theme by its role."""
    return QColor(getattr(PALETTES[_current[0]], role))


def font(size: int = BODY, bold: bool = False) -> QFont:
    """Return the program's font with figures of equal width.

    Args:
        size: ``SMALL``, ``BODY`` or ``TITLE``, in pixels.
        bold: whether it is set in bold.
    """
    made = QFont()
    made.setPixelSize(size)
    made.setBold(bold)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def styled(widget: QWidget, *names: str) -> QWidget:
    """Give a widget names that the style sheet knows, e.g. ``small``, ``dim``, ``title``, ``teacher``, and return it.

    The names replace those that the widget had.
    """
    if widget.property("look") == list(names):
        return widget
    widget.setProperty("look", list(names))
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    return widget


def _qt_palette(colours: Colours) -> QPalette:
    roles = QPalette.ColorRole
    chosen = {
        roles.Window: colours.window,
        roles.WindowText: colours.text,
        roles.Base: colours.surface,
        roles.AlternateBase: colours.raised,
        roles.ToolTipBase: colours.surface,
        roles.ToolTipText: colours.text,
        roles.PlaceholderText: colours.dim,
        roles.Text: colours.text,
        roles.Button: colours.raised,
        roles.ButtonText: colours.text,
        roles.BrightText: colours.warning,
        roles.Light: colours.line,
        roles.Midlight: colours.raised,
        roles.Mid: colours.line,
        roles.Dark: colours.line,
        roles.Shadow: colours.image,
        roles.Highlight: colours.selection,
        roles.HighlightedText: colours.text,
        roles.Accent: colours.focus,
        roles.Link: colours.focus,
        roles.LinkVisited: colours.focus,
    }
    palette = QPalette()
    for role, value in chosen.items():
        palette.setColor(role, QColor(value))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.disabled))
    return palette


def _style_sheet(colours: Colours) -> str:
    names = "\n".join(
        f'*[look~="{name}"] {{ {rule} }}'
        for name, rule in {
            "small": f"font-size: {SMALL}px;",
            "title": f"font-size: {TITLE}px;",
            "bold": "font-weight: 600;",
            "dim": f"color: {colours.dim};",
            "warning": f"color: {colours.warning};",
            "tight": "padding: 4px 2px;",
            "choice": f"background: {colours.raised}; padding: 2px;",
            "slim": "padding: 0 8px;",
            "flush": "padding: 2px 4px 2px 0;",
            "line": f"background: {colours.line};",
            "teacher": f"color: {colours.teacher};",
            "student": f"color: {colours.student};",
            "on-image": f"color: {colours.on_image}; background: rgba(0, 0, 0, 140); padding: 2px 6px;",
        }.items()
    )
    return f"""
* {{ font-size: {BODY}px; }}
QToolTip {{
    color: {colours.text}; background: {colours.surface}; border: 1px solid {colours.line}; padding: 4px 8px;
}}
QMenuBar {{ background: {colours.window}; border-bottom: 1px solid {colours.line}; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 8px; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {colours.raised}; }}
QMenu {{ background: {colours.surface}; border: 1px solid {colours.line}; padding: 4px; }}
QMenu::item {{ padding: 4px 24px; border-radius: 4px; }}
QMenu::item:selected {{ background: {colours.selection}; }}
QMenu::item:disabled {{ color: {colours.disabled}; }}
QMenu::icon:checked {{ background: {colours.selection}; border-radius: 4px; }}
QMenu::separator {{ height: 1px; background: {colours.line}; margin: 4px 8px; }}
QToolBar {{ background: {colours.window}; border: 0; spacing: 4px; padding: 4px 8px; }}
QToolBar::separator {{ width: 1px; background: {colours.line}; margin: 4px; }}
QToolButton, QPushButton {{
    border: 1px solid transparent; border-radius: 4px; padding: 4px 8px; background: transparent;
}}
QPushButton {{ background: {colours.raised}; padding: 4px 16px; }}
QToolButton:hover, QPushButton:hover {{ background: {colours.selection}; }}
QToolButton:checked {{ background: {colours.selection}; border-color: {colours.line}; }}
QToolButton[look~="choice"]:checked {{ border-color: {colours.text}; }}
QToolButton[popupMode="2"] {{ padding-right: 20px; }}
QToolButton[popupMode="1"] {{ padding-right: 24px; }}
QToolButton::menu-button {{ border: 0; border-radius: 4px; width: 20px; }}
QToolButton::menu-button:hover {{ background: {colours.line}; }}
QToolButton::menu-indicator {{ subcontrol-origin: padding; subcontrol-position: center right; right: 4px; }}
QToolButton:focus, QPushButton:focus {{ border-color: {colours.focus}; }}
QToolButton:disabled, QPushButton:disabled {{ color: {colours.disabled}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QDockWidget::title {{ padding: 4px 8px; }}
QStatusBar {{ border-top: 1px solid {colours.line}; }}
QStatusBar::item {{ border: 0; }}
QMainWindow::separator {{ width: 1px; height: 1px; background: {colours.line}; }}
QSplitter::handle {{ background: {colours.line}; }}
QAbstractItemView {{ border: 0; background: {colours.window}; outline: 0; }}
QAbstractItemView::item:selected {{ background: {colours.selection}; color: {colours.text}; }}
QComboBox QAbstractItemView {{ border: 1px solid {colours.line}; background: {colours.surface}; }}
QHeaderView::section {{
    background: {colours.window}; color: {colours.dim}; border: 0; border-bottom: 1px solid {colours.line};
    padding: 4px 8px; font-size: {SMALL}px;
}}
QTabWidget::pane {{ border: 0; border-top: 1px solid {colours.line}; }}
QTabBar::tab {{
    color: {colours.dim}; background: transparent; border: 0; border-bottom: 2px solid transparent;
    padding: 4px 0; margin-right: 24px;
}}
QTabBar::tab:selected {{ color: {colours.text}; border-bottom-color: {colours.text}; }}
QTabBar::tab:hover, QTabBar:focus::tab:selected {{ color: {colours.text}; border-bottom-color: {colours.focus}; }}
QProgressBar {{ border: 0; background: {colours.raised}; text-align: center; }}
QProgressBar::chunk {{ background: {colours.focus}; }}
QProgressBar[look~="teacher"]::chunk {{ background: {colours.teacher}; }}
QProgressBar[look~="student"]::chunk {{ background: {colours.student}; }}
QRadioButton::indicator {{
    width: 7px; height: 7px; border: 1px solid {colours.dim}; border-radius: 4px; background: transparent;
}}
QRadioButton::indicator:checked {{ background: {colours.text}; border-color: {colours.text}; }}
QCheckBox::indicator:unchecked {{
    width: 12px; height: 12px; border: 1px solid {colours.dim}; border-radius: 2px; background: transparent;
}}
QCheckBox::indicator:unchecked:disabled, QRadioButton::indicator:disabled {{ border-color: {colours.disabled}; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {colours.disabled}; }}
QTableView::item {{ padding-left: 5px; }}
QScrollBar:vertical {{ width: 10px; background: transparent; margin: 0; }}
QScrollBar:horizontal {{ height: 10px; background: transparent; margin: 0; }}
QScrollBar::handle {{ background: {colours.selection}; border-radius: 4px; margin: 1px; min-height: 24px; }}
QScrollBar::handle:hover {{ background: {colours.disabled}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
{names}
"""
