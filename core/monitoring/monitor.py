"""The weeks of a history, compared with its first ones: an alarm where a week differs by more than chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import numpy as np

from core.monitoring.drift_tests import Values, fisher_p, permutation_p
from core.monitoring.quantities import QUANTITIES, Quantity
from core.records.analysis import Analysis
from core.records.history import History, Query

REFERENCE_WEEKS = 4
FALSE_ALARMS = 0.01  # of weeks without a change, over all quantities together
FEWEST = 20  # values in the reference; with fewer a quantity is shown, but not tested
ALL = 1_000_000_000  # records
DRAWS = 4  # of a permutation test, in units of what the smallest p-value that matters takes


@dataclass(frozen=True)
class Rule:
    """The alarm rule.

    Attributes:
        reference_weeks: the first so many weeks with a quantity are its reference.
        false_alarms: the share of weeks without a change that have an alarm, over all quantities together, at most.
    """

    reference_weeks: int = REFERENCE_WEEKS
    false_alarms: float = FALSE_ALARMS

    def words(self) -> str:
        """Return the rule for a person."""
        return (
            f"Each week is compared with the first {self.reference_weeks} weeks that have the figure. Where nothing "
            f"has changed, at most {100 * self.false_alarms:g} % of the weeks have an alarm, over all figures "
            "together. Many images of one patient in a week make false alarms more frequent."
        )


@dataclass(frozen=True)
class Week:
    """A quantity in one week.

    Attributes:
        begins: its Monday.
        images: how many images have the quantity.
        value: their share or mean.
        p: how often chance alone makes such a difference from the reference; None where it was not tested.
        alarm: whether that is too seldom.
    """

    begins: date
    images: int
    value: float
    p: float | None = None
    alarm: bool = False


@dataclass(frozen=True)
class Trend:
    """A quantity over the weeks.

    Attributes:
        quantity: which one.
        reference: its share or mean in the reference, None where no image has it.
        reference_images: of how many images.
        reference_ends: the Monday of the last week of the reference, None where no image has the quantity.
        weeks: the weeks with images that have it, in order, those of the reference among them.
        note: what is to be said of it: its last alarm, or why there is none, in a sentence.
    """

    quantity: Quantity
    reference: float | None
    reference_images: int
    reference_ends: date | None
    weeks: tuple[Week, ...]
    note: str


@dataclass(frozen=True)
class Stream:
    """The analyses of one task by one pair of models; those of other weights are another stream.

    Attributes:
        task: identifier of the task.
        teacher: identifier of the teacher.
        student: identifier of the student.
        images: how many images there are, each counted once.
        weeks: the Mondays of all weeks with images.
        trends: one for each quantity.
    """

    task: str
    teacher: str
    student: str
    images: int
    weeks: tuple[date, ...]
    trends: tuple[Trend, ...]

    @property
    def alarms(self) -> list[str]:
        """The alarms in words, the last week first."""
        found = [(week, trend) for trend in self.trends for week in trend.weeks if week.alarm]
        found.sort(key=lambda pair: pair[0].begins, reverse=True)
        return [_alarm(week, trend.quantity, trend.reference) for week, trend in found]

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        trends = [
            {
                "quantity": trend.quantity.id,
                "kind": trend.quantity.kind,
                "unit": trend.quantity.unit,
                "meaning": trend.quantity.meaning,
                "reference": trend.reference,
                "reference_images": trend.reference_images,
                "reference_ends": None if trend.reference_ends is None else trend.reference_ends.isoformat(),
                "note": trend.note,
                "weeks": [asdict(week) | {"begins": week.begins.isoformat()} for week in trend.weeks],
            }
            for trend in self.trends
        ]
        return {
            "task": self.task,
            "teacher": self.teacher,
            "student": self.student,
            "images": self.images,
            "weeks": [week.isoformat() for week in self.weeks],
            "alarms": self.alarms,
            "trends": trends,
        }


def monitor_history(history: History, rule: Rule | None = None, task: str | None = None) -> list[Stream]:
    """Compare the weeks of a history that is open, of one task or of all; see :func:`monitor`.

    Raises:
        HistoryError: if it can't be read.
    """
    return monitor(history.find(Query(task=task, limit=ALL)), rule)


def monitor(rows: Iterable[Analysis], rule: Rule | None = None) -> list[Stream]:
    """Compare the weeks of a history with its first ones.

    Args:
        rows: the analyses, in any order.
        rule: the alarm rule.

    Returns:
        A stream for each task and pair of models, the one that was used last first.
    """
    rule = rule or Rule()
    streams: dict[tuple[str, ...], list[Analysis]] = {}
    for row in rows:
        models = (row.teacher_model, row.teacher_sha256, row.student_model, row.student_sha256)
        streams.setdefault((row.task, *models), []).append(row)
    latest = sorted(streams.values(), key=lambda found: max(row.analysed_at for row in found), reverse=True)
    return [_stream(found, rule) for found in latest]


def _stream(rows: list[Analysis], rule: Rule) -> Stream:
    by_week: dict[date, list[Analysis]] = {}
    for week, row in _each_once(rows):
        by_week.setdefault(week, []).append(row)
    weeks = sorted(by_week)
    measured = [_measured(quantity, by_week, weeks) for quantity in QUANTITIES]
    references = [_reference(found, rule) for found in measured]
    tested = sum(len(reference) >= FEWEST for reference in references)
    level = rule.false_alarms / max(1, tested)
    trends = (
        _trend(quantity, found, reference, rule, level)
        for quantity, found, reference in zip(QUANTITIES, measured, references, strict=True)
    )
    one = rows[0]
    images = sum(map(len, by_week.values()))
    return Stream(one.task, one.teacher_model, one.student_model, images, tuple(weeks), tuple(trends))


def _each_once(rows: Sequence[Analysis]) -> Iterator[tuple[date, Analysis]]:
    """Yield each image's last analysis, which has its reading, with the week in which it was first analysed."""
    last: dict[str, Analysis] = {}
    first: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.analysed_at):
        first.setdefault(row.image_sha256, row.analysed_at)
        last[row.image_sha256] = row
    for image, row in last.items():
        day = datetime.fromisoformat(first[image]).astimezone(UTC).date()
        yield day - timedelta(days=day.weekday()), row


