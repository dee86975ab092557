"""Writes a model for other programs: into a new folder, when the file has been run and compared on real images."""

from __future__ import annotations

import glob
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.deploy.facts import as_json, model_facts
from core.deploy.figures import Figures, check, compare, latency_ms, outputs, score
from core.deploy.format import ModelFormat, Network, Order, Precision
from core.deploy.guide import examples, readme
from core.deploy.int8 import refitted_temperature
from core.deploy.pictures import Pictures, demonstration_pictures
from core.deploy.wsinfer import CONFIG_FILE, suits_wsinfer, wsinfer_config
from core.errors import UsageError
from core.reports.model_card import model_facts as card_text
from core.runtimes.load import load_runtime
from core.system.atomic_files import cannot_write, make_folder
from core.system.extras import MissingExtraError, how_to_add

if TYPE_CHECKING:
    from core.models.bundle import Bundle

FACTS_FILE, FIGURES_FILE, README_FILE, CARD_FILE = "model.json", "figures.json", "README.md", "card.md"
NO_SCALE = (
    "config.json has no spacing_um_px, which WSInfer and QuPath ask for: the physical scale of the training tiles is "
    "not known. Give it with --um-per-pixel where you know it."
)
NO_EXPOSURE = "Twinlens adjusts radiographs of unusual exposure before this network sees them; the file does not."
NO_GATE = "Twinlens recognises images outside the training data; the file gives a class for any image."
Say = Callable[[str], object]


@dataclass(frozen=True)
class Exported:
    """A model that was written.

    Attributes:
        folder: the folder with all its files.
        file: the model's file in it.
        figures: what was measured of it.
        notices: what a reader should know of it.
    """

    folder: Path
    file: Path
    figures: Figures
    notices: tuple[str, ...] = ()


def default_folder(bundle: Bundle, made: ModelFormat, precision: str) -> str:
    """Return the name of the folder where no other is wanted."""
    return f"{bundle.id.replace('/', '-')}-{made.id}-{precision}"


def missing_packages(made: ModelFormat, precision: Precision) -> MissingExtraError | None:
    """Return the error that says why a format can't be written here, or None if all packages for it are installed."""
    needed = (*made.needs, *(made.needs_for_int8 if precision == "int8" else ()))
    missing = [name for name in needed if find_spec(name) is None]
    if not missing:
        return None
    problem = f"Writing {made.title} needs packages that are not installed ({', '.join(missing)})."
    return MissingExtraError(problem, remedy=how_to_add(made.extra))


