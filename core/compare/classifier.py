"""One loaded model: its prediction on an image, and Score-CAM."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.explain.cache import ScoreCamCache
from core.explain.scorecam import ScoreCam
from core.images.preprocessing import Prepared, prepare, preprocess
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import load_runtime
from core.runtimes.turns import Turns, TurnTakingRuntime
from core.uncertainty.calibration import plausible, softmax
from core.uncertainty.novelty import Novelty, NoveltyGate

if TYPE_CHECKING:
    from core.images.medical_image import MedicalImage
    from core.models.bundle import Bundle

FloatArray = npt.NDArray[np.float32]
Output = tuple[FloatArray, FloatArray]  # logits (1, C) and feature maps (1, K, h, w)

NO_MAPS = "This model has no feature maps, so it has no heat map."


@dataclass(frozen=True)
class Latency:
    """How long a prediction took, in milliseconds of wall-clock time.

    Attributes:
        preprocess_ms: from the opened image to the network's input.
        forward_ms: the network's forward at batch 1, the median over ``runs``; its share of the time of a whole batch
            where many images were computed at once.
        runs: how often the forward was timed.
    """

    preprocess_ms: float
    forward_ms: float
    runs: int

    @property
    def total_ms(self) -> float:
        """Preprocessing and forward together."""
        return self.preprocess_ms + self.forward_ms


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one model predicts for one image.

    Attributes:
        class_ids: the class labels, in the order of the arrays.
        logits: shape (C,), float32, as the network gave them.
        probabilities: shape (C,), float64, calibrated by the bundle's temperature, summing to 1.
        latency: how long it took.
        runtime: the runtime that computed it.
        device: the device that computed it.
        precision: the arithmetic of the forward.
        plausible: labels of the conformal prediction set, perhaps none; None where the bundle has no rule for it.
        novelty: how far the image is from the training data; None where the bundle has no statistics for it.
        notices: notices for the reader on how it was made.
        brightness: mean brightness of the input before any adjustment, in [0, 1]; None where it is not known.
        contrast: standard deviation of the same; None where it is not known.
    """

    class_ids: tuple[str, ...]
    logits: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float64]
    latency: Latency
    runtime: str
    device: str
    precision: str
    plausible: tuple[str, ...] | None = None
    novelty: Novelty | None = None
    notices: tuple[str, ...] = ()
    brightness: float | None = None
    contrast: float | None = None

    @property
    def top(self) -> int:
        """Index of the most probable class."""
        return int(self.probabilities.argmax())

    @property
    def predicted(self) -> str:
        """Label of the most probable class."""
        return self.class_ids[self.top]

    @property
    def confidence(self) -> float:
        """Probability of the most probable class, in [0, 1]."""
        return float(self.probabilities[self.top])

    @property
    def is_out_of_distribution(self) -> bool:
        """Whether the image is not assessable: outside the training data."""
        return self.novelty is not None and self.novelty.is_novel


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """An image as a network takes it.

    Attributes:
        prepared: the inputs of the network and of its novelty gate.
        novelty: what the gate says; None for a bundle without one.
        milliseconds: wall-clock time that preparing it took.
    """

    prepared: Prepared
    novelty: Novelty | None
    milliseconds: float

    def for_another(self, bundle: Bundle, gate: NoveltyGate | None) -> NetworkInput:
        """Return it for a bundle that prepares images in the same way, but has a gate of its own."""
        return replace(self, novelty=_assess(self.prepared, bundle, gate))


def network_input(image: MedicalImage, bundle: Bundle, gate: NoveltyGate | None) -> NetworkInput:
    """Return an opened image as the network of a bundle takes it, assessed by the bundle's gate."""
    started = time.perf_counter()
    prepared = prepare(image, bundle.card.preprocessing)
    took = 1e3 * (time.perf_counter() - started)
    return NetworkInput(prepared, _assess(prepared, bundle, gate), took)


def _assess(prepared: Prepared, bundle: Bundle, gate: NoveltyGate | None) -> Novelty | None:
    card = bundle.card
    return None if gate is None else gate.assess(prepared.gate_batch, card.preprocessing, card.described_task)


