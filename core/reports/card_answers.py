"""What a model's card says on the topics that reviewers ask about, each in a sentence or two.

Each answer takes a card and returns text, or None where the card does not say. Nothing is inferred: what a card leaves
open stays open. Checklists and the CHAI model card are made of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.models.architectures import get_architecture, model_name
from core.models.card import Card, Interval, Scores

Answer = Callable[[Card], str | None]


def technology(card: Card) -> str:
    """What kind of AI it is."""
    return f"A deep neural network for image classification, {model_name(card.model)}, in the role of the {card.role}."


def intended_use(card: Card) -> str | None:
    """What it is for."""
    return stated(card.intended_use)


def data(card: Card) -> str | None:
    """What it was trained on."""
    return _sentence(stated(card.training.data) or "")


def counts(card: Card) -> str | None:
    """How many images each split and class has."""
    found = card.training.data_set
    if found is None:
        return None
    splits = (
        f"{split} {found.count(split):,} ({', '.join(f'{label} {n:,}' for label, n in by_class.items())})"
        for split, by_class in found.images.items()
    )
    return f"Images: {'; '.join(splits)}."


def split(card: Card) -> str | None:
    """Where the split comes from."""
    return None if card.training.data_set is None else f"The split: {card.training.data_set.split}."


def groups(card: Card) -> str | None:
    """How far patients or originals are known, which splits must not share."""
    found = card.training.data_set
    if found is None:
        return None
    if not found.groups:
        return "No patient or original is known, so that images of one may lie in several partitions."
    return (
        f"{found.groups:,} patients or originals are known; {found.ungrouped:,} of {found.total:,} images are of none "
        "that is known."
    )


def image_kind(card: Card) -> str:
    """What goes in."""
    return f"The pixels of one {card.described_task.image_kind}, and nothing else about the patient."


def preprocessing(card: Card) -> str:
    """How an image becomes the input."""
    return str(_sentence(card.preprocessing.in_words()))


def classes(card: Card) -> str:
    """What is told apart."""
    return f"One label an image: {', '.join(label.name for label in card.described_task.classes)}."


def architecture(card: Card) -> str:
    """What the network is."""
    size = card.preprocessing
    return (
        f"{model_name(card.model)} ({get_architecture(card.network).family}), {card.parameters:,} parameters, "
        f"{card.macs / 1e9:.2f} billion multiply-accumulates an image, input {size.height} × {size.width} pixels, "
        f"weights stored as {card.storage}."
    )


def output(card: Card) -> str:
    """What comes out."""
    return f"A probability for each of {len(card.classes)} classes: the softmax of the logits. {temperature(card)}"


def temperature(card: Card) -> str:
    """How probabilities are calibrated."""
    if card.temperature == 1:
        return "The logits are not rescaled."
    return f"Before the softmax the logits are divided by {card.temperature:.3f} (temperature scaling)."


def decision(card: Card) -> str:
    """How probabilities become a finding."""
    first = "The most probable class is the prediction."
    rule = card.conformal
    if rule is None:
        return f"{first} There is no rule for uncertain predictions."
    return (
        f"{first} Classes of at least {100 * rule.floor:.1f} % stay plausible ({rule.method}, fitted to "
        f"{rule.images:,} validation images for a coverage of {100 * rule.coverage:.1f} %); unless that is exactly "
        "one, the prediction is called uncertain."
    )


def refusal(card: Card) -> str:
    """What becomes of unsuitable images."""
    if card.novelty_sha256 is None:
        return "There is no gate: any image gets a prediction."
    shares = [
        f"{100 * scores.refused:.1f} % of {scores.dataset}" for scores in card.scores if scores.refused is not None
    ]
    measured = f" It hid {'; '.join(shares)}." if shares else ""
    return f"A gate hides the prediction for an image outside the training data.{measured}"


def method(card: Card) -> str | None:
    """How it was trained."""
    return _sentence(card.training.method)


def teacher(card: Card) -> str | None:
    """What it was distilled from."""
    return f"Distilled from {card.training.teacher}." if card.training.teacher else "No teacher network is named."


def run(card: Card) -> str | None:
    """What identifies the run."""
    made = card.training
    facts = (
        None if made.epochs is None else f"{made.epochs} epochs",
        None if made.seed is None else f"seed {made.seed}",
        None if made.recipe_digest is None else f"SHA-256 of the recipe {made.recipe_digest}",
        None if made.data_digest is None else f"digest of the data {made.data_digest}",
    )
    return _sentence(", ".join(filter(None, facts)))


def software(card: Card) -> str:
    """What trained it, and when."""
    return f"Trained by {card.training.made_by}; published on {card.training.made_on.isoformat()}."


def single(_card: Card) -> str:
    """Whether it is an ensemble."""
    return "One network; no ensemble."


def tested_on(card: Card) -> str | None:
    """What it was tested on."""
    return _sentence("; ".join(f"{scores.images:,} images, {scores.dataset}" for scores in card.scores))


def test_classes(card: Card) -> str | None:
    """How many test images each class has."""
    found = ("; ".join(f"{one.label} {one.images:,}" for one in scores.classes) for scores in card.scores)
    return _sentence(". ".join(filter(None, found)))


def measures(card: Card) -> str | None:
    """Which figures are stated."""
    if not card.scores:
        return None
    stated = {
        "accuracy": True,
        "macro F1": True,
        "expected calibration error": True,
        "Brier score": any(scores.brier is not None for scores in card.scores),
        "AUROC": any(scores.auroc is not None for scores in card.scores),
        "precision and recall by class": any(scores.classes for scores in card.scores),
        "confusion matrix": any(scores.confusion for scores in card.scores),
        "reliability diagram": any(scores.reliability for scores in card.scores),
        "coverage of the plausible classes": any(scores.covered is not None for scores in card.scores),
    }
    by = dict.fromkeys(scores.measured_by for scores in card.scores)
    return _sentence(f"{', '.join(name for name, there in stated.items() if there)}; measured by {', '.join(by)}")


def intervals(card: Card) -> str | None:
    """How the uncertainty of the figures is stated."""
    if not any(scores.accuracy_interval for scores in card.scores):
        return None
    return "95 % intervals of accuracy and macro F1, where stated over patients or originals; no test of significance."


def performance(card: Card) -> str | None:
    """The figures as a whole."""
    return _each(card.scores, _overall)


def by_class(card: Card) -> str | None:
    """The figures of each class."""
    return _each(card.scores, _of_classes)


def calibration(card: Card) -> str | None:
    """How well probabilities are calibrated."""
    return _each(card.scores, _calibration)


def subgroups(card: Card) -> str | None:
    """The accuracy on parts of the data."""
    return _each(card.scores, _of_groups)


def group_sizes(card: Card) -> str | None:
    """Which parts of the test data are known, and how large they are."""

    def sizes(scores: Scores) -> str:
        found = ", ".join(f"{one.group} {one.images:,}" for one in scores.groups)
        return f"Groups of the test images: {found}" if found else ""

    return _each(card.scores, sizes)


def confusion(card: Card) -> str | None:
    """Which classes are taken for which."""

    def rows(scores: Scores) -> str:
        lines = zip(card.classes, scores.confusion, strict=False)
        return "; ".join(
            f"{label}: {', '.join(f'{n:,} as {seen}' for seen, n in zip(card.classes, found, strict=True))}"
            for label, found in lines
        )

    return _each(card.scores, rows)


def shortcut(card: Card) -> str | None:
    """What the border of the images gives away."""
    return _each(
        card.scores,
        lambda scores: (
            ""
            if scores.border_probe is None
            else "A linear model on the border of the images alone reaches an accuracy of "
            f"{_percent(scores.border_probe)}"
        ),
    )


def heat_maps(card: Card) -> str:
    """How predictions are explained, and whether that was checked."""
    found = card.map_quality
    made = "Score-CAM heat maps."
    if found is None:
        return f"{made} How faithful they are was not measured for this model (python -m core quality)."
    return (
        f"{made} Faithfulness, stability and the like were measured on {found.images:,} images of {found.dataset}; the "
        "model card has the figures."
    )


def limits(card: Card) -> str | None:
    """What it is known not to be able to do."""
    return " ".join(card.limits) or None


def availability(card: Card) -> str:
    """How others can run it."""
    graph = "an ONNX graph, which any ONNX runtime reads" if card.graph_sha256 else "weights for PyTorch"
    licence = stated(card.licence) or "not known"
    return f"The model is {graph}; licence: {licence}. SHA-256 of the weights {card.weights_sha256}."


def blinding(_card: Card) -> str:
    """What the model knows beside the image."""
    return "The model gets the image alone, neither clinical information nor the label."


def audit_trail(_card: Card) -> str:
    """What is stored of predictions."""
    return (
        "Predictions, gate scores, settings and the digests of image and models are stored in a history on the user's "
        "machine, unless that is switched off, and exported as tables, JSON and DICOM."
    )


ANSWERS: dict[str, Answer] = {
    answer.__name__: answer
    for answer in (
        technology, intended_use, data, counts, split, groups, image_kind, preprocessing, classes, architecture, output,
        temperature, decision, refusal, method, teacher, run, software, single, tested_on, test_classes, measures,
        intervals, performance, by_class, calibration, subgroups, group_sizes, confusion, shortcut, heat_maps, limits,
        availability, blinding, audit_trail,
    )
}  # fmt: skip


def stated(text: str) -> str | None:
    """Return a statement, None where the card says that it was not made."""
    return None if not text.strip() or text.lower().startswith("not stated") else text


def _each(scores: Iterable[Scores], words: Callable[[Scores], str]) -> str | None:
    """Return what is said of each data set; the name of the set stands before it where there are several."""
    found = [(one, text) for one in scores if (text := words(one))]
    if len(found) == 1:
        return _sentence(found[0][1])
    return " ".join(f"{one.dataset}: {_sentence(text)}" for one, text in found) or None


def _overall(scores: Scores) -> str:
    facts = [
        f"Accuracy {_percent(scores.accuracy)}{_between(scores.accuracy_interval)}",
        f"macro F1 {_percent(scores.macro_f1)}{_between(scores.macro_f1_interval)}",
    ]
    if scores.auroc is not None:
        facts.append(f"AUROC {scores.auroc:.4f}")
    return f"{', '.join(facts)} on {scores.images:,} images. {scores.caution}"


def _of_classes(scores: Scores) -> str:
    return "; ".join(
        f"{one.label} ({one.images:,} images): sensitivity {_percent(one.recall)}, "
        f"precision {_percent(one.precision)}, AUROC {'–' if one.auroc is None else f'{one.auroc:.4f}'}"
        for one in scores.classes
    )


def _of_groups(scores: Scores) -> str:
    found = "; ".join(
        f"{one.group} ({one.images:,} images) {_percent(one.accuracy)}{_between(one.accuracy_interval)}"
        for one in scores.groups
    )
    return f"Accuracy by group: {found}" if found else ""


def _calibration(scores: Scores) -> str:
    before = "" if scores.ece_uncalibrated is None else f", {scores.ece_uncalibrated:.4f} before temperature scaling"
    brier = "" if scores.brier is None else f"; Brier score {scores.brier:.4f}"
    return f"Expected calibration error {scores.ece:.4f}{before}{brier}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f" (95 %: {100 * interval.low:.1f} to {_percent(interval.high)})"


def _sentence(text: str) -> str | None:
    """Return text with its first letter large and a full stop, None for no text."""
    text = text.strip()
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else None
