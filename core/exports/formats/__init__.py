"""The export formats: one file each, registered here."""

from __future__ import annotations

from core.exports.format import ExportFormat
from core.exports.formats import csv_table, dicom, heat_maps, json_lines, pdf_report

FORMATS: dict[str, ExportFormat] = {
    known.id: known
    for known in (csv_table.FORMAT, json_lines.FORMAT, heat_maps.FORMAT, pdf_report.FORMAT, dicom.FORMAT)
}
