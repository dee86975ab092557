"""A model's card as CHAI's Applied Model Card, version 0.2: XML, or a page with the same headings.

Coalition for Health AI, https://github.com/coalition-for-health-ai/mc-schema. Its schema is ``assets/chai``, with its
licence. It asks for text in nearly every element; where the card has none, the text says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as Xml

from core import NOTICE, __version__
from core.models.card import Card, Interval
from core.reports import card_answers as says
from core.reports.document import Block, Entries, Entry, Heading, Paragraph, Table
from core.reports.document_file import write_document
from core.reports.layout import PaperSize
from core.reports.model_card import title_of
from core.system.atomic_files import written_whole

NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"
NOT_KNOWN = "Not known: the model's card does not say."
FOR_THE_DEVELOPER = "Not known: for the developer of the model to state."
NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")

Part = str | list["Part"] | dict[str, "Part"]  # a text, elements of one name, or elements by name


def write_chai_card(path: Path, card: Card, paper: PaperSize = "A4") -> None:
    """Write the card as XML (``.xml``), Markdown (``.md``) or PDF (``.pdf``), which holds the XML as CHAI asks for.

    Raises:
        UsageError: if the name has another suffix.
        WriteError: if the file can't be written.
    """
    if path.suffix.lower() == ".xml":
        with written_whole(path) as file:
            file.write(chai_xml(card))
        return
    facts = {"chaiMcXml": chai_xml(card), "chaiMcSoftwareId": f"Twinlens {__version__}"}
    write_document(path, chai_blocks(card), "CHAI model card", title_of(card), card.role, paper, facts)


def chai_xml(card: Card) -> str:
    """Return the card as an instance of the schema."""
    root = _tree(card)
    root.set("xmlns", NAMESPACE)
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def chai_blocks(card: Card) -> list[Block]:
    """Return the same as the blocks of a page."""
    blocks: list[Block] = [Heading(1, f"CHAI Applied Model Card: {title_of(card)}"), Paragraph(NOTICE, strong=True)]
    for section in _tree(card):
        if len(section):
            blocks += [Heading(2, _words(section.tag)), *_section(section)]
    return blocks


def _tree(card: Card) -> Xml.Element:
    root = Xml.Element("AppliedModelCard")
    _fill(root, _content(card))
    return root


def _content(card: Card) -> dict[str, Part]:
    """Return the elements in the order of the schema."""
    metric = _KeyMetrics(card)
    return {
        "BasicInfo": {
            "ModelName": title_of(card),
            "ModelDeveloper": card.training.made_by,
            "DeveloperContact": FOR_THE_DEVELOPER,
        },
        "ReleaseInfo": {
            "ReleaseStage": "Research. Not for diagnosis.",
            "ReleaseDate": card.training.made_on.isoformat(),
            "ReleaseVersion": f"{card.id}, SHA-256 of the weights {card.weights_sha256}",
            "GlobalAvailability": f"Licence: {says.stated(card.licence) or NOT_KNOWN}",
            "RegulatoryApproval": "None is known.",
        },
        "ModelSummary": {
            "Summary": f"{says.technology(card)} {says.classes(card)} {NOTICE}",
            "Keywords": {"Keyword": [card.described_task.name, *(label.name for label in card.described_task.classes)]},
        },
        "UsesAndDirections": {
            "IntendedUseAndWorkflow": _known(says.intended_use(card)),
            "PrimaryIntendedUsers": FOR_THE_DEVELOPER,
            "HowToUse": f"{says.output(card)} {says.decision(card)}",
            "TargetedPatientPopulation": FOR_THE_DEVELOPER,
            "CautionedOutOfScopeSettings": f"{NOTICE} {says.refusal(card)}",
        },
        "Warnings": {
            "KnownRisksAndLimitations": _known(says.limits(card)),
            "KnownBiasesOrEthicalConsiderations": _known(says.shortcut(card)),
            "ClinicalRiskLevel": "Not known: it is made for research, and no level was assigned.",
        },
        "TrustIngredients": {
            "AISystemFacts": {
                "OutcomesAndOutputs": says.output(card),
                "ModelType": says.architecture(card),
                "FoundationModels": f"{says.teacher(card)} {_known(says.method(card))}",
                "InputDataSource": _known(says.data(card)),
                "OutputAndInputDataTypes": f"Input: {says.image_kind(card)} Output: {says.classes(card)}",
                "DevelopmentDataCharacterization": _known(
                    " ".join(filter(None, (says.data(card), says.counts(card), says.groups(card))))
                ),
                "BiasMitigationApproaches": FOR_THE_DEVELOPER,
                "OngoingMaintenance": "Not known. Twinlens can compare each week with a reference (monitoring).",
                "Security": "It runs on the user's machine; no image leaves it unless a connection is switched on.",
                "Transparency": says.heat_maps(card),
            },
            "TransparencyInformation": {
                "FundingSource": FOR_THE_DEVELOPER,
                "StakeholdersConsulted": FOR_THE_DEVELOPER,
            },
        },
        "KeyMetrics": {
            "UsefulnessUsabilityEfficacy": metric.efficacy(),
            "FairnessEquity": metric.fairness(),
            "SafetyReliability": metric.safety(),
        },
        "Resources": {
            "PeerReviewedPublications": FOR_THE_DEVELOPER,
            "PatientConsentOrDisclosure": FOR_THE_DEVELOPER,
        },
        "Bibliography": "",
    }


class _KeyMetrics:
    """The key metrics of the card's first scores, which are those of its test split."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._scores = card.scores[0] if card.scores else None

    def efficacy(self) -> Part:
        found = self._scores
        results: list[Part] = []
        if found is not None:
            results = [
                _share("Accuracy", found.accuracy, found.accuracy_interval),
                _share("Macro F1", found.macro_f1, found.macro_f1_interval),
                *(_share(f"Sensitivity, {one.label}", one.recall) for one in found.classes if one.recall is not None),
            ]
        return self._metric("How many images get the right class.", results, says.performance(self._card))

    def fairness(self) -> Part:
        groups = self._scores.groups if self._scores is not None else ()
        results: list[Part] = [_share(f"Accuracy, {one.group}", one.accuracy, one.accuracy_interval) for one in groups]
        goal = "Whether groups of images, as far as they are known, are classified alike."
        return self._metric(goal, results, "No difference was tested." if results else None)

    def safety(self) -> Part:
        found = self._scores
        shares = {} if found is None else {
            "Label among the plausible classes": found.covered,
            "Uncertain predictions": found.unsure,
            "Hidden by the gate": found.refused,
            "Accuracy of a linear model on the border alone": found.border_probe,
        }  # fmt: skip
        results: list[Part] = [_share(name, share) for name, share in shares.items() if share is not None]
        if found is not None:
            results.insert(0, _result("Expected calibration error", {"kind": "single", "value": found.ece}))
        goal = "Whether probabilities mean what they say, and unsuitable images get no prediction."
        return self._metric(goal, results, says.calibration(self._card))

    def _metric(self, goal: str, results: list[Part], meaning: str | None) -> Part:
        found = self._scores
        return {
            "MetricGoal": goal,
            # the schema wants one result at least
            "Results": {"MetricResult": results or [_result("Not known: nothing was measured", None)]},
            "Interpretation": _known(meaning),
            "TestType": NOT_KNOWN if found is None else f"Scores on labelled images by {found.measured_by}.",
            "TestingDataDescription": _known(says.tested_on(self._card)),
            "ValidationProcessAndJustification": _known(
                " ".join(filter(None, (says.split(self._card), says.intervals(self._card))))
            ),
        }


