"""Score-CAM as a stream: a preview, the clustered map, better and better ones, and the exact map.

Definition (Wang et al. 2020, arXiv 1910.01279, as pytorch-grad-cam computes it): for an input x, a class c and the
feature maps A_k of one layer, with H_k the map A_k enlarged to the input and scaled to [0, 1] (see ``masks``),

    s_k = logit_c(f(x ⊙ H_k)),   α = softmax over k of s,   map = ReLU(Σ α_k A_k), scaled to [0, 1].

The exact map needs one forward for each of K maps. Here the maps are first grouped into ``CLUSTERS`` clusters by shape,
weighted by energy; the sum of a cluster's maps makes one mask, scored once, and the scores of all maps are estimated
from these (see ``clustering``). The fast mode scores one cluster for every ``MAPS_A_CLUSTER`` maps of the network,
heaviest first; the light clusters that are left, VGG19's last eight, are estimated from the others. The exact mode
scores these too, and then the single maps, those of the greatest weight first. Every forward scores all classes, so
another class costs nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.errors import ExplanationError
from core.explain.clustering import cluster, energies, flattened, krige, typical_distance
from core.explain.heatmap import HeatMap, scaled
from core.explain.similarity import pearson
from core.runtimes.base import FloatArray, Runtime
from core.runtimes.masks import MaskScorer

Depth = Literal["fast", "exact"]
Float64Array = npt.NDArray[np.float64]

PREVIEW_CLUSTERS = 2
CLUSTERS = 32
MAPS_A_CLUSTER = 21
# The estimated error, 1 - Pearson to the exact map, is a factor times the square root of 1 - Pearson(map by cluster,
# map by kriging); the factor falls with the masks scored. Each is the larger of two conformal 95 % quantiles, of VGG19
# and of OFA-595 on validation images; docs/benchmarks.md states how often it holds on test images.
ERROR_FACTORS = ((0, 50.0), (8, 6.5), (16, 1.2), (24, 0.76), (32, 0.55))
LARGEST_ERROR = 1.0


@dataclass
class _Clusters:
    """The maps of a network grouped by shape.

    Attributes:
        labels: (K,), the cluster of each map.
        maps: (G, h, w), the sum of each cluster's maps, the heaviest first.
        scores: (n, C), the logits of the first n.
    """

    labels: npt.NDArray[np.intp]
    maps: FloatArray
    scores: Float64Array


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
        self._by_cluster: Float64Array = np.zeros((len(self.maps), len(self.logits)))
        self._by_kriging: Float64Array = self._by_cluster.copy()
        self._method = ""
        self._clusters: dict[int, _Clusters] = {}
        self._fast_clusters = min(CLUSTERS, len(self.maps) // MAPS_A_CLUSTER)
        self._forwards = 0
        self._seconds = time.perf_counter() - started

    @property
    def nbytes(self) -> int:
        """Memory held for more scoring, in bytes, without the network."""
        clusters = sum(found.labels.nbytes + found.maps.nbytes for found in self._clusters.values())
        return self._image.nbytes + self.maps.nbytes + 2 * self._by_cluster.nbytes + clusters

    @property
    def is_exact(self) -> bool:
        """Whether every map has been scored."""
        return bool(self._scored.all())

    def refine(self, class_index: int, depth: Depth = "fast") -> Iterator[HeatMap]:
        """Score more maps, yielding the heat map of a class after every batch; stop iterating to stop.

        The maps that weigh most for this class are scored first. Calling it again resumes; a depth that has been
        reached yields its heat map at once, without a forward.

        Args:
            class_index: the class to explain.
            depth: ``fast`` ends with the clustered map, ``exact`` with the exact one.

        Raises:
            ExplanationError: if a score is not finite.
        """
        if self._reached(depth):
            yield self.heat_map(class_index)
            return
        scorer = self._runtime.mask_scorer(self._image, self.maps.shape[1:])
        wanted = self._fast_clusters if depth == "fast" else CLUSTERS
        if len(self.maps) > CLUSTERS and not self._has_clusters(wanted):
            for _ in self._score_clusters(scorer, wanted):
                yield self.heat_map(class_index)
        if depth == "exact" or len(self.maps) <= CLUSTERS:
            while not self.is_exact:
                self._score_heaviest(scorer, class_index)
                yield self.heat_map(class_index)

    def heat_map(self, class_index: int) -> HeatMap:
        """Return the map of a class from what has been scored so far; costs no forward."""
        a, b = (self._weighted(scores[:, class_index]) for scores in (self._by_cluster, self._by_kriging))
        mean = (self._by_cluster[:, class_index] + self._by_kriging[:, class_index]) / 2
        error = 0.0 if self.is_exact else self._error_factor() * np.sqrt(max(0.0, 1 - pearson(a, b)))
        return HeatMap(
            values=self._weighted(mean),
            class_index=class_index,
            layer=self.layer,
            method=self._method,
            maps_scored=self._forwards,
            maps_total=len(self.maps),
            estimated_error=float(min(LARGEST_ERROR, error)),
            seconds=self._seconds,
        )

    def _error_factor(self) -> float:
        return next(factor for scored, factor in reversed(ERROR_FACTORS) if self._forwards >= scored)

    def _reached(self, depth: Depth) -> bool:
        return self.is_exact or (depth == "fast" and self._has_clusters(self._fast_clusters))

    def _has_clusters(self, wanted: int) -> bool:
        """Return whether the heaviest ``wanted`` of ``CLUSTERS`` have been scored, or all that there are."""
        clusters = self._clusters.get(CLUSTERS)
        return clusters is not None and len(clusters.scores) >= min(wanted, len(clusters.maps))

    def _weighted(self, scores: Float64Array) -> FloatArray:
        """Return ReLU(Σ softmax(scores)_k A_k), scaled to [0, 1]."""
        weights = np.exp(scores - scores.max())
        weights /= weights.sum()
        return scaled(np.maximum(np.tensordot(weights.astype(np.float32), self.maps, 1), 0))

    def _score_clusters(self, scorer: MaskScorer, wanted: int) -> Iterator[None]:
        """Score two clusters, for a preview, then the heaviest ``wanted`` of ``CLUSTERS``; what is scored stays."""
        started = time.perf_counter()
        rows = flattened(self.maps)
        scale = typical_distance(rows)
        for count, goal in ((PREVIEW_CLUSTERS, PREVIEW_CLUSTERS), (CLUSTERS, wanted)):
            if count not in self._clusters:
                self._clusters[count] = self._grouped(rows, count)
            clusters = self._clusters[count]
            while (done := len(clusters.scores)) < min(goal, len(clusters.maps)):
                # batches end where the fast mode does, so that the exact map is the same, stopped there or not
                end = self._fast_clusters if done < self._fast_clusters else CLUSTERS
                found = self._score(scorer, clusters.maps[done:end][: self._runtime.batch_size])
                clusters.scores = np.concatenate([clusters.scores, found])
                self._estimate(clusters, rows, scale)
                self._seconds += time.perf_counter() - started
                yield
                started = time.perf_counter()

    def _grouped(self, rows: Float64Array, count: int) -> _Clusters:
        labels = cluster(rows, self._energy, count)
        sums = np.stack([self.maps[labels == g].sum(axis=0) for g in range(labels.max() + 1)])
        return _Clusters(labels, sums, np.empty((0, len(self.logits))))

    def _estimate(self, clusters: _Clusters, rows: Float64Array, scale: float) -> None:
        """Estimate all maps' scores from those of clusters."""
        done, total = len(clusters.scores), len(clusters.maps)
        cluster_rows = flattened(clusters.maps)
        known_rows, known_scores = cluster_rows[:done], clusters.scores
        if done < total and clusters is not self._clusters[PREVIEW_CLUSTERS]:
            preview = self._clusters[PREVIEW_CLUSTERS]  # its two scores help to estimate the others
            known_rows = np.concatenate([flattened(preview.maps), known_rows])
            known_scores = np.concatenate([preview.scores, known_scores])
        self._by_kriging = krige(known_rows, known_scores, rows, scale)
        estimated = krige(known_rows, known_scores, cluster_rows[done:], scale)
        self._by_cluster = np.concatenate([clusters.scores, estimated])[clusters.labels]
        self._method = f"clustered G={total}" + (f", {done} of {total}" if done < total else "")

    def _score_heaviest(self, scorer: MaskScorer, class_index: int) -> None:
        """Score one batch of the maps that, by what is known so far, weigh most in the map of a class."""
        started = time.perf_counter()
        scores = (self._by_cluster[:, class_index] + self._by_kriging[:, class_index]) / 2
        weight = np.exp(scores - scores.max()) * self._energy
        weight[self._scored] = -1
        weight[np.flatnonzero(self._constant)[1:]] = -1  # one of them stands for all
        left = int((weight >= 0).sum())
        chosen = np.argsort(-weight, kind="stable")[: min(self._runtime.batch_size, left)]
        found = self._score(scorer, self.maps[chosen])
        self._by_cluster[chosen] = self._by_kriging[chosen] = found
        self._scored[chosen] = True
        if (blank := self._constant[chosen]).any():  # all constant maps make the same mask, of zeros
            self._by_cluster[self._constant] = self._by_kriging[self._constant] = found[blank][0]
            self._scored |= self._constant
        done = int(self._scored.sum())
        self._method = "exact" if self.is_exact else f"{done} of {len(self.maps)} exact"
        self._seconds += time.perf_counter() - started

    def _score(self, scorer: MaskScorer, maps: FloatArray) -> Float64Array:
        """Return the logits (n, C) of the image masked by maps (n, h, w)."""
        found = scorer(maps).astype(np.float64)
        if not np.isfinite(found).all():
            raise ExplanationError(
                "The network's score of a masked image is not finite.", remedy="Choose another model."
            )
        self._forwards += len(maps)
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
