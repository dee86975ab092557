"""What the engine's thread does: open images, load models, and let a comparison grow. Knows nothing of Qt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from core.compare.classifier import Classifier
from core.compare.comparison import Comparison, compare
from core.errors import ExplanationError
from core.explain.cam_worker import explain
from core.explain.heatmap import HeatMap
from core.explain.reference_cams import MANY_FORWARDS, METHODS
from core.explain.scorecam import Depth, ScoreCam, explain_pair
from core.images.medical_image import MedicalImage
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.models.catalogue import Catalogue, read_catalogue
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import needs_conversion
from core.tasks import Task, get_task, guess_task
from gui.engine.conversion import convert
from gui.engine.image_pyramid import ScreenPicture

IMAGES_KEPT, IMAGE_BYTES_KEPT = 6, 256 << 20
CLASSIFIERS_KEPT = 6
ANSWERS_KEPT = 4
REPEATS = 3  # forwards timed for the image on screen; the median is shown

Role = Literal["teacher", "student"]
ROLES: tuple[Role, ...] = ("teacher", "student")


class Interrupted(Exception):  # noqa: N818 - no error
    """The program is being closed."""


@dataclass(frozen=True)
class Choice:
    """What compares, as chosen in the window.

    Attributes:
        task: the task of all images, or None to tell it from each image's colour.
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


@dataclass
class _Answered:
    """The answers to one image, with the explanations begun for it."""

    found: Comparison
    cams: dict[Role, ScoreCam] = field(default_factory=dict)


