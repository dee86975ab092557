"""Results for a picture archive: overlays (Secondary Capture), probabilities (SR) and heat maps (Parametric Map).

All refer to the image that they were made from. By default the patient's identity is replaced by a pseudonym.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import PersonName

from core import NOTICE, __version__
from core.compare.comparison import Comparison, ModelResult
from core.compare.wording import NOT_ASSESSABLE
from core.errors import SourceError
from core.explain.overlays import overlay, shown
from core.exports.legend import with_legend
from core.images.medical_image import MedicalImage
from core.system.atomic_files import bytes_written_whole, make_folder
from core.system.output_names import SIDES, dicom_name
from core.system.suppress_warnings import without_warnings

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept

OTHERWISE = "Export PNG overlays and tables in place of them."
SCHEME = "99TWINLENS"  # concepts that no published terminology has; names begin with 99 by PS3.16, 8
LONGEST = 1024  # pixels of an overlay's longer side
CHARACTERS = "ISO_IR 192"  # UTF-8, which all results are written in, whatever the image's header is
SERIES = {"overlay": 9101, "report": 9102, "map": 9103}
# of the image's header only these are read, so that nothing else of a patient can get into a result
HEADER = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "Modality", "Rows",
    "Columns", "NumberOfFrames", "PixelSpacing", "SliceThickness", "ImagePositionPatient",
    "ImageOrientationPatient", "PatientOrientation", "PositionReferenceIndicator", "ImageType",
)  # fmt: skip
NEEDED = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Rows", "Columns")
IDENTITY = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip


def write_dicom_results(
    folder: Path,
    image: MedicalImage,
    comparison: Comparison,
    *,
    keep_identity: bool = False,
    window: tuple[float, float] | None = None,
) -> list[Path]:
    """Write the results on one DICOM image as DICOM files and return their paths.

    They are a Comprehensive SR with TID 1500 content (the classes with their probabilities), and for each model with a
    map an overlay with legend as Secondary Capture and the map as Parametric Map of the image's rows and columns. The
    SR states where the image is not assessable; a prediction that is withheld is not in it.

    Args:
        folder: where they are written; made if it is not there.
        image: the opened image.
        comparison: both models on it.
        keep_identity: whether patient and study are those of the image. By default they get a pseudonym, the same for
            all images of a study; the reference to the image then still leads whoever has the archive back to it.
        window: the pixel values spread over the scale of grey; by default the file's own way of showing itself.

    Raises:
        SourceError: if the image is no DICOM file, lacks an identifier, has changed since, or its header holds what
            no result can carry on.
        WriteError: if a file can't be written.
    """
    try:
        with without_warnings():
            files = _files(_source(image), image, comparison, keep_identity, window)
    except (ValueError, TypeError, LookupError, AttributeError) as cause:  # what pydicom and highdicom raise
        raise SourceError(
            f"The header of the DICOM image is not fit for results that refer to it ({cause}).",
            path=image.path,
            remedy=OTHERWISE,
        ) from cause
    make_folder(folder)
    written = []
    for name, content in files.items():
        written.append(folder / dicom_name(image.digest, name))
        with bytes_written_whole(written[-1]) as file:
            file.write(content)
    return written


def _files(
    header: Dataset,
    image: MedicalImage,
    comparison: Comparison,
    keep_identity: bool,
    window: tuple[float, float] | None,
) -> dict[str, bytes]:
    """Return the content of each file by the end of its name."""
    source, whose = _without_identity(header)
    identity: Mapping[str, object] = whose if keep_identity else _pseudonym(source)
    objects = {"report": _report(source, comparison)}
    picture = shown(image, window, LONGEST)
    for number, (side, result) in enumerate(zip(SIDES, (comparison.teacher, comparison.student), strict=True), 1):
        if result.drawn_map is not None:
            pixels = with_legend(overlay(picture, result.drawn_map), side, result)
            objects[f"{side}-overlay"] = _capture(source, pixels, side, result, number)
            objects[f"{side}-map"] = _map(source, image.spacing or (1.0, 1.0), side, result, number)
    files = {}
    for name, found in objects.items():
        for keyword, value in identity.items():
            found.pop(keyword, None)  # highdicom shares its elements with the source: they are replaced, not changed
            setattr(found, keyword, value)
        found.SpecificCharacterSet = CHARACTERS
        content = io.BytesIO()
        found.save_as(content, enforce_file_format=True)
        files[name] = content.getvalue()
    return files


def _source(image: MedicalImage) -> Dataset:
    """Return all of the image's header, now that its identity is needed."""
    if image.format != "DICOM":
        raise SourceError(
            f"DICOM results can be written for DICOM images only; this is a {image.format} file.",
            path=image.path,
            remedy=OTHERWISE,
        )
    if image.frames > 1:
        raise SourceError(
            f"DICOM results can't refer to one of {image.frames} frames of a file.", path=image.path, remedy=OTHERWISE
        )
    try:
        data = image.path.read_bytes()
    except OSError as cause:
        raise SourceError("The image can't be read again.", path=image.path, remedy="Open it again.") from cause
    if hashlib.sha256(data).hexdigest() != image.digest:
        raise SourceError("The image has changed since it was opened.", path=image.path, remedy="Open it again.")
    source = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=[*HEADER, *IDENTITY], force=True)
    if missing := [name for name in NEEDED if not source.get(name)]:
        raise SourceError(
            f"The DICOM image has no {missing[0]}, so results can't refer to it.",
            path=image.path,
            remedy="Get the file again from the archive.",
        )
    source.decode()
    source.SpecificCharacterSet = CHARACTERS
    return source


