"""Names of persons as DICOM writes them (PS3.5, 6.2), in words."""

from __future__ import annotations


def name_in_words(name: str) -> str:
    """Return a name without the delimiters ``^`` and ``=``.

    ``Yamada^Tarou=山田^太郎=やまだ^たろう`` becomes ``Yamada, Tarou (山田 太郎, やまだ たろう)``: the family name, then
    given and middle name, then title and suffix; in brackets how it is written in ideographs, and how it sounds.
    """
    alphabetic, *others = name.split("=")
    family, given, middle, prefix, suffix = ([part.strip() for part in alphabetic.split("^")] + [""] * 5)[:5]
    first = ", ".join(filter(None, (family, " ".join(filter(None, (given, middle))), prefix, suffix)))
    written = [words for group in others if (words := " ".join(filter(None, map(str.strip, group.split("^")))))]
    if not written:
        return first
    return f"{first} ({', '.join(written)})" if first else ", ".join(written)
