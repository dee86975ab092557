"""The PDF report, read back with pypdf and poppler."""

import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypdf
import pytest
from PIL import Image, ImageCms

from core.compare.record import ExportRecord, record_of
from core.errors import WriteError
from core.exports.dicom_objects import write_dicom_results
from core.exports.formats.heat_maps import PictureFolder
from core.images.medical_image import PatientIdentity
from core.images.reader import read_image
from core.reports.letterhead import Letterhead, logo_png
from core.reports.writer import ReportWriter

STORED = Path(__file__).parent / "pages"


def texts(path):
    """The text of each page, white space as single spaces."""
    return [re.sub(r"\s+", " ", page.extract_text()) for page in pypdf.PdfReader(path).pages]


def write(path, *entries, **options):
    with ReportWriter(path, **options) as report:
        for entry in entries:
            report.add(*entry[:2], *entry[2:])
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory, chest_image, chest_comparison):
    path = tmp_path_factory.mktemp("report") / "one.pdf"
    return write(path, (chest_image, chest_comparison, "Large masses; <b>compare</b> & see 組織 병원.\nSecond line."))


@pytest.fixture
def tile_image(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "tile.png")
    return read_image(tmp_path / "tile.png")


def test_one_image_has_a_page_to_file_and_one_technical_appendix(report, chest_image, chest_comparison):
    page, appendix = texts(report)
    for said in (
        "RG1_UNCR.dcm", "≠ Disagree: teacher Non-COVID infection 62 %, student COVID-19 65 %", "62.0 %", "65.0 %",
        "window of the file", "evidence for Non-COVID infection", "not where disease is",
        "the patient's identity is not part of this report",
        "Institution", "Patient ID", "Date of birth", "Accession no.", "CHEST · PA", "Reader", "Signature",
    ):  # fmt: skip
        assert said in page, said
    teacher, student = chest_comparison.teacher.bundle, chest_comparison.student.bundle
    technical = (
        "student 20.0× faster, 2.6× smaller", "80.0 ms forward", teacher.id, student.id,
        f"Accuracy {100 * student.card.scores[0].accuracy:.1f} %", "both axes scaled to 224 × 224",
        "estimated error 1.5 %", "34 forwards for 512 maps", chest_image.digest,
    )  # fmt: skip
    for said in technical:
        assert said in appendix, said
        assert said not in page, said
    assert teacher.card.weights_sha256 in appendix.replace(" ", "")
    assert "2004-08-26" not in page, "the date of the study is part of the patient's identity"
    for text in (page, appendix):
        assert "For research use only. Not for diagnosis." in text
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC[+-]\d\d:\d\d", text), "the time has its zone"


def test_institution_reader_and_logo_stand_on_every_page(tmp_path, chest_image, chest_comparison):
    red = io.BytesIO()
    Image.new("RGBA", (300, 100), (200, 0, 0, 255)).save(red, "PNG")
    head = Letterhead("Department of Radiology", "Dr Jane Roe", logo_png(red.getvalue(), Path("logo.png")))
    path = write(tmp_path / "r.pdf", (chest_image, chest_comparison), letterhead=head)
    for page in pypdf.PdfReader(path).pages:
        assert "Department of Radiology" in page.extract_text()
        logos = [found.image for found in page.images if found.image.size == (300, 100)]
        assert [logo.getpixel((150, 50)) for logo in logos] == [(200, 0, 0)]
    assert "Reader Dr Jane Roe" in texts(path)[0]


def test_markup_and_other_scripts_are_printed_literally(report):
    assert "Large masses; <b>compare</b> & see 組織 병원." in texts(report)[0]


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("Fine 🙂 \x07 end", r"Fine \U0001f642 end"),
        ("राम", r"\u0930\u093e\u092e"),
        ("ไทย", r"\u0e44\u0e17\u0e22"),
        ("ܫܠܡ", r"\u072b\u0720\u0721"),
    ],
    ids=["emoji", "Devanagari", "Thai", "Syriac"],
)
def test_letters_that_no_font_has_are_spelled_and_kept_in_the_file(
    said, printed, tmp_path, chest_image, chest_comparison
):
    path = write(tmp_path / "r.pdf", (chest_image, chest_comparison, said))
    assert printed in texts(path)[0]
    kept = b"/ActualText <" + said.encode("utf-16").hex().encode() + b">"
    assert kept in pypdf.PdfReader(path).pages[0].get_contents().get_data()


