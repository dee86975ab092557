"""Make the files of a frozen program smaller, without taking anything away that it uses.

Symbol tables, DICOM modules that results are not made of and, on Linux, Qt's Unicode tables of languages go; in the
lite program also libraries that are loaded and never called, such as OpenCV's for videos: placeholders keep their
places. What needs binutils is done where they are installed, as they are where PyInstaller runs on Linux.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

TOOLS = ("as", "ld", "nm", "objdump", "strip")
# of ICU, which sorts file names in Qt's dialogs: what belongs to no language
UNICODE_KEPT = re.compile(r"(coll/)?(root|res_index|pool|supplementalData)\.res$|(coll/)?[^/]*\.(icu|nrm)$")
# libraries that are loaded and never called, by their folders, and what only those need: OpenCV's for videos and linear
# algebra (libavif stays, since OpenCV asks it whether it is there), GDCM's for encryption, Pillow's for screenshots
UNCALLED = {
    "opencv_python_headless.libs": (
        r"lib(openblas|avcodec|avformat|avutil|swscale|aom)[a-z\d]*-",
        r"lib(vpx|crypto|ssl|swresample|drm|gfortran|quadmath)-",
    ),
    "python_gdcm.libs": (r"lib(crypto|ssl)-", None),
    "pillow.libs": (r"libxcb-", r"libXau-"),
}
# the only module of highdicom whose nested attributes are read: that of the heat maps
NESTED = "parametric-map-multi-frame-functional-groups"
# libraries that were linked as they are: one that auditwheel has rewritten may not survive without its symbols
LINKED = ("libpython*", "_openjpeg.*.so", "_CharLS.*.so", "torch/lib/libtorch_cpu.so", "torch/lib/libtorch_python.so")
LOAD = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"


def shrink(inside: Path, *, lite: bool) -> dict[str, int]:
    """Make the files of a frozen program smaller.

    Args:
        inside: the folder ``_internal``.
        lite: whether it is the lite program.

    Returns:
        The bytes saved, by what they were.
    """
    steps: dict[str, Callable[[Path], None]] = {"DICOM modules that results are not made of": reduce_dicom_modules}
    if sys.platform == "linux" and all(shutil.which(tool) for tool in TOOLS):
        steps["Qt's Unicode tables of languages"] = reduce_unicode_tables
        if lite:
            steps["libraries that are never called"] = replace_uncalled
        steps["symbol tables"] = strip_all if lite else strip_linked
    saved = {}
    for what, step in steps.items():
        before = _size(inside)
        step(inside)
        saved[what] = before - _size(inside)
    return saved


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def reduce_dicom_modules(inside: Path) -> None:
    """Leave in highdicom's table of modules the attributes that it copies, and all of ``NESTED``."""
    path = inside / "highdicom" / "_standard" / "module_attribute_map.json"
    modules = json.loads(path.read_text(encoding="utf-8"))
    kept = {name: [one for one in module if not one["path"] or name == NESTED] for name, module in modules.items()}
    path.write_text(json.dumps(kept, separators=(",", ":")), encoding="utf-8")


def strip_linked(inside: Path) -> None:
    """Take the symbol tables out of ``LINKED``."""
    for path in [path for pattern in LINKED for path in inside.glob(pattern)]:
        subprocess.run(["strip", "--strip-unneeded", path], check=True)


def strip_all(inside: Path) -> None:
    """Take the symbol tables out of all libraries but those that can't be loaded without them."""
    for path in [path for path in inside.rglob("*") if re.search(r"\.so(\.[\d.]+)?$", path.name)]:
        stripped = path.with_name(f"{path.name}.stripped")
        if path.is_symlink():
            continue
        subprocess.run(["strip", "--strip-unneeded", "-o", stripped, path], check=True)
        if stripped.stat().st_size < path.stat().st_size and (_loads(stripped) or not _loads(path)):
            stripped.replace(path)
        stripped.unlink(missing_ok=True)


def _loads(library: Path) -> bool:
    return subprocess.run([sys.executable, "-c", LOAD, library], check=False, capture_output=True).returncode == 0


