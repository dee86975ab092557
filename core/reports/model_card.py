"""A model card as a readable page, with the headings of the Model Facts label and the terms of CLAIM and TRIPOD+AI.

Sources: Sendak et al. 2020, "Presenting machine learning model information to clinical end users with model facts
labels"; the CLAIM 2024 and TRIPOD+AI 2024 checklists.
"""

from __future__ import annotations

from pathlib import Path

from core import NOTICE
from core.models.architectures import model_name
from core.models.card import Card, DataSet, Interval, Scores
from core.reports.document import (
    Block,
    Caution,
    Curve,
    Facts,
    Heading,
    Items,
    Paragraph,
    Reliability,
    Table,
    markdown,
    percent,
)
from core.reports.document_file import write_document
from core.reports.layout import PaperSize
from core.reports.map_quality import card_blocks

MOST_COLUMNS = 12  # largest number of classes whose confusion matrix fits on a page


def write_model_facts(path: Path, card: Card, paper: PaperSize = "A4") -> None:
    """Write a model card as Markdown (``.md``) or PDF (``.pdf``); no partial file is left behind.

    Raises:
        UsageError: if the name has another suffix.
        WriteError: if the file can't be written.
    """
    write_document(path, facts(card), "Model card", title_of(card), card.role, paper)


def model_facts(card: Card) -> str:
    """Return a model card as Markdown."""
    return markdown(facts(card))


def facts(card: Card) -> list[Block]:
    """Return a model card as the blocks of a page."""
    blocks: list[Block] = [
        Heading(1, f"Model facts: {title_of(card)}"),
        Paragraph(NOTICE, strong=True),
        Heading(2, "Summary"),
        _summary(card),
        Heading(2, "Uses and directions"),
        _directions(card),
        Heading(2, "Warnings and limits"),
        Items(card.limits or ("None are stated.",)),
        Heading(2, "Development: training data and method"),
        _development(card),
        *_data_set(card.training.data_set),
        Heading(2, "Validation and performance"),
    ]
    if not card.scores:
        blocks.append(Paragraph("Not measured."))
    for scores in card.scores:
        blocks += _performance(card, scores)
    return blocks + card_blocks(card.map_quality)


def title_of(card: Card) -> str:
    """Return what a model is called on its pages."""
    return f"{model_name(card.model)} ({card.role}), {card.described_task.name}"


def _summary(card: Card) -> Facts:
    task, size = card.described_task, card.preprocessing
    colour = "grey" if size.channels == "grey" else "colour"
    return Facts(
        (
            (
                "Model",
                f"{card.id}, {model_name(card.model)}, {card.parameters / 1e6:.1f} million parameters, "
                f"{card.macs / 1e9:.2f} billion multiply-accumulates an image, stored as {card.storage}",
            ),
            ("Input", f"one {task.image_kind}, scaled to {size.height} × {size.width} pixels, {colour}"),
            ("Output", f"a probability for each of {', '.join(label.name for label in task.classes)}"),
            ("Weights", f"SHA-256 {card.weights_sha256[:16]}…, licence: {card.licence}"),
        )
    )


def _directions(card: Card) -> Facts:
    rows = [
        ("Intended use", card.intended_use),
        ("Calibration", f"logits are divided by the temperature {card.temperature:.3f} before the softmax"),
    ]
    if card.conformal is not None:
        rows.append(
            (
                "Plausible classes",
                f"those of at least {100 * card.conformal.floor:.1f} %; a split-conformal rule "
                f"({card.conformal.method}) fitted to {card.conformal.images} validation images, target coverage "
                f"{100 * card.conformal.coverage:.1f} %. If the number of plausible classes is not one, the prediction "
                "is uncertain",
            )
        )
    gated = "the prediction is hidden where the image is outside the training data"
    rows.append(("Novelty gate", gated if card.novelty_sha256 else "none; a prediction is shown for any image"))
    return Facts(tuple(rows))


