"""Headers that contradict the pixels or are malformed: what counts is what a radiologist's viewer would show."""

import io
import zlib

import imagecodecs
import numpy as np
import pydicom
import pytest
from image_samples import compressed, dataset, dicom_bytes, encoded, picture
from PIL import Image, ImageCms
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
)

from core.errors import ImageError
from core.images.reader import read_image

LOSSLESS = ["none", "RLE", "JPEG lossless", "JPEG-LS lossless", "JPEG 2000 lossless"]


@pytest.fixture
def opened(tmp_path):
    def read(content, **change):
        """Open a file; elements by keyword are set in its header, whatever its pixels are."""
        whole = content if isinstance(content, bytes) else dicom_bytes(content)
        if change:
            data = pydicom.dcmread(io.BytesIO(whole))
            for name, value in change.items():
                setattr(data, name, value)
            stream = io.BytesIO()
            data.save_as(stream, enforce_file_format=True)
            whole = stream.getvalue()
        path = tmp_path / "image"
        path.write_bytes(whole)
        return read_image(path)

    return read


def malformed(data, **values):
    """A file whose elements hold text that pydicom would not write; values are (placeholder, text) of one length."""
    for name, (placeholder, _) in values.items():
        setattr(data, name, placeholder.split("\\"))
    whole = dicom_bytes(data)
    for placeholder, text in values.values():
        assert len(placeholder) == len(text)
        assert placeholder.encode() in whole
        whole = whole.replace(placeholder.encode(), text.encode())
    return whole


def table(entries, bits, first=0):
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first % 65536, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, np.uint16).tobytes())
    return Sequence([item])


def as_syntax(data, syntax, stream):
    """The bytes of a file whose one frame is this stream, in a syntax that pydicom need not know."""
    data.PixelData = encapsulate([stream])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = HTJ2KLossless
    return dicom_bytes(data).replace(
        HTJ2KLossless.encode() + b"\0", syntax.encode().ljust(len(HTJ2KLossless) + 1, b"\0")
    )


@pytest.mark.parametrize(("says", "uses"), [(16, 12), (16, 14), (16, 15), (12, 12), (8, 16), (10, 8), (0, 12)])
def test_a_display_table_is_as_bright_as_its_entries_are(says, uses, opened):
    pixels = picture(12)
    entries = np.arange(4096) * (2**uses - 1) // 4095
    found = opened(dataset(pixels, bits=12, VOILUTSequence=table(entries, says)))
    np.testing.assert_allclose(found.displayed(), pixels / 4095, atol=2 / (2**uses - 1))
    assert any("look-up table" in notice for notice in found.notices) == (says != uses)


def test_a_display_table_in_a_big_endian_file_is_read_so(opened):
    pixels = picture(12)
    data = dataset(pixels.astype(">u2"), bits=12, VOILUTSequence=table(np.arange(4096, dtype=">u2").byteswap(), 12))
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    np.testing.assert_allclose(opened(data).displayed(), pixels / 4095, atol=1e-3)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_display_table_may_begin_below_zero(syntax, opened):
    pixels = picture(12)
    data = dataset(
        pixels, bits=12, RescaleIntercept="-1024", RescaleSlope="1",
        VOILUTSequence=table(np.arange(4096) * 16, 16, first=-1024),
    )  # fmt: skip
    data.file_meta.TransferSyntaxUID = syntax
    np.testing.assert_allclose(opened(data).displayed(), pixels / 4095, atol=1e-3)


def test_a_modality_table_maps_from_its_first_value(opened):
    pixels = picture(12)
    data = dataset(pixels, bits=12, ModalityLUTSequence=table(np.arange(4096)[::-1], 16))
    np.testing.assert_array_equal(opened(data).pixels, 4095 - pixels.astype(np.float32))


def test_a_table_that_is_cut_short_is_ignored_with_a_notice(opened):
    data = dataset(picture(12), bits=12, VOILUTSequence=table(np.arange(4096), 12))
    data.VOILUTSequence[0].LUTData = bytes(100)
    found = opened(data)
    assert found.lookup is None
    assert "look-up table for display can't be read" in found.notices[0]


