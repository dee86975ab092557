"""What a check of a data set found, as plain values and as a page to read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Literal

from training.data.border_scores import BORDER, ProbeScores
from training.data.dataset import SPLITS
from training.data_check.metric import Dimension

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One finding about a data set.

    Attributes:
        severity: ``error``: scores measured on it would be wrong; ``warning``: they need a word beside them; ``note``.
        code: what kind of thing it is, e.g. ``leak``, for programs.
        text: in a sentence or two.
        count: how many images or sets of images it is about.
        examples: the first few, each a line.
    """

    severity: Severity
    code: str
    text: str
    count: int
    examples: tuple[str, ...] = ()


def finding(severity: Severity, code: str, text: str, count: int, lines: Iterable[str] = ()) -> Finding:
    """Return a finding with the first ``EXAMPLES`` lines."""
    return Finding(severity, code, readable(text), count, tuple(readable(line) for line in islice(lines, EXAMPLES)))


def readable(text: str) -> str:
    """Return a name as it can be printed: bytes that are no UTF-8 are written out."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Look:
    """How the images of one class or one source look.

    Attributes:
        by: ``class`` or ``source``.
        value: which one.
        images: how many were read.
        width: median columns.
        height: median rows.
        brightness: mean of the images' mean brightness, 0–255.
        spread: standard deviation of the images' mean brightness.
        formats: file formats with their number of images.
    """

    by: str
    value: str
    images: int
    width: int
    height: int
    brightness: float
    spread: float
    formats: dict[str, int]


@dataclass(frozen=True)
class DataReport:
    """What a check found.

    Attributes:
        name: the data set's folder name.
        kind: the layout that it was recognised by.
        split_made: in words, where its split comes from.
        digest: of its list of samples.
        images: how many samples it has.
        labels: images by label as the data set writes it, before the label map.
        label_map: labels that were renamed, or left out, to an empty string.
        left_out: files that are no samples, by reason.
        classes: images by class and split.
        sources: images by source and class; empty where no source is given.
        masks: masks that come with the images, by what they outline.
        looks: size and brightness by class and by source.
        probe: the shortcut probe, or None where there are too few images.
        findings: errors first.
        metric: the dimensions of the METRIC-framework.
    """

    name: str
    kind: str
    split_made: str
    digest: str
    images: int
    labels: dict[str, int]
    label_map: dict[str, str]
    left_out: dict[str, int]
    classes: dict[str, dict[str, int]]
    sources: dict[str, dict[str, int]]
    masks: dict[str, int]
    looks: list[Look]
    probe: ProbeScores | None
    findings: list[Finding]
    metric: list[Dimension] = field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        """Whether scores measured on this data set would be wrong."""
        return any(finding.severity == "error" for finding in self.findings)

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self)

    def as_markdown(self) -> str:
        """Return the report as a page."""
        names = list(self.classes)
        lines = [
            f"# {self.name}: {self.images:,} images, {len(names)} classes",
            "",
            f"Layout: {self.kind}. Split: {self.split_made}.",
            "",
            *self._map(),
            f"Digest of the list: `{self.digest[:16]}`",
            "",
            "## Findings",
            "",
            *(self._findings() or ["Nothing to report."]),
            "",
            "## Images by class and split",
            "",
            *_table(["class", *SPLITS, "all"], ([name, *_counts(self.classes[name], SPLITS)] for name in names)),
        ]
        if self.masks:
            lines += ["", "Masks: " + ", ".join(f"{n:,} {what}" for what, n in self.masks.items()) + "."]
        if self.sources:
            rows = ([source, *_counts(by_class, names)] for source, by_class in self.sources.items())
            lines += ["", "## Images by source and class", "", *_table(["source", *names, "all"], rows)]
        lines += ["", "## Size and brightness", "", *self._looks()]
        if self.probe is not None:
            lines += ["", "## Shortcut probe", "", *self._probe(self.probe)]
        if self.metric:
            lines += ["", "## Data quality (METRIC-framework)", "", *self._metric()]
        return readable("\n".join(lines) + "\n")

    def _map(self) -> list[str]:
        renamed = (f"{old} → {new or 'left out'}" for old, new in self.label_map.items() if old in self.labels)
        line = _plain(", ".join(renamed))
        return [f"Label map: {line}.", ""] if line else []

    def _findings(self) -> list[str]:
        lines = []
        for finding in self.findings:
            lines.append(f"- **{finding.severity}**: {finding.text}")
            lines += [f"    - {_plain(example)}" for example in finding.examples]
            if finding.count > len(finding.examples) > 0:
                lines.append(f"    - … and {finding.count - len(finding.examples):,} more")
        return lines

    def _looks(self) -> list[str]:
        rows = (
            [
                look.by,
                look.value,
                f"{look.images:,}",
                f"{look.width}×{look.height}",
                f"{look.brightness:.0f} ± {look.spread:.0f}",
                ", ".join(f"{n:,} {what}" for what, n in look.formats.items()),
            ]
            for look in self.looks
        )
        return _table(["by", "", "images", "median size", "brightness (0–255)", "format"], rows, words=2)

    def _metric(self) -> list[str]:
        rows = ([one.cluster, one.name, one.state, one.text] for one in self.metric)
        return _table(["cluster", "dimension", "", "what is known"], rows, words=4)

    @staticmethod
    def _probe(probe: ProbeScores) -> list[str]:
        seen = [("the most frequent class", probe.chance), (f"outer {BORDER} of 32 pixels", probe.border),
                ("whole 32×32 thumbnail", probe.whole)]  # fmt: skip
        return [
            f"A linear model is trained on {probe.train_images:,} training thumbnails and tested on "
            f"{probe.test_images:,} of the test split. What the border alone gives away, a network can learn "
            "instead of the classes.",
            "",
            *_table(["input", "accuracy"], ([what, f"{100 * score:.1f} %"] for what, score in seen)),
        ]


def _counts(counts: dict[str, int], columns: Iterable[str]) -> list[str]:
    return [*(f"{counts.get(column, 0):,}" for column in columns), f"{sum(counts.values()):,}"]


def _table(head: list[str], rows: Iterable[list[str]], words: int = 1) -> list[str]:
    """Return a table whose first columns are words, set left, and whose others are figures, set right."""
    return [_row(head), "|" + "---|" * words + "--:|" * (len(head) - words), *(_row(row) for row in rows)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """Return text of files and manifests so that Markdown takes nothing in it for markup."""
    text = " ".join(text.split())
    for mark in "\\|`*<":
        text = text.replace(mark, "\\" + mark)
    return text
