"""How long a report of many images takes, how much memory, and how large it becomes."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from core.compare.session import Choice, ComparisonSession
from core.images.demo import demonstration_radiograph
from core.models.catalogue import Catalogue
from core.reports.writer import ReportWriter

MIB = 1 << 20
SETTLED = 20  # pages after which memory is taken to have settled


@dataclass(frozen=True)
class ReportRun:
    """What writing one report cost; the comparisons themselves are not counted.

    Attributes:
        images: how many it holds.
        seconds: wall-clock time to write it.
        settled_mib: resident memory after the first ``SETTLED`` images.
        end_mib: resident memory at the end.
        file_kib: size of the file.
    """

    images: int
    seconds: float
    settled_mib: int
    end_mib: int
    file_kib: int

    def line(self) -> str:
        """Return it in a sentence."""
        return (
            f"Report of {self.images} images: {self.seconds} s, {self.file_kib} KiB "
            f"({self.file_kib // self.images} KiB an image); resident size after the first {SETTLED} "
            f"{self.settled_mib} MiB, at the end {self.end_mib} MiB."
        )


def measure(catalogue: Catalogue, images: int) -> ReportRun:
    """Write a report with this many pages of the demonstration radiograph, each with noise so that none is shared.

    Args:
        catalogue: the installed models.
        images: number of images.
    """
    found = ComparisonSession(catalogue).examine(demonstration_radiograph(), Choice())
    assert found.image is not None and found.comparison is not None  # noqa: S101 - it comes with the program
    rng = np.random.default_rng(0)
    process = psutil.Process()
    settled = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.pdf"
        started = time.perf_counter()
        with ReportWriter(path) as report:
            for i in range(images):
                noise = rng.integers(0, 512, found.image.pixels.shape, dtype=np.uint16)
                noisy = replace(found.image, pixels=found.image.pixels + noise, path=Path(f"{i}.dcm"))
                report.add(noisy, found.comparison)
                if i < SETTLED:
                    settled = process.memory_info().rss
        seconds = time.perf_counter() - started
        size = path.stat().st_size
    return ReportRun(images, round(seconds, 1), settled // MIB, process.memory_info().rss // MIB, size // 1024)
