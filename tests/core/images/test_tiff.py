"""TIFF files of many layouts; tifffile writes them, and what it wrote is what must be shown."""

import io

import numpy as np
import pytest
import tifffile
from hostile_samples import tiff
from image_samples import HEIGHT, WIDTH, picture
from PIL import Image, ImageCms

from core.errors import ImageError
from core.images.reader import read_image


def made(pixels, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **{"metadata": None, **options})
    return stream.getvalue()


@pytest.fixture
def opened(tmp_path):
    def read(content, **options):
        path = tmp_path / "image"
        path.write_bytes(content if isinstance(content, bytes) else made(content, **options))
        return read_image(path)

    return read


def spread(pixels):
    low, high = np.percentile(pixels, [0.1, 99.9])
    return np.clip((pixels.astype(np.float64) - low) / (high - low), 0, 1)


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_grey_of_every_number_type_is_shown(kind, white_is_zero, byteorder, opened):
    pixels = picture(8 if kind[1] == "1" else 12).astype(np.float64)
    values = (pixels - 128 if kind[0] == "i" else pixels).astype(kind)
    found = opened(values, photometric="miniswhite" if white_is_zero else "minisblack", byteorder=byteorder)
    np.testing.assert_array_equal(found.pixels, values)
    expected = pixels / 255 if kind[1] == "1" else spread(pixels)
    np.testing.assert_allclose(found.displayed(), 1 - expected if white_is_zero else expected, atol=2e-3)


