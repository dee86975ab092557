"""Small values that do not depend on what the image shows, such as sizes: computed, so that shapes can be inferred."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from onnx import NodeProto

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]  # None is an axis of unknown length

SMALL = 1024  # numbers in a value


def small_result(node: NodeProto, known: Mapping[str, Array], shapes: Mapping[str, Shape]) -> Array | None:
    """Return the result of an operation, or None where it is not known, not small, or not understood here.

    Args:
        node: the operation.
        known: the small values that are known so far.
        shapes: the shapes that are known so far.
    """
    from onnx import helper

    if len(node.output) != 1:
        return None
    try:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Shape":
            shape = shapes.get(node.input[0])
            if shape is None or None in shape:
                return None
            return np.asarray(shape[attributes.get("start", 0) : attributes.get("end")], dtype=np.int64)
        if node.op_type == "Constant":
            return _constant(attributes)
        if node.op_type not in OPERATIONS or any(name and name not in known for name in node.input):
            return None
        inputs = [known[name] if name else None for name in node.input]
        value = np.asarray(OPERATIONS[node.op_type](inputs, attributes))
        return value if value.size <= SMALL else None
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError, MemoryError):
        return None  # the inference of shapes says what is wrong with it


def _constant(attributes: dict[str, Any]) -> Array | None:
    from onnx import numpy_helper

    if "value" in attributes:
        tensor = attributes["value"]
        return numpy_helper.to_array(tensor) if math.prod(tensor.dims) <= SMALL else None
    (name,) = attributes
    kind = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32, "value_floats": np.float32}
    return np.asarray(attributes[name], dtype=kind[name])


def _axes(inputs: list[Any], attributes: dict[str, Any]) -> tuple[int, ...] | None:
    """Return the axes that an operation is told: by its second input, or by an attribute in older versions."""
    axes = inputs[1] if len(inputs) > 1 else attributes.get("axes")
    return None if axes is None else tuple(int(axis) for axis in axes)


def _reshape(inputs: list[Any], attributes: dict[str, Any]) -> Array:
    data, shape = inputs
    if not attributes.get("allowzero", 0):
        shape = [data.shape[i] if length == 0 else length for i, length in enumerate(shape)]
    return np.asarray(data.reshape([int(length) for length in shape]))


def _expand(inputs: list[Any], _attributes: dict[str, Any]) -> Array:
    data, shape = inputs
    return np.asarray(data * np.ones(_small(shape), dtype=data.dtype))


def _filled(inputs: list[Any], attributes: dict[str, Any]) -> Array:
    from onnx import numpy_helper

    value = numpy_helper.to_array(attributes["value"]) if "value" in attributes else np.zeros(1, np.float32)
    return np.full(_small(inputs[0]), value[0])


def _small(shape: Array) -> tuple[int, ...]:
    """Return a shape as it is; ValueError where it is not small."""
    lengths = tuple(int(length) for length in shape)
    if math.prod(lengths) > SMALL:
        raise ValueError
    return lengths


def _range(inputs: list[Any], _attributes: dict[str, Any]) -> Array:
    start, limit, step = (value.item() for value in inputs)
    if abs(limit - start) > SMALL * abs(step):
        raise ValueError
    return np.arange(start, limit, step, dtype=inputs[0].dtype)


def _slice(inputs: list[Any], attributes: dict[str, Any]) -> Array:
    data = inputs[0]
    if len(inputs) == 1:
        starts, ends, axes, steps = attributes["starts"], attributes["ends"], attributes.get("axes"), None
    else:
        starts, ends, axes, steps = (*inputs[1:], None, None)[:4]
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    where = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        where[int(axis)] = slice(int(start), int(end), int(step))
    return np.asarray(data[tuple(where)])


def _unsqueeze(inputs: list[Any], attributes: dict[str, Any]) -> Array:
    return np.expand_dims(inputs[0], _axes(inputs, attributes) or ())


def _divide(inputs: list[Any], _attributes: dict[str, Any]) -> Array:
    a, b = inputs
    if np.issubdtype(a.dtype, np.integer):
        return np.asarray(np.trunc(a / b)).astype(a.dtype)  # ONNX rounds towards zero
    return np.asarray(a / b)


def _cast(inputs: list[Any], attributes: dict[str, Any]) -> Array:
    from onnx import helper

    return np.asarray(inputs[0].astype(helper.tensor_dtype_to_np_dtype(attributes["to"])))


OPERATIONS: dict[str, Callable[[list[Any], dict[str, Any]], Any]] = {
    "Add": lambda i, _: i[0] + i[1],
    "Cast": _cast,
    "CastLike": lambda i, _: i[0].astype(i[1].dtype),
    "Ceil": lambda i, _: np.ceil(i[0]),
    "Concat": lambda i, a: np.concatenate(i, axis=a["axis"]),
    "ConstantOfShape": _filled,
    "Div": _divide,
    "Equal": lambda i, _: i[0] == i[1],
    "Expand": _expand,
    "Floor": lambda i, _: np.floor(i[0]),
    "Gather": lambda i, a: np.take(i[0], i[1], axis=a.get("axis", 0)),
    "Greater": lambda i, _: i[0] > i[1],
    "Identity": lambda i, _: i[0],
    "Less": lambda i, _: i[0] < i[1],
    "Max": lambda i, _: np.maximum.reduce(i),
    "Min": lambda i, _: np.minimum.reduce(i),
    "Mod": lambda i, a: (np.fmod if a.get("fmod") else np.mod)(i[0], i[1]),
    "Mul": lambda i, _: i[0] * i[1],
    "Neg": lambda i, _: -i[0],
    "Not": lambda i, _: ~i[0],
    "Range": _range,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": lambda i, a: np.squeeze(i[0], _axes(i, a)),
    "Sub": lambda i, _: i[0] - i[1],
    "Transpose": lambda i, a: np.transpose(i[0], a.get("perm")),
    "Unsqueeze": _unsqueeze,
    "Where": lambda i, _: np.where(i[0], i[1], i[2]),
}