def _development(card: Card) -> Facts:
    made = card.training
    rows = [
        ("Data", made.data),
        ("Method", made.method),
        ("Made by", f"{made.made_by}, on {made.made_on.isoformat()}"),
    ]
    if made.teacher:
        rows.append(("Distilled from", made.teacher))
    if made.recipe_digest:
        rows.append(("Recipe", f"SHA-256 {made.recipe_digest[:16]}…"))
    if made.seed is not None:
        rows.append(("Seed", str(made.seed)))
    if made.data_digest:
        rows.append(("Data digest", f"SHA-256 {made.data_digest[:16]}… of names, labels, splits and groups"))
    if made.epochs is not None:
        rows.append(("Epochs", str(made.epochs)))
    return Facts(tuple(rows))


def _data_set(data: DataSet | None) -> list[Block]:
    """Return the number of images of each class and split, where the run recorded it."""
    if data is None:
        return []
    classes = list(dict.fromkeys(label for counts in data.images.values() for label in counts))
    rows = [(label, *(str(counts.get(label, 0)) for counts in data.images.values())) for label in classes]
    sums = ("all", *(str(data.count(split)) for split in data.images))
    groups = f"{data.groups:,} patients or originals are known" if data.groups else "No patient or original is known"
    rest = f"; {data.ungrouped:,} images are of none that is known" if data.groups and data.ungrouped else ""
    return [Table(("class", *data.images), (*rows, sums)), Paragraph(f"{groups}{rest}.")]


def _performance(card: Card, scores: Scores) -> list[Block]:
    blocks: list[Block] = [
        Heading(3, scores.dataset),
        Paragraph(f"{scores.images} images, measured by {scores.measured_by}."),
    ]
    if scores.caution:
        blocks.append(Caution(scores.caution))
    blocks.append(_measures(scores))
    if scores.classes:
        blocks.append(
            Table(
                ("class", "images", "precision", "recall (sensitivity)", "AUROC"),
                tuple(
                    (found.label, str(found.images), percent(found.precision), percent(found.recall),
                     "–" if found.auroc is None else f"{found.auroc:.4f}")
                    for found in scores.classes
                ),
            )
        )  # fmt: skip
    blocks += _confusion(card, scores)
    if scores.groups:
        blocks.append(
            Table(
                ("group", "images", "accuracy", "macro F1", "ECE"),
                tuple(
                    (found.group, str(found.images), _with_interval(found.accuracy, found.accuracy_interval),
                     percent(found.macro_f1), f"{found.ece:.3f}")
                    for found in scores.groups
                ),
            )
        )  # fmt: skip
    curves = (
        Curve("before", scores.ece_uncalibrated, scores.reliability_uncalibrated),
        Curve("after", scores.ece, scores.reliability),
    )
    if known := tuple(curve for curve in curves if curve.bins):
        blocks.append(Reliability(known))
    return blocks


def _measures(scores: Scores) -> Table:
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
        ("Label among the plausible classes", scores.covered),
        ("Uncertain", scores.unsure),
        ("Not assessable: outside the training data", scores.refused),
        ("Accuracy of a linear model on the border of the images only", scores.border_probe),
    )
    rows += [(name, percent(share)) for name, share in shares if share is not None]
    return Table(("measure", "value"), tuple(rows))


def _confusion(card: Card, scores: Scores) -> list[Block]:
    if not scores.confusion:
        return []
    if len(card.classes) > MOST_COLUMNS:
        return [Paragraph(f"The confusion matrix of {len(card.classes)} classes is in card.json.")]
    rows = zip(card.classes, scores.confusion, strict=True)
    return [
        Table(
            ("label ↓ prediction →", *card.classes),
            tuple((label, *map(str, counts)) for label, counts in rows),
        )
    ]


def _with_interval(value: float, interval: Interval | None) -> str:
    if interval is None:
        return percent(value)
    return f"{percent(value)} (95 %: {100 * interval.low:.2f} to {percent(interval.high)})"
