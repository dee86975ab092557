"""Write the icon set from twinlens.svg: ``python assets/icons/make_icons.py``."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
HERE = Path(__file__).resolve().parent
SIZES = (16, 24, 32, 48, 64, 128, 256)


def picture(size: int) -> Image.Image:
    """Return the icon at one size, drawn from the vector file."""
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(HERE / "twinlens.svg")).render(painter)
    painter.end()
    held = QByteArray()
    buffer = QBuffer(held)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return Image.open(io.BytesIO(held.data()))


def main() -> None:
    """Write twinlens.png (256), twinlens.ico (Windows) and twinlens.icns (macOS)."""
    pictures = {size: picture(size) for size in (*SIZES, 512)}
    pictures[256].save(HERE / "twinlens.png")
    pictures[256].save(HERE / "twinlens.ico", sizes=[(s, s) for s in SIZES], append_images=[pictures[s] for s in SIZES])
    pictures[512].save(HERE / "twinlens.icns", append_images=[pictures[s] for s in (32, 128, 256)])


if __name__ == "__main__":
    main()
