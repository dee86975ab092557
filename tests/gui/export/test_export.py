import csv
import json
from contextlib import contextmanager

import numpy as np
import pytest
from pypdf import PdfReader
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from core.compare.record import record_of
from core.compare.session import Compared
from core.exports.format import ExportFormat
from core.exports.formats import FORMATS
from core.records.review import Review
from core.reports.layout import PAPER
from core.system.output_names import SIDES
from gui.comparison.controller import ComparisonController
from gui.export.job import Scope
from gui.export.pdf_pages import pdf_pages
from gui.performance.window import PerformanceWindow
from gui.worklist.entry import State
from gui.worklist.filter import Show
from tests.gui.comparison_samples import agreeing
from tests.gui.driving import PATIENCE, loaded_networks


def as_array(picture):
    grey = picture.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return rows[:, : grey.width()].astype(int)


def are_alike(one, other):
    """Whether two pictures of a page differ in its number and minute at most."""
    one, other = as_array(one), as_array(other)
    return one.shape == other.shape and np.mean(np.abs(one - other) > 60) < 0.002


def words_of(path):
    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


@contextmanager
def opened(window, command, qtbot):
    """Open a dialog of a window by its command, and close it at the end."""
    window.commands.actions[command].trigger()
    dialog = window.reporter.dialog
    assert dialog is not None, window.banner.words.text()
    yield dialog
    dialog.done(0)
    qtbot.waitUntil(lambda: window.reporter.dialog is None, timeout=PATIENCE)


@pytest.fixture
def three(tmp_path, png, make_window, qtbot):
    """A window in which two pictures in folders named after classes and a broken one have been analysed."""
    root = tmp_path / "images"
    for name in ("COVID-19", "Normal"):
        (root / name).mkdir(parents=True)
    png(root / "COVID-19" / "a.png")
    png(root / "Normal" / "b.png", flipped=True)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    window = make_window([root], cam="none")
    qtbot.waitUntil(lambda: window.worklist.rowCount() == 3, timeout=PATIENCE)
    window.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(lambda: all(e.state is not State.WAITING for e in window.worklist.entries()), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not window.controller.batch_running, timeout=PATIENCE)
    return window


def save(dialog, path, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    dialog.file.button.click()
    with qtbot.waitSignal(dialog.bar.ended, timeout=PATIENCE) as ended:
        dialog.save.click()
    return ended.args[0]


def test_the_preview_is_the_page_that_is_written(analysed, qtbot, tmp_path, monkeypatch):
    with opened(analysed, "report", qtbot) as dialog:
        qtbot.waitUntil(lambda: len(dialog.preview.pages) == 2, timeout=PATIENCE)

        def proportion():
            picture = dialog.preview.pages[0].pixmap()
            return picture.height() / picture.width()

        width, height = PAPER["A4"]
        assert proportion() == pytest.approx(height / width, abs=0.01)
        with qtbot.waitSignal(dialog.preview.drawn, timeout=PATIENCE):
            dialog.papers["Letter"].setChecked(True)
        width, height = PAPER["Letter"]
        assert proportion() == pytest.approx(height / width, abs=0.01)
        before = dialog.preview.pages[0].pixmap().toImage()
        with qtbot.waitSignal(dialog.preview.drawn, timeout=PATIENCE):
            dialog.impression.setPlainText("Große Rundherde, Ἀσκληπιός")
        assert dialog.preview.pages[0].pixmap().toImage() != before

        path = tmp_path / "report.pdf"
        assert save(dialog, path, qtbot, monkeypatch)
        assert str(path) in dialog.bar.words.text()
        words = words_of(path)
        assert "Große Rundherde, Ἀσκληπιός" in words
        assert "RG1_UNCR.dcm" in words
        assert "CompressedSamples" not in words  # the patient's name
        box = PdfReader(path).pages[0].mediabox
        assert (float(box.width), float(box.height)) == pytest.approx(PAPER["Letter"])
    with opened(analysed, "report", qtbot) as dialog:
        assert dialog.impression.toPlainText() == "Große Rundherde, Ἀσκληπιός"


def test_three_clicks_from_an_image_to_its_pdf(analysed, qtbot, tmp_path, png, monkeypatch):
    """Open, Report and Save PDF: no second file dialog, and the file lies beside the image."""
    png(tmp_path / "a.png")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(tmp_path / "a.png")], ""))
    with qtbot.waitSignal(analysed.controller.settled, timeout=PATIENCE):
        qtbot.mouseClick(analysed.tools.opening, Qt.MouseButton.LeftButton)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: pytest.fail("a file dialog was opened"))
    qtbot.mouseClick(analysed.tools.report, Qt.MouseButton.LeftButton)
    dialog = analysed.reporter.dialog
    with qtbot.waitSignal(dialog.bar.ended, timeout=PATIENCE) as ended:
        qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)  # click three
    assert ended.args == [True]
    assert "Finding" in words_of(tmp_path / "a report.pdf")
    assert dialog.bar.open_button.isVisible()
    assert dialog.bar.folder_button.isVisible()
    dialog.done(0)
    qtbot.waitUntil(lambda: analysed.reporter.dialog is None, timeout=PATIENCE)


