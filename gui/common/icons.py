"""The icons of display controls and progress, drawn in the theme's colour of text."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from core.system.paths import package_icons
from gui.common import theme

SIZE = 16
SHAPES = {
    "pan": "M8 1v14M1 8h14M8 1 6 3M8 1l2 2M8 15l-2-2M8 15l2-2M1 8l2-2M1 8l2 2M15 8l-2-2M15 8l-2 2",
    "zoom": "M10.8 10.8 15 15M12 6.7a5.3 5.3 0 1 1-10.6 0 5.3 5.3 0 0 1 10.6 0zM6.7 4.5v4.4M4.5 6.7h4.4",
    "window": "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 1.5v13M8 4h4.5M8 6.7h6M8 9.4h6M8 12h4.5",
    "overlay": "M2 3.5h12v9H2zM8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM8 7.5v1",
    "contour": "M4 3.5C7 1 13 2.5 13.5 6.5S11 14 7.5 13.5 1.5 11 2 8 2.5 5 4 3.5z",
    "difference": "M10 8a4.2 4.2 0 1 1-8.4 0 4.2 4.2 0 0 1 8.4 0zM14.4 8A4.2 4.2 0 1 1 6 8a4.2 4.2 0 0 1 8.4 0z",
    "presets": "M2.5 14V9.5M5.25 14V6M8 14V2.5M10.75 14V7M13.5 14v-3",
    "layout": "M2 3h12v10H2zM8 3v10",
    "distance": "M1.5 11.5 11.5 1.5l3 3-10 10zM4 9l1.5 1.5M6.5 6.5 8 8M9 4l1.5 1.5",
    "angle": "M13.5 13h-12L10 2.5M6.2 13a4.7 4.7 0 0 0-1.7-3.7",
    "ellipse": "M15 8c0 2.8-3.1 5-7 5s-7-2.2-7-5 3.1-5 7-5 7 2.2 7 5z",
    "turn": "M6.5 3 1.5 13h5zM9.5 3l5 10h-5z",
    "pause": "M5.5 3.5v9M10.5 3.5v9",
    "go_on": "M5 3.2v9.6L12.5 8z",
    "stop": "M4 4l8 8M12 4l-8 8",
    "field": "M3 3h10v10H3zM8 1v4M8 11v4M1 8h4M11 8h4",
    "area": "M2 5V2h3M7 2h2M11 2h3v3M14 7v2M14 11v3h-3M9 14H7M5 14H2v-3M2 9V7",
    "reset": "M2 8a6 6 0 1 0 6-6 6.5 6.5 0 0 0-4.5 1.8L2 5.3M2 2v3.3h3.3",
}


def window_icon() -> QIcon:
    """Return the program's own icon, for title bars and task bars."""
    return QIcon(str(package_icons() / "twinlens.png"))


def icon(name: str) -> QIcon:
    """Return an icon in the present theme's colour of text."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="{SHAPES[name]}" fill="none" '
        f'stroke="{theme.colour("text").name()}" stroke-width="1.3" stroke-linecap="round" '
        'stroke-linejoin="round"/></svg>'
    )
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    made = QIcon()
    for scale in (1, 2, 3):
        pixmap = QPixmap(QSize(SIZE * scale, SIZE * scale))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(0, 0, SIZE * scale, SIZE * scale))
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        made.addPixmap(pixmap)
    return made
