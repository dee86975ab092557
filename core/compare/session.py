"""Running a comparison: the one way in which window, command line, reports and exports get it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from core.compare.classifier import Classifier
from core.compare.comparison import Comparison, ModelResult
from core.compare.recent import Recent
from core.compare.record import Record, failed_record, record_of
from core.compare.task_choice import task_of_image
from core.errors import ExplanationError, ImageError, UsageError
from core.explain import cam_worker
from core.explain.heatmap import FloatArray, HeatMap
from core.explain.reference_cams import METHODS
from core.explain.scorecam import Depth, ScoreCam, explain_pair
from core.images.medical_image import MedicalImage
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.models.card import Role
from core.models.catalogue import Catalogue, read_catalogue
from core.runtimes.base import RuntimeChoice
from core.runtimes.turns import Turns
from core.tasks import Task, get_task
from core.uncertainty.novelty import NoveltyGate

IMAGE_BYTES_KEPT = 256 << 20
CLASSIFIERS_KEPT = 6
PREDICTIONS_KEPT = 4
GATES_KEPT = 16
TASKS_KEPT = 1000

Question = Callable[[], bool]
ExplainedClass = int | Literal["each"] | None  # see ComparisonSession.compare
Explain = Callable[[str, Bundle, FloatArray, int, int | None, Question], HeatMap]


class Interrupted(Exception):  # noqa: N818 - not an error
    """The work is no longer wanted."""


@dataclass(frozen=True)
class Choice:
    """What is compared, and how.

    Attributes:
        task: the task of all images, or None to tell it from each image (:mod:`core.compare.task_choice`).
        teacher: the teacher's network, or None for the best-scoring one.
        student: the student's network, or None for the best-scoring one.
        cam: ``fast`` or ``exact`` Score-CAM, another of ``reference_cams.METHODS``, or ``none``.
        runtime: which runtime computes.
        threads: CPU threads, or None for the runtime's own choice.
    """

    task: str | None = None
    teacher: str | None = None
    student: str | None = None
    cam: str = "fast"
    runtime: RuntimeChoice = "auto"
    threads: int | None = None


@dataclass(frozen=True, eq=False)
class BundlePair:
    """The bundles that are compared on an image, not loaded yet.

    Attributes:
        task: what they classify.
        teacher: the large network.
        student: the small network.
    """

    task: Task
    teacher: Bundle
    student: Bundle


@dataclass(frozen=True, eq=False)
class Models:
    """The loaded models of a task.

    Attributes:
        task: what they classify.
        teacher: the large network.
        student: the small network.
    """

    task: Task
    teacher: Classifier
    student: Classifier


def installed_bundle(catalogue: Catalogue, task: str, role: Role, choice: Choice) -> Bundle:
    """Return the bundle that a choice names for a task.

    Raises:
        UsageError: if it is not installed.
    """
    return catalogue.find(task, role, choice.teacher if role == "teacher" else choice.student)


@dataclass(frozen=True, eq=False)
class Compared:
    """A file that was compared to the end.

    Attributes:
        record: what is written of it.
        image: the opened image, None where it can't be opened.
        comparison: both models on it, None where it can't be opened.
    """

    record: Record
    image: MedicalImage | None = None
    comparison: Comparison | None = None


@dataclass
class Predicted:
    """The predictions for one image, with the explanations that were begun for it.

    Attributes:
        comparison: the predictions.
        cams: Score-CAM of teacher and student; None until a map is asked for.
    """

    comparison: Comparison
    cams: tuple[ScoreCam | None, ScoreCam | None] | None = None


@dataclass
class ComparisonSession:
    """Opens images, loads models, predicts and explains, and keeps what may be needed again.

    It belongs to one thread, but others may ask for bundles, models, an image's task and heat maps of their own images.

    Attributes:
        catalogue: the installed models; None until they are first needed.
        images_kept: how many opened images stay in memory; with none of them each file is opened anew.
        announce: called with the name of a network before it is loaded.
        is_stopping: whether all work is to stop; asked before anything is loaded and while heat maps are made.
        find: which bundle a choice means.
        explain: makes a heat map by a method of ``reference_cams``, as :func:`core.explain.cam_worker.explain` does.
        turns: by which its networks take turns.
    """

    catalogue: Catalogue | None = None
    images_kept: int = 0
    announce: Callable[[str], object] = lambda _network: None
    is_stopping: Question = lambda: False
    find: Callable[[Catalogue, str, Role, Choice], Bundle] = installed_bundle
    explain: Explain = cam_worker.explain
    turns: Turns = field(default_factory=Turns, init=False)
    _images: Recent[MedicalImage] = field(init=False)
    _classifiers: Recent[Classifier] = field(default_factory=lambda: Recent(CLASSIFIERS_KEPT), init=False)
    _predicted: Recent[Predicted] = field(default_factory=lambda: Recent(PREDICTIONS_KEPT), init=False)

    _gates: Recent[NoveltyGate | None] = field(default_factory=lambda: Recent(GATES_KEPT), init=False)
    _tasks: Recent[Task] = field(default_factory=lambda: Recent(TASKS_KEPT), init=False)

    def __post_init__(self) -> None:
        self._images = Recent(self.images_kept, lambda image: image.pixels.nbytes, IMAGE_BYTES_KEPT)

    def open(self, path: Path, *, with_identity: bool = False, frame: int = 0) -> MedicalImage:
        """Return an image, from memory if it is one of the last and its file has not changed.

        Args:
            path: the file.
            with_identity: whether the patient's identity is read as well.
            frame: which frame of a DICOM file, the first being 0.

        Raises:
            ImageError: if it can't be opened.
        """
        read = partial(read_image, path, with_identity=with_identity, frame=frame)
        try:
            seen = path.stat()
        except OSError:
            return read()  # its error states what is wrong
        return self._images.get((path, seen.st_mtime_ns, seen.st_size, with_identity, frame), read)

    def bundles(self, choice: Choice, image: MedicalImage | None = None) -> BundlePair:
        """Return what is compared on an image, without loading it; see :meth:`models`."""
        catalogue = self._installed()
        task = get_task(choice.task) if choice.task else self.own_task(image)
        teacher, student = (self.find(catalogue, task.id, role, choice) for role in get_args(Role))
        if teacher.card.classes != student.card.classes:
            raise UsageError(
                f"{teacher.id} and {student.id} do not have the same classes.",
                remedy="Choose a teacher and a student of the same task.",
            )
        return BundlePair(task, teacher, student)

    def models(self, choice: Choice, image: MedicalImage | None = None) -> Models:
        """Return teacher and student, loaded the first time.

        Args:
            choice: what is compared.
            image: determines the task where the choice does not; without one it is that of grey images.

        Raises:
            UsageError: if one is not installed, or the two were not made for the same classes.
            BundleError: if one is damaged.
            RuntimeUnavailableError: if the chosen runtime can't be used.
            Interrupted: if the session is stopping.
        """
        return self.loaded(self.bundles(choice, image), choice)

    def loaded(self, pair: BundlePair, choice: Choice, announce: Callable[[str], object] | None = None) -> Models:
        """Return bundles loaded, from memory if they are; errors are those of :meth:`models`.

        Args:
            pair: the bundles.
            choice: with which runtime.
            announce: called with the name of a network before it is loaded, in place of the session's own.
        """
        teacher, student = (
            self._classifiers.get(_key(bundle, choice), partial(self._load, bundle, choice, announce or self.announce))
            for bundle in (pair.teacher, pair.student)
        )
        return Models(pair.task, teacher, student)

    def own_task(self, image: MedicalImage | None) -> Task:
        """Return the task that an image resembles; without an image that of grey images."""
        catalogue = self._installed()
        return self._tasks.get(None if image is None else image.key, lambda: task_of_image(image, catalogue, self.gate))

    def compare(
        self,
        image: MedicalImage,
        choice: Choice,
        explained: ExplainedClass = None,
        *,
        repeats: int = 1,
        remember: bool = False,
        is_outdated: Question = lambda: False,
    ) -> Iterator[Comparison]:
        """Compare teacher and student on one image, yielding the comparison as it grows; stop iterating to stop.

        First come the predictions, then the same with ever better heat maps, the student's first. Both maps are for
        one class, so that they can be laid over each other also where the two disagree, unless each is asked for its
        own.

        Args:
            image: the opened image.
            choice: what is compared.
            explained: the class to explain in both, None for the one that the teacher finds most probable, or ``each``
                for the most probable class of each network.
            repeats: how often each forward is timed; the median counts.
            remember: whether the predictions and what Score-CAM has scored are kept, and taken where they were, so
                that another class of the same image costs no forward.
            is_outdated: whether something else is wanted, for which a map that takes minutes is given up.

        Raises:
            UsageError: if there is no such method, and as :meth:`models` does.
            ExplanationError: if a map can't be made.
            Interrupted: if the session is stopping.
            TwinlensError: what loading raises.
        """
        models = self.models(choice, image)
        if remember:
            key = (*image.key, repeats, *(_key(c.bundle, choice) for c in (models.teacher, models.student)))
            predicted = self._predicted.get(key, partial(_predict, image, models, repeats))
        else:
            predicted = _predict(image, models, repeats)
        yield predicted.comparison
        if choice.cam in get_args(Depth) and predicted.cams is None:
            predicted.cams = models.teacher.score_cam(image), models.student.score_cam(image)
        yield from self.explained(image, models, predicted, choice, explained, is_outdated=is_outdated)

    def explained(
        self,
        image: MedicalImage,
        models: Models,
        predicted: Predicted,
        choice: Choice,
        explained: ExplainedClass = None,
        *,
        is_outdated: Question = lambda: False,
    ) -> Iterator[Comparison]:
        """Yield a comparison whose predictions are there with ever better heat maps, as :meth:`compare` does."""
        found = predicted.comparison
        if choice.cam == "none":
            return
        classes = _explained_classes(found, explained)
        if predicted.cams is not None and choice.cam in get_args(Depth):
            maps = explain_pair(*predicted.cams, classes, "exact" if choice.cam == "exact" else "fast")
        else:
            maps = self._other_maps(image, models, choice, classes, is_outdated)
        for role, heat_map in maps:
            found = found.with_heat_map(role, heat_map)
            yield found

    def finish(self, image: MedicalImage, choice: Choice, *, repeats: int = 1, remember: bool = False) -> Compared:
        """Compare on one image to the end, and return the comparison with its record.

        Arguments and errors are those of :meth:`compare`.
        """
        growing = self.compare(image, choice, repeats=repeats, remember=remember)
        found = next(growing)
        for found in growing:  # noqa: B007 - the last one is complete
            if self.is_stopping():
                raise Interrupted
        return Compared(record_of(image, found), image, found)

    def examine(self, path: Path, choice: Choice, *, repeats: int = 1, with_identity: bool = False) -> Compared:
        """Compare on one file of many; one that can't be compared has its reason in its record.

        Errors of the models are raised, since they concern every image; arguments and errors are those of :meth:`open`
        and :meth:`compare`.
        """
        try:
            image = self.open(path, with_identity=with_identity)
            return self.finish(image, choice, repeats=repeats)
        except (ImageError, ExplanationError) as error:
            return Compared(failed_record(path, str(error)))

    def forget_models(self) -> None:
        """Unload all models; the installed ones are read again when one is needed."""
        self.catalogue = None
        self._classifiers.clear()
        self._predicted.clear()
        self._tasks.clear()

    def _installed(self) -> Catalogue:
        if self.catalogue is None:
            self.catalogue = read_catalogue()
        return self.catalogue

    def gate(self, bundle: Bundle) -> NoveltyGate | None:
        """Return the novelty gate of a bundle, None if it has none.

        Raises:
            BundleError: if it is damaged.
        """
        return self._gates.get((bundle.directory, bundle.card.novelty_sha256), bundle.read_gate)

    def _other_maps(
        self, image: MedicalImage, models: Models, choice: Choice, classes: Mapping[Role, int], is_outdated: Question
    ) -> Iterator[tuple[Role, HeatMap]]:
        method = METHODS.get(choice.cam)
        if method is None:
            raise UsageError(f"There is no method {choice.cam!r} for heat maps.")

        def unwanted() -> bool:
            return self.is_stopping() or (method.many_forwards and is_outdated())

        both: tuple[tuple[Role, Classifier], ...] = (("student", models.student), ("teacher", models.teacher))
        for role, classifier in both:
            pixels = preprocess(image, classifier.bundle.card.preprocessing)
            try:
                index = classes[role]
                heat_map = self.explain(method.name, classifier.bundle, pixels, index, choice.threads, unwanted)
            except ExplanationError:
                if unwanted():
                    raise Interrupted from None
                raise
            yield role, heat_map

    def _load(self, bundle: Bundle, choice: Choice, announce: Callable[[str], object]) -> Classifier:
        if self.is_stopping():
            raise Interrupted
        announce(bundle.name)
        return Classifier(bundle, choice.runtime, choice.threads, self.turns)


def _explained_classes(found: Comparison, explained: ExplainedClass) -> dict[Role, int]:
    if explained == "each":
        return {"teacher": found.teacher.prediction.top, "student": found.student.prediction.top}
    index = found.teacher.prediction.top if explained is None else explained
    return {"teacher": index, "student": index}


def _predict(image: MedicalImage, models: Models, repeats: int) -> Predicted:
    teacher, student = (
        ModelResult(classifier.bundle, classifier.predict(image, repeats), None)
        for classifier in (models.teacher, models.student)
    )
    return Predicted(Comparison(teacher, student))


def _key(bundle: Bundle, choice: Choice) -> tuple[object, ...]:
    return bundle.id, bundle.card.weights_sha256, choice.runtime, choice.threads
