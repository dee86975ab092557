"""How good heat maps are, for a person: a page that sets models side by side, and the section of a model's card."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core import NOTICE
from core.models.map_quality import MapQuality
from core.quality.bootstrap import Estimate
from core.quality.explainers import explainers
from core.quality.measures import MEASURES, in_order, measure_of, title
from core.quality.run import QualityReport
from core.reports.document import Block, Heading, Items, Paragraph, Table, markdown

CAUTION = (
    "These figures say how a map relates to the network, not to disease: a map can be faithful to a network that is "
    "wrong. Intervals are 95 % bootstrap intervals over images; images of one patient count as independent."
)
BETTER = {"lower": "↓", "higher": "↑", "": "–"}


def quality_page(report: QualityReport, dataset: str, machine: str, plots: Iterable[Path] = ()) -> str:
    """Return a report as a page in Markdown.

    Args:
        report: what was measured.
        dataset: the images in words.
        machine: where it was measured.
        plots: pictures that lie beside the page.
    """
    text = markdown(quality_blocks(report, dataset, machine))
    return text + "".join(f"\n![{plot.stem}]({plot.name})\n" for plot in plots)


def quality_blocks(report: QualityReport, dataset: str, machine: str) -> list[Block]:
    """Return a report as the blocks of a page; arguments as for :func:`quality_page`."""
    costly = f"; stability and random weights on {report.costly} of them" if report.costly else ""
    stopped = f" Stopped after {report.measured} of {report.wanted} images." if report.stopped else ""
    explained = "Each map explains the class that its model predicts."
    blocks: list[Block] = [
        Heading(1, "Quality of heat maps"),
        Paragraph(NOTICE, strong=True),
        Paragraph(f"{report.measured} images of {dataset}{costly}. {explained}{stopped}"),
        Paragraph(CAUTION),
        *(Paragraph(note) for note in report.notes),
    ]
    for method, name in report.methods.items():
        found = [summary for summary in report.summaries if summary.method == method]
        if not found:
            continue
        difference = next((d for d in report.differences if d.method == method), None)
        rows = []
        for key in in_order(key for summary in found for key in summary.measures):
            cells = [number(summary.measures.get(key)) for summary in found]
            if difference is not None:
                cells.append(number(difference.measures.get(key), sign=True))
            rows.append((f"{title(key)} {BETTER[measure_of(key).better]}", *cells))
        rows.append(
            ("Seconds per map (median)", *(f"{s.seconds_per_map:.2f}" for s in found), *([""] if difference else []))
        )
        head = ("measure", *(summary.model for summary in found), *(["difference, last − first"] if difference else []))
        blocks += [Heading(2, name), Table(head, tuple(rows))]
    blocks += [
        Heading(2, "What is measured"),
        Items(tuple(_meaning(key) for key in _measured(report))),
        Heading(2, "Time"),
        Paragraph(machine),
        Items(tuple(_time(report, model) for model in report.models)),
    ]
    if report.failures:
        blocks += [Heading(2, "Not measured"), Items(tuple(report.failures))]
    return blocks


def card_blocks(quality: MapQuality | None) -> list[Block]:
    """Return the section of a model's card; empty where nothing was measured.

    Args:
        quality: the part of the card.
    """
    if quality is None:
        return []
    figures = {
        m.method: {f.measure: Estimate(f.value, f.low, f.high, f.images) for f in m.figures} for m in quality.methods
    }
    keys = in_order(key for found in figures.values() for key in found)
    rows = [
        (f"{title(key)} {BETTER[measure_of(key).better]}", *(number(found.get(key)) for found in figures.values()))
        for key in keys
    ]
    rows.append(("Seconds per map (median)", *(f"{method.seconds_per_map:.2f}" for method in quality.methods)))
    return [
        Heading(2, "Quality of heat maps"),
        Paragraph(
            f"{quality.images} images of {quality.dataset}, measured by {quality.measured_by} on "
            f"{quality.measured_on.isoformat()}. {quality.machine}"
        ),
        Paragraph(CAUTION),
        Table(("measure", *map(method_name, figures)), tuple(rows)),
    ]


def method_name(method: str) -> str:
    """Return the name of a method for a person; one that is not known here is its own name."""
    known = explainers()
    return known[method].name if method in known else method


def number(found: Estimate | None, *, sign: bool = False) -> str:
    """Return a mean with its interval, e.g. ``0.412 (0.380 to 0.446)``; a dash where there is none."""
    if found is None:
        return "–"
    plain = "+.3f" if sign else ".3f"
    if found.low is None or found.high is None:
        return format(found.value, plain)
    return f"{found.value:{plain}} ({found.low:{plain}} to {found.high:{plain}})"


def _measured(report: QualityReport) -> list[str]:
    """Return the identifiers of what was measured, each mask's measures once."""
    keys = in_order(key for summary in report.summaries for key in summary.measures)
    return [measure for measure in MEASURES if any(measure_of(key).id == measure for key in keys)]


def _meaning(key: str) -> str:
    measure = MEASURES[key]
    direction = {"lower": ", lower is better", "higher": ", higher is better", "": ""}[measure.better]
    return f"{measure.name}{direction}: {measure.meaning}"


def _time(report: QualityReport, model: str) -> str:
    plain, costly = report.seconds_per_image[model], report.seconds_per_costly_image[model]
    parts = [
        None if plain is None else f"{plain:.1f} s an image for its maps and their measures",
        None if costly is None else f"{costly:.1f} s with stability and random weights",
    ]
    return f"{model}: {', '.join(filter(None, parts)) or 'not measured'}"
