"""Teacher and student on one image: both predictions, their heat maps, and how far they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from core.compare.classifier import Prediction
from core.explain.heatmap import FloatArray, HeatMap
from core.explain.similarity import iou_top, pearson
from core.models.bundle import Bundle
from core.models.card import Role
from core.uncertainty.calibration import jensen_shannon_divergence

CamMode = Literal["fast", "exact", "none"]


@dataclass(frozen=True, eq=False)
class ModelResult:
    """The prediction of one of the two models, and its heat map.

    Attributes:
        bundle: the model.
        prediction: its classification.
        heat_map: its class activation map, None without one.
        withheld: whether the prediction is hidden in what is written.
    """

    bundle: Bundle
    prediction: Prediction
    heat_map: HeatMap | None
    withheld: bool = False

    @property
    def drawn_map(self) -> HeatMap | None:
        """The heat map where there is one that is known well enough to be drawn and compared."""
        return self.heat_map if self.heat_map is not None and self.heat_map.is_known else None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Teacher and student on one image; grows by copies, and is never changed.

    Attributes:
        teacher: the large network.
        student: the small network.
    """

    teacher: ModelResult
    student: ModelResult

    @cached_property
    def js_divergence(self) -> float:
        """Jensen-Shannon divergence of the two calibrated distributions, in bits, in [0, 1]."""
        return jensen_shannon_divergence(self.teacher.prediction.probabilities, self.student.prediction.probabilities)

    @cached_property
    def cam_pearson(self) -> float | None:
        """Pearson correlation of the two maps at the teacher's input size.

        None where not both are known, they are for different classes, or one is empty.
        """
        maps = self._resized_maps()
        return None if maps is None else pearson(*maps)

    @cached_property
    def cam_iou20(self) -> float | None:
        """Intersection over union of the two maps' top 20 %; None where :attr:`cam_pearson` is."""
        maps = self._resized_maps()
        return None if maps is None else iou_top(*maps)

    @property
    def same_class(self) -> bool:
        """Whether both put the same class on top."""
        return self.teacher.prediction.predicted == self.student.prediction.predicted

    @property
    def explains_same_class(self) -> bool:
        """Whether the heat maps, as far as there are any, are for the same class."""
        teacher, student = self.teacher.heat_map, self.student.heat_map
        return teacher is None or student is None or teacher.class_index == student.class_index

    @property
    def speed_ratio(self) -> float:
        """How many times faster the student's forward was, from what was measured on this image."""
        return self.teacher.prediction.latency.forward_ms / self.student.prediction.latency.forward_ms

    @property
    def size_ratio(self) -> float:
        """How many times fewer parameters the student has."""
        return self.teacher.bundle.card.parameters / self.student.bundle.card.parameters

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices for the reader on how predictions and heat maps were made, each once."""
        found = [notice for result in (self.teacher, self.student) for notice in result.prediction.notices]
        for side, result in (("teacher", self.teacher), ("student", self.student)):
            if result.heat_map is not None and result.drawn_map is None:
                found.append(f"The {side}'s heat map is not known well enough to be shown; Score-CAM exact makes it.")
            elif result.drawn_map is not None and result.drawn_map.is_empty:
                found.append(f"The {side}'s heat map is empty: it shows no evidence for the class.")
        return tuple(dict.fromkeys(found))

    @property
    def is_withheld(self) -> bool:
        """Whether a prediction is hidden, so that their agreement is not shown."""
        return self.teacher.withheld or self.student.withheld

    def withholding(self) -> Comparison:
        """Return the comparison without the predictions and maps of models that the image is not assessable for."""
        teacher, student = (
            replace(result, heat_map=None, withheld=True) if result.prediction.is_out_of_distribution else result
            for result in (self.teacher, self.student)
        )
        return Comparison(teacher, student)

    def with_heat_map(self, role: Role, heat_map: HeatMap) -> Comparison:
        """Return the comparison with the heat map of one of the two."""
        if role == "teacher":
            return replace(self, teacher=replace(self.teacher, heat_map=heat_map))
        return replace(self, student=replace(self.student, heat_map=heat_map))

    def _resized_maps(self) -> tuple[FloatArray, FloatArray] | None:
        teacher, student = self.teacher.drawn_map, self.student.drawn_map
        if teacher is None or student is None or not self.explains_same_class or teacher.is_empty or student.is_empty:
            return None
        how = self.teacher.bundle.card.preprocessing
        return teacher.resized(how.height, how.width), student.resized(how.height, how.width)
