"""The sets of images that a gate is measured on: far ones, near ones, and the task's own images, spoilt."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.images.reader import read_image
from core.models.bundle import Bundle
from core.uncertainty.disturbances import DISTURBANCES, EXPOSURES, Picture, grey
from core.uncertainty.gate_fit import DECOYS, EXPOSURE_DECOYS
from training.data.dataset import Sample
from training.evaluation.clustered_bootstrap import Indices, clusters_of
from training.novelty.images import LEG, blank, noise, other_stain, photographs, radiology_objects
from training.novelty.stains import STAINS, restained

FAR, NEAR, EXPOSURE, SHARPNESS, STAIN = "far", "near", "exposure", "blank, out of focus", "other stain"
SHARPNESS_OF = ("slightly out of focus", "out of focus", "far out of focus", "blank")
TURNED_GREY = "turned grey"


@dataclass
class ImageSet:
    """Images that a gate is tested with.

    Attributes:
        name: what they are.
        kind: ``far``, ``near``, ``exposure``, ``blank, out of focus`` or ``other stain``.
        pictures: the images.
        clusters: shape (N,), equal for images of one patient, original or film.
        known: whether the gate was fitted with the same disturbance, of other images.
    """

    name: str
    kind: str
    pictures: list[Picture]
    clusters: Indices = field(default_factory=lambda: np.zeros(0, np.intp))
    known: bool = False

    def __post_init__(self) -> None:
        """Let each image be its own cluster where nothing else is said."""
        if not len(self.clusters):
            self.clusters = np.arange(len(self.pictures))


def make_sets(bundle: Bundle, own: list[Sample], other: list[Sample]) -> list[ImageSet]:
    """Return all sets for a model that have images.

    Args:
        bundle: the model.
        own: test images of its task, which are spoilt.
        other: test images of another task.
    """
    colour = bundle.card.preprocessing.channels == "rgb"
    return [one for one in (*_far(other, colour=colour), *_spoilt(own, colour=colour)) if one.pictures]


def _far(other: list[Sample], *, colour: bool) -> list[ImageSet]:
    others, groups = [read_image(sample.path).displayed() for sample in other], clusters_of(other)
    objects: dict[str, list[Picture]] = {}
    for name, picture in radiology_objects():
        objects.setdefault(name, []).append(picture)
    slide = list(other_stain()) if colour else []
    return [
        ImageSet("other task", FAR, others, groups),
        ImageSet("other task, turned grey", FAR, [grey(picture) for picture in others], groups),
        # the leg is one film in several encodings
        *(ImageSet(n, FAR, p, np.zeros(len(p) if n == LEG else 0, np.intp)) for n, p in objects.items()),
        ImageSet("photographs", FAR, list(photographs())),
        ImageSet("noise", FAR, list(noise(colour))),
        ImageSet("blank", FAR, list(blank(colour))),
        ImageSet("a real slide, haematoxylin and DAB", STAIN, slide, np.zeros(len(slide), np.intp)),
    ]


def _spoilt(own: list[Sample], *, colour: bool) -> list[ImageSet]:
    mine, groups = [read_image(sample.path).displayed() for sample in own], clusters_of(own)
    sets = [
        ImageSet(f"own, {name}", NEAR, [spoil(p) for p in mine], groups, known=name in DECOYS and not colour)
        for name, spoil in DISTURBANCES.items()
        if name != TURNED_GREY or colour  # radiographs are grey already
    ]
    for name, spoil in EXPOSURES.items():
        kind = SHARPNESS if name in SHARPNESS_OF else EXPOSURE
        sets.append(ImageSet(f"own, {name}", kind, [spoil(p) for p in mine], groups, known=name in EXPOSURE_DECOYS))
    if colour:
        sets += [
            ImageSet(f"own, as {name}", STAIN, [restained(dyes)(p) for p in mine], groups)
            for name, dyes in STAINS.items()
        ]
    return sets