@pytest.mark.parametrize("kind", LOSSLESS)
def test_bits_above_those_stored_do_not_reach_the_picture(kind, opened):
    pixels = picture(12)
    words = pixels | np.where(pixels > 2000, 0x9000, 0).astype(np.uint16)
    whole = dicom_bytes(dataset(words)) if kind == "none" else compressed(dataset(words), kind)
    found = opened(whole, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.bits == 12


@pytest.mark.parametrize("kind", LOSSLESS)
def test_signs_are_extended_from_the_bits_stored(kind, opened):
    pixels = picture(12).astype(np.int16) - 2048
    words = pixels.view(np.uint16) & 0xFFF
    whole = dicom_bytes(dataset(words)) if kind == "none" else compressed(dataset(words), kind)
    found = opened(whole, BitsStored=12, HighBit=11, PixelRepresentation=1)
    np.testing.assert_array_equal(found.pixels, pixels)


@pytest.mark.parametrize("kind", LOSSLESS)
def test_pixels_that_end_at_the_high_bit_are_brought_down(kind, opened):
    pixels = picture(12)
    words = pixels << np.uint16(4)
    whole = dicom_bytes(dataset(words)) if kind == "none" else compressed(dataset(words), kind)
    np.testing.assert_array_equal(opened(whole, BitsStored=12, HighBit=15).pixels, pixels)


def test_what_a_lossy_codec_overshoots_stays_white(opened):
    pixels = np.where(picture(12) > 2500, 4095, 300).astype(np.uint16)
    found = opened(compressed(dataset(pixels), "JPEG 2000"), BitsStored=12, HighBit=11)
    assert found.pixels[pixels == 4095].min() > 2000


def test_eight_bits_stored_in_sixteen_are_decoded_from_a_jpeg(opened):
    pixels = picture()
    data = as_syntax(dataset(pixels.astype(np.uint16), bits=8), JPEGBaseline8Bit, encoded(pixels, "JPEG", quality=95))
    np.testing.assert_allclose(opened(data).displayed(), pixels / 255, atol=0.08)


def test_a_jpeg_of_twelve_bits_is_decoded(opened):
    pixels = picture(12)
    stream = imagecodecs.jpeg8_encode(pixels, level=95, bitspersample=12)
    found = opened(as_syntax(dataset(pixels, bits=12), JPEGExtended12Bit, stream))
    np.testing.assert_allclose(found.pixels, pixels, atol=160)


@pytest.mark.parametrize(
    ("values", "window", "told"),
    [
        ({"WindowCenter": ("9999.5", "2047,5"), "WindowWidth": ("8888.5", "4096,0")}, (2047.5, 4096), 0),
        ({"WindowCenter": ("999", "N/A"), "WindowWidth": ("888", "N/A")}, None, 1),
        ({"WindowCenter": ("99999\\2048", "N/A  \\2048"), "WindowWidth": ("88\\100", "xx\\100")}, (2048, 100), 0),
        ({"WindowCenter": ("99999\\2048", "     \\2048"), "WindowWidth": ("88\\100", "  \\100")}, (2048, 100), 0),
        ({"PixelSpacing": ("9.125\\9.625", "0,143\\0,143")}, None, 0),
        ({"PixelSpacing": ("9.125\\9.625", "round\\wrong")}, None, 1),
        ({"ImagerPixelSpacing": ("9.125\\9.625", "     \\     ")}, None, 0),
        ({"RescaleSlope": ("9.5", "1,0"), "RescaleIntercept": ("88", "0 ")}, None, 0),
        ({"RescaleSlope": ("9.5", "inf"), "WindowCenter": ("99", "40"), "WindowWidth": ("888", "400")}, None, 1),
    ],
)
def test_malformed_numbers_cost_only_what_they_say(values, window, told, opened):
    pixels = picture(12)
    found = opened(malformed(dataset(pixels, bits=12), **values))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert (found.window and (found.window.centre, found.window.width)) == window
    assert len(found.notices) == told
    assert found.spacing in (None, (0.143, 0.143))
    assert (found.spacing is not None) == ("0,143" in str(values))


def test_a_slope_of_zero_does_not_blank_the_picture(opened):
    pixels = picture(12)
    found = opened(dataset(pixels, bits=12, RescaleSlope="0", RescaleIntercept="0"))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert "RescaleSlope" in found.notices[0]


def test_a_single_enhanced_frame_is_shown_as_its_functional_groups_say(opened):
    def group(slope, centre):
        values, window, item = Dataset(), Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept = slope, "4095"
        window.WindowCenter, window.WindowWidth = centre, "4096"
        item.PixelValueTransformationSequence, item.FrameVOILUTSequence = Sequence([values]), Sequence([window])
        return item

    pixels = picture(12)
    shared, own = group("-1", "1000"), group("1", "2048")
    del own.PixelValueTransformationSequence
    data = dataset(
        pixels, bits=12, NumberOfFrames=1, SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence([own]),
    )  # fmt: skip
    found = opened(data)
    np.testing.assert_array_equal(found.pixels, 4095 - pixels.astype(np.float32))
    assert found.window.centre == 2048
    np.testing.assert_allclose(found.displayed(), 1 - pixels / 4095, atol=1e-3)


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME 1", "", True),
        ("monochrome1", "", True),
        ("Monochrome2", "", False),
    ],
)
def test_low_values_are_bright_where_the_file_says_so_in_whatever_spelling(photometric, shape, inverted, opened):
    data = dataset(picture(12), bits=12, PresentationLUTShape=shape)
    placeholder = "QUITE_OTHERS"[: len(photometric)]
    data.PhotometricInterpretation = placeholder
    found = opened(dicom_bytes(data).replace(placeholder.encode(), photometric.encode()))
    assert found.inverted == inverted


