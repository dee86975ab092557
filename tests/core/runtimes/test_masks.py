"""Masks as the runtimes compute them: upsampled as torch does, scaled, laid over the image."""

import numpy as np
import pytest
import torch
from torch import nn

from core.runtimes.masks import Masker, linear_weights


def test_masks_are_torchs_upsampling_scaled_and_laid_over_the_image():
    random = np.random.default_rng(0)
    maps, x = (random.standard_normal(shape, dtype=np.float32) for shape in ((3, 7, 7), (1, 3, 50, 50)))
    up = nn.UpsamplingBilinear2d(size=(50, 50))(torch.from_numpy(maps)[None])[0]
    low, high = up.amin((1, 2), keepdim=True), up.amax((1, 2), keepdim=True)
    expected = torch.from_numpy(x) * ((up - low) / (high - low + 1e-8))[:, None]
    np.testing.assert_allclose(Masker(x, (7, 7), 4).masked(maps), expected.numpy(), atol=2e-6)


@pytest.mark.parametrize(("size", "new"), [(1, 5), (2, 2), (7, 224), (14, 13)])
def test_interpolation_weights_sum_to_one(size, new):
    weights = linear_weights(size, new)
    assert weights.shape == (new, size)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
