"""Vary training images, a batch at a time and on whatever device they are.

A view of an image is a function of (seed, view, image) alone: the random numbers of a view are one table with a row
for each image, so that nothing has to be remembered to see the same view again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.images.preprocessing import Preprocessing
from training.recipe_parts import Augment

if TYPE_CHECKING:
    from torch import Tensor

COLUMNS = 20  # random numbers that a view of an image takes
HIDING = COLUMNS  # column of one more, which says what is hidden; it is drawn apart and leaves the others as they are
BLUR_REACH = 4  # pixels to each side
ERASED_AREA = (0.02, 0.2)  # of the image
ERASED_ASPECT = (0.3, 1 / 0.3)  # height over width


def view_numbers(seed: int, view: int, images: int) -> npt.NDArray[np.float32]:
    """Return the random numbers of one view, (images, COLUMNS + 1), uniform in [0, 1)."""
    numbers = np.random.default_rng([seed, view]).random((images, COLUMNS), dtype=np.float32)
    return np.column_stack([numbers, np.random.default_rng([seed, view, 3]).random(images, dtype=np.float32)])


def view_of_epoch(how: Augment, epoch: int) -> int:
    """Return which view an epoch shows: the views in turn, or always a new one where their number is 0."""
    return epoch % how.views if how.views else epoch


def as_floats(pixels: Tensor) -> Tensor:
    """Turn uint8 pixels (B, H, W, channels) into float32 (B, channels, H, W) in [0, 1]."""
    return pixels.permute(0, 3, 1, 2).float() / 255


def augment(images: Tensor, numbers: Tensor, how: Augment) -> Tensor:
    """Return a view of each image.

    Args:
        images: (B, 1 or 3, S, S) in [0, 1].
        numbers: their rows of :func:`view_numbers`, (B, COLUMNS + 1), on the same device.
        how: the recipe's part.

    Returns:
        The same shape, in [0, 1].
    """
    images = move(images, numbers, how)
    if how.blur or how.sharpen:
        images = _sharpness(images, numbers, how)
    images = _shade(images, numbers, how)
    return _erase(images, numbers, how) if how.erase else images


def network_input(images: Tensor, how: Preprocessing) -> Tensor:
    """Return a network's normalised input (B, 3, H, W), in channels-last memory, at its own size.

    Args:
        images: (B, 1 or 3, h, w) in [0, 1]; scaled as ``preprocessing.resize`` does it, by area where they shrink
            and bilinearly where they grow.
        how: the network's preprocessing.
    """
    import torch
    from torch.nn.functional import interpolate

    if tuple(images.shape[-2:]) != how.size:
        grows = how.height > images.shape[-2]
        images = interpolate(images, how.size, mode="bilinear") if grows else interpolate(images, how.size, mode="area")
    mean = torch.tensor(how.mean, device=images.device).reshape(1, 3, 1, 1)
    std = torch.tensor(how.std, device=images.device).reshape(1, 3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


def move(images: Tensor, numbers: Tensor, how: Augment) -> Tensor:
    """Flip, turn, rotate and zoom (B, channels, S, S): one affine map from output to input, sampled bilinearly."""
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    flip, upside_down, quarter, rotation, zoom, x, y = numbers[:, :7].unbind(1)
    mirror_x = torch.where(flip < how.flip, -1.0, 1.0)
    mirror_y = torch.where(upside_down < how.turn / 2, -1.0, 1.0)
    quarters = torch.where(quarter < how.turn, (quarter / max(how.turn, 1e-9) * 4).floor(), 0.0)
    angle = math.radians(how.rotate) * (2 * rotation - 1) + quarters * (math.pi / 2)
    side = how.scale + (how.largest - how.scale) * zoom
    plain = numbers[:, 18] < how.plain
    angle, side = torch.where(plain, quarters * (math.pi / 2), angle), torch.where(plain, 1.0, side)
    cos, sin = side * angle.cos(), side * angle.sin()
    rows = torch.stack(
        [
            torch.stack([mirror_x * cos, -mirror_y * sin, (1 - side) * (2 * x - 1)], 1),
            torch.stack([mirror_x * sin, mirror_y * cos, (1 - side) * (2 * y - 1)], 1),
        ],
        dim=1,
    )
    grid = affine_grid(rows, list(images.shape), align_corners=False)
    return grid_sample(images, grid, mode="bilinear", padding_mode=how.fill, align_corners=False)


def _sharpness(images: Tensor, numbers: Tensor, how: Augment) -> Tensor:
    """Blur half of the images with a Gaussian of up to ``blur`` pixels, sharpen the others by up to ``sharpen``.

    Sharpening is an unsharp mask: what a blur of one pixel takes away is added.
    """
    import torch
    from torch.nn.functional import conv2d, pad

    batch, channels = images.shape[:2]
    chance = numbers[:, 19]
    blurs = chance < 0.5
    sigma = torch.where(blurs, how.blur * (1 - 2 * chance), 1.0).clamp(min=1e-3).reshape(-1, 1)
    place = torch.arange(-BLUR_REACH, BLUR_REACH + 1, device=images.device)
    taps = (-(place.square()) / (2 * sigma.square())).exp()
    taps = (taps / taps.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    rows = images.reshape(1, batch * channels, *images.shape[2:])
    kernel = taps.reshape(batch * channels, 1, 1, -1)
    blurred = conv2d(pad(rows, (BLUR_REACH, BLUR_REACH, 0, 0), "replicate"), kernel, groups=batch * channels)
    kernel = kernel.transpose(2, 3)
    blurred = conv2d(pad(blurred, (0, 0, BLUR_REACH, BLUR_REACH), "replicate"), kernel, groups=batch * channels)
    blurred = blurred.reshape(images.shape)
    amount = torch.where(blurs, -1.0, how.sharpen * (2 * chance - 1)).reshape(-1, 1, 1, 1)
    return images + amount * (images - blurred)


def _shade(images: Tensor, numbers: Tensor, how: Augment) -> Tensor:
    def signed(column: int) -> Tensor:
        return (2 * numbers[:, column] - 1).reshape(-1, 1, 1, 1)

    images = images.clamp(0, 1) ** (signed(7) * math.log1p(how.gamma)).exp()
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = (images - mean) * (1 + how.contrast * signed(8)) + mean + how.brightness * signed(9)
    if how.tint and images.shape[1] == 3:
        images = images * (1 + how.tint * (2 * numbers[:, 10:13] - 1)).reshape(-1, 3, 1, 1)
    return images.clamp(0, 1)


def _erase(images: Tensor, numbers: Tensor, how: Augment) -> Tensor:
    """Blank a rectangle with the image's mean."""
    import torch

    size = images.shape[-1]
    chance, area, aspect, x, y = (numbers[:, c].reshape(-1, 1) for c in range(13, 18))
    area = ERASED_AREA[0] + (ERASED_AREA[1] - ERASED_AREA[0]) * area
    aspect = (math.log(ERASED_ASPECT[0]) + math.log(ERASED_ASPECT[1] / ERASED_ASPECT[0]) * aspect).exp()
    height, width = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    place = (torch.arange(size, device=images.device).reshape(1, -1) + 0.5) / size
    top, left = (1 - height) * y, (1 - width) * x
    rows = (place >= top) & (place < top + height) & (chance < how.erase)
    columns = (place >= left) & (place < left + width)
    erased = (rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1)
    return torch.where(erased, images.mean(dim=(1, 2, 3), keepdim=True), images)
