"""Lines that hold right-to-left scripts, cut into pieces in the order in which they stand on paper (UAX #9)."""

from __future__ import annotations

import re
from unicodedata import bidirectional

# Hebrew, Arabic, Syriac, Thaana, N'Ko and their presentation forms; no embedded font has letters of other scripts
_ANY = re.compile("[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff]")
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # control the direction of text, and are not drawn
_KINDS = {"R": "r", "AL": "r", "NSM": "m"}  # letters, and what belongs to the letter before it
_PIECES = re.compile("(?:m*r)+|(?:(?!m*r).)+")
# the joiners decide the shape of the letters beside them; python-bidi takes them out, but leaves a mark of a letter be;
# it handles embeddings (the last four), but not isolates
_FOR_BIDI = str.maketrans("\u200c\u200d\u2066\u2067\u2068\u2069", "\ufe00\ufe01\u202a\u202b\u202a\u202c")
_JOINERS_BACK = str.maketrans("\ufe00\ufe01", "\u200c\u200d")
_SPACES = {"B": " ", "S": " ", "": "\ufffd"}  # ends of paragraphs, tabs, and what Unicode has not assigned
FROM_LEFT, FROM_RIGHT = "\u200e", "\u200f"


def has_right_to_left(text: str) -> bool:
    """Return whether a text holds letters that are read from right to left."""
    return _ANY.search(text) is not None


def reads_from_right(text: str) -> bool:
    """Return whether a text begins at the right, which its first letter decides."""
    if not has_right_to_left(text):
        return False
    from bidi.algorithm import get_base_level

    return bool(get_base_level(text))


def mark(text: str) -> str:
    """Return a character that, set before a part of a text, makes the part begin on the side where the text does."""
    return FROM_RIGHT if reads_from_right(text) else FROM_LEFT


def isolated(text: str) -> str:
    """Return a name or value that neither turns what stands beside it in a line, nor is turned by it."""
    return FROM_LEFT + text + FROM_LEFT if has_right_to_left(text) else text


def unmarked(text: str) -> str:
    """Return a text without the characters that only control the direction of text."""
    return _MARKS.sub("", text)


def pieces(line: str) -> list[tuple[str, bool]]:
    """Return the pieces of a line from left to right, and of each whether it is read from right to left.

    Such a piece holds letters and their marks alone, in the order in which they are spoken; it has yet to be shaped.
    Brackets are already turned as they stand on paper.
    """
    from bidi.algorithm import get_display

    known = (_SPACES.get(bidirectional(c), c) for c in line.translate(_FOR_BIDI))
    found = str(get_display("".join(known)))
    kinds = "".join(_KINDS.get(bidirectional(c), "l") for c in found)
    cut = [(found[at.start() : at.end()], at[0].endswith("r")) for at in _PIECES.finditer(kinds)]
    return [
        (piece[::-1].translate(_JOINERS_BACK), True) if letters else (unmarked(piece), False) for piece, letters in cut
    ]
