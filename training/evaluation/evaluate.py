"""Score a bundle on labelled images, through the program's own reading, preprocessing and runtime."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import ExportError
from core.models.bundle import Bundle
from core.models.bundle_writing import with_graph
from core.models.card import Conformal
from core.names import readable
from core.runtimes.base import Runtime, RuntimeChoice
from core.runtimes.load import load_runtime
from core.runtimes.torch_runtime import TORCH
from core.uncertainty.calibration import plausible, softmax
from core.uncertainty.novelty import NoveltyGate
from training.data.border_probe import probe_dataset
from training.data.border_scores import ProbeScores
from training.data.dataset import Progress
from training.data.loading import Sample
from training.evaluation.clustered_bootstrap import clusters_of
from training.evaluation.metrics import few_images, intervals, score
from training.evaluation.predictions import Predictions, predict
from training.evaluation.scored_data import ScoredData, open_scored
from training.evaluation.scores import Agreement, Evaluation, GroupResult, Limits

# manifest columns by whose values scores are broken down, where a data set has them
SUBGROUPS = ("population", "source")
SMALLEST_SUBGROUP = 20
MANY_IMAGES = 500  # tracing a network takes half a minute


def evaluate(
    bundle: Bundle,
    folder: Path,
    split: str = "test",
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    progress: Progress = lambda _what, _done, _total: None,
    teacher: Bundle | None = None,
    label_map: Mapping[str, str] | None = None,
) -> Evaluation:
    """Score a bundle on one split of a data set.

    Args:
        bundle: the model.
        folder: the data set.
        split: which split.
        runtime: which runtime computes the logits.
        threads: CPU threads, or None.
        progress: called after each image with what is under way, how many are done and how many there are.
        teacher: a model to compare the predictions with, or None.
        label_map: labels that are renamed or left out; by default the run's own, where a run is scored.

    Raises:
        DatasetError: if the data set is unusable, or more than one image in twenty can't be read.
        RunError: if it is not known which of the images a run was trained on.
    """
    data = open_scored(bundle, folder, progress, label_map)
    samples = data.of(split, bundle.card.classes)
    border = probe_dataset(data.dataset, split, progress)
    total = len(samples) * (1 if teacher is None else 2)
    done = count(1)

    def scored(_image: Path) -> None:
        progress("Scoring", next(done), total)

    engine = _engine(bundle, len(samples), runtime, threads)
    found = predict(bundle, engine, samples, scored)
    agreement = None
    if teacher is not None:
        theirs = predict(teacher, _engine(teacher, len(samples), runtime, threads), samples, scored)
        agreement = agree(bundle, found, teacher, theirs)
    return summarise(bundle, found, data, engine.name, bundle.read_gate(), border, agreement)


def _engine(bundle: Bundle, images: int, runtime: RuntimeChoice, threads: int | None) -> Runtime:
    """Load a model; a run, which has no graph, gets one where images are so many that the faster runtimes pay off."""
    if images >= MANY_IMAGES and runtime != TORCH.id:
        with suppress(ExportError):
            bundle = with_graph(bundle)
    return load_runtime(bundle, runtime, threads)


def summarise(
    bundle: Bundle,
    found: Predictions,
    data: ScoredData,
    runtime: str,
    gate: NoveltyGate | None,
    border: ProbeScores | None = None,
    agreement: Agreement | None = None,
) -> Evaluation:
    """Return the scores of a bundle's predictions on one split; the card's temperature and rules are applied here."""
    card = bundle.card
    labels = found.labels(card.classes)
    probabilities = softmax(found.logits, card.temperature)
    raw = softmax(found.logits)
    overall = score(probabilities, labels, card.classes, raw)
    return Evaluation(
        bundle=bundle.id,
        weights_sha256=card.weights_sha256,
        data=readable(data.dataset.name),
        split=found.samples[0].split,
        runtime=runtime,
        classes=card.classes,
        temperature=card.temperature,
        overall=overall,
        intervals=intervals(probabilities, labels, clusters_of(found.samples)),
        limits=_limits(probabilities, labels, card.conformal, gate, found),
        subgroups=_by_subgroup(probabilities, raw, labels, found.samples, card.classes),
        border=border,
        agreement=agreement,
        notes=(*_left_out(found), *data.notes_on(found.samples), *few_images(overall)),
        started_from=data.started_from,
        unreadable=tuple((readable(path.name), reason) for path, reason in found.unreadable),
    )


def _left_out(found: Predictions) -> tuple[str, ...]:
    if not found.unreadable:
        return ()
    path, reason = found.unreadable[0]
    return (
        f"images that can't be read and are left out: {len(found.unreadable):,} (e.g. {readable(path.name)}: {reason})",
    )


def agree(bundle: Bundle, mine: Predictions, other: Bundle, theirs: Predictions) -> Agreement:
    """Return the agreement of a bundle's predictions with another's on the same images."""
    p, q = softmax(theirs.logits, other.card.temperature), softmax(mine.logits, bundle.card.temperature)
    tiny = np.finfo(np.float64).tiny
    return Agreement(
        bundle=other.id,
        same_class=float((p.argmax(axis=1) == q.argmax(axis=1)).mean()),
        kl=float((p * (np.log(np.maximum(p, tiny)) - np.log(np.maximum(q, tiny)))).sum(axis=1).mean()),
        accuracy=float((p.argmax(axis=1) == theirs.labels(other.card.classes)).mean()),
    )


def _limits(
    probabilities: npt.NDArray[np.float64],
    labels: npt.NDArray[np.intp],
    conformal: Conformal | None,
    gate: NoveltyGate | None,
    found: Predictions,
) -> Limits:
    covered = unsure = empty = refused = None
    if conformal is not None:
        inside = plausible(probabilities, conformal.floor)
        covered = float(inside[np.arange(len(labels)), labels].mean())
        unsure = float((inside.sum(axis=1) != 1).mean())
        empty = float((~inside.any(axis=1)).mean())
    if gate is not None:
        refused = float((gate.scores(found.thumbnails) > gate.threshold).mean())
    return Limits(covered, unsure, empty, refused)


def _by_subgroup(
    probabilities: npt.NDArray[np.float64],
    raw: npt.NDArray[np.float64],
    labels: npt.NDArray[np.intp],
    samples: list[Sample],
    classes: tuple[str, ...],
) -> dict[str, GroupResult]:
    found: dict[str, GroupResult] = {}
    for column in SUBGROUPS:
        values = [s.facts.get(column, "") for s in samples]
        for value in sorted({v for v in values if v} - {values[0] if len(set(values)) == 1 else ""}):
            rows = [i for i, v in enumerate(values) if v == value]
            if len(rows) >= SMALLEST_SUBGROUP:
                found[f"{column}={value}"] = GroupResult(
                    score(probabilities[rows], labels[rows], classes, raw[rows]),
                    intervals(probabilities[rows], labels[rows], clusters_of([samples[i] for i in rows])).accuracy,
                )
    return found