def test_the_pictures_are_the_image_and_its_overlays(report, chest_image):
    page = pypdf.PdfReader(report).pages[0]
    pictures = [image.image for image in page.images if min(image.image.size) > 100]
    assert len(pictures) == 3
    plain = next(p for p in pictures if p.mode == "L")
    wanted = Image.fromarray(np.rint(chest_image.displayed() * 255).astype(np.uint8)).resize(plain.size)
    assert np.abs(np.asarray(plain, float) - np.asarray(wanted, float)).mean() < 3
    assert all(p.mode == "RGB" for p in pictures if p is not plain)


def test_the_file_is_built_as_pdf_a_2b_wants_it(report):
    reader = pypdf.PdfReader(report, strict=True)
    root = reader.trailer["/Root"]
    intent = root["/OutputIntents"][0].get_object()
    assert intent["/S"] == "/GTS_PDFA1"
    profile = ImageCms.ImageCmsProfile(io.BytesIO(intent["/DestOutputProfile"].get_object().get_data()))
    assert profile.profile.xcolor_space.strip() == "RGB"
    metadata = root["/Metadata"].get_object()
    assert "/Filter" not in metadata
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B<" in metadata.get_data()
    assert reader.metadata.title.encode() in metadata.get_data()
    assert "/ID" in reader.trailer
    assert "/Encrypt" not in reader.trailer
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            assert "/FontFile2" in font.get_object()["/FontDescriptor"]
            assert re.match(r"/[A-Z]{6}\+", font.get_object()["/BaseFont"])
        for picture in page["/Resources"].get("/XObject", {}).values():
            assert "/SMask" not in picture.get_object()
            assert picture.get_object()["/ColorSpace"] in ("/DeviceRGB", "/DeviceGray")


def test_the_page_looks_as_it_did(report, tmp_path):
    """To store it anew after looking at it: copy the file that the message names."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm (poppler-utils) is not installed")
    subprocess.run(["pdftoppm", "-r", "50", "-png", "-singlefile", report, tmp_path / "page"], check=True)
    found = np.asarray(Image.open(tmp_path / "page.png").convert("RGB"), float)[40:-45]  # less date and version
    stored = np.asarray(Image.open(STORED / "chest.png").convert("RGB"), float)[40:-45]
    assert found.shape == stored.shape
    assert np.abs(found - stored).mean() < 2, tmp_path / "page.png"


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_a_page_of_five_classes_fits_either_paper(tmp_path, tile_image, tile_comparison, paper, size):
    path = write(tmp_path / "r.pdf", (tile_image, tile_comparison, "Short."), paper=paper)
    page, appendix = pypdf.PdfReader(path).pages
    assert "Technical appendix" in appendix.extract_text()
    assert tuple(round(float(n)) for n in page.mediabox[2:]) == size
    text = re.sub(r"\s+", " ", page.extract_text())
    assert "✓ Agree: Lung squamous cell carcinoma" in text
    for name in ("Colon adenocarcinoma", "Benign colonic tissue", "Lung adenocarcinoma", "Benign lung tissue"):
        assert name in text


def test_nothing_reaches_past_the_margins(tmp_path, chest_image, chest_comparison):
    """A long name, notice and impression without a space: all ink stays inside, and the text goes on overleaf."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm (poppler-utils) is not installed")
    image = replace(chest_image, path=Path("x" * 300 + ".dcm"), notices=("Careful. " * 60,))
    path = write(tmp_path / "r.pdf", (image, chest_comparison, "w" * 9000))
    subprocess.run(["pdftoppm", "-r", "36", "-gray", path, tmp_path / "p"], check=True)
    pages = sorted(tmp_path.glob("p-*.pgm"))
    assert len(pages) > 1
    for page in pages:
        pixels = np.asarray(Image.open(page))
        edge = 16  # of 18 pixels of margin
        frame = (pixels[:edge], pixels[-edge + 4 :], pixels[:, :edge], pixels[:, -edge:])
        assert all((part > 250).all() for part in frame)
    assert "".join(texts(path)).count("w") >= 9000
    assert all("For research use only" in text for text in texts(path))
    assert sum("Signature" in text for text in texts(path)) == 1


