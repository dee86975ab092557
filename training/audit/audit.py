"""How much of a model's skill may come from shortcuts: the same images with parts hidden or the look disturbed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.explain.scorecam import ScoreCam
from core.images.preprocessing import Preprocessing, to_network_input
from core.models.bundle import Bundle
from core.runtimes.base import Runtime, RuntimeChoice
from core.runtimes.load import load_runtime
from training.data.loading import Sample
from training.data.perturbations import SIDE, Disturbance, disturbances, hide, markers, read_sized, without_markers
from training.data.regions import Mask, border, usual_lungs
from training.evaluation.clustered_bootstrap import Indices, clusters_of
from training.evaluation.evaluate import summarise
from training.evaluation.predictions import predict
from training.evaluation.scored_data import open_scored
from training.evaluation.scores import GroupResult

FloatArray = npt.NDArray[np.float32]
Change = Callable[[FloatArray, int], FloatArray]  # takes a picture and its number
MAPS = 60  # images whose Score-CAM is made
SEED = 0
PLAIN, BORDER_ONLY, BORDER_HIDDEN = "as they are", "only the outer border left", "outer border hidden"
CHEST = "chest-xray"  # the task whose images show lungs
LUNGS_HIDDEN, LUNGS_ONLY = "lungs hidden", "only the lungs left"
UNMARKED, UNMARKED_ELSEWHERE = "text and side markers erased", "as much erased, mirrored"


@dataclass(frozen=True, eq=False)
class Pictures:
    """The test images that all models see.

    Attributes:
        samples: N of them.
        labels: their class indices, shape (N,).
        clusters: a number for each that is equal for images of one patient or original, shape (N,).
        pixels: their pictures, ``SIDE``² each.
        coloured: whether they are in colour.
        masks: where what lies, by its name, one mask a picture: ``border``, for chest radiographs ``lung``, and
            ``infection`` where the data set outlines it in all of them.
        lungs_outlined: whether the lungs are the data set's own masks, else ellipses where they usually lie.
    """

    samples: list[Sample]
    labels: Indices
    clusters: Indices
    pixels: list[FloatArray]
    coloured: bool
    masks: dict[str, list[Mask]]
    lungs_outlined: bool


@dataclass(frozen=True, eq=False)
class Audit:
    """The findings on one model.

    Attributes:
        bundle: its identifier.
        predictions: the predicted class index of each picture, shape (N,), by what was done to the pictures.
        curves: the same by name of a disturbance, one for each of its strengths.
        energy: share of Score-CAM's energy in each mask, shape (M,), by the mask's name.
        plain: the predicted class index of each image of the whole test split.
        groups: scores by ``column=value`` on the whole test split.
    """

    bundle: str
    predictions: dict[str, Indices]
    curves: dict[str, list[Indices]]
    energy: dict[str, FloatArray]
    plain: Indices
    groups: dict[str, GroupResult]


@dataclass(frozen=True, eq=False)
class Audits:
    """Models audited on the same images.

    Attributes:
        task: their task.
        pictures: the images.
        of_pictures: which of all the test images these are, shape (N,).
        all_labels: class indices of the whole test split.
        all_clusters: their patients or originals, numbered.
        classes: the labels.
        found: one for each model; the first is the one that was asked for, the second its teacher if it was named.
        marked: share of the pictures in which markers were found; None where none are looked for.
    """

    task: str
    pictures: Pictures
    of_pictures: Indices
    all_labels: Indices
    all_clusters: Indices
    classes: tuple[str, ...]
    found: list[Audit] = field(default_factory=list)
    marked: float | None = None


def audit(
    bundles: list[Bundle],
    folder: Path,
    images: int = 200,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    progress: Callable[[str], None] = lambda _what: None,
    label_map: Mapping[str, str] | None = None,
) -> Audits:
    """Audit models on the same test images.

    Args:
        bundles: the model, and perhaps its teacher.
        folder: the data set.
        images: most images to disturb, drawn by a fixed seed; scores by group are of the whole test split.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        progress: called with what has been done.
        label_map: labels that are renamed or left out; by default the run's own, where one is measured.
    """
    card = bundles[0].card
    data = open_scored(bundles[0], folder, label_map=label_map)
    # the images that can be read
    samples = predict(bundles[0], load_runtime(bundles[0], runtime, threads), data.of("test", card.classes)).samples
    drawn = np.sort(np.random.default_rng(SEED).permutation(len(samples))[:images])
    pictures = look(
        [samples[i] for i in drawn], card.classes, colour=card.preprocessing.channels == "rgb", chest=card.task == CHEST
    )
    done = Audits(
        task=card.task,
        pictures=pictures,
        of_pictures=drawn,
        all_labels=np.array([card.classes.index(s.label) for s in samples]),
        all_clusters=clusters_of(samples),
        classes=card.classes,
        marked=float(np.mean([markers(p).any() for p in pictures.pixels])) if "lung" in pictures.masks else None,
    )
    for bundle in bundles:
        engine = load_runtime(bundle, runtime, threads)
        whole = predict(bundle, engine, samples)
        progress(f"{bundle.id}: whole test split")
        groups = summarise(bundle, whole, data, engine.name, None).subgroups
        how, say = bundle.card.preprocessing, partial(_named, progress, bundle.id)
        predictions = {}
        for name, change in changes(pictures).items():
            predictions[name] = predicted_classes(engine, how, pictures.pixels, change)
            say(name)
        curves = {}
        for one in disturbances(colour=how.channels == "rgb"):
            rest = [predicted_classes(engine, how, pictures.pixels, _disturbing(one, s)) for s in one.strengths[1:]]
            curves[one.name] = [predictions[PLAIN], *rest]
            say(one.name)
        energy = _energy(engine, how, pictures, predictions[PLAIN])
        done.found.append(Audit(bundle.id, predictions, curves, energy, whole.logits.argmax(axis=1), groups))
        say("heat maps")
    return done


def look(samples: list[Sample], classes: Sequence[str], *, colour: bool, chest: bool = False) -> Pictures:
    """Read images, and where in them border, lungs and infection are; lungs that are not outlined in ``chest`` only."""
    masks = {"border": [border(SIDE)] * len(samples)}
    outlined = bool(samples) and all("lung" in s.masks for s in samples)
    if outlined:
        masks["lung"] = [_mask(s.masks["lung"]) for s in samples]
    elif chest:
        masks["lung"] = [usual_lungs(SIDE)] * len(samples)
    if samples and all("infection" in s.masks for s in samples):
        masks["infection"] = [_mask(s.masks["infection"]) for s in samples]
    return Pictures(
        samples=samples,
        labels=np.array([classes.index(s.label) for s in samples], dtype=np.intp),
        clusters=clusters_of(samples),
        pixels=[read_sized(s.path, colour=colour) for s in samples],
        coloured=colour,
        masks=masks,
        lungs_outlined=outlined,
    )


def changes(pictures: Pictures) -> dict[str, Change]:
    """Return what is done to the pictures, by name; each takes a picture and its number."""
    masks = pictures.masks
    found: dict[str, Change] = {
        PLAIN: lambda p, _i: p,
        BORDER_ONLY: lambda p, i: hide(p, ~masks["border"][i]),
        BORDER_HIDDEN: lambda p, i: hide(p, masks["border"][i]),
    }
    if "lung" in masks:
        found |= {
            LUNGS_HIDDEN: lambda p, i: hide(p, masks["lung"][i]),
            LUNGS_ONLY: lambda p, i: hide(p, ~masks["lung"][i]),
            UNMARKED: lambda p, _i: without_markers(p),
            UNMARKED_ELSEWHERE: lambda p, _i: without_markers(p, mirrored=True),
        }
    return found


def predicted_classes(engine: Runtime, how: Preprocessing, pixels: list[FloatArray], change: Change) -> Indices:
    """Return the predicted class index of each changed picture, shape (N,)."""
    found = []
    for start in range(0, len(pixels), engine.batch_size):
        part = range(start, min(start + engine.batch_size, len(pixels)))
        batch = np.concatenate([to_network_input(np.asarray(change(pixels[i], i), np.float32), how) for i in part])
        found.append(engine.forward(batch).argmax(axis=1))
    return np.concatenate(found)


def _disturbing(one: Disturbance, strength: float) -> Change:
    return lambda picture, _i: one.apply(picture, strength)


def _energy(engine: Runtime, how: Preprocessing, pictures: Pictures, predicted: Indices) -> dict[str, FloatArray]:
    """Return the share of the heat map's energy in each mask, over the first ``MAPS`` pictures in a seeded order."""
    chosen = np.random.default_rng(SEED).permutation(len(pictures.pixels))[:MAPS]
    shares: dict[str, list[float]] = {name: [] for name in pictures.masks}
    for i in chosen:
        *_, heat = ScoreCam(engine, to_network_input(pictures.pixels[i], how)).refine(int(predicted[i]))
        values = heat.resized(SIDE, SIDE)
        total = float(values.sum())
        for name, masks in pictures.masks.items():
            if masks[i].any() and total > 0:  # a normal radiograph has no infection
                shares[name].append(float(values[masks[i]].sum()) / total)
    return {name: np.array(found, np.float32) for name, found in shares.items() if found}


def _mask(path: Path) -> Mask:
    return np.asarray(read_sized(path, colour=False) > 0.5)


def _named(progress: Callable[[str], None], bundle: str, what: str) -> None:
    progress(f"{bundle}: {what}")
