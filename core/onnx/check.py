"""A graph from a stranger, checked before any runtime sees it: bounded, plain, and closed within its own folder.

What ONNX can do beyond a classifier's arithmetic is refused: code of other libraries, control flow, training, chance,
text, and files outside the bundle.
"""

from __future__ import annotations

import stat
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BundleError
from core.onnx.folding import Shape
from core.onnx.operators import ALLOWED, MOST_INPUTS, MOST_OUTPUTS, ZERO_ATTRIBUTES
from core.onnx.parts import ASK, EXPORT, MAX_NAME, axes, check_parts, shown
from core.onnx.shapes import count_macs, elements, image_inputs, infer_shapes
from core.onnx.tensors import check_tensor

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

LOGITS, MAPS = "logits", "maps"
MAX_GRAPH_BYTES = 4_000_000  # decoded, a message can take fifty times its bytes
MAX_NODES = 20_000
MAX_TENSORS = 20_000
MAX_LIST = 4096  # numbers in an attribute
MAX_PIXELS = 4096  # of a side of the input
MAX_VALUE = 1 << 27  # numbers in one value, for one image
MAX_MACS = 10**13  # operations for one image; the largest vision transformers take some 10^12
OPSETS = (9, 23)


def check_graph(path: Path, files: Collection[str]) -> None:
    """Check that a graph is a bounded classifier of one image that reads nothing outside its bundle.

    Args:
        path: the ``.onnx`` file.
        files: names of the files beside it that may hold its weights.

    Raises:
        BundleError: if it is not; the message says what is wrong.
    """
    read_checked_graph(path, files)


