"""From a finished run to a bundle that the program opens: smallest faithful storage, calibration, gate, card."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.compare.agreement import FEW_IMAGES
from core.errors import UsageError
from core.models.bundle import Bundle
from core.models.bundle_writing import replace_fitted, write_bundle
from core.models.card import Card, ClassScores, Conformal, DataSet, GroupScores, Interval, ReliabilityBin
from core.models.card import Scores as CardScores
from core.models.catalogue import check_task
from core.models.graph_export import trace_network
from core.models.packing import State
from core.names import readable
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import load_runtime
from core.system.atomic_files import cannot_write, make_folder
from core.system.paths import user_weights
from core.tasks import is_shipped
from core.uncertainty.calibration import conformal_floor, fit_temperature, softmax, target_coverage
from core.uncertainty.gate_fit import FOLDS, decoy_thumbnails, fit_gate
from core.uncertainty.novelty import NoveltyGate
from training.data.border_probe import probe_dataset
from training.data.dataset import SPLITS, Dataset
from training.data.loading import DatasetError
from training.data_check.findings import GAIN
from training.evaluation.evaluate import summarise
from training.evaluation.predictions import Predictions, predict
from training.evaluation.run_evaluation import evaluation_of
from training.evaluation.scored_data import ScoredData, open_scored
from training.evaluation.scores import Evaluation
from training.novelty.exposure import with_exposure
from training.publish.storage import smallest
from training.runs.card_texts import CardTexts
from training.runs.finished import describe_data, is_run, read_run

if TYPE_CHECKING:
    from onnx import ModelProto


def publish(
    run: Path,
    folder: Path | None = None,
    to: Path | None = None,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    say: Callable[[str], None] = lambda _line: None,
    texts: CardTexts = CardTexts(),  # noqa: B008 - it is frozen
) -> Bundle:
    """Make a run a bundle.

    Args:
        run: the run's folder.
        folder: the data set; by default the one that the run was evaluated on.
        to: the folder of weights that gets it; by default the user's own, where the program finds it.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        say: called with a line on each step.
        texts: statements for the card that can't be measured; what is left out is listed as not stated.

    Raises:
        RunError: if the run is unfinished or damaged, was not evaluated, or not with these weights.
        DatasetError: if the data set is unusable.
        UsageError: if the texts are about another data set.
        BundleError: if installed models have another task of this name.
        WriteError: if the bundle can't be written.
    """
    made = read_run(run)
    made = replace(made, card=_defined(made.card))
    if to is None:
        check_task(made)
    evaluated = evaluation_of(made)
    data = open_scored(made, evaluated.folder if folder is None else folder)
    card, own = made.card, made.card.training.data_set
    if own is None:  # a run of an older version, which is scored on its very own data only
        own = _counted(data.dataset)
        card = describe_data(card, own)
    samples = data.of("val", card.classes)
    how = with_exposure(card.preprocessing, samples)
    made = replace(made, card=card.model_copy(update={"preprocessing": how}))
    named = texts.on(made.card)
    if own.name != readable(data.dataset.name):  # it is scored on other data, which the texts are not about
        texts = texts.model_copy(update={"data": ""})
    state, traced = made.read_state(), trace_network(made.card)
    target = (user_weights() if to is None else to) / made.card.id
    with _scratch(target.parent) as scratch:
        storage = smallest(scratch, state, made.card, traced, samples, runtime, threads, say).card.storage
    card = named.model_copy(update={"storage": storage})
    return finish(target, state, card, traced, data, texts, runtime, threads)


def _defined(card: Card) -> Card:
    """Return a run's card with its task as it is called now; None stands for a task that comes with the program."""
    task = card.described_task
    return card.model_copy(update={"definition": None if is_shipped(task) else task})


def _counted(dataset: Dataset) -> DataSet:
    counts = Counter((sample.split, sample.label) for sample in dataset.samples)
    groups = [sample.group for sample in dataset.samples]
    return DataSet(
        name=readable(dataset.name)[:200],
        layout=dataset.kind,
        split=dataset.split_made,
        images={split: {label: counts[split, label] for label in dataset.classes} for split in SPLITS},
        groups=len(set(groups) - {""}),
        ungrouped=groups.count(""),
    )


