"""Pages of a PDF as pictures."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QImage

POINTS_PER_INCH = 72


def pdf_pages(path: Path, width: int) -> list[QImage]:
    """Return the pages of a PDF of our own making.

    Args:
        path: the file.
        width: of a page, in pixels.
    """
    import pypdfium2

    found = []
    with pypdfium2.PdfDocument(path) as document:
        for page in document:
            bitmap = page.render(scale=width / page.get_width(), rev_byteorder=True)
            pixels = bitmap.to_numpy()
            height, across, channels = pixels.shape
            kind = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_RGBX8888
            found.append(QImage(pixels.tobytes(), across, height, channels * across, kind).copy())
            bitmap.close()
            page.close()
    return found