def test_raw_detector_values_are_announced(opened):
    assert "FOR PROCESSING" in opened(dataset(picture(12), PresentationIntentType="FOR PROCESSING")).notices[0]
    assert not opened(dataset(picture(12), PresentationIntentType="FOR PRESENTATION")).notices


@pytest.mark.parametrize(
    ("signed", "stored", "word", "padding"),
    [(True, 16, -2000, 63536), (False, 12, 63536, 63536), (True, 12, -2000, 63536)],
)
def test_padding_is_found_by_its_bits_whatever_sign_it_is_written_with(signed, stored, word, padding, opened):
    pixels = picture(10).astype(np.int16 if signed else np.uint16)
    pixels[:20] = word
    data = dataset(pixels, bits=stored, signed=signed)
    data.add_new("PixelPaddingValue", "US", padding)
    found = opened(data)
    assert found.padding[:20].all()
    assert not found.padding[20:].any()


def test_colours_of_a_profile_are_made_those_of_screens(opened):
    pixels = picture(8, colour=True)
    profile = imagecodecs.cms_profile("rgb", whitepoint=(0.3127, 0.329, 1), gamma=2.2,
                                      primaries=(0.64, 0.33, 1, 0.21, 0.71, 1, 0.15, 0.06, 1))  # fmt: skip
    found = opened(dataset(pixels, ICCProfile=profile))
    expected = ImageCms.profileToProfile(
        Image.fromarray(pixels), ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    )
    np.testing.assert_allclose(found.pixels.astype(int), np.asarray(expected).astype(int), atol=1)
    assert np.abs(found.pixels.astype(int) - pixels).max() > 20
    assert "profile" in found.notices[0]
    same = opened(dataset(pixels, ICCProfile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()))
    np.testing.assert_array_equal(same.pixels, pixels)
    assert not same.notices
    broken = opened(dataset(pixels, ICCProfile=b"no profile"))
    np.testing.assert_array_equal(broken.pixels, pixels)
    assert "profile" in broken.notices[0]


