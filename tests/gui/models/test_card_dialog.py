"""A model's card in the window: its text, its diagrams, and its file."""

from dataclasses import replace

import pypdf
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFileDialog
from shiboken6 import isValid

from core.models.catalogue import read_catalogue
from core.reports.document import dot
from core.reports.model_card import model_facts
from gui.common import theme
from gui.models.card_dialog import ModelCardDialog
from gui.models.reliability_plot import ABOVE, GAP, LEFT, SIDE
from tests.gui.comparison_samples import dispose

PATIENCE = 30_000


@pytest.fixture
def bundle():
    return read_catalogue().bundles["chest-xray/student-ofa595"]


@pytest.fixture
def dialog(qapp, bundle):
    theme.apply(qapp, "dark")
    made = ModelCardDialog(bundle)
    made.show()
    yield made
    theme.apply(qapp, "dark")
    if isValid(made):
        dispose(made)


def save(dialog, path, qtbot, monkeypatch, kind="PDF, A4 (*.pdf)"):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), kind))
    dialog.save.click()
    assert not dialog.save.isEnabled()
    qtbot.waitUntil(dialog.save.isEnabled, timeout=PATIENCE)
    return dialog.words.text()


def test_the_text_is_the_card(dialog, bundle):
    text = " ".join(dialog.text.toPlainText().split())
    for said in (bundle.card.intended_use, *bundle.card.limits, "Validation and performance", "temperature scaling"):
        assert " ".join(said.split()) in text


def test_the_diagrams_have_their_dots_in_the_colours_of_the_theme(dialog, bundle, qapp):
    scores = bundle.card.scores[0]
    for look in ("dark", "light"):
        theme.apply(qapp, look)
        (picture,) = dialog.text.pictures.values()
        ratio = picture.devicePixelRatio()
        for i, bins in enumerate((scores.reliability_uncalibrated, scores.reliability)):
            largest = max(bins, key=lambda found: found.images)
            x = i * (LEFT + SIDE + GAP) + LEFT + largest.confidence * SIDE
            y = ABOVE + SIDE - largest.accuracy * SIDE
            reach = SIDE * dot(largest.images / scores.images)
            inside = [(x, y), (x - 0.7 * reach, y), (x, y + 0.7 * reach)]
            for a, b in inside:
                assert picture.pixelColor(round(ratio * a), round(ratio * b)) == theme.colour("student")
            assert picture.pixelColor(round(ratio * (x - 2 * reach)), round(ratio * y)) != theme.colour("student")
        shown = dialog.text.viewport().grab().toImage()
        assert shown.pixelColor(2, 2) == QColor(theme.colour("surface"))


def test_it_is_saved_as_pdf_on_either_paper_and_as_markdown(dialog, bundle, qtbot, tmp_path, monkeypatch):
    path = tmp_path / "card"
    assert save(dialog, path, qtbot, monkeypatch, "PDF, Letter (*.pdf)") == f"Written: {path}.pdf"
    page = pypdf.PdfReader(f"{path}.pdf").pages[0]
    assert [round(float(n)) for n in page.mediabox[2:]] == [612, 792]
    assert bundle.card.licence[:20] in page.extract_text()
    save(dialog, path, qtbot, monkeypatch, "Markdown (*.md)")
    assert path.with_suffix(".md").read_text(encoding="utf-8") == model_facts(bundle.card)


def test_what_cannot_be_written_is_said_in_the_dialog(dialog, qtbot, tmp_path, monkeypatch):
    assert "⚠" in save(dialog, tmp_path / "no" / "card.pdf", qtbot, monkeypatch)
    assert "The folder does not exist." in dialog.words.text()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_called_what_it_is(dialog, qtbot, tmp_path, monkeypatch):
    assert save(dialog, tmp_path / "card.odt", qtbot, monkeypatch) == f"Written: {tmp_path / 'card.odt.pdf'}"
    assert (tmp_path / "card.odt.pdf").read_bytes().startswith(b"%PDF")


def test_the_card_is_offered_beside_the_images(bundle, qtbot, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: asked.append(given) or ("", ""))
    made = ModelCardDialog(bundle, folder=tmp_path)
    made.save.click()
    assert asked[0][2] == str(tmp_path / "chest-xray student-ofa595 card.pdf")
    dispose(made)


def test_closing_waits_for_the_file(dialog, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "card.pdf"), ""))
    with qtbot.waitSignal(dialog.finished, timeout=PATIENCE):
        dialog.save.click()
        dialog.reject()
        assert dialog.isVisible()
    assert (tmp_path / "card.pdf").is_file()


def test_a_strangers_card_loads_no_picture(qapp, bundle, tmp_path):
    from PySide6.QtGui import QImage

    QImage(8, 8, QImage.Format.Format_RGB32).save(str(tmp_path / "seen.png"))
    hostile = f"![x]({tmp_path / 'seen.png'}) <img src='{tmp_path / 'seen.png'}'> ![y](reliability:0)"
    card = bundle.card.model_copy(update={"limits": (hostile,)})
    dialog = ModelCardDialog(replace(bundle, card=card))
    assert dialog.text.document().toRawText().count("\N{OBJECT REPLACEMENT CHARACTER}") == 1  # our diagram
    assert "<img" in dialog.text.toPlainText()
    dispose(dialog)
