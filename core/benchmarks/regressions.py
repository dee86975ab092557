"""Two benchmarks compared: what became slower, by ratios that hold on a busy machine, and what noise there is.

A time of Twinlens is divided by that of a library in the same run which does the same and does not change with
Twinlens (torch for a forward, pytorch-grad-cam for a heat map), so that a machine that was busy in one of the two runs
is no regression. What no library does is compared in seconds, on the same machine only. The bounds of a ratio of
medians are a bootstrap's (Efron and Tibshirani 1993, percentile method); a time that was measured once may be off by
``ONCE``. Counts are compared as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.benchmarks.cam import EXACT, FAST, PEER
from core.benchmarks.results import Report

BEARABLE = 1.05  # a ratio that matters to nobody
ONCE = 1.25
FEWEST = 3  # repetitions that say something about their spread
RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Change:
    """One figure of two benchmarks; larger is worse.

    Attributes:
        what: the figure.
        old: its value before.
        new: its value now.
        ratio: how many times as much it is now.
        low: lower bound of that ratio.
        high: upper bound of it.
    """

    what: str
    old: float
    new: float
    ratio: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``worse``, ``better``, or ``same`` where noise or nothing lies between."""
        if self.low > BEARABLE:
            return "worse"
        return "better" if self.high < 1 / BEARABLE else "same"


@dataclass(frozen=True)
class CountChange(Change):
    """A count of two benchmarks: any difference beyond its own noise is one."""

    @property
    def verdict(self) -> str:
        """As :attr:`Change.verdict`."""
        if self.low > 1:
            return "worse"
        return "better" if self.high < 1 else "same"


Samples = dict[str, tuple[Sequence[float], Sequence[float]]]  # of Twinlens, and of the library beside it, if any


def changes(old: Report, new: Report) -> list[Change]:
    """Return all figures that both benchmarks hold."""
    before, now = _samples(old), _samples(new)
    same_machine = (old.machine.processor, old.machine.cores) == (new.machine.processor, new.machine.cores)
    rng = np.random.default_rng(0)
    found: list[Change] = []
    for what, (theirs, their_peer) in before.items():
        ours, our_peer = now.get(what, ((), ()))
        if not ours:
            continue
        if their_peer and our_peer:
            found.append(_change(f"{what}, of the library's", (theirs, their_peer), (ours, our_peer), rng))
        elif same_machine:
            found.append(_change(f"{what}, s", (theirs, ()), (ours, ()), rng))
    return found + list(_count_changes(old, new))


def changes_table(found: Sequence[Change]) -> str:
    """Return the changes as Markdown, the worse ones first."""
    order = ("worse", "better", "same")
    rows = (
        f"| {c.what} | {c.old:.4g} | {c.new:.4g} | {c.ratio:.3f} | {c.low:.3f} – {c.high:.3f} | {c.verdict} |"
        for c in sorted(found, key=lambda change: order.index(change.verdict))
    )
    return "\n".join(["| | before | now | ratio | bounds | |", "|---|---|---|---|---|---|", *rows])


def _samples(report: Report) -> Samples:
    """Return the seconds of each figure."""
    torch = {row.model: row.times_ms or [row.median_ms] for row in report.latency if row.runtime == "torch"}
    peer = {row.model: row.times_s or [row.seconds] for row in report.score_cam if row.library == PEER}
    found: Samples = {
        f"forward of {row.model}": (row.times_ms or [row.median_ms], torch.get(row.model, ()))
        for row in report.latency
        if row.runtime == "openvino"
    }
    found |= {
        f"{row.library} map of {row.model}": (row.times_s or [row.seconds], peer.get(row.model, ()))
        for row in report.score_cam
        if row.library in (FAST, EXACT)
    }
    return found | {
        f"an image of a folder, {row.what}": ([s * len(row.seconds) / row.images for s in row.seconds], ())
        for row in report.folder
        if row.seconds
    }


def _change(
    what: str, old: tuple[Sequence[float], Sequence[float]], new: tuple[Sequence[float], Sequence[float]],
    rng: np.random.Generator,
) -> Change:  # fmt: skip
    """Return a change of medians, each divided by that of the library beside it, if there is one."""
    was, now = (_median(ours) / (_median(peer) if peer else 1) for ours, peer in (old, new))
    spread = np.ones(RESAMPLES)
    noise = 1.0
    for samples, power in zip((*new, *old), (1, -1, -1, 1), strict=True):
        if len(samples) >= FEWEST:
            drawn = rng.choice(np.asarray(samples), (RESAMPLES, len(samples)))
            spread *= (np.median(drawn, axis=1) / _median(samples)) ** power
        elif samples:
            noise = ONCE
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(spread, [tail, 100 - tail])
    ratio = now / was
    return Change(what, was, now, ratio, ratio * float(low) / noise, ratio * float(high) * noise)


def _median(samples: Sequence[float]) -> float:
    return float(np.median(np.asarray(samples)))


def _count_changes(old: Report, new: Report) -> Iterator[CountChange]:
    now = {(count.what, count.of): count for count in new.counts}
    for count in old.counts:
        if (found := now.get((count.what, count.of))) is not None:
            ratio = found.count / count.count
            noise = 1 + max(count.noise, found.noise)
            yield CountChange(count.what, count.count, found.count, ratio, ratio / noise, ratio * noise)
