"""Teacher and student on one image: side by side, one alone, the original, a swipe, or the difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.compare.comparison import Comparison
from core.models.bundle import Bundle
from core.tasks import ClassLabel, Task
from gui.common import theme, wording
from gui.common.tab_order import in_order
from gui.comparison.display_controls import Display
from gui.comparison.image_view import ImageView
from gui.comparison.layouts import Layout, Layouts
from gui.comparison.model_panel import ModelPanel
from gui.comparison.saved_picture import Shown
from gui.comparison.side_panel import SidePanel
from gui.engine.image_pyramid import ScreenPicture

# which of both images a layout shows
SEEN: dict[Layout, tuple[str, ...]] = {
    "side": ("teacher", "student"),
    "teacher": ("teacher",),
    "student": ("student",),
    "original": ("teacher",),
    "swipe": ("teacher", "student"),
    "difference": ("teacher",),
}


class ComparisonView(QWidget):
    """Shows one comparison; computes nothing but colours.

    Attributes:
        panel: findings, heat map controls and the reading; it stands beside the images.
        agreement, facts, table, review, controls: parts of that panel.
        layouts: how the images are laid out.
        overlay_action, contour_action, reset_action, preset_actions, window_level_action, zoom_action, pan_action: for
            menus and the table of shortcuts.
        hide_while_held: hides the heat maps for as long as its key is held.
        demonstration_button: stands where no image is open.
    """

    demonstration_wanted = Signal()
    class_chosen = Signal(int)  # the person wants this class explained
    card_requested = Signal(str)  # "teacher" or "student"
    models_changed = Signal()  # other models are compared than before

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task: Task | None = None
        self._picture: ScreenPicture | None = None
        self._comparison: Comparison | None = None
        self._refining = False
        self._speed_ratios: Sequence[float] = ()
        self._held = False
        self._holding_key = 0

        self.teacher = ModelPanel("teacher", self)
        self.student = ModelPanel("student", self)
        self.panels = (self.teacher, self.student)
        self.layouts = Layouts(self)
        self.panel = SidePanel()
        self.agreement, self.facts, self.table = self.panel.agreement, self.panel.facts, self.panel.table
        self.review, self.controls = self.panel.review, self.panel.controls
        self.message = QLabel(self)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setMargin(6 * theme.GRID)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.demonstration_button = QPushButton("Open the demonstration", self)
        self.demonstration_button.setToolTip("A real chest radiograph that comes with the program")
        self._pages = QStackedWidget(self)
        self._lay_out()
        self._connect()
        self.show_empty()

    # the interface

    def set_models(self, task: Task, teacher: Bundle | None, student: Bundle | None) -> None:
        """Show which two models are compared, before any prediction; forgets the last comparison."""
        self._task = task
        self._comparison = None
        self.teacher.set_model(task, teacher)
        self.student.set_model(task, student)
        # the network's own order, which an imported model may have differently from the task
        labels = task.class_ids if teacher is None else teacher.card.classes
        self.table.set_classes([ClassLabel(id=label, name=wording.class_name(task, label)) for label in labels])
        self._say("")
        self.layouts.set_task(task.id)
        self.models_changed.emit()

    def show_picture(self, picture: ScreenPicture) -> None:
        """Show a new image: predictions, zoom, window and level start anew, display settings stay."""
        self._picture = picture
        self._comparison = None
        for panel in self.panels:
            panel.show_picture(picture)
        self._fill_table()
        self._say("")
        self._pages.setCurrentIndex(1)

    def show_comparison(self, comparison: Comparison, *, refining: bool, speed_ratios: Sequence[float] = ()) -> None:
        """Show predictions and heat maps as far as they are known; a late frame without its image is dropped.

        Args:
            comparison: a frame of :func:`core.compare.comparison.watch`.
            refining: whether more frames follow.
            speed_ratios: how many times faster the student was, for each image by the same models and settings; by
                default for this one alone.
        """
        if self._picture is None:
            return
        self._comparison, self._refining = comparison, refining
        self._speed_ratios = speed_ratios or [comparison.speed_ratio]
        for panel, result in ((self.teacher, comparison.teacher), (self.student, comparison.student)):
            panel.show_result(result, refining)
        self._pages.setCurrentIndex(1)
        self._fill_table()
        self._say_agreement()
        self._draw()

    def show_opening(self, name: str) -> None:
        """Clear the view: another file is being opened, and nothing shown may be mistaken for its own."""
        self._forget()
        self.show_busy(f"Opening {name}")

    def clear_predictions(self) -> None:
        """Clear the predictions: other models are chosen; the image stays."""
        self._comparison = None
        for panel in self.panels:
            panel.clear()
        self._fill_table()
        self._say("")

    def show_speed(self, speed_ratios: Sequence[float]) -> None:
        """Take account of further images; see :meth:`show_comparison`."""
        if self._comparison is not None:
            self._speed_ratios = speed_ratios
            self._say_agreement()

    def show_busy(self, text: str) -> None:
        """Show what is being computed, where its result will appear."""
        if self._pages.currentIndex() == 0:
            self._say_instead(text)
            return
        self._say(text)
        self.show_waiting()

    def show_waiting(self, words: str = "") -> None:
        """Show that other heat maps are being computed, in words; those on screen stay until then."""
        for panel in self.panels:
            panel.show_work(None, busy=True, words=words)

    def show_failure(self, text: str) -> None:
        """Show why there is no prediction, in place of the image."""
        self._forget()
        self._say_instead(f"⚠ {text}", "warning")

    def show_empty(self) -> None:
        """Show how to begin."""
        self._forget()
        self._say_instead("Drop images or a folder here to compare teacher and student.", "title", "dim")
        self.demonstration_button.show()

    @property
    def chosen_window(self) -> tuple[float, float] | None:
        """The pixel values that a person chose to be black and white, None for the file's own way."""
        return self.teacher.view.chosen_window

    def on_screen(self) -> Shown | None:
        """Return what is shown, fit to be saved; None while there is no comparison."""
        picture, found, task = self._picture, self._comparison, self._task
        if picture is None or found is None or task is None:
            return None
        sides = {panel.role: panel.shown_result() for panel in self.panels}
        teacher, student = sides["teacher"], sides["student"]
        if teacher is None or student is None:
            return None
        return Shown(picture.image, Comparison(teacher, student), task, self.controls.display, self.chosen_window)

    def settings(self) -> dict[str, object]:
        """Return the display settings, fit for JSON."""
        return {**self.controls.display.as_settings(), "layouts": self.layouts.as_settings()}

    def restore(self, settings: dict[str, object]) -> None:
        """Take display settings again; what is missing or makes no sense stays at its default."""
        self.controls.set_display(Display.from_settings(settings))
        self.layouts.restore(settings.get("layouts"))

    # drawing

    def _forget(self) -> None:
        self._picture = self._comparison = None
        for panel in self.panels:
            panel.show_picture(None)
        self._fill_table()
        self._say("")

    def _fill_table(self) -> None:
        for panel in self.panels:
            self.table.show_result(panel.role, panel.result, hidden=panel.withheld)
        self.panel.say_doubts({panel.role: panel.doubt.text() for panel in self.panels})

    def _say(self, text: str, *looks: str) -> None:
        self.panel.say(text, *looks)

    def _say_instead(self, text: str, *looks: str) -> None:
        self.message.setText(text)
        theme.styled(self.message, *looks)
        self.demonstration_button.hide()
        self._pages.setCurrentIndex(0)

    def _say_agreement(self) -> None:
        found = self._comparison
        if found is None or self._task is None:
            return
        if any(panel.withheld for panel in self.panels):
            self._say("⚠ Not assessable: outside the training data. No comparison", "warning")
            return
        mark = "✓" if found.same_class else "≠"
        self._say(f"{mark} {wording.agreement(self._task, found)}", "bold")
        self.panel.say_facts(wording.strength(found, self._speed_ratios, self._refining))

    def _draw(self) -> None:
        display, found = self.controls.display, self._comparison
        maps = (None, None) if self._held else (self.teacher.values(), self.student.values())
        for panel in self.panels:
            panel.view.tool = display.tool
            panel.draw(display, *maps, alike=found is None or found.explains_same_class)

    def _hold(self, held: bool) -> None:
        if held == self._held:
            return
        self._holding_key = _key(self.hide_while_held) if held else 0
        self._held = held
        app = QApplication.instance()
        if app is not None:
            if held:
                app.installEventFilter(self)
            else:
                app.removeEventFilter(self)
        self._draw()

    def _take_preset(self, name: str) -> None:
        if self._picture is not None:
            for panel in self.panels:
                panel.view.set_window(self._picture.presets.get(name))

    def _reset(self) -> None:
        for panel in self.panels:
            panel.view.reset()

    def _arrange(self) -> None:
        """Show the images that the layout has."""
        layout = self.layouts.current
        for panel in self.panels:
            panel.setVisible(panel.role in SEEN[layout])
            panel.set_layout(layout)
        self._between.setVisible(len(SEEN[layout]) > 1)
        self._draw()

    def _toggle_alone(self, panel: ModelPanel) -> None:
        """Show an image as large as the window, or both again."""
        self.layouts.choose(panel.role if self.layouts.current in ("side", "swipe") else "side")

    def _link(self, one: ImageView, other: ImageView) -> None:
        one.moved.connect(lambda: other.look_at(one))
        one.window_changed.connect(lambda low, high: other.set_window((low, high)))
        one.pointed.connect(other.mark)
        one.swipe.on_moved(other.swipe.place)

    # making

    def _lay_out(self) -> None:
        page = QWidget(self)
        sides = QHBoxLayout(page)
        sides.setContentsMargins(0, 0, 0, 0)
        sides.setSpacing(0)
        self._between = QFrame(self)
        self._between.setFixedWidth(1)
        theme.styled(self._between, "line")
        sides.addWidget(self.teacher, 1)
        sides.addWidget(self._between)
        sides.addWidget(self.student, 1)
        instead = QWidget(self)
        column = QVBoxLayout(instead)
        column.addStretch(1)
        column.addWidget(self.message)
        column.addWidget(self.demonstration_button, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch(1)
        self._pages.addWidget(instead)
        self._pages.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)
        in_order(self.teacher, self.student)

    def _connect(self) -> None:
        self._link(self.teacher.view, self.student.view)
        self._link(self.student.view, self.teacher.view)
        for panel in self.panels:
            panel.card_requested.connect(self.card_requested)
            for react in (self._fill_table, self._say_agreement, self._draw):
                panel.revealed.connect(react)
            panel.view.double_clicked.connect(lambda panel=panel: self._toggle_alone(panel))
        self.table.class_chosen.connect(self.class_chosen)
        self.layouts.changed.connect(self._arrange)
        self.demonstration_button.clicked.connect(self.demonstration_wanted)
        controls = self.controls
        controls.changed.connect(self._draw)
        controls.reset_asked.connect(self._reset)
        controls.preset_asked.connect(self._take_preset)
        self.overlay_action = controls.overlay_action
        self.contour_action = controls.contour_action
        self.reset_action = controls.reset_action
        self.preset_actions = controls.preset_actions
        self.window_level_action = controls.window_level_action
        self.zoom_action = controls.zoom_action
        self.pan_action = controls.pan_action
        self.hide_while_held = QAction("Hide the heat map while held", self)
        self.hide_while_held.setShortcut("H")
        self.hide_while_held.setAutoRepeat(False)
        self.hide_while_held.setToolTip("Hold to see the image alone (H)")
        self.hide_while_held.triggered.connect(lambda: self._hold(True))
        self.addActions(list(self._all_actions()))

    def _all_actions(self) -> Iterable[QAction]:
        yield from (self.overlay_action, self.contour_action, self.hide_while_held, *self.layouts.actions.values())
        yield from (self.window_level_action, self.zoom_action, self.pan_action)
        yield from (*self.preset_actions, self.reset_action)

    # events

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Show the heat maps again when the key is released, or the window loses the keyboard."""
        if self._held:
            let_go = (
                isinstance(event, QKeyEvent)
                and event.type() == QEvent.Type.KeyRelease
                and not event.isAutoRepeat()
                and event.key() == self._holding_key
            )
            if let_go or event.type() == QEvent.Type.ApplicationDeactivate:
                self._hold(False)
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "controls"):
            self.controls.refresh_icons()


def _key(action: QAction) -> int:
    """Return the key of an action's shortcut, without modifiers."""
    keys = action.shortcut()
    return 0 if keys.isEmpty() else int(keys[0].key())  # type: ignore[index]  # PySide's stubs lack it
