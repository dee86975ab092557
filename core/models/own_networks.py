"""A user's own network, trained anywhere, from its ONNX file to a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import BundleError, UsageError
from core.images.preprocessing import Preprocessing
from core.models.architectures import IMPORTED
from core.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle
from core.models.bundle_writing import write_card
from core.models.card import Card, Training
from core.models.catalogue import install
from core.models.own_form import Form, identifier
from core.models.probe import probe_input
from core.names import readable
from core.onnx import shapes
from core.onnx.cam_tensor import CamTensor, find_cam_tensors, with_maps, without_maps
from core.onnx.check import LOGITS, MAPS
from core.onnx.evaluate import Evaluate, FloatArray, evaluator
from core.onnx.foreign import ForeignGraph, read_foreign, write_graph
from core.onnx.proof import FOLLOWS, follows
from core.tasks import is_shipped

if TYPE_CHECKING:
    from onnx import ModelProto

MOST_TRIED = 6  # tensors that are tried as feature maps
BATCH_TOLERANCE = 1e-3  # of a logit, relative to the largest above 1
SUM_TOLERANCE = 1e-3  # of probabilities that add up to 1; a softmax at the end was taken off before
NOT_STATED = "Not stated by whoever made the model."
FLOAT16 = 10  # of ONNX's types of numbers
NO_MAPS = "none"  # chosen in place of a tensor: no heat maps


@dataclass(frozen=True)
class Explained:
    """What a graph's heat maps are made of.

    Attributes:
        tensor: the value, or None where the model can't be explained.
        follows: how well it follows a moving patch, see :func:`core.onnx.proof.follows`.
        others: the other values that can be read as maps.
    """

    tensor: CamTensor | None
    follows: float
    others: tuple[CamTensor, ...]

    @property
    def sentence(self) -> str:
        """The result, for a person."""
        if self.tensor is None:
            return "No tensor follows a patch that moves over an image, so there are no heat maps."
        return (
            f"Heat maps are made of {self.tensor.description}; they follow a patch that moves over an image "
            f"(correlation {self.follows:.2f})."
        )


def import_onnx(
    source: Path, form: Form, try_out: Callable[[Bundle], object], graph: ForeignGraph | None = None
) -> tuple[Bundle, Explained]:
    """Make a classifier's ONNX file a bundle of the user's own.

    Args:
        source: the file.
        form: what it is.
        try_out: runs the bundle once, as :func:`core.runtimes.load.load_runtime` does, or raises an error.
        graph: the file as :func:`core.onnx.foreign.read_foreign` returned it, if it has been read.

    Returns:
        The bundle, and what its heat maps are made of.

    Raises:
        BundleError: if the file is not a classifier with these classes, or the tensor that was chosen is none of its
            feature maps.
        UsageError: if the form does not fit.
        WriteError: if it can't be written; nothing is left behind then.
    """
    graph = graph or read_foreign(source, len(form.classes), form.size)
    if graph.classes != len(form.classes):
        raise UsageError(
            f"The model tells {graph.classes} classes, and {len(form.classes)} are named.",
            remedy="Name them in the order of its outputs.",
        )
    how = form.preprocessing(graph.size)
    found = []

    def fill(folder: Path) -> None:
        explained = explain(graph, how, folder, form.tensor)
        found.append(explained)
        model = without_maps(graph.model) if explained.tensor is None else with_maps(graph.model, explained.tensor)
        write_graph(model, graph.weights, folder / GRAPH_FILE, folder / WEIGHTS_FILE)
        probe = _independent_logits(model, how, folder)
        write_card(folder, _card(source, form, graph, model, how, explained, probe))

    return install(source, fill, try_out), found[0]


def explain(graph: ForeignGraph, how: Preprocessing, folder: Path, wanted: str | None = None) -> Explained:
    """Find the tensor of a graph that heat maps are made of, and prove it by moving a patch.

    Args:
        graph: the graph.
        how: its preprocessing.
        folder: where it may be written to be run.
        wanted: the name of the value to take, ``none``, or None for the first that is proved.

    Raises:
        BundleError: if the value that is wanted does not follow the patch, or there is none of this name.
    """
    candidates = find_cam_tensors(graph.model)
    if wanted == NO_MAPS:
        return Explained(None, 0, candidates)
    if wanted is not None and wanted not in {tensor.value for tensor in candidates}:
        named = ", ".join(dict.fromkeys(tensor.value for tensor in candidates)) or "none"
        raise BundleError(f"No feature maps can be read from {wanted!r}.", remedy=f"Those that can be read: {named}.")
    best = 0.0
    tried = [t for t in candidates if t.value == wanted] if wanted else list(candidates[:MOST_TRIED])
    for tensor in tried:
        model = with_maps(graph.model, tensor)
        write_graph(model, graph.weights, folder / GRAPH_FILE, folder / WEIGHTS_FILE)
        run = evaluator(folder / GRAPH_FILE, _pointed(folder), [MAPS])
        score = follows(partial(_maps, run), probe_input(how)[0])
        best = max(best, score)
        if score >= FOLLOWS:
            return Explained(tensor, score, tuple(other for other in candidates if other != tensor))
    if wanted:
        raise BundleError(
            f"The maps read from {wanted!r} do not follow a patch that moves over an image (correlation {best:.2f}).",
            remedy="Choose another tensor, or none.",
        )
    return Explained(None, best, candidates)


def _maps(run: Evaluate, batch: FloatArray) -> FloatArray:
    return run(batch)[MAPS]


def _pointed(folder: Path) -> ModelProto:
    import onnx

    return onnx.load(folder / GRAPH_FILE, load_external_data=False)


def _independent_logits(model: ModelProto, how: Preprocessing, folder: Path) -> tuple[float, ...]:
    """Return OpenVINO's logits of the probe, after checking that an image's do not depend on others in its batch.

    Raises:
        BundleError: if they do, are not finite, or are probabilities.
    """
    run = evaluator(folder / GRAPH_FILE, _pointed(folder), [LOGITS])
    probe = probe_input(how)
    expected = np.concatenate([run(image)[LOGITS] for image in (probe, -probe)])
    if not np.isfinite(expected).all():
        raise BundleError("The model's logits are not finite.", remedy="Check the model where it was trained.")
    if expected.min() >= 0 and np.abs(expected.sum(axis=1) - 1).max() < SUM_TOLERANCE:
        raise BundleError(
            "The model returns probabilities, not logits: each is above 0, and they add up to 1.",
            remedy="Export it without its last activation; in Keras: model.layers[-1].activation = None.",
        )
    first = tuple(expected[0].tolist())
    if shapes.takes_one_image(model.graph):
        return first
    remedy = "Export the model again, with a dynamic batch axis."
    try:
        together = run(np.concatenate([probe, -probe]))[LOGITS]
    except BundleError as cause:
        raise BundleError("The model does not take several images at a time, as it says.", remedy=remedy) from cause
    if np.abs(together - expected).max() > BATCH_TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise BundleError("The logits of an image depend on the other images in its batch.", remedy=remedy)
    return first


def _card(
    source: Path,
    form: Form,
    graph: ForeignGraph,
    model: ModelProto,
    how: Preprocessing,
    explained: Explained,
    probe: tuple[float, ...],
) -> Card:
    half = any(tensor.data_type == FLOAT16 for tensor in model.graph.initializer)
    return Card(
        **stated_card(source, form, " ".join((*graph.changes, explained.sentence)), graph.made_by),
        network=f"{IMPORTED}{identifier(form.name)}",
        preprocessing=how,
        storage="float16" if half else "float32",
        parameters=max(1, shapes.count_parameters(model)),
        macs=max(1, shapes.count_macs(model, shapes.infer_shapes(model))),
        probe_logits=probe,
        graph_sha256="0" * 64,
    )


def stated_card(source: Path, form: Form, method: str, made_by: str) -> dict[str, Any]:
    """Return the parts of a card that are known of any network of a user's own."""
    task = form.task
    return {
        "task": task.id,
        "definition": None if is_shipped(task) else task,
        "classes": form.classes,
        "role": form.role,
        "training": Training(
            data=NOT_STATED,
            method=f"Not trained by Twinlens. {method}"[:1000],
            made_by=(made_by or "another program")[:200],
            made_on=datetime.now(UTC).date(),
        ),
        "intended_use": NOT_STATED,
        "limits": (f"Imported from {readable(source.name)}: nothing was measured. It is not calibrated.",),
        "licence": NOT_STATED,
        "weights_sha256": "0" * 64,
    }
