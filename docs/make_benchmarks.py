"""Write docs/benchmarks.md and its plot from the measurements in docs/benchmarks: ``python docs/make_benchmarks.py``.

``speed.json`` is the output of ``python -m core benchmark --json``, each ``fidelity-*.json`` that of ``python -m core
benchmark --fidelity DIR --json``, and every ``*.md`` what another command printed, with the command in its first line.
"""

from __future__ import annotations

import json
from pathlib import Path

from core.benchmarks.fidelity import FidelityRow, StopRow, fidelity_table
from core.benchmarks.results import Machine, Report, markdown, read_report
from core.models.architectures import get_architecture

DOCS = Path(__file__).resolve().parent
MEASURED = DOCS / "benchmarks"
PLOT = DOCS / "images" / "fidelity.png"

HEAD = """# Benchmarks

`python docs/make_benchmarks.py` writes this page from the output of the commands below. Each section names the machine.

## Speed and memory

`python -m core benchmark` (`--quick` takes under three minutes); `--folder DIR` times a folder
([how to use them](researchers-guide.md#figures-of-this-machine))

"""
SPEED_NOTES = """
Every forward pass and every Score-CAM is measured in a process of its own. Score-CAM explains the demonstration
radiograph, for the same layer and class in each library, used as its documentation says. Pearson and IoU compare each
map with the exact one of the same network. torch-cam has another definition of Score-CAM (a baseline is subtracted and
maps are scaled before they are enlarged), so its map differs; this does not make it worse. The literal loop in torch
scores one masked image after the other, as Captum evaluates perturbations unless told otherwise; Captum itself has no
Score-CAM. Networks without an installed bundle have random weights. These take as long as trained ones, but their maps
change from run to run, and so does the fidelity of the fast map. torch-cam is left out for AutoFormerV2-T: it takes the
rows of its maps for channels.
Forward passes (`core.benchmarks.suite.latency`) and the Score-CAM of VGG19 and OFA-595, by all libraries
(`core.benchmarks.cam.speed`), were measured later than the rest, after three changes: predictions come with their
feature maps, Winograd's filtering, and torch's activations for OFA-595. A single run can be slow by chance: OFA-595's
fast map took 0.30 to 0.59 s in 17 runs. In the window the prediction comes first, and with it the feature maps, so the
first heat map takes one forward pass less than here.
"""
FIDELITY_HEAD = """
## How close the fast map comes

`python -m core benchmark --fidelity DIR --every 33 --model chest-xray/student-ofa595`, and the same with
`chest-xray/teacher-vgg19`: images of the test split, for the most probable class. The error is
1 - Pearson correlation with the exact map of the same image, both enlarged to the input's size. "It held" is the share
of images whose error was at most the estimate shown with the map. The estimate is limited to 1, a map uncorrelated with
the exact one; a transformer's first map can be negatively correlated with it.

The tables, and the fast maps of the section above, were measured before the fast map stopped by its estimate: it took
two large clusters, and then 32 small ones in the order of their energy (VGG19: 24), in float32.
[Score-CAM](score-cam.md#how-the-estimate-was-calibrated) has figures of the present one.

![Fidelity against time](images/fidelity.png)

The time axis is that of the demonstration radiograph in the speed run above. Dots are the mean over the images, the
lower edge of the band is the worst image. The program comes without weights of the transformers. Those measured are
half trained ([Visformer-S](#visformer-s-half-trained), [AutoFormerV2-T](#autoformerv2-t-half-trained)), which is more
informative than random weights.
"""


def main() -> None:
    """Write the page and the plot."""
    speed = read_report(MEASURED / "speed.json")
    fidelity = [read_fidelity(path) for path in sorted(MEASURED.glob("fidelity-*.json"))]
    parts = [HEAD, markdown(speed), "\n", SPEED_NOTES]
    if fidelity:
        parts.append(FIDELITY_HEAD)
        parts += [f"\n{fidelity_table(where, rows, stop)}\n" for where, rows, stop in fidelity]
        plot(speed, [rows for _where, rows, _stop in fidelity])
    for path in sorted(MEASURED.glob("*.md")):
        parts.append(f"\n{path.read_text(encoding='utf-8')}")
    (DOCS / "benchmarks.md").write_text("".join(parts), encoding="utf-8")


def read_fidelity(path: Path) -> tuple[Machine, list[FidelityRow], StopRow | None]:
    """Read the output of ``core benchmark --fidelity --json``; before version 0.3 it did not say where it stopped."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    stop = StopRow(**raw["stop"]) if "stop" in raw else None
    return Machine(**raw["machine"]), [FidelityRow(**row) for row in raw["rows"]], stop


def network(model: str) -> str:
    """Return the network of a model's identifier: weights change how close a map comes, not how long it takes."""
    return model.rsplit("-", 1)[1]


def plot(speed: Report, fidelity: list[list[FidelityRow]]) -> None:
    """Draw the error of the map against the time that it took, for each model whose fidelity has been measured."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    exact = {network(row.model): dict(row.timeline) for row in speed.score_cam if row.library == "twinlens exact"}
    theirs = {network(row.model): row.seconds for row in speed.score_cam if row.library == "pytorch-grad-cam"}
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    for i, (rows, colour) in enumerate(zip(fidelity, plt.get_cmap("tab10").colors, strict=False)):
        shown = network(rows[0].model)
        timeline = exact[shown]
        seen = [(timeline[row.forwards], row) for row in rows if row.forwards in timeline]
        seconds = [second for second, _row in seen]
        mean = [max(1e-6, 1 - row.pearson_mean) for _second, row in seen]
        worst = [max(1e-6, 1 - row.pearson_worst) for _second, row in seen]
        name = f"{get_architecture(shown).name}, {rows[0].images} images"
        axes.plot(seconds, mean, "o-", color=colour, label=name)
        axes.fill_between(seconds, mean, worst, color=colour, alpha=0.15)
        axes.axvline(theirs[shown], color=colour, linestyle=":")
        axes.annotate(
            "pytorch-grad-cam",
            (theirs[shown], 0.87 - 0.22 * (i % 2)),  # by turns, since the transformers take almost the same time
            xycoords=("data", "axes fraction"),
            color=colour,
            rotation=90,
            ha="right",
            va="center",
            fontsize=8,
        )
    axes.set(xscale="log", yscale="log", xlabel="seconds", ylabel="1 − Pearson correlation with the exact map")
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
    axes.legend()
    PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(PLOT, dpi=130)


if __name__ == "__main__":
    main()
