"""The numbering is written out here as it was published, apart from the files that are tested."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pdf_texts import pdf_text, pressed
from pydantic import ValidationError

from core.models.card import Card
from core.models.catalogue import read_catalogue
from core.reports.card_answers import ANSWERS
from core.reports.checklists import Checklist, checklist_blocks, read_checklist, write_checklist
from core.reports.document import Entries, markdown

ROOT = Path(__file__).resolve().parents[3]


def numbers(last, **parts):
    """The numbers of a checklist up to the last; of those with parts the number of parts is given."""
    found = {f"n{n}": [str(n)] for n in range(1, last + 1)}
    found |= {name: [f"{name[1:]}{letter}" for letter in "abcdefg"[:count]] for name, count in parts.items()}
    return [number for group in found.values() for number in group]


PUBLISHED = {
    "claim": numbers(44),
    "tripod-ai": numbers(27, n3=3, n5=2, n6=3, n8=3, n9=3, n12=7, n18=6, n20=3, n23=2, n27=3),
    "stard-ai": numbers(40, n15=4, n16=3, n17=2, n26=2, n40=2),
}
DEVELOPMENT_ONLY = {"9a", "12a", "12b", "12c", "15", "22", "27a", "27b"}
EVALUATION_ONLY = {"12f", "12g", "20c", "24"}


def bundled(name="chest-xray/teacher-timm-tf_efficientnet_lite0"):
    return read_catalogue().bundles[name].card


def entries(name, card):
    return {
        row.number: row for block in checklist_blocks(name, card) if isinstance(block, Entries) for row in block.rows
    }


def bare():
    """A card of a stranger's model, of which nothing is stated or measured."""
    raw = bundled().model_dump(mode="json", by_alias=True)
    raw |= {"scores": [], "map_quality": None, "limits": [], "conformal": None, "novelty_sha256": None}
    raw |= {"intended_use": "not stated", "licence": "Not stated by whoever made the model."}
    raw["training"] = {"data": "not stated", "method": "", "made_by": "another program", "made_on": "2026-11-30"}
    return Card.model_validate(raw)


def test_the_counts_are_the_published_ones():
    assert {name: len(found) for name, found in PUBLISHED.items()} == {"claim": 44, "tripod-ai": 52, "stard-ai": 48}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_item_is_there_once_and_in_order(name):
    items = read_checklist(name).items
    assert [item.number for item in items] == PUBLISHED[name]
    assert list(entries(name, bundled())) == PUBLISHED[name]
    sections = [item.section for item in items]
    assert sorted(Counter(sections)) == sorted(set(sections))
    assert all(len(item.topic) < 100 for item in items), "topics are short and our own"


def test_tripod_says_which_items_are_of_development_and_which_of_evaluation():
    items = {item.number: item.applies_to for item in read_checklist("tripod-ai").items}
    assert {number for number, found in items.items() if found == "D"} == DEVELOPMENT_ONLY
    assert {number for number, found in items.items() if found == "E"} == EVALUATION_ONLY
    assert set(items.values()) == {"D", "E", "D;E"}


def test_answers_are_the_cards_own_figures():
    card = bundled()
    claim, stard = entries("claim", card), entries("stard-ai", card)
    scores = card.scores[0]
    assert card.training.data in claim["7"].text or card.training.data[1:] in claim["7"].text
    assert "train 5,863 (COVID-19 1,900, Non-COVID 1,977, Normal 1,986)" in claim["19"].text
    assert f"{card.training.data_set.groups:,} patients or originals are known" in claim["20"].text
    assert claim["20"].state == "from the card"
    assert f"{card.parameters:,} parameters" in claim["22"].text
    low, high = scores.accuracy_interval.low, scores.accuracy_interval.high
    interval = f"Accuracy {100 * scores.accuracy:.1f} % (95 %: {100 * low:.1f} to {100 * high:.1f} %)"
    assert interval in claim["37"].text
    assert interval in stard["31"].text
    for label, row in zip(card.classes, scores.confusion, strict=True):
        assert (
            f"{label}: " + ", ".join(f"{n:,} as {c}" for c, n in zip(card.classes, row, strict=True))
            in stard["30"].text
        )
    assert all(limit in claim["40"].text for limit in card.limits)
    assert f"{100 * scores.border_probe:.1f} %" in claim["30"].text


def test_what_a_card_does_not_say_is_not_invented():
    card = bare()
    for name in PUBLISHED:
        found = entries(name, card)
        for item in read_checklist(name).items:
            row = found[item.number]
            said = [key for key in item.from_card if ANSWERS[key](card) is not None]
            if not item.from_card:
                assert (row.state, row.text) == ("for the author", f"For the author: {item.author}.")
            elif not said:
                assert row.state == "not known"
                assert row.text.startswith("Not known")
            else:
                assert row.state == ("from the card" if said == [*item.from_card] and not item.author else "in part")
    claim = entries("claim", card)
    for number in ("3", "7", "19", "20", "28", "29", "37", "38", "40"):
        assert claim[number].state == "not known", number
    assert "licence: not known" in claim["43"].text
    assert "not stated" not in markdown(checklist_blocks("claim", card)).lower()


def test_a_pdf_says_all_that_the_page_says(tmp_path):
    card = bundled("chest-xray/student-ofa595")
    for name in PUBLISHED:
        path = tmp_path / f"{name}.pdf"
        write_checklist(path, name, card)
        text = pdf_text(path)
        for row in entries(name, card).values():
            for words in (row.topic, row.text, row.state):
                assert pressed(words) in text, (name, row.number)


def test_a_checklist_with_an_unknown_answer_or_an_item_for_nobody_is_refused():
    raw = read_checklist("claim").model_dump(by_alias=True)
    for change, words in (({"from_card": ("weather",)}, "no answer weather"), ({"author": ""}, "answered by nobody")):
        item = {**raw["items"][1], "from_card": (), **change}
        with pytest.raises(ValidationError, match=words):
            Checklist.model_validate({**raw, "items": [item]})


def test_the_command_prints_and_writes_checklists(tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "core", "card", "chest-xray/student-ofa595", *map(str, words)],
            capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        )  # fmt: skip

    page = run("--checklist", "stard-ai").stdout
    assert page.startswith("# STARD-AI: OFA-595 (student), Chest X-ray\n")
    assert sum(line.startswith("| 15") for line in page.splitlines()) == 4
    ended = run("--checklist", "tripod-ai", "--out", tmp_path / "tripod.md")
    assert ended.stdout.strip() == f"Written: {tmp_path / 'tripod.md'}"
    assert (tmp_path / "tripod.md").read_text(encoding="utf-8").startswith("# TRIPOD+AI")
    ended = run("--checklist", "claim", "--chai")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "two pages" in ended.stderr
    assert run("--checklist", "prisma").returncode == 2