def _measured(quantity: Quantity, by_week: dict[date, list[Analysis]], weeks: Sequence[date]) -> dict[date, Values]:
    """Return the values of each week that has any, in order."""
    found = {}
    for week in weeks:
        if values := [value for row in by_week[week] if (value := quantity.value(row)) is not None]:
            found[week] = np.array(values, np.float64)
    return found


def _reference(found: dict[date, Values], rule: Rule) -> Values:
    """Return the values of the reference: the first weeks that have any."""
    return np.concatenate([np.empty(0), *islice(found.values(), rule.reference_weeks)])


def _trend(quantity: Quantity, found: dict[date, Values], reference: Values, rule: Rule, level: float) -> Trend:
    testable = len(reference) >= FEWEST
    weeks = []
    for number, (begins, values) in enumerate(found.items()):
        compared = testable and number >= rule.reference_weeks
        p = _p(quantity, reference, values, level, seed=number) if compared else None
        weeks.append(Week(begins, len(values), float(values.mean()), p, p is not None and p <= level))
    usual = float(reference.mean()) if len(reference) else None
    ends = weeks[: rule.reference_weeks][-1].begins if weeks else None
    note = _note(quantity, weeks, usual, len(reference))
    return Trend(quantity, usual, len(reference), ends, tuple(weeks), note)


def _p(quantity: Quantity, reference: Values, values: Values, level: float, seed: int) -> float:
    if quantity.kind == "share":
        return fisher_p(reference, values)
    return permutation_p(reference, values, DRAWS * math.ceil(1 / level), seed)


def _note(quantity: Quantity, weeks: Sequence[Week], usual: float | None, images: int) -> str:
    if not weeks:
        return "Nothing is recorded of it."
    alarms = [week for week in weeks if week.alarm]
    if alarms:
        return _alarm(alarms[-1], quantity, usual)
    if images < FEWEST:
        return f"Not tested: the reference has {images} of at least {FEWEST} images."
    if all(week.p is None for week in weeks):
        return "The reference is still being collected."
    return "No alarm."


def _alarm(week: Week, quantity: Quantity, usual: float | None) -> str:
    assert usual is not None and week.p is not None  # noqa: S101 - only a tested week has an alarm
    chance = "p < 0.001" if week.p < 0.001 else f"p = {week.p:.3f}"
    return (
        f"Week of {week.begins.isoformat()}: {quantity.name.lower()} {quantity.words(week.value)} "
        f"({week.images} images), reference {quantity.words(usual)}; {chance}."
    )
