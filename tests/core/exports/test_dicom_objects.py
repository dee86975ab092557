"""DICOM results, read back with pydicom and highdicom."""

import shutil
import subprocess
from dataclasses import replace

import highdicom
import numpy as np
import pydicom
import pytest

from core.errors import SourceError
from core.exports.dicom_objects import write_dicom_results
from core.images.reader import read_image


@pytest.fixture(scope="module")
def source(tmp_path_factory, chest_path):
    """The demonstration radiograph made small, of a patient with a name in each element that can hold one."""
    path = tmp_path_factory.mktemp("source") / "known.dcm"
    dataset = pydicom.dcmread(chest_path)
    small = dataset.pixel_array[::8, ::8]
    dataset.Rows, dataset.Columns = small.shape
    dataset.PixelData = np.ascontiguousarray(small).tobytes()
    for name in ("PatientID", "AccessionNumber", "StudyID"):
        setattr(dataset, name, f"SECRET-{name}"[:16])
    for name in ("PatientName", "ReferringPhysicianName", "OperatorsName", "PerformingPhysicianName"):
        setattr(dataset, name, "SECRET^Name")
    for name in ("StudyDescription", "InstitutionName", "PatientComments", "OtherPatientIDs", "PatientAddress"):
        setattr(dataset, name, "SECRET place")
    dataset.PatientBirthDate = "19010203"
    dataset.save_as(path)
    return read_image(path)


@pytest.fixture(scope="module")
def results(tmp_path_factory, source, chest_comparison):
    return write_dicom_results(tmp_path_factory.mktemp("results"), source, chest_comparison)


def read(results, ending):
    (path,) = (p for p in results if p.name.endswith(ending))
    return pydicom.dcmread(path)


def test_there_is_one_report_and_an_overlay_and_a_map_of_each_model(results):
    assert sorted(p.name.split("-", 1)[1] for p in results) == [
        "report.dcm", "student-map.dcm", "student-overlay.dcm", "teacher-map.dcm", "teacher-overlay.dcm",
    ]  # fmt: skip


def test_the_report_holds_each_class_with_its_probability(results, source, chest_comparison):
    report = highdicom.sr.ComprehensiveSR.from_dataset(read(results, "report.dcm"))
    groups = report.content.get_image_measurement_groups()
    assert len(groups) == 2
    for group, answer in zip(groups, (chest_comparison.teacher, chest_comparison.student), strict=True):
        found = [(m.name.meaning, m.value) for m in group.get_measurements()]
        names = ("COVID-19", "Non-COVID infection", "Normal")
        assert found == [
            (f"Probability of {n}", pytest.approx(p))
            for n, p in zip(names, answer.prediction.probabilities, strict=True)
        ]
        said = {e.name.meaning: e.value.meaning for e in group.get_qualitative_evaluations()}
        assert said["Most probable class"] in names
        assert said["Intended use"] == "For research use only. Not for diagnosis."
        (image,) = group.source_images
        assert image.referenced_sop_instance_uid == pydicom.dcmread(source.path).SOPInstanceUID


@pytest.mark.parametrize("withheld", [True, False])
def test_an_image_that_a_model_cannot_judge_is_reported_as_such(tmp_path, source, strange_comparison, withheld):
    found = strange_comparison.withholding() if withheld else strange_comparison
    written = write_dicom_results(tmp_path, source, found)
    assert any("teacher" in path.name for path in written) is not withheld
    report = highdicom.sr.ComprehensiveSR.from_dataset(read(written, "report.dcm"))
    teacher, student = report.content.get_image_measurement_groups()
    said = {e.name.meaning: e.value.meaning for e in teacher.get_qualitative_evaluations()}
    assert said["Judgement"] == "Not assessable: outside the training data"
    assert ("Most probable class" in said) is not withheld
    assert len(teacher.get_measurements()) == (0 if withheld else 3)
    assert len(student.get_measurements()) == 3
    assert all(e.name.meaning != "Judgement" for e in student.get_qualitative_evaluations())


def test_the_map_is_the_heat_map_at_the_images_size(results, source, chest_comparison):
    dataset = read(results, "teacher-map.dcm")
    found = highdicom.pm.ParametricMap.from_dataset(dataset)
    pixels = np.frombuffer(found.FloatPixelData, np.float32).reshape(found.Rows, found.Columns)
    np.testing.assert_array_equal(pixels, chest_comparison.teacher.heat_map.resized(source.height, source.width))
    referenced = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    assert referenced == pydicom.dcmread(source.path).SOPInstanceUID


def test_the_overlay_is_a_coloured_picture_that_refers_to_the_image(results, source):
    dataset = read(results, "student-overlay.dcm")
    pixels = dataset.pixel_array
    assert pixels.shape[2] == 3
    assert pixels.std() > 10
    assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID == pydicom.dcmread(source.path).SOPInstanceUID
    assert "Not for diagnosis" in dataset.ImageComments
    assert read_image(next(p for p in results if "student-overlay" in p.name)).format == "DICOM"


def test_identity_is_replaced_by_default(results, source):
    study = pydicom.dcmread(source.path).StudyInstanceUID
    for path in results:
        assert b"SECRET" not in path.read_bytes(), path.name
        assert b"19010203" not in path.read_bytes()
        dataset = pydicom.dcmread(path)
        assert str(dataset.PatientName).startswith("Twinlens^")
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.StudyInstanceUID != study
    assert len({pydicom.dcmread(path).StudyInstanceUID for path in results}) == 1
    assert len({pydicom.dcmread(path).PatientID for path in results}) == 1


