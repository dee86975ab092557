"""From a report to the part of a model's card."""

from __future__ import annotations

from datetime import date

from core import __version__
from core.models.map_quality import MapFigure, MapQuality, MethodQuality
from core.quality.run import QualityReport


def map_quality(report: QualityReport, model: str, dataset: str, machine: str, today: date) -> MapQuality | None:
    """Return what a report says of one model as a part of its card; None where none of its maps was measured.

    Args:
        report: the report.
        model: identifier of the bundle.
        dataset: the images in words.
        machine: where the times were measured.
        today: the date of the measurement.
    """
    summaries = [summary for summary in report.summaries if summary.model == model]
    if not summaries:
        return None
    return MapQuality(
        dataset=dataset,
        images=sum(result.model == model and not result.error for result in report.results),
        machine=machine,
        measured_by=f"Twinlens {__version__}, python -m core quality",
        measured_on=today,
        methods=tuple(
            MethodQuality(
                method=summary.method,
                seconds_per_map=summary.seconds_per_map,
                figures=tuple(
                    MapFigure(measure=key, value=found.value, low=found.low, high=found.high, images=found.images)
                    for key, found in summary.measures.items()
                ),
            )
            for summary in summaries
        ),
    )