def reduce_unicode_tables(inside: Path) -> None:
    """Leave in ICU's library of data only ``UNICODE_KEPT``."""
    for library in inside.glob("PySide6/Qt/lib/libicudata.so.*"):
        (symbol,) = _symbols(library, "--defined-only")
        with tempfile.NamedTemporaryFile() as file:
            file.write(reduced_archive(library.read_bytes()))
            file.flush()
            _assemble(library, f'.section .rodata\n.balign 16\n.globl {symbol}\n{symbol}: .incbin "{file.name}"\n')


def reduced_archive(data: bytes) -> bytes:
    """Return the archive in ICU's format *CmnD* that lies in some data, with only ``UNICODE_KEPT``.

    It is a header that begins with its own length, the count of entries, for each entry where its name and its data
    begin, counted from behind the header, then the names, then the data.
    """
    start = data.rindex(b"\xda\x27", 0, data.index(b"CmnD")) - 2
    base = start + struct.unpack_from("<H", data, start)[0]
    (count,) = struct.unpack_from("<I", data, base)
    places = [struct.unpack_from("<II", data, base + 4 + 8 * i) for i in range(count)]
    entries = []
    for (name, begin), (_name, end) in pairwise(places):  # the last has a language in its name
        text = data[base + name : data.index(b"\0", base + name) + 1]
        if UNICODE_KEPT.match(text[:-1].decode().partition("/")[2]):
            entries.append((text, data[base + begin : base + end]))
    names = 4 + 8 * len(entries)
    content = names + sum(len(text) for text, _ in entries)
    content += -content % 16
    table, texts, bodies = struct.pack("<I", len(entries)), b"", b""
    for text, body in entries:
        table += struct.pack("<II", names + len(texts), content + len(bodies))
        texts += text
        bodies += body + bytes(-len(body) % 16)
    return data[start:base] + (table + texts).ljust(content, b"\0") + bodies


def replace_uncalled(inside: Path) -> None:
    """Put placeholders in the place of ``UNCALLED``, and remove what only those need."""
    libraries = []
    for folder, (uncalled, unneeded) in UNCALLED.items():
        for library in (inside / folder).glob("lib*"):
            if unneeded and re.match(unneeded, library.name):
                library.unlink()
            elif re.match(uncalled, library.name):
                libraries.append(library)
    users: dict[str, list[Path]] = {}
    for path in [path for path in inside.rglob("*.so*") if path.is_file() and not path.is_symlink()]:
        for name in re.findall(r"NEEDED\s+(\S+)", _header(path)):
            users.setdefault(name, []).append(path)
    called = {}
    for library in libraries:
        asked = {symbol for user in users[library.name] for symbol in _symbols(user, "--undefined-only")}
        offered = {symbol.replace("@@", "@") for symbol in _symbols(library, "--defined-only")}
        called[library] = sorted(asked & offered)
    for library, symbols in called.items():
        _placeholder(library, symbols)


def _placeholder(library: Path, symbols: list[str]) -> None:
    """Replace a library by one of the same name whose functions can't be called."""
    names: dict[str, list[str]] = {}
    for symbol in symbols:
        name, _, version = symbol.partition("@")
        names.setdefault(version, []).append(name)
    labels = [name for each in names.values() for name in each]
    script = "".join(f"{version} {{ global: {'; '.join(each)}; }};\n" for version, each in names.items() if version)
    _assemble(library, ".text\n" + "".join(f".globl {name}\n{name}:\n" for name in labels) + ".long 0\n", script)


def _symbols(library: Path, which: str) -> list[str]:
    """Return the dynamic symbols of a library with their versions."""
    said = subprocess.check_output(["nm", "-D", which, library], encoding="utf-8")
    return [line.split()[-1] for line in said.splitlines()]


def _header(library: Path) -> str:
    return subprocess.check_output(["objdump", "-p", library], encoding="utf-8")


def _assemble(library: Path, source: str, versions: str = "") -> None:
    """Replace a library by what is assembled, under the name by which others load it."""
    (name,) = re.findall(r"SONAME\s+(\S+)", _header(library))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "object"
        script = Path(folder) / "versions"
        script.write_text(versions, encoding="utf-8")
        subprocess.run(["as", "-o", made, "-"], input=source, encoding="utf-8", check=True)
        options = ["--version-script", script] if versions else []
        subprocess.run(["ld", "-shared", "-soname", name, *options, "-o", library, made], check=True)
