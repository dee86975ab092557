"""3×3 convolutions by Winograd's minimal filtering, F(4×4, 3×3): a quarter of the multiplications.

OpenVINO does not have it, and three quarters of VGG19's arithmetic are in nine convolutions that gain by it. An input d
is cut into tiles of 6×6 that overlap by two; with the filter g, a tile of the output is

    Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

and the products ⊙, summed over the channels, are 36 products of matrices for all tiles (Lavin and Gray, CVPR 2016,
arXiv 1509.09308, which has the three transforms).
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import openvino

FloatArray = npt.NDArray[np.float32]

TILE = 4  # rows and columns of the output that a tile gives
WINDOW = 6  # rows and columns of the input that it takes
FEWEST_CHANNELS = 128  # with fewer, the transforms cost what the products save
INPUT_TRANSFORM = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)  # Bᵀ
FILTER_TRANSFORM = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)  # G
OUTPUT_TRANSFORM = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)  # Aᵀ


def suited_convolutions(network: openvino.Model) -> list[openvino.Node]:
    """Return the convolutions of a network with fixed shapes that are quicker by Winograd's way.

    Their filters are 3×3 and constant, the stride and the border 1, the channels many, and whole tiles cover the image.
    """
    return [node for node in network.get_ordered_ops() if node.get_type_name() == "Convolution" and _is_suited(node)]


def use_winograd(network: openvino.Model) -> None:
    """Replace the suited convolutions of a network, and the bias and ReLU that follow them; it is changed."""
    from openvino import opset13 as ops

    for node in suited_convolutions(network):
        filters = _constant(node)
        value = _convolution(ops.transpose(node.input_value(0), _whole([0, 2, 3, 1])), filters)
        last = node
        bias = _only_follower(last, "Add")
        if bias is not None and _constant(bias).shape[-3:] == (len(filters), 1, 1):
            value, last = ops.add(value, ops.constant(_constant(bias).reshape(-1))), bias
        if (relu := _only_follower(last, "Relu")) is not None:
            value, last = ops.relu(value), relu
        # where two such convolutions meet, OpenVINO drops this transpose and the next one's
        last.output(0).replace(ops.transpose(value, _whole([0, 3, 1, 2])).output(0))
    network.validate_nodes_and_infer_types()


def _is_suited(node: openvino.Node) -> bool:
    how = node.get_attributes()
    channels, height, width = node.get_input_shape(0)[1:]
    return bool(
        _constant(node).shape[2:] == (3, 3)
        and all(list(how[name]) == [1, 1] for name in ("strides", "dilations", "pads_begin", "pads_end"))
        and channels >= FEWEST_CHANNELS
        and height % TILE == width % TILE == 0
    )


def _convolution(image: openvino.Node, filters: FloatArray) -> openvino.Node:
    """Return the convolution of an image (N, H, W, C) with filters (C', C, 3, 3), of shape (N, H, W, C')."""
    from openvino import opset13 as ops

    count, height, width, channels = image.get_output_shape(0)
    high, wide = height // TILE, width // TILE
    border = _whole([0, 1, 1, 0])
    padded = ops.pad(image, border, border, "constant", ops.constant(np.float32(0)))
    rows = _stack(_combined(INPUT_TRANSFORM, [_every_fourth(padded, 1, i, high) for i in range(WINDOW)]), 0)
    windows = _combined(INPUT_TRANSFORM, [_every_fourth(rows, 3, j, wide) for j in range(WINDOW)])
    # for each of the 6 × 6 places a matrix (C', C)
    transform = np.kron(FILTER_TRANSFORM, FILTER_TRANSFORM).astype(np.float32)
    matrices = (transform @ filters.reshape(-1, 9).T).reshape(WINDOW, WINDOW, *filters.shape[:2])
    tiles = _whole([WINDOW, count * high * wide, channels])
    products = [
        ops.matmul(ops.reshape(window, tiles, False), ops.constant(matrices[:, j]), False, True)
        for j, window in enumerate(windows)
    ]
    columns = _stack(_combined(OUTPUT_TRANSFORM, products), 1)
    outputs = _combined(OUTPUT_TRANSFORM, [_sliced(columns, 0, i, i + 1, 1) for i in range(WINDOW)])
    blocks = ops.reshape(ops.concat(outputs, 0), _whole([TILE, TILE, count, high, wide, len(filters)]), False)
    in_place = ops.transpose(blocks, _whole([2, 3, 0, 4, 1, 5]))
    return ops.reshape(in_place, _whole([count, height, width, len(filters)]), False)


def _combined(matrix: tuple[tuple[float, ...], ...], values: list[openvino.Node]) -> list[openvino.Node]:
    """Return the product of a matrix and a vector of tensors."""
    from openvino import opset13 as ops

    def scaled(factor: float, value: openvino.Node) -> openvino.Node:
        return value if factor == 1 else ops.multiply(value, ops.constant(np.float32(factor)))

    return [reduce(ops.add, (scaled(f, v) for f, v in zip(row, values, strict=True) if f)) for row in matrix]


def _every_fourth(value: openvino.Node, axis: int, first: int, count: int) -> openvino.Node:
    return _sliced(value, axis, first, first + TILE * (count - 1) + 1, TILE)


def _sliced(value: openvino.Node, axis: int, start: int, stop: int, step: int) -> openvino.Node:
    from openvino import opset13 as ops

    return ops.slice(value, _whole([start]), _whole([stop]), _whole([step]), _whole([axis]))


def _stack(values: list[openvino.Node], axis: int) -> openvino.Node:
    from openvino import opset13 as ops

    return ops.concat([ops.unsqueeze(value, _whole(axis)) for value in values], axis)


def _whole(numbers: int | list[int]) -> openvino.Node:
    from openvino import opset13 as ops

    return ops.constant(np.array(numbers, np.int64))


def _constant(node: openvino.Node) -> FloatArray:
    """Return a node's second input if it is a constant, else an empty array."""
    source = node.input_value(1).get_node()
    return np.asarray(source.data if source.get_type_name() == "Constant" else (), np.float32)


def _only_follower(node: openvino.Node, kind: str) -> openvino.Node | None:
    """Return the node that alone takes another's output, if it is of a kind, else None."""
    followers = [target.get_node() for target in node.output(0).get_target_inputs()]
    return followers[0] if len(followers) == 1 and followers[0].get_type_name() == kind else None
