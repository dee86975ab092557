"""The PDF report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.compare.record import reason_of
from core.exports.format import ExportFormat, Result, Wanted, Write
from core.reports.writer import ReportWriter


@contextmanager
def _open(place: Path, wanted: Wanted) -> Iterator[Write]:
    with ReportWriter(
        place, wanted.paper, hide_names=wanted.hide_names, with_identity=wanted.with_identity,
        letterhead=wanted.letterhead,
    ) as report:  # fmt: skip

        def write(result: Result) -> None:
            record, reading = result.exported.record, result.exported.reading
            if result.image is None or result.shown is None:
                report.add_failed(result.path, reason_of(record))
            else:
                label = reading.label if wanted.labelled else None
                report.add(result.image, result.shown, reading.impression, window=result.window, label=label)

        yield write


FORMAT = ExportFormat("report", "PDF report", "Summary, a page for each image, appendix", "twinlens.pdf", _open)
