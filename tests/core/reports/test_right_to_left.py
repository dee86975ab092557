"""Right-to-left scripts in reports, compared with what Pillow draws through libraqm (FriBidi and HarfBuzz)."""

import io

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFont, features

from core.reports.person_name import name_in_words
from core.reports.right_to_left import FROM_LEFT, FROM_RIGHT, isolated, pieces, reads_from_right
from core.reports.text import draw, lines, width
from core.system.paths import package_fonts

SIZE = 40
TEXTS = {
    "Arabic with brackets and digits": "العظام سليمة (بدون كسور) ١٢٣، 12.5 سم",
    "Hebrew with points": "שָׁלוֹם עֲלֵיכֶם",
    "English around Hebrew": "the name is שרון דבורה (born 1980)",
    "Persian with a joiner that keeps isolated": "می‌خواهم",
}


def on_paper(text):
    """The columns of ink of a line in a PDF."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(width(text, SIZE) + 40, 2 * SIZE))
    draw(canvas, 20, 0.7 * SIZE, text, SIZE)
    canvas.save()
    with pypdfium2.PdfDocument(file.getvalue()) as document:
        return ink(document[0].render(scale=1).to_pil().convert("L"))


def by_raqm(text, direction):
    font = ImageFont.truetype(package_fonts() / "DejaVuSans.ttf", SIZE, layout_engine=ImageFont.Layout.RAQM)
    sheet = Image.new("L", (int(font.getlength(text, direction)) + 40, 2 * SIZE), 255)
    ImageDraw.Draw(sheet).text((20, 1.3 * SIZE), text, 0, font, anchor="ls", direction=direction)
    return ink(sheet)


def ink(picture):
    columns = (255 - np.asarray(picture, float)).sum(axis=0)
    inside = np.nonzero(columns)[0]
    return columns[inside[0] : inside[-1] + 1]


def likeness(first, second):
    steps = np.linspace(0, 1, 400)
    return np.corrcoef(*(np.interp(steps, np.linspace(0, 1, len(c)), c) for c in (first, second)))[0, 1]


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow has no libraqm")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_line_looks_as_fribidi_and_harfbuzz_draw_it(text):
    wanted = by_raqm(text, "rtl" if reads_from_right(text) else "ltr")
    found = on_paper(text)
    assert len(found) == pytest.approx(len(wanted), rel=0.02)
    assert likeness(found, wanted) > 0.9
    assert likeness(found, wanted[::-1]) < 0.5


def test_a_text_is_broken_where_it_is_spoken_and_keeps_its_side():
    text = "العظام سليمة " * 8 + "\nEnglish שרון " + "and more words " * 6
    broken = lines(text, 10, 150)
    arabic = [line for line in broken if line[0] == FROM_RIGHT]
    english = [line for line in broken if line[0] == FROM_LEFT]
    assert len(arabic) > 1
    assert len(english) > 1
    assert len(arabic) + len(english) == len(broken)
    assert all(reads_from_right(line) for line in arabic)
    assert not any(reads_from_right(line) for line in english)
    assert " ".join(line[1:] for line in broken) == " ".join(text.split())
    assert all(width(line, 10) <= 150 for line in broken)


@pytest.mark.parametrize(
    "text",
    [
        "\u2067ابج\u2069 \u2068x",
        "اب\tج\x1cد",
        "ا\u05f6\ufbd3",
        "ا\ud83d",
        "ܐ ا",
        "\u064b\u064b",
        "اب\u202eabc",
        "ا" + "\u202b" * 80 + "ب",
    ],
)
def test_whatever_stands_in_a_header_can_be_measured_and_broken(text):
    assert width(text, 10) >= 0
    assert all(width(line, 10) <= 20 or len(line) == 2 for line in lines(f"{text} {text}", 10, 20))


def test_a_file_name_stays_in_one_piece_before_its_ending():
    assert [piece for piece, _ in pieces(isolated("صورة 2.dcm"))] == ["2 ", "صورة", ".dcm"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Doe^Jane", "Doe, Jane"),
        ("Doe^Jane^Mary Ann^Dr.^MD", "Doe, Jane Mary Ann, Dr., MD"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎, やまだ たろう)"),
        ("=山田^太郎", "山田 太郎"),
        ("Hong^Gildong=洪^吉洞=", "Hong, Gildong (洪 吉洞)"),
        ("^^^^", ""),
        ("", ""),
        ("a^b^c^d^e^f=g^^h=i=j", "a, b c, d, e (g h, i, j)"),
    ],
)
def test_names_lose_their_delimiters(name, words):
    assert name_in_words(name) == words
