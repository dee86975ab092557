"""A comparison in words, alike in terminal, window and report."""

from __future__ import annotations

from collections.abc import Collection

from core.compare.figures import in_words
from core.compare.record import Agreement
from core.tasks import Task

NOT_ASSESSABLE = "Not assessable: outside the training data"
HIDDEN = "hidden"  # in place of a prediction for an image that is not assessable
NO_COMPARISON = "No comparison: a prediction is hidden"


def agree_or_not(task: Task, teacher: str, student: str) -> str:
    """Return whether both models agree, and on what.

    Args:
        task: the task.
        teacher: label of the teacher's most probable class.
        student: label of the student's.
    """
    first, second = task.class_name(teacher), task.class_name(student)
    return f"Agree: {first}" if teacher == student else f"Disagree: teacher {first}, student {second}"


def uncertainty(task: Task, predicted: str, plausible: Collection[str] | None) -> str:
    """Return which other classes stay plausible; an empty string where none does.

    Args:
        task: the task.
        predicted: label of the most probable class.
        plausible: labels of the conformal prediction set, None where the model has no rule for it.
    """
    if plausible is None or len(plausible) == 1:
        return ""
    others = " or ".join(task.class_name(label) for label in plausible if label != predicted)
    return f"Uncertain: {others} also possible" if others else "Uncertain: no class is plausible enough"


def figures(task: Task, teacher: str, found: Agreement) -> list[str]:
    """Return the figures of both models together that have words; the heat maps are for the teacher's class."""
    return in_words(found, explained=task.class_name(teacher))


def milliseconds(value: float) -> str:
    """Return a time in the unit that keeps two or three digits."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"
