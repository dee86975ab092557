"""``import`` of a network of the user's own: what is stated on the command line, as the form that the import takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UsageError

if TYPE_CHECKING:
    from core.models.own_form import Form
    from core.onnx.foreign import ForeignGraph

OWN_MODELS = (".onnx", ".safetensors")
USUAL_SIDE = 224  # of the input in pixels, where a file leaves it open and nobody has said


@dataclass(frozen=True)
class Stated:
    """The options of ``import`` for a network of the user's own, as they were written; empty or 0 if they were not."""

    classes: str = ""
    task: str = ""
    new_task: str = ""
    grey: bool = False
    role: str = "student"
    name: str = ""
    size: int = 0
    mean: str = ""
    std: str = ""
    tensor: str = ""


def import_own(source: Path, said: Stated, calibrate: Path | None = None) -> Iterator[str]:
    """Import a network of the user's own, yielding what to say of it.

    Args:
        source: an ``.onnx`` file, or weights of one of timm's networks (``.safetensors``).
        said: the options.
        calibrate: a folder of images by class, to which temperature, plausible classes and gate are
            fitted; or None.

    Raises:
        TwinlensError: if that is not possible; nothing is left behind then.
    """
    from core.models.own_networks import import_onnx
    from core.runtimes.load import load_runtime

    if source.suffix.lower() == ".onnx":
        from core.onnx.foreign import read_foreign

        graph = read_foreign(source, None, (said.size, said.size) if said.size else None)
        form = _form(source, said, graph)
        bundle, explained = import_onnx(source, form, load_runtime, graph)
        yield f"Imported {bundle.id} to {bundle.directory}"
        yield from (f"  {change}" for change in graph.changes)
        yield f"  {explained.sentence}"
        if explained.others:
            yield "  Others, for --tensor:"
            yield from (f"    {tensor.value}: {tensor.description}" for tensor in explained.others[:5])
    else:
        from core.models.timm_import import import_timm, timm_form

        form = _form(source, said, None)
        form = form if said.mean or said.std else timm_form(form)
        bundle = import_timm(source, form, load_runtime)
        yield f"Imported {bundle.id} to {bundle.directory}"
    yield f"  input: {bundle.card.preprocessing.in_words()}"
    yield f"  classes: {', '.join(form.classes)}"
    if calibrate is not None:
        from core.compare.calibration_folder import calibrate as fit

        _bundle, lines = fit(bundle, calibrate)
        yield from (f"  {line}" for line in lines)


def inspect(source: Path, side: int = 0) -> dict[str, object]:
    """Return what can be told of a file before its classes are named, for the window's form.

    Keys: ``classes`` (how many), ``size`` (height and width), ``tensors`` (value and description of what can be read as
    feature maps), ``changes``, ``made_by``, and ``said``, what the file says of itself. Empty for weights of timm.

    Args:
        source: an ``.onnx`` file, or weights of one of timm's networks.
        side: of the input in pixels, where the file leaves it open; 0 for ``USUAL_SIDE``.

    Raises:
        BundleError: if it is no classifier of one image.
    """
    from core.models.own_form import stated_in
    from core.onnx.cam_tensor import find_cam_tensors
    from core.onnx.foreign import read_foreign

    if source.suffix.lower() != ".onnx":
        return {}
    graph = read_foreign(source, None, (side, side) if side else None, USUAL_SIDE)
    return {
        "classes": graph.classes,
        "size": graph.size,
        "tensors": [[tensor.value, tensor.description] for tensor in find_cam_tensors(graph.model)],
        "changes": graph.changes,
        "made_by": graph.made_by,
        "said": stated_in(graph.metadata),
    }


def _form(source: Path, said: Stated, graph: ForeignGraph | None) -> Form:
    from core.models.catalogue import find_task
    from core.models.own_form import Form, stated_in

    guessed = stated_in(graph.metadata) if graph is not None else {}
    if bool(said.task) == bool(said.new_task):
        raise UsageError("Which task is it for?", remedy="Give --task with an installed one, or --new-task NAME.")
    if said.role not in {"teacher", "student"}:
        raise UsageError(f"There is no role {said.role!r}.", remedy="Give --role teacher or --role student.")
    if graph is None and not said.name:
        raise UsageError("Which of timm's networks is it?", remedy="Give --name, e.g. --name resnet50.")
    named = tuple(filter(None, (label.strip() for label in said.classes.split(","))))
    classes = named or guessed.get("classes") or (find_task(said.task).class_ids if said.task else ())
    if not classes:
        raise UsageError("Which classes does it tell?", remedy="Give --classes, in the order of the model's outputs.")
    return Form.of(
        classes=classes,
        task=said.task,
        new_task=said.new_task,
        colour=not said.grey,
        role="teacher" if said.role == "teacher" else "student",
        name=said.name or source.stem,
        mean=_numbers("mean", said.mean) or guessed.get("mean"),
        std=_numbers("std", said.std) or guessed.get("std"),
        size=(said.size, said.size) if said.size else None,
        tensor=said.tensor or None,
    )


def _numbers(what: str, text: str) -> tuple[float, float, float] | None:
    """Return three numbers, or one three times."""
    if not text:
        return None
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) not in {1, 3}:
        raise UsageError(f"--{what} {text!r} is not a number for each channel.", remedy=f"E.g. --{what} 0.5,0.5,0.5.")
    return found[0], found[len(found) // 2], found[-1]