def test_an_image_that_cannot_be_judged_says_so(tmp_path, chest_image, strange_comparison):
    text, _appendix = texts(write(tmp_path / "r.pdf", (chest_image, strange_comparison)))
    assert "⚠ Teacher (VGG19) · Not assessable: outside the training data. it is no chest radiograph." in text
    assert "Student (OFA-595) · Uncertain: Normal also possible" in text
    assert "Not to be relied on · Disagree" in text
    assert "62.0 %" in text


def test_an_answer_that_is_withheld_is_nowhere_in_the_report(
    tmp_path, chest_image, strange_comparison, chest_comparison
):
    path = write(tmp_path / "r.pdf", (chest_image, strange_comparison.withholding()), (chest_image, chest_comparison))
    summary, page, _, appendix = texts(path)
    assert "⚠ Teacher (VGG19) · Not assessable: outside the training data. it is no chest radiograph." in page
    assert "No comparison" in page
    assert "62.0 %" not in page  # the teacher's answer
    assert "65.0 %" in page  # the student's, which it can judge
    assert "disagree" not in page
    assert page.count("evidence for") == 1  # one map is left
    assert appendix.count("Hidden.") == 1
    assert appendix.count("overlap") == 1  # of the other image
    assert "1 compared · 1 hidden" in summary
    assert "Both agree on 0 of 1" in summary
    alone = texts(write(tmp_path / "one.pdf", (chest_image, strange_comparison.withholding())))
    assert "Summary" not in "".join(alone)


def test_without_maps_the_page_says_so(tmp_path, chest_image, chest_comparison):
    teacher, student = (replace(a, heat_map=None) for a in (chest_comparison.teacher, chest_comparison.student))
    page, appendix = texts(
        write(tmp_path / "r.pdf", (chest_image, replace(chest_comparison, teacher=teacher, student=student)))
    )
    assert page.count("No heat map was made.") == 2
    assert "overlap" not in appendix


def test_a_map_that_is_not_known_is_not_drawn(tmp_path, chest_image, chest_comparison):
    guess = replace(chest_comparison.teacher.heat_map, estimated_error=1.0)
    guessed = replace(chest_comparison, teacher=replace(chest_comparison.teacher, heat_map=guess))
    text, appendix = texts(write(tmp_path / "r.pdf", (chest_image, guessed)))
    assert text.count("Heat map not known well enough.") == 1
    assert "Note: The teacher's heat map is not known well enough to be shown" in text
    assert "estimated error 100.0 %" in appendix
    assert text.count("evidence for") == 1
    assert "overlap" not in appendix
    exported = ExportRecord(record_of(chest_image, guessed))
    names = {path.name for path in PictureFolder(tmp_path).add(chest_image, guessed, exported)}
    assert any("student" in name for name in names)
    assert not any("teacher" in name for name in names)
    results = [path.name[13:] for path in write_dicom_results(tmp_path / "d", chest_image, guessed)]
    assert sorted(results) == ["report.dcm", "student-map.dcm", "student-overlay.dcm"]


def test_identity_is_printed_only_when_asked_for(tmp_path, chest_image, chest_comparison):
    known = replace(chest_image, identity=PatientIdentity("Doe^Jane", "12345", "19700101", "A-77"))
    hidden = "".join(texts(write(tmp_path / "a.pdf", (known, chest_comparison))))
    shown, _ = texts(write(tmp_path / "b.pdf", (known, chest_comparison), with_identity=True))
    for secret in ("Doe", "12345", "1970", "A-77", "2004-08-26"):
        assert secret not in hidden
    japanese = replace(chest_image, identity=PatientIdentity("Yamada^Tarou=山田^太郎=やまだ^たろう"))
    named, _ = texts(write(tmp_path / "c.pdf", (japanese, chest_comparison), with_identity=True))
    assert "Patient Yamada, Tarou (山田 太郎, やまだ たろう)" in named
    assert "Patient Doe, Jane Patient ID 12345 Date of birth 1970-01-01" in shown
    assert "Study 2004-08-26 · CHEST · PA Accession no. A-77" in shown


def test_names_can_be_hidden_everywhere(tmp_path, chest_image, chest_comparison):
    path = tmp_path / "r.pdf"
    with ReportWriter(path, hide_names=True) as report:
        report.add(chest_image, chest_comparison)
        report.add_failed(Path("/secret/Jane Doe.png"), "The file is empty.")
    summary, page, _appendix = texts(path)
    assert "Image 1" in page
    assert "Image 2" in summary
    assert "RG1" not in "".join(texts(path))
    assert "Doe" not in "".join(texts(path))
    assert b"RG1_UNCR" not in path.read_bytes()


