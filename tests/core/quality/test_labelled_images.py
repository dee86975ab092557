import numpy as np
import pytest
from PIL import Image

from core.errors import UsageError
from core.quality.labelled_images import drawn, find_labelled, read_mask
from core.tasks import CHEST_XRAY


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def covid_qu_ex(tmp_path):
    """Its layout: classes with a folder of images and folders of masks of the same names."""
    for label, count in (("COVID-19", 4), ("Normal", 8)):
        for i in range(count):
            save(tmp_path / label / "images" / f"{i}.png", np.full((40, 40), 90, np.uint8))
            mask = np.zeros((40, 40), np.uint8)
            mask[:20] = 255
            save(tmp_path / label / "lung masks" / f"{i}.png", mask)
            save(tmp_path / label / "infection masks" / f"{i}.png", mask if label == "COVID-19" else 0 * mask)
    return tmp_path


def test_masks_are_found_beside_the_images_and_are_no_images(covid_qu_ex):
    images = find_labelled(covid_qu_ex, CHEST_XRAY)
    assert [image.label for image in images] == ["COVID-19"] * 4 + ["Normal"] * 8
    assert images[0].name == "COVID-19/images/0.png"
    assert {tuple(image.masks) for image in images} == {("infection", "lung")}
    (covid_qu_ex / "COVID-19" / "infection masks" / "0.png").unlink()
    assert list(find_labelled(covid_qu_ex, CHEST_XRAY)[0].masks) == ["lung"]


def test_a_mask_is_brought_to_the_networks_size_and_an_empty_one_is_none(covid_qu_ex):
    found = find_labelled(covid_qu_ex, CHEST_XRAY)
    mask = read_mask(found[0].masks["lung"], (20, 32))
    expected = np.zeros((20, 32), np.bool_)
    expected[:10] = True
    np.testing.assert_array_equal(mask, expected)
    assert read_mask(found[-1].masks["infection"], (20, 32)) is None


@pytest.mark.parametrize(("wanted", "by_class"), [(3, (1, 2)), (6, (2, 4)), (12, (4, 8)), (99, (4, 8))])
def test_each_class_has_its_share_of_a_sample(covid_qu_ex, wanted, by_class):
    images = find_labelled(covid_qu_ex, CHEST_XRAY)
    sample = drawn(images, wanted)
    assert len({image.name for image in sample}) == min(12, wanted)
    assert tuple(sum(image.label == label for image in sample) for label in ("COVID-19", "Normal")) == by_class
    assert drawn(images[::-1], wanted) == sample, "not by the order of the files"
    if wanted == 6:
        assert drawn(images, wanted, seed=1) != sample


def test_a_folder_without_images_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="There are no images in this folder"):
        find_labelled(tmp_path, CHEST_XRAY)
