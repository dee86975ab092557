"""Fields of a slide: their grid, the tissue under them, and a field as an image that keeps its place."""

import numpy as np
import pytest
from slide_samples import places, tissue, write_ome, write_tiff

from core.images.reader import read_image
from core.images.region import Region
from core.slides.field import field_image, save_field
from core.slides.grid import count, default_side, grid, most_fields, tissue_mask, tissue_shares
from core.slides.opening import open_slide

SIZE = (1000, 800)
WHOLE = Region(0, 0, *SIZE)


def test_a_grid_covers_an_area_with_whole_fields_row_by_row():
    fields = grid(Region(90, -50, 420, 480), 100, None, SIZE)
    assert [(field.x, field.y) for field in fields] == [(x, y) for y in (0, 100, 200, 300) for x in (90, 190, 290, 390)]
    assert {(field.width, field.height) for field in fields} == {(100, 100)}
    assert grid(Region(950, 0, 500, 500), 100, None, SIZE) == []


@pytest.mark.parametrize("area", [WHOLE, Region(90, -50, 420, 480), Region(950, 0, 500, 500), Region(3, 5, 99, 300)])
@pytest.mark.parametrize("side", [64, 100, 333])
def test_the_count_is_that_of_the_grid(area, side):
    mask = np.arange(80 * 100).reshape(80, 100) % 97 > 40
    assert most_fields(area, side, SIZE) == len(grid(area, side, None, SIZE))
    assert count(area, side, None, SIZE) == len(grid(area, side, None, SIZE))
    assert count(area, side, mask, SIZE) == len(grid(area, side, mask, SIZE))


def test_tissue_is_found_and_fields_without_it_are_left_out():
    mask = tissue_mask(tissue(*SIZE))
    inside = np.zeros(mask.shape, bool)
    inside[200:600, 250:750] = True
    assert (mask & inside).sum() / inside.sum() > 0.5  # the stroma is pale
    assert (mask & ~inside).sum() / (~inside).sum() < 0.01
    kept = grid(WHOLE, 50, mask, SIZE)
    assert 30 < len(kept) < len(grid(WHOLE, 50, None, SIZE)) / 2
    for field in kept:
        assert mask[field.y : field.y + 50, field.x : field.x + 50].mean() >= 0.5
        assert 200 <= field.y + 25 <= 600
        assert 250 <= field.x + 25 <= 750


def test_an_empty_slide_has_no_tissue():
    noise = np.random.default_rng(0).integers(240, 250, (200, 300, 3)).astype(np.uint8)
    assert not tissue_mask(noise).any()


def test_the_share_of_tissue_is_that_of_a_smaller_overview():
    mask = np.zeros((80, 100), bool)
    mask[:40] = True
    shares = tissue_shares(np.array([0, 800]), np.array([100, 300, 600]), 200, mask, SIZE)
    np.testing.assert_allclose(shares, [[1, 1], [0.5, 0.5], [0, 0]])
    assert tissue_shares(np.array([999]), np.array([0]), 1, mask, SIZE) == 1


@pytest.mark.parametrize(("mpp", "side"), [(None, 768), (0.5, 768), (0.25, 1536), (8.0, 64)])
def test_a_field_is_of_768_pixels_at_20x_where_the_scale_is_known(mpp, side, tmp_path):
    with open_slide(write_tiff(tmp_path / "a.tif", places(400, 300), mpp=mpp)) as slide:
        assert default_side(slide) == side


def test_a_field_is_scaled_to_768_pixels_and_knows_its_scale(tmp_path):
    pixels = tissue(1600, 1600, margin=0)
    with open_slide(write_ome(tmp_path / "a.ome.tif", pixels, mpp=0.25)) as slide:
        image = field_image(slide, Region(32, 16, 1536, 1536))
        assert image.pixels.shape == (768, 768, 3)
        expected = pixels[16:1552, 32:1568].reshape(768, 2, 768, 2, 3).mean(axis=(1, 3))
        assert np.abs(image.pixels - expected).max() <= 1
        assert image.spacing == pytest.approx((0.0005, 0.0005))
        small = field_image(slide, Region(32, 16, 300, 200))
        np.testing.assert_array_equal(small.pixels, pixels[16:216, 32:332])
        assert small.spacing == pytest.approx((0.00025, 0.00025))


def test_a_saved_field_is_read_as_the_same_image_with_its_place_and_scale(tmp_path):
    region = Region(100, 60, 1536, 1000)
    with open_slide(write_ome(tmp_path / "a b.ome.tif", tissue(1700, 1100, margin=0), mpp=0.25)) as slide:
        image, path = field_image(slide, region), save_field(slide, region)
        assert save_field(slide, region) == path
    read = read_image(path)
    np.testing.assert_array_equal(read.pixels, image.pixels)
    assert read.spacing == pytest.approx(image.spacing)
    assert Region.stated(path.name) == region
    assert path.name == "a b.ome [d=2,x=100,y=60,w=1536,h=1000].ome.tif"


def test_a_field_of_a_slide_without_a_scale_has_none(tmp_path):
    with open_slide(write_tiff(tmp_path / "a.tif", tissue(400, 300))) as slide:
        path = save_field(slide, Region(0, 0, 200, 200))
    assert read_image(path).spacing is None


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("tile [x=1,y=2,w=3,h=4].tif", Region(1, 2, 3, 4)),
        ("tile [d=16.0,x=1,y=2,w=3,h=4,z=0,t=1].png", Region(1, 2, 3, 4)),  # as QuPath writes them
        ("tile [x=1,y=2,w=3].tif", None),
        ("x=1,y=2,w=3,h=4.tif", None),
    ],
)
def test_a_region_is_read_from_a_name(name, region):
    assert Region.stated(name) == region