def test_identity_is_carried_when_asked_for(tmp_path, source, chest_comparison):
    original = pydicom.dcmread(source.path)
    for path in write_dicom_results(tmp_path, source, chest_comparison, keep_identity=True):
        dataset = pydicom.dcmread(path)
        for name in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyInstanceUID"):
            assert dataset.get(name) == original.get(name), name
        assert "OperatorsName" not in dataset


def test_an_independent_checker_finds_no_error(results):
    """David Clunie's dciodvfy (Debian: dicom3tools)."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    check(results)


def check(results):
    for path in results:
        found = subprocess.run(["dciodvfy", path], capture_output=True, encoding="utf-8", check=False)
        errors = [line for line in (found.stdout + found.stderr).splitlines() if line.startswith("Error")]
        assert errors == [], path.name


def test_other_images_get_a_clear_message(tmp_path, chest_image, chest_comparison):
    with pytest.raises(SourceError, match="for DICOM images only; this is a PNG file"):
        write_dicom_results(tmp_path / "out", replace(chest_image, format="PNG"), chest_comparison)
    with pytest.raises(SourceError, match="can't refer to one of 3 frames"):
        write_dicom_results(tmp_path / "out", replace(chest_image, frames=3), chest_comparison)
    assert not (tmp_path / "out").exists()


BARE = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "SamplesPerPixel",
    "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelData", "PatientSex", "PatientName",
)  # fmt: skip


def test_an_image_with_hardly_a_header_gets_results_too(tmp_path, source, chest_comparison):
    dataset = pydicom.dcmread(source.path)
    for element in list(dataset):
        if element.keyword not in BARE:
            del dataset[element.tag]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.save_as(tmp_path / "bare.dcm")
    written = write_dicom_results(tmp_path / "out", read_image(tmp_path / "bare.dcm"), chest_comparison)
    assert len(written) == 5
    assert read(written, "student-overlay.dcm").PatientOrientation == ""
    if shutil.which("dciodvfy"):
        check(written)


def odd(folder, source, keyword, value):
    """The image with a header that holds what it should not."""
    dataset = pydicom.dcmread(source.path)
    dataset.FrameOfReferenceUID = dataset.StudyInstanceUID
    with pydicom.config.disable_value_validation():
        setattr(dataset, keyword, value)
        dataset.save_as(folder / "odd.dcm")
    return read_image(folder / "odd.dcm")


@pytest.mark.parametrize(("keyword", "value"), [("PatientOrientation", "SIDEWAYS"), ("StudyDate", "soon")])
def test_odd_words_in_a_header_are_no_hindrance(tmp_path, source, chest_comparison, keyword, value):
    image = odd(tmp_path, source, keyword, value)
    assert len(write_dicom_results(tmp_path / "out", image, chest_comparison, keep_identity=True)) == 5


def test_a_header_that_no_result_can_carry_on_is_a_clear_error(tmp_path, source, chest_comparison):
    image = odd(tmp_path, source, "ImagePositionPatient", ["0", "0"])
    with pytest.raises(SourceError, match=r"odd\.dcm: The header .* Export PNG"):
        write_dicom_results(tmp_path / "out", image, chest_comparison)
    assert not (tmp_path / "out").exists()


def test_a_file_that_has_changed_since_is_refused(tmp_path, source, chest_comparison):
    with pytest.raises(SourceError, match="has changed since"):
        write_dicom_results(tmp_path / "out", replace(source, digest="0" * 64), chest_comparison)


def test_an_image_without_identifiers_is_refused(tmp_path, source, chest_comparison):
    dataset = pydicom.dcmread(source.path)
    del dataset.StudyInstanceUID
    dataset.save_as(tmp_path / "no-study.dcm")
    with pytest.raises(SourceError, match="no StudyInstanceUID"):
        write_dicom_results(tmp_path / "out", read_image(tmp_path / "no-study.dcm"), chest_comparison)


@pytest.mark.parametrize(
    ("characters", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("ISO_IR 138", "שרון^דבורה"),
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 999", "Doe^Jane"),  # there is no such set
    ],
)
def test_names_of_all_character_sets_are_written_in_utf_8(tmp_path, source, chest_comparison, characters, name):
    known = characters != "ISO_IR 999"
    dataset = pydicom.dcmread(source.path)
    dataset.SpecificCharacterSet = characters if known else "ISO_IR 100"
    dataset.PatientName = name
    dataset.PatientID = "9RG1" if "=" in name else name.replace("^", " ")
    dataset.save_as(tmp_path / "image.dcm")
    if not known:
        data = (tmp_path / "image.dcm").read_bytes()
        (tmp_path / "image.dcm").write_bytes(data.replace(b"ISO_IR 100", b"ISO_IR 999"))
    image = read_image(tmp_path / "image.dcm", with_identity=True)
    assert image.identity.name == name
    written = write_dicom_results(tmp_path / "out", image, chest_comparison, keep_identity=True)
    assert len(written) == 5
    for path in written:
        found = pydicom.dcmread(path)
        assert found.SpecificCharacterSet == "ISO_IR 192"
        assert (str(found.PatientName), found.PatientID) == (name, dataset.PatientID)
        assert name.encode() in path.read_bytes()