def _share(label: str, share: float, interval: Interval | None = None) -> Part:
    """Return a share of 1 in per cent, with its interval where there is one."""
    value = round(100 * share, 2)
    if interval is None:
        return _result(label, {"kind": "single", "value": value, "unit": "%"})
    ends = {"lower": round(100 * interval.low, 2), "upper": round(100 * interval.high, 2)}
    return _result(label, {"kind": "estimate_ci", "estimate": value, **ends, "level": 95, "unit": "%"})


def _result(label: str, value: dict[str, object] | None) -> Part:
    return {"Label": label, "ValueJson": json.dumps(value)}


def _known(text: str | None) -> str:
    return text or NOT_KNOWN


def _fill(element: Xml.Element, part: Part) -> None:
    """Put a part into an element."""
    if isinstance(part, str):
        element.text = NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", part)
        return
    assert isinstance(part, dict)  # noqa: S101 - a list stands under a name
    for name, inner in part.items():
        for one in inner if isinstance(inner, list) else [inner]:
            _fill(Xml.SubElement(element, name), one)


def _section(element: Xml.Element) -> Iterator[Block]:
    """Yield the blocks of what is in an element: its texts, each under its name, and what has parts of its own."""
    for is_text, children in groupby(element, key=lambda child: child.tag == "Keywords" or not len(child)):
        if is_text:
            texts = ((child, ", ".join(filter(None, child.itertext()))) for child in children)
            yield Entries(tuple(Entry(_words(child.tag), text) for child, text in texts))
            continue
        for child in children:
            if child.tag == "Results":
                rows = ((one.findtext("Label", ""), _value(one.findtext("ValueJson", "null"))) for one in child)
                yield Table(("result", "value"), tuple(rows))
            else:
                yield Heading(3, _words(child.tag))
                yield from _section(child)


def _value(plain: str) -> str:
    """Return a result's value in words."""
    found = json.loads(plain)
    if found is None:
        return "–"
    unit = f" {found['unit']}" if "unit" in found else ""
    if found["kind"] == "single":
        return f"{found['value']:g}{unit}"
    return f"{found['estimate']:g}{unit} ({found['level']} %: {found['lower']:g} to {found['upper']:g}{unit})"


def _words(tag: str) -> str:
    """Return an element's name as words: ``ModelType`` as ``Model type``; capitals stay together, as in ``EHR``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", tag)
    return " ".join(word if i == 0 or word.isupper() else word.lower() for i, word in enumerate(words))
