"""An audit as a page: tables with intervals, two plots, and how many of the teacher's errors the student repeats."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.system.atomic_files import written_whole
from training.audit.audit import BORDER_HIDDEN, BORDER_ONLY, LUNGS_HIDDEN, PLAIN, Audit, Audits
from training.data.perturbations import disturbances
from training.data.regions import BORDER
from training.evaluation.clustered_bootstrap import Figure, Indices, figure

Float64Array = npt.NDArray[np.float64]
COLOURS = ("#1f5fa8", "#d1732b")


@dataclass(frozen=True)
class Repeats:
    """How many of a teacher's errors its student repeats.

    Attributes:
        errors: number of the teacher's errors.
        share: share of them that the student made too, with the same wrong class.
        chance: the share that it would repeat if it predicted that class as often as on the other images of that label.
        excess: share less chance, with its interval.
    """

    errors: int
    share: float
    chance: float
    excess: Figure


def repeats(labels: Indices, teacher: Indices, student: Indices, clusters: Indices) -> Repeats | None:
    """Return how often the student repeats the teacher's errors; None where the teacher made none.

    Args:
        labels: class indices, shape (N,).
        teacher: the teacher's predictions, shape (N,).
        student: the student's predictions, shape (N,).
        clusters: as of :func:`figure`.
    """
    wrong = np.flatnonzero(teacher != labels)
    if not len(wrong):
        return None
    chance = []
    for i in wrong:
        rest = (labels == labels[i]) & (teacher != teacher[i])
        chance.append(float((student[rest] == teacher[i]).mean()) if rest.any() else 0.0)
    same = student[wrong] == teacher[wrong]
    return Repeats(len(wrong), float(same.mean()), float(np.mean(chance)), figure(same - chance, clusters[wrong]))


def write_page(audits: Audits, folder: Path) -> Path:
    """Write ``TASK.md`` and its two plots into a folder, and return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    _plot_curves(audits, folder / f"{audits.task}-curves.webp")
    _plot_parts(audits, folder / f"{audits.task}-parts.webp")
    with written_whole(folder / f"{audits.task}.md") as file:
        file.write(page(audits))
    return folder / f"{audits.task}.md"


def page(audits: Audits) -> str:
    """Return the audit as Markdown; the plots are named as :func:`write_page` names them."""
    found = audits.found
    pair = len(found) == 2
    command = f"python -m training audit {found[0].bundle} --data DIR --out OUT --images {len(audits.pictures.labels)}"
    head = " | ".join(one.bundle for one in found)
    lines = [
        f"# Shortcut audit: {audits.task}",
        "",
        "**For research use only. Not for diagnosis.**",
        "",
        f"`{command}{f' --teacher {found[1].bundle}' if pair else ''}`",
        "",
        f"{len(audits.pictures.labels)} of {len(audits.all_labels)} test images, drawn by a fixed seed, the same for "
        "all models. Intervals are of 95 %: Wilson's for shares, else of 2,000 bootstrap samples, by patient or "
        "original as far as they are known. "
        f"{_what_is_hidden(audits)}",
        "",
        *(_inheritance(audits) if pair else []),
        "## Accuracy with parts hidden",
        "",
        f"![Accuracy with parts hidden]({audits.task}-parts.webp)",
        "",
        f"| | {head} |{' student less teacher |' if pair else ''}",
        "|---" * (len(found) + 1 + pair) + "|",
        *_part_rows(audits),
        "",
        "A hidden part has the picture's mean brightness or colour, which no training image has: some of the loss "
        "comes from that alone.",
        "",
        "## Accuracy under disturbances",
        "",
        f"![Accuracy under disturbances]({audits.task}-curves.webp)",
        "",
        "## Where the heat maps lie",
        "",
        f"Share of Score-CAM's energy (fast map, for the model's prediction), over {len(found[0].energy['border'])} "
        "of the images; the share of the area is what a uniform map would have. Intervals here draw single images.",
        "",
        f"| | share of the area | {head} |",
        "|---" * (len(found) + 2) + "|",
        *_energy_rows(audits),
        "",
    ]
    if found[0].groups:
        lines += [
            "## Scores by group",
            "",
            f"All {len(audits.all_labels)} test images; groups of fewer than 20 are left out.",
            "",
            f"| | images | {head} |",
            "|---" * (len(found) + 2) + "|",
            *_group_rows(found),
            "",
        ]
    return "\n".join(lines)


