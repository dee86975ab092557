"""The parts of a recipe that say what a network sees and what is minimised; each is a table of the TOML file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    """A table of a recipe: an unknown key is an error, and nothing can be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Augment(Part):
    """How training images are varied; every number of a view is a function of (seed, view, image).

    Attributes:
        seed: seed of the views. Runs that differ in their own seed only share the teachers' cached logits.
        views: how many views of each image there are, used in turn by the epochs; 0 means a new one every epoch.
        flip: chance of a mirrored image.
        turn: chance of a flip upside down and of a quarter turn (histology, where no direction is up).
        rotate: largest rotation in degrees.
        scale: smallest side of the window that is shown, as a share of the image's side; it lies anywhere inside.
        largest: largest side of that window; above 1 the image is shown whole, smaller, with ``fill`` around it.
        plain: share of views that are neither rotated nor scaled, as the images that are classified later.
        blur: largest deviation, in pixels, of the Gaussian that half of the views are blurred with.
        sharpen: largest strength at which the other half are sharpened.
        gamma: brightness is raised to a power between 1 / (1 + gamma) and 1 + gamma.
        contrast: contrast is multiplied by 1 ± contrast.
        brightness: brightness, in [0, 1], is shifted by ± brightness.
        tint: each colour channel is multiplied by 1 ± tint.
        erase: chance that a rectangle of 2 to 20 % of the image is blanked.
        fill: what lies outside the image.
        mixup: parameter of mixup's Beta distribution (Zhang et al., arXiv 1710.09412), 0 for none.
        cutmix: parameter of CutMix's Beta distribution (Yun et al., arXiv 1905.04899), 0 for none.
    """

    seed: int = Field(default=0, ge=0)
    views: int = Field(default=0, ge=0, le=1000)
    flip: Share = 0.5
    turn: Share = 0.0
    rotate: float = Field(default=15.0, ge=0, le=180)
    scale: float = Field(default=0.65, gt=0, le=1)
    largest: float = Field(default=1.0, ge=1, le=2)
    plain: Share = 0.0
    blur: float = Field(default=0.0, ge=0, le=3)
    sharpen: float = Field(default=0.0, ge=0, le=4)
    gamma: NotNegative = 0.3
    contrast: Share = 0.25
    brightness: Share = 0.12
    tint: Share = 0.0
    erase: Share = 0.25
    fill: Literal["zeros", "border", "reflection"] = "zeros"
    mixup: NotNegative = 0.0
    cutmix: NotNegative = 0.0

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with one another."""
        return self.mixup > 0 or self.cutmix > 0


class Hide(Part):
    """What is blanked with the image's mean in some views, for teachers and network alike.

    A teacher that answers by what is hidden has nothing to pass on in these views.

    Attributes:
        lungs_only: share of the views in which all but the lungs is blanked.
        border: share of the views in which the outer eighth of each side is blanked.
    """

    lungs_only: Share = 0.0
    border: Share = 0.0

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.lungs_only + self.border > 1:
            raise ValueError("lungs_only and border are more than all views together")
        return self

    @property
    def wanted(self) -> bool:
        """Whether anything is ever hidden."""
        return self.lungs_only + self.border > 0


class Subgroups(Part):
    """Groups of training images, by columns of the manifest and the class, that shall count alike.

    Attributes:
        by: columns of the manifest, e.g. ``source`` or ``population``.
        smallest: training images below which a group joins the other small ones of its class.
        sampling: ``balanced`` draws as many images of each group in an epoch (Idrissi et al., arXiv 2110.14503); with
            ``none`` an epoch shows every image once.
        dro: step size η of group DRO (Sagawa et al., arXiv 1911.08731), which gives groups of a higher loss more
            weight; 0 for none.
    """

    by: tuple[str, ...] = Field(default=("source",), min_length=1)
    smallest: int = Field(default=50, ge=1)
    sampling: Literal["none", "balanced"] = "none"
    dro: NotNegative = 0.0

    @property
    def wanted(self) -> bool:
        """Whether the groups change anything."""
        return self.sampling == "balanced" or self.dro > 0


class Explanation(Part):
    """How the student's class activation maps are brought to its teacher's (e2KD, arXiv 2402.03119).

    Attributes:
        weight: weight of one less the cosine of the two maps, 0 for none. With several teachers the first one explains.
        on: ``lungs`` takes the teacher's evidence on the lungs alone, ``image`` all of it.
    """

    weight: NotNegative = 0.0
    on: Literal["image", "lungs"] = "image"

    @property
    def wanted(self) -> bool:
        """Whether maps are compared."""
        return self.weight > 0


class Loss(Part):
    """What is minimised; see :mod:`training.distillation.losses` for the formulas.

    Attributes:
        kind: how the teacher's output is matched: ``hybrid`` (the project's default), ``dkd`` or ``dist``.
        alpha: weight of the teacher in ``hybrid``: (1 − alpha) · CE + alpha · T² · KL.
        temperature: T.
        standardise: whether logits are brought to mean 0 and deviation 1 before teacher and student are compared.
        dkd_alpha: weight of the target class part of DKD.
        dkd_beta: weight of the other classes' part of DKD.
        dist_beta: weight of the relations between classes in DIST.
        dist_gamma: weight of the relations within a class in DIST.
        weight: weight of DKD or DIST beside the cross-entropy.
        attention: weight of attention transfer, 0 for none.
        hint: weight of the feature hint, 0 for none.
        map_layers: the modules of the student and of its teacher whose spatial maps attention and hint compare, e.g.
            ``["blocks.3", "blocks.4"]``; by default the last spatial maps of both.
        smoothing: label smoothing.
        class_weights: ``balanced`` gives every class the same weight, however few images it has.
    """

    kind: Literal["hybrid", "dkd", "dist"] = "hybrid"
    alpha: Share = 0.5
    temperature: Positive = 4.0
    standardise: bool = False
    dkd_alpha: NotNegative = 1.0
    dkd_beta: NotNegative = 8.0
    dist_beta: NotNegative = 1.0
    dist_gamma: NotNegative = 1.0
    weight: NotNegative = 1.0
    attention: NotNegative = 0.0
    hint: NotNegative = 0.0
    map_layers: tuple[str, str] | None = None
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = "none"

    @property
    def needs_maps(self) -> bool:
        """Whether the teacher's feature maps are needed beside its logits."""
        return self.attention > 0 or self.hint > 0
