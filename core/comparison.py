"""Teacher and student on one image: what each says, whether they agree, and what the smaller one saves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from core.bundle import Bundle
from core.calibration import jensen_shannon_divergence
from core.classifier import Classifier, Prediction
from core.errors import UsageError
from core.heatmap import HeatMap
from core.medical_image import MedicalImage
from core.scorecam import explain_pair
from core.similarity import iou_top, pearson

CamMode = Literal["fast", "exact", "none"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What one of the two models says and where it looks.

    Attributes:
        bundle: the model.
        prediction: its classification.
        heat_map: its class activation map, or None if none was asked for.
    """

    bundle: Bundle
    prediction: Prediction
    heat_map: HeatMap | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        p, heat_map = self.prediction, self.heat_map
        return {
            "model": self.bundle.id,
            "probabilities": dict(zip(p.class_ids, (float(v) for v in p.probabilities), strict=True)),
            "predicted": p.predicted,
            "latency_ms": p.latency.forward_ms,
            "total_ms": p.latency.total_ms,
            "runtime": p.runtime,
            "device": p.device,
            "precision": p.precision,
            "novel": None,
            "cam": None
            if heat_map is None
            else {
                "class": p.class_ids[heat_map.class_index],
                "layer": heat_map.layer,
                "method": heat_map.method,
                "maps_scored": heat_map.maps_scored,
                "maps_total": heat_map.maps_total,
                "estimated_error": heat_map.estimated_error,
                "seconds": heat_map.seconds,
            },
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """Teacher and student on one image.

    Attributes:
        teacher: the large network's answer.
        student: the small network's answer.
        js_divergence: Jensen-Shannon divergence of the two calibrated distributions, in bits, in [0, 1].
        cam_pearson: Pearson correlation of the two maps at the teacher's input size, None without maps.
        cam_iou20: intersection over union of the two maps' top 20 %, None without maps.
    """

    teacher: Answer
    student: Answer
    js_divergence: float
    cam_pearson: float | None
    cam_iou20: float | None

    @property
    def same_class(self) -> bool:
        """Whether both put the same class on top."""
        return self.teacher.prediction.predicted == self.student.prediction.predicted

    @property
    def speed_ratio(self) -> float:
        """How many times faster the student's forward was, from what was measured on this image."""
        return self.teacher.prediction.latency.forward_ms / self.student.prediction.latency.forward_ms

    @property
    def size_ratio(self) -> float:
        """How many times fewer parameters the student has."""
        return self.teacher.bundle.card.parameters / self.student.bundle.card.parameters

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: ``teacher``, ``student`` and ``agreement``."""
        return {
            "teacher": self.teacher.as_dict(),
            "student": self.student.as_dict(),
            "agreement": {
                "same_class": self.same_class,
                "js_divergence": self.js_divergence,
                "cam_pearson": self.cam_pearson,
                "cam_iou20": self.cam_iou20,
                "speed_ratio": self.speed_ratio,
                "size_ratio": self.size_ratio,
            },
        }


def compare(
    image: MedicalImage, teacher: Classifier, student: Classifier, cam: CamMode = "fast", repeats: int = 1
) -> Comparison:
    """Let teacher and student judge one image.

    Both maps are for the class that the teacher finds most probable, so that they can be laid over each other also
    where the two disagree.

    Args:
        image: the opened image.
        teacher: the large network.
        student: the small network.
        cam: how far Score-CAM goes: the clustered approximation, every map, or not at all.
        repeats: how often each forward is timed.

    Raises:
        UsageError: if the two were not made for the same classes.
    """
    if teacher.bundle.card.classes != student.bundle.card.classes:
        raise UsageError(
            f"{teacher.bundle.id} and {student.bundle.id} do not tell the same classes apart.",
            remedy="Choose a teacher and a student of the same task.",
        )
    said = {"teacher": teacher.predict(image, repeats), "student": student.predict(image, repeats)}
    maps: dict[str, HeatMap] = {}
    if cam != "none":
        pair = teacher.score_cam(image), student.score_cam(image)
        maps.update(explain_pair(*pair, said["teacher"].top, cam))
    how = teacher.bundle.card.preprocessing
    size = how.height, how.width
    resized = (maps["teacher"].resized(*size), maps["student"].resized(*size)) if maps else None
    return Comparison(
        teacher=Answer(teacher.bundle, said["teacher"], maps.get("teacher")),
        student=Answer(student.bundle, said["student"], maps.get("student")),
        js_divergence=jensen_shannon_divergence(said["teacher"].probabilities, said["student"].probabilities),
        cam_pearson=None if resized is None else pearson(*resized),
        cam_iou20=None if resized is None else iou_top(*resized),
    )