def finish(
    target: Path,
    state: State,
    card: Card,
    traced: ModelProto,
    data: ScoredData,
    texts: CardTexts,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
) -> Bundle:
    """Write a bundle with exposure, temperature, conformal floor and gate fitted on val, and scores measured on test.

    Args:
        target: the bundle's folder; what stands there is replaced at the end, whole.
        state: float32 tensors of the network.
        card: the card, without what is fitted and measured here.
        traced: the network's graph.
        data: the data set, with the splits that the network was trained with.
        texts: statements that can't be measured.
        runtime: which runtime computes.
        threads: CPU threads, or None.
    """
    with _scratch(target.parent) as scratch:
        packed = write_bundle(scratch / target.name, state, card, traced=traced)
        card, gate, measured = _measured(packed, data, runtime, threads)
    card = card.model_copy(update={"scores": (card_scores(measured, texts),)})
    return write_bundle(target, state, card, gate, traced)


def refit(
    bundle: Bundle,
    folder: Path,
    label_map: Mapping[str, str] | None = None,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
) -> Bundle:
    """Fit anew on val, and measure on test, what publishing fits and measures; weights and words of the card stay.

    Args:
        bundle: the bundle, which is replaced.
        folder: its data set.
        label_map: labels that are renamed or left out.
        runtime: which runtime computes.
        threads: CPU threads, or None.

    Returns:
        The bundle as it stands on disk.

    Raises:
        DatasetError: if the data set lacks one of the splits.
        WriteError: if the bundle can't be written; what stood there stays.
    """
    card, gate = _refitted(bundle, open_scored(bundle, folder, label_map=label_map), runtime, threads)
    return replace_fitted(bundle, card, gate)


