import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pypdf
import pytest
from pdf_texts import pdf_text, pressed
from PIL import Image
from pydantic import ValidationError

from core.errors import UsageError, WriteError
from core.models.card import Card
from core.models.catalogue import read_catalogue
from core.reports.document import Caution, Facts, Heading, Items, Paragraph, Reliability, Table
from core.reports.model_card import facts, model_facts, write_model_facts

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "# x\n<img src=http://x> [a](b) | `c` ![d](e) <b>bold</b> <para>&amp; <font color=red> %s {0} 組織 \\n"


def student():
    return read_catalogue().bundles["chest-xray/student-ofa595"].card


def said(block):
    """All texts of a block."""
    match block:
        case Heading(_, text) | Paragraph(text, _) | Caution(text):
            return [text]
        case Items(texts):
            return texts
        case Facts(rows):
            return [text for row in rows for text in row]
        case Table(head, rows):
            return [*head, *(cell for row in rows for cell in row)]
        case Reliability(curves):
            return [*said(block.table()), *(curve.title for curve in curves)]


def test_the_page_holds_the_cards_figures_limits_and_rules():
    card = student()
    page = model_facts(card)
    scores = card.scores[0]
    for expected in (
        "Not for diagnosis",
        f"{100 * scores.accuracy:.2f} % (95 %: {100 * scores.accuracy_interval.low:.2f} to ",
        f"temperature {card.temperature:.3f}",
        "Non-COVID infection",
        "Age bias",
        "population=adult",
        "68.5 %",
    ):
        assert expected in page
    for heading in ("Summary", "Uses and directions", "Warnings", "Development", "Validation and performance"):
        assert f"\n## {heading}" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(row.endswith("|") for row in rows)


@pytest.mark.parametrize("name", sorted(read_catalogue().bundles))
def test_the_diagrams_of_an_installed_card_add_up_to_its_calibration_errors(name):
    scores = read_catalogue().bundles[name].card.scores[0]
    for bins, error in (
        (scores.reliability_uncalibrated, scores.ece_uncalibrated),
        (scores.reliability, scores.ece),
    ):
        assert sum(found.images for found in bins) == scores.images
        off = sum(found.images * abs(found.accuracy - found.confidence) for found in bins) / scores.images
        assert off == pytest.approx(error, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "paper", "size"),
    [("chest-xray/student-ofa595", "A4", (595, 842)), ("lung-colon/teacher-vgg19", "Letter", (612, 792))],
)
def test_the_pdf_says_all_that_the_page_says(tmp_path, name, paper, size):
    card = read_catalogue().bundles[name].card
    path = tmp_path / "card.pdf"
    write_model_facts(path, card, paper)
    text = pdf_text(path)
    for block in facts(card):
        for words in said(block):
            assert pressed(words) in text, words
    scores = card.scores[0]
    for figure in (f"{100 * scores.accuracy:.2f} %", f"ECE {scores.ece_uncalibrated:.4f}", f"ECE {scores.ece:.4f}"):
        assert pressed(figure) in text
    reader = pypdf.PdfReader(path, strict=True)
    assert "model card of" in reader.metadata.title
    for page in reader.pages:
        assert tuple(round(float(n)) for n in page.mediabox[2:]) == size
        assert "For research use only. Not for diagnosis." in page.extract_text()
        for font in page["/Resources"]["/Font"].values():
            assert "/FontFile2" in font.get_object()["/FontDescriptor"]
    assert b"<pdfaid:part>2<" in reader.trailer["/Root"]["/Metadata"].get_object().get_data()


def test_a_diagram_has_a_dot_for_each_bin_where_it_belongs(tmp_path):
    """Circles are drawn as four curves from their right end: x and y of each are read from the page's instructions."""
    card = student()
    path = tmp_path / "card.pdf"
    write_model_facts(path, card)
    page = next(p for p in pypdf.PdfReader(path).pages if "temperature scaling ·" in p.extract_text())
    drawn = page.get_contents().get_data().decode("latin-1")
    squares = [[float(n) for n in found] for found in re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) \3 re S", drawn)]
    number = r"(-?[\d.]+)\s+"
    circles = re.findall(rf"n\s+{number * 2}m\s+{number * 6}c", drawn)
    scores = card.scores[0]
    assert len(squares) == 2
    for (x, y, side), bins in zip(squares, (scores.reliability_uncalibrated, scores.reliability), strict=True):
        wanted = {(round(found.confidence, 2), round(found.accuracy, 2)) for found in bins}
        found = set()
        for right, middle, *_handles, top_x, _top in ((float(n) for n in circle) for circle in circles):
            across = (top_x - x) / side
            if -0.05 < across < 1.05 and right > top_x:
                found.add((round(across, 2), round((middle - y) / side, 2)))
        assert all(min(abs(a - c) + abs(b - d) for c, d in found) < 0.02 for a, b in wanted)
        assert len(found) == len(bins)


