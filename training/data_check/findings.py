"""The single checks of ``check-data``: each looks at one property and returns its findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from core.compare.agreement import wilson
from training.data.border_scores import BORDER, ProbeScores
from training.data.dataset import SPLITS, Dataset, Sample
from training.data.duplicates import exact_duplicates, near_duplicates
from training.data.fingerprints import Fingerprint
from training.data.splits import joined
from training.data.unreadable import Unreadable
from training.data_check.report import Finding, Look, Severity, finding

GAIN = 0.10  # accuracy above chance from which on a shortcut is worth a warning
BRIGHTER = 0.5  # distance of two classes' brightness in pooled standard deviations that is worth a note
LARGER = 1.2  # ratio of two classes' median sides that is worth a warning
MANY = 0.05  # share of images with siblings in other splits from which on it is an error
OUTSIZED = 0.25  # share of all images in one group or patient from which on that is worth a warning
FEW = 10  # images of a class below which their appearance means nothing
TRAIN_FEW, VAL_FEW = 50, 100  # training images of a class, and validation images in all, that warn below
RARE = 5  # ratio of the largest to the smallest class that is worth a note


def unreadable_findings(dataset: Dataset, prints: Sequence[Fingerprint | Unreadable]) -> list[Finding]:
    """Return the files that can't be read, with the reason."""
    bad = [(s, found) for s, found in zip(dataset.samples, prints, strict=True) if isinstance(found, Unreadable)]
    if not bad:
        return []
    lines = (f"{dataset.relative(s.path)}: {found.reason}" for s, found in bad)
    return [finding("error", "unreadable", f"{_many(len(bad), 'file')} can't be read.", len(bad), lines)]


def split_findings(dataset: Dataset) -> list[Finding]:
    """Return splits without images of a class, and classes that are rare."""
    counts = Counter((s.split, s.label) for s in dataset.samples)
    filled = [split for split in SPLITS if any(counts[split, label] for label in dataset.classes)]
    lacking = [f"{label} in {split}" for split in filled for label in dataset.classes if not counts[split, label]]
    findings = []
    if lacking:
        text = "A split has no images of a class, so that it can't be trained or scored."
        findings.append(finding("warning", "empty", text, len(lacking), lacking))
    findings += _few(dataset, counts)
    sizes = Counter(s.label for s in dataset.samples).most_common()
    if sizes[0][1] > RARE * sizes[-1][1]:
        text = f"{sizes[0][0]} has {sizes[0][1]:,} images, {sizes[-1][0]} only {sizes[-1][1]:,}: use class weights."
        findings.append(finding("note", "imbalance", text, 1))
    return findings


def _few(dataset: Dataset, counts: Counter[tuple[str, str]]) -> list[Finding]:
    """Return warnings where a data set is too small to train on or to choose an epoch by."""
    findings = []
    few = {label: counts["train", label] for label in dataset.classes if 0 < counts["train", label] < TRAIN_FEW}
    if few:
        text = f"Fewer than {TRAIN_FEW} training images of a class: the network may learn them by heart."
        lines = (f"{label}: {_many(count, 'image')}" for label, count in few.items())
        findings.append(finding("warning", "few-training", text, len(few), lines))
    images = sum(counts["val", label] for label in dataset.classes)
    if 0 < images < VAL_FEW:
        interval = wilson(round(0.9 * images), images)
        text = (
            f"Only {_many(images, 'validation image')}: an accuracy of 90 % is known to "
            f"± {50 * (interval.high - interval.low):.0f} points, so that the best epoch is chosen by chance."
        )
        findings.append(finding("warning", "few-validation", text, 1))
    return findings


def group_findings(dataset: Dataset) -> list[Finding]:
    """Return groups and patients with images in several splits."""
    findings = []
    for fact, name in (("group_id", "group"), ("patient_id", "patient")):
        members: dict[str, list[Sample]] = defaultdict(list)
        for sample in dataset.samples:
            if value := sample.known(fact):
                members[value].append(sample)
        leaking = {value: found for value, found in members.items() if len({s.split for s in found}) > 1}
        if leaking:
            lines = (f"{value}: {_by_split(found)}" for value, found in sorted(leaking.items()))
            text = (
                f"Data leak: {_many(len(leaking), name)} of {len(members):,} with images in several splits, so that "
                "test scores are too high."
            )
            findings.append(finding("error", f"{name}-leak", text, len(leaking), lines))
        elif not members and fact == "patient_id":
            text = "Patients are not known, so that one patient's images may lie in several splits, a data leak."
            findings.append(finding("note", "no-patients", text, 1))
        findings += _outsized(members, name, len(dataset.samples))
    return findings