@pytest.mark.parametrize("stored", [12, 16])
def test_deep_colours_are_as_bright_as_they_are_whatever_depth_the_header_claims(stored, opened):
    pixels = picture(12, colour=True)
    pixels[0, 0] = 4095
    np.testing.assert_allclose(opened(dataset(pixels, bits=stored)).displayed(), pixels / 4095, atol=1e-3)


def test_a_palette_of_twelve_bits_is_as_bright_as_it_is(opened):
    pixels = picture()
    pixels[0, 0] = 255
    data = dataset(pixels, photometric="PALETTE COLOR")
    for name in ("Red", "Green", "Blue"):
        data.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        data.add_new(f"{name}PaletteColorLookupTableData", "OW", np.linspace(0, 4095, 256).astype("<u2").tobytes())
    np.testing.assert_allclose(opened(data).displayed()[..., 1], pixels / 255, atol=0.01)


def deflated(content):
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    ("syntax", "stream"),
    [
        ("1.2.840.10008.1.2.1.98", lambda pixels: pixels.tobytes()),
        ("1.2.840.10008.1.2.8.1", lambda pixels: deflated(pixels.tobytes())),
        ("1.2.840.10008.1.2.4.110", lambda pixels: imagecodecs.jpegxl_encode(pixels, lossless=True)),
        (ExplicitVRLittleEndian, imagecodecs.jpegls_encode),  # says uncompressed, is not
        (JPEG2000Lossless, imagecodecs.jpegls_encode),  # says another kind
    ],
    ids=["encapsulated uncompressed", "deflated frame", "JPEG XL", "not what it says", "another codec"],
)
def test_pixels_are_decoded_by_what_they_are(syntax, stream, opened):
    pixels = picture(12)
    data = as_syntax(dataset(pixels, bits=12), syntax, stream(pixels))
    np.testing.assert_array_equal(opened(data).pixels, pixels)


def test_a_deflated_frame_is_not_unpacked_beyond_its_size(opened):
    data = as_syntax(dataset(picture()), "1.2.840.10008.1.2.8.1", deflated(bytes(1 << 24)))
    assert opened(data).pixels.shape == picture().shape


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"BitsAllocated": 12}, "12 allocated bits"),
        ({"PhotometricInterpretation": "ODDCOLOURS"}, "ODDCOLOURS"),
        ({"PhotometricInterpretation": ""}, "PhotometricInterpretation"),
        ({"PhotometricInterpretation": "CMYK", "SamplesPerPixel": 4}, "4 channels"),
    ],
)
def test_what_is_not_supported_is_named_and_not_called_damaged(change, said, opened):
    with pytest.raises(ImageError, match=said) as caught:
        opened(dataset(picture(), **change))
    assert "damaged" not in str(caught.value)


def test_an_unknown_transfer_syntax_is_named(opened):
    data = dataset(picture())
    whole = dicom_bytes(data).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.113619.5.2\0\0")
    with pytest.raises(ImageError, match=r"no decoder for this kind of DICOM \(transfer syntax 1.2.840.113619.5.2\)"):
        opened(whole)


def test_colours_that_only_one_thing_can_be_meant_by_are_right(opened):
    pixels = picture(8, colour=True)
    without_order = dataset(pixels)
    del without_order.PlanarConfiguration
    np.testing.assert_array_equal(opened(without_order).pixels, pixels)
    hues = np.asarray(Image.fromarray(pixels).convert("HSV"))
    np.testing.assert_allclose(opened(dataset(hues, photometric="HSV")).displayed(), pixels / 255, atol=0.03)
    stream = encoded(pixels, "JPEG", quality=95, subsampling=2)
    at = stream.index(b"\xff\xe0")
    bare = stream[:at] + stream[at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big") :]  # without JFIF's marker
    found = opened(as_syntax(dataset(pixels), JPEGBaseline8Bit, bare))
    assert np.abs(found.displayed() - pixels / 255).mean() < 0.06


def test_a_big_endian_data_set_without_preamble_is_opened(opened):
    pixels = picture(12)
    data = dataset(pixels.astype(">u2"), bits=12)
    data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    np.testing.assert_array_equal(opened(dicom_bytes(data, preamble=False)).pixels, pixels)
