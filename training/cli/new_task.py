"""The command ``new-task``: classes of your own, from the labels of a data folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from training.cli.train import MapOption


def new_task(
    folder: Annotated[Path, typer.Argument(help="A folder of classes, or another data set.", file_okay=False)],
    task_id: Annotated[
        str | None, typer.Option("--id", help="The task's identifier; by default after the folder.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the task is called.")] = None,
    image_kind: Annotated[str | None, typer.Option(help="What one of its images is, e.g. 'fundus photo'.")] = None,
    colour: Annotated[
        bool | None, typer.Option("--colour/--grey", help="Coloured or grey; by default as the images are.")
    ] = None,
    label_map: MapOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a task of your own of this identifier.")] = False,
) -> None:
    """Make a task of a data set's labels: it can be trained then, and is shown by the names in its file."""
    from training.data.label_map import parse_label_map
    from training.data.loading import read_samples
    from training.data.new_task import task_of, write_task

    samples = read_samples(folder, parse_label_map(label_map or []))
    made = task_of(samples, folder, task_id=task_id, name=name, image_kind=image_kind, colour=colour)
    task = made.task
    path = write_task(task, replace=replace)
    seen = f" ({made.coloured} of {made.looked_at} images looked at are coloured)" if made.looked_at else ""
    typer.echo(
        f"{task.name} ({task.id}): {len(task.classes)} classes, {'colour' if task.colour else 'greyscale'}{seen}"
    )
    width = max(len(label.id) for label in task.classes)
    for label in task.classes:
        typer.echo(f"  {label.id:<{width}}  {made.images[label.id]:6,} images  {label.name}")
    data = shlex.quote(str(folder))
    typer.echo(
        f"Written: {path}\nNames can be changed there. To train a teacher, then the student from it:\n"
        f"  python -m training teacher --recipe own-teacher --task {task.id} --data {data} --out runs/teacher\n"
        f"  python -m training distill --recipe own-student --task {task.id} --data {data} --out runs/student "
        "--teacher runs/teacher\n"
        "Then evaluate and publish both."
    )