def repack(
    bundle: Bundle,
    folder: Path,
    label_map: Mapping[str, str] | None = None,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Bundle:
    """Store a bundle's weights as small as their accuracy on val allows, and fit and measure it anew as by refitting.

    Args:
        bundle: the bundle, which is replaced at the end, whole; torch must be installed.
        folder: its data set.
        label_map: labels that are renamed or left out.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        say: called with a line on each storage.

    Returns:
        The bundle as it stands on disk.

    Raises:
        UsageError: if it is a run.
        DatasetError: if the data set lacks one of the splits.
        WriteError: if the bundle can't be written; what stood there stays.
    """
    if is_run(bundle.directory):
        raise UsageError(f"{bundle.directory} is a run.", remedy="Publish it; that chooses the storage.")
    data = open_scored(bundle, folder, label_map=label_map)
    state, traced = bundle.read_state(), trace_network(bundle.card)
    samples = data.of("val", bundle.card.classes)
    with _scratch(bundle.directory.parent) as scratch:
        packed = smallest(scratch, state, bundle.card, traced, samples, runtime, threads, say)
        card, gate = _refitted(packed, data, runtime, threads)
    return write_bundle(bundle.directory, state, card, gate, traced)


def _refitted(
    bundle: Bundle, data: ScoredData, runtime: RuntimeChoice, threads: int | None
) -> tuple[Card, NoveltyGate]:
    """Return a bundle's card and gate fitted and measured anew; the words of the card stay."""
    how = bundle.card.preprocessing.model_copy(update={"exposure": None})
    start = replace(bundle, card=bundle.card.model_copy(update={"preprocessing": how}))
    card, gate, measured = _measured(start, data, runtime, threads)
    scores = card_scores(measured, CardTexts())
    if bundle.card.scores:
        stated = bundle.card.scores[0]
        scores = scores.model_copy(update={"dataset": stated.dataset, "caution": stated.caution})
    return card.model_copy(update={"scores": (scores,)}), gate


def _measured(
    bundle: Bundle, data: ScoredData, runtime: RuntimeChoice, threads: int | None
) -> tuple[Card, NoveltyGate, Evaluation]:
    """Return a bundle's card with what is fitted on val, its gate, and its scores on test."""
    samples = data.of("val", bundle.card.classes)
    card = bundle.card
    if card.preprocessing.exposure is None:
        card = card.model_copy(update={"preprocessing": with_exposure(card.preprocessing, samples)})
    seen = replace(bundle, card=card)
    engine = load_runtime(seen, runtime, threads)
    card, gate = limits(card, predict(seen, engine, samples))
    tested = predict(seen, engine, data.of("test", card.classes))
    border = probe_dataset(data.dataset, "test")
    return card, gate, summarise(replace(seen, card=card), tested, data, engine.name, gate, border)


@contextmanager
def _scratch(beside: Path) -> Iterator[Path]:
    """Make a folder for what is tried, where a whole bundle has room; it goes at the end."""
    make_folder(beside)
    try:
        scratch = tempfile.TemporaryDirectory(dir=beside, prefix=".publish-")
    except OSError as cause:
        raise cannot_write(beside, cause) from cause
    with scratch as path:
        yield Path(path)


def limits(card: Card, found: Predictions) -> tuple[Card, NoveltyGate]:
    """Return the card with temperature and conformal floor fitted to predictions on the validation split, and the gate.

    Raises:
        DatasetError: if there are too few images to fit them to.
    """
    labels = found.labels(card.classes)
    if len(labels) < FOLDS:
        raise DatasetError(
            f"{len(labels)} validation images are too few to calibrate a model; it takes {FOLDS} at least.",
            remedy="Put more images into val, which a manifest.csv can name, and train again.",
        )
    temperature = round(fit_temperature(found.logits, labels), 4)
    probabilities = softmax(found.logits, temperature)
    coverage = target_coverage(probabilities, labels)
    floor = conformal_floor(probabilities, labels, coverage)
    conformal = Conformal(coverage=round(coverage, 4), floor=floor, images=len(labels))
    decoys = decoy_thumbnails([sample.path for sample in found.samples], card.preprocessing)
    gate = fit_gate(found.thumbnails, decoys, by_layout=card.preprocessing.channels == "grey")
    fitted: dict[str, object] = {"temperature": temperature, "conformal": conformal}
    if len(labels) < FEW_IMAGES:
        limit = f"Temperature, plausible classes and novelty gate were fitted to {len(labels)} validation images only."
        fitted["limits"] = (*(known for known in card.limits if known != limit), limit)
    return card.model_copy(update=fitted), gate


def card_scores(measured: Evaluation, texts: CardTexts) -> CardScores:
    """Return an evaluation as the card keeps it, rounded to what its intervals can bear."""
    all_, known = measured.overall, measured.limits
    return CardScores(
        dataset=f"{measured.split} split of {texts.data or measured.data}"[:500],
        images=all_.images,
        accuracy=round(all_.accuracy, 4),
        macro_f1=round(all_.macro_f1, 4),
        ece=round(all_.ece, 4),
        measured_by="python -m training evaluate",
        caution=_caution(measured, texts),
        ece_uncalibrated=round(all_.ece_uncalibrated, 4),
        brier=round(all_.brier, 4),
        auroc=_rounded(all_.auroc),
        accuracy_interval=_interval(measured.intervals.accuracy),
        macro_f1_interval=_interval(measured.intervals.macro_f1),
        classes=tuple(
            ClassScores(
                label=label,
                images=sum(row),
                precision=_rounded(all_.precision[label]),
                recall=_rounded(all_.recall[label]),
                auroc=_rounded(all_.auroc_by_class[label]),
            )
            for label, row in zip(measured.classes, all_.confusion, strict=True)
        ),
        confusion=all_.confusion,
        groups=tuple(
            GroupScores(
                group=group,
                images=found.scores.images,
                accuracy=round(found.scores.accuracy, 4),
                accuracy_interval=_interval(found.accuracy_interval),
                macro_f1=round(found.scores.macro_f1, 4),
                ece=round(found.scores.ece, 4),
            )
            for group, found in measured.subgroups.items()
        ),
        reliability=_bins(all_.reliability),
        reliability_uncalibrated=_bins(all_.reliability_uncalibrated),
        covered=_rounded(known.covered),
        unsure=_rounded(known.unsure),
        refused=_rounded(known.refused),
        border_probe=None if measured.border is None else round(measured.border.border, 4),
    )


def _caution(measured: Evaluation, texts: CardTexts) -> str:
    """Return the warnings that belong to the scores: what a shortcut alone reaches, notes, statements."""
    notes = [f"{note[0].upper()}{note[1:]}." for note in measured.notes]
    border = measured.border
    if border is not None and border.border > border.chance + max(GAIN, border.margin):
        notes.insert(
            0,
            f"A linear model that sees only the border of the images reaches {100 * border.border:.1f} % on this split "
            f"(always the most frequent class: {100 * border.chance:.1f} %).",
        )
    return " ".join([*notes, *([texts.caution] if texts.caution else [])])[:2000]


def _bins(points: tuple[tuple[float, float, int], ...]) -> tuple[ReliabilityBin, ...]:
    return tuple(
        ReliabilityBin(confidence=round(confidence, 4), accuracy=round(accuracy, 4), images=images)
        for confidence, accuracy, images in points
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _interval(ends: tuple[float, float]) -> Interval:
    return Interval(low=round(ends[0], 4), high=round(ends[1], 4))
