"""What a check says of the 15 dimensions of the METRIC-framework, and what stays unknown.

Schwabe et al. 2024, "The METRIC-framework for assessing data quality for trustworthy AI in medicine", npj Digital
Medicine 7:203: five clusters of dimensions along which a data set for medical machine learning is to be looked at. The
check measures files and what a manifest states; how the images came to be only their makers know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from training.data.border_scores import BORDER
from training.data.dataset import SPLITS, Sample

if TYPE_CHECKING:
    from training.data_check.report import DataReport

State = Literal["measured", "in part", "not known"]
FACTS = ("patient_id", "group_id", "source", "population")  # what manifests may state and is used elsewhere


@dataclass(frozen=True)
class Dimension:
    """One dimension.

    Attributes:
        cluster: the cluster that it belongs to.
        name: its published name.
        state: how far the check answers it.
        text: what was measured, and what is not known.
    """

    cluster: str
    name: str
    state: State
    text: str


def dimensions(samples: Sequence[Sample], report: DataReport) -> list[Dimension]:
    """Return the dimensions in the published order.

    Args:
        samples: the data set's images.
        report: what was found; its own ``metric`` is not looked at.
    """
    return [
        Dimension("Measurement process", "Device error", "not known", "Devices and their accuracy are not recorded."),
        Dimension("Measurement process", "Human-induced error", "in part", _contradictions(report)),
        Dimension("Measurement process", "Completeness", "measured", _completeness(samples, report)),
        _credibility(report),
        Dimension("Timeliness", "Timeliness", "not known", "When images and labels were made is not recorded."),
        Dimension("Representativeness", "Variety", "in part", _variety(samples, report)),
        Dimension("Representativeness", "Depth of data", "measured", _depth(samples)),
        Dimension("Representativeness", "Target class balance", "measured", _balance(report)),
        Dimension("Informativeness", "Understandability", "in part", _labels(report)),
        Dimension("Informativeness", "Redundancy", "measured", _redundancy(report)),
        Dimension("Informativeness", "Informative missingness", "measured", _missingness(samples)),
        _importance(report),
        Dimension("Consistency", "Rule-based consistency", "measured", _rules(report)),
        Dimension("Consistency", "Logical consistency", "measured", _logic(report)),
        Dimension("Consistency", "Distribution consistency", "measured", _distributions(report)),
    ]


def _count(report: DataReport, *codes: str) -> int:
    return sum(finding.count for finding in report.findings if finding.code in codes)


def _contradictions(report: DataReport) -> str:
    exact, near = (_count(report, f"{kind}duplicate-contradiction") for kind in ("", "near-"))
    return (
        f"{exact:,} sets of the same file and {near:,} of nearly the same picture have different labels. Who labelled "
        "the images, how, and with what agreement, is not known."
    )


def _completeness(samples: Sequence[Sample], report: DataReport) -> str:
    known = {fact: sum(bool(s.known(fact)) for s in samples) for fact in FACTS}
    stated = ", ".join(f"{fact} of {_percent(count, len(samples))}" for fact, count in known.items())
    masks = ", ".join(f"{what} of {_percent(n, len(samples))}" for what, n in report.masks.items()) or "none"
    unreadable = _count(report, "unreadable")
    return f"{unreadable:,} of {len(samples):,} images can't be read. Known are {stated}. Masks: {masks}."


def _credibility(report: DataReport) -> Dimension:
    cluster, name = "Measurement process", "Source credibility"
    rest = "Who collected them, and how they were checked, is not known."
    if not report.sources:
        return Dimension(cluster, name, "not known", f"No source is stated. {rest}")
    sources = ", ".join(f"{source} {sum(counts.values()):,}" for source, counts in report.sources.items())
    return Dimension(cluster, name, "in part", f"Images by source: {sources}. {rest}")


def _variety(samples: Sequence[Sample], report: DataReport) -> str:
    populations = Counter(s.known("population") for s in samples if s.known("population"))
    found = ", ".join(f"{name} {n:,}" for name, n in populations.most_common()) or "not known"
    formats = Counter[str]()
    for look in report.looks:
        if look.by == "class":
            formats.update(look.formats)
    kinds = ", ".join(f"{name} {n:,}" for name, n in formats.most_common())
    return (
        f"{len(report.sources)} sources are named; populations: {found}; file formats: {kinds or 'none read'}. "
        "Age, sex, ethnicity and devices are not known beyond that."
    )


def _depth(samples: Sequence[Sample]) -> str:
    found = {}
    for fact, name in (("patient_id", "patients"), ("group_id", "groups")):
        members = Counter(s.known(fact) for s in samples if s.known(fact))
        found[name] = (
            f"{len(members):,} {name} with {_mean(members)} images each" if members else f"{name} are not known"
        )
    return f"{len(samples):,} images, one label each; {'; '.join(found.values())}."


def _balance(report: DataReport) -> str:
    sizes = Counter({label: sum(splits.values()) for label, splits in report.classes.items()})
    shares = ", ".join(f"{label} {n:,} ({_percent(n, report.images)})" for label, n in sizes.most_common())
    return f"{shares}; the largest class is {max(sizes.values()) / min(sizes.values()):.1f} times the smallest."


def _labels(report: DataReport) -> str:
    renamed = sum(old in report.labels for old in report.label_map)
    names = ", ".join(report.labels)
    return f"Labels as written: {names}; {renamed} renamed or left out. What they mean clinically is not stated."


def _redundancy(report: DataReport) -> str:
    kinds = ("contradiction", "leak", "repeat")
    same = _count(report, *(f"duplicate-{kind}" for kind in kinds))
    near = _count(report, *(f"near-duplicate-{kind}" for kind in kinds))
    siblings = _count(report, "sibling-leak")
    return (
        f"{same:,} sets of the same file, {near:,} of nearly the same picture; {siblings:,} sets in several splits "
        "that seem to be cut from one original."
    )


def _missingness(samples: Sequence[Sample]) -> str:
    """Say of each fact that some images lack how often each class lacks it."""
    sizes = Counter(s.label for s in samples)
    found = []
    for fact in FACTS:
        missing = Counter(s.label for s in samples if not s.known(fact))
        if 0 < missing.total() < len(samples):
            shares = ", ".join(f"{label} {_percent(missing[label], n)}" for label, n in sorted(sizes.items()))
            found.append(f"{fact} is missing in {shares}")
    return (
        f"{'; '.join(found)}." if found else "Each of the facts that were looked for is known of all images or of none."
    )


def _importance(report: DataReport) -> Dimension:
    cluster, name, probe = "Informativeness", "Feature importance", report.probe
    if probe is None:
        return Dimension(cluster, name, "not known", "There are too few images to measure what the border gives away.")
    text = (
        f"From the outer {BORDER} of 32 pixels alone a linear model reaches {100 * probe.border:.1f} %, from the whole "
        f"thumbnail {100 * probe.whole:.1f} % (most frequent class {100 * probe.chance:.1f} %). What else "
        "carries the class is not known."
    )
    return Dimension(cluster, name, "in part", text)


def _rules(report: DataReport) -> str:
    left_out, unreadable = sum(report.left_out.values()), _count(report, "unreadable")
    formats = "differ in file format" if _count(report, "format-bias") else "have the same file formats"
    return f"{left_out:,} files are no samples and were left out; {unreadable:,} can't be read; classes {formats}."


def _logic(report: DataReport) -> str:
    groups, patients = _count(report, "group-leak"), _count(report, "patient-leak")
    return (
        f"{groups:,} groups and {patients:,} patients lie in several splits. {_contradictions(report).split('.')[0]}."
    )


def _distributions(report: DataReport) -> str:
    totals = {split: sum(counts.get(split, 0) for counts in report.classes.values()) for split in SPLITS}
    filled = [split for split in SPLITS if totals[split]]
    widest = max(
        (max(shares) - min(shares), label)
        for label, counts in report.classes.items()
        if (shares := [counts.get(split, 0) / totals[split] for split in filled])
    )
    text = (
        f"Between splits the share of a class differs by at most {100 * widest[0]:.1f} percentage points ({widest[1]})."
    )
    looks = [look for look in report.looks if look.by == "class"]
    if len(looks) > 1:
        dark, light = (pick(looks, key=lambda look: look.brightness) for pick in (min, max))
        text += (
            f" Mean brightness by class is between {dark.brightness:.0f} ({dark.value}) and {light.brightness:.0f} "
            f"({light.value}) of 255."
        )
    return text


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else "–"


def _mean(members: Counter[str]) -> str:
    return f"{members.total() / len(members):.1f}"
