"""A card as a page for a person, under the headings of the Model Facts label and the words of CLAIM and TRIPOD+AI.

Sources: Sendak et al. 2020, "Presenting machine learning model information to clinical end users with model facts
labels"; the CLAIM 2024 and TRIPOD+AI 2024 checklists.
"""

from __future__ import annotations

import re

from core.architectures import model_name
from core.card import Card, Interval, Scores
from core.tasks import TASKS


def model_facts(card: Card) -> str:
    """Return a model card as Markdown; text of the card is escaped, since it may come from a stranger."""
    network = model_name(card.model)
    task = TASKS.get(card.task)
    lines = [
        f"# Model facts: {network} ({card.role}), {_text(task.name if task else card.task)}",
        "",
        "**For research use only. Not for diagnosis.**",
        "",
        "## Summary",
        "",
        f"- Model: `{card.id}`, {network}, {card.parameters / 1e6:.1f} million parameters, "
        f"{card.macs / 1e9:.2f} billion multiply-accumulates an image, stored as {card.storage}",
        f"- Input: one {_text(task.image_kind) if task else 'image'}, scaled to {card.preprocessing.height} × "
        f"{card.preprocessing.width} pixels, {'grey' if card.preprocessing.channels == 'grey' else 'colour'}",
        f"- Output: a probability for each of {', '.join(_names(card))}",
        f"- Weights: SHA-256 `{card.weights_sha256[:16]}…`, licence: {_text(card.licence)}",
        "",
        "## Uses and directions",
        "",
        f"- Intended use: {_text(card.intended_use)}",
        *_directions(card),
        "",
        "## Warnings: what it can't do",
        "",
        *(f"- {_text(limit)}" for limit in card.limits),
        "",
        "## Development: training data and method",
        "",
        f"- Data: {_text(card.training.data)}",
        f"- Method: {_text(card.training.method)}",
        f"- Made by: {_text(card.training.made_by)}, on {card.training.made_on.isoformat()}",
    ]
    if card.training.teacher:
        lines.append(f"- Distilled from: {_text(card.training.teacher)}")
    if card.training.recipe_digest:
        lines.append(f"- Recipe: SHA-256 `{card.training.recipe_digest[:16]}…`")
    if card.training.seed is not None:
        lines.append(f"- Seed: {card.training.seed}")
    lines += ["", "## Performance"]
    if not card.scores:
        lines += ["", "Not measured."]
    for scores in card.scores:
        lines += _performance(card, scores)
    return "\n".join(lines) + "\n"


def _directions(card: Card) -> list[str]:
    lines = [f"- Calibration: logits are divided by the temperature {card.temperature:.3f} before the softmax"]
    if card.conformal is not None:
        lines.append(
            f"- Plausible classes: those of at least {100 * card.conformal.floor:.1f} %; a split-conformal rule "
            f"({card.conformal.method}) chosen on {card.conformal.images} validation images to hold the right class in "
            f"{100 * card.conformal.coverage:.0f} % of images. Not exactly one plausible class means: unsure"
        )
    gated = "the answer is kept back where an image is unlike the training images"
    lines.append(f"- Novelty gate: {gated if card.novelty_sha256 else 'none; the model answers to any image'}")
    return lines


def _performance(card: Card, scores: Scores) -> list[str]:
    rows = [
        ("Accuracy", _with_interval(scores.accuracy, scores.accuracy_interval)),
        ("Macro F1", _with_interval(scores.macro_f1, scores.macro_f1_interval)),
    ]
    if scores.auroc is not None:
        rows.append(("AUROC, mean of each class against the rest", f"{scores.auroc:.4f}"))
    if scores.ece_uncalibrated is not None:
        rows.append(("Calibration error (ECE) before temperature scaling", f"{scores.ece_uncalibrated:.4f}"))
    rows.append(("Calibration error (ECE)", f"{scores.ece:.4f}"))
    if scores.brier is not None:
        rows.append(("Brier score", f"{scores.brier:.4f}"))
    shares = (
        ("Plausible classes hold the right one", scores.covered),
        ("Unsure", scores.unsure),
        ("Own images kept back by the novelty gate", scores.refused),
        ("Accuracy of a linear model that sees only the border of the images", scores.border_probe),
    )
    rows += [(name, _percent(share)) for name, share in shares if share is not None]
    lines = [
        "",
        f"### {_text(scores.dataset)}",
        "",
        f"{scores.images} images, measured by {_text(scores.measured_by)}.",
    ]
    if scores.caution:
        lines += ["", f"**Caution:** {_text(scores.caution)}"]
    lines += ["", "| measure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    if scores.classes:
        lines += ["", "| class | images | precision | recall (sensitivity) | AUROC |", "|---|---|---|---|---|"]
    for found in scores.classes:
        area = "–" if found.auroc is None else f"{found.auroc:.4f}"
        cells = (_text(found.label), str(found.images), _percent(found.precision), _percent(found.recall), area)
        lines.append(f"| {' | '.join(cells)} |")
    if scores.confusion:
        lines += ["", "| truth \\ answer | " + " | ".join(map(_text, card.classes)) + " |"]
        lines.append("|---" * (len(card.classes) + 1) + "|")
        for label, counts in zip(card.classes, scores.confusion, strict=False):
            lines.append(f"| {_text(label)} | " + " | ".join(map(str, counts)) + " |")
    if scores.groups:
        lines += ["", "| group | images | accuracy | macro F1 | ECE |", "|---|---|---|---|---|"]
    for group in scores.groups:
        lines.append(
            f"| {_text(group.group)} | {group.images} | {_with_interval(group.accuracy, group.accuracy_interval)} | "
            f"{_percent(group.macro_f1)} | {group.ece:.3f} |"
        )
    if scores.reliability:
        lines += ["", "| mean confidence | share right | images |", "|---|---|---|"]
    for point in scores.reliability:
        lines.append(f"| {_percent(point.confidence)} | {_percent(point.accuracy)} | {point.images} |")
    return lines


def _names(card: Card) -> list[str]:
    task = TASKS.get(card.task)
    known = {label.id: label.name for label in task.classes} if task else {}
    return [_text(known.get(label, label)) for label in card.classes]


def _with_interval(value: float, interval: Interval | None) -> str:
    if interval is None:
        return _percent(value)
    return f"{_percent(value)} (95 %: {_percent(interval.low)} to {_percent(interval.high)})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _text(value: str) -> str:
    """Return text on one line without the power to mark anything up."""
    return re.sub(r"([\\`*_\[\]<>|#&!])", r"\\\1", " ".join(value.split()))
