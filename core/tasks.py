"""The classification tasks: their classes in the field's words, and what kind of image each expects."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import UsageError


@dataclass(frozen=True)
class ClassLabel:
    """One class of a task.

    Attributes:
        id: the label as the data set writes it, e.g. ``lung_scc``.
        name: what a clinician calls it, e.g. ``Lung squamous cell carcinoma``.
    """

    id: str
    name: str


@dataclass(frozen=True)
class Task:
    """A classification task.

    Attributes:
        id: the identifier used on the command line and in cards, e.g. ``chest-xray``.
        name: the name shown to a person.
        image_kind: the kind of image that the task's models were made for.
        image_kinds: the same in the plural.
        colour: whether its images carry colour (histology) or not (radiographs).
        classes: the classes in the order of the networks' outputs.
    """

    id: str
    name: str
    image_kind: str
    image_kinds: str
    colour: bool
    classes: tuple[ClassLabel, ...]

    @property
    def class_ids(self) -> tuple[str, ...]:
        """The class labels in the order of the networks' outputs."""
        return tuple(label.id for label in self.classes)

    def class_name(self, class_id: str) -> str:
        """Return the plain-language name of a class label.

        Raises:
            UsageError: if the task has no such class.
        """
        for label in self.classes:
            if label.id == class_id:
                return label.name
        raise UsageError(
            f"The task {self.id} has no class {class_id!r}.", remedy=f"Its classes are {', '.join(self.class_ids)}."
        )


CHEST_XRAY = Task(
    id="chest-xray",
    name="Chest X-ray",
    image_kind="frontal chest radiograph",
    image_kinds="frontal chest radiographs",
    colour=False,
    classes=(
        ClassLabel("COVID-19", "COVID-19"),
        ClassLabel("Non-COVID", "Non-COVID infection"),
        ClassLabel("Normal", "Normal"),
    ),
)

LUNG_COLON = Task(
    id="lung-colon",
    name="Lung and colon histology",
    image_kind="H&E histology tile of lung or colon",
    image_kinds="H&E histology tiles of lung or colon",
    colour=True,
    classes=(
        ClassLabel("colon_aca", "Colon adenocarcinoma"),
        ClassLabel("colon_n", "Benign colonic tissue"),
        ClassLabel("lung_aca", "Lung adenocarcinoma"),
        ClassLabel("lung_n", "Benign lung tissue"),
        ClassLabel("lung_scc", "Lung squamous cell carcinoma"),
    ),
)

TASKS: dict[str, Task] = {task.id: task for task in (CHEST_XRAY, LUNG_COLON)}


def get_task(task_id: str) -> Task:
    """Return the task with this identifier.

    Raises:
        UsageError: if there is none.
    """
    try:
        return TASKS[task_id]
    except KeyError:
        raise UsageError(f"There is no task {task_id!r}.", remedy=f"The tasks are {', '.join(TASKS)}.") from None


def guess_task(grey: bool) -> Task:
    """Return the first task of ``TASKS`` whose images are grey, or coloured, as the image is."""
    return next(task for task in TASKS.values() if task.colour != grey)
