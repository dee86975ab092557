"""The course of a run, drawn."""

from __future__ import annotations

from pathlib import Path

from core.system.atomic_files import bytes_written_whole
from training.runs.folder import Row


def draw_curves(rows: list[Row], path: Path) -> None:
    """Draw loss, validation scores and learning rate over the epochs into a PNG file.

    Args:
        rows: metrics, a row an epoch.
        path: the file.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] + 1 for row in rows]
    best = max(range(len(rows)), key=lambda i: (rows[i]["val_accuracy"], -rows[i]["val_loss"]))
    mark = "o" if len(rows) == 1 else "None"
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True}):
        figure = Figure(figsize=(11, 3.6), layout="constrained")
        losses, scores, rates = figure.subplots(1, 3)
        losses.plot(epochs, [row["train_loss"] for row in rows], marker=mark, ls="-", label="training, all terms")
        losses.plot(epochs, [row["val_loss"] for row in rows], marker=mark, ls="-", label="validation, cross-entropy")
        losses.set_title("Loss")
        scores.plot(epochs, [100 * row["val_accuracy"] for row in rows], marker=mark, ls="-", label="accuracy")
        scores.plot(epochs, [100 * row["val_macro_f1"] for row in rows], marker=mark, ls="--", label="macro F1")
        top = 100 * rows[best]["val_accuracy"]
        scores.plot([epochs[best]], [top], "k*", ms=9, label=f"best: {top:.2f} % in epoch {epochs[best]:.0f}")
        scores.set_title("Validation, %")
        rates.plot(epochs, [row["lr"] for row in rows], marker=mark, ls="-", color="tab:grey")
        rates.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        rates.set_title("Learning rate at the epoch's end")
        for axes in (losses, scores, rates):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.3)
        losses.legend(frameon=False)
        scores.legend(frameon=False)
        with bytes_written_whole(path) as file:
            figure.savefig(file, format="png", dpi=120)