def test_the_pdf_states_your_reading_and_note(analysed, qtbot, tmp_path, monkeypatch):
    analysed.comparison.review.buttons["COVID-19"].click()
    note = analysed.comparison.review.note
    note.setText("round masses")
    qtbot.keyClick(note, Qt.Key.Key_Return)
    with opened(analysed, "report", qtbot) as dialog:
        assert save(dialog, tmp_path / "r.pdf", qtbot, monkeypatch)
    assert "Reading: COVID-19. round masses" in words_of(tmp_path / "r.pdf")


def test_institution_and_reader_of_the_settings_stand_on_the_report(make_window, qtbot, tmp_path, png, monkeypatch):
    png(tmp_path / "a.png")
    window = make_window(cam="none", institution="St Mary's, Radiology", reader="Dr Jane Roe")
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.open_paths([tmp_path / "a.png"])
    with opened(window, "report", qtbot) as dialog:
        assert save(dialog, tmp_path / "r.pdf", qtbot, monkeypatch)
    words = words_of(tmp_path / "r.pdf")
    assert words.count("St Mary's, Radiology") == 2
    assert "Dr Jane Roe" in words


def test_identity_only_where_it_is_asked_for_and_warned_of(analysed, qtbot, tmp_path, monkeypatch):
    with opened(analysed, "report", qtbot) as dialog:
        assert not dialog.contents.with_identity.isChecked()
        assert not dialog.contents.warning.isVisible()
        dialog.contents.with_identity.setChecked(True)
        assert dialog.contents.warning.isVisible()
        dialog.contents.hide_names.setChecked(True)
        assert save(dialog, tmp_path / "report.pdf", qtbot, monkeypatch)
        words = words_of(tmp_path / "report.pdf")
        assert "CompressedSamples, RG1" in words
        assert "RG1_UNCR" not in words
        assert "Image 1" in words
        assert not save(dialog, tmp_path / "missing" / "report.pdf", qtbot, monkeypatch)
        assert "The folder does not exist" in dialog.bar.words.text()


def test_an_answer_that_was_kept_back_is_written_only_when_asked_for(tmp_path, make_window, qtbot, monkeypatch):
    blank = QImage(64, 64, QImage.Format.Format_Grayscale8)
    blank.fill(99)
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png"):
        assert blank.save(str(tmp_path / "images" / name))
    window = make_window([tmp_path / "images"], cam="none")
    qtbot.waitUntil(lambda: window.worklist.rowCount() == 2, timeout=PATIENCE)
    window.commands.actions["analyse_all"].trigger()
    qtbot.waitUntil(lambda: all(e.state is not State.WAITING for e in window.worklist.entries()), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not window.controller.batch_running, timeout=PATIENCE)
    with opened(window, "report", qtbot) as dialog:
        dialog.contents.buttons[Scope.ANALYSED].setChecked(True)
        dialog.turn(-2)
        assert dialog.where.text() == "Summary"
        pages = []
        for asked_for, verdict, judged in (
            (False, "No comparison", "0 compared · 2 hidden"),
            (True, "Not to be relied on", "2 compared"),
        ):
            with qtbot.waitSignal(dialog.preview.drawn, timeout=PATIENCE):
                dialog.contents.with_hidden.setChecked(asked_for)
                dialog.turn(0)  # makes the page anew also where nothing was switched
            assert dialog.where.text() == "Summary"
            pages.append(dialog.preview.pages[0].pixmap().toImage())
            assert save(dialog, tmp_path / "report.pdf", qtbot, monkeypatch)
            words = words_of(tmp_path / "report.pdf")
            assert words.count(verdict) == 2
            assert judged in words
            assert are_alike(pages[-1], pdf_pages(tmp_path / "report.pdf", pages[-1].width())[0])
        assert not are_alike(*pages)


