import importlib.util
from pathlib import Path

import numpy as np
import pydicom
import pytest
from image_samples import COMPRESSIONS, compressed, dataset, dicom_bytes, picture
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import (
    MPEG4HP41,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
)

from core.errors import ImageError
from core.images.reader import read_image

SAMPLES = Path(importlib.util.find_spec("data_store").submodule_search_locations[0]) / "data"


@pytest.fixture
def saved(tmp_path):
    def save(content, name="image"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else dicom_bytes(content))
        return path

    return save


@pytest.mark.parametrize("kind", COMPRESSIONS)
@pytest.mark.parametrize(("bits", "colour"), [(8, False), (8, True), (12, False), (16, False)])
def test_every_compression_gives_the_picture_back(kind, bits, colour, saved):
    if kind == "JPEG baseline" and bits > 8:
        pytest.skip("JPEG baseline has 8 bits")
    pixels = picture(bits, colour)
    found = read_image(saved(compressed(dataset(pixels, bits=bits), kind)))
    assert found.format == "DICOM"
    assert found.pixels.shape == pixels.shape
    assert found.pixels.dtype == pixels.dtype
    off = np.abs(found.pixels.astype(int) - pixels).max() / (2**bits - 1)
    assert off <= COMPRESSIONS[kind]


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian], ids=lambda s: s.name
)
def test_every_uncompressed_syntax_gives_the_picture_back(syntax, saved):
    pixels = picture(12)
    data = dataset(pixels.astype(">u2") if syntax == ExplicitVRBigEndian else pixels, bits=12)
    data.file_meta.TransferSyntaxUID = syntax
    found = read_image(saved(data))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.pixels.dtype.isnative


def test_a_data_set_without_preamble_is_opened(saved):
    pixels = picture(12)
    np.testing.assert_array_equal(
        read_image(saved(dicom_bytes(dataset(pixels, bits=12), preamble=False))).pixels, pixels
    )


def test_monochrome1_is_shown_the_other_way_round(saved):
    pixels = picture(12)
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    two = read_image(saved(dataset(pixels, bits=12, **window))).displayed()
    one = read_image(saved(dataset(pixels, bits=12, photometric="MONOCHROME1", **window))).displayed()
    np.testing.assert_allclose(one, 1 - two, atol=1e-6)


def test_rescaling_gives_hounsfield_units(saved):
    pixels = (picture(12).astype(np.int16) - 1000).astype(np.int16)
    found = read_image(
        saved(dataset(pixels, bits=16, signed=True, RescaleSlope="2.5", RescaleIntercept="-1024", RescaleType="HU"))
    )
    np.testing.assert_allclose(found.pixels, pixels * 2.5 - 1024)
    assert found.pixels.dtype == np.float32


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_are_shown_as_pydicom_shows_them(function, saved):
    pixels = picture(12)
    data = dataset(pixels, bits=12, WindowCenter="1800", WindowWidth="900", VOILUTFunction=function)
    expected = apply_voi_lut(pixels, data)
    found = read_image(saved(data)).displayed()
    np.testing.assert_allclose(found, expected / (2**12 - 1), atol=1e-3)


def test_the_first_of_several_windows_counts(saved):
    data = dataset(picture(12), bits=12, WindowCenter=["1000", "2000"], WindowWidth=["100", "4000"])
    assert read_image(saved(data)).display_window() == (950.0, 1049.0)


def test_a_display_table_is_applied_as_pydicom_does_it(saved):
    pixels = picture(8)
    item = Dataset()
    item.LUTDescriptor = [256, 0, 8]
    item.LUTData = bytes(int(255 * (i / 255) ** 2) for i in range(256))
    item["LUTData"].VR = "OW"
    data = dataset(pixels, VOILUTSequence=Sequence([item]))
    found = read_image(saved(data)).displayed()
    np.testing.assert_allclose(found, ((pixels / 255) ** 2), atol=1 / 255)


