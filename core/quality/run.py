"""Measuring the heat maps of models over the images of a folder, one image after the other; stopped, it resumes."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core import __version__
from core.errors import UsageError
from core.models.bundle import Bundle
from core.quality.explainers import Explainer, has_torch
from core.quality.image_quality import COSTLY, QualityMeter
from core.quality.labelled_images import drawn, find_labelled
from core.quality.results import ImageResult, ResultStore, Settings
from core.quality.summary import Difference, MethodSummary, differences, summarise
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import load_runtime
from core.tasks import get_task


@dataclass(frozen=True)
class Request:
    """What is to be measured.

    Attributes:
        bundles: the models, of one task, each once.
        data: the folder of images.
        explainers: how maps are made.
        groups: which measures, of ``core.quality.measures.GROUPS``.
        images: most images, a sample in which each class has its share; None: all.
        costly_images: of how many of these stability and random weights are measured.
        seed: of the sample.
        exhaustive: whether these are also measured of methods with many forwards.
        runtime: which runtime computes.
        threads: CPU threads, or None.
    """

    bundles: tuple[Bundle, ...]
    data: Path
    explainers: tuple[Explainer, ...]
    groups: tuple[str, ...]
    images: int | None = 50
    costly_images: int = 4
    seed: int = 0
    exhaustive: bool = False
    runtime: RuntimeChoice = "auto"
    threads: int | None = None


@dataclass(frozen=True)
class QualityReport:
    """What was measured.

    Attributes:
        task: identifier of the task.
        data: the folder's name.
        models: identifiers of the models.
        methods: name of each method by its identifier.
        wanted: how many images were to be measured.
        measured: how many have been, with all models.
        costly: how many of them also for stability and random weights.
        summaries: means by method and model.
        differences: of two models.
        seconds_per_image: mean time to make and measure all maps of an image, without the costly measures, by model;
            None where all images had them.
        seconds_per_costly_image: the same of images with them.
        failures: what could not be measured, and why.
        notes: what a reader should know.
        stopped: whether it was stopped before the last image.
        results: what was measured of each image.
    """

    task: str
    data: str
    models: tuple[str, ...]
    methods: dict[str, str]
    wanted: int
    measured: int
    costly: int
    summaries: list[MethodSummary]
    differences: list[Difference]
    seconds_per_image: dict[str, float | None]
    seconds_per_costly_image: dict[str, float | None]
    failures: list[str]
    notes: list[str]
    stopped: bool
    results: list[ImageResult] = field(repr=False)


def measure_quality(
    asked: Request, out: Path | None = None, progress: Callable[[str, int, int], None] = lambda _name, _done, _all: None
) -> QualityReport:
    """Measure, image by image with each model; Ctrl+C ends it with what has been measured.

    Args:
        asked: what is to be measured.
        out: folder for the results of each image: what is there is not measured again. None: they are not stored.
        progress: called with the name of the image and model that is done, how many are, and how many there are.

    Raises:
        UsageError: if the models are of several tasks, there are no images, or the folder holds results of other
            settings.
        BundleError: if a model is damaged.
        WriteError: if results can't be written.
    """
    task = _task(asked.bundles)
    groups, notes = _possible(asked.groups)
    everything = find_labelled(asked.data, get_task(task))
    images = drawn(everything, asked.images or len(everything), asked.seed)
    costly = set()
    if set(groups) & set(COSTLY) and asked.costly_images:
        costly = {image.name for image in drawn(images, asked.costly_images, asked.seed)}
    store = ResultStore(out, _settings(asked, groups))
    results: list[ImageResult] = []
    stopped = False
    meters: dict[str, QualityMeter] = {}
    try:
        for image in images:
            for bundle in asked.bundles:
                wanted = image.name in costly
                result = store.get(bundle.id, image.name, costly=wanted)
                if result is None:
                    if bundle.id not in meters:  # a run that is complete loads no model
                        meters[bundle.id] = _meter(asked, bundle, groups)
                    result = meters[bundle.id].measure(image, costly=wanted)
                    store.add(result)
                results.append(result)
                progress(f"{image.path.name} · {bundle.id}", len(results), len(images) * len(asked.bundles))
    except KeyboardInterrupt:
        stopped = True
    models, methods = [bundle.id for bundle in asked.bundles], [explainer.id for explainer in asked.explainers]
    good = [result for result in results if not result.error]
    times = {
        kind: {model: _mean([r.seconds for r in good if r.model == model and r.costly is kind]) for model in models}
        for kind in (False, True)
    }
    complete = {name for name, count in Counter(r.image for r in good).items() if count == len(models)}
    return QualityReport(
        task=task,
        data=asked.data.resolve().name,
        models=tuple(models),
        methods={explainer.id: explainer.name for explainer in asked.explainers},
        wanted=len(images),
        measured=len(complete),
        costly=len(costly & complete),
        summaries=summarise(good, models, methods),
        differences=differences(good, models, methods),
        seconds_per_image=times[False],
        seconds_per_costly_image=times[True],
        failures=_failures(results),
        notes=notes,
        stopped=stopped,
        results=results,
    )


def _meter(asked: Request, bundle: Bundle, groups: tuple[str, ...]) -> QualityMeter:
    runtime = load_runtime(bundle, asked.runtime, asked.threads)
    return QualityMeter(bundle, runtime, asked.explainers, groups, exhaustive=asked.exhaustive)


def _task(bundles: tuple[Bundle, ...]) -> str:
    tasks = {bundle.card.task for bundle in bundles}
    if len(tasks) > 1:
        raise UsageError(
            f"The models are of several tasks: {', '.join(sorted(tasks))}.", remedy="Measure each task for itself."
        )
    return tasks.pop()


def _possible(groups: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """Return the groups that can be measured here, and what is said of the others."""
    if "randomisation" not in groups or has_torch():
        return groups, []
    rest = tuple(group for group in groups if group != "randomisation")
    return rest, ["The check with random weights was left out: it needs torch, which is not installed."]


def _settings(asked: Request, groups: tuple[str, ...]) -> Settings:
    return Settings(
        data=str(asked.data.resolve()),
        models={bundle.id: bundle.card.weights_sha256 for bundle in asked.bundles},
        methods=tuple(explainer.id for explainer in asked.explainers),
        groups=groups,
        runtime=asked.runtime,
        exhaustive=asked.exhaustive,
        version=__version__,
    )


def _mean(seconds: list[float]) -> float | None:
    return round(statistics.fmean(seconds), 3) if seconds else None


def _failures(results: list[ImageResult]) -> list[str]:
    found = [f"{result.image}, {result.model}: {result.error}" for result in results if result.error]
    found += [
        f"{result.image}, {result.model}, {method}: {made.error}"
        for result in results
        for method, made in result.maps.items()
        if made.error
    ]
    return found
