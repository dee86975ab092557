"""Score-CAM's masks made by OpenVINO itself, in front of the network: every stream makes its own.

With NumPy one core would make the masks of a batch while the others wait; a small network would be slower by it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from core.runtimes.masks import EPSILON, linear_weights

if TYPE_CHECKING:
    import openvino


def masked_network(network: openvino.Model, map_size: tuple[int, int]) -> openvino.Model:
    """Return a network that takes feature maps and an image, and returns the outputs for the image masked by each map.

    The masks are those of :class:`core.runtimes.masks.Masker`.

    Args:
        network: its only input has the fixed shape (N, 3, H, W); it is changed.
        map_size: rows and columns of the feature maps.

    Returns:
        A network with the inputs maps (N, h, w) and image (1, 3, H, W), and the outputs of the one given.
    """
    import openvino
    from openvino import opset13 as ops

    (inputs,) = network.inputs
    count, channels, height, width = inputs.shape
    maps = ops.parameter([count, *map_size], np.float32, "maps")
    image = ops.parameter([1, channels, height, width], np.float32, "image")
    rows = ops.constant(linear_weights(map_size[0], height))
    columns = ops.constant(np.ascontiguousarray(linear_weights(map_size[1], width).T))
    product = partial(ops.matmul, transpose_a=False, transpose_b=False)
    large = product(rows, product(maps, columns))
    axes = np.array([1, 2])
    low = ops.reduce_min(large, axes, keep_dims=True)
    span = ops.subtract(ops.reduce_max(large, axes, keep_dims=True), low)
    masks = ops.divide(ops.subtract(large, low), ops.add(span, np.float32(EPSILON)))
    masked = ops.multiply(image, ops.unsqueeze(masks, np.array(1)))
    for target in inputs.get_target_inputs():
        target.replace_source_output(masked.output(0))
    return openvino.Model(network.outputs, [maps, image])
