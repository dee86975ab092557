import numpy as np
import pytest
import torch
from pydantic import ValidationError

from core.images.preprocessing import Preprocessing, resize, to_network_input


def test_a_picture_of_the_input_size_is_only_normalised():
    rng = np.random.default_rng(0)
    picture = rng.random((224, 224, 3), dtype=np.float32)
    found = to_network_input(picture, Preprocessing())
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    expected = (torch.from_numpy(picture).permute(2, 0, 1) - mean) / std
    assert found.shape == (1, 3, 224, 224)
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found[0], expected.numpy(), atol=1e-6)


def test_grey_is_repeated_and_colour_is_reduced_to_luminance_where_the_card_says_grey():
    grey = np.full((10, 10), 0.5, np.float32)
    colour = np.zeros((10, 10, 3), np.float32)
    colour[..., 1] = 1.0
    how = Preprocessing(channels="grey", mean=(0, 0, 0), std=(1, 1, 1))
    assert np.allclose(to_network_input(grey, how), 0.5)
    assert np.allclose(to_network_input(colour, how), 0.587)
    seen = to_network_input(colour, how.model_copy(update={"channels": "rgb"}))
    assert np.allclose(seen[0, 1], 1)
    assert np.allclose(seen[0, 0], 0)


def test_shrinking_averages_by_area():
    rng = np.random.default_rng(0)
    picture = rng.random((448, 672), dtype=np.float32)
    expected = picture.reshape(224, 2, 224, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resize(picture, 224, 224), expected, atol=1e-6)


def test_growing_is_bilinear_as_torch_does_it():
    rng = np.random.default_rng(0)
    picture = rng.random((100, 60), dtype=np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(picture)[None, None], size=(224, 224), mode="bilinear", align_corners=False
    )[0, 0]
    np.testing.assert_allclose(resize(picture, 224, 224), expected.numpy(), atol=1e-5)


def test_one_axis_may_shrink_while_the_other_grows():
    picture = np.tile(np.linspace(0, 1, 50, dtype=np.float32), (1000, 1))
    found = resize(picture, 224, 224)
    assert found.shape == (224, 224)
    assert np.all(np.diff(found, axis=1) >= 0)
    assert np.ptp(found, axis=0).max() < 1e-6


def test_parameters_out_of_range_are_refused():
    with pytest.raises(ValidationError):
        Preprocessing(height=8)
    with pytest.raises(ValidationError):
        Preprocessing.model_validate({"crop": 0.9})