COMPRESSIONS = ["none", "lzw", "adobe_deflate", "packbits", "zstd", "lerc", "lzma", "png", "jpegxl", "jpeg2000"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_every_lossless_compression_gives_the_picture_back(compression, tile, opened):
    options = {"compressionargs": {"reversible": True, "level": 0}} if compression == "jpeg2000" else {}
    pixels = picture(16)
    found = opened(pixels, compression=None if compression == "none" else compression, tile=tile, **options)
    np.testing.assert_array_equal(found.pixels, pixels)


@pytest.mark.parametrize("compression", [None, "lzw", "jpeg", "webp"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_colours_are_shown_whatever_holds_them(compression, bigtiff, opened):
    pixels = np.kron(picture(8, colour=True)[::8, ::8], np.ones((16, 16, 1), np.uint8))
    found = opened(pixels, compression=compression, photometric="rgb", bigtiff=bigtiff)
    assert found.format == "TIFF"
    assert np.abs(found.displayed() - pixels / 255).mean() < (0.02 if compression in ("jpeg", "webp") else 1e-6)


@pytest.mark.parametrize("bits", [8, 16])
def test_planes_apart_are_put_together(bits, opened):
    pixels = picture(bits, colour=True)
    found = opened(np.moveaxis(pixels, -1, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(found.pixels, pixels)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_may_hold_values_of_8_or_16_bits(bits, opened):
    indices = picture(8)
    colours = picture(8, colour=True).reshape(-1, 3)[:256].T.astype(np.uint16)
    found = opened(indices, photometric="palette", colormap=colours * 257 if bits == 16 else colours)
    np.testing.assert_array_equal(found.pixels, np.moveaxis(colours.astype(np.uint8)[:, indices], 0, -1))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_colours_of_fewer_bits_than_they_are_stored_in_are_as_bright_as_they_are(bits, opened):
    pixels = picture(bits, colour=True)
    pixels[0, 0] = 2**bits - 1
    found = opened(pixels, photometric="rgb")
    np.testing.assert_allclose(found.displayed(), pixels / (2**bits - 1), atol=1e-5)
    assert f"{bits} of 16 bits" in found.notices[0]


@pytest.mark.parametrize("kind", ["u2", "u4", "i2", "f2", "f4", "f8"])
def test_colours_of_every_number_type_are_shown(kind, opened):
    pixels = picture(8, colour=True)
    pixels[0, 0] = 255
    values = pixels / 255 if kind[0] == "f" else pixels
    found = opened(values.astype(kind), photometric="rgb")
    np.testing.assert_allclose(found.displayed(), pixels / 255, atol=1e-3)


def test_numbers_that_are_no_brightness_are_refused(opened):
    with pytest.raises(ImageError, match="number type"):
        opened(picture().astype(np.complex64), photometric="minisblack")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_inks_become_colours(kind, opened):
    most = np.iinfo(kind).max
    inks = np.random.default_rng(0).integers(0, most, (HEIGHT, WIDTH, 4), dtype=kind)
    found = opened(inks, photometric="separated")
    left = 1 - inks / most
    np.testing.assert_allclose(found.displayed(), left[..., :3] * left[..., 3:], atol=0.01)


def test_lab_becomes_colours_as_littlecms_makes_them(opened):
    pixels = np.kron(picture(8, colour=True)[::8, ::8], np.ones((8, 8, 1), np.uint8))
    lab = ImageCms.profileToProfile(
        Image.fromarray(pixels), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    signed = np.asarray(lab)
    for kind, values in (("cielab", signed), ("icclab", signed ^ np.array([0, 128, 128], np.uint8))):
        assert np.abs(opened(values, photometric=kind).displayed() - pixels / 255).mean() < 0.04


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_grey_with_alpha_is_grey(kind, opened):
    pixels = picture(8 * np.dtype(kind).itemsize)
    found = opened(
        np.dstack([pixels, np.full_like(pixels, 7)]), photometric="minisblack", planarconfig="contig",
        extrasamples=["unassalpha"],
    )  # fmt: skip
    np.testing.assert_array_equal(found.pixels, pixels)
    assert "transparency" in found.notices[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_pictures_are_turned_upright_as_pillow_turns_shallow_ones(orientation, opened):
    from PIL import ImageOps

    pixels = picture(16)
    tag = (274, "H", 1, orientation, True)
    shallow = Image.open(io.BytesIO(made((pixels >> 8).astype(np.uint8), extratags=[tag])))
    found = opened(pixels, extratags=[tag])
    np.testing.assert_array_equal(found.pixels >> 8, np.asarray(ImageOps.exif_transpose(shallow)))


def test_a_thumbnail_before_the_picture_is_passed_over(opened):
    pixels, stream = picture(8, colour=True), io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(pixels[::4, ::4], subfiletype=1, photometric="rgb", metadata=None)
        writer.write(pixels, photometric="rgb", metadata=None)
    found = opened(stream.getvalue())
    np.testing.assert_array_equal(found.pixels, pixels)
    assert not found.notices


def test_a_picture_below_its_thumbnail_is_found(opened):
    pixels, stream = picture(8, colour=True), io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(pixels[::4, ::4], subfiletype=1, subifds=1, photometric="rgb", metadata=None)
        writer.write(pixels, photometric="rgb", metadata=None)
    np.testing.assert_array_equal(opened(stream.getvalue()).pixels, pixels)


@pytest.mark.parametrize("names", [None, ["Red", "Green", "Blue"]])
def test_red_green_and_blue_in_three_pages_make_one_picture(names, opened):
    pixels = picture(8, colour=True)
    metadata = {"axes": "CYX"} | ({"Channel": {"Name": names}} if names else {})
    found = opened(np.moveaxis(pixels, -1, 0), photometric="minisblack", metadata=metadata, ome=True)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert "red, green and blue" in found.notices[0]


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        (3, {"ome": True, "metadata": {"axes": "CYX", "Channel": {"Name": ["DAPI", "FITC", "Cy5"]}}}, "3 channels"),
        (4, {"ome": True, "metadata": {"axes": "CYX"}}, "4 channels"),
        (3, {"imagej": True, "metadata": {"axes": "CYX"}}, "3 channels"),
        (4, {"planarconfig": "separate"}, "4 channels that are no colours"),
    ],
)
def test_channels_that_are_no_colours_are_refused(count, options, said, opened):
    planes = np.stack([picture(8, seed=seed) for seed in range(count)])
    with pytest.raises(ImageError, match=said):
        opened(planes, photometric="minisblack", **options)


@pytest.mark.parametrize("cut", [20, 200, 400])
def test_text_beside_the_picture_that_can_not_be_read_costs_no_picture(cut, opened):
    pixels = picture()
    content = made(pixels, photometric="minisblack", ome=True, metadata={"axes": "YX"})
    at = content.index(b"<?xml") + cut
    np.testing.assert_array_equal(opened(content[:at] + b"<<<" + content[at + 3 :]).pixels, pixels)


@pytest.mark.parametrize(("tag", "count"), [(282, 1), (283, 1), (274, 1)])
def test_resolution_and_orientation_that_can_not_be_are_passed_over(tag, count, opened):
    pixels = picture()
    content = made(pixels, extratags=[(274, "H", 1, 1, True)])
    at = next(i for i in range(8, len(content)) if content[i : i + 2] == tag.to_bytes(2, "little"))
    where = int.from_bytes(content[at + 8 : at + 12], "little")
    if tag == 274:
        content = content[: at + 8] + (99).to_bytes(4, "little") + content[at + 12 :]
    else:
        content = content[:where] + bytes(8) + content[where + 8 :]
    found = opened(content)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.pixel_aspect == 1


def test_a_picture_is_refused_by_the_compression_that_is_not_read(opened):
    content = made(picture(), compression="packbits")
    at = content.index(b"\x03\x01\x03\x00\x01\x00\x00\x00")
    with pytest.raises(ImageError, match=r"compression NIKON_NEF can't be read") as caught:
        opened(content[: at + 8] + (34713).to_bytes(4, "little") + content[at + 12 :])
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("compression", [None, "lzw", "adobe_deflate"])
def test_a_file_cut_short_is_called_so(compression, opened):
    whole = made(picture(16, colour=True), photometric="rgb", tile=(16, 16), compression=compression)
    with pytest.raises(ImageError, match="truncated"):
        opened(whole[: len(whole) * 6 // 10])


def test_few_bytes_do_not_hold_two_hundred_megapixels(opened):
    claims = [(256, 4, 1, 14000), (257, 4, 1, 14000), (258, 3, 1, 16), (259, 3, 1, 5), (262, 3, 1, 2), (273, 4, 1, 8),
              (277, 3, 1, 3), (278, 4, 1, 14000), (279, 4, 1, 64)]  # fmt: skip
    with pytest.raises(ImageError, match="64 bytes can't hold the 14000×14000"):
        opened(tiff(*claims, body=bytes(64)))
