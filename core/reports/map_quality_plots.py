"""Curves of how heat maps stand the removal of pixels and of weights, as pictures; needs matplotlib."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from core.quality.road import SHARES
from core.quality.run import QualityReport
from core.quality.summary import MethodSummary
from core.system.atomic_files import bytes_written_whole

PANELS = (
    "Deletion (low is good)",
    "Insertion (high is good)",
    "ROAD (a wide gap is good)",
    "Random weights (low is good)",
)
COLOURS = ("#c2571a", "#1a6fc2", "#3f8f3f", "#8a4fbf", "#666666")


def can_plot() -> bool:
    """Return whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def write_plots(report: QualityReport, folder: Path) -> list[Path]:
    """Write one picture a method, models side by side in each curve, and return the files.

    Raises:
        WriteError: if one can't be written.
    """
    written = []
    for method, name in report.methods.items():
        found = [summary for summary in report.summaries if summary.method == method and summary.curves]
        if found:
            path = folder / f"quality-{re.sub(r'[^a-z0-9]+', '-', method.lower()).strip('-')}.png"
            _draw(name, found, path)
            written.append(path)
    return written


def _draw(name: str, summaries: list[MethodSummary], path: Path) -> None:
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(13, 3.6), layout="constrained")
    places = canvas.subplots(1, len(PANELS))
    for place, heading in zip(places, PANELS, strict=True):
        place.set_title(heading, size=10)
        place.grid(alpha=0.25)
    for summary, colour in zip(summaries, COLOURS, strict=False):
        curves = summary.curves
        for place, key in zip(places, ("deletion", "insertion"), strict=False):
            if key in curves:
                place.plot(np.linspace(0, 1, len(curves[key])), curves[key], color=colour, label=summary.model)
        if "road_most" in curves:
            places[2].plot(SHARES, curves["road_most"], color=colour, label=f"{summary.model}, most relevant first")
            places[2].plot(SHARES, curves["road_least"], color=colour, linestyle="--", label="least relevant first")
        if "randomised" in curves:
            stages = np.arange(1, len(curves["randomised"]) + 1) / len(curves["randomised"])
            places[3].plot(stages, curves["randomised"], color=colour, marker="o", markersize=4)
    for place in places[:3]:
        place.set(xlabel="share of pixels", xlim=(0, 1), ylim=(0, 1))
    places[0].set_ylabel("probability of the class")
    places[3].set(xlabel="layers randomised, from the last", ylabel="rank correlation", xlim=(0, 1.05), ylim=(-1, 1))
    handles, labels = places[2].get_legend_handles_labels()
    if not handles:
        handles, labels = places[0].get_legend_handles_labels()
    canvas.suptitle(name)
    if handles:
        canvas.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    with bytes_written_whole(path) as file:
        canvas.savefig(file, dpi=110, format="png")
