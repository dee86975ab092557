"""A recipe: the TOML file that a training run is fully described by, validated on reading."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import (
    BeforeValidator,
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
from training.recipe_parts import Augment, Explanation, Hide, Loss, NotNegative, Part, Positive, Share, Subgroups

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


class Model(Part):
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


class Teachers(Part):
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


class Optim(Part):
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


class Recipe(Part):
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
    hide: Hide = Hide()
    subgroups: Subgroups = Subgroups()
    loss: Loss = Loss()
    explanation: Explanation = Explanation()
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

    @model_validator(mode="after")
    def _means_against_shortcuts_fit(self) -> Self:
        if self.subgroups.wanted and self.loss.class_weights == "balanced":
            raise ValueError("subgroups are balanced by class already: set loss.class_weights to none")
        if self.subgroups.dro and (self.augment.mixes or self.loss.kind != "hybrid"):
            raise ValueError("subgroups.dro needs a loss of each image alone: loss.kind hybrid, no mixup or cutmix")
        if self.explanation.wanted and (self.augment.mixes or not self.teachers.bundles):
            raise ValueError("explanation needs a teacher, and images that are not mixed")
        if self.explanation.wanted and self.optim.compile != "none":
            raise ValueError("explanation takes gradients of gradients, which torch.compile can't: set optim.compile")
        return self

    @property
    def needs_lungs(self) -> bool:
        """Whether it must be known where in the training images the lungs lie."""
        return self.hide.lungs_only > 0 or (self.explanation.wanted and self.explanation.on == "lungs")

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
    """Return the resolved recipe as TOML, every key with its value; None and tables that say nothing are left out."""
    import tomli_w

    said = {
        "label_map": bool(recipe.label_map),
        "hide": recipe.hide.wanted,
        "subgroups": recipe.subgroups.wanted,
        "explanation": recipe.explanation.wanted,
    }
    empty = {name for name, wanted in said.items() if not wanted}
    return tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True, exclude=empty))
