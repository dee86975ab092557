"""Teacher and student on one field of a slide after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import get_args

from core.compare.record import Record, failed_record
from core.compare.session import Choice, Compared, ComparisonSession, Interrupted
from core.errors import ImageError, UsageError
from core.images.region import Region
from core.models.card import Role
from core.models.catalogue import Catalogue
from core.slides.field import field_image, field_name
from core.slides.slide import Slide
from core.tasks import TASKS, Task


@dataclass(frozen=True)
class FieldResult:
    """What came of one field.

    Attributes:
        region: the field, in pixels of level 0.
        record: both predictions, or why there are none.
    """

    region: Region
    record: Record


def slide_tasks(catalogue: Catalogue) -> list[Task]:
    """Return the tasks of coloured images that have a teacher and a student, in the order of ``TASKS``."""
    return [
        task
        for task in TASKS.values()
        if task.colour and all(catalogue.of_task(task.id, role) for role in get_args(Role))
    ]


def slide_choice(choice: Choice, catalogue: Catalogue, task: str | None = None) -> Choice:
    """Return a choice for the fields of a slide: one task for all of them, and no heat maps.

    Args:
        choice: what is compared; networks that were chosen for images of another task give way to the best ones.
        catalogue: the installed models.
        task: the task that is wanted; by default that of the choice, else the first one of coloured images.

    Raises:
        UsageError: if no models for coloured images are installed.
    """
    tasks = slide_tasks(catalogue)
    if not tasks:
        raise UsageError("No models for coloured images are installed.", remedy="Import or train a pair of them.")
    known = {found.id for found in tasks}
    wanted = next((named for named in (task, choice.task) if named in known), tasks[0].id)
    if wanted != choice.task:
        networks = {role: {bundle.card.model for bundle in catalogue.of_task(wanted, role)} for role in get_args(Role)}
        teacher = choice.teacher if choice.teacher in networks["teacher"] else None
        student = choice.student if choice.student in networks["student"] else None
        choice = replace(choice, teacher=teacher, student=student)
    return replace(choice, task=wanted, cam="none")


def compare_field(
    slide: Slide, region: Region, session: ComparisonSession, choice: Choice, repeats: int = 1
) -> Compared:
    """Compare on one field; one that can't be read has its reason in its record.

    Errors of the models are raised, since they concern every field; see
    :meth:`core.compare.session.ComparisonSession.finish`.
    """
    try:
        image = field_image(slide, region)
    except ImageError as error:
        name = field_name(slide.path, region, 1.0)
        return Compared(failed_record(slide.path.with_name(name), str(error)))
    return session.finish(image, choice, repeats=repeats)


def compare_fields(
    slide: Slide, fields: Iterable[Region], session: ComparisonSession, choice: Choice
) -> Iterator[FieldResult]:
    """Yield the result of each field, until the session is stopping.

    Args:
        slide: the open slide.
        fields: in pixels of level 0.
        session: holds the models; it belongs to this thread.
        choice: what is compared, see :func:`slide_choice`.

    Raises:
        TwinlensError: if the models can't be used.
    """
    for region in fields:
        if session.is_stopping():
            return
        try:
            found = compare_field(slide, region, session, choice)
        except Interrupted:
            return
        yield FieldResult(region, found.record)
