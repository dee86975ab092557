"""Choose the task, both networks, how the heat map is made and for which class."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from core.compare.session import Choice, ExplainedClass
from core.explain.reference_cams import METHODS
from core.models.architectures import ARCHITECTURES
from core.models.bundle import Bundle
from core.models.card import Role
from core.models.catalogue import Catalogue
from core.system.extras import missing_extra
from core.tasks import TASKS, Task
from gui.common import theme
from gui.common.input_boxes import ComboBox


class ModelChooser(QWidget):
    """A column of boxes; the choice they make is ``choice``.

    Attributes:
        catalogue: what is installed.

    Signals:
        changed: another task, network or method was chosen.
        class_chosen: the index of the class to explain, None for the teacher's finding, or ``each``.
    """

    changed = Signal()
    class_chosen = Signal(object)

    def __init__(self, choice: Choice, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = choice
        self.catalogue = catalogue
        self._task = TASKS[choice.task or next(iter(TASKS))]
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.GRID)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self.task_box = self._box("Task", "What the models classify")
        self.teacher_box = self._box("Teacher", "The large network", "teacher")
        self.student_box = self._box("Student", "The small network", "student")
        self.cam_box = self._box("Heat map", "How the heat map is made")
        self.class_box = self._box("Class", "Which class the heat maps show the evidence for")
        self._fill_tasks()
        self._fill_cams()
        self._fill_networks()
        self._fill_classes()
        self.task_box.activated.connect(self._task_chosen)
        self.teacher_box.activated.connect(self._network_chosen)
        self.student_box.activated.connect(self._network_chosen)
        self.cam_box.activated.connect(self._cam_chosen)
        self.class_box.activated.connect(lambda _row: self.class_chosen.emit(self.class_box.currentData()))

    @property
    def choice(self) -> Choice:
        """What is chosen."""
        return self._choice

    def set_choice(self, choice: Choice) -> None:
        """Choose; emits nothing."""
        self._choice = choice
        if choice.task is not None:
            self._task = TASKS[choice.task]
        self._fill_tasks()
        self._fill_cams()
        self._fill_networks()
        self._fill_classes()

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Offer what is installed now."""
        self.catalogue = catalogue
        if self._choice.task not in (None, *TASKS):
            self._choice = replace(self._choice, task=None, teacher=None, student=None)
        self._choice = replace(self._choice, teacher=self._installed("teacher"), student=self._installed("student"))
        self._task = TASKS.get(self._task.id) or next(iter(TASKS.values()))
        self._fill_tasks()
        self._fill_networks()
        self._fill_classes()

    def set_task(self, task: Task) -> None:
        """Show the task of the image on screen, where it is derived from the image."""
        if task.id != self._task.id:
            self._task = task
            self._fill_networks()
            self._fill_classes()

    def set_class(self, explained: ExplainedClass) -> None:
        """Show which class is explained; None is the teacher's finding; emits nothing."""
        self.class_box.setCurrentIndex(max(0, self.class_box.findData(explained)))

    def chosen_class(self) -> ExplainedClass:
        """Return the class to explain, None for the teacher's, ``each`` for each network's own."""
        found: ExplainedClass = self.class_box.currentData()
        return found

    def _box(self, name: str, tip: str, *looks: str) -> ComboBox:
        label = QLabel(name, self)
        theme.styled(label, "small", *(looks or ("dim",)))
        box = ComboBox(self)
        box.setAccessibleName(name)
        box.setToolTip(tip)
        box.setSizeAdjustPolicy(ComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(3)
        theme.styled(box, "small")
        label.setBuddy(box)
        row = self._grid.rowCount()
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(box, row, 1)
        return box

    def _fill_tasks(self) -> None:
        self.task_box.clear()
        self.task_box.addItem("Automatic", None)
        self.task_box.setItemData(
            0, "The task whose training images it resembles: by its colour, then by the novelty gates", _TIP
        )
        for task in TASKS.values():
            self.task_box.addItem(task.name, task.id)
        self.task_box.setCurrentIndex(max(0, self.task_box.findData(self._choice.task)))
        _fit_popup(self.task_box)

    def _fill_cams(self) -> None:
        self.cam_box.clear()
        self.cam_box.addItem("Score-CAM", "fast")
        self.cam_box.setItemData(0, "Feature maps scored in groups; its error is estimated", _TIP)
        self.cam_box.addItem("Score-CAM exact", "exact")
        self.cam_box.setItemData(1, "Every feature map is scored; takes up to minutes", _TIP)
        for method in METHODS:
            if method != "Score-CAM":
                self.cam_box.addItem(method, method)
                row = self.cam_box.count() - 1
                self.cam_box.setItemData(row, "By torch and pytorch-grad-cam; takes some seconds", _TIP)
                if missing := missing_extra("cams", method):
                    self.cam_box.grey_out(row, str(missing))
        self.cam_box.addItem("None", "none")
        self.cam_box.setCurrentIndex(max(0, self.cam_box.findData(self._choice.cam)))
        _fit_popup(self.cam_box)

    def _fill_networks(self) -> None:
        """Offer the installed networks of the task; the others are greyed, with how to get them."""
        roles: tuple[tuple[Role, ComboBox], ...] = (("teacher", self.teacher_box), ("student", self.student_box))
        for role, box in roles:
            box.clear()
            installed = self.catalogue.of_any_role(self._task.id, role)
            for bundle in installed:
                own = bundle.card.role == role
                box.addItem(bundle.name if own else f"{bundle.name} ({bundle.card.role})", _value(bundle, role))
                scores = bundle.card.scores
                tip = f"{bundle.card.parameters / 1e6:.1f} M parameters"
                if scores:
                    tip += f", accuracy {100 * scores[0].accuracy:.1f} % on {scores[0].dataset}"
                box.setItemData(box.count() - 1, tip, _TIP)
            present = {bundle.card.model for bundle in installed if bundle.card.role == role}
            offered = {_value(bundle, role) for bundle in installed}
            for network in ARCHITECTURES.values():
                if network.id not in present:
                    box.addItem(f"{network.name} – not installed", network.id)
                    tip = "Train it with Analyse › Train a model, or take File › Import model."
                    box.grey_out(box.count() - 1, tip)
            wanted = getattr(self._choice, role)
            if wanted not in offered and self.catalogue.of_task(self._task.id, role):
                wanted = self.catalogue.find(self._task.id, role).model
            box.setCurrentIndex(box.findData(wanted) if wanted in offered else -1)
            _fit_popup(box)

    def _installed(self, role: Role) -> str | None:
        """Return which network is chosen for a role, None where it is no longer installed."""
        network: str | None = getattr(self._choice, role)
        tasks = [self._choice.task] if self._choice.task else [*TASKS]
        found = network is not None and any(self.catalogue.named(task, role, network) for task in tasks)
        return network if found else None

    def _fill_classes(self) -> None:
        self.class_box.clear()
        self.class_box.addItem("Teacher's finding", None)
        self.class_box.setItemData(0, "The class that is most probable by the teacher's prediction", _TIP)
        self.class_box.addItem("Each its own", "each")
        self.class_box.setItemData(1, "Each network's heat map for the class that is most probable to it", _TIP)
        for i, label in enumerate(self._task.classes):
            self.class_box.addItem(label.name, i)
            self.class_box.setItemData(self.class_box.count() - 1, label.id, _TIP)
        _fit_popup(self.class_box)

    def _task_chosen(self) -> None:
        task_id = self.task_box.currentData()
        self._choice = replace(self._choice, task=task_id, teacher=None, student=None)
        if task_id is not None and task_id != self._task.id:
            self._task = TASKS[task_id]
            self._fill_classes()
        self._fill_networks()
        self.changed.emit()

    def _network_chosen(self) -> None:
        self._choice = replace(
            self._choice, teacher=self.teacher_box.currentData(), student=self.student_box.currentData()
        )
        self.changed.emit()

    def _cam_chosen(self) -> None:
        self._choice = replace(self._choice, cam=self.cam_box.currentData())
        self.changed.emit()


_TIP = int(Qt.ItemDataRole.ToolTipRole)


def _value(bundle: Bundle, role: Role) -> str:
    """Return what a choice calls a model in a role: one that was made for the other role is called in full."""
    return bundle.model if bundle.card.role == role else bundle.id


def _fit_popup(box: ComboBox) -> None:
    """Make the list as wide as its longest line, however narrow the box is."""
    box.view().setMinimumWidth(box.view().sizeHintForColumn(0) + 32)
