"""What a benchmark found: rows of figures, as JSON and as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.benchmarks.cam import EXACT, FAST, PEER, SpeedRow
from core.errors import TwinlensError, UsageError


@dataclass(frozen=True)
class Machine:
    """What the figures were measured on; ``torch`` is empty where it is not installed."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    torch: str
    openvino: str

    def line(self) -> str:
        """Return it in a sentence."""
        versions = [
            f"Python {self.python}",
            *([f"torch {self.torch}"] if self.torch else []),
            f"OpenVINO {self.openvino}",
        ]
        where = f"{self.processor}, {self.cores} cores, {self.memory_gib} GiB; {self.system}"
        return f"Machine: {where}; {', '.join(versions)}."


@dataclass(frozen=True)
class LatencyRow:
    """Forward at batch 1 of one model on one runtime.

    Attributes:
        model: the bundle's identifier.
        runtime: the runtime's name.
        median_ms: median wall-clock time of a forward.
        p90_ms: 90th percentile of it.
        runs: how many were timed.
        times_ms: each of them.
    """

    model: str
    runtime: str
    median_ms: float
    p90_ms: float
    runs: int
    times_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class MemoryRun:
    """Resident memory while images are compared one after another.

    Attributes:
        images: how many were compared.
        settled_mib: resident size after the first 50.
        end_mib: resident size at the end.
        peak_mib: largest resident size seen after the first 50.
        seconds: wall-clock time of all.
    """

    images: int
    settled_mib: float
    end_mib: float
    peak_mib: float
    seconds: float


@dataclass(frozen=True)
class FolderRow:
    """A folder of images, compared from file to result.

    Attributes:
        what: what was made of each image.
        images: how many.
        images_per_s: how many in a second of wall-clock time.
        outside: share of that time in which no network computed.
        processor_ms: processor time for an image, of all threads.
        peak_mib: largest resident size.
        seconds: wall-clock time of equal shares of the images.
    """

    what: str
    images: int
    images_per_s: float
    outside: float
    processor_ms: float
    peak_mib: float
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Count:
    """Something counted that does not depend on how fast the machine is.

    Attributes:
        what: what was counted.
        count: how many.
        noise: relative difference that is none, e.g. of processor instructions.
        of: the versions that it depends on, in words; only counts of the same ones can be compared.
    """

    what: str
    count: int
    noise: float = 0.0
    of: str = ""


@dataclass
class Report:
    """What was measured in one run; grows while it is measured."""

    machine: Machine
    latency: list[LatencyRow] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    score_cam: list[SpeedRow] = field(default_factory=list)
    startup_s: dict[str, float] = field(default_factory=dict)
    memory: MemoryRun | None = None
    folder: list[FolderRow] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    complete: bool = True

    def as_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)


def read_report(path: Path) -> Report:
    """Read what ``core benchmark --json`` printed.

    Raises:
        UsageError: if the file holds something else.
        TwinlensError: if it can't be read.
    """
    try:
        raw = path.read_bytes()
    except OSError as cause:
        raise TwinlensError(
            f"It can't be read ({cause.strerror}).", path=path, remedy="Name what core benchmark wrote."
        ) from cause
    try:
        return TypeAdapter(Report).validate_json(raw)
    except ValidationError as cause:
        raise UsageError(
            "This is no result of core benchmark --json.", path=path, remedy="Name what it wrote."
        ) from cause


def ratios(rows: list[LatencyRow]) -> dict[str, float]:
    """Return how many times faster each student on OpenVINO is than itself on torch, and than its teacher."""
    by_key = {(row.model, row.runtime): row.median_ms for row in rows}
    found = {}
    for (model, runtime), median in by_key.items():
        task, name = model.split("/")
        if runtime != "openvino" or not name.startswith("student"):
            continue
        if (model, "torch") in by_key:
            found[f"{model}: torch / openvino"] = round(by_key[model, "torch"] / median, 1)
        for (other, other_runtime), slower in by_key.items():
            if other.startswith(f"{task}/teacher") and other_runtime == "openvino":
                found[f"{other} / {model}, both openvino"] = round(slower / median, 1)
    return found


def score_cam_ratios(rows: list[SpeedRow]) -> list[tuple[str, float, float]]:
    """Return for each model how many times faster than pytorch-grad-cam the fast and the exact map are."""
    seconds = {(row.model, row.library): row.seconds for row in rows}
    return [
        (model, theirs / seconds[model, FAST], theirs / seconds[model, EXACT])
        for (model, library), theirs in seconds.items()
        if library == PEER and {(model, FAST), (model, EXACT)} <= seconds.keys()
    ]


def markdown(report: Report) -> str:
    """Return the report as Markdown, for a terminal and for the documentation; what was not measured is left out."""
    parts = [
        _table(
            "| forward at batch 1 | runtime | median | 90th percentile | runs |",
            (f"| {r.model} | {r.runtime} | {r.median_ms} ms | {r.p90_ms} ms | {r.runs} |" for r in report.latency),
        ),
        _table("| ratio of medians | |", (f"| {what} | {ratio}× |" for what, ratio in report.ratios.items())),
        _table(
            "| Score-CAM of one image | by | forwards | first map | ready | memory above model | Pearson | IoU 20 % |",
            map(_score_cam_line, report.score_cam),
        ),
        _table(
            "| against pytorch-grad-cam in this run | fast | exact |",
            (f"| {model} | {fast:.0f}× | {exact:.1f}× |" for model, fast, exact in score_cam_ratios(report.score_cam)),
        ),
        _table(
            "| a folder | images | images/s | no network computes | processor time an image | largest memory |",
            (
                f"| {r.what} | {r.images} | {r.images_per_s:.2f} | {100 * r.outside:.0f} % | {r.processor_ms:.0f} ms "
                f"| {r.peak_mib:.0f} MiB |"
                for r in report.folder
            ),
        ),
        _table("| counted | |", (f"| {row.what} | {row.count:,} |" for row in report.counts)),
        _table(
            "| start of a fresh process | seconds |",
            (f"| `{what}` | {seconds} |" for what, seconds in report.startup_s.items()),
        ),
    ]
    if (memory := report.memory) is not None:
        parts.append(
            f"Memory: {memory.images} images compared without maps in {memory.seconds} s; resident size after the "
            f"first 50 {memory.settled_mib} MiB, at the end {memory.end_mib} MiB, peak {memory.peak_mib} MiB."
        )
    if not report.complete:
        parts.append("It was stopped before all was measured.")
    return "\n\n".join([report.machine.line(), *filter(None, parts)])


def _table(head: str, rows: Iterable[str]) -> str:
    """Return a table, or nothing where it would be empty."""
    lines = list(rows)
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *lines]) if lines else ""


def _score_cam_line(row: SpeedRow) -> str:
    forwards = row.timeline[-1][0] if row.timeline else "–"
    return (
        f"| {row.model} | {row.library} | {forwards} | {row.first_s:.2f} s | {row.seconds:.2f} s "
        f"| {row.peak_mib:.0f} MiB | {'–' if row.pearson is None else row.pearson} "
        f"| {'–' if row.iou20 is None else row.iou20} |"
    )
