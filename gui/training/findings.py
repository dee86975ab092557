"""What the check of a data set found, as a page: how serious each thing is in a sign and a word, then what it is."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Literal

from pydantic import BaseModel, ConfigDict
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QTextBrowser, QWidget

from core.tasks import TASKS
from gui.common import theme

SIGNS = {"error": "✕", "warning": "⚠", "note": "ℹ"}
WORDS = {"error": "Error", "warning": "Warning", "note": "Note"}
SPLITS = ("train", "val", "test")


class Finding(BaseModel):
    """One thing that the check found.

    Attributes:
        severity: how serious it is.
        text: what it is.
        count: how many images or groups it concerns.
        examples: the first of them.
    """

    model_config = ConfigDict(frozen=True)

    severity: Literal["error", "warning", "note"]
    text: str
    count: int
    examples: tuple[str, ...]


class Report(BaseModel):
    """What ``check-data`` prints as JSON, as far as the window shows it.

    Attributes:
        name: the data set's name.
        kind: its layout.
        split_made: how its images were split.
        images: number of images.
        labels: images of each label, as the data set writes it.
        classes: images of each class by split.
        findings: what was found, errors first.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    split_made: str
    images: int
    labels: Mapping[str, int] = {}
    classes: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]


class Findings(QTextBrowser):
    """The findings, errors first, and how many images each class has in each split."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What the check of the data found")
        self.setOpenLinks(False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.setViewportMargins(0, 16, 0, 0)
        self._report: Report | None = None
        self._words, self._warning = "", False
        self.say("Choose the folder of a data set. It is checked before the training begins.")

    def say(self, words: str, *, warning: bool = False) -> None:
        """Show words in place of findings."""
        self._report, self._words, self._warning = None, words, warning
        self._draw()

    def show_report(self, report: Report) -> None:
        """Show what was found."""
        self._report = report
        self._draw()

    def _draw(self) -> None:
        if self._report is not None:
            self.setHtml(page(self._report))
            return
        tint = theme.colour("warning" if self._warning else "dim").name()
        sign = f"{SIGNS['warning']}&nbsp; " if self._warning else ""
        self.setHtml(f'<p style="color:{tint}">{sign}{escape(self._words)}</p>')

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_report"):
            self._draw()


def summary(report: Report) -> str:
    """Return a report in one line: images, classes, and how many findings of which severity."""
    counts = dict.fromkeys(SIGNS, 0)
    for finding in report.findings:
        counts[finding.severity] += 1
    names = {
        "error": ("1 error", "{0} errors"),
        "warning": ("1 warning", "{0} warnings"),
        "note": ("1 note", "{0} notes"),
    }
    found = [
        f"{SIGNS[severity]} {names[severity][count > 1].format(count)}" for severity, count in counts.items() if count
    ]
    head = f"{report.images:,} images of {len(report.classes)} classes"
    return "  ·  ".join([head, *(found or ["nothing to report"])])


def task_of(report: Report) -> str | None:
    """Return the identifier of the task whose classes a data set has, or None."""
    labels = set(report.classes)
    return next((task.id for task in TASKS.values() if labels and labels <= set(task.class_ids)), None)


def page(report: Report) -> str:
    """Return a report as HTML; all text of files and manifests is escaped."""
    dim = theme.colour("dim").name()
    parts = [
        f"<p><b>"
        f"{escape(report.name)}</b>&nbsp;&nbsp;{escape(summary(report))}<br>"
        f'<span style="color:{dim}; font-size:{theme.SMALL}px">'
        + escape(f"Layout: {report.kind}. Split: {report.split_made}.")
        + "</span></p>"
    ]
    parts += [_finding(finding, dim) for finding in report.findings]
    parts.append(_table(report, dim))
    return "".join(parts)


def _finding(finding: Finding, dim: str) -> str:
    severity = finding.severity
    tint = theme.colour("dim" if severity == "note" else "warning").name()
    examples = [escape(example) for example in finding.examples]
    if finding.count > len(examples) > 0:
        examples.append(escape(f"… and {finding.count - len(examples):,} more"))
    small = "<br>".join(examples)
    return (
        f'<table cellspacing="0" cellpadding="0" style="margin-top:12px"><tr>'
        f'<td width="96" style="color:{tint}; white-space:nowrap"><b>{SIGNS[severity]}&nbsp; {WORDS[severity]}</b></td>'
        f"<td>{escape(finding.text)}"
        + (f'<br><span style="color:{dim}; font-size:{theme.SMALL}px">{small}</span>' if small else "")
        + "</td></tr></table>"
    )


def _table(report: Report, dim: str) -> str:
    cell = '<td align="right" style="padding-left:32px">{0}</td>'
    heads = ("training", "validation", "test")
    head = "".join(f'<td align="right" style="padding-left:32px; color:{dim}">{escape(name)}</td>' for name in heads)
    rows = [f'<tr><td style="color:{dim}">{escape("Class")}</td>{head}</tr>']
    for label, counts in report.classes.items():
        figures = "".join(cell.format(f"{counts.get(split, 0):,}") for split in SPLITS)
        rows.append(f"<tr><td>{escape(label)}</td>{figures}</tr>")
    return f'<table cellspacing="0" cellpadding="2" style="margin-top:20px">{"".join(rows)}</table>'