def test_many_images_begin_with_a_summary(tmp_path, chest_image, chest_comparison):
    agreeing = replace(
        chest_comparison, student=replace(chest_comparison.teacher, bundle=chest_comparison.student.bundle)
    )
    path = tmp_path / "r.pdf"
    with ReportWriter(path) as report:
        report.add(chest_image, chest_comparison, label="COVID-19")
        for _ in range(3):
            report.add(chest_image, agreeing, label="Non-COVID")
        report.add_failed(Path("broken.png"), "The PNG file is damaged.")
    summary, *pages, appendix = texts(path)
    assert len(pages) == 4
    assert "Summary of 5 images" in summary
    assert "4 compared · 1 could not be opened" in summary
    assert "Both agree on 3 of 4: 75.0 % (30.1 to 95.4 %)" in summary
    assert "Non-COVID infection 1 3 0" in summary
    assert "Accuracy 75.0 % (30.1 to 95.4 %) 100.0 % (51.0 to 100.0 %)" in summary
    assert "The PNG file is damaged." in summary
    teacher = chest_comparison.teacher.bundle
    assert appendix.count(teacher.id) == 1, "the models are described once"
    assert appendix.count("34 forwards for 512 maps") == 2 * len(pages), "and each image's maps"
    reader = pypdf.PdfReader(path)
    assert [entry.title for entry in reader.outline] == ["Summary", *["RG1_UNCR.dcm"] * 4, "Technical appendix"]
    assert [reader.get_destination_page_number(entry) for entry in reader.outline] == list(range(6))
    assert reader.page_labels == ["S1", "1", "2", "3", "4", "5"]
    assert [re.search(r"page (S?\d+)", text)[1] for text in (summary, *pages, appendix)] == reader.page_labels


def test_pages_share_fonts_and_stay_light(tmp_path, chest_image, chest_comparison):
    sizes = [write(tmp_path / f"{n}.pdf", *[(chest_image, chest_comparison)] * n).stat().st_size for n in (1, 2)]
    assert sizes[0] < 400_000
    assert sizes[1] - sizes[0] < 30_000  # the same pictures and fonts are stored once


def test_finished_pages_are_written_at_once_and_not_kept(tmp_path, chest_image, chest_comparison):
    rng = np.random.default_rng(0)
    with ReportWriter(tmp_path / "r.pdf") as report:
        for _ in range(3):
            noise = rng.integers(0, 9000, (200, 200), dtype=np.uint16)
            report.add(replace(chest_image, pixels=noise), chest_comparison)
        report._sheets.end()  # the current page
        document = report._sheets.pdf._document
        kept = sum(len(getattr(found, "streamContent", b"")) for found in document.idToObject.values())
        assert kept == 0
        assert not any(type(found).__name__ in ("PDFPage", "PDFStream") for found in document.idToObject.values())


def test_a_report_that_is_broken_off_leaves_nothing(tmp_path, chest_image, chest_comparison):
    path = tmp_path / "r.pdf"
    path.write_bytes(b"kept")

    def broken_off():
        with ReportWriter(path) as report:
            report.add(chest_image, chest_comparison)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert path.read_bytes() == b"kept"
    assert [p.name for p in tmp_path.iterdir()] == ["r.pdf"]


def test_a_full_disk_is_a_clear_error(chest_image, chest_comparison):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    from core.system.atomic_files import cannot_write

    with pytest.raises(OSError, match="No space") as caught, Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")
    assert "The disk is full" in str(cannot_write(Path("r.pdf"), caught.value))


def test_a_disk_that_fills_up_leaves_nothing(tmp_path, chest_image, chest_comparison, monkeypatch):
    import errno

    from core.reports.pdfa import PdfFile

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill_up():
        with ReportWriter(tmp_path / "r.pdf") as report:
            monkeypatch.setattr(PdfFile, "_put", full)
            report.add(chest_image, chest_comparison)

    with pytest.raises(WriteError, match="The disk is full"):
        fill_up()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(WriteError, match="does not exist"), ReportWriter(tmp_path / "no" / "r.pdf"):
        pass