def _what_is_hidden(audits: Audits) -> str:
    text = f"The border is the outer {_percent(BORDER)} of each side."
    if "lung" not in audits.pictures.masks:
        return f"{text} Lungs and text are searched for in chest radiographs only."
    where = (
        "Lungs are where the data set outlines them."
        if audits.pictures.lungs_outlined
        else "The data set outlines no lungs: two ellipses where lungs usually lie are used instead."
    )
    return (
        f"{text} {where} Text and side markers are small bright parts near the edges, painted over from their "
        f"surroundings; some were found in {_percent(audits.marked or 0)} of the images, and some of those are bone or "
        "wire. The line below gives the effect of the same painting on the other side."
    )


def _inheritance(audits: Audits) -> list[str]:
    student, teacher = audits.found
    labels, clusters = audits.pictures.labels, audits.pictures.clusters
    lines = ["## Does distillation inherit the teacher's shortcuts?", ""]
    whole = repeats(audits.all_labels, teacher.plain, student.plain, audits.all_clusters)
    cases = [(f"all {len(audits.all_labels)} test images {PLAIN}", whole)]
    cases += [
        (name, repeats(labels, teacher.predictions[name], student.predictions[name], clusters))
        for name in (BORDER_ONLY, LUNGS_HIDDEN)
        if name in student.predictions
    ]
    lines += [f"- {_leaning(audits, name)}" for name in (BORDER_ONLY, BORDER_HIDDEN) if name in student.predictions]
    lines += [
        "",
        "| images | errors of the teacher | repeated by the student, same wrong class | by chance | beyond chance |",
        "|---|---|---|---|---|",
    ]
    for name, one in cases:
        if one is not None:
            lines.append(
                f"| {name} | {one.errors} | {_percent(one.share)} | {_percent(one.chance)} | {_points(one.excess)} |"
            )
    lines += [
        "",
        '"By chance" is how often the student gives that wrong class on other images of the same label.',
        "",
    ]
    if whole is not None:
        conclusion = (
            "The student repeats its teacher's errors significantly beyond chance."
            if whole.excess.low > 0
            else "It is not shown that the student repeats its teacher's errors beyond chance."
        )
        lines += [
            f"**{conclusion}** Whether they come from the teacher or from the same images only a student trained "
            "without the teacher can show.",
            "",
        ]
    return lines


def _leaning(audits: Audits, name: str) -> str:
    student, teacher = audits.found
    accuracies = [_accuracy(audits, one, name) for one in (teacher, student)]
    gap = _gap(audits, student.predictions[name], teacher.predictions[name])
    difference = (
        f"the student does {'better' if gap.mean > 0 else 'worse'}"
        if gap.is_apart_from_zero
        else "no significant difference"
    )
    return (
        f"{name[0].upper()}{name[1:]}: the teacher's accuracy is {_interval(accuracies[0])}, the student's "
        f"{_interval(accuracies[1])}; {difference} ({_points(gap)})."
    )


def _part_rows(audits: Audits) -> list[str]:
    rows = []
    for name in audits.found[0].predictions:
        cells = [_interval(_accuracy(audits, one, name)) for one in audits.found]
        if len(audits.found) == 2:
            cells.append(_points(_gap(audits, *(one.predictions[name] for one in audits.found))))
        rows.append(f"| {name} | {' | '.join(cells)} |")
    chance = np.bincount(audits.pictures.labels).max() / len(audits.pictures.labels)
    rest = " | " * len(audits.found)
    rows.append(f"| *always the most frequent class* | {_percent(float(chance))}{rest}|")
    return rows


def _energy_rows(audits: Audits) -> list[str]:
    rows = []
    clusters = np.arange(len(audits.pictures.labels))
    for name, masks in audits.pictures.masks.items():
        covering = [float(mask.mean()) for mask in masks if mask.any()]
        if any(name not in one.energy for one in audits.found):
            continue
        cells = [_interval(figure(one.energy[name], clusters[: len(one.energy[name])])) for one in audits.found]
        rows.append(f"| {name} | {_percent(float(np.mean(covering)))} | {' | '.join(cells)} |")
    return rows


