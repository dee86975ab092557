"""Whether training would take a data set: what it would reject is an error here; what was left out is listed."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator

from core.tasks import TASKS, Task
from training.data.dataset import Dataset, LeftOut
from training.data.label_map import alike
from training.data.layouts.layout import NO_CLASS, NO_SPLIT
from training.data.layouts.manifest import UNLISTED
from training.data.listing import CLOSED
from training.data_check.report import Finding, Severity, finding
from training.recipe import Recipe

# what is left out for one of these reasons may have been meant for training
SEVERITY: dict[str, Severity] = {CLOSED: "error", NO_CLASS: "warning", NO_SPLIT: "warning", UNLISTED: "warning"}


def fitness_findings(dataset: Dataset, recipe: Recipe | None = None) -> list[Finding]:
    """Return what training would reject, and classes without images.

    Args:
        dataset: the data set.
        recipe: what it is to be trained by; without one its labels may be of any task, or of none yet.
    """
    task = recipe.task if recipe is not None else _nearest(dataset.classes)
    if task is None:
        return [*_own_labels(dataset), *_classes(dataset, None), *_splits(dataset, None)]
    return [*_labels(dataset, task), *_classes(dataset, task), *_splits(dataset, recipe)]


def left_out_findings(dataset: Dataset) -> list[Finding]:
    """Return the files that were left out, by reason, and entries of the label map that no image has."""
    by_reason: dict[str, list[LeftOut]] = defaultdict(list)
    for out in dataset.left_out:
        by_reason[out.reason].append(out)
    findings = []
    for reason, found in sorted(by_reason.items()):
        count = sum(out.files for out in found)
        text = f"Left out: {_many(count, 'file')} ({reason})."
        if reason == CLOSED:
            text = f"Left out: {_many(count, 'folder')} that can't be opened. Allow reading them, or move them away."
        lines = (
            f"{dataset.relative(out.path)}" + (f"{os.sep} ({out.files:,} files)" if out.path.is_dir() else "")
            for out in found
        )
        findings.append(finding(SEVERITY.get(reason, "note"), "left-out", text, len(found), lines))
    if unused := [label for label in dataset.label_map if label not in dataset.labels]:
        text = "The label map names labels that no image has."
        findings.append(finding("warning", "unused-map", text, len(unused), unused))
    return findings


def left_out_counts(dataset: Dataset) -> dict[str, int]:
    """Return how many files were left out for each reason."""
    counts: Counter[str] = Counter()
    for out in dataset.left_out:
        counts[out.reason] += out.files
    return dict(sorted(counts.items()))


def _nearest(labels: tuple[str, ...]) -> Task | None:
    """Return the task that has most of the labels as classes, None where none has any."""
    task = max(TASKS.values(), key=lambda task: len(set(labels) & set(task.class_ids)))
    return task if set(labels) & set(task.class_ids) else None


def _labels(dataset: Dataset, task: Task) -> list[Finding]:
    unknown = [label for label in dataset.classes if label not in task.class_ids]
    if not unknown:
        return []
    text = (
        f"{_many(len(unknown), 'label')} {'is no class' if len(unknown) == 1 else 'are no classes'} of the task "
        f"{task.name}, so that training rejects the data set. Map each to a class or leave it out, on the command line "
        f"with --map LABEL=CLASS or --map LABEL=. Classes: {', '.join(task.class_ids)}."
    )
    return [finding("error", "labels", text, len(unknown), _suggestions(dataset, unknown, [task]))]


def _own_labels(dataset: Dataset) -> list[Finding]:
    """Return that the labels are of no task yet."""
    text = (
        f"The {_many(len(dataset.classes), 'label')} {'is a class' if len(dataset.classes) == 1 else 'are classes'} of "
        "no task here. The command new-task makes a task of them, which can then be trained. Where they mean the "
        "classes of a task, map each with --map LABEL=CLASS, or leave it out with --map LABEL=."
    )
    lines = _suggestions(dataset, dataset.classes, TASKS.values())
    return [finding("warning", "own-labels", text, len(dataset.classes), lines)]


def _suggestions(dataset: Dataset, labels: Iterable[str], tasks: Collection[Task]) -> Iterator[str]:
    counts = Counter(sample.label for sample in dataset.samples)
    return (_suggested(label, counts[label], tasks) for label in labels)


def _suggested(label: str, images: int, tasks: Iterable[Task]) -> str:
    """Return a label with its count and the class that it may mean, where it is spelt alike."""
    line = f"{label}: {_many(images, 'image')}"
    name = alike(label, [name for task in tasks for name in task.class_ids])
    return f"{line}; --map {label}={name} ?" if name else line


def _classes(dataset: Dataset, task: Task | None) -> list[Finding]:
    if len(dataset.classes) == 1:
        text = f"All images are of one class, {dataset.classes[0]}: a network can be scored on them, but not trained."
        return [finding("error", "one-class", text, 1)]
    if task is None or not set(dataset.classes) <= set(task.class_ids):
        return []
    missing = [name for name in task.class_ids if name not in dataset.classes]
    if not missing:
        return []
    text = f"There are no images of {_many(len(missing), 'class')} of the task {task.name}: a network can't learn it."
    return [finding("warning", "missing-class", text, len(missing), missing)]


def _splits(dataset: Dataset, recipe: Recipe | None) -> list[Finding]:
    counts = Counter(sample.split for sample in dataset.samples)
    groups = len({sample.group for sample in dataset.samples if sample.group})
    why = f" The split was {dataset.split_made}" if dataset.split_made.startswith("made") else ""
    why += f", and {_many(groups, 'known group')} can't be parted." if why and groups else "." if why else ""
    findings = []
    for split, text in (
        ("train", "There are no images for training: a network can be scored on the data set, not trained on it."),
        ("val", "There are no images for validation, so that training rejects the data set."),
    ):
        if not counts[split]:
            findings.append(finding("error", f"no-{split}", text + why, 1))
    if not counts["test"]:
        text = "There are no images for testing: what is trained can't be scored on this data set."
        findings.append(finding("warning", "no-test", text + why, 1))
    if recipe is not None and counts["train"] < recipe.optim.batch:
        text = (
            f"{_many(counts['train'], 'training image')} do not fill the recipe's batch of {recipe.optim.batch}: set "
            "optim.batch lower."
        )
        findings.append(finding("error", "batch", text, 1))
    return findings


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 'es' if thing.endswith('s') else 's'}"