def check_order(made: ModelFormat, precision: Precision, folder: Path, *, has_validation: bool) -> None:
    """Find what stands against an export before anything is computed.

    Args:
        made: the format.
        precision: of the file.
        folder: the folder that is to be made.
        has_validation: whether there are validation images.

    Raises:
        UsageError: if the format has no such precision, images are missing, or the folder is not empty.
        MissingExtraError: if packages are missing.
    """
    if precision not in made.precisions:
        raise UsageError(
            f"{made.title} is not written as {precision}.",
            remedy=f"Choose {' or '.join(made.precisions)}, or another format.",
        )
    if error := missing_packages(made, precision):
        raise error
    if precision == "int8" and not has_validation:
        raise UsageError(
            "int8 needs labelled images, on which its ranges are set and its accuracy is controlled.",
            remedy="Give a folder of validation images, none of which the model was trained on.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("There is something in this place already.", path=folder, remedy="Choose a new folder.")


def export_model(
    order: Order,
    made: ModelFormat,
    folder: Path,
    test: Pictures | None = None,
    um_per_pixel: float | None = None,
    say: Say = lambda _words: None,
) -> Exported:
    """Write a model into a new folder; there is no folder if its file does not do what it should.

    Args:
        order: the model, the precision and the images for it.
        made: the format.
        folder: the folder that is made.
        test: labelled images on which the file is compared and scored; else it is compared on the demonstration.
        um_per_pixel: physical scale of the tiles that the model was trained on, for WSInfer; None if not known.
        say: told what is under way.

    Raises:
        UsageError: if this can't be asked for.
        MissingExtraError: if packages are missing.
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if it has no graph, or no runtime can run it.
        ExportError: if the file can't be written, or is refused.
        WriteError: if the disk does not take it.
    """
    check_order(made, order.precision, folder, has_validation=order.validation is not None)
    make_folder(folder.absolute().parent)
    try:
        with tempfile.TemporaryDirectory(dir=folder.absolute().parent, prefix=f".{folder.name}-") as staged:
            parts, figures, notices = _write_all(order, made, Path(staged), test, um_per_pixel, say)
            if folder.exists():
                folder.rmdir()  # an empty one
            parts.replace(folder)
    except OSError as cause:
        raise cannot_write(folder, cause) from cause
    return Exported(folder, folder / made.file, figures, notices)


def remove_unfinished(folder: Path) -> None:
    """Remove what an export into this folder left beside it when its process was ended."""
    for left in folder.absolute().parent.glob(f".{glob.escape(folder.name)}-*"):
        shutil.rmtree(left, ignore_errors=True)


def _write_all(
    order: Order, made: ModelFormat, staged: Path, test: Pictures | None, um_per_pixel: float | None, say: Say
) -> tuple[Path, Figures, tuple[str, ...]]:
    """Write the folder of an export below another; return it with its figures and notices."""
    plain = staged / "float32"
    plain.mkdir()
    say(f"Writing {made.title}")
    made.write(order.bundle, plain / made.file)
    folder = plain
    if order.precision != "float32":
        folder = staged / order.precision
        folder.mkdir()
        say(f"Making it {order.precision}")
        made.write_smaller(plain / made.file, order, folder / made.file)
    say("Running it on real images")
    figures = _measured(order, made, plain, folder, test or demonstration_pictures(order.bundle.card.preprocessing))
    check(figures, order.precision, order.max_loss)
    return folder, figures, _write_beside(order, made, folder, figures, um_per_pixel)


def _measured(order: Order, made: ModelFormat, plain: Path, folder: Path, test: Pictures) -> Figures:
    """Label the file and run it, and the model itself, on the images."""
    path, before = folder / made.file, order.bundle.card.temperature
    model = load_runtime(order.bundle, threads=order.threads).forward
    temperature, scored = before, []
    if order.validation is not None and order.validation.labels is not None:
        found, expected = outputs(_raw(order, made, path), order.validation), outputs(model, order.validation)
        if order.precision == "int8":
            temperature = refitted_temperature(found, expected, order.validation.labels, before)
        scored.append(score(found, expected, order.validation, temperature, before))
    sizes = [_size(plain), _size(folder)]
    made.label(path, as_json(facts_of(order, made, temperature)))
    network = _raw(order, made, path)
    times = [latency_ms(network, test)]
    times.append(times[0] if folder == plain else latency_ms(_raw(order, made, plain / made.file), test))
    found, expected = outputs(network, test), outputs(model, test)
    if test.labels is not None:
        scored.append(score(found, expected, test, temperature, before))
    return Figures(
        bytes=sizes[1],
        bytes_float32=sizes[0],
        latency_ms=times[0],
        latency_float32_ms=times[1],
        threads=order.threads,
        processor=platform.processor() or platform.machine(),
        temperature=temperature,
        temperature_before=before,
        compared=compare(found, expected, test, temperature, before),
        scored=tuple(scored),
    )


def _raw(order: Order, made: ModelFormat, path: Path) -> Network:
    """Return the network of a file; its logits are raw also where the file divides them by the temperature."""
    network, factor = made.open(path, order.threads), np.float32(order.bundle.card.temperature)
    return (lambda image: network(image) * factor) if made.calibrated else network


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def facts_of(order: Order, made: ModelFormat, temperature: float) -> dict[str, Any]:
    """Return the facts of a file."""
    return model_facts(order.bundle, made, order.precision, 1.0 if made.calibrated else temperature)


def _write_beside(
    order: Order, made: ModelFormat, folder: Path, figures: Figures, um_per_pixel: float | None
) -> tuple[str, ...]:
    """Write what belongs to the model's file; return the notices for the reader."""
    card, notices = order.bundle.card, []
    facts = facts_of(order, made, figures.temperature)
    (folder / FACTS_FILE).write_text(as_json(facts), encoding="utf-8")
    (folder / FIGURES_FILE).write_text(as_json(asdict(figures)), encoding="utf-8")
    (folder / CARD_FILE).write_text(card_text(card), encoding="utf-8")
    if made.id == "torchscript" and suits_wsinfer(card):
        (folder / CONFIG_FILE).write_text(as_json(wsinfer_config(card, um_per_pixel)), encoding="utf-8")
        if um_per_pixel is None:
            notices.append(NO_SCALE)
    if card.preprocessing.exposure is not None:
        notices.append(NO_EXPOSURE)
    notices.append(NO_GATE)
    for name, text in examples(made, facts).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / README_FILE).write_text(readme(order.bundle, made, facts, figures, notices), encoding="utf-8")
    return tuple(notices)