class Classifier:
    """A bundle loaded into a runtime; may be asked by several threads.

    Args:
        bundle: the model; verified while it loads.
        runtime: which runtime to use.
        threads: CPU threads, or None for the runtime's own choice.
        turns: shared with the networks that this one takes turns with.

    Raises:
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if the runtime that was chosen can't be used.
    """

    def __init__(
        self, bundle: Bundle, runtime: RuntimeChoice = "auto", threads: int | None = None, turns: Turns | None = None
    ) -> None:
        self.bundle = bundle
        self.runtime = load_runtime(bundle, runtime, threads)
        self._turns = turns or Turns()
        self._explaining = TurnTakingRuntime(self.runtime, self._turns)
        self._gate = bundle.read_gate()
        self._explained = ScoreCamCache(self._explaining)
        self._has_maps: bool | None = None  # known from the first forward

    def predict(self, image: MedicalImage, repeats: int = 1) -> Prediction:
        """Classify one image, and determine whether it is outside the training data.

        Args:
            image: the opened image.
            repeats: how often the forward is timed; the median is reported.
        """
        given = network_input(image, self.bundle, self._gate)
        prediction, output = self.predict_input(given, repeats)
        self._explained.remember(given.prepared.batch, output)
        return prediction

    def predict_input(self, given: NetworkInput, repeats: int = 1) -> tuple[Prediction, Output]:
        """Classify one image, and return also the network's output, which its heat map is made of."""
        times = []
        with self._turns.take():
            for _ in range(max(1, repeats)):
                started = time.perf_counter()
                output = self.runtime.forward_with_maps(given.prepared.batch)
                times.append(1e3 * (time.perf_counter() - started))
        self._has_maps = _placed(output[1])
        latency = Latency(given.milliseconds, statistics.median(times), len(times))
        return self._prediction(given, output[0][0], latency), output

    def predict_many(self, given: Sequence[NetworkInput]) -> list[Prediction]:
        """Classify images at once, at least one, without heat maps: fastest where they fill the runtime's batch.

        Logits differ from those of single images by less than ``core.runtimes.base.AGREEMENT``.
        """
        if self._has_maps is None:
            self.predict_input(given[0])
        batch = np.concatenate([one.prepared.batch for one in given])
        with self._turns.take():
            started = time.perf_counter()
            logits = self.runtime.forward(batch)
            each_ms = 1e3 * (time.perf_counter() - started) / len(given)
        return [
            self._prediction(one, found, Latency(one.milliseconds, each_ms, 1))
            for one, found in zip(given, logits, strict=True)
        ]

    def _prediction(self, given: NetworkInput, logits: FloatArray, latency: Latency) -> Prediction:
        card, prepared = self.bundle.card, given.prepared
        probabilities = softmax(logits, card.temperature)
        return Prediction(
            class_ids=card.classes,
            logits=logits,
            probabilities=probabilities,
            latency=latency,
            runtime=self.runtime.name,
            device=self.runtime.device,
            precision=self.runtime.precision,
            plausible=self._plausible(probabilities),
            novelty=given.novelty,
            notices=tuple(filter(None, (prepared.notice, self.runtime.notice, "" if self._has_maps else NO_MAPS))),
            brightness=prepared.brightness,
            contrast=prepared.contrast,
        )

    def _plausible(self, probabilities: npt.NDArray[np.float64]) -> tuple[str, ...] | None:
        card = self.bundle.card
        if card.conformal is None:
            return None
        inside = plausible(probabilities, card.conformal.floor)
        return tuple(label for label, is_in in zip(card.classes, inside, strict=True) if is_in)

    def score_cam(self, image: MedicalImage) -> ScoreCam | None:
        """Begin Score-CAM of an image, or return that of one of the last; the work is done when it is refined.

        None stands for a model without feature maps.
        """
        found = self._explained.get(preprocess(image, self.bundle.card.preprocessing))
        return found if _placed(found.maps[None]) else None

    def begin_score_cam(self, given: NetworkInput, output: Output) -> ScoreCam | None:
        """Begin Score-CAM of an image whose output is known, for one thread; None as for :meth:`score_cam`."""
        return ScoreCam(self._explaining, given.prepared.batch, output) if _placed(output[1]) else None


def _placed(maps: FloatArray) -> bool:
    """Return whether maps (1, K, h, w) have a place in the image; those of one cell stand for none."""
    return maps.shape[2:] != (1, 1)