def test_without_a_window_the_tails_are_cut(saved):
    pixels = picture(12) // np.uint16(2) + np.uint16(500)
    pixels[0, :2] = 4095
    pixels[1, :2] = 0
    found = read_image(saved(dataset(np.kron(pixels, np.ones((5, 5), np.uint16)), bits=12)))
    low, high = found.display_window()
    assert 0 < low < high < 4095
    assert (found.displayed() == 1).mean() < 0.01


def test_padding_is_black_and_does_not_count_for_the_window(saved):
    pixels = picture(12) + np.uint16(1000)
    pixels[:20] = 60000
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        found = read_image(saved(dataset(pixels, photometric=photometric, PixelPaddingValue=60000)))
        assert np.all(found.displayed()[:20] == 0)
        assert found.display_window()[1] < 6000


def test_pixels_that_are_not_square_are_stretched(saved):
    tall = read_image(saved(dataset(picture(), PixelSpacing=["0.4", "0.2"])))
    assert tall.spacing == (0.4, 0.2)
    assert tall.square_pixels(tall.displayed()).shape == (80, 56)
    wide = read_image(saved(dataset(picture(), PixelAspectRatio=[1, 2])))
    assert wide.square_pixels(wide.displayed()).shape == (40, 112)


def test_identity_is_read_only_when_asked_for(saved, monkeypatch):
    path = saved(dataset(picture()))
    seen = []
    honest = pydicom.dcmread

    def watched(*args, **kwargs):
        seen.append(honest(*args, **kwargs))
        return seen[-1]

    monkeypatch.setattr(pydicom, "dcmread", watched)
    found = read_image(path)
    assert found.identity is None
    assert "PLANTED" not in repr(found)
    assert not any("PLANTED" in str(element.value) for data in seen for element in data)
    asked = read_image(path, with_identity=True).identity
    assert (asked.name, asked.patient_id, asked.birth_date, asked.accession) == (
        "PLANTED^NAME",
        "PLANTED-ID",
        "19520304",
        "PLANTED-ACC",
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"NumberOfFrames": 3, "SOPClassUID": pydicom.uid.VLWholeSlideMicroscopyImageStorage}, "3 frames"),
        ({"Rows": 0}, "no pixels"),
        ({"Rows": 60000, "Columns": 60000}, "3600 megapixels"),
        ({"PixelData": b"\0" * 100}, "truncated: 100 of 2240 bytes"),
    ],
)
def test_what_can_not_be_shown_is_refused_with_the_reason(change, said, saved):
    path = saved(dataset(picture(), **change))
    with pytest.raises(ImageError, match=said) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_a_video_is_refused(saved):
    data = dataset(picture())
    data.PixelData = pydicom.encaps.encapsulate([b"\0\0\1\xb3 video"])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = MPEG4HP41
    with pytest.raises(ImageError, match="video"):
        read_image(saved(data))


def test_a_report_without_an_image_is_refused_by_its_kind(saved):
    data = dataset(picture())
    del data.PixelData
    data.SOPClassUID = pydicom.uid.BasicTextSRStorage
    with pytest.raises(ImageError, match="Basic Text SR"):
        read_image(saved(data))


def test_a_missing_decoder_is_named(saved, monkeypatch):
    import core.images.dicom_pixels

    path = saved(compressed(dataset(picture()), "JPEG-LS lossless"))
    decoder = core.images.dicom_pixels.get_decoder(pydicom.uid.JPEGLSLossless)
    monkeypatch.setattr(decoder, "_available", {})
    with pytest.raises(ImageError, match=r"No decoder for JPEG-LS.*installed \(.*requires"):
        read_image(path)


def test_a_codestream_larger_than_its_header_says_is_not_decoded(saved, monkeypatch):
    data = dataset(picture())
    data.compress(pydicom.uid.JPEG2000Lossless, generate_instance_uid=False)
    data.Rows, data.Columns = 10, 10
    monkeypatch.setattr("core.images.dicom.decode", None)
    with pytest.raises(ImageError, match=r"10×10 pixels, the compressed image 56×40"):
        read_image(saved(data))


