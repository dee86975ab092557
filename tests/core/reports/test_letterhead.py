"""A department's logo: what is taken, and what is refused before it is decoded."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import ImageError
from core.reports.letterhead import LONGEST, MOST_BYTES, logo_png, read_bounded

LOGO = Path("logo.png")


def encoded(picture, kind):
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def png_that_claims(width, height):
    """A PNG whose header states a size that its few bytes do not hold."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_transparent_logo_stands_on_white():
    half = np.zeros((40, 60, 4), np.uint8)
    half[:, 30:] = (0, 0, 200, 255)
    found = Image.open(io.BytesIO(logo_png(encoded(Image.fromarray(half), "PNG"), LOGO)))
    assert found.mode == "RGB"
    assert found.size == (60, 40)
    assert found.getpixel((5, 5)) == (255, 255, 255)
    assert found.getpixel((50, 5)) == (0, 0, 200)


def test_a_large_logo_is_made_smaller_and_keeps_its_shape():
    found = Image.open(io.BytesIO(logo_png(encoded(Image.new("RGB", (3000, 1500), "green"), "JPEG"), LOGO)))
    assert found.size == (LONGEST, LONGEST // 2)


@pytest.mark.parametrize("size", [(5000, 4000), (60_000, 60_000)])
def test_a_logo_that_is_too_large_is_refused_by_its_header(size, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda _self: pytest.fail("it was decoded"))
    with pytest.raises(ImageError, match=r"logo\.png: .*") as caught:
        logo_png(png_that_claims(*size), LOGO)
    assert caught.value.remedy


@pytest.mark.parametrize("data", [b"", b"GIF89a" + bytes(40), encoded(Image.new("L", (64, 64), 9), "PNG")[:60]])
def test_what_is_no_logo_is_a_clear_error(data):
    with pytest.raises(ImageError, match=r"logo\.png: The logo") as caught:
        logo_png(data, LOGO)
    assert "PNG, JPEG or SVG" in caught.value.remedy


def test_a_file_that_is_too_long_is_not_read(tmp_path):
    with (tmp_path / "logo.png").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ImageError, match="larger than 5 MB"):
        read_bounded(tmp_path / "logo.png")
    with pytest.raises(ImageError, match="can't be read"):
        read_bounded(tmp_path / "missing.png")
