import hashlib
import io
import os
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from hostile_samples import chunk
from image_samples import HEIGHT, WIDTH, dataset, dicom_bytes, encoded, picture
from PIL import Image, ImageCms

from core.errors import ImageError
from core.images.jpeg_header import read_codestream
from core.images.limits import MAX_PIXELS
from core.images.medical_image import MedicalImage
from core.images.reader import find_images, read_image


@pytest.fixture
def saved(tmp_path):
    def save(content, name="image"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return save


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("colour", [False, True])
def test_lossless_kinds_give_the_picture_back(kind, colour, saved):
    pixels = picture(8, colour)
    content = encoded(pixels, kind)
    found = read_image(saved(content, "no extension"))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.format == kind
    assert found.is_grey != colour
    assert found.digest == hashlib.sha256(content).hexdigest()
    np.testing.assert_allclose(found.displayed(), pixels / 255, atol=1e-6)


@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_is_decoded_as_pillow_decodes_it(colour, saved):
    content = encoded(picture(8, colour), "JPEG", quality=80)
    path = saved(content)
    np.testing.assert_array_equal(read_image(path).pixels, np.asarray(Image.open(path)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_are_kept(kind, saved):
    pixels = picture(16)
    found = read_image(saved(encoded(pixels, kind)))
    assert found.pixels.dtype == np.uint16
    assert found.bits == 16
    np.testing.assert_array_equal(found.pixels, pixels)


@pytest.mark.parametrize("extension", ["png", "tiff"])
def test_sixteen_bits_of_colour_are_kept(extension, saved):
    import cv2

    pixels = picture(16, colour=True)
    ok, content = cv2.imencode(f".{extension}", pixels[..., ::-1])
    assert ok
    found = read_image(saved(content.tobytes()))
    assert found.pixels.dtype == np.uint16
    np.testing.assert_array_equal(found.pixels, pixels)
    np.testing.assert_allclose(found.displayed(), pixels / 65535, atol=1e-6)


def test_floats_are_kept_and_shown_between_their_tails(saved):
    pixels = (picture(16).astype(np.float32) - 20000) / 7
    found = read_image(saved(encoded(pixels, "TIFF")))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert np.ptp(found.displayed()) == pytest.approx(1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_made_right(orientation, saved):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = picture()
    content = encoded(pixels, "PNG", exif=exif)
    upright = {
        1: pixels, 2: pixels[:, ::-1], 3: pixels[::-1, ::-1], 4: pixels[::-1],
        5: pixels.T, 6: pixels.T[:, ::-1], 7: pixels.T[::-1, ::-1], 8: pixels.T[::-1],
    }[orientation]  # fmt: skip
    np.testing.assert_array_equal(read_image(saved(content)).pixels, upright)


def test_the_first_of_several_pages_is_shown_with_a_notice(saved):
    pages = [Image.fromarray(picture(seed=seed)) for seed in range(3)]
    found = read_image(saved(encoded(picture(), "TIFF", save_all=True, append_images=pages[1:])))
    np.testing.assert_array_equal(found.pixels, picture())
    assert "first of the file's 3 pages" in found.notices[0]


def test_an_animation_is_refused(saved):
    frames = [Image.fromarray(picture(seed=seed)) for seed in range(2)]
    with pytest.raises(ImageError, match="animation of 3 frames"):
        read_image(saved(encoded(picture(), "PNG", save_all=True, append_images=frames)))


def test_transparency_is_ignored_with_a_notice(saved):
    colour = picture(8, colour=True)
    with_alpha = np.dstack([colour, np.full((HEIGHT, WIDTH), 7, np.uint8)])
    found = read_image(saved(encoded(with_alpha, "PNG")))
    np.testing.assert_array_equal(found.pixels, colour)
    assert "transparency" in found.notices[0]


def test_palettes_and_one_bit_pictures_are_shown_as_they_look(saved):
    palette = Image.fromarray(picture(8, colour=True)).quantize(16)
    assert read_image(saved(_saved(palette, "PNG"))).pixels.shape == (HEIGHT, WIDTH, 3)
    bilevel = read_image(saved(_saved(Image.fromarray(picture() > 128), "PNG")))
    assert bilevel.bits == 1
    assert set(np.unique(bilevel.displayed())) == {0.0, 1.0}


def test_cmyk_becomes_rgb(saved):
    found = read_image(saved(_saved(Image.fromarray(picture(8, True)).convert("CMYK"), "JPEG")))
    assert found.pixels.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("orientation", [1, 6])
def test_deep_pngs_of_any_channels_keep_their_depth_and_are_turned_upright(channels, orientation, saved):
    pixels = picture(12, colour=True) if channels > 2 else picture(12)
    planes = [*np.moveaxis(pixels, -1, 0)] if channels > 2 else [pixels]
    planes += [np.full_like(planes[0], 9)] if channels in (2, 4) else []
    content = imagecodecs.png_encode(np.dstack(planes))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = content[:33] + chunk(b"eXIf", exif.tobytes()[6:]) + content[33:]
    found = read_image(saved(content))
    np.testing.assert_array_equal(found.pixels, np.rot90(pixels, -1) if orientation == 6 else pixels)
    if channels > 2:
        np.testing.assert_allclose(found.displayed().max(), 1, atol=0.05)


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("kind", ["JPEG 2000", "JPEG XL", "WebP"])
def test_newer_kinds_give_the_picture_back(kind, colour, bits, saved):
    pixels = picture(bits, colour)
    if kind == "WebP":
        if bits > 8 or not colour:
            pytest.skip("WebP has 8 bits and colours")
        content = encoded(pixels, "WEBP", lossless=True)
    elif kind == "JPEG XL":
        content = imagecodecs.jpegxl_encode(pixels, lossless=True)
    else:
        content = imagecodecs.jpeg2k_encode(pixels, reversible=True, level=0, bitspersample=bits)
    found = read_image(saved(content))
    assert found.format == kind
    np.testing.assert_array_equal(found.pixels, pixels)
    assert list(find_images([saved(content).parent])) == [saved(content)]
    with pytest.raises(ImageError):
        read_image(saved(content[: len(content) // 2]))


@pytest.mark.parametrize("size", [(40, 56), (256, 256), (9, 4000), (300, 100)])
@pytest.mark.parametrize("boxes", [False, True])
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(size, boxes):
    content = imagecodecs.jpegxl_encode(np.zeros(size, np.uint8), usecontainer=boxes)
    assert content.startswith(b"\xff\x0a") != boxes
    found = read_codestream(content)
    assert (found.kind, found.rows, found.columns) == ("JPEG XL", *size)


@pytest.mark.parametrize(("gamma", "told"), [(1.0, True), (1.8, True), (2.2, False)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_profile_that_means_greys_otherwise_is_told(saved, kind, gamma, told):
    pixels = np.arange(0, 240, 3, dtype=np.uint8).reshape(8, 10)
    found = read_image(saved(encoded(pixels, kind, icc_profile=imagecodecs.cms_profile("gray", gamma=gamma))))
    assert any("profile of grey values" in notice for notice in found.notices) == told


def test_colours_of_a_profile_are_made_those_of_screens(saved):
    pixels = picture(8, colour=True)
    adobe = imagecodecs.cms_profile("adobergb")
    expected = ImageCms.profileToProfile(
        Image.fromarray(pixels), ImageCms.ImageCmsProfile(io.BytesIO(adobe)), ImageCms.createProfile("sRGB")
    )
    for content in (
        encoded(pixels, "PNG", icc_profile=adobe),
        encoded(pixels, "TIFF", icc_profile=adobe),
        imagecodecs.png_encode(pixels)[:33]
        + chunk(b"iCCP", b"p\0\0" + zlib.compress(adobe))
        + imagecodecs.png_encode(pixels)[33:],
    ):
        found = read_image(saved(content))
        np.testing.assert_allclose(found.pixels.astype(int), np.asarray(expected).astype(int), atol=1)
        assert "profile" in found.notices[0]
    same = encoded(pixels, "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    np.testing.assert_array_equal(read_image(saved(same)).pixels, pixels)
    assert not read_image(saved(same)).notices


def _saved(image, kind):
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def test_pixels_that_are_not_square_are_stretched(saved):
    found = read_image(saved(encoded(picture(), "TIFF", dpi=(100, 200))))
    assert found.pixel_aspect == pytest.approx(0.5)
    assert found.square_pixels(found.displayed()).shape == (HEIGHT, 2 * WIDTH)


def test_a_grey_radiograph_that_was_saved_in_colour_is_grey_and_a_tinted_print_too(saved):
    grey = np.repeat(picture()[:, :, None], 3, axis=2)
    assert read_image(saved(encoded(grey, "JPEG"))).is_grey
    tinted = np.clip(grey * np.array([1.0, 0.95, 0.9]), 0, 255).astype(np.uint8)
    tinted[5:9, 5:15] = (255, 0, 0)
    assert read_image(saved(encoded(tinted, "PNG"))).is_grey
    assert not read_image(saved(encoded(picture(8, True), "PNG"))).is_grey


@pytest.mark.parametrize(
    "name", ["ünïcode 肺 🫁.png", " leading and trailing ", "a" * 200, "new\nline.png", "-rf.png", "%s{}.png"]
)
def test_odd_names_work(name, saved):
    assert read_image(saved(encoded(picture(), "PNG"), name)).pixels.shape == (HEIGHT, WIDTH)


def test_very_long_paths_work(tmp_path):
    folder = tmp_path
    for _ in range(12):
        folder = folder / ("d" * 100)
    folder.mkdir(parents=True)
    path = folder / "image.png"
    path.write_bytes(encoded(picture(), "PNG"))
    assert len(str(path)) > 1200
    assert read_image(path).pixels.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"just some text", "not an image"),
        (b"<!DOCTYPE html><html></html>", "not an image"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"GIF89a....", "GIF"),
        (b"\xff\xd8\xff\xf7\0\x0b\x08", "JPEG-LS"),
        (imagecodecs.jpeg8_encode(picture(12), bitspersample=12), r"kind of JPEG can't be read \(12-bit JPEG\)"),
        (b"\0\0\0\x18ftypmsf1", "HEIF"),
        (b"\0\0\0\x18ftyphevc", "HEIF"),
        (b"\0\0\0\x18ftypavif", "an AVIF"),
        (b"\0\0\0\x18ftypcrx ", "camera raw"),
        (b"II\xbc\x01", "JPEG XR"),
        (b"NRRD0004", "NRRD"),
        (b"\x5c\x01\0\0" + bytes(340) + b"n+1\0", "NIfTI"),
        (b"P5\n8 8\n255\n", "PGM"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\0\0\0\x18ftypmp42", "video"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"II*\0", "TIFF"),
        (b"BM" + b"\0" * 12 + (40).to_bytes(4, "little"), "BMP"),
        (b"\0" * 128 + b"DICM", "DICOM"),
    ],
)
def test_what_is_no_image_is_refused_with_what_it_is(content, said, saved):
    path = saved(content, "picture.png")
    with pytest.raises(ImageError, match=said) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_folders_missing_files_pipes_and_forbidden_files_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ImageError, match="folder"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "none.png")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "dangling")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageError, match="not a regular file"):
        read_image(tmp_path / "pipe")
    path = tmp_path / "forbidden.png"
    path.write_bytes(encoded(picture(), "PNG"))

    def forbidden(_self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", forbidden)
    with pytest.raises(ImageError, match="no permission"):
        read_image(path)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "JPEG"])
def test_more_than_two_hundred_megapixels_are_refused_from_the_header(kind, saved):
    assert MAX_PIXELS == 200_000_000
    content = bytearray(encoded(picture(), kind))
    if kind == "PNG":
        content[16:24] = struct.pack(">II", 20001, 10000)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    elif kind == "BMP":
        content[18:26] = struct.pack("<ii", 20001, 10000)
    elif kind == "JPEG":
        start = content.index(b"\xff\xc0")
        content[start + 5 : start + 9] = struct.pack(">HH", 20001, 10000)
    else:
        for tag, value in ((256, 20001), (257, 10000)):
            at = content.index(struct.pack("<HHI", tag, 3, 1)) if struct.pack("<HHI", tag, 3, 1) in content else None
            if at is None:
                at = content.index(struct.pack("<HHI", tag, 4, 1))
            content[at + 2 : at + 12] = struct.pack("<HII", 4, 1, value)
    with pytest.raises(ImageError, match="megapixels"):
        read_image(saved(bytes(content)))


def test_folders_are_searched_for_images_by_content(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "b" / "two").write_bytes(dicom_bytes(dataset(picture())))
    (tmp_path / "a.png").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "notes.png").write_text("no image")
    (tmp_path / ".hidden" / "x.png").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / ".x.png").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "DICOMDIR").write_bytes(dicom_bytes(dataset(picture())))
    os.mkfifo(tmp_path / "pipe")
    found = list(find_images([tmp_path, tmp_path / "notes.png"]))
    assert [p.name for p in found] == ["a.png", "two", "notes.png"]


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 3)])
def test_any_number_in_a_file_of_floats_is_shown_without_a_warning(shape, tmp_path):
    pixels = np.zeros(shape)
    pixels[0, 0], pixels[0, 1], pixels[1, 0], pixels[1, 1] = 1e300, -1e300, np.inf, np.nan
    image = MedicalImage(pixels, tmp_path / "x", "TIFF", "0" * 64, 64)
    shown = image.displayed()
    assert shown.dtype == np.float32
    assert np.isfinite(shown).all()
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert image.displayed((0.0, 2.0))[0, 0].max() == 1
    assert isinstance(image.is_grey, bool)
