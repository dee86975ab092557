"""A classifier's graph from any exporter, brought to a bundle's form: ``image`` (N, 3, H, W) to ``logits`` (N, C)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from core.errors import BundleError
from core.onnx.batch import free_batch
from core.onnx.check import LOGITS, MAPS
from core.onnx.parts import EXPORT, axes
from core.onnx.shapes import image_inputs, infer_shapes, shape_of, takes_one_image

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

IMAGE = "image"
BATCH = "N"
MOVING = ("Identity", "Dropout", "Cast", "Reshape", "Flatten", "Squeeze", "Transpose")  # may come after the softmax
SMALLEST_IR = 8  # from 4 on, weights need not be inputs


def standardise(
    model: ModelProto, classes: int | None, size: tuple[int, int] | None = None, side: int = 0
) -> tuple[str, ...]:
    """Bring a graph to the form that :func:`core.onnx.check.check_graph` wants; it is changed in place.

    The input may have its channels last, be grey, or be float16. The batch may be fixed to one image. The output may be
    called anything, have two axes of length 1 at the end, or come from a softmax, which is taken away. What the logits
    do not need goes.

    Args:
        model: the graph, stripped and without large weights.
        classes: how many classes it is expected to tell, or None for any number.
        size: height and width of the image, where the graph leaves them open.
        side: height and width where both leave them open; 0 for an error.

    Returns:
        What was changed, in sentences for a person.

    Raises:
        BundleError: if the graph is no classifier of one image with so many classes.
    """
    graph = model.graph
    for taken in (IMAGE, LOGITS, MAPS):
        _rename(graph, taken, f"{taken}.0")
    said = _standard_input(graph, size, side)
    shapes = infer_shapes(model)
    said += _standard_output(model, classes, {name: shape for name, shape in shapes.items() if shape})
    _prune(graph)
    if takes_one_image(graph):
        said.append(_several_images(model))
    return tuple(said)


def _several_images(model: ModelProto) -> str:
    """Let a graph take any number of images where its shapes allow it, and else state that it takes one; say which."""
    import onnx

    freed = onnx.ModelProto()
    freed.CopyFrom(model)
    free_batch(freed.graph)
    for value in (*freed.graph.input, *freed.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    with suppress(BundleError):
        if infer_shapes(freed, images=2)[LOGITS][:1] == (2,):
            model.CopyFrom(freed)
            return "It took one image at a time, and takes any number now."
    for value in model.graph.output:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return "It takes one image at a time."


def strip(model: ModelProto) -> None:
    """Remove what only describes, operator sets that are not used, and weights from the inputs."""
    graph = model.graph
    used = {node.domain for node in graph.node}
    model.ir_version = max(model.ir_version, SMALLEST_IR)
    sets = [wanted for wanted in model.opset_import if wanted.domain in {"", "ai.onnx"} or wanted.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(sets)
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:], graph.quantization_annotation[:]
    model.doc_string = graph.doc_string = ""
    inputs = image_inputs(graph)
    del graph.input[:]
    graph.input.extend(inputs)
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]


def _rename(graph: GraphProto, old: str, new: str) -> None:
    for value in (*graph.input, *graph.output, *graph.initializer):
        if value.name == old:
            value.name = new
    for node in graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name == old:
                    names[i] = new


def _standard_input(graph: GraphProto, size: tuple[int, int] | None, side: int) -> list[str]:
    """Put an input ``image`` (N, 3, H, W) in float32 before the graph's own; say what that took."""
    import onnx
    from onnx import TensorProto, helper

    if len(graph.input) != 1:
        raise BundleError(f"The graph has {len(graph.input)} inputs instead of one image.", remedy=EXPORT)
    (own,) = graph.input
    kind = own.type.tensor_type.elem_type
    shape = shape_of(own) or ()
    if len(shape) != 4 or kind not in {TensorProto.FLOAT, TensorProto.FLOAT16}:
        raise BundleError(
            f"The graph's input is not an image of floating-point numbers (N, 3, H, W) but {axes(shape)}.",
            remedy=EXPORT,
        )
    last = shape[1] not in {1, 3} and shape[3] in {1, 3}
    batch, channels, *own_size = (shape[0], shape[3], *shape[1:3]) if last else shape
    if channels not in {1, 3, None}:
        raise BundleError(f"The graph's input has {channels} channels, not 1 or 3: {axes(shape)}.", remedy=EXPORT)
    if batch not in {None, 1}:
        raise BundleError(
            f"The graph takes {batch} images at a time.", remedy="Export the model with a dynamic batch axis."
        )
    height, width = _size(own_size, size, side)
    said: list[str] = []
    nodes: list[NodeProto] = []
    now = IMAGE

    def add(what: str, node: NodeProto) -> None:
        nonlocal now
        node.input.insert(0, now)
        now = f"{IMAGE}.{len(nodes) + 1}"
        node.output.append(now)
        node.name = now
        nodes.append(node)
        said.append(what)

    if channels == 1:
        for name, number in (("first", 0), ("second", 1)):
            graph.initializer.append(helper.make_tensor(f"{IMAGE}.{name}", TensorProto.INT64, [1], [number]))
        ends = [f"{IMAGE}.first", f"{IMAGE}.second", f"{IMAGE}.second"]
        add("It takes grey images: one of three equal channels.", helper.make_node("Slice", ends, []))
    if last:
        add("It takes the channels last.", helper.make_node("Transpose", [], [], perm=[0, 2, 3, 1]))
    if kind == TensorProto.FLOAT16:
        add("It computes in float16.", helper.make_node("Cast", [], [], to=TensorProto.FLOAT16))
    _rename(graph, own.name, now)
    image = helper.make_tensor_value_info(IMAGE, TensorProto.FLOAT, [batch or BATCH, 3, height, width])
    del graph.input[:]
    graph.input.append(image)
    own_nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend([*nodes, *own_nodes])
    return said


