"""The tasks that installed bundles bring, and bundles that disagree about one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.errors import BundleError
from core.models.bundle import Bundle
from core.tasks import TASKS, Task


def tasks_of(bundles: Mapping[str, Bundle]) -> tuple[dict[str, Task], dict[str, BundleError]]:
    """Return the tasks of bundles that are known by nothing else, and why bundles that disagree can't be used, by name.

    The program's task decides, then the user's own, then the first bundle's; bundles that define their task come before
    those that only have labels. Labels and colour must be the same, in any order, and the names of the classes, too,
    but for a task of the user's own, whose names are used instead.
    """
    own = TASKS.own()
    brought: dict[str, Task] = {}
    odd: dict[str, BundleError] = {}
    for bundle in sorted(bundles.values(), key=lambda bundle: bundle.card.definition is None):
        card, task = bundle.card, bundle.card.definition
        known = brought.get(card.task) or TASKS.without_brought(card.task)
        if known is None:
            brought[card.task] = card.described_by_itself
        elif sorted(card.classes) != sorted(known.class_ids) or (task is not None and not _agree(task, known, own)):
            odd[bundle.id] = BundleError(
                f"This model has other classes than the task {card.task} has here: "
                f"{_classes(card.described_by_itself)}, in place of {_classes(known)}.",
                path=bundle.directory,
                remedy="Ask its maker for a model whose task has another id, or remove the models and the file of that "
                "task.",
            )
    return brought, odd


def _agree(task: Task, known: Task, own: Collection[str]) -> bool:
    return task.has_labels_of(known) and (task.id in own or set(task.classes) == set(known.classes))


def _classes(task: Task) -> str:
    named = (label.id if label.id == label.name else f"{label.id} ({label.name})" for label in task.classes[:8])
    more = ", …" if len(task.classes) > 8 else ""
    return f"{', '.join(named)}{more} {'in colour' if task.colour else 'in grey'}"