def read_checked_graph(path: Path, files: Collection[str]) -> ModelProto:
    """Return a graph that :func:`check_graph` accepts; weights that lie in other files are not read.

    Raises:
        BundleError: as :func:`check_graph`.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        content = _read(path)
        model = ModelProto()
        try:
            model.ParseFromString(content)
        except DecodeError as cause:
            raise BundleError("The file is not an ONNX graph.", remedy=ASK) from cause
        _check_model(model, path.parent, files)
    except BundleError as error:
        raise BundleError(
            error.problem, path=path if error.path is None else error.path, remedy=error.remedy
        ) from error
    return model


def _read(path: Path) -> bytes:
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):  # reading a pipe would never end
            raise BundleError("The graph is not a file but a link, folder or device.", remedy=ASK)
        if about.st_size > MAX_GRAPH_BYTES:
            raise BundleError(
                f"The graph has {about.st_size:,} bytes; {MAX_GRAPH_BYTES:,} are allowed without the weights.",
                remedy="Import it, which puts the weights into a file of their own.",
            )
        return path.read_bytes()
    except OSError as cause:
        raise BundleError(f"The graph can't be read ({cause.strerror}).", remedy="Check the file.") from cause


def _check_model(model: ModelProto, folder: Path, files: Collection[str]) -> None:
    graph = model.graph
    check_operations(model)
    for tensor in graph.initializer:
        check_tensor(tensor, folder, files)
    _check_input(graph)
    _check_outputs(graph)
    _check_sizes(model)


def check_operations(model: ModelProto) -> None:
    """Check all of a graph but its inputs, its outputs, its sizes, and where its weights lie.

    Raises:
        BundleError: if it is too long, or holds what a classifier does not need.
    """
    graph = model.graph
    _check_amounts(graph)
    for message in (model, graph, *model.opset_import, *graph.input, *graph.output, *graph.value_info):
        check_parts(message)
    _check_versions(model)
    initialisers: set[str] = set()
    for tensor in graph.initializer:
        check_parts(tensor)
        if tensor.name in initialisers:
            raise BundleError(f"Two weights are called {shown(tensor.name)}.", remedy=ASK)
        initialisers.add(tensor.name)
    _check_nodes(model, initialisers)


def _check_amounts(graph: GraphProto) -> None:
    for what, found, most in (("operations", graph.node, MAX_NODES), ("weights", graph.initializer, MAX_TENSORS)):
        if len(found) > most:
            raise BundleError(f"The graph has {len(found):,} {what}; {most:,} are allowed.", remedy=ASK)
    if not graph.node:
        raise BundleError("The graph is empty.", remedy=ASK)


def _check_versions(model: ModelProto) -> None:
    import onnx

    if not 3 <= model.ir_version <= onnx.IR_VERSION:
        raise BundleError(
            f"The graph has version {model.ir_version} of ONNX's format; 3 to {onnx.IR_VERSION} can be read.",
            remedy="Update Twinlens, or export the model for an older version of ONNX.",
        )
    for wanted in model.opset_import:
        if wanted.domain not in {"", "ai.onnx"}:
            raise BundleError(
                f"The graph needs operators of another library, {shown(wanted.domain)}.",
                remedy="Export the model with ONNX's own operators only.",
            )
    versions = [wanted.version for wanted in model.opset_import]
    if len(versions) != 1 or not OPSETS[0] <= versions[0] <= OPSETS[1]:
        raise BundleError(
            f"The graph uses the operator sets {versions}; one of {OPSETS[0]} to {OPSETS[1]} is allowed.",
            remedy="Export the model with opset_version=18.",
        )


def _check_input(graph: GraphProto) -> None:
    import onnx

    inputs = image_inputs(graph)
    if len(inputs) != 1:
        raise BundleError(f"The graph has {len(inputs)} inputs instead of one image.", remedy=EXPORT)
    (image,) = inputs
    dims = image.type.tensor_type.shape.dim
    shape = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    if image.type.tensor_type.elem_type != onnx.TensorProto.FLOAT or len(shape) != 4 or shape[1] != 3:
        raise BundleError(
            f"The graph's input is not a float32 image of shape (N, 3, H, W) but {axes(shape)}.", remedy=EXPORT
        )
    if shape[0] not in {None, 1}:
        raise BundleError(
            f"The graph takes {shape[0]} images at a time, no more and no fewer.",
            remedy="Export the model with a dynamic batch axis.",
        )
    if any(side is None or not 1 <= side <= MAX_PIXELS for side in shape[2:]):
        raise BundleError(
            f"The graph's input has no fixed size of up to {MAX_PIXELS} pixels: {axes(shape)}.",
            remedy="Export the model for images of one size.",
        )


def _check_nodes(model: ModelProto, initialisers: Collection[str]) -> None:
    """Check each operation, and that it uses only what came before: then there is no cycle."""
    import onnx

    context = onnx.checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {"": model.opset_import[0].version}
    graph = model.graph
    known = {*initialisers, *(value.name for value in graph.input)}
    for node in graph.node:
        _check_node(node)
        try:
            onnx.checker.check_node(node, context)
        except onnx.checker.ValidationError as cause:
            said = " ".join(str(cause).split())[:300]
            raise BundleError(f"The operation {shown(node.name)} is not valid ONNX ({said}).", remedy=ASK) from cause
        for name in filter(None, node.input):
            if name not in known:
                raise BundleError(
                    f"The operation {shown(node.name)} uses {shown(name)} before it exists: the graph is cyclic, "
                    "unordered or incomplete.",
                    remedy=ASK,
                )
        for name in filter(None, node.output):
            if name in known:
                raise BundleError(f"Two values are called {shown(name)}.", remedy=ASK)
            known.add(name)


def _check_outputs(graph: GraphProto) -> None:
    made = {name for node in graph.node for name in node.output}
    names = [value.name for value in graph.output]
    if names not in ([LOGITS], [LOGITS, MAPS]) or not made.issuperset(names):
        raise BundleError(
            f"The graph's outputs are {', '.join(map(shown, names[:5])) or 'none'}; they must be {LOGITS}, or {LOGITS} "
            f"and {MAPS}.",
            remedy="Import it, which names its outputs.",
        )


def _check_node(node: NodeProto) -> None:
    check_parts(node)
    kind = node.op_type
    if node.domain not in {"", "ai.onnx"} or kind not in ALLOWED:
        full = f"{node.domain}.{kind}" if node.domain else kind
        raise BundleError(
            f"The graph uses the operator {shown(full)}, which is not allowed.",
            remedy="Export the model for inference, with ONNX's own arithmetic only.",
        )
    for attribute in node.attribute:
        check_parts(attribute)
        if len(attribute.s) > MAX_NAME or any(
            len(values) > MAX_LIST for values in (attribute.floats, attribute.ints, attribute.strings)
        ):
            raise BundleError(
                f"The operation {shown(node.name)} has an oversized attribute, {shown(attribute.name)}.", remedy=ASK
            )
        if attribute.HasField("t"):
            check_tensor(attribute.t, Path(), ())
    learns = (
        len(node.input) > MOST_INPUTS.get(kind, len(node.input))
        or len(node.output) > MOST_OUTPUTS.get(kind, len(node.output))
        or any(a.name == ZERO_ATTRIBUTES.get(kind) and a.i for a in node.attribute)
    )
    if learns:
        raise BundleError(f"The operation {shown(node.name)} ({kind}) is set to training.", remedy=EXPORT)


def _check_sizes(model: ModelProto) -> None:
    """Check the size of each value for one image, the operations, and the shapes of the outputs."""
    shapes = infer_shapes(model)
    for node in model.graph.node:
        for name in filter(None, node.output):
            amount = elements(shapes.get(name, (None,)))
            if amount is None:
                raise BundleError(
                    f"How large {shown(name)} ({node.op_type}) is can't be told from the graph.",
                    remedy="Export the model for images of one size, simplified (e.g. optimize=True).",
                )
            if amount > MAX_VALUE:
                raise BundleError(
                    f"{shown(name)} ({node.op_type}) has {amount:,} numbers; {MAX_VALUE:,} are allowed.", remedy=ASK
                )
    if (macs := count_macs(model, shapes)) > MAX_MACS:
        raise BundleError(f"One image takes {macs:.1e} operations; {MAX_MACS:.0e} are allowed.", remedy=ASK)
    wanted = {LOGITS: "(N, classes)", MAPS: "(N, K, h, w)"}
    for value in model.graph.output:
        found = shapes[value.name]
        if not _is_output(value, found):
            raise BundleError(
                f"The output {value.name} has the shape {axes(found)} for one image, not {wanted[value.name]} in "
                "float32.",
                remedy=EXPORT,
            )


def _is_output(value: ValueInfoProto, shape: Shape) -> bool:
    import onnx

    if value.type.tensor_type.elem_type != onnx.TensorProto.FLOAT or shape[:1] != (1,):
        return False
    if value.name == LOGITS:
        return len(shape) == 2 and (shape[1] or 0) >= 2
    return len(shape) == 4 and all(shape)
