"""The JSON files of a run, ``run.json``, ``data.json`` and ``environment.json``, as records.

Files of older versions lack some of the keys; these have their default here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, field_validator

from core.errors import TwinlensError
from core.images.preprocessing import Preprocessing
from core.models.architectures import VggHead
from core.models.ofa_subnets import Subnet
from core.names import readable
from core.tasks import Task
from training.recipe import Precision

Name = Annotated[str, BeforeValidator(readable)]  # names of files may hold bytes that are no UTF-8


class RunError(TwinlensError):
    """A run's folder is not what is needed: damaged, unfinished or not evaluated."""


class Record(BaseModel):
    """A JSON file of a run's folder, or a part of one; keys of newer versions are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TeacherRecord(Record):
    """A teacher of the run.

    Attributes:
        id: its bundle's identifier; of a run the one that it would have, ``@`` and the start of its checksum.
        weights_sha256: checksum of its weights, hexadecimal; empty in runs of older versions.
    """

    id: str
    weights_sha256: str = ""

    @property
    def bundle(self) -> str:
        """The bundle's identifier alone; a run's has the beginning of its checksum behind it."""
        return self.id.partition("@")[0]


class AncestorRecord(Record):
    """A network that the run's network comes from.

    Attributes:
        role: whether the run started from it or it was a teacher.
        name: in words.
        on_record: whether it is known which images it was trained on.
    """

    role: Literal["start", "teacher"]
    name: Name
    on_record: bool


class UnreadableRecord(Record):
    """An image that was left out because it can't be read."""

    file: Name
    reason: str


class BestScores(Record):
    """Validation scores of the best epoch: mean cross-entropy, and shares in [0, 1]."""

    loss: float = float("nan")
    accuracy: float
    macro_f1: float = float("nan")


class RunRecord(Record):
    """``run.json``: enough to publish the run's network, and how the run ended.

    Attributes:
        status: ``running``, ``finished``, ``stopped`` or ``failed``; empty where there is no file.
        reason: why it did not finish, or finished early.
        task: identifier of the task.
        definition: the task, where it is one of the user's own.
        classes: class labels in the order of the network's outputs.
        role: what the network is in a bundle.
        network: identifier of the architecture.
        head: VGG19's head.
        subnet: ofa595's subnet, None for OFA-595 itself.
        parameters: number of parameters.
        macs: multiply-accumulate operations of a forward.
        preprocessing: the network's; None where the file lacks it.
        started_from: starting weights, in words.
        lineage: what the network comes from; None in runs of older versions.
        teachers: its teachers.
        seed: the recipe's seed.
        recipe_digest: SHA-256 of the resolved recipe.
        data_digest: digest of the data set.
        images: number of images by split.
        unreadable: images that were left out.
        epochs: epochs that the recipe asks for.
        epochs_done: epochs that are finished.
        best_epoch: the best one, from 0; None before the first.
        val: its validation scores.
        seconds: seconds of training.
        weights_sha256: checksum of the weights; None for a run that is not finished.
    """

    status: str = ""
    reason: str = ""
    task: str = ""
    definition: Task | None = None
    classes: tuple[str, ...] = ()
    role: str = ""
    network: str = ""
    head: VggHead = "gap"
    subnet: Subnet | None = None
    parameters: int = 0
    macs: int = 0
    preprocessing: Preprocessing | None = None
    started_from: Name = ""
    lineage: tuple[AncestorRecord, ...] | None = None
    teachers: tuple[TeacherRecord, ...] = ()
    seed: int | None = None
    recipe_digest: str | None = None
    data_digest: str | None = None
    images: dict[str, int] = {}
    unreadable: tuple[UnreadableRecord, ...] = ()
    epochs: int | None = None
    epochs_done: int = 0
    best_epoch: int | None = None
    val: BestScores | None = None
    seconds: float = 0.0
    weights_sha256: str | None = None

    @field_validator("teachers", mode="before")
    @classmethod
    def _named_only(cls, teachers: object) -> object:
        """Take teachers of older versions, which are identifiers alone."""
        if not isinstance(teachers, list | tuple):
            return teachers
        return [{"id": teacher} if isinstance(teacher, str) else teacher for teacher in teachers]

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "finished"


class DataRecord(Record):
    """``data.json``: the data set of a run. None, or empty, in runs of older versions.

    Attributes:
        folder: where it lay.
        name: the folder's name.
        layout: how it lay on disk.
        split: in words, where its split comes from.
        digest: digest of the list of samples.
        contents: digest of the train and val images' contents.
        classes: class labels.
        counts: images by split and label.
        groups: number of known patients or groups.
        ungrouped: images without one.
        unreadable: images that were left out.
    """

    folder: Name | None = None
    name: Name | None = None
    layout: str | None = None
    split: str | None = None
    digest: str = ""
    contents: str = ""
    classes: tuple[str, ...] = ()
    counts: dict[str, dict[str, int]] | None = None
    groups: int = 0
    ungrouped: int = 0
    unreadable: int = 0


class EnvironmentRecord(Record):
    """``environment.json``: what a result may depend on beside recipe and data.

    Attributes:
        python: its version.
        platform: the operating system.
        processor: the processor's name.
        precision: what the run computes in; None in runs of older versions.
        packages: versions by package; None for one that is not installed.
        threads: CPU threads.
        processes: processes of the run.
        gpus: names of the GPUs.
    """

    python: str = ""
    platform: str = ""
    processor: str = ""
    precision: Precision | None = None
    packages: dict[str, str | None] = {}
    threads: int = 1
    processes: int = 1
    gpus: tuple[str, ...] = ()


AnyRecord = TypeVar("AnyRecord", bound=Record)


def read_record(path: Path, kind: type[AnyRecord]) -> AnyRecord:
    """Read a JSON file of a run's folder.

    Raises:
        RunError: if there is none, or it is damaged.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as cause:
        raise RunError(f"There is no readable {path.name} here ({cause.strerror}).", path=path.parent) from cause
    except ValidationError as cause:
        raise RunError(f"The file is damaged ({in_short(cause)}).", path=path) from cause


def in_short(error: ValidationError) -> str:
    """Return the first faults of a file in a line."""
    faults: list[Any] = error.errors(include_url=False)[:3]
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in faults)