def _size(own: list[int | None], wanted: tuple[int, int] | None, side: int) -> tuple[int, int]:
    """Return height and width of the input: the graph's, or what is wanted where it leaves them open."""
    found = [mine or asked or side or None for mine, asked in zip(own, wanted or (None, None), strict=True)]
    if None in found:
        raise BundleError("The graph takes images of any size.", remedy="Say which: --size 224.")
    height, width = (length or 0 for length in found)
    if wanted is not None and (height, width) != wanted:
        raise BundleError(
            f"The graph takes images of {width} × {height} pixels, not {wanted[1]} × {wanted[0]}.",
            remedy="Leave --size out, or export the model for this size.",
        )
    return height, width


def _standard_output(model: ModelProto, classes: int | None, shapes: dict[str, tuple[int | None, ...]]) -> list[str]:
    """Make ``logits`` (N, C) in float32 the only output; say what that took."""
    from onnx import TensorProto, helper

    graph = model.graph
    found = [(value.name, shapes.get(value.name, ())) for value in graph.output]
    fitting = [(name, shape[1]) for name, shape in found if _tells(shape, classes)]
    if not fitting:
        there = ", ".join(axes(shape) for _name, shape in found[:5]) or "nothing"
        raise BundleError(
            f"The graph has no output for {classes or 'two or more'} classes; for one image it returns {there}.",
            remedy="Name as many classes as the model tells, in the order of its outputs.",
        )
    said: list[str] = []
    now, classes = fitting[0]
    while last := _last_activation(graph, now):
        if last.op_type == "Sigmoid":
            raise BundleError(
                "The graph ends in a sigmoid: it tells of each class on its own whether it is there.",
                remedy="Twinlens takes models of which one class is right. Train it with a softmax.",
            )
        said = ["It ends in a softmax, which is taken off: Twinlens calibrates it itself."]
        _bypass(graph, last)
        now = last.input[0] if now == last.output[0] else now
    if len(shapes.get(now, ())) > 2:
        graph.node.append(helper.make_node("Flatten", [now], [f"{LOGITS}.flat"], f"{LOGITS}.flat"))
        now = f"{LOGITS}.flat"
    graph.node.append(helper.make_node("Cast", [now], [LOGITS], LOGITS, to=TensorProto.FLOAT))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, [BATCH, classes]))
    return said


def _last_activation(graph: GraphProto, name: str) -> NodeProto | None:
    """Return the softmax or sigmoid that a value is the result of, moved at most, or None."""
    made = {output: node for node in graph.node for output in node.output}
    node = made.get(name)
    while node is not None and node.op_type in MOVING:
        node = made.get(node.input[0])
    return node if node is not None and node.op_type in {"Softmax", "LogSoftmax", "Sigmoid"} else None


def _bypass(graph: GraphProto, node: NodeProto) -> None:
    """Let what takes the result of an operation take what goes into it."""
    for other in graph.node:
        for i, name in enumerate(other.input):
            if name == node.output[0]:
                other.input[i] = node.input[0]


def _tells(shape: tuple[int | None, ...], classes: int | None) -> bool:
    """Return whether an output of this shape, for one image, tells so many classes; None stands for two or more."""
    if len(shape) < 2 or shape[0] != 1 or any(length != 1 for length in shape[2:]):
        return False
    return (shape[1] or 0) >= 2 if classes is None else shape[1] == classes


def _prune(graph: GraphProto) -> None:
    """Remove operations and weights that the logits do not need."""
    needed = {LOGITS}
    nodes: list[NodeProto] = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    weights: list[TensorProto] = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes[::-1])
    graph.initializer.extend(weights)
