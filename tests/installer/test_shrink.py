"""What the installer makes smaller still does what it did."""

import ctypes
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import highdicom
import numpy as np
import PIL
import PySide6
import pytest

from assets.installer import shrink

LINUX = pytest.mark.skipif(
    sys.platform != "linux" or not all(map(shutil.which, shrink.TOOLS)), reason="it takes Linux and binutils"
)
SORTED = """
from PySide6.QtCore import QCollator, QLocale
names = ["scan 10", "Zebra", "scan 2", "\\u00e4rzte", "Arm", "azur", "\\u4e2d", "b"]
for locale in ("de_DE", "en_US"):
    by = QCollator(QLocale(locale))
    by.setNumericMode(True)
    print(ascii(sorted(names, key=by.sortKey)))
"""
DECODED = """
import io, sys
import numpy as np
from PIL import Image, ImageFont, features
image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
for kind, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("JPEG2000", {}), ("TIFF", {})):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, **options)
    assert (np.asarray(Image.open(stream)) == image).all(), kind
assert features.check("freetype2")
print(Image.core.__file__)
"""


def packages(folder, *names):
    """Copy packages as they are installed, beside each other."""
    site = Path(PIL.__file__).parent.parent
    for name in names:
        if not (site / name).is_dir():
            pytest.skip(f"{name} is not installed from a wheel of Linux")
        shutil.copytree(site / name, folder / name)
    return folder


def decoded_in(folder):
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{DECODED}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(str(folder))


@LINUX
def test_pictures_are_decoded_with_placeholders_and_without_symbols(tmp_path):
    inside = packages(tmp_path, "PIL", "pillow.libs")
    (library,) = (inside / "pillow.libs").glob("libxcb-*")
    (decoders,) = (inside / "PIL").glob("_imaging.*.so")
    before = library.stat().st_size, decoders.stat().st_size
    shrink.replace_uncalled(inside)
    assert library.stat().st_size < before[0] / 5
    assert not list((inside / "pillow.libs").glob("libXau-*"))
    shrink.strip_all(inside)
    assert decoders.stat().st_size < before[1]
    assert not list(inside.rglob("*.stripped"))
    decoded_in(inside)


@LINUX
def test_a_library_that_does_not_survive_without_its_symbols_keeps_them(tmp_path, monkeypatch):
    inside = packages(tmp_path, "numpy.libs")
    monkeypatch.setattr(shrink, "_loads", lambda path: not path.name.endswith(".stripped"))
    before = {path: path.read_bytes() for path in inside.rglob("*.so*")}
    shrink.strip_all(inside)
    assert {path: path.read_bytes() for path in inside.rglob("*.so*")} == before


@LINUX
def test_a_library_that_can_not_be_loaded_is_told_from_one_that_can(tmp_path):
    inside = packages(tmp_path, "pillow.libs")
    (library,) = (inside / "pillow.libs").glob("libjpeg-*")
    assert shrink._loads(library)
    library.write_bytes(library.read_bytes()[:10_000])
    assert not shrink._loads(library)


@LINUX
def test_names_are_sorted_as_before_with_reduced_tables(tmp_path):
    (library,) = (Path(PySide6.__file__).parent / "Qt" / "lib").glob("libicudata.so.*")
    target = tmp_path / "PySide6" / "Qt" / "lib" / library.name
    target.parent.mkdir(parents=True)
    shutil.copyfile(library, target)
    shrink.reduce_unicode_tables(tmp_path)
    assert target.stat().st_size < library.stat().st_size / 5
    (symbol,) = shrink._symbols(target, "--defined-only")
    assert hasattr(ctypes.CDLL(str(target)), symbol)

    def sorted_with(preload):
        return subprocess.check_output([sys.executable, "-c", SORTED], encoding="ascii", env={"LD_PRELOAD": preload})

    found = sorted_with(str(target))
    assert found == sorted_with("")
    assert found.index("scan 2") < found.index("scan 10") < found.index("Zebra")


def test_an_archive_keeps_what_belongs_to_no_language():
    entries = {"icudt73l/coll/de.res": b"de", "icudt73l/coll/root.res": b"root" * 5, "icudt73l/de.res": b"deutsch",
               "icudt73l/root.res": b"r", "icudt73l/zone/zu.res": b"last"}  # fmt: skip

    def archive(entries):
        table, names, bodies = b"", b"", b""
        first = 4 + 8 * len(entries)
        content = first + sum(len(name) + 1 for name in entries)
        content += -content % 16
        for name, body in entries.items():
            table += struct.pack("<II", first + len(names), content + len(bodies))
            names += name.encode() + b"\0"
            bodies += body + bytes(-len(body) % 16)
        head = struct.pack("<H", 32) + b"\xda\x27" + bytes(8) + b"CmnD" + bytes(16)
        return head + (struct.pack("<I", len(entries)) + table + names).ljust(content, b"\0") + bodies

    found = shrink.reduced_archive(bytes(100) + archive(entries))
    kept = {name: body + bytes(-len(body) % 16) for name, body in entries.items() if name.endswith("root.res")}
    assert found == archive(kept)


def test_highdicom_finds_the_attributes_that_results_are_made_of(tmp_path):
    name = "_standard/module_attribute_map.json"
    full = json.loads((Path(highdicom.__file__).parent / name).read_text(encoding="utf-8"))
    target = tmp_path / "highdicom" / name
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(full), encoding="utf-8")
    shrink.reduce_dicom_modules(tmp_path)
    found = json.loads(target.read_text(encoding="utf-8"))
    assert found.keys() == full.keys()
    assert found[shrink.NESTED] == full[shrink.NESTED]
    for module in ("patient", "general-study", "specimen", "dx-image", "sr-document-content"):
        assert [one["keyword"] for one in found[module]] == [one["keyword"] for one in full[module] if not one["path"]]
    assert np.median([len(module) for module in found.values()]) > 0
    assert target.stat().st_size < 1_000_000
