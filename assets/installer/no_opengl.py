"""Runs before the program: pyqtgraph is imported without Qt's bindings of OpenGL, 9 MB that Twinlens does not use.

They are left out (``left_out.py``). pyqtgraph imports them to offer drawing by OpenGL, which is off unless asked for.
"""

import sys
from types import ModuleType


class _NoWidget:
    """In the place of the widget from which pyqtgraph derives its own."""


sys.modules["PySide6.QtOpenGL"] = ModuleType("PySide6.QtOpenGL")
widgets = sys.modules["PySide6.QtOpenGLWidgets"] = ModuleType("PySide6.QtOpenGLWidgets")
widgets.QOpenGLWidget = _NoWidget  # type: ignore[attr-defined]
