"""Files that were made to do harm, and what the fuzzer (``python -m tests.fuzz_images``) has found."""

import contextlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hostile_samples import GREY_TIFF, as_if_huge, chunk, deflated_bomb, nested, png_with, tiff
from image_samples import COMPRESSIONS, compressed, dataset, dicom_bytes, picture

from core.errors import ImageError
from core.images import gdcm_worker
from core.images.reader import read_image
from core.system import worker_process

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def refused(tmp_path):
    """The reason for which a file is refused."""

    def reason(content):
        path = tmp_path / "hostile"
        path.write_bytes(content)
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert str(path) in str(caught.value)
        return caught.value.problem

    return reason


def lossless_with_an_odd_table():
    """A lossless JPEG whose Huffman table has two bytes more: GDCM 3.2.6 ends the process over it."""
    whole = compressed(dataset(picture()), "JPEG lossless")
    at = whole.index(b"\xff\xda")
    return whole[:at] + b"\x01\x05" + whole[at:]


def test_what_brings_gdcm_down_is_refused_and_the_next_image_opens(refused, tmp_path):
    good = tmp_path / "good"
    good.write_bytes(compressed(dataset(picture()), "JPEG lossless"))
    np.testing.assert_array_equal(read_image(good).pixels, picture())
    assert "can't be decoded" in refused(lossless_with_an_odd_table())
    np.testing.assert_array_equal(read_image(good).pixels, picture())


def test_a_decoder_that_hangs_is_ended(refused, monkeypatch):
    gdcm_worker.worker.stop()
    with monkeypatch.context() as patch:
        patch.setattr(gdcm_worker, "SECONDS", 0.1)
        patch.setattr(worker_process, "own_command", lambda *_: [sys.executable, "-c", "import sys; sys.stdin.read()"])
        assert "can't be decoded" in refused(compressed(dataset(picture()), "JPEG-LS lossless"))
    assert not gdcm_worker.worker.running


def test_a_codestream_of_other_channels_than_the_header_says_is_not_decoded(refused):
    content = bytearray(compressed(dataset(picture(8, True)), "JPEG 2000"))
    at = content.index(b"\xff\x4f\xff\x51")
    content[at + 39 : at + 43] = b"\xff" * 4  # GDCM 3.2.6 ends the process over it
    assert "the compressed image 65535" in refused(bytes(content))


@pytest.mark.parametrize("kind", ["JPEG baseline", "JPEG lossless", "JPEG-LS lossless", "JPEG 2000 lossless"])
def test_two_kilobytes_do_not_hold_two_hundred_megapixels(kind, refused):
    assert "can't hold the 14000×14000" in refused(as_if_huge(compressed(dataset(picture()), kind)))


def test_run_lengths_that_panic_pylibjpeg_are_refused(refused):
    whole = compressed(dataset(picture(16)), "RLE")
    at = whole.index(b"\xe0\x7f\x10\x00") + 2000
    refused(whole[:at] + bytes(400) + whole[at + 400 :])


def test_a_deflated_bomb_is_refused_wherever_its_header_says_that_it_begins(refused, monkeypatch):
    monkeypatch.setattr("core.images.dicom.MAX_INFLATED", 1 << 20)
    bomb = bytearray(deflated_bomb(2))
    assert "unpacks to more" in refused(bytes(bomb))
    # the header's length leads to a small deflated part that is harmless, within a private element
    harmless = b"\x03\x00" + bytes(2)
    decoy = b"\x02\x00\x02\x01OB\0\0" + struct.pack("<I", len(harmless)) + harmless
    start = 144 + int.from_bytes(bomb[140:144], "little")
    lying = bomb[:start] + decoy + bomb[start:]
    lying[140:144] = struct.pack("<I", start - 144 + 12)
    assert "unpacks to more" in refused(bytes(lying))
    # a header of more than four kilobytes
    long = b"\x02\x00\x02\x01OB\0\0" + struct.pack("<I", 8000) + bytes(8000)
    bomb[start:start] = long
    bomb[140:144] = struct.pack("<I", start - 144 + len(long))
    at = bomb.index(b"\x02\x00\x10\x00UI")
    syntax = bomb[at : at + 8 + int.from_bytes(bomb[at + 6 : at + 8], "little")]
    del bomb[at : at + len(syntax)]
    end = start - len(syntax) + len(long)
    bomb[end:end] = syntax
    assert "unpacks to more" in refused(bytes(bomb))


@pytest.mark.parametrize("depth", [1, 50, 5000])
def test_nested_sequences_open_or_are_refused(depth, refused):
    refused(nested(depth))


@pytest.mark.parametrize("name", [b"iCCP", b"zTXt", b"iTXt"])
def test_what_is_packed_into_the_text_of_a_png_does_not_fill_the_memory(name, tmp_path):
    packed = zlib.compress(bytes(50_000_000), 9)
    head = {b"iCCP": b"p\0\0", b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0"}[name]
    (tmp_path / "bomb.png").write_bytes(png_with(*[chunk(name, head + packed)] * 20))
    code = (
        "import resource, sys, core.images.raster\n"
        "from core.errors import ImageError; from core.images.reader import read_image\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_image(sys.argv[1])\n"
        "except ImageError: pass\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bomb.png")],
        capture_output=True, encoding="utf-8", check=True, cwd=ROOT,
    )  # fmt: skip
    assert int(answer.stdout) < 150  # MiB; the twenty chunks hold a gigabyte


def test_few_bytes_of_jpeg_xl_do_not_hold_two_hundred_megapixels(refused):
    size = 14000 - 1
    bits = (2 << 1) | (size << 3) | (0 << 21) | (2 << 24) | (size << 26)  # two lengths of 18 bits, no ratio between
    content = b"\xff\x0a" + bits.to_bytes(14, "little")
    assert "can't hold the 14000×14000" in refused(content)


def test_directories_of_a_tiff_that_follow_each_other_in_a_circle_end(tmp_path):
    path = tmp_path / "circle.tiff"
    path.write_bytes(tiff(*GREY_TIFF, following=8, body=bytes(64)))
    assert read_image(path).pixels.shape == (8, 8)


@pytest.mark.parametrize("tag", [258, 273, 279])
def test_a_tiff_that_counts_a_billion_values_opens_or_is_refused(tag, tmp_path):
    path = tmp_path / "billion.tiff"
    path.write_bytes(
        tiff(*[(t, kind, 0x3FFFFFFF if t == tag else count, value) for t, kind, count, value in GREY_TIFF])
    )
    with contextlib.suppress(ImageError):
        assert read_image(path).pixels.shape == (8, 8)


@pytest.mark.parametrize("kind", ["none", *COMPRESSIONS])
@pytest.mark.parametrize(
    "change", [{"BitsAllocated": 0}, {"SamplesPerPixel": 65535}, {"Rows": 14000, "Columns": 14000}, {"Rows": 0}]
)
def test_headers_that_contradict_the_pixels_are_refused(kind, change, refused):
    data = dataset(picture())
    whole = dicom_bytes(data) if kind == "none" else compressed(data, kind)
    data = pydicom.dcmread(io.BytesIO(whole))
    for name, value in change.items():
        setattr(data, name, value)
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    refused(stream.getvalue())
