"""The comparison on screen: one image with both networks, or two of them, with the panel beside."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from core.compare.comparison import Comparison
from core.models.bundle import Bundle
from core.tasks import ClassLabel, Task
from gui.common import wording
from gui.comparison.empty_page import EmptyPage
from gui.comparison.frame_bar import FrameBar
from gui.comparison.held_key import HeldKey
from gui.comparison.image_pair import ImagePair
from gui.comparison.image_view import ImageView
from gui.comparison.layouts import Layouts
from gui.comparison.model_panel import ModelPanel
from gui.comparison.saved_picture import Shown
from gui.comparison.side_panel import SidePanel
from gui.comparison.viewing_actions import Change, ViewingActions
from gui.engine.image_pyramid import ScreenPicture


class ComparisonView(QWidget):
    """Shows one comparison, in the four-up layout with another below; computes nothing but colours.

    Attributes:
        first: the image on screen with both networks; ``teacher``, ``student`` and ``panels`` are its sides.
        second: the image below it, None while none was kept.
        frames: which frame of the file is shown.
        panel: findings, heat map controls and the reading; it stands beside the images.
        agreement, facts, table, review, controls: parts of that panel.
        layouts: how the images are laid out.
        viewing: actions on how images are seen.
        overlay_action, contour_action, reset_action, tool_actions: for menus and the table of shortcuts.
        hide_while_held: hides the heat maps for as long as its key is held.
        empty: stands in place of an image.
    """

    demonstration_wanted = Signal()
    class_chosen = Signal(int)  # the person wants this class explained
    card_requested = Signal(str)  # "teacher" or "student"
    models_changed = Signal()  # other models are compared than before
    image_changed = Signal()  # another image is on screen, or none
    frame_chosen = Signal(int)  # the person wants this frame, the first being 0
    stepped = Signal(int)  # the person wants the file so many lines further down
    menu_wanted = Signal(object, QPoint)  # the context menu of a ModelPanel, at a place on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task: Task | None = None
        self._bundles: tuple[Bundle | None, Bundle | None] = (None, None)
        self._refining = False
        self._speed_ratios: Sequence[float] = ()
        self._wheel_zooms = False

        self.first = ImagePair("Image", self)
        self.second: ImagePair | None = None
        self.teacher, self.student, self.panels = self.first.teacher, self.first.student, self.first.panels
        self.frames = FrameBar(self)
        self.layouts = Layouts(self)
        self.viewing = ViewingActions(self)
        self.panel = SidePanel()
        self.agreement, self.facts, self.table = self.panel.agreement, self.panel.facts, self.panel.table
        self.review, self.controls = self.panel.review, self.panel.controls
        self.empty = EmptyPage(self)
        self._pages = QStackedWidget(self)
        self._lay_out()
        self._connect()
        self.show_empty()

    # the interface

    def set_models(self, task: Task, teacher: Bundle | None, student: Bundle | None) -> None:
        """Show which two models are compared, before any prediction; forgets the last comparison."""
        self._task, self._bundles = task, (teacher, student)
        self.first.set_models(task, teacher, student)
        # the network's own order, which an imported model may have differently from the task
        labels = task.class_ids if teacher is None else teacher.card.classes
        self.table.set_classes([ClassLabel(id=label, name=wording.class_name(task, label)) for label in labels])
        self._say("")
        self.layouts.set_task(task.id)
        self.controls.set_coloured(task.colour)
        self.models_changed.emit()

    def show_picture(self, picture: ScreenPicture) -> None:
        """Show a new image: predictions, zoom, window and level start anew, display settings stay.

        Another frame of the file that is shown keeps zoom, window and level.
        """
        self.first.show_picture(picture)
        self.frames.show_image(picture.image)
        self.viewing.show_picture(picture)
        self._fill_table()
        self._say("")
        self._arrange()
        self._pages.setCurrentIndex(1)
        self.image_changed.emit()

    def show_comparison(self, comparison: Comparison, *, refining: bool, speed_ratios: Sequence[float] = ()) -> None:
        """Show predictions and heat maps as far as they are known; a late frame without its image is dropped.

        Args:
            comparison: a frame of :func:`core.compare.comparison.watch`.
            refining: whether more frames follow.
            speed_ratios: how many times faster the student was, for each image by the same models and settings; by
                default for this one alone.
        """
        if self.first.picture is None:
            return
        self._refining = refining
        self._speed_ratios = speed_ratios or [comparison.speed_ratio]
        self.first.show_comparison(comparison, refining=refining)
        if self.second is not None and self.second.picture is self.first.picture:
            self.second.show_comparison(comparison, refining=refining)
        self._pages.setCurrentIndex(1)
        self._fill_table()
        self._say_agreement()
        self._draw()

    def show_opening(self, name: str) -> None:
        """Clear the view: another file is being opened, and nothing shown may be mistaken for its own."""
        self._forget()
        self._say_instead(f"Opening {name}")

    def clear_predictions(self) -> None:
        """Clear the predictions: other models are chosen; the image stays."""
        self.first.clear()
        self._fill_table()
        self._say("")

    def show_speed(self, speed_ratios: Sequence[float]) -> None:
        """Take account of further images; see :meth:`show_comparison`."""
        if self.first.comparison is not None:
            self._speed_ratios = speed_ratios
            self._say_agreement()

    def show_busy(self, text: str) -> None:
        """Show what is being computed, where its result will appear; how to begin stays on screen."""
        if self._pages.currentIndex() == 0:
            self.empty.tell_work(text)
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
        """Show how to begin; a second image is no longer kept."""
        self._forget()
        if self.second is not None:
            self.second.show_picture(None)
        self.empty.invite()
        self._pages.setCurrentIndex(0)

    @property
    def chosen_window(self) -> tuple[float, float] | None:
        """The pixel values that a person chose to be black and white, None for the file's own way."""
        return self.teacher.view.chosen_window

    def on_screen(self) -> Shown | None:
        """Return what is shown, fit to be saved; None while there is no comparison."""
        picture, found, task = self.first.picture, self.first.shown_comparison(), self._task
        if picture is None or found is None or task is None:
            return None
        view = self.teacher.view
        return Shown(
            picture.image, found, task, self.controls.display, self.chosen_window, view.inverted,
            view.plane.orientation, tuple(self.first.measurements.found),
        )  # fmt: skip

    def set_wheel_zooms(self, zooms: bool) -> None:
        """Let the wheel over an image zoom, or step through images."""
        self._wheel_zooms = zooms
        for pair in self._pairs:
            for view in pair.views:
                view.wheel_zooms = zooms

    def settings(self) -> dict[str, object]:
        """Return the display settings, fit for JSON."""
        return {**self.controls.settings(), "layouts": self.layouts.as_settings()}

    def restore(self, settings: dict[str, object]) -> None:
        """Take display settings again; what is missing or makes no sense stays at its default."""
        self.controls.restore(settings)
        self.layouts.restore(settings.get("layouts"))

    # drawing

    def _forget(self) -> None:
        self.first.show_picture(None)
        self.frames.show_image(None)
        self.viewing.show_picture(None)
        self._fill_table()
        self._say("")
        self.image_changed.emit()

    def _fill_table(self) -> None:
        for panel in self.panels:
            self.table.show_result(panel.role, panel.result, hidden=panel.withheld)
        self.panel.say_doubts({panel.role: panel.doubt.text() for panel in self.panels})

    def _say(self, text: str, *looks: str) -> None:
        self.panel.say(text, *looks)

    def _say_instead(self, text: str, *looks: str) -> None:
        self.empty.say(text, *looks)
        self._pages.setCurrentIndex(0)

    def _say_agreement(self) -> None:
        found = self.first.comparison
        if found is None or self._task is None:
            return
        if any(panel.withheld for panel in self.panels):
            self._say("⚠ Not assessable: outside the training data. No comparison", "warning")
            return
        mark = "✓" if found.same_class else "≠"
        self._say(f"{mark} {wording.agreement(self._task, found)}", "bold")
        self.panel.say_facts(wording.strength(found, self._speed_ratios, self._refining))

    def _draw(self) -> None:
        for pair in self._pairs:
            pair.draw(self.controls.display, hidden=self._held.held)

    def _reset(self) -> None:
        """Drop what is being measured, else put measuring tool or magnifier away, else start the images anew."""
        dropped = [pair.measurements.cancel() for pair in self._pairs]
        if any(dropped) or self.controls.end_measuring():
            return
        if self.viewing.magnifier.isChecked():
            self.viewing.magnifier.setChecked(False)
            return
        self._change(lambda pair: pair.each(ImageView.reset))

    # one image or two

    @property
    def _pairs(self) -> tuple[ImagePair, ...]:
        return (self.first,) if self.second is None else (self.first, self.second)

    def _change(self, change: Change) -> None:
        """Change the images that are meant: both where they are linked, else the one that has the keyboard."""
        shown = [pair for pair in self._pairs if not pair.isHidden() and pair.picture is not None]
        if len(shown) > 1 and not self.viewing.linked.isChecked():
            shown = [pair for pair in shown if pair.has_focus][:1] or shown[:1]
        for pair in shown:
            change(pair)

    def _follow(self, moved: ImagePair) -> None:
        """Move the other image with one that was moved, where they are linked."""
        if self.second is not None and self.viewing.linked.isChecked():
            other = self.second if moved is self.first else self.first
            if not other.isHidden() and other.picture is not None:
                other.look_at(moved)

    def keep_below(self) -> None:
        """Keep the image on screen as the second one, in the layout that shows both; another can then be chosen."""
        if self.first.picture is not None:
            self._keep_below()
            self.layouts.choose("four")

    def _keep_below(self) -> None:
        if self.second is None:
            self.second = ImagePair("Second image", self)
            self._images.addWidget(self.second, 1)
            self._connect_pair(self.second)
            self.set_wheel_zooms(self._wheel_zooms)
            self.viewing.magnify(self.second.views)
        if self._task is not None:
            self.second.set_models(self._task, *self._bundles)
        self.second.show_picture(self.first.picture)
        if self.first.comparison is not None:
            self.second.show_comparison(self.first.comparison, refining=self._refining)

    def _arrange(self) -> None:
        """Show the images that the layout has; where a second one is missing, it is the one on screen."""
        layout = self.layouts.current
        if layout == "four" and self.first.picture is not None and (self.second is None or self.second.picture is None):
            self._keep_below()
        for pair in self._pairs:
            pair.set_layout(layout)
        if self.second is not None:
            self.second.setVisible(layout == "four" and self.second.picture is not None)
        self._draw()

    def _magnify(self) -> None:
        for pair in self._pairs:
            self.viewing.magnify(pair.views)

    def _toggle_alone(self, panel: ModelPanel) -> None:
        """Show an image as large as the window, or both again."""
        self.layouts.choose(panel.role if self.layouts.current in ("side", "swipe") else "side")

    def _step(self, by: int) -> None:
        """Go to another frame where the file has several, else to another file."""
        if self.frames.has_frames:
            self.frames.step(by)
        else:
            self.stepped.emit(by)

    # making

    def _lay_out(self) -> None:
        shown = QWidget(self)
        self._images = QVBoxLayout()
        self._images.setSpacing(0)
        self._images.addWidget(self.first, 1)
        rows = QVBoxLayout(shown)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(self._images, 1)
        rows.addWidget(self.frames)
        self._pages.addWidget(self.empty)
        self._pages.addWidget(shown)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)

    def _connect(self) -> None:
        self._connect_pair(self.first)
        self.table.class_chosen.connect(self.class_chosen)
        self.layouts.changed.connect(self._arrange)
        self.frames.chosen.connect(self.frame_chosen)
        self.viewing.wanted.connect(self._change)
        self.viewing.keep_below.triggered.connect(self.keep_below)
        self.viewing.linked.toggled.connect(lambda: self._follow(self.first))
        self.viewing.magnifier.toggled.connect(self._magnify)
        self.empty.demonstration.clicked.connect(self.demonstration_wanted)
        controls = self.controls
        controls.changed.connect(self._draw)
        controls.reset_asked.connect(self._reset)
        self.overlay_action = controls.overlay_action
        self.contour_action = controls.contour_action
        self.reset_action = controls.reset_action
        self.tool_actions = controls.tool_actions
        self.hide_while_held = QAction("Hide the heat map while held", self)
        self.hide_while_held.setShortcut("H")
        self.hide_while_held.setToolTip("Hold to see the image alone (H)")
        self._held = HeldKey(self.hide_while_held)
        self._held.changed.connect(self._draw)
        self.addActions([self.overlay_action, self.contour_action, self.hide_while_held, self.reset_action])
        self.addActions([*self.layouts.actions.values(), *self.tool_actions.values()])

    def _connect_pair(self, pair: ImagePair) -> None:
        pair.moved.connect(lambda: self._follow(pair))
        pair.stepped.connect(self._step)
        pair.menu_wanted.connect(self.menu_wanted)
        pair.double_clicked.connect(self._toggle_alone)
        for panel in pair.panels:
            panel.card_requested.connect(self.card_requested)
            panel.revealed.connect(self._on_revealed)

    def _on_revealed(self) -> None:
        self._fill_table()
        self._say_agreement()
        self._draw()

    # events

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "controls"):
            self.controls.refresh_icons()
