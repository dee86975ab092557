"""A bundle's card: everything about a trained model but its weights, validated on reading."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.images.preprocessing import Preprocessing
from core.models.architectures import VggHead, get_architecture
from core.models.map_quality import MapQuality
from core.models.ofa_subnets import Subnet, model_id
from core.tasks import TASKS, Task, plain_task

# the newest layout that this version reads, and the one it writes; 1 had no calibration, novelty statistics and full
# scores, 2 no subnets and no border probe, 3 no reliability before temperature scaling, 4 no networks of timm, 5 no
# adjustment of the exposure, 6 no graph and no definition of the task
CARD_FORMAT = 7

Storage = Literal["float32", "float16", "int8"]
Role = Literal["teacher", "student"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Images = Annotated[int, Field(ge=1, le=10**12)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
NetworkId = Annotated[str, Field(pattern=r"^((timm|onnx):)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Interval(_Part):
    """A 95 % interval; how it was made, ``measured_by`` or the evaluation says."""

    low: Fraction
    high: Fraction


class ClassScores(_Part):
    """How one class was recognised.

    Attributes:
        label: the class.
        images: how many images of it were scored.
        precision: share of the predictions of this class that are correct, or None where there are none.
        recall: share of its images that are predicted as it, or None where there are none.
        auroc: area under the ROC curve of this class against the rest, or None where either is missing.
    """

    label: str = Field(max_length=100)
    images: int = Field(ge=0)
    precision: Fraction | None
    recall: Fraction | None
    auroc: Fraction | None


class GroupScores(_Part):
    """What a model scored on one part of the data, e.g. ``population=adult``."""

    group: str = Field(max_length=200)
    images: Images
    accuracy: Fraction
    accuracy_interval: Interval
    macro_f1: Fraction
    ece: Fraction


class ReliabilityBin(_Part):
    """One point of a reliability diagram: images of similar confidence, and the share that is correct."""

    confidence: Fraction
    accuracy: Fraction
    images: Images


class Scores(_Part):
    """What a model scored on one data set.

    Attributes:
        dataset: the data set and split in words.
        images: how many images were scored.
        accuracy: share of images whose most probable class is correct, in [0, 1].
        macro_f1: mean over classes of the harmonic mean of precision and recall, in [0, 1].
        ece: expected calibration error over 15 equal bins of confidence (Guo et al. 2017), in [0, 1].
        measured_by: the program or command that measured it.
        caution: what must be stated with these figures.
        ece_uncalibrated: the calibration error before temperature scaling.
        brier: Brier score of all classes, in [0, 2].
        auroc: mean over the classes of each one's area under the ROC curve against the rest.
        accuracy_interval: 95 % interval of the accuracy.
        macro_f1_interval: the same of macro F1.
        classes: how each class was recognised.
        confusion: images by label (rows) and prediction (columns), in the order of the card's classes.
        groups: the scores of parts of the data.
        reliability: the reliability diagram.
        reliability_uncalibrated: the same before temperature scaling.
        covered: share of images whose conformal set holds the label.
        unsure: share of images whose conformal set is not exactly one class.
        refused: share of images that the novelty gate finds not assessable.
        border_probe: accuracy that a linear model reaches on the same images from the border of their thumbnails alone.
    """

    dataset: str = Field(max_length=500)
    images: Images
    accuracy: Fraction
    macro_f1: Fraction
    ece: Fraction
    measured_by: str = Field(max_length=500)
    caution: str = Field(default="", max_length=2000)
    ece_uncalibrated: Fraction | None = None
    brier: float | None = Field(default=None, ge=0, le=2)
    auroc: Fraction | None = None
    accuracy_interval: Interval | None = None
    macro_f1_interval: Interval | None = None
    classes: tuple[ClassScores, ...] = Field(default=(), max_length=1000)
    confusion: tuple[tuple[int, ...], ...] = Field(default=(), max_length=1000)
    groups: tuple[GroupScores, ...] = Field(default=(), max_length=200)
    reliability: tuple[ReliabilityBin, ...] = Field(default=(), max_length=100)
    reliability_uncalibrated: tuple[ReliabilityBin, ...] = Field(default=(), max_length=100)
    covered: Fraction | None = None
    unsure: Fraction | None = None
    refused: Fraction | None = None
    border_probe: Fraction | None = None


class Conformal(_Part):
    """The rule by which classes are called plausible (see ``core.uncertainty.calibration.conformal_floor``).

    Attributes:
        method: ``LAC``: a class is plausible where its calibrated probability is at least ``floor``.
        coverage: how often the plausible classes shall include the label.
        floor: the least probability of a plausible class.
        images: how many images of the validation split it was chosen on.
    """

    method: Literal["LAC"] = "LAC"
    coverage: Fraction
    floor: Fraction
    images: Images


class DataSet(_Part):
    """The labelled images that a network was trained on, as its run counted them.

    Attributes:
        name: what the data set is called.
        layout: its layout on disk.
        split: where its split comes from, in words.
        images: how many there are, by split and class.
        groups: how many patients or originals are known.
        ungrouped: how many images have no known one.
    """

    name: str = Field(max_length=200)
    layout: str = Field(max_length=200)
    split: str = Field(max_length=1000)
    images: dict[Annotated[str, Field(max_length=100)], dict[Annotated[str, Field(max_length=100)], Count]]
    groups: Count = 0
    ungrouped: Count = 0

    def count(self, split: str) -> int:
        """Return how many images a split has."""
        return sum(self.images.get(split, {}).values())

    @property
    def total(self) -> int:
        """How many images there are."""
        return sum(map(self.count, self.images))


class Training(_Part):
    """How the weights were made.

    Attributes:
        data: the training data in words.
        data_set: the same in figures, or None where no run counted them.
        method: how the network was trained, in words.
        recipe_digest: SHA-256 of the resolved recipe, or None where no recipe file stood behind the run.
        made_by: the program that trained it.
        made_on: the date of publication.
        teacher: identifier of the bundle that it was distilled from, if any.
        data_digest: digest of the training data's list of files, or None.
        seed: the seed of the run, or None.
        epochs: how many epochs it was trained, or None.
    """

    data: str = Field(max_length=1000)
    data_set: DataSet | None = None
    method: str = Field(max_length=1000)
    recipe_digest: Sha256 | None = None
    made_by: str = Field(max_length=200)
    made_on: date
    teacher: str | None = Field(default=None, max_length=200)
    data_digest: str | None = Field(default=None, max_length=200)
    seed: int | None = None
    epochs: int | None = Field(default=None, ge=0)

    @property
    def maker(self) -> str:
        """The program that trained it, without what is in brackets."""
        return self.made_by.split(" (")[0]


class Card(_Part):
    """The card of one model bundle (``card.json``).

    Attributes:
        format: version of this layout; a newer one than ``CARD_FORMAT`` is refused.
        task: identifier of the task.
        definition: the task with its classes' names; None for one that comes with the program, and in older cards.
        classes: labels in the order of the network's outputs.
        role: ``teacher`` or ``student``.
        network: identifier of the architecture.
        head: which head VGG19 has.
        subnet: which subnet of OFA-595's supernet this is, or None where it is OFA-595 itself or no such network.
        preprocessing: how an image becomes the network's input.
        temperature: logits are divided by it before the softmax.
        conformal: which classes are called plausible, or None where no rule was fitted.
        storage: how the weights are stored; they are computed with as float32.
        parameters: number of parameters.
        macs: multiply-accumulate operations of one forward.
        training: how the weights were made.
        scores: what was measured, on which data.
        map_quality: how good its heat maps are, or None where it was not measured.
        intended_use: what the model is for.
        limits: what it is known not to be able to do.
        licence: licence of the weights.
        weights_sha256: SHA-256 of ``weights.safetensors``.
        graph_sha256: SHA-256 of ``graph.onnx``, or None where the bundle has no graph and only torch can run it.
        probe_logits: torch's logits of the probe (``core.models.probe``), with which every runtime is compared; None
            where the bundle has no graph.
        novelty_sha256: SHA-256 of ``novelty.safetensors``, or None where the bundle has no novelty gate.
    """

    format: Literal[1, 2, 3, 4, 5, 6, 7] = 7
    task: Word
    definition: Task | None = None
    classes: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(min_length=2, max_length=1000)
    role: Role
    network: NetworkId
    head: VggHead = "gap"
    subnet: Subnet | None = None
    preprocessing: Preprocessing
    temperature: float = Field(default=1.0, gt=0, le=100)
    conformal: Conformal | None = None
    storage: Storage
    parameters: int = Field(ge=1, le=10**15)
    macs: int = Field(ge=1, le=10**18)
    training: Training
    scores: tuple[Scores, ...] = Field(default=(), max_length=50)
    map_quality: MapQuality | None = None
    intended_use: str = Field(max_length=2000)
    limits: tuple[Annotated[str, Field(max_length=2000)], ...] = Field(default=(), max_length=50)
    licence: str = Field(max_length=500)
    weights_sha256: Sha256
    graph_sha256: Sha256 | None = None
    probe_logits: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] | None = None
    novelty_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("the class labels are not distinct")
        if not math.isfinite(self.temperature):
            raise ValueError("the temperature is not finite")
        if self.definition is not None and (self.definition.id, self.definition.class_ids) != (self.task, self.classes):
            raise ValueError("the definition is of another task or other classes")
        if self.subnet is not None and not get_architecture(self.network).has_subnets:
            raise ValueError(f"{self.network} has no subnets")
        size = len(self.classes)
        if (self.graph_sha256 is None) != (self.probe_logits is None):
            raise ValueError("a graph and the logits of its probe belong together")
        if self.probe_logits is not None and len(self.probe_logits) != size:
            raise ValueError("the probe has another number of logits than there are classes")
        if any(scores.confusion and [*map(len, scores.confusion)] != [size] * size for scores in self.scores):
            raise ValueError("a confusion matrix has another size than the classes")
        return self

    @property
    def id(self) -> str:
        """The bundle's identifier, ``task/role-model``, which is also its place below the weights folder."""
        return f"{self.task}/{self.role}-{self.model}"

    @property
    def described_task(self) -> Task:
        """The task in the order of the classes: the known one if it has these, else as the card describes it."""
        known = TASKS.get(self.task)
        if known is not None and sorted(known.class_ids) == sorted(self.classes):
            return known.in_order(self.classes)
        return self.described_by_itself

    @property
    def described_by_itself(self) -> Task:
        """The task as the card defines it, else by its labels alone."""
        return self.definition or plain_task(self.task, self.classes, colour=self.preprocessing.channels == "rgb")

    @property
    def model(self) -> str:
        """The network's identifier, with the subnet's digest where it is one; see ``model_id``."""
        return model_id(self.network, self.subnet)
