"""A recipe: the TOML file that a training run is fully described by, validated on reading."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from core.errors import UsageError
from core.models.architectures import VggHead, get_architecture, model_name
from core.models.card import Role
from core.models.catalogue import find_task
from core.models.ofa_subnets import Subnet, model_id
from core.tasks import Task, is_shipped

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


StartKind = Literal["random", "imagenet", "imagenet-or-random", "package", "vgg16", "model"]
Precision = Literal["no", "bf16", "fp16"]  # as accelerate names them; "no" is float32


def _named(task: object) -> object:
    """Return the task of an identifier; anything else stays."""
    if not isinstance(task, str):
        return task
    try:
        return find_task(task)
    except UsageError as error:
        raise ValueError(str(error)) from None


def _stored(task: Task) -> object:
    """Return what stands for a task in a run's recipe: one of the user's own whole, so that nothing else is needed."""
    return task.id if is_shipped(task) else task.model_dump(mode="json")


RecipeTask = Annotated[Task, BeforeValidator(_named), PlainSerializer(_stored)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(NamedTuple):
    """What a network starts from.

    Attributes:
        kind: ``random``, ``imagenet``, ``imagenet-or-random``, ``package`` or ``vgg16``; ``model`` for a weights file,
            a bundle or a run.
        source: the package's name, the file of VGG16's weights (empty for the package's), or the model.
    """

    kind: StartKind
    source: str = ""

    @property
    def has_seen_images(self) -> bool:
        """Whether it may have been trained on images of this project's kind."""
        return self.kind == "model"


class Model(_Part):
    """The network and its starting weights.

    Attributes:
        network: identifier of the architecture, or ``timm:`` and the name of any network of timm's.
        head: VGG19 only: ``gap`` or ``fc``.
        start: ``random``; ``imagenet`` (published weights, fetched); ``imagenet-or-random`` where those may be out of
            reach; ``package:NAME``, ImageNet weights inside an installed package (see
            ``runs/packaged_weights.py``); for VGG19 ``vgg16`` or ``vgg16:FILE``, VGG16's convolutions; a weights
            file; a bundle's identifier or folder; or a finished run's folder. Position embeddings for another input
            size are interpolated.
        dropout: replaces the probability of every dropout layer, or None to leave them.
        subnet: ofa595 only: another subnet of the supernet in place of OFA-595.
    """

    network: str
    head: VggHead = "gap"
    start: str = "random"
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    subnet: Subnet | None = None

    @field_validator("network")
    @classmethod
    def _known(cls, network: str) -> str:
        try:
            return get_architecture(network).id
        except UsageError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.subnet is not None and self.network != "ofa595":
            raise ValueError("only ofa595 has subnets")
        return self

    @property
    def starts_from(self) -> Start:
        """What ``start`` names."""
        kind, _, source = self.start.partition(":")
        match kind:
            case "random" | "imagenet" | "imagenet-or-random" if not source:
                return Start(kind)
            case "package" | "vgg16":
                return Start(kind, source)
            case _:
                return Start("model", self.start)

    @property
    def id(self) -> str:
        """The network's identifier in a bundle, its subnet in it."""
        return model_id(self.network, self.subnet)

    @property
    def name(self) -> str:
        """The network's name for people."""
        return model_name(self.id)


class Augment(_Part):
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


class Loss(_Part):
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
        attention: weight of attention transfer on the last spatial maps, 0 for none.
        hint: weight of the feature hint on the last spatial maps, 0 for none.
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
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = "none"

    @property
    def needs_maps(self) -> bool:
        """Whether the teacher's feature maps are needed beside its logits."""
        return self.attention > 0 or self.hint > 0


class Teachers(_Part):
    """The teachers.

    Attributes:
        bundles: bundle identifiers, bundle folders or finished run folders; none for training on the labels alone.
        combine: ``mean`` averages the teachers' probabilities; ``confidence`` weights them for each image by how well
            they predict its label (Zhang et al., CA-MKD, arXiv 2201.00007).
        cache: whether their logits are cached and read again when a view returns.
    """

    bundles: tuple[str, ...] = Field(default=(), max_length=8)
    combine: Literal["mean", "confidence"] = "mean"
    cache: bool = True


class Optim(_Part):
    """How the loss is minimised: AdamW, a cosine with warm-up, a moving average of the weights.

    Attributes:
        epochs: times that every image is seen.
        progressive: (pixels, share of the epochs) of the first epochs, which see the images at other sizes than
            ``size``, smaller ones first (progressive resizing); the rest, at least the last one, is at ``size``.
        batch: images a step, over all processes and accumulated parts.
        accumulate: parts in which a batch is computed, each process on its share of a part.
        lr: peak learning rate.
        final_lr: the rate at the end, as a share of the peak.
        warmup: epochs of linear warm-up; fractions are allowed.
        weight_decay: on matrices and kernels; vectors (biases, norms) have none.
        clip: largest norm of the gradient, 0 for no limit.
        ema: decay of the moving average of weights; early on (1 + t) / (10 + t) where that is smaller. 0 for none.
        patience: epochs without a better validation score after which the run ends, 0 for never.
        precision: ``auto`` is bfloat16 on CUDA, and on a CPU whatever of bfloat16 and float32 is measured to be
            faster when the run begins.
        compile: torch.compile's mode on CUDA.
    """

    epochs: int = Field(ge=1, le=10_000)
    progressive: tuple[tuple[Annotated[int, Field(ge=32, le=1024)], Annotated[float, Field(gt=0, lt=1)]], ...] = ()
    batch: int = Field(default=64, ge=1, le=65_536)
    accumulate: int = Field(default=1, ge=1, le=1024)
    lr: Positive
    final_lr: Share = 0.0
    warmup: NotNegative = 3.0
    weight_decay: NotNegative = 0.05
    clip: NotNegative = 2.0
    ema: float = Field(default=0.998, ge=0, lt=1)
    patience: int = Field(default=0, ge=0)
    precision: Literal["auto"] | Precision = "auto"
    compile: Literal["none", "default", "reduce-overhead"] = "none"

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.batch % self.accumulate:
            raise ValueError("batch is not a multiple of accumulate")
        if sum(share for _pixels, share in self.progressive) >= 1:
            raise ValueError("progressive leaves no epoch at the recipe's size")
        return self


class Recipe(_Part):
    """Everything that a run depends on but the data, the code and the machine.

    Attributes:
        task: the task, which gives classes and colour; its identifier, or the keys of a task's file as a table.
        role: what the network will be in a bundle.
        seed: seed of the weights, the order of the images and dropout.
        size: height and width of the network's input in pixels.
        checkpoint_steps: steps between checkpoints; one is also written at the end of each epoch.
        label_map: labels as the data set writes them, and the task's classes that they are; an empty one leaves the
            label's images out.
    """

    task: RecipeTask
    role: Role
    seed: int = Field(default=0, ge=0, lt=2**31)
    size: int = Field(default=224, ge=32, le=1024)
    checkpoint_steps: int = Field(default=100, ge=1)
    label_map: dict[str, str] = Field(default_factory=dict)
    model: Model
    augment: Augment = Augment()
    loss: Loss = Loss()
    teachers: Teachers = Teachers()
    optim: Optim

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        classes = self.task.class_ids
        if unknown := [new for new in self.label_map.values() if new and new not in classes]:
            raise ValueError(f"label_map: {unknown[0]!r} is none of the task's classes {', '.join(classes)}")
        if self.teachers.bundles and self.teachers.cache:
            if self.augment.mixes:
                raise ValueError("mixed images can't use cached teacher logits: set teachers.cache = false")
            if self.loss.needs_maps:
                raise ValueError("only logits are cached: set teachers.cache = false for attention or hint")
            if not self.augment.views:
                raise ValueError("a cache needs views that return: set augment.views, or teachers.cache = false")
        if self.augment.mixes and self.loss.kind == "dkd":
            raise ValueError("DKD needs one true class an image: no mixup or cutmix with it")
        if self.loss.needs_maps and len(self.teachers.bundles) != 1:
            raise ValueError("attention and hint need exactly one teacher")
        return self

    def size_of_epoch(self, epoch: int) -> int:
        """Return the height and width in pixels that an epoch, counted from 0, sees the images at."""
        share = 0.0
        for pixels, part in self.optim.progressive:
            share += part
            if epoch < min(int(share * self.optim.epochs + 1e-9), self.optim.epochs - 1):
                return pixels
        return self.size

    def digest(self) -> str:
        """Return the SHA-256 of the resolved recipe as a run's ``recipe.toml`` holds it, hexadecimal."""
        return hashlib.sha256(to_toml(self).encode()).hexdigest()


def to_toml(recipe: Recipe) -> str:
    """Return the resolved recipe as TOML, every key with its value; None and an empty label map are left out."""
    import tomli_w

    empty = set() if recipe.label_map else {"label_map"}
    return tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True, exclude=empty))