def _outsized(members: dict[str, list[Sample]], name: str, images: int) -> list[Finding]:
    large = {value: len(found) for value, found in members.items() if len(found) > max(OUTSIZED * images, FEW)}
    if not large:
        return []
    text = (
        f"A single {name} has more than {100 * OUTSIZED:.0f} % of the images. If its name stands for unknown, leave it "
        "empty: these images can't be split."
    )
    lines = (f"{value}: {count:,} of {images:,} images" for value, count in large.items())
    return [finding("warning", f"large-{name}", text, len(large), lines)]


def duplicate_findings(dataset: Dataset, prints: Sequence[Fingerprint | Unreadable]) -> list[Finding]:
    """Return pictures that are there more than once: across splits, with contradicting labels, or harmlessly."""
    exact = exact_duplicates(prints)
    near: dict[int, list[int]] = defaultdict(list)
    for i, root in enumerate(joined(len(prints), near_duplicates(prints))):
        near[root].append(i)
    alike = [members for members in near.values() if len({_digest(prints[i]) for i in members}) > 1]
    return [
        *_repeated(dataset, exact, "the same file", "duplicate"),
        *_repeated(dataset, alike, "nearly the same picture (as it is, flipped or turned)", "near-duplicate"),
    ]


def sibling_findings(dataset: Dataset, groups: Sequence[int]) -> list[Finding]:
    """Return images cut from the same original in several splits.

    Args:
        dataset: a set of coloured images.
        groups: one number per sample, equal for parts of the same original (:mod:`training.data.tile_groups`).
    """
    members: dict[int, list[Sample]] = defaultdict(list)
    for sample, group in zip(dataset.samples, groups, strict=True):
        members[group].append(sample)
    leaking = [found for found in members.values() if len({s.split for s in found}) > 1]
    agreement = _agreement([s.known("group_id") for s in dataset.samples], groups)
    if not leaking:
        return agreement
    images = sum(len(found) for found in leaking)
    text = (
        f"{_many(len(leaking), 'set')} of images ({images:,} in all) fit one another under a turn, mirroring and zoom, "
        "as cut from the same original or from overlapping fields, and lie in several splits."
    )
    # matching points are evidence but no proof, so that a few sets are to be looked at by a person
    if images > MANY * len(dataset.samples):
        severity: Severity = "error"
        text += " This data leak makes test scores too high: split by original."
    else:
        severity = "warning"
        text += " Look at them: they may be a small data leak."
    return [
        finding(severity, "sibling-leak", text, len(leaking), (_listed(dataset, found) for found in leaking)),
        *agreement,
    ]