def test_a_report_of_all_has_a_summary_with_scores(three, qtbot, tmp_path, monkeypatch):
    before = loaded_networks()
    with opened(three, "report", qtbot) as dialog:
        dialog.contents.buttons[Scope.ANALYSED].setChecked(True)
        assert dialog.items()[0].path.name == "broken.png"
        dialog.turn(5)
        assert not dialog.later.isEnabled()
        dialog.impression.setPlainText("The last one.")
        dialog.turn(-2)
        assert dialog.where.text() == "Image 1 of 3"
        qtbot.waitUntil(lambda: "damaged" in dialog.preview.words.text(), timeout=PATIENCE)
        dialog.turn(-1)
        assert dialog.where.text() == "Summary"
        assert not dialog.earlier.isEnabled()
        assert not dialog.impression.isEnabled()
        with qtbot.waitSignal(dialog.preview.drawn, timeout=PATIENCE):
            pass
        summary = dialog.preview.pages[0].pixmap().toImage()
        assert save(dialog, tmp_path / "report.pdf", qtbot, monkeypatch)
        pages = [page.extract_text() for page in PdfReader(tmp_path / "report.pdf").pages]
        assert len(pages) == 4
        assert "The last one." in pages[2]
        assert "None given." in pages[1]
        assert "Summary of 3 images" in pages[0]
        assert "1 could not be opened" in pages[0]
        assert "Against the labels of 2 images" in pages[0]
        assert "Technical appendix" in pages[3]
        assert are_alike(summary, pdf_pages(tmp_path / "report.pdf", summary.width())[0])
        assert loaded_networks() > before
    assert loaded_networks() == before


def test_a_stopped_report_leaves_what_was_there(three, qtbot, tmp_path, monkeypatch):
    path = tmp_path / "report.pdf"
    path.write_text("before")
    with opened(three, "report", qtbot) as dialog:
        dialog.contents.buttons[Scope.ANALYSED].setChecked(True)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
        dialog.file.button.click()
        with qtbot.waitSignal(dialog.bar.ended, timeout=PATIENCE) as ended:
            dialog.save.click()
            dialog.bar.stop_button.click()
        assert ended.args == [False]
        assert "Stopped" in dialog.bar.words.text()
        assert path.read_text() == "before"
        assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["report.pdf"]
        assert dialog.save.isEnabled()


def test_dicom_results_are_offered_for_dicom_images_only(three, qtbot):
    with opened(three, "export", qtbot) as dialog:
        assert not dialog.kinds["dicom"].isEnabled()
        dialog.kinds["dicom"].setChecked(True)
        assert "dicom" not in dialog.chosen()
        assert any(
            "DICOM" in label.text() for label in dialog.findChildren(type(dialog._why_no_dicom)) if label.isVisible()
        )


def test_a_format_that_is_registered_is_offered(three, qtbot, monkeypatch):
    another = ExportFormat("lines", "Lines", "A line for each image", "lines.txt", FORMATS["csv"].open)
    monkeypatch.setitem(FORMATS, "lines", another)
    with opened(three, "export", qtbot) as dialog:
        assert dialog.kinds["lines"].text() == "Lines"
        assert "report" not in dialog.kinds  # it has a dialog of its own


