"""The study of a file, from its header alone."""

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from core.images.study import Study, study_of


@pytest.fixture
def write(tmp_path):
    """Writes a header without pixels."""

    def write(name="a.dcm", syntax=ExplicitVRLittleEndian, **elements):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.3.4"
        for key, value in elements.items():
            setattr(dataset, key, value)
        dataset.save_as(tmp_path / name, enforce_file_format=True)
        return tmp_path / name

    return write


def test_a_study_has_its_uid_and_what_may_be_shown(write):
    path = write(StudyInstanceUID="1.2.3", StudyDate="20240131", Modality="CR", BodyPartExamined="CHEST",
                 PatientName="Doe^Jane", StudyDescription="Jane Doe, thorax")  # fmt: skip
    assert study_of(path) == Study("1.2.3", "2024-01-31", "2024-01-31 · CR · CHEST")
    assert study_of(write(StudyInstanceUID="1.2.3")) == Study("1.2.3", "", "Study without date")


def test_what_names_no_study_has_none(write, tmp_path):
    assert study_of(write(StudyDate="20240131")) is None
    assert study_of(write(StudyInstanceUID="1.2.3", syntax=DeflatedExplicitVRLittleEndian)) is None
    assert study_of(tmp_path / "missing.dcm") is None
    for name, data in (("a.png", b"\x89PNG"), ("b.dcm", b"\0" * 128 + b"DICM" + b"\xff" * 40)):
        (tmp_path / name).write_bytes(data)
        assert study_of(tmp_path / name) is None
