"""Computes what a network computes from its weights alone, such as their unpacking, once and in small steps.

OpenVINO's own pass, ``ConstantFolding``, does so in one call that no other thread of Python can interrupt: the window
would stand still meanwhile. Here each node is a call of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import openvino


def fold_constants(network: openvino.Model) -> None:
    """Replace every node whose inputs are known, shapes of tensors among them, by its values; the network is changed.

    What OpenVINO can't evaluate stays as it is.
    """
    for node in network.get_ordered_ops():
        found = _values(node)
        for output, value in zip(node.outputs(), found, strict=False):
            output.replace(value.output(0))


def _values(node: openvino.Node) -> list[openvino.Node]:
    """Return constants with a node's outputs, or nothing where they depend on the image."""
    import openvino
    from openvino import opset13

    inputs = [value.get_node() for value in node.input_values()]
    if node.get_type_name() == "ShapeOf" and node.input(0).get_partial_shape().is_static:
        shape = np.array(list(node.input(0).get_shape()), node.output(0).get_element_type().to_dtype())
        return [opset13.constant(shape)]
    if not inputs or any(one.get_type_name() != "Constant" for one in inputs):
        return []
    found = [openvino.Tensor(value.get_element_type(), value.get_shape()) for value in node.outputs()]
    if not node.evaluate(found, [openvino.Tensor(one.data) for one in inputs]):
        return []
    return [openvino.op.Constant(value) for value in found]
