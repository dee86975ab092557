r"""Names of files as text that can be written, printed and read back anywhere.

A name on disk is bytes. Python hands over those that are no UTF-8 as lone surrogates (``surrogateescape``, PEP 383),
which no UTF-8 file, database or PDF takes. In texts such a byte is always spelled ``\xNN``, and so are control
characters, which could control a terminal.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# control characters, what turns the direction of text, and surrogates
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SPELLED = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})")
_BYTES = 0xDC00  # what surrogateescape adds to a byte


def readable(path: str | os.PathLike[str]) -> str:
    r"""Return a path or name as text without surrogates and control characters, e.g. ``M\xfcller.dcm``."""
    return _UNWRITABLE.sub(lambda found: _spelled(ord(found[0])), os.fspath(path))


def path_from(text: str) -> Path:
    """Return the path that :func:`readable` spelled so; an existing file of exactly this name comes first."""
    path = Path(text)
    if _SPELLED.search(text) is None or os.path.lexists(path):
        return path
    return Path(_SPELLED.sub(_meant, text))


def shortened(name: str, most: int) -> str:
    """Return the beginning of a file's name that takes at most so many bytes on disk; file systems end at 255."""
    return name.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")


def _spelled(code: int) -> str:
    if _BYTES + 0x80 <= code <= _BYTES + 0xFF:
        code -= _BYTES
    elif code >= 0x80:
        return f"\\u{code:04x}"
    return f"\\x{code:02x}"


def _meant(found: re.Match[str]) -> str:
    if found[2] is not None:
        return chr(int(found[2], 16))
    code = int(found[1], 16)
    return chr(code if code < 0x80 else _BYTES + code)
