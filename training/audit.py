"""How much of a model's skill may come from shortcuts: the same images with parts hidden or the look disturbed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.bundle import Bundle
from core.files import written_whole
from core.images import read_image
from core.preprocess import Preprocessing, to_network_input
from core.runtime import Runtime, RuntimeChoice, load_runtime
from core.scorecam import ScoreCam
from training.datasets import Sample, of_split, open_dataset
from training.evaluate import SMALLEST_SUBGROUP, SUBGROUPS

FloatArray = npt.NDArray[np.float32]
Change = Callable[[FloatArray], FloatArray]
BORDER = 0.125  # width of the outer border, as a share of the side
SIDE = 224
MAPS = 40  # images whose Score-CAM is made


@dataclass(frozen=True)
class Curve:
    """Accuracy under one disturbance of growing strength; the first strength leaves the image as it is."""

    name: str
    unit: str
    strengths: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Audit:
    """What was found of one model.

    Attributes:
        bundle: its identifier.
        images: how many images were looked at.
        accuracy: on the images as they are.
        centre_hidden: accuracy where only the outer border is left: what can be told without the anatomy.
        border_hidden: accuracy where the outer border is hidden.
        groups: accuracy by ``column=value``.
        curves: accuracy under disturbances.
        border_energy: mean share of Score-CAM's energy in the outer border, whose share of the area is
            :func:`border_area`.
        wrong_alike: share of the other model's errors that this model makes too, with the same wrong class; None alone.
    """

    bundle: str
    images: int
    accuracy: float
    centre_hidden: float
    border_hidden: float
    groups: dict[str, float]
    curves: tuple[Curve, ...]
    border_energy: float
    wrong_alike: float | None = None


def border_area() -> float:
    """Return the share of the area that the outer border takes."""
    return 1 - (1 - 2 * BORDER) ** 2


def audit(
    bundles: list[Bundle],
    folder: Path,
    images: int = 200,
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    progress: Callable[[str], None] = lambda _what: None,
) -> list[Audit]:
    """Audit models on the same test images.

    Args:
        bundles: the model, and perhaps its teacher.
        folder: the data set.
        images: most images to look at, taken evenly.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        progress: called with what has been done.
    """
    samples = of_split(open_dataset(folder).samples, "test", bundles[0].card.classes)
    samples = samples[:: max(1, len(samples) // images)][:images]
    pictures = [_sized(read_image(sample.path).displayed()) for sample in samples]
    found, guesses = [], []
    for bundle in bundles:
        engine = load_runtime(bundle, runtime, threads)
        one, said = _audit_one(bundle, engine, samples, pictures, progress)
        found.append(one)
        guesses.append(said)
    if len(found) == 2:
        labels = np.array([bundles[0].card.classes.index(s.label) for s in samples])
        wrong = guesses[1] != labels
        alike = float((guesses[0] == guesses[1])[wrong].mean()) if wrong.any() else 0.0
        found[0] = replace(found[0], wrong_alike=alike)
    return found


def disturbances() -> dict[str, tuple[str, tuple[float, ...], Callable[[FloatArray, float], FloatArray]]]:
    """Return, by name, the unit, the strengths and the disturbance of a picture of ``SIDE``² pixels in [0, 1]."""
    return {
        "JPEG": ("quality", (100, 50, 20, 10, 5), _jpeg),
        "gamma": ("exponent", (1, 0.5, 0.7, 1.4, 2), lambda picture, g: picture ** np.float32(g)),
        "blur": ("pixels, standard deviation", (0, 1, 2, 3, 5), _blur),
        "rotation": ("degrees", (0, 5, 10, 15, 30), _rotate),
        "corners erased": ("share of the side", (0, 0.1, 0.15, 0.2, 0.25), _corners),
    }


def hide(picture: FloatArray, *, centre: bool) -> FloatArray:
    """Return a picture with its centre, or its outer border, replaced by its mean brightness."""
    edge = round(BORDER * SIDE)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[edge:-edge, edge:-edge] = True
    found = picture.copy()
    found[inside if centre else ~inside] = picture.mean(axis=(0, 1))
    return found


def write_page(found: list[Audit], folder: Path) -> Path:
    """Write ``audit.md`` and ``curves.png`` into a folder, and return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    _plot(found, folder / "curves.png")
    with written_whole(folder / "audit.md") as file:
        file.write(page(found))
    return folder / "audit.md"


def page(found: list[Audit]) -> str:
    """Return the audit as Markdown."""
    rows = [
        ("accuracy on the images as they are", [_percent(a.accuracy) for a in found]),
        ("only the outer border left", [_percent(a.centre_hidden) for a in found]),
        ("outer border hidden", [_percent(a.border_hidden) for a in found]),
        (f"Score-CAM energy in the border ({_percent(border_area())} of the area)",
         [_percent(a.border_energy) for a in found]),
    ]  # fmt: skip
    rows += [(name, [_percent(a.groups[name]) for a in found]) for name in found[0].groups]
    head = " | ".join(a.bundle for a in found)
    lines = [
        f"# Shortcut audit: {found[0].bundle}",
        "",
        f"{found[0].images} test images. The border is the outer {_percent(BORDER)} of each side. For research only.",
        "",
        f"| | {head} |",
        "|---" * (len(found) + 1) + "|",
        *(f"| {name} | {' | '.join(values)} |" for name, values in rows),
    ]
    if len(found) == 2 and found[0].wrong_alike is not None:
        student, teacher = found
        lines += ["", _inheritance(student, teacher)]
    return "\n".join([*lines, "", "![Accuracy under disturbances](curves.png)", ""])