def test_a_strangers_card_can_not_mark_anything_up_and_needs_no_scores(tmp_path):
    card = student().model_copy(update={"licence": HOSTILE, "limits": (HOSTILE,), "scores": ()})
    page = model_facts(card)
    assert "<img" not in page.replace("\\<img", "")
    assert "![d]" not in page
    assert "\n# x" not in page
    assert "Not measured." in page
    write_model_facts(tmp_path / "card.pdf", card)
    assert pdf_text(tmp_path / "card.pdf").count(pressed(HOSTILE)) == 2
    assert "/Annots" not in pypdf.PdfReader(tmp_path / "card.pdf").pages[0]


def test_a_card_full_of_long_words_stays_within_the_margins(tmp_path):
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm (poppler-utils) is not installed")
    card = student()
    word, classes = "W" * 100, tuple(f"{i}{'w' * 90}" for i in range(12))
    scores = card.scores[0].model_copy(
        update={
            "dataset": word * 5, "caution": "W" * 2000, "confusion": ((10**9,) * 12,) * 12,
            "groups": tuple(g.model_copy(update={"group": word * 2}) for g in card.scores[0].groups),
        }
    )  # fmt: skip
    changed = {"classes": classes, "task": "w" * 60, "intended_use": word * 20, "scores": (scores,)}
    write_model_facts(tmp_path / "card.pdf", card.model_copy(update=changed), "Letter")
    subprocess.run(["pdftoppm", "-r", "36", "-gray", tmp_path / "card.pdf", tmp_path / "p"], check=True)
    for page in tmp_path.glob("p-*.pgm"):
        pixels = np.asarray(Image.open(page))
        edge = 16  # of 18 pixels of margin
        for part in (pixels[:edge], pixels[-edge + 6 :], pixels[:, :edge], pixels[:, -edge:]):
            assert (part > 250).all()
    assert pdf_text(tmp_path / "card.pdf").count("W") >= 2000 + 500 + 2000


def test_a_matrix_of_many_classes_is_left_to_the_card():
    card = student()
    classes = tuple(f"class {i}" for i in range(40))
    scores = card.scores[0].model_copy(update={"confusion": ((0,) * 40,) * 40})
    page = model_facts(card.model_copy(update={"classes": classes, "scores": (scores,)}))
    assert "The confusion matrix of 40 classes is in card.json." in page


def test_a_confusion_matrix_of_another_size_than_the_classes_is_refused():
    raw = student().model_dump(mode="json")
    raw["scores"][0]["confusion"][1].append(3)
    with pytest.raises(ValidationError, match="confusion matrix has another size"):
        Card.model_validate(raw)


def test_a_card_of_before_the_second_diagram_has_the_one(tmp_path):
    raw = student().model_dump(mode="json")
    del raw["scores"][0]["reliability_uncalibrated"]
    card = Card.model_validate({**raw, "format": 3})
    write_model_facts(tmp_path / "card.pdf", card)
    text = pdf_text(tmp_path / "card.pdf")
    assert "Aftertemperaturescaling·ECE" in text
    assert "Beforetemperaturescaling·" not in text


def test_names_and_places_that_will_not_do_are_clear_errors(tmp_path):
    with pytest.raises(UsageError, match=r"can't be written as \.docx.*\.md or \.pdf"):
        write_model_facts(tmp_path / "card.docx", student())
    for name in ("card.pdf", "card.md"):
        with pytest.raises(WriteError, match="does not exist"):
            write_model_facts(tmp_path / "no" / name, student())
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_what_it_prints(tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "core", "card", "chest-xray/student-ofa595", *map(str, words)],
            capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        )  # fmt: skip

    assert run("--out", tmp_path / "card.md").returncode == 0
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == run().stdout
    ended = run("--out", tmp_path / "Card.PDF", "--paper", "Letter")
    assert ended.stdout.strip() == f"Written: {tmp_path / 'Card.PDF'}"
    assert len(pypdf.PdfReader(tmp_path / "Card.PDF").pages) > 1
    ended = run("--out", tmp_path / "card.txt")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ".md or .pdf" in ended.stderr
    assert "Traceback" not in ended.stderr
