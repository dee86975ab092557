"""A benchmark's heat maps as a picture: how long each library takes for each network, on a logarithmic scale."""

from __future__ import annotations

from pathlib import Path

from core.benchmarks.results import Report
from core.models.architectures import model_name


def plot(report: Report, out: Path) -> None:
    """Draw it into a file whose name says how (``.svg``, ``.png``); needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    models = list(dict.fromkeys(row.model for row in report.score_cam))
    libraries = list(dict.fromkeys(row.library for row in report.score_cam))
    seconds = {(row.model, row.library): row.seconds for row in report.score_cam}
    measured = {model: [one for one in libraries if (model, one) in seconds] for model in models}
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.28 * len(models) * len(libraries)), layout="constrained")
    height = 0.8 / len(libraries)
    for library in libraries:
        known = [(place, model) for place, model in enumerate(models) if library in measured[model]]
        # a network's bars lie around its name, however many there are
        places = [
            place + (measured[model].index(library) - (len(measured[model]) - 1) / 2) * height for place, model in known
        ]
        values = [seconds[model, library] for _place, model in known]
        bars = axes.barh(places, values, height, label=library)
        axes.bar_label(bars, [f"{value:.3g} s" for value in values], padding=3, fontsize=8)
    axes.set(xscale="log", xlabel="seconds for one heat map")
    axes.set_yticks(range(len(models)), [model_name(model) for model in models])
    axes.margins(x=0.15)
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=4, frameon=False)  # beside the bars it hid their figures
    figure.savefig(out)
    plt.close(figure)