def _without_identity(source: Dataset) -> tuple[Dataset, dict[str, object]]:
    """Take the identity of patient and study out of a header, and return both."""
    whose = {name: _plain(source.get(name, "")) for name in IDENTITY}
    for name in IDENTITY:
        setattr(source, name, "")
    return source, whose


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever pydicom read
    """Return a name as text, which is encoded again: a PersonName has the bytes of its own character set."""
    return str(value) if isinstance(value, PersonName) else value


class _Equipment(TypedDict):
    manufacturer: str
    manufacturer_model_name: str
    software_versions: str


class _Instance(TypedDict):
    series_instance_uid: str
    series_number: int
    sop_instance_uid: str
    instance_number: int


def _equipment() -> _Equipment:
    return {"manufacturer": "Twinlens", "manufacturer_model_name": "Twinlens", "software_versions": __version__}


def _series(source: Dataset, kind: str, number: int) -> _Instance:
    """Return new identifiers: one series a kind and source series, so that the results of a study stay together."""
    return {
        "series_instance_uid": generate_uid(entropy_srcs=[source.SeriesInstanceUID, kind, __version__]),
        "series_number": SERIES[kind],
        "sop_instance_uid": generate_uid(),
        "instance_number": number,
    }


def _capture(source: Dataset, pixels: Any, side: str, result: ModelResult, number: int) -> Dataset:  # noqa: ANN401
    from highdicom.sc import SCImage

    found: Dataset = SCImage.from_ref_dataset(
        ref_dataset=source, pixel_array=np.ascontiguousarray(pixels), photometric_interpretation="RGB",
        bits_allocated=8, coordinate_system="PATIENT", patient_orientation=("L", "F"),
        transfer_syntax_uid=ExplicitVRLittleEndian, **_series(source, "overlay", number), **_equipment(),
    )  # fmt: skip
    found.PatientOrientation = source.get("PatientOrientation") or ""  # highdicom wants one; many files have none
    found.BurnedInAnnotation = "YES"
    found.Laterality = ""
    found.SeriesDescription = "Twinlens heat maps (research only)"
    found.ImageComments = f"{NOTICE} {side.capitalize()} {result.bundle.id}."
    found.DerivationDescription = "Heat map laid over the image"
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    found.SourceImageSequence = Sequence([reference])
    return found


def _map(source: Dataset, spacing: tuple[float, float], side: str, result: ModelResult, number: int) -> Dataset:
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap, RealWorldValueMapping
    from pydicom.sr.codedict import codes

    assert result.heat_map is not None  # noqa: S101 - asked for only where there is one
    label = result.bundle.card.described_task.classes[result.heat_map.class_index]
    mapping = RealWorldValueMapping(
        lut_label="HEATMAP",
        lut_explanation=f"Score-CAM for {label.id}, relative",
        unit=codes.UCUM.NoUnits,
        value_range=(0.0, 1.0),
        slope=1.0,
        intercept=0.0,
        quantity_definition=_concept("score-cam", "Class activation map"),
    )
    found: Dataset = ParametricMap(
        source_images=[_placed(source, spacing)],
        pixel_array=result.heat_map.resized(int(source.Rows), int(source.Columns))[None],
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[VOILUTTransformation(window_center=0.5, window_width=1.0)],
        device_serial_number="0",
        content_label=f"{side.upper()}_MAP",
        content_description=f"Research only: {result.bundle.id}"[:64],
        **_series(source, "map", number),
        **_equipment(),
    )
    found.Laterality = ""
    found.SeriesDescription = "Twinlens raw heat maps (research only)"
    return found