def test_a_deflated_bomb_is_refused(saved, monkeypatch):
    monkeypatch.setattr("core.images.dicom.MAX_INFLATED", 10_000)
    data = dataset(np.zeros((400, 400), np.uint8))
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    with pytest.raises(ImageError, match="unpacks to more"):
        read_image(saved(data))


def test_a_compression_of_another_kind_than_the_header_says_is_refused(saved):
    data = dataset(picture())
    data.PixelData = pydicom.encaps.encapsulate([b"this is no codestream at all"])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = HTJ2KLossless
    with pytest.raises(ImageError, match="is not the"):
        read_image(saved(data))


# of the real objects that pydicom-data brings: what opens, and how its pixels must be
@pytest.mark.parametrize(
    ("name", "shape", "grey"),
    [
        ("RG1_UNCR.dcm", (1955, 1841), True),
        ("RG3_J2KI.dcm", (1760, 1760), True),
        ("OT-PAL-8-face.dcm", (480, 640, 3), False),
        ("JPGLosslessP14SV1_1s_1f_8b.dcm", (768, 1024), True),
        ("JPEG-LL.dcm", (1024, 256), True),
        ("SC_rgb_expb_32bit.dcm", (100, 100, 3), False),
        ("color-pl.dcm", (120, 256, 3), None),
        ("MR-SIEMENS-DICOM-WithOverlays.dcm", (484, 484), True),
    ],
)
def test_real_objects_open(name, shape, grey):
    found = read_image(SAMPLES / name)
    assert found.pixels.shape == shape
    shown = found.displayed()
    assert shown.dtype == np.float32
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert np.ptp(shown) > 0.5
    if grey is not None:
        assert found.is_grey == grey


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb.dcm", "SC_rgb_16bit.dcm", "SC_rgb_32bit.dcm", "SC_rgb_dcmtk_ebcr_dcmd.dcm",
        "SC_rgb_dcmtk_ebcyn1_dcmd.dcm",
        "SC_rgb_dcmtk_ebcyn2_dcmd.dcm", "SC_rgb_dcmtk_ebcynp_dcmd.dcm", "SC_rgb_dcmtk_ebcys2_dcmd.dcm",
        "SC_rgb_dcmtk_ebcys4_dcmd.dcm", "SC_rgb_expb_16bit.dcm", "SC_ybr_full_uncompressed.dcm",
    ],
)  # fmt: skip
def test_the_colour_bars_have_the_same_colours_in_every_encoding(name):
    shown = read_image(SAMPLES / name).displayed()
    expected = np.array([[1, 0, 0], [1, 0.5, 0.5], [0, 1, 0], [0.5, 1, 0.5], [0, 0, 1], [0.5, 0.5, 1], [0, 0, 0]])
    np.testing.assert_allclose(shown[5:70:10, 50], expected, atol=0.02)


def test_lossless_jpeg_2000_holds_the_same_pixels_as_no_compression():
    plain, packed = read_image(SAMPLES / "RG1_UNCR.dcm"), read_image(SAMPLES / "RG1_J2KR.dcm")
    np.testing.assert_array_equal(plain.pixels, packed.pixels)
    np.testing.assert_array_equal(plain.displayed(), packed.displayed())


def test_the_study_is_told_without_whom_it_is_of(saved):
    written = dataset(picture(12, False), bits=12)
    written.StudyDate, written.BodyPartExamined, written.ViewPosition = "20260131", "CHEST", "PA"
    written.ImageLaterality = "R"
    assert read_image(saved(written)).study == ("2026-01-31", "CHEST", "PA", "R")
    written.StudyDate = ""
    with pytest.warns(UserWarning, match="VR CS"):  # longer than a code string can be
        written.ViewPosition = "X" * 17
        longer = saved(written)
    assert read_image(longer).study == ("CHEST", "R")
    del written.ImageLaterality
    written.Laterality = "L"
    assert read_image(saved(written)).study == ("CHEST", "L")