def _inheritance(student: Audit, teacher: Audit) -> str:
    return (
        "**Does distillation hand shortcuts on?** "
        f"From the border alone the teacher is right in {_percent(teacher.centre_hidden)}, the student in "
        f"{_percent(student.centre_hidden)}. Of the teacher's errors on whole images the student repeats "
        f"{_percent(student.wrong_alike or 0.0)} with the same wrong class. This shows what the two have in common, "
        "not what caused it: that takes a student trained without the teacher."
    )


def _audit_one(
    bundle: Bundle,
    engine: Runtime,
    samples: list[Sample],
    pictures: list[FloatArray],
    progress: Callable[[str], None],
) -> tuple[Audit, npt.NDArray[np.intp]]:
    how = bundle.card.preprocessing
    labels = np.array([bundle.card.classes.index(s.label) for s in samples])

    def accuracy(change: Change) -> float:
        return float((_answers(engine, how, pictures, change) == labels).mean())

    plain = _answers(engine, how, pictures, lambda picture: picture)
    right = plain == labels
    curves = []
    for name, (unit, strengths, disturb) in disturbances().items():
        first = float(right.mean())
        rest = [accuracy(partial(_disturbed, disturb, strength)) for strength in strengths[1:]]
        points = sorted(zip(strengths, [first, *rest], strict=True))
        curves.append(Curve(name, unit, tuple(s for s, _ in points), tuple(a for _, a in points)))
        progress(f"{bundle.id}: {name}")
    groups = {}
    for column in SUBGROUPS:
        for value in sorted({s.facts.get(column, "") for s in samples} - {""}):
            rows = [i for i, s in enumerate(samples) if s.facts.get(column) == value]
            if SMALLEST_SUBGROUP <= len(rows) < len(samples):
                groups[f"{column}={value}"] = float(right[rows].mean())
    step = max(1, len(pictures) // MAPS)
    energy = [
        _border_energy(engine, to_network_input(picture, how), int(guess))
        for picture, guess in zip(pictures[::step], plain[::step], strict=True)
    ]
    return Audit(
        bundle=bundle.id,
        images=len(samples),
        accuracy=float(right.mean()),
        centre_hidden=accuracy(lambda picture: hide(picture, centre=True)),
        border_hidden=accuracy(lambda picture: hide(picture, centre=False)),
        groups=groups,
        curves=tuple(curves),
        border_energy=float(np.mean(energy)),
    ), plain


def _disturbed(disturb: Callable[[FloatArray, float], FloatArray], strength: float, picture: FloatArray) -> FloatArray:
    return disturb(picture, strength)


def _answers(engine: Runtime, how: Preprocessing, pictures: list[FloatArray], change: Change) -> npt.NDArray[np.intp]:
    found = []
    for start in range(0, len(pictures), engine.batch_size):
        part = pictures[start : start + engine.batch_size]
        batch = np.concatenate([to_network_input(np.asarray(change(p), np.float32), how) for p in part])
        found.append(engine.forward(batch).argmax(axis=1))
    return np.concatenate(found)


def _border_energy(engine: Runtime, batch: FloatArray, class_index: int) -> float:
    *_, heat = ScoreCam(engine, batch).refine(class_index)
    values = heat.resized(SIDE, SIDE)
    edge = round(BORDER * SIDE)
    total = float(values.sum())
    return 1 - float(values[edge:-edge, edge:-edge].sum()) / total if total else 0.0


def _sized(picture: FloatArray) -> FloatArray:
    resized = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(resized, 0, 1), dtype=np.float32)


def _jpeg(picture: FloatArray, quality: float) -> FloatArray:
    _, data = cv2.imencode(".jpg", np.rint(255 * picture).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    flag = cv2.IMREAD_GRAYSCALE if picture.ndim == 2 else cv2.IMREAD_COLOR
    return np.asarray(cv2.imdecode(data, flag), dtype=np.float32) / np.float32(255)


def _blur(picture: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _rotate(picture: FloatArray, degrees: float) -> FloatArray:
    turn = cv2.getRotationMatrix2D((SIDE / 2 - 0.5, SIDE / 2 - 0.5), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE), np.float32)


def _corners(picture: FloatArray, share: float) -> FloatArray:
    """Erase the four corners, where radiographs bear text and side markers."""
    found, edge = picture.copy(), round(share * SIDE)
    for rows in (slice(0, edge), slice(SIDE - edge, SIDE)):
        for columns in (slice(0, edge), slice(SIDE - edge, SIDE)):
            found[rows, columns] = picture.mean(axis=(0, 1))
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _plot(found: list[Audit], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.4), layout="constrained")
    axes = figure.subplots(2, 3, sharey=True).ravel()
    for one, colour in zip(found, ("#1f5fa8", "#d1732b"), strict=False):
        for place, curve in zip(axes, one.curves, strict=False):
            place.plot(curve.strengths, curve.accuracy, marker="o", markersize=4, color=colour, label=one.bundle)
            place.set_title(curve.name, size=10)
            place.set_xlabel(curve.unit)
            place.set_ylim(0, 1)
            place.grid(alpha=0.25)
    for place in axes[::3]:
        place.set_ylabel("accuracy")
    axes[-1].axis("off")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[-1].legend(handles, labels, loc="center", frameon=False)
    figure.savefig(path, dpi=130)