def _agreement(given: Sequence[str], found: Sequence[int]) -> list[Finding]:
    """Return how well groups found by matching are those that the data set gives, by pairs of images."""
    known = [(name, group) for name, group in zip(given, found, strict=True) if name]
    both, in_given, in_found = (
        sum(count * (count - 1) // 2 for count in Counter(keys).values())
        for keys in (known, (name for name, _group in known), (group for _name, group in known))
    )
    if not in_given or not in_found:
        return []
    text = (
        f"Of the pairs of images that fit one another {100 * both / in_found:.1f} % have the same group_id; "
        f"of the pairs with the same group_id {100 * both / in_given:.1f} % were found, by chains of such pairs."
    )
    return [finding("note", "sibling-agreement", text, 1)]


def look_findings(samples: Sequence[Sample], looks: Sequence[Look]) -> list[Finding]:
    """Return what predicts the class without the image's content: its source, file format, size or brightness."""
    findings = []
    by_source: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        if source := sample.known("source"):
            by_source[source][sample.label] += 1
    if len(by_source) > 1:
        total = sum(map(Counter.total, by_source.values()))
        known = sum(counts.most_common(1)[0][1] for counts in by_source.values()) / total
        chance = max(sum(by_source.values(), Counter()).values()) / total
        if known > chance + GAIN:
            text = (
                f"The source alone predicts the class with an accuracy of {100 * known:.1f} % (most frequent class "
                f"{100 * chance:.1f} %): it is a confounder, which a network can learn instead of the classes."
            )
            findings.append(finding("warning", "source-bias", text, 1))
    classes = [look for look in looks if look.by == "class" and look.images >= FEW]
    if len({frozenset(look.formats) for look in classes}) > 1:
        text = "The classes come in different file formats."
        lines = (f"{look.value}: {', '.join(look.formats)}" for look in classes)
        findings.append(finding("warning", "format-bias", text, len(classes), lines))
    sides = [[look.width for look in classes], [look.height for look in classes]]
    if classes and max(max(side) / min(side) for side in sides) > LARGER:
        lines = (f"{look.value}: {look.width}×{look.height}" for look in classes)
        text = "The classes' images differ in size; after scaling, sharpness may predict the class."
        findings.append(finding("warning", "size-bias", text, len(classes), lines))
    apart = [
        f"{one.value} {one.brightness:.0f} ± {one.spread:.0f}, {two.value} {two.brightness:.0f} ± {two.spread:.0f}"
        for i, one in enumerate(classes)
        for two in classes[i + 1 :]
        if abs(one.brightness - two.brightness) > BRIGHTER * np.sqrt((one.spread**2 + two.spread**2) / 2)
    ]
    if apart:
        text = "Classes differ in mean brightness (0–255) by more than half a standard deviation."
        findings.append(finding("note", "brightness-bias", text, len(apart), apart))
    return findings


def probe_findings(scores: ProbeScores | None) -> list[Finding]:
    """Return whether the border alone predicts the class."""
    if scores is None:
        return []
    text = (
        f"A linear model that sees only the outer {BORDER} pixels of a 32×32 thumbnail has an accuracy of "
        f"{100 * scores.border:.1f} % on the test split (whole thumbnail {100 * scores.whole:.1f} %, chance "
        f"{100 * scores.chance:.1f} %)."
    )
    if scores.border > scores.chance + max(GAIN, scores.margin):
        return [finding("warning", "shortcut", f"{text} State it beside every score.", 1)]
    return [finding("note", "shortcut", text, 1)]


def _repeated(dataset: Dataset, sets: Sequence[Sequence[int]], what: str, code: str) -> list[Finding]:
    found = [[dataset.samples[i] for i in members] for members in sets]
    contradicting = [members for members in found if len({s.label for s in members}) > 1]
    leaking = [members for members in found if len({s.split for s in members}) > 1]
    harmless = [members for members in found if members not in contradicting and members not in leaking]
    weighed: list[tuple[Severity, str, list[list[Sample]], str]] = [
        ("error", "contradiction", contradicting, "under different labels"),
        ("error", "leak", leaking, "in several splits: a data leak, so that test scores are too high"),
        ("warning" if code == "duplicate" else "note", "repeat", harmless, "within one split and class"),
    ]
    return [
        finding(
            severity,
            f"{code}-{kind}",
            f"{_many(len(members), 'set')} of images that are {what}, {tail}.",
            len(members),
            (_listed(dataset, images) for images in members),
        )
        for severity, kind, members, tail in weighed
        if members
    ]


def _digest(found: Fingerprint | Unreadable) -> str:
    return found.sha256 if isinstance(found, Fingerprint) else ""


def _listed(dataset: Dataset, samples: Sequence[Sample]) -> str:
    # one of each label and split first, so that a leak or a contradiction is seen
    differing = list({(s.label, s.split): s for s in reversed(samples)}.values())[::-1]
    ordered = [*differing, *(s for s in samples if s not in differing)]
    shown = [f"{dataset.relative(s.path)} ({s.label}, {s.split})" for s in ordered[:4]]
    return " = ".join(shown) + (f" = {len(samples) - 4} more" if len(samples) > 4 else "")


def _by_split(samples: Iterable[Sample]) -> str:
    return ", ".join(f"{count} {split}" for split, count in sorted(Counter(s.split for s in samples).items()))


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
