"""Slides of each format: what was written is what is read, at each level, with the scale that the file states."""

import numpy as np
import pytest
from slide_samples import halves, places, tissue, write_dicom, write_ome, write_svs, write_tiff

from core.errors import ImageError
from core.images.region import Region
from core.slides.kinds import identity, is_slide
from core.slides.opening import open_slide

WIDTH, HEIGHT = 700, 500


def dicom(path, pixels, **options):
    path.mkdir()
    return write_dicom(path, pixels, **options)[0]


def planar_ome(path, pixels, **options):
    return write_ome(path, pixels, planar=True, **options)


WRITERS = {
    "pages.tif": (write_tiff, "BigTIFF", 3),
    "image.ome.tif": (write_ome, "OME-TIFF", 3),
    "planar.ome.tif": (planar_ome, "OME-TIFF", 3),
    "scan.svs": (write_svs, "Aperio SVS", 2),
    "series": (dicom, "DICOM", 2),
}


@pytest.fixture(params=WRITERS)
def written(request, tmp_path):
    write, name, levels = WRITERS[request.param]
    pixels = places(WIDTH, HEIGHT)
    return write(tmp_path / request.param, pixels, mpp=0.5), name, halves(pixels, levels)


def test_each_level_is_what_was_written(written):
    path, name, levels = written
    assert is_slide(path)
    with open_slide(path) as slide:
        assert slide.format == name
        assert [(level.width, level.height) for level in slide.levels] == [p.shape[1::-1] for p in levels]
        assert [level.downsample for level in slide.levels] == pytest.approx([1, 2, 4][: len(levels)], rel=0.01)
        assert slide.mpp == pytest.approx((0.5, 0.5))
        for number, pixels in enumerate(levels):
            found = slide.read_level(number, 50, 30, 100, 80)
            expected = pixels[30:110, 50:150]
            if name == "Aperio SVS":  # JPEG
                assert np.abs(found.astype(int) - expected).mean() < 6
            else:
                np.testing.assert_array_equal(found, expected)


def test_what_lies_beyond_the_slide_is_white(written):
    path, _name, levels = written
    with open_slide(path) as slide:
        found = slide.read_level(0, -20, HEIGHT - 30, 60, 50)
        assert (found[:, :20] == 255).all()
        assert (found[30:] == 255).all()
        assert np.abs(found[:30, 20:].astype(int) - levels[0][-30:, :40]).mean() < 8
        assert (slide.read_level(0, WIDTH + 5, 0, 10, 10) == 255).all()


def test_a_region_comes_from_the_level_that_is_fine_enough(tmp_path):
    pixels = tissue(1024, 768, margin=0)
    with open_slide(write_tiff(tmp_path / "a.tif", pixels)) as slide:
        assert [slide.level_for(downsample) for downsample in (0.5, 1, 1.9, 2, 3.9, 4, 100)] == [0, 0, 0, 1, 1, 2, 2]
        region = Region(256, 128, 512, 384)
        found = slide.read_region(region, 96, 128)
        expected = pixels[128:512, 256:768].reshape(96, 4, 128, 4, 3).mean(axis=(1, 3))
        assert np.abs(found - expected).max() <= 2  # the levels were rounded twice
        np.testing.assert_array_equal(slide.read_region(region, 384, 512), pixels[128:512, 256:768])


def test_the_overview_is_the_mean_of_the_slide_whatever_levels_there_are(tmp_path):
    pixels = tissue(1000, 800)
    expected = pixels.reshape(200, 4, 250, 4, 3).mean(axis=(1, 3))
    for levels in (1, 3):
        with open_slide(write_tiff(tmp_path / f"{levels}.tif", pixels, levels=levels)) as slide:
            found = slide.thumbnail(250)
            assert found.shape == (200, 250, 3)
            assert np.abs(found - expected).max() <= 2


def test_the_overview_is_read_in_bands(tmp_path, monkeypatch):
    pixels = tissue(640, 480)
    with open_slide(write_tiff(tmp_path / "a.tif", pixels, levels=1)) as slide:
        whole = slide.thumbnail(160)
        monkeypatch.setattr("core.slides.slide.BAND", 640 * 50)
        reads = []
        read = slide.read_level
        monkeypatch.setattr(slide, "read_level", lambda *place: reads.append(place) or read(*place))
        np.testing.assert_array_equal(slide.thumbnail(160), whole)
        assert len(reads) > 8
        assert max(width * height for *_, width, height in reads) <= 640 * 50