@dataclass
class Analyst:
    """Owns the loaded models and the last images; belongs to one thread.

    Attributes:
        say: told the name of a network before it is loaded.
        unwanted: whether what is asked for is no longer wanted, so that nothing need be loaded any more.
        catalogue: the installed models; read when first needed, and again after ``forget_models``.
    """

    say: Callable[[str], None] = lambda _text: None
    unwanted: Callable[[], bool] = lambda: False
    catalogue: Catalogue | None = None
    _images: OrderedDict[tuple[Path, int, int], MedicalImage] = field(default_factory=OrderedDict)
    _classifiers: OrderedDict[tuple[object, ...], Classifier] = field(default_factory=OrderedDict)
    _answered: OrderedDict[tuple[object, ...], _Answered] = field(default_factory=OrderedDict)
    _picture: ScreenPicture | None = None

    def open(self, path: Path) -> MedicalImage:
        """Return an image, from memory if it is one of the last and its file has not changed.

        Raises:
            ImageError: if it can't be opened.
        """
        try:
            seen = path.stat()
            key = (path, seen.st_mtime_ns, seen.st_size)
        except OSError:
            return read_image(path)  # says what is wrong
        if key not in self._images:
            self._images[key] = read_image(path)
        self._images.move_to_end(key)
        while len(self._images) > 1 and (
            len(self._images) > IMAGES_KEPT
            or sum(image.pixels.nbytes for image in self._images.values()) > IMAGE_BYTES_KEPT
        ):
            self._images.popitem(last=False)
        return self._images[key]

    def picture(self, image: MedicalImage) -> ScreenPicture:
        """Return an opened image ready for the screen, the last one from memory."""
        if self._picture is None or self._picture.image is not image:
            self._picture = ScreenPicture(image)
        return self._picture

    def models(self, choice: Choice, image: MedicalImage | None) -> tuple[Task, Classifier, Classifier]:
        """Return the task, and teacher and student, loading them the first time.

        Raises:
            UsageError: if one is not installed.
            BundleError: if one is damaged.
            Interrupted: if it is no longer wanted.
        """
        task = get_task(choice.task) if choice.task else guess_task(image is None or image.is_grey)
        if self.catalogue is None:
            self.catalogue = read_catalogue()
        bundles = [chosen_bundle(self.catalogue, task.id, role, choice) for role in ROLES]
        self._convert([b for b in bundles if _key(b, choice) not in self._classifiers], choice.runtime)
        teacher, student = (self._classifier(bundle, choice) for bundle in bundles)
        return task, teacher, student

    def watch(
        self,
        image: MedicalImage,
        choice: Choice,
        class_index: int | None = None,
        outdated: Callable[[], bool] = lambda: False,
    ) -> Iterator[Comparison]:
        """Yield the comparison as it grows, like ``comparison.watch``, without asking the models again.

        The answers to the last images are kept with what their Score-CAM has scored, so that another class of the same
        image costs no forward.

        Args:
            image: the opened image.
            choice: what compares.
            class_index: the class to explain, or None for the teacher's.
            outdated: whether something else is wanted, for which a map that takes minutes is given up.

        Raises:
            Interrupted: if it was given up.
            TwinlensError: what loading, answering and explaining raise.
        """
        _task, teacher, student = self.models(choice, image)
        answered = self._answers(image, teacher, student)
        found = answered.found
        yield found
        if choice.cam == "none":
            return
        explained = found.teacher.prediction.top if class_index is None else class_index
        if choice.cam in METHODS:
            for role, classifier in (("student", student), ("teacher", teacher)):
                heat_map = self._explained(image, classifier, choice, explained, outdated)
                found = replace(found, **{role: replace(getattr(found, role), heat_map=heat_map)})
                yield found
            return
        if not answered.cams:
            answered.cams = {"teacher": teacher.score_cam(image), "student": student.score_cam(image)}
        depth: Depth = "exact" if choice.cam == "exact" else "fast"
        for role, heat_map in explain_pair(answered.cams["teacher"], answered.cams["student"], explained, depth):
            found = replace(found, **{role: replace(getattr(found, role), heat_map=heat_map)})
            yield found

    def forget_models(self) -> None:
        """Let go of all models, and look anew at what is installed when one is needed."""
        self.catalogue = None
        self._classifiers.clear()
        self._answered.clear()

    def _explained(
        self, image: MedicalImage, classifier: Classifier, choice: Choice, explained: int, outdated: Callable[[], bool]
    ) -> HeatMap:
        method = next(method for method in METHODS if method == choice.cam)

        def unwanted() -> bool:
            return self.unwanted() or (method in MANY_FORWARDS and outdated())

        pixels = preprocess(image, classifier.bundle.card.preprocessing)
        try:
            return explain(method, classifier.bundle, pixels, explained, choice.threads, unwanted)
        except ExplanationError:
            if unwanted():
                raise Interrupted from None
            raise

    def _answers(self, image: MedicalImage, teacher: Classifier, student: Classifier) -> _Answered:
        key = (image.digest, id(teacher), id(student))
        if key not in self._answered:
            self._answered[key] = _Answered(compare(image, teacher, student, "none", REPEATS))
        self._answered.move_to_end(key)
        while len(self._answered) > ANSWERS_KEPT:
            self._answered.popitem(last=False)
        return self._answered[key]

    def _convert(self, bundles: list[Bundle], runtime: RuntimeChoice) -> None:
        """Convert those that have not been; both in one process, since most of its time goes into its start."""
        waiting = [bundle for bundle in bundles if needs_conversion(bundle, runtime)]
        if waiting:
            self.say(" + ".join(bundle.name for bundle in waiting))
            convert(waiting, self.unwanted)

    def _classifier(self, bundle: Bundle, choice: Choice) -> Classifier:
        key = _key(bundle, choice)
        if key not in self._classifiers:
            if self.unwanted():
                raise Interrupted
            self.say(bundle.name)
            self._classifiers[key] = Classifier(bundle, choice.runtime, choice.threads)
        self._classifiers.move_to_end(key)
        while len(self._classifiers) > CLASSIFIERS_KEPT:
            self._classifiers.popitem(last=False)
            self._answered.clear()  # they are told apart by the identity of classifiers, which may now be used again
        return self._classifiers[key]


def chosen_bundle(catalogue: Catalogue, task: str, role: Role, choice: Choice) -> Bundle:
    """Return the bundle that a choice means for images of a task.

    Raises:
        UsageError: if it is not installed.
    """
    network = getattr(choice, role)
    if choice.task is None and network not in {bundle.card.model for bundle in catalogue.of_task(task, role)}:
        network = None  # it was chosen for images of another task
    return catalogue.find(task, role, network)


def _key(bundle: Bundle, choice: Choice) -> tuple[object, ...]:
    return bundle.id, bundle.card.weights_sha256, choice.runtime, choice.threads
