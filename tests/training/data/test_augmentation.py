import numpy as np
import pytest
import torch

from core.images.preprocessing import Preprocessing, to_network_input
from training.data.augmentation import as_floats, augment, network_input, view_numbers, view_of_epoch
from training.data.mixing import mix
from training.recipe_parts import Augment

STILL = {"flip": 0, "turn": 0, "rotate": 0, "scale": 1, "gamma": 0, "contrast": 0, "brightness": 0, "erase": 0}


def pictures(images=4, channels=1, size=32):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (images, size, size, channels), np.uint8))


def views(pixels, numbers=None, **changes):
    how = Augment(**{**STILL, **changes})
    numbers = view_numbers(0, 0, len(pixels)) if numbers is None else numbers
    return augment(as_floats(pixels), torch.from_numpy(numbers), how)


@pytest.mark.parametrize("channels", ["grey", "rgb"])
def test_without_augmentation_the_input_is_that_of_core(channels):
    pixels = pictures(channels=1 if channels == "grey" else 3)
    how = Preprocessing(height=32, width=32, channels=channels)
    found = network_input(views(pixels), how).numpy()
    for image, one in zip(pixels.numpy(), found, strict=True):
        expected = to_network_input(image.squeeze().astype(np.float32) / 255, how)
        assert np.abs(one - expected[0]).max() < 1e-5


def test_a_flip_is_a_flip():
    pixels = pictures()
    assert torch.allclose(views(pixels, flip=1), as_floats(pixels).flip(3), atol=1e-5)


def test_turns_are_the_eight_of_the_square():
    pixels = pictures(images=200)
    whole = as_floats(pixels)
    found = views(pixels, turn=1)
    kinds = set()
    for image, turned in zip(whole, found, strict=True):
        candidates = [torch.rot90(m, k, (1, 2)) for m in (image, image.flip(2)) for k in range(4)]
        kinds.add(next(i for i, c in enumerate(candidates) if torch.allclose(c, turned, atol=1e-4)))
    assert kinds == set(range(8))


def test_a_zoom_looks_at_a_window_inside():
    pixels = torch.arange(32, dtype=torch.uint8).reshape(1, 1, 32, 1).expand(50, 32, 32, 1).contiguous()
    found = 255 * views(pixels, view_numbers(3, 0, 50), scale=0.5, fill="border")
    width = found[:, 0, 5, 31] - found[:, 0, 5, 0]
    assert 14 < width.min() < 18
    assert 28 < width.max() < 32
    assert found.min() >= 0
    assert found.max() <= 31


def test_a_window_larger_than_the_image_shows_it_whole_with_a_margin():
    pixels = torch.full((50, 32, 32, 1), 255, dtype=torch.uint8)
    found = views(pixels, view_numbers(3, 0, 50), scale=1.0, largest=1.5)
    seen = found.mean(dim=(1, 2, 3))
    assert seen.min() == pytest.approx(1 / 1.5**2, abs=0.05)
    assert seen.max() > 0.95
    assert (found.amax(dim=(1, 2, 3)) == 1).all()


def test_a_plain_view_is_the_image_and_at_most_turned():
    pixels = pictures(images=100)
    found = views(pixels, view_numbers(3, 0, 100), rotate=30, scale=0.5, largest=1.5, plain=0.4)
    same = torch.isclose(found, as_floats(pixels), atol=1e-5).all(dim=(1, 2, 3))
    assert 25 < same.sum() < 55


def test_half_of_the_views_are_blurred_as_opencv_does_and_half_are_sharpened():
    import cv2

    pixels = pictures(images=2, size=48)
    numbers = np.zeros((2, 20), np.float32)
    numbers[:, 19] = 0.25, 0.75  # half of the largest deviation, and of the largest strength
    found = views(pixels, numbers, blur=2.0, sharpen=1.0).numpy()[:, 0]
    images = as_floats(pixels).numpy()[:, 0]
    blurred = [cv2.GaussianBlur(image, (9, 9), 1.0, borderType=cv2.BORDER_REPLICATE) for image in images]
    np.testing.assert_allclose(found[0], blurred[0], atol=1e-5)
    np.testing.assert_allclose(found[1], np.clip(1.5 * images[1] - 0.5 * blurred[1], 0, 1), atol=1e-5)


def test_a_network_of_another_size_sees_the_view_as_core_would_scale_it():
    pixels = pictures(images=1, size=64)
    for size in (32, 96):
        how = Preprocessing(height=size, width=size, channels="grey", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        expected = to_network_input(pixels[0, :, :, 0].numpy().astype(np.float32) / 255, how)
        np.testing.assert_allclose(network_input(as_floats(pixels), how).numpy(), expected, atol=1e-4)


def test_shades_change_brightness_and_nothing_else():
    pixels = pictures()
    for change in ({"gamma": 0.5}, {"contrast": 0.3}, {"brightness": 0.2}):
        found, whole = views(pixels, **change), as_floats(pixels)
        assert (found - whole).abs().max() > 0.02
        for a, b in zip(found, whole, strict=True):
            place = b.flatten().argsort()
            assert (a.flatten()[place].diff() >= -1e-6).all()


def test_tint_changes_channels_apart():
    found = views(torch.full((4, 32, 32, 3), 100, dtype=torch.uint8), tint=0.2)
    assert found.std(dim=1).min() > 0
    assert found.flatten(2).std(dim=2).max() < 1e-6


def test_erasing_blanks_one_rectangle_of_a_bounded_area():
    pixels = pictures(images=50)
    changed = (views(pixels, erase=1) - as_floats(pixels)).abs() > 1e-6
    for image in changed[:, 0]:
        rows, columns = image.any(1).nonzero(), image.any(0).nonzero()
        height, width = len(rows), len(columns)
        assert rows.max() - rows.min() == height - 1
        assert columns.max() - columns.min() == width - 1
        assert 0.005 < height * width / 32**2 < 0.3


def test_a_view_depends_on_the_image_and_not_on_its_neighbours():
    pixels, numbers = pictures(images=6), view_numbers(1, 2, 6)
    together = views(pixels, numbers, rotate=20, scale=0.7, gamma=0.2, erase=0.5)
    alone = views(pixels[3:4], numbers[3:4], rotate=20, scale=0.7, gamma=0.2, erase=0.5)
    assert torch.allclose(together[3:4], alone, atol=1e-6)


def test_views_return_after_a_round():
    how = Augment(views=3)
    assert [view_of_epoch(how, epoch) for epoch in range(6)] == [0, 1, 2, 0, 1, 2]
    assert view_of_epoch(Augment(), 77) == 77
    assert (view_numbers(0, 1, 5) == view_numbers(0, 1, 5)).all()
    assert (view_numbers(0, 1, 5) != view_numbers(0, 2, 5)).any()


def test_mixup_shares_images_as_it_shares_labels():
    images, y = torch.eye(4).reshape(4, 1, 2, 2), torch.eye(4)
    torch.manual_seed(0)
    mixed, labels = mix(images, y, Augment(mixup=1.0))
    assert torch.equal(mixed.reshape(4, 4), labels)
    assert labels.sum(dim=1) == pytest.approx(torch.ones(4))
    assert 0 < labels[0, 0] <= 1


def test_cutmix_shares_area_as_it_shares_labels():
    y = torch.eye(4)
    images = torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 1, 16, 16)
    for seed in range(20):
        torch.manual_seed(seed)
        mixed, labels = mix(images, y, Augment(cutmix=1.0))
        for image, label in zip(mixed, labels, strict=True):
            assert torch.stack([(image == c).float().mean() for c in range(4)]) == pytest.approx(label)
