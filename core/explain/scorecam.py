"""Score-CAM as a stream: a preview, the clustered map, better and better ones, and the exact map.

Definition (Wang et al. 2020, arXiv 1910.01279, as pytorch-grad-cam computes it): for an input x, a class c and the
feature maps A_k of one layer, with H_k the map A_k enlarged to the input and scaled to [0, 1] (see ``masks``),

    s_k = logit_c(f(x ⊙ H_k)),   α = softmax over k of s,   map = ReLU(Σ α_k A_k), scaled to [0, 1].

The exact map needs one forward for each of K maps. Here the maps are first grouped into clusters by shape, weighted by
energy; the sum of a cluster's maps makes one mask, and the scores of all maps are estimated from those of such masks
(see ``gaussian_process``). The first ``FIRST_MASKS`` are ``COARSE`` large clusters and the heaviest of ``CLUSTERS``
small ones; the others are those that would tell most about the map. The fast mode ends when the estimated error is
small enough, at the earliest after ``FEWEST_MASKS``, at the latest after one mask for every ``MAPS_A_MASK`` maps of the
network. The exact mode then scores the single maps, those of the greatest weight first. Every forward scores all
classes.

The estimated error is what the Gaussian process expects (see ``map_error``), times a factor found on validation images.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.errors import ExplanationError
from core.explain.clustering import cluster_sums, energies, flattened
from core.explain.gaussian_process import GaussianProcess
from core.explain.heatmap import HeatMap, scaled
from core.explain.map_error import may_appear, relative_change, sum_of_maps
from core.runtimes.base import FloatArray, Runtime
from core.runtimes.masks import MaskScorer
from core.uncertainty.calibration import softmax

Depth = Literal["fast", "exact"]
Float64Array = npt.NDArray[np.float64]

COARSE = 2
CLUSTERS = 32
MAPS_A_MASK = 21
FIRST_MASKS, FEWEST_MASKS, MOST_MASKS = 8, 12, 32
GOOD_ENOUGH = 0.02  # estimated error at which the fast mode ends
# The estimated error is what the Gaussian process expects times a factor, by the number of masks scored. From 12 on it
# is the largest ratio of the error to that on validation images of VGG19 and OFA-595 (docs/score-cam.md)
ERROR_FACTORS = ((0, 10.0), (12, 4.7))
LARGEST_ERROR = 1.0


class ScoreCam:
    """Score-CAM of one image by one network; what has been scored stays, and scoring resumes there.

    Not to be used by two threads at once.

    Args:
        runtime: the network.
        image: its normalised input, shape (1, 3, H, W), float32.
        output: the runtime's logits (1, C) and maps (1, K, h, w) for it where they are known, which saves a forward.

    Raises:
        ExplanationError: if the network's output is not finite.
    """

    def __init__(
        self, runtime: Runtime, image: FloatArray, output: tuple[FloatArray, FloatArray] | None = None
    ) -> None:
        started = time.perf_counter()
        self.layer = runtime.layer
        logits, maps = output or runtime.forward_with_maps(image)
        self.logits: FloatArray = logits[0]
        self.maps: FloatArray = maps[0]
        if not (np.isfinite(self.logits).all() and np.isfinite(self.maps).all()):
            raise ExplanationError("The network's output for this image is not finite.", remedy="Choose another model.")
        self._runtime = runtime
        self._image = image
        self._energy = energies(self.maps)
        self._constant = np.ptp(self.maps, axis=(1, 2)) == 0
        self._scored = np.zeros(len(self.maps), np.bool_)
        self._scores: Float64Array = np.zeros((len(self.maps), len(self.logits)))
        self._masks: FloatArray | None = None
        self._mask_scores: dict[int, Float64Array] = {}
        self._process: GaussianProcess | None = None
        self._errors: dict[int, float] = {}  # estimated, of the classes that were asked for since the last batch
        self._weights: dict[int, Float64Array] = {}  # likewise, how errors of the scores change the map
        self._most_masks = 0
        if len(self.maps) > MOST_MASKS:
            self._most_masks = min(MOST_MASKS, max(FEWEST_MASKS, len(self.maps) // MAPS_A_MASK))
        self._forwards = 0
        self._seconds = time.perf_counter() - started

    @property
    def nbytes(self) -> int:
        """Memory held for more scoring, in bytes, without the network."""
        masks = 0 if self._masks is None else self._masks.nbytes
        return self._image.nbytes + self.maps.nbytes + self._scores.nbytes + masks

    @property
    def is_exact(self) -> bool:
        """Whether every map has been scored."""
        return bool(self._scored.all())

    def refine(self, class_index: int, depth: Depth = "fast", good_enough: float = GOOD_ENOUGH) -> Iterator[HeatMap]:
        """Score more maps, yielding the heat map of a class after every batch; stop iterating to stop.

        The maps that weigh most for this class are scored first. Calling it again resumes; a depth that has been
        reached yields its heat map at once, without a forward.

        Args:
            class_index: the class to explain.
            depth: ``fast`` ends when the map is good enough, ``exact`` with the exact one.
            good_enough: estimated error at which ``fast`` ends, and at which ``exact`` goes over to single maps.

        Raises:
            ExplanationError: if a score is not finite.
        """
        started, frames = time.perf_counter(), 0
        try:
            for _ in self._score_more(class_index, depth, good_enough):
                found = self._heat_map(class_index)
                self._seconds += time.perf_counter() - started
                frames += 1
                yield replace(found, seconds=self._seconds)
                started = time.perf_counter()
            if not frames:
                yield self._heat_map(class_index)
        finally:
            self._drop_process()

    def heat_map(self, class_index: int) -> HeatMap:
        """Return the map of a class from what has been scored so far; costs no forward."""
        found = self._heat_map(class_index)
        self._drop_process()
        return found

    def _score_more(self, class_index: int, depth: Depth, good_enough: float) -> Iterator[None]:
        """Score batch after batch, of masks as long as they are wanted, then of single maps."""
        size = self.maps.shape[1:]
        scorer = None
        while self._wants_masks(class_index, good_enough):
            scorer = scorer or self._runtime.mask_scorer(self._image, size, half=True)
            self._score_masks(scorer, class_index)
            yield
        if depth == "exact" or not self._most_masks:
            scorer = None if self.is_exact else self._runtime.mask_scorer(self._image, size)
            while scorer and not self.is_exact:
                self._score_heaviest(scorer, class_index)
                yield

    def _wants_masks(self, class_index: int, good_enough: float) -> bool:
        scored = len(self._mask_scores)
        most = self._most_masks if self._masks is None else min(self._most_masks, len(self._masks))
        if self.is_exact or scored >= most:
            return False
        return scored < FEWEST_MASKS or self._estimated_error(class_index) > good_enough

    def _heat_map(self, class_index: int) -> HeatMap:
        scores = self._scores[:, class_index]
        done = int(self._scored.sum())
        clustered = f"clustered G={len(self._mask_scores)}"
        return HeatMap(
            values=scaled(np.maximum(np.tensordot(softmax(scores).astype(np.float32), self.maps, 1), 0)),
            class_index=class_index,
            layer=self.layer,
            method="exact" if self.is_exact else f"{done} of {len(self.maps)} exact" if done else clustered,
            maps_scored=self._forwards,
            maps_total=len(self.maps),
            estimated_error=self._estimated_error(class_index),
            seconds=self._seconds,
        )

    def _estimated_error(self, class_index: int) -> float:
        """Return the estimate of 1 - Pearson correlation with the exact map."""
        if self.is_exact:
            return 0.0
        if not self._mask_scores:
            return LARGEST_ERROR
        if class_index not in self._errors:
            self._estimate(class_index)
        return self._errors[class_index]

    def _estimate(self, class_index: int) -> None:
        """Estimate the error of a class's map, and how errors of the scores change it."""
        mean, moved = sum_of_maps(self.maps, self._scores[:, class_index])
        moved[self._scored] = 0
        covariance = self._fitted().covariance(moved, class_index)
        deviation = np.sqrt(covariance.diagonal())
        change = relative_change(mean, deviation)
        expected = max(0.0, (change * (covariance @ change)).sum() / 2)
        factor = next(factor for scored, factor in reversed(ERROR_FACTORS) if len(self._mask_scores) >= scored)
        error = LARGEST_ERROR if may_appear(mean, deviation) else factor * expected
        self._errors[class_index] = float(min(LARGEST_ERROR, error))
        self._weights[class_index] = moved @ change

    def _fitted(self) -> GaussianProcess:
        """Return the Gaussian process that knows the scores of masks so far."""
        if self._process is None:
            self._process = GaussianProcess(flattened(self.maps))
            self._fit(self._process)
        return self._process

    def _drop_process(self) -> None:
        """Free what takes more memory than all else; the estimated errors stay."""
        self._process = None
        self._weights.clear()

    def _fit(self, process: GaussianProcess) -> None:
        assert self._masks is not None  # noqa: S101 - for the type checker: none is fitted before masks were scored
        process.know(flattened(self._masks[list(self._mask_scores)]), np.stack(list(self._mask_scores.values())))

    def _score_masks(self, scorer: MaskScorer, class_index: int) -> None:
        """Score one batch of masks: the coarse and the heaviest first, then those that would tell most."""
        if self._masks is None:
            self._masks = np.concatenate([cluster_sums(self.maps, count) for count in (COARSE, CLUSTERS)])
        left = [i for i in range(len(self._masks)) if i not in self._mask_scores]
        count = min(self._runtime.batch_size, self._most_masks - len(self._mask_scores), len(left))
        chosen = left[:count]
        if len(self._mask_scores) >= FIRST_MASKS:  # from fewer, a guess of what would tell most is worth nothing
            if class_index not in self._weights:
                self._estimate(class_index)
            weights = self._weights[class_index]
            chosen = [left[i] for i in self._fitted().most_telling(flattened(self._masks[left]), weights, count)]
        self._mask_scores |= zip(chosen, self._score(scorer, self._masks[chosen]), strict=True)
        process = self._fitted()
        self._fit(process)
        self._scores = np.where(self._scored[:, None], self._scores, process.scores())

    def _score_heaviest(self, scorer: MaskScorer, class_index: int) -> None:
        """Score one batch of the maps that, by what is known so far, weigh most in the map of a class."""
        scores = self._scores[:, class_index]
        weight = np.exp(scores - scores.max()) * self._energy
        weight[self._scored] = -1
        weight[np.flatnonzero(self._constant)[1:]] = -1  # one of them stands for all
        left = int((weight >= 0).sum())
        chosen = np.argsort(-weight, kind="stable")[: min(self._runtime.batch_size, left)]
        found = self._score(scorer, self.maps[chosen])
        self._scores[chosen] = found
        self._scored[chosen] = True
        if (blank := self._constant[chosen]).any():  # all constant maps make the same mask, of zeros
            self._scores[self._constant] = found[blank][0]
            self._scored |= self._constant

    def _score(self, scorer: MaskScorer, maps: FloatArray) -> Float64Array:
        """Return the logits (n, C) of the image masked by maps (n, h, w)."""
        found = scorer(maps).astype(np.float64)
        if not np.isfinite(found).all():
            raise ExplanationError(
                "The network's score of a masked image is not finite.", remedy="Choose another model."
            )
        self._forwards += len(maps)
        self._errors.clear()
        self._weights.clear()
        return found


def explain_pair(
    teacher: ScoreCam | None,
    student: ScoreCam | None,
    classes: Mapping[Literal["teacher", "student"], int],
    depth: Depth = "fast",
) -> Iterator[tuple[Literal["teacher", "student"], HeatMap]]:
    """Explain a class in each network, the student's heat map first; None stands for one without feature maps.

    Both share the same cores, so they take turns batch by batch: the student up to its clustered map, the teacher up to
    its own, and then, if the exact maps are wanted, whichever has had less time. Stop iterating to stop.

    Yields:
        The role, and its heat map so far.
    """
    both: dict[Literal["teacher", "student"], ScoreCam | None] = {"student": student, "teacher": teacher}
    explained = {role: one for role, one in both.items() if one is not None}
    spent = dict.fromkeys(explained, 0.0)
    for role in spent:
        for frame in explained[role].refine(classes[role]):
            yield role, frame
    if depth == "fast":
        return
    running = {role: explained[role].refine(classes[role], "exact") for role in spent}
    while running:
        role = min(running, key=lambda r: spent[r])
        started = time.perf_counter()
        found = next(running[role], None)
        spent[role] += time.perf_counter() - started
        if found is None:
            del running[role]
        else:
            yield role, found
