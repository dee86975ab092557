"""What a comparison says in words, alike in terminal, window and report."""

from __future__ import annotations

from core.compare.figures import in_words
from core.compare.record import Agreement
from core.tasks import Task

RUNTIME_NAMES = {"openvino": "OpenVINO", "torch": "torch"}


def agreement(task: Task, teacher: str, student: str, found: Agreement) -> list[str]:
    """Return what is said about both models together: whether they agree, then the figures that have words.

    Args:
        task: the task.
        teacher: label of the teacher's most probable class.
        student: label of the student's.
        found: the figures.
    """
    first, second = task.class_name(teacher), task.class_name(student)
    same = f"✓ both say {first}" if found.same_class else f"≠ they disagree: teacher {first}, student {second}"
    return [same, *in_words(found, explained=first)]


def milliseconds(value: float) -> str:
    """Return a time in the unit that keeps two or three digits."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"
