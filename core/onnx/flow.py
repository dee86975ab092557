"""How a graph computes its logits from the image: the values that everything passes through."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from core.onnx.shapes import image_inputs

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

SIZES = frozenset({"Shape", "Size"})  # their results depend on how large the image is, not on what it shows


def bottlenecks(graph: GraphProto, result: str) -> list[tuple[NodeProto, str]]:
    """Return the values through which every path from the image to a result passes, with the operation that makes each.

    An operation on such a path comes either before or after such a value. So the values are found in one pass: after
    one is made, nothing else that was made before it is still needed.

    Args:
        graph: a graph in topological order, as ONNX requires.
        result: name of the value that is computed, e.g. ``logits``.

    Returns:
        The values from the image to the result, which is the last.
    """
    nodes = _between(graph, result)
    uses = Counter(name for node in nodes for name in set(node.input))
    uses[result] += 1
    waiting = {value.name for value in image_inputs(graph)}
    found = []
    for node in nodes:
        for name in set(node.input) & waiting:
            uses[name] -= 1
            if not uses[name]:
                waiting.discard(name)
        made = [name for name in node.output if uses[name]]
        waiting.update(made)
        if len(waiting) == 1 and made:
            found.append((node, made[0]))
    return found


def _between(graph: GraphProto, result: str) -> list[NodeProto]:
    """Return the operations that depend on what the image shows and that the result depends on, in order."""
    depends = {value.name for value in image_inputs(graph)}
    forward = []
    for node in graph.node:
        if node.op_type not in SIZES and depends.intersection(node.input):
            depends.update(node.output)
            forward.append(node)
    needed = {result}
    between = []
    for node in reversed(forward):
        if needed.intersection(node.output):
            needed.update(node.input)
            between.append(node)
    return between[::-1]
