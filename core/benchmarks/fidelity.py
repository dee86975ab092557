"""How close Score-CAM's maps come to the exact ones, frame by frame and where the fast mode ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.benchmarks.results import Machine
from core.explain.heatmap import HeatMap
from core.explain.scorecam import GOOD_ENOUGH, ScoreCam
from core.explain.similarity import iou_top, pearson
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.runtimes.base import FloatArray
from core.runtimes.load import load_runtime


@dataclass(frozen=True)
class FidelityRow:
    """How close the maps after so many forwards are to the exact ones, over images.

    Attributes:
        model: the bundle's identifier.
        method: the frame's method.
        forwards: masks scored, the median over the images.
        images: how many images had such a frame.
        pearson_mean: mean Pearson correlation with the exact map.
        pearson_worst: the smallest of them.
        iou20_mean: mean overlap of the top 20 %.
        estimate_holds: share of images whose true error, 1 - Pearson, was at most the estimated one.
        estimate_median: median estimated error.
        error_median: median true error.
    """

    model: str
    method: str
    forwards: int
    images: int
    pearson_mean: float
    pearson_worst: float
    iou20_mean: float
    estimate_holds: float
    estimate_median: float
    error_median: float


@dataclass(frozen=True)
class StopRow:
    """Where the fast mode ended, over images, and how close its maps are to the exact ones.

    Attributes:
        bound: estimated error at which it ends.
        forwards: masks scored, of each image, in rising order.
        reached: share of images in which the estimated error fell to the bound; the others ended with the last mask.
        within_bound: share of images whose true error, 1 - Pearson, was at most the bound.
        estimate_holds: share of images whose true error was at most the estimated one.
        pearson_mean: mean Pearson correlation with the exact map.
        pearson_worst: the smallest of them.
        iou20_mean: mean overlap of the top 20 %.
    """

    bound: float
    forwards: list[int]
    reached: float
    within_bound: float
    estimate_holds: float
    pearson_mean: float
    pearson_worst: float
    iou20_mean: float


@dataclass(frozen=True)
class Fidelity:
    """How close Score-CAM's maps come to the exact ones: frame by frame, and where the fast mode ends."""

    rows: list[FidelityRow]
    stop: StopRow


class _Close(NamedTuple):
    """How close one frame is to the exact map."""

    pearson: float
    iou20: float
    estimate: float
    forwards: int


def fidelity(bundle: Bundle, images: list[Path], progress: Callable[[str], None] = lambda _name: None) -> Fidelity:
    """Compare every frame of Score-CAM with the exact map, for the class that the model finds most probable.

    Args:
        bundle: the model.
        images: image files, at least one.
        progress: called with each image's name when it is done.
    """
    runtime = load_runtime(bundle)
    how = bundle.card.preprocessing
    found: dict[str, list[_Close]] = {}
    stops: list[_Close] = []
    for path in images:
        score_cam = ScoreCam(runtime, preprocess(read_image(path), how))
        top = int(score_cam.logits.argmax())
        frames = [frame for frame in score_cam.refine(top, "exact") if _is_milestone(frame.method)]
        reference = score_cam.heat_map(top).resized(how.height, how.width)
        close = [_closeness(frame, reference) for frame in frames]
        for frame, seen in zip(frames, close, strict=True):
            found.setdefault(frame.method, []).append(seen)
        # the exact mode begins as the fast one does, and goes on to single maps where that ends
        stops.append([seen for frame, seen in zip(frames, close, strict=True) if frame.method.startswith("clus")][-1])
        progress(path.name)
    rows = [_fidelity_row(bundle, method, seen) for method, seen in found.items()]
    return Fidelity(sorted(rows, key=lambda row: row.forwards), _stop_row(stops))


def _closeness(frame: HeatMap, reference: FloatArray) -> _Close:
    values = frame.resized(*reference.shape)
    return _Close(pearson(values, reference), iou_top(values, reference), frame.estimated_error, frame.maps_scored)


def _is_milestone(method: str) -> bool:
    """Return whether a frame is worth a row: each clustered one, and those with 8, 16, 32, … maps scored exactly."""
    if method.startswith("clustered"):
        return True
    scored = method.split(maxsplit=1)[0]
    return scored.isdigit() and int(scored).bit_count() == 1


def _fidelity_row(bundle: Bundle, method: str, seen: list[_Close]) -> FidelityRow:
    close, overlap, estimate, forwards = np.array(seen).T
    return FidelityRow(
        model=bundle.id,
        method=method,
        forwards=int(np.median(forwards)),
        images=len(seen),
        pearson_mean=round(float(close.mean()), 4),
        pearson_worst=round(float(close.min()), 4),
        iou20_mean=round(float(overlap.mean()), 3),
        estimate_holds=round(float((1 - close <= estimate).mean()), 3),
        estimate_median=round(float(np.median(estimate)), 4),
        error_median=round(float(np.median(1 - close)), 5),
    )


def _stop_row(seen: list[_Close]) -> StopRow:
    close, overlap, estimate, forwards = np.array(seen).T
    return StopRow(
        bound=GOOD_ENOUGH,
        forwards=sorted(int(count) for count in forwards),
        reached=round(float((estimate <= GOOD_ENOUGH).mean()), 3),
        within_bound=round(float((1 - close <= GOOD_ENOUGH).mean()), 3),
        estimate_holds=round(float((1 - close <= estimate).mean()), 3),
        pearson_mean=round(float(close.mean()), 4),
        pearson_worst=round(float(close.min()), 4),
        iou20_mean=round(float(overlap.mean()), 3),
    )


def fidelity_table(where: Machine, rows: list[FidelityRow], stop: StopRow | None) -> str:
    """Return how close Score-CAM's frames come to the exact map, and where the fast mode ends, as Markdown."""
    lines = [
        where.line(),
        "",
        f"{rows[0].model}, {rows[0].images} images:",
        "",
        "| method | forwards | images | Pearson mean | worst | IoU 20 % | median error | median estimate | it held |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {r.method} | {r.forwards} | {r.images} | {r.pearson_mean} | {r.pearson_worst} | {r.iou20_mean} | "
            f"{r.error_median} | {r.estimate_median} | {100 * r.estimate_holds:.0f} % |"
            for r in rows
        ),
    ]
    if stop is not None:
        ends = (f"{n} forwards ({many} image{'s' * (many > 1)})" for n, many in sorted(Counter(stop.forwards).items()))
        lines += [
            "",
            f"The fast mode ends at an estimated error of {100 * stop.bound:.0f} %: after {', '.join(ends)}. "
            f"The estimate reached it in {100 * stop.reached:.0f} % of the images; the error was within it in "
            f"{100 * stop.within_bound:.0f} %, and within the estimate in {100 * stop.estimate_holds:.0f} %. "
            f"Pearson mean {stop.pearson_mean}, worst {stop.pearson_worst}; IoU of the top 20 % {stop.iou20_mean}.",
        ]
    return "\n".join(lines)
