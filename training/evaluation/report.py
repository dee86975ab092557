"""An evaluation as a page that one can read: Markdown with a reliability diagram and the confusion matrix as PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.system.atomic_files import bytes_written_whole, make_folder, written_whole
from training.data.border_scores import BORDER
from training.evaluation.scores import Evaluation


def write_report(measured: Evaluation, path: Path) -> None:
    """Write the page, and beside it ``STEM-reliability.png`` and ``STEM-confusion.png``."""
    make_folder(path.parent)
    reliability, confusion = (path.with_name(f"{path.stem}-{name}.png") for name in ("reliability", "confusion"))
    _plot_reliability(measured, reliability)
    _plot_confusion(measured, confusion)
    with written_whole(path) as file:
        file.write(markdown(measured, reliability.name, confusion.name))


def markdown(measured: Evaluation, reliability: str, confusion: str) -> str:
    """Return the page; the arguments are the names of the plots' files."""
    all_, ends, known = measured.overall, measured.intervals, measured.limits
    rows = [
        ("Accuracy", f"{_percent(all_.accuracy)} ({_percent(ends.accuracy[0])} to {_percent(ends.accuracy[1])})"),
        ("Macro F1", f"{_percent(all_.macro_f1)} ({_percent(ends.macro_f1[0])} to {_percent(ends.macro_f1[1])})"),
    ]
    if all_.auroc is not None:
        ends_of_it = "" if ends.auroc is None else f" ({ends.auroc[0]:.4f} to {ends.auroc[1]:.4f})"
        rows.append(("AUROC, one against the rest", f"{all_.auroc:.4f}{ends_of_it}"))
    rows += [
        ("ECE before temperature scaling", f"{all_.ece_uncalibrated:.4f}"),
        (f"ECE after it (T = {measured.temperature:.3f})", f"{all_.ece:.4f}"),
        ("Brier score", f"{all_.brier:.4f}"),
    ]
    if known.covered is not None and known.unsure is not None and known.empty is not None:
        rows += [
            ("Conformal set contains the label", _percent(known.covered)),
            (
                "Uncertain: not exactly one plausible class",
                f"{_percent(known.unsure)} (no plausible class {_percent(known.empty)})",
            ),
        ]
    if known.refused is not None:
        rows.append(("Not assessable: outside the training data", _percent(known.refused)))
    if measured.border is not None:
        rows += [
            (
                f"Linear model on the border alone (outer {BORDER} of 32 pixels)",
                _percent(measured.border.border),
            ),
            ("Linear model on the whole 32×32 thumbnail", _percent(measured.border.whole)),
        ]
    if measured.agreement is not None:
        rows += [
            (f"Same class as {measured.agreement.bundle}", _percent(measured.agreement.same_class)),
            (f"KL from {measured.agreement.bundle}", f"{measured.agreement.kl:.4f} nat"),
        ]
    lines = [
        f"# {measured.bundle} on {measured.data} ({measured.split})",
        "",
        f"{all_.images} images, {measured.runtime}, weights {measured.weights_sha256[:12]}. In brackets: 95 % "
        "intervals (accuracy: Wilson; macro F1: posterior; AUROC: bootstrap); images of one patient count for "
        "less where they err together. For research use only, not for diagnosis.",
        *([f"Started from {measured.started_from}."] if measured.started_from else []),
        "",
        *(f"- **Note:** {note}." for note in measured.notes),
        *([""] if measured.notes else []),
        "| measure | value |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
        "",
        "| class | images | precision | recall | AUROC |",
        "|---|---|---|---|---|",
    ]
    for label, row in zip(measured.classes, all_.confusion, strict=True):
        area = all_.auroc_by_class[label]
        lines.append(
            f"| {label} | {sum(row)} | {_percent(all_.precision[label])} | {_percent(all_.recall[label])} | "
            f"{'–' if area is None else f'{area:.4f}'} |"
        )
    if measured.subgroups:
        lines += ["", "| group | images | accuracy | macro F1 | ECE |", "|---|---|---|---|---|"]
    for name, group in measured.subgroups.items():
        low, high = group.accuracy_interval
        lines.append(
            f"| {name} | {group.scores.images} | {_percent(group.scores.accuracy)} ({_percent(low)} to "
            f"{_percent(high)}) | {_percent(group.scores.macro_f1)} | {group.scores.ece:.3f} |"
        )
    return "\n".join(
        [*lines, "", f"![Reliability diagram]({reliability})", "", f"![Confusion matrix]({confusion})", ""]
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _plot_reliability(measured: Evaluation, path: Path) -> None:
    from matplotlib.figure import Figure

    confidence, accuracy, images = np.array(measured.overall.reliability).T
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", label="perfectly calibrated")
    axes.plot(confidence, accuracy, color="#1f5fa8", linewidth=1.2)
    axes.scatter(confidence, accuracy, s=12 + 400 * images / images.sum(), color="#1f5fa8", alpha=0.8)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="mean confidence", ylabel="accuracy")
    axes.set_title(
        f"{measured.bundle}: ECE {measured.overall.ece:.3f}\n(a dot's area: its share of the images)", size=10
    )
    axes.legend(loc="upper left", frameon=False)
    with bytes_written_whole(path) as file:
        figure.savefig(file, dpi=140, format="png")


def _plot_confusion(measured: Evaluation, path: Path) -> None:
    from matplotlib.figure import Figure

    counts = np.array(measured.overall.confusion)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    figure = Figure(figsize=(1.8 + 0.95 * len(counts), 1.5 + 0.9 * len(counts)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        dark = shares[row, column] > 0.5
        axes.text(column, row, str(count), ha="center", va="center", color="white" if dark else "black")
    places = range(len(counts))
    axes.set_xticks(places, measured.classes, rotation=30, ha="right")
    axes.set_yticks(places, measured.classes)
    axes.set(xlabel="predicted class", ylabel="label")
    axes.set_title(measured.bundle, size=10)
    with bytes_written_whole(path) as file:
        figure.savefig(file, dpi=140, format="png")