def _group_rows(found: list[Audit]) -> list[str]:
    rows = []
    for name in found[0].groups:
        results = [one.groups[name] for one in found]
        cells = [_interval(Figure(r.scores.accuracy, *r.accuracy_interval)) for r in results]
        rows.append(f"| {name} | {results[0].scores.images} | {' | '.join(cells)} |")
    return rows


def _accuracy(audits: Audits, one: Audit, name: str) -> Figure:
    return figure(one.predictions[name] == audits.pictures.labels, audits.pictures.clusters)


def _gap(audits: Audits, mine: Indices, theirs: Indices) -> Figure:
    labels = audits.pictures.labels
    return figure((mine == labels).astype(float) - (theirs == labels), audits.pictures.clusters)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _interval(found: Figure) -> str:
    return f"{100 * found.mean:.1f} % ({100 * found.low:.1f}–{100 * found.high:.1f})"


def _points(found: Figure) -> str:
    return f"{100 * found.mean:+.1f} points ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def _plot_parts(audits: Audits, path: Path) -> None:
    from matplotlib.figure import Figure as Canvas

    names = list(audits.found[0].predictions)[::-1]
    canvas = Canvas(figsize=(9, 1.2 + 0.55 * len(names)), layout="constrained")
    axes = canvas.subplots()
    height = 0.8 / len(audits.found)
    for k, (one, colour) in enumerate(zip(audits.found, COLOURS, strict=False)):
        figures = [_accuracy(audits, one, name) for name in names]
        means = np.array([f.mean for f in figures])
        reach = np.abs(np.array([[f.low for f in figures], [f.high for f in figures]]) - means)
        at = np.arange(len(names)) + height * (len(audits.found) / 2 - k - 0.5)
        axes.barh(at, means, height * 0.9, xerr=reach, color=colour, label=one.bundle, error_kw={"lw": 1, "capsize": 2})
    chance = np.bincount(audits.pictures.labels).max() / len(audits.pictures.labels)
    axes.axvline(chance, color="#666666", linestyle=":", label="most frequent class")
    axes.set_yticks(np.arange(len(names)), names)
    axes.set(xlim=(0, 1), xlabel="accuracy, with 95 % interval")
    axes.spines[["top", "right"]].set_visible(False)
    canvas.legend(loc="outside upper center", ncols=3, frameon=False)
    canvas.savefig(path, dpi=110)


def _plot_curves(audits: Audits, path: Path) -> None:
    from matplotlib.figure import Figure as Canvas

    shapes = disturbances(colour=audits.pictures.coloured)
    rows = len(shapes) // 3 + 1  # a place is left for the legend
    canvas = Canvas(figsize=(11, 3.2 * rows), layout="constrained")
    places = canvas.subplots(rows, 3, sharey=True).ravel()
    for place, shape in zip(places, shapes, strict=False):
        order = np.argsort(shape.strengths)
        strengths = np.array(shape.strengths)[order]
        for one, colour in zip(audits.found, COLOURS, strict=False):
            right = [figure(a == audits.pictures.labels, audits.pictures.clusters) for a in one.curves[shape.name]]
            low, mean, high = (np.array([getattr(f, what) for f in right])[order] for what in ("low", "mean", "high"))
            place.plot(strengths, mean, marker="o", markersize=4, color=colour, label=one.bundle)
            place.fill_between(strengths, low, high, color=colour, alpha=0.15, linewidth=0)
        place.axvline(shape.strengths[0], color="#666666", linestyle=":", linewidth=1, label="as they are")
        place.set_title(shape.name, size=10)
        place.set_xlabel(shape.unit)
        place.set_ylim(0, 1)
        place.grid(alpha=0.25)
    for place in places[::3]:
        place.set_ylabel("accuracy")
    for place in places[len(shapes) :]:
        place.axis("off")
    handles, names = places[0].get_legend_handles_labels()
    places[-1].legend(handles, names, loc="center", frameon=False, title="bands: 95 % intervals")
    canvas.savefig(path, dpi=110)
