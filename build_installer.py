"""Build the installable program: ``python build_installer.py``; with ``--lite`` without torch and training.

PyInstaller freezes the program into a folder (``assets/installer/twinlens.spec``, one description for Linux, Windows
and macOS). The frozen program then tests itself: it analyses the demonstration radiograph in an offscreen window,
writes a PDF and, in the full program, trains two steps. Last it is packed as each system likes it: a .deb and a
.tar.xz on Linux, a .dmg on macOS; on Windows Inno Setup makes the installer of ``assets/installer/twinlens.iss``.

The torch that is installed is the torch that is packed: install the CPU build first for a small program (see README).
"""

from __future__ import annotations

import argparse
import lzma
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from assets.installer import left_out
from assets.installer.shrink import shrink

ROOT = Path(__file__).resolve().parent
INSTALLER = ROOT / "assets" / "installer"
VERSION = version("twinlens")
FULL, LITE = "twinlens", "twinlens-lite"  # names of folders and packages
DEBIAN_DEPENDS = "libegl1, libgl1, libxkbcommon-x11-0, libdbus-1-3, libfontconfig1, libxcb-cursor0, libxcb-icccm4"


def freeze(out: Path, *, lite: bool) -> Path:
    """Run PyInstaller and return the folder of the frozen program."""
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--distpath", out, "--workpath", out / "work"]
    options = ["--", "--lite"] if lite else []
    subprocess.run([*command, INSTALLER / "twinlens.spec", *options], check=True, cwd=ROOT)
    shutil.rmtree(out / "work")
    return out / (LITE if lite else FULL)


def program(folder: Path) -> Path:
    """Return the executable inside a frozen folder."""
    return folder / ("twinlens-console.exe" if sys.platform == "win32" else "twinlens")


def self_test(folder: Path) -> None:
    """Let the frozen program test itself, with a home of its own; stops the build where it fails."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TWINLENS_DATA": f"{home}/data", "TWINLENS_CACHE": f"{home}/cache"}
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        subprocess.run([program(folder), "--self-test"], check=True, cwd=home, env=environment, timeout=3600)


def start_up(command: list[str | Path], runs: int = 3) -> float:
    """Return the median seconds that a command takes which starts Python, reads the catalogue and leaves."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([*command, "models"], check=True, capture_output=True, cwd=ROOT)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def size_report(folder: Path) -> str:
    """Return what the frozen program weighs by package, in MB, the heaviest first."""
    inside = folder / "_internal"
    sizes: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            part = path.relative_to(inside).parts[0] if path.is_relative_to(inside) else "program"
            sizes[part] = sizes.get(part, 0) + path.stat().st_size
    total = sum(sizes.values())
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:20]
    rows = [f"| {name} | {size / 1e6:.1f} |" for name, size in heaviest]
    return "\n".join(["| part | MB |", "|---|---|", *rows, f"| all | {total / 1e6:.1f} |"])


def pack(folder: Path, out: Path) -> list[Path]:
    """Pack the frozen program as this system likes it and return the files made."""
    if sys.platform == "linux":
        return [_tarball(folder, out), *_deb(folder, out)]
    if sys.platform == "darwin":
        target = out / f"{folder.name}-{VERSION}.dmg"
        app = folder.with_name("Twinlens.app")
        subprocess.run(["hdiutil", "create", "-volname", "Twinlens", "-srcfolder", app, "-ov", target], check=True)
        return [target]
    compiler = shutil.which("iscc")
    if compiler is None:
        print("Inno Setup (iscc) is not installed: the folder is ready, the installer is not made.")
        return []
    subprocess.run(
        [
            compiler, f"/DVersion={VERSION}", f"/DSource={folder}", f"/O{out}", f"/F{folder.name}-{VERSION}-setup",
            INSTALLER / "twinlens.iss",
        ],
        check=True,
    )  # fmt: skip
    return [out / f"{folder.name}-{VERSION}-setup.exe"]


def _tarball(folder: Path, out: Path) -> Path:
    name = f"{folder.name}-{VERSION}"
    target = out / f"{name}-linux-{platform.machine()}.tar.xz"
    with lzma.open(target, "wb", filters=_filters(folder)) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, name)
        archive.add(INSTALLER / "twinlens.desktop", f"{name}/twinlens.desktop")
    return target


def _filters(folder: Path) -> list[dict[str, int]]:
    """Return how xz packs a program."""
    preset = 9 | lzma.PRESET_EXTREME if folder.name == LITE else 3  # the full one takes minutes even so
    # machine code is packed closer when its jumps have been made absolute
    code = [{"id": lzma.FILTER_X86}] if platform.machine() == "x86_64" else []
    return [*code, {"id": lzma.FILTER_LZMA2, "preset": preset}]


