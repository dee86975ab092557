"""Frames, windows, directions and spacing of DICOM files, against pydicom and by hand."""

import numpy as np
import pydicom
import pytest
from image_samples import dataset, dicom_bytes, picture
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, RLELossless, VLWholeSlideMicroscopyImageStorage

from core.errors import ImageError
from core.images.reader import read_image


@pytest.fixture
def saved(tmp_path):
    def save(data):
        path = tmp_path / "frames.dcm"
        path.write_bytes(dicom_bytes(data))
        return path

    return save


def frames(bits=16):
    return np.stack([picture(bits, seed=seed) for seed in range(3)])


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless], ids=["native", "RLE", "JPEG 2000"])
def test_each_frame_is_the_one_that_pydicom_decodes(saved, syntax):
    wanted = frames()
    data = dataset(wanted[0], bits=16, NumberOfFrames=3)
    data.PixelData = wanted.tobytes()
    if syntax is not None:
        encoder = get_encoder(syntax)
        kinds = {"bits_allocated": 16, "bits_stored": 16, "samples_per_pixel": 1, "pixel_representation": 0,
                 "photometric_interpretation": "MONOCHROME2", "rows": data.Rows, "columns": data.Columns,
                 "number_of_frames": 1}  # fmt: skip
        data.PixelData = encapsulate([encoder.encode(frame.tobytes(), **kinds) for frame in wanted])
        data["PixelData"].is_undefined_length = True
        data.file_meta.TransferSyntaxUID = syntax
    path = saved(data)
    reference = pydicom.dcmread(path).pixel_array
    for number in range(3):
        found = read_image(path, frame=number)
        np.testing.assert_array_equal(found.pixels, reference[number])
        np.testing.assert_array_equal(found.pixels, wanted[number])
        assert (found.frame, found.frames, found.key) == (number, 3, (found.digest, number))
        assert f"Frame {number + 1} of 3." in found.notices
    assert read_image(path).frame == 0


def test_frames_of_single_bits_follow_without_a_gap(saved):
    wanted = np.random.default_rng(1).integers(0, 2, (3, 5, 7), dtype=np.uint8)  # 35 bits each
    data = dataset(wanted[0], bits=1, NumberOfFrames=3)
    data.BitsAllocated, data.BitsStored, data.HighBit = 1, 1, 0
    packed = np.packbits(wanted.ravel(), bitorder="little").tobytes()
    data.PixelData = packed + b"\0" * (len(packed) % 2)
    path = saved(data)
    for number in range(3):
        np.testing.assert_array_equal(read_image(path, frame=number).pixels, wanted[number])


def test_a_frame_has_its_own_functional_groups(saved):
    data = dataset(frames()[0], bits=16, NumberOfFrames=3)
    data.PixelData = frames().tobytes()
    groups = []
    for number in range(3):
        group, window, plane = Dataset(), Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = 1000 * (number + 1), 500
        plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0] if number else [0, 1, 0, 0, 0, -1]
        group.FrameVOILUTSequence, group.PlaneOrientationSequence = Sequence([window]), Sequence([plane])
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = Sequence(groups)
    path = saved(data)
    assert [read_image(path, frame=number).window.centre for number in range(3)] == [1000, 2000, 3000]
    assert [read_image(path, frame=number).directions for number in range(2)] == [("P", "F"), ("L", "P")]


def test_a_frame_that_is_not_there_is_named(saved):
    data = dataset(frames()[0], bits=16, NumberOfFrames=3)
    data.PixelData = frames()[:2].tobytes()
    path = saved(data)
    for number, said in ((3, "no frame 4; it has 3"), (-1, "no frame 0"), (2, "truncated")):
        with pytest.raises(ImageError, match=said):
            read_image(path, frame=number)
    np.testing.assert_array_equal(read_image(path, frame=1).pixels, frames()[1])


def test_tiles_of_a_whole_slide_are_no_frames(saved):
    data = dataset(frames()[0], bits=16, NumberOfFrames=3)
    data.PixelData = frames().tobytes()
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = VLWholeSlideMicroscopyImageStorage
    with pytest.raises(ImageError, match="3 frames, the tiles of a whole slide"):
        read_image(saved(data))


def test_all_windows_come_with_their_names(saved):
    path = saved(dataset(picture(12), bits=12, WindowCenter=["2000", "70", "900"], WindowWidth=["4000", "0", "300"],
                         WindowCenterWidthExplanation=["NORMAL", "BAD", "SOFT  TISSUE"]))  # fmt: skip
    found = read_image(path)
    assert [(name, window.centre, window.width) for name, window in found.windows] == [
        ("NORMAL", 2000, 4000),
        ("SOFT TISSUE", 900, 300),
    ]
    assert found.window == found.windows[0][1]
    unnamed = read_image(saved(dataset(picture(12), bits=12, WindowCenter=["2000", "900"], WindowWidth=["40", "30"])))
    assert [name for name, _window in unnamed.windows] == ["", ""]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"PatientOrientation": ["L", "F"]}, ("L", "F")),
        ({"PatientOrientation": ["A", "FR"]}, ("A", "FR")),
        ({"PatientOrientation": ["LEFT", "FOOT"]}, None),
        ({"PatientOrientation": ["L"]}, None),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, ("L", "P")),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, ("P", "F")),
        ({"ImageOrientationPatient": [-0.8, 0.6, 0, 0, 0, 1]}, ("RP", "H")),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, None),
        ({"ViewPosition": "PA", "ImageLaterality": "L"}, None),  # they do not tell how the image is stored
        ({}, None),
    ],
)
def test_directions_are_what_the_file_states(saved, elements, expected):
    assert read_image(saved(dataset(picture(), **elements))).directions == expected


@pytest.mark.parametrize(
    ("elements", "spacing", "at_detector"),
    [
        ({"PixelSpacing": [0.2, 0.2]}, 0.2, False),
        ({"ImagerPixelSpacing": [0.2, 0.2]}, 0.2, True),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, 0.2, True),
        ({"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2]}, 0.18, False),
    ],
)
def test_it_is_known_where_the_spacing_holds(saved, elements, spacing, at_detector):
    found = read_image(saved(dataset(picture(), **elements)))
    assert found.spacing == (spacing, spacing)
    assert found.spacing_at_detector is at_detector
