"""A comparison session as the window needs it: it keeps images, and takes the best network for each task."""

from __future__ import annotations

from collections.abc import Callable

from core.compare.session import Choice, ComparisonSession, installed_bundle
from core.models.bundle import Bundle
from core.models.card import Role
from core.models.catalogue import Catalogue

IMAGES_KEPT = 6
REPEATS = 3  # forwards timed for an image that is shown or reported; the median counts


def window_session(is_stopping: Callable[[], bool]) -> ComparisonSession:
    """Return a session for one thread of the window.

    Args:
        is_stopping: whether all work is to stop.
    """
    return ComparisonSession(images_kept=IMAGES_KEPT, is_stopping=is_stopping, find=chosen_bundle)


def chosen_bundle(catalogue: Catalogue, task: str, role: Role, choice: Choice) -> Bundle:
    """Return the bundle that a choice means for images of a task.

    Where each image tells its task, a network that this task does not have was chosen for images of another one; the
    best-scoring network is taken in its place.

    Raises:
        UsageError: if it is not installed.
    """
    network = choice.teacher if role == "teacher" else choice.student
    if choice.task is None and (network is None or not catalogue.named(task, role, network)):
        return catalogue.find(task, role)
    return installed_bundle(catalogue, task, role, choice)