def _deb(folder: Path, out: Path) -> list[Path]:
    """Make a Debian package with desktop entry, icon and file associations, where dpkg-deb is there."""
    if shutil.which("dpkg-deb") is None:
        return []
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], encoding="utf-8")
    name = f"{folder.name}_{VERSION}_{architecture.strip()}"
    root = out / name
    shutil.rmtree(root, ignore_errors=True)
    for place, source in (
        ("usr/share/applications/twinlens.desktop", INSTALLER / "twinlens.desktop"),
        ("usr/share/icons/hicolor/256x256/apps/twinlens.png", ROOT / "assets/icons/twinlens.png"),
        ("usr/share/icons/hicolor/scalable/apps/twinlens.svg", ROOT / "assets/icons/twinlens.svg"),
        ("usr/share/doc/twinlens/copyright", ROOT / "LICENSE"),
    ):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / place)
    shutil.copytree(folder, root / "opt/twinlens", symlinks=True, copy_function=os.link)
    (root / "usr/bin").mkdir()
    (root / "usr/bin/twinlens").symlink_to("/opt/twinlens/twinlens")
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN/control").write_text(
        f"Package: {folder.name}\nConflicts: {FULL if folder.name == LITE else LITE}\nVersion: {VERSION}\n"
        f"Architecture: {architecture.strip()}\nSection: science\n"
        f"Priority: optional\nDepends: libc6 (>= {platform.libc_ver()[1]}), {DEBIAN_DEPENDS}\n"
        "Maintainer: The Twinlens authors <twinlens@invalid>\n"
        "Description: Teacher and distilled student side by side on medical images\n"
        " Class probabilities, latency and Score-CAM of two networks on medical images, such as\n"
        " chest radiographs and histology tiles. For research use only, not for diagnosis.\n",
        encoding="utf-8",
    )
    target, plain = out / f"{name}.deb", out / f"{name}.plain"
    # dpkg-deb 1.21 itself has once left the last megabytes of so large a package away when it packed with xz
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", root, plain], check=True)
    pack_deb(plain, target, _filters(folder))
    plain.unlink()
    packed = subprocess.check_output(["dpkg-deb", "--contents", target], encoding="utf-8").splitlines()
    wanted = 1 + sum(1 for path in root.rglob("*") if "DEBIAN" not in path.relative_to(root).parts[:1])
    if len(packed) != wanted:
        raise SystemExit(f"{target.name} holds {len(packed)} entries in place of {wanted}: it is not whole.")
    shutil.rmtree(root)
    return [target]


def pack_deb(plain: Path, target: Path, filters: list[dict[str, int]]) -> None:
    """Pack the members of a Debian package, an ar archive (deb(5)) of plain tars, with xz.

    Args:
        plain: the package as ``dpkg-deb -Znone`` makes it.
        target: the packed one.
        filters: of ``lzma``.
    """
    with plain.open("rb") as source, target.open("wb") as packed:
        packed.write(source.read(8))
        while header := source.read(60):
            name, size = header[:16].decode().strip(), int(header[48:58])
            body = source.read(size + size % 2)[:size]
            if name.endswith(".tar"):
                name, body = f"{name}.xz", lzma.compress(body, filters=filters)
            packed.write(f"{name:<16}".encode() + header[16:48] + f"{len(body):<10}".encode() + header[58:] + body)
            packed.write(b"\n" * (len(body) % 2))


def main() -> None:
    """Freeze, test, report and pack."""
    parser = argparse.ArgumentParser(description="Build the installable program.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the program and its packages go")
    parser.add_argument("--lite", action="store_true", help="leave out torch, training and other heat maps")
    parser.add_argument("--no-pack", action="store_true", help="stop at the tested folder")
    options = parser.parse_args()
    folder = freeze(options.out.resolve(), lite=options.lite)
    print(left_out.table(shrink(folder / "_internal", lite=options.lite), "made smaller"), flush=True)
    print("The frozen program tests itself ...", flush=True)
    self_test(folder)
    print(size_report(folder))
    frozen, source = start_up([program(folder), "core"]), start_up([sys.executable, "-m", "core"])
    print(f"\nStart-up to the list of models: frozen {frozen:.2f} s, from source {source:.2f} s")
    for made in [] if options.no_pack else pack(folder, options.out.resolve()):
        print(f"{made.name}: {made.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
