"""What is trained, on what, and where the run is stored: the left side of the training window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from core.errors import UsageError
from core.models.bundle import Bundle
from core.models.card import Role
from core.models.catalogue import Catalogue
from core.tasks import TASKS, get_task
from gui.common.wording import counted, ratio
from gui.training.new_task import NewTask, ask_for_name
from gui.training.plan import Plan, about, free_folder, plan_of
from gui.training.setup_fields import SetupFields
from training.recipe import Recipe
from training.recipe_files import is_for_any_task, recipes_for

OF_RECIPE, NONE = "as the recipe says", "none"  # choices of the teacher that are no bundle


class TrainingSetup(SetupFields):
    """Fields for everything that a person decides; ``plan`` is what they make.

    Args:
        catalogue: the installed models, which can teach.
        settings: where the last data folder is remembered.
        parent: the window.

    Signals:
        data_chosen: a data folder, which should be checked.
        recipe_changed: the network may be another.
    """

    data_chosen = Signal(object)  # Path
    recipe_changed = Signal()

    def __init__(self, catalogue: Catalogue, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._settings = settings
        self._recipe: Recipe | None = None  # as it stands in its file
        self._named_task: str | None = None  # for a recipe that names none
        self._resumed: Plan | None = None
        self._data_task: str | None = None
        self._checked: Path | None = None
        self.threads = 0
        self.making_task = NewTask(self)
        for task in TASKS.values():
            self.task.addItem(task.name, task.id)
        self._connect()
        self._fill_recipes()

    # what others ask and tell

    @property
    def plan(self) -> Plan:
        """What is set; a resumed run is as it was begun."""
        threads = self.threads or None
        if self._resumed is not None:
            return replace(self._resumed, threads=threads)
        chosen = self.teacher.currentData()
        teachers = {OF_RECIPE: None, NONE: ()}.get(chosen, (chosen,)) if self.student_role.isChecked() else None
        own = self._recipe
        return Plan(
            recipe=self.recipe.currentData() or "",
            data=Path(self.data.text()).expanduser() if self.data.text() else None,
            out=Path(self.out.text()).expanduser(),
            teachers=teachers,
            epochs=None if own is None or self.epochs.value() == own.optim.epochs else self.epochs.value(),
            batch=None if own is None or self.batch.value() == own.optim.batch else self.batch.value(),
            threads=threads,
            label_map=self.labels.label_map,
            task=self._named_task,
        )

    @property
    def role(self) -> Role:
        """Whether a teacher or a student is trained."""
        return "teacher" if self.teacher_role.isChecked() else "student"

    @property
    def network(self) -> str:
        """What the size of the network depends on; empty where no recipe stands."""
        own = self._recipe
        return (
            "" if own is None else f"{own.task.id} {own.size} {own.model.model_dump_json(exclude={'start', 'dropout'})}"
        )

    def set_data(self, folder: Path) -> None:
        """Choose a data folder, and say so."""
        self.data.setText(str(folder))
        self._data_edited()

    def set_data_task(self, task: str | None) -> None:
        """Note which task's classes the data set has, and train for it."""
        self._data_task = task
        if task is not None and self.task.isEnabled() and task != self.task.currentData():
            self.task.setCurrentIndex(self.task.findData(task))
            self._fill_recipes()
        self._changed()

    def show_labels(self, labels: Mapping[str, int]) -> None:
        """Let labels of the data set that are no classes of the task be mapped to these."""
        self.labels.show_labels(labels, get_task(self.task.currentData()))

    def set_recipe_file(self, path: Path) -> None:
        """Take a recipe from a file."""
        self._take_recipe(str(path), path.name)

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Offer the models that are installed now."""
        self._catalogue = catalogue
        self._fill_teachers()

    def set_run(self, folder: Path) -> None:
        """Show a run that has begun, to resume or to evaluate it.

        Raises:
            UsageError: if no run lies there.
        """
        plan = plan_of(folder, Path(self.data.text()) if self.data.text() else None)
        self._resumed = None
        self._take_recipe(plan.recipe, f"of the run {folder.name}")
        if plan.data is not None:
            self.data.setText(str(plan.data))
        self.out.setText(str(folder))
        self._resumed = plan
        self.set_open(False)
        self._changed()

    def set_new(self) -> None:
        """Leave the run that is shown and set up another one."""
        self._resumed = None
        self.set_open(True)
        self._fill_recipes()

    def set_open(self, open_: bool) -> None:
        """Let the fields be changed, or not."""
        for field in (self.data, self.task, self.recipe, self.teacher, self.epochs, self.batch, self.out, self.labels,
                      self.teacher_role, self.student_role, self.new_task, self.browse_data, self.browse_recipe,
                      self.browse_teacher, self.browse_out):  # fmt: skip
            field.setEnabled(open_ and self._resumed is None)

    def show_size(self, network: str, parameters: int, macs: int) -> None:
        """Say how large the network is, and how much smaller than its teacher."""
        words = f"{network}: {counted(parameters)} parameters, {counted(macs)} MACs an image"
        teacher = self._teacher_bundle()
        if teacher is not None:
            words += "\n" + (
                f"{ratio(teacher.card.parameters / parameters)} smaller, {ratio(teacher.card.macs / macs)} fewer "
                f"MACs than its teacher {teacher.name}"
            )
        self.size_words.setText(words)

    # filling

    def _fill_recipes(self) -> None:
        self.labels.offer(get_task(self.task.currentData()))
        found = recipes_for(self.task.currentData(), self.role)
        self.recipe.clear()
        for name in found:
            self.recipe.addItem(name, name)
        self.recipe.setCurrentIndex(0)
        self._recipe_chosen()

    def _recipe_chosen(self) -> None:
        try:
            plan = self._bare(self.recipe.currentData() or "")
            self._recipe = recipe = plan.resolved()
            self._named_task = plan.task
        except UsageError as error:
            self._recipe = None
            self.problem.setText(f"⚠ {error}")
            return
        self.recipe_words.setText(about(plan.recipe))
        self.epochs.setValue(recipe.optim.epochs)
        self.batch.setValue(recipe.optim.batch)
        self.out.setText(str(free_folder(Path(plan.recipe).stem)))
        self._fill_teachers()
        self._changed()
        self.recipe_changed.emit()

    def _bare(self, source: str) -> Plan:
        """Return the plan of a recipe as it stands, for the chosen task where it names none.

        Raises:
            UsageError: if there is no such recipe.
        """
        for_any = is_for_any_task(Path(source))
        return Plan(source, None, Path(), task=self.task.currentData() if for_any else None)

    def _take_recipe(self, source: str, words: str) -> None:
        """Offer a recipe that is not bundled and choose it.

        Raises:
            UsageError: if it is none.
        """
        recipe = self._bare(source).resolved()
        get_task(recipe.task.id)  # it is one of the list
        self.task.setCurrentIndex(self.task.findData(recipe.task.id))
        (self.teacher_role if recipe.role == "teacher" else self.student_role).setChecked(True)
        self._fill_recipes()
        self.recipe.addItem(words, source)
        self.recipe.setCurrentIndex(self.recipe.count() - 1)
        self._recipe_chosen()

    def _fill_teachers(self) -> None:
        chosen = self.teacher.currentData()
        self.teacher.clear()
        own = self._recipe.teachers.bundles if self._recipe is not None else ()
        names = ", ".join(self._catalogue.bundles[b].name if b in self._catalogue.bundles else b for b in own)
        words = f"{names}, as the recipe says" if own else "The labels alone"
        self.teacher.addItem(words, OF_RECIPE)
        student = self.role == "student"
        if student:
            for bundle in self._catalogue.of_task(self.task.currentData(), "teacher"):
                if own != (bundle.id,):
                    self.teacher.addItem(bundle.name, bundle.id)
            if own:
                self.teacher.addItem("The labels alone", NONE)
        self.teacher.setCurrentIndex(max(0, self.teacher.findData(chosen)))
        self.teacher.setEnabled(student and self._resumed is None)
        self.browse_teacher.setEnabled(student and self._resumed is None)

    def _teacher_bundle(self) -> Bundle | None:
        chosen = self.teacher.currentData()
        if chosen == OF_RECIPE and self._recipe is not None:
            installed = [self._catalogue.bundles.get(name) for name in self._recipe.teachers.bundles]
            return max(filter(None, installed), key=lambda bundle: bundle.card.parameters, default=None)
        return self._catalogue.bundles.get(chosen)

    def _changed(self) -> None:
        """Say what keeps the run from beginning."""
        self.problem.setText("")
        if self._recipe is None:
            return
        try:
            self.plan.resolved()
        except UsageError as error:
            self.problem.setText(f"⚠ {error.problem} {error.remedy}")
            return
        if self._data_task is not None and self._data_task != self.task.currentData():
            self.problem.setText(f"⚠ The data set has the classes of the task {get_task(self._data_task).name}.")

    # choosing

    def _data_edited(self) -> None:
        folder = Path(self.data.text()).expanduser()
        if self.data.text() and folder != self._checked:
            self._checked = folder
            self._settings.setValue("training/data", str(folder))
            self.labels.forget()
            self.data_chosen.emit(folder)

    def _choose_data(self) -> None:
        before = self.data.text() or str(self._settings.value("training/data", ""))
        if chosen := QFileDialog.getExistingDirectory(self, "Choose the data set's folder", before):
            self.set_data(Path(chosen))

    def ask_for_name(self, folder: Path) -> str:
        """Ask what the new task is called; empty where the person cancels."""
        return ask_for_name(self, folder)

    def _make_task(self) -> None:
        if not self.data.text():
            self.problem.setText("⚠ Choose the data set first: its labels become the classes.")
            return
        folder = Path(self.data.text()).expanduser()
        if name := self.ask_for_name(folder):
            self.new_task.setEnabled(False)
            self.problem.setText("")
            self.making_task.start(folder, name, self.labels.label_map)

    def _on_task_made(self, task: str) -> None:
        if not self.task.isEnabled():  # a run has begun
            return
        self.new_task.setEnabled(True)
        if self.task.findData(task) < 0:
            self.task.addItem(get_task(task).name, task)
        self.task.setCurrentIndex(self.task.findData(task))
        self._fill_recipes()
        self.data_chosen.emit(Path(self.data.text()).expanduser())

    def _on_task_failed(self, why: str) -> None:
        self.new_task.setEnabled(self.task.isEnabled())
        self.problem.setText(f"⚠ {why}")

    def _choose_recipe(self) -> None:
        kinds = "Recipes (*.toml)"
        chosen, _kind = QFileDialog.getOpenFileName(self, "Choose a recipe", "", kinds)
        if chosen:
            try:
                self.set_recipe_file(Path(chosen))
            except UsageError as error:
                self.problem.setText(f"⚠ {error}")

    def _choose_teacher(self) -> None:
        title = "Choose a bundle's or finished run's folder"
        if chosen := QFileDialog.getExistingDirectory(self, title, self.out.text()):
            self.teacher.addItem(Path(chosen).name, chosen)
            self.teacher.setCurrentIndex(self.teacher.count() - 1)
            self._changed()

    def _choose_out(self) -> None:
        title = "Choose where the run is stored"
        if chosen := QFileDialog.getExistingDirectory(self, title, str(Path(self.out.text()).parent)):
            self.out.setText(chosen)
            self._changed()

    def _connect(self) -> None:
        self.data.editingFinished.connect(self._data_edited)
        self.labels.applied.connect(lambda: self.data_chosen.emit(self._checked))
        self.task.activated.connect(self._fill_recipes)
        for button in (self.teacher_role, self.student_role):
            button.clicked.connect(self._fill_recipes)
        self.recipe.activated.connect(self._recipe_chosen)
        self.teacher.activated.connect(self._changed)
        self.out.editingFinished.connect(self._changed)
        for box in (self.epochs, self.batch):
            box.valueChanged.connect(self._changed)
        self.new_task.clicked.connect(self._make_task)
        self.making_task.made.connect(self._on_task_made)
        self.making_task.failed.connect(self._on_task_failed)
        self.browse_data.clicked.connect(self._choose_data)
        self.browse_recipe.clicked.connect(self._choose_recipe)
        self.browse_teacher.clicked.connect(self._choose_teacher)
        self.browse_out.clicked.connect(self._choose_out)