def test_everything_is_exported_into_a_new_folder(analysed, qtbot, tmp_path, monkeypatch):
    found, image = agreeing(), analysed.controller.ready.image
    ready = Compared(record_of(image, found), image, found)
    monkeypatch.setattr(ComparisonController, "ready", property(lambda _controller: ready))
    with opened(analysed, "export", qtbot) as dialog:
        for kind, box in dialog.kinds.items():
            assert box.isEnabled()
            box.setChecked(kind != "overlay")
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
        with qtbot.waitSignal(dialog.bar.ended, timeout=PATIENCE) as ended:
            dialog.export.click()
        assert ended.args == [True], dialog.bar.words.text()
    (folder,) = (path for path in tmp_path.iterdir() if path.name.startswith("twinlens "))
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    maps = {f"maps/0001-RG1_UNCR-{side}{end}" for side in SIDES for end in ("-legend.png", ".npy", ".tiff")}
    dicom = {name for name in names if name.startswith("dicom/")}
    assert names - dicom == {"twinlens.csv", "twinlens.jsonl", "maps/0001-RG1_UNCR.json", *maps}
    assert len(dicom) == 5
    # what is on the screen is what is written: it was not computed anew
    assert np.array_equal(np.load(folder / "maps" / "0001-RG1_UNCR-teacher.npy"), found.teacher.heat_map.values)
    (record,) = map(json.loads, (folder / "twinlens.jsonl").read_text(encoding="utf-8").splitlines())
    assert record["agreement"]["cam_iou20"] == pytest.approx(found.cam_iou20)
    with (folder / "twinlens.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["image_sha256"] == image.digest
    assert float(row["teacher_p_COVID-19"]) == pytest.approx(0.912)


def test_closing_the_dialog_during_a_comparison_stops_it(make_window, qtbot, tmp_path, png):
    png(tmp_path / "a.png")
    window = make_window([tmp_path / "a.png"], cam="exact")
    qtbot.waitUntil(lambda: window.worklist.rowCount() == 1, timeout=PATIENCE)
    with opened(window, "report", qtbot) as dialog:
        qtbot.waitUntil(lambda: dialog.preview.job is not None, timeout=PATIENCE)


def test_nothing_to_take_away_is_said(make_window):
    window = make_window()
    for command in ("report", "export", "scores"):
        window.banner.hide()
        window.commands.actions[command].trigger()
        assert window.banner.isVisible()
        assert window.reporter.dialog is None


def test_both_models_are_scored_and_the_table_is_written_as_json_lines(three, qtbot, tmp_path, monkeypatch):
    qtbot.waitUntil(lambda: "2 labelled images. Accuracy: teacher" in three.banner.words.text(), timeout=PATIENCE)
    truth = {"a.png": "COVID-19", "b.png": "Normal"}
    entries = [entry for entry in three.worklist.entries() if entry.file_result is not None]
    right = sum(entry.file_result.record.teacher.predicted == truth[entry.path.name] for entry in entries)
    three.banner.second.click()
    qtbot.waitUntil(lambda: three.findChild(PerformanceWindow) is not None, timeout=PATIENCE)
    dialog = three.findChild(PerformanceWindow)
    accuracy = dialog.pages[0].texts()[1]
    assert accuracy[:2] == ["Accuracy", "2"]
    assert accuracy[2].startswith(f"{100 * right / 2:.1f} %")
    dialog.close()

    shown = three.worklist.entry_of(entries[0].path)
    three.worklist.set_review(shown.path, Review("other", "a marker"))
    target = tmp_path / "all.jsonl"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    three.commands.actions["export_csv"].trigger()
    qtbot.waitUntil(lambda: str(target) in three.banner.words.text(), timeout=PATIENCE)
    records = {r["path"]: r for r in map(json.loads, target.read_text(encoding="utf-8").splitlines())}
    told = records[str(shown.path)]
    assert (told["label"], told["reading"], told["note"]) == (truth[shown.path.name], "other", "a marker")

    target = tmp_path / "table.jsonl"
    three.list.show_box.setCurrentIndex(three.list.show_box.findData(Show.FAILED))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    three.commands.actions["export_csv"].trigger()
    qtbot.waitUntil(lambda: str(target) in three.banner.words.text(), timeout=PATIENCE)
    (record,) = map(json.loads, target.read_text(encoding="utf-8").splitlines())
    assert "damaged" in record["error"]