def _placed(source: Dataset, spacing: tuple[float, float]) -> Dataset:
    """Return the image in a coordinate system, which highdicom's parametric maps need and projection images lack.

    Where the image has none it gets one of its own: the origin in its first pixel, axes along its rows and columns.
    """
    if "FrameOfReferenceUID" in source and "ImagePositionPatient" in source:
        return source
    placed = Dataset()
    placed.update(source)
    placed.file_meta = source.file_meta
    placed.FrameOfReferenceUID = generate_uid(entropy_srcs=[source.SOPInstanceUID, "Twinlens"])
    placed.ImagePositionPatient, placed.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    placed.PixelSpacing, placed.SliceThickness = list(spacing), source.get("SliceThickness") or 1
    return placed


def _report(source: Dataset, comparison: Comparison) -> Dataset:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    groups = []
    for side, result in zip(SIDES, (comparison.teacher, comparison.student), strict=True):
        task, prediction = result.bundle.card.described_task, result.prediction
        names = {label.id: _concept(label.id, label.name) for label in task.classes}
        evaluations = [sr.QualitativeEvaluation(_concept("use", "Intended use"), _concept("research", NOTICE))]
        if prediction.is_out_of_distribution:
            outside = _concept("refused", NOT_ASSESSABLE)
            evaluations.append(sr.QualitativeEvaluation(_concept("judgement", "Judgement"), outside))
        if not result.withheld:
            evaluations.append(
                sr.QualitativeEvaluation(_concept("predicted", "Most probable class"), names[prediction.predicted])
            )
        groups.append(
            sr.MeasurementsAndQualitativeEvaluations(
                tracking_identifier=sr.TrackingIdentifier(uid=generate_uid(), identifier=f"{side} {result.bundle.id}"),
                algorithm_id=sr.AlgorithmIdentification(
                    name=result.bundle.id, version=result.bundle.card.weights_sha256[:16], manufacturer="Twinlens"
                ),
                source_images=[
                    sr.SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID),
                ],
                measurements=[
                    sr.Measurement(_probability(label, names), float(p), codes.UCUM.NoUnits)
                    for label, p in zip(prediction.class_ids, prediction.probabilities, strict=True)
                    if not result.withheld
                ],
                qualitative_evaluations=evaluations,
            )
        )
    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=generate_uid(entropy_srcs=["Twinlens", __version__]), name="Twinlens", manufacturer_name="Twinlens",
            model_name=f"Twinlens {__version__}",
        ),
    )  # fmt: skip
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=_concept("comparison", "Comparison of two classifiers"),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    found: Dataset = sr.ComprehensiveSR(
        evidence=[source], content=content[0], is_complete=True, **_series(source, "report", 1), **_equipment()
    )
    found.SeriesDescription = "Twinlens predictions (research only)"
    return found


def _probability(label: str, names: dict[str, CodedConcept]) -> CodedConcept:
    return _concept(f"p-{label}", f"Probability of {names[label].meaning}")


def _concept(value: str, meaning: str) -> CodedConcept:
    """Return a concept of the program's own scheme; a code of more than 16 characters (PS3.5, SH) ends in a digest."""
    from highdicom.sr import CodedConcept

    if len(value) > 16 or not value.isascii() or "\\" in value:
        value = f"{re.sub('[^A-Za-z0-9_-]', '', value)[:7]}-{hashlib.sha256(value.encode()).hexdigest()[:8]}"
    return CodedConcept(value=value, scheme_designator=SCHEME, meaning=meaning[:64])


def _pseudonym(source: Dataset) -> dict[str, str]:
    """Return what stands for patient and study, the same for all images of a study."""
    name = hashlib.sha256(source.StudyInstanceUID.encode()).hexdigest()[:16]
    return {
        "PatientID": name,
        "PatientName": f"Twinlens^{name}",
        "StudyInstanceUID": generate_uid(entropy_srcs=[source.StudyInstanceUID, "Twinlens"]),
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "Patient and study replaced by Twinlens",
    }