def test_a_part_too_large_to_decode_is_refused_before(tmp_path):
    refused = pytest.raises(ImageError, match=r"A part of 100000×100000 pixels can't be read at a time.*Take one")
    with open_slide(write_tiff(tmp_path / "a.tif", places(WIDTH, HEIGHT))) as slide, refused:
        slide.read_level(0, 0, 0, 100_000, 100_000)


@pytest.mark.parametrize(("mpp", "stated"), [(352.8, None), (0.25, (0.25, 0.25))])
def test_a_resolution_for_printing_is_no_scale(mpp, stated, tmp_path):
    with open_slide(write_tiff(tmp_path / "a.tif", places(WIDTH, HEIGHT), mpp=mpp)) as slide:
        assert slide.mpp == (None if stated is None else pytest.approx(stated, rel=1e-3))


def test_files_of_one_dicom_series_are_one_slide(tmp_path):
    first, second = write_dicom(tmp_path, places(WIDTH, HEIGHT))
    assert identity(first) == identity(second)
    assert identity(first) != identity(tmp_path / "other.svs")
    with open_slide(second) as slide:
        assert len(slide.levels) == 2


def test_ordinary_images_are_no_slides(tmp_path):
    from PIL import Image

    Image.fromarray(places(64, 48)).save(tmp_path / "a.png")
    write_tiff(tmp_path / "one.tif", places(WIDTH, HEIGHT), levels=1)
    (tmp_path / "folder.svs").mkdir()
    for name in ("a.png", "one.tif", "missing.svs", "folder.svs"):
        assert not is_slide(tmp_path / name)
    with pytest.raises(ImageError, match=r"a\.png: This is not a whole slide\."):
        open_slide(tmp_path / "a.png")


def test_damaged_slides_say_so_and_name_the_file(tmp_path):
    whole = write_tiff(tmp_path / "cut.tif", places(WIDTH, HEIGHT)).read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 8])
    (tmp_path / "noise.tif").write_bytes(whole[:4] + b"\x07" * 400)
    (tmp_path / "noise.svs").write_bytes(b"\x07" * 400)
    for name in ("cut.tif", "noise.tif", "noise.svs", "missing.svs"):
        with pytest.raises(ImageError, match=name.replace(".", r"\.")) as refused, open_slide(tmp_path / name) as slide:
            slide.thumbnail(100)
        assert refused.value.remedy


def test_a_damaged_tile_costs_that_part_only(tmp_path):
    import tifffile

    path = write_tiff(tmp_path / "a.tif", places(WIDTH, HEIGHT), levels=1)
    with tifffile.TiffFile(path) as file:
        at = file.pages.first.dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[at : at + 40] = bytes(40)
    path.write_bytes(content)
    with open_slide(path) as slide:
        with pytest.raises(ImageError, match=r"A part of the slide is damaged"):
            slide.read_level(0, 0, 0, 64, 64)
        np.testing.assert_array_equal(slide.read_level(0, 300, 300, 64, 64), places(WIDTH, HEIGHT)[300:364, 300:364])


@pytest.mark.parametrize("pixels", [np.zeros((300, 300), np.uint16), np.zeros((300, 300, 3), np.uint16)])
def test_what_is_no_8_bit_rgb_is_refused_with_a_remedy(pixels, tmp_path):
    import tifffile

    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels, tile=(128, 128), photometric=photometric)
        file.write(pixels[::2, ::2], tile=(128, 128), photometric=photometric, subfiletype=1)
    with pytest.raises(ImageError, match=r"16 bits can't be read.*Export it as 8-bit RGB"):
        open_slide(tmp_path / "a.tif")


def test_without_the_extra_a_scanners_slide_says_how_to_add_it(tmp_path, monkeypatch):
    import sys

    path = write_svs(tmp_path / "a.svs", places(WIDTH, HEIGHT))
    monkeypatch.setitem(sys.modules, "openslide", None)
    with pytest.raises(Exception, match=r"Reading Aperio SVS slides needs packages .*openslide.*slides\]"):
        open_slide(path)
    assert is_slide(path)
    with open_slide(write_tiff(tmp_path / "b.tif", places(WIDTH, HEIGHT))) as slide:
        assert slide.width == WIDTH
