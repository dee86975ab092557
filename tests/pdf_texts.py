"""The text of PDF pages, for tests."""

import re

import pypdf


def pressed(text):
    """A text without white space, since lines are broken anywhere."""
    return re.sub(r"\s+", "", text)


def pdf_text(path):
    """The text of all pages without white space, and without their headers and footers."""
    pages = [page.extract_text() for page in pypdf.PdfReader(path).pages]
    around = re.compile(r"^Twinlens (?!\(python)|continued$")
    kept = [line for page in pages for line in page.splitlines() if not around.search(line)]
    return pressed("\n".join(kept))
