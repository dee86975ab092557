"""Teacher and student on one image: moved, turned, measured and shown in the same window together."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QWidget

from core.compare.comparison import Comparison
from core.models.bundle import Bundle
from core.tasks import Task
from gui.common import theme
from gui.common.tab_order import in_order
from gui.comparison.display_controls import Display
from gui.comparison.image_view import ImageView
from gui.comparison.layouts import Layout
from gui.comparison.measuring import MeasurementList
from gui.comparison.model_panel import ModelPanel
from gui.comparison.orientation import Orientation
from gui.engine.image_pyramid import ScreenPicture

# which of both images a layout shows
SEEN: dict[Layout, tuple[str, ...]] = {
    "side": ("teacher", "student"),
    "teacher": ("teacher",),
    "student": ("student",),
    "original": ("teacher",),
    "swipe": ("teacher", "student"),
    "difference": ("teacher",),
    "four": ("teacher", "student"),
}


class ImagePair(QWidget):
    """One image twice, with the heat map of either network.

    Attributes:
        teacher, student, panels: both sides.
        measurements: those of the image.
        picture: the image, None without one.
        comparison: what the networks found, as far as it is known.
    """

    moved = Signal()  # zoomed or panned by the person
    stepped = Signal(int)  # so many images further by the wheel
    menu_wanted = Signal(object, QPoint)  # the context menu of a panel, at a place on the screen
    double_clicked = Signal(object)  # a panel

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.teacher, self.student = ModelPanel("teacher", self), ModelPanel("student", self)
        self.panels = (self.teacher, self.student)
        self.measurements = MeasurementList(self)
        self.picture: ScreenPicture | None = None
        self.comparison: Comparison | None = None
        self._between = QFrame(self)
        self._between.setFixedWidth(1)
        theme.styled(self._between, "line")
        sides = QHBoxLayout(self)
        sides.setContentsMargins(0, 0, 0, 0)
        sides.setSpacing(0)
        for part, stretch in ((self.teacher, 1), (self._between, 0), (self.student, 1)):
            sides.addWidget(part, stretch)
        for panel in self.panels:
            panel.view.setAccessibleName(f"{name} with the {panel.role}'s heat map")
            panel.view.measuring.share(self.measurements)
            panel.view.moved.connect(self.moved)
            panel.view.stepped.connect(self.stepped)
            panel.view.menu_wanted.connect(lambda at, panel=panel: self.menu_wanted.emit(panel, at))
            panel.view.double_clicked.connect(lambda panel=panel: self.double_clicked.emit(panel))
        self._link(self.teacher.view, self.student.view)
        self._link(self.student.view, self.teacher.view)
        in_order(self.teacher, self.student)

    # what is shown

    def set_models(self, task: Task, teacher: Bundle | None, student: Bundle | None) -> None:
        """Show which two networks are compared, before any prediction."""
        self.comparison = None
        self.teacher.set_model(task, teacher)
        self.student.set_model(task, student)

    def show_picture(self, picture: ScreenPicture | None) -> None:
        """Show an image without predictions, or none; another frame of the one before is shown as that one was."""
        before, self.picture, self.comparison = self.picture, picture, None
        keep = before is not None and picture is not None and _is_frame_of(picture, before)
        for panel in self.panels:
            panel.show_picture(picture, keep=keep)
        self.measurements.show_image(None if picture is None else picture.image)

    def show_comparison(self, comparison: Comparison, *, refining: bool) -> None:
        """Show predictions and heat maps as far as they are known."""
        self.comparison = comparison
        for panel, result in ((self.teacher, comparison.teacher), (self.student, comparison.student)):
            panel.show_result(result, refining)

    def clear(self) -> None:
        """Forget the predictions; the image stays."""
        self.comparison = None
        for panel in self.panels:
            panel.clear()

    def set_layout(self, layout: Layout) -> None:
        """Show both sides or one of them."""
        for panel in self.panels:
            panel.setVisible(panel.role in SEEN[layout])
            panel.set_layout(layout)
        self._between.setVisible(len(SEEN[layout]) > 1)

    def draw(self, display: Display, *, hidden: bool) -> None:
        """Draw the heat maps as they are wanted, or none of them while they are hidden."""
        maps = (None, None) if hidden else (self.teacher.values(), self.student.values())
        alike = self.comparison is None or self.comparison.explains_same_class
        for panel in self.panels:
            panel.view.tool = display.tool
            panel.draw(display, *maps, alike=alike)

    def shown_comparison(self) -> Comparison | None:
        """Return both predictions as they are shown, None while there are none."""
        teacher, student = self.teacher.shown_result(), self.student.shown_result()
        return None if teacher is None or student is None else Comparison(teacher, student)

    @property
    def has_focus(self) -> bool:
        """Whether the keyboard is in it."""
        focus = QApplication.focusWidget()
        return focus is not None and self.isAncestorOf(focus)

    # how it is shown

    @property
    def view(self) -> ImageView:
        """One of both views; what can be asked of it is the same for the other."""
        return next((panel.view for panel in self.panels if not panel.isHidden()), self.teacher.view)

    @property
    def views(self) -> tuple[ImageView, ImageView]:
        """Both views."""
        return self.teacher.view, self.student.view

    def each(self, change: Callable[[ImageView], object]) -> None:
        """Change both views alike."""
        for view in self.views:
            change(view)

    def zoom_to(self, percent: float) -> None:
        """Show a pixel of the image so large in pixels of the screen."""
        self.view.zoom_to(percent)  # the other follows

    def fit(self) -> None:
        """Show the whole image."""
        self.each(ImageView.fit)
        self.moved.emit()

    def invert(self) -> None:
        """Show bright dark, or as before."""
        inverted = not self.view.inverted
        self.each(lambda view: view.set_inverted(inverted))

    def turn(self, change: Callable[[Orientation], Orientation]) -> None:
        """Turn the image as it is seen."""
        orientation = change(self.view.plane.orientation)
        self.each(lambda view: view.set_orientation(orientation))

    def look_at(self, other: ImagePair) -> None:
        """Take the zoom and the centre of another pair."""
        self.each(lambda view: view.look_at(other.view))

    def _link(self, one: ImageView, other: ImageView) -> None:
        one.moved.connect(lambda: other.look_at(one))
        one.window_changed.connect(lambda low, high: other.set_window((low, high)))
        one.pointed.connect(other.mark)
        one.swipe.on_moved(other.swipe.place)


def _is_frame_of(picture: ScreenPicture, other: ScreenPicture) -> bool:
    one, before = picture.image, other.image
    return one.frames > 1 and one.digest == before.digest and one.pixels.shape == before.pixels.shape
