import ast
import lzma
import runpy
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

import build_installer
from assets.installer.beyond_base import beyond_base
from core.system.extras import EXTRAS
from core.system.subprocesses import OwnModule, own_command

ROOT = Path(__file__).resolve().parents[2]
INSTALLER = ROOT / "assets" / "installer"
LEFT_OUT = runpy.run_path(str(INSTALLER / "left_out.py"))
WITHOUT_OPERATORS = """
import runpy, sys, torch
def missing(path):
    raise OSError(path)
torch.ops.load_library = missing
if sys.argv[1:]:
    runpy.run_path(sys.argv[1])
import timm, torchvision, pytorch_grad_cam
assert not torchvision.extension._has_ops()
"""


def test_what_a_base_install_does_not_bring_is_left_out_of_the_lite_program():
    beyond = beyond_base("twinlens")
    assert {module for extra in EXTRAS.values() for module in extra.modules if find_spec(module)} <= {*beyond}
    assert {"pytest", "jinja2", "sympy", "fsspec"} <= {*beyond}, "what only extras, or their own dependencies, need"
    needed = {"numpy", "onnx", "google", "openvino", "PySide6", "reportlab", "charset_normalizer", "typer", "core"}
    assert not needed.intersection(beyond)


def test_the_program_starts_itself_from_source_and_frozen(monkeypatch):
    assert own_command("core", "models") == [sys.executable, "-m", "core", "models"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_command("training", "--help") == [sys.executable, "training", "--help"]


@pytest.mark.parametrize(
    ("word", "says"), [("core", "Teacher and distilled student"), ("training", "Train, evaluate and publish")]
)
def test_the_installed_program_opens_the_door_of_its_first_word(word, says, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["twinlens", word, "--help"])
    monkeypatch.delitem(sys.modules, f"{word}.__main__", raising=False)  # another test has imported it
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "assets" / "installer" / "entry.py"), run_name="__main__")
    assert left.value.code == 0
    assert says in capsys.readouterr().out


def test_the_installed_program_knows_every_module_that_twinlens_starts():
    entry = runpy.run_path(str(INSTALLER / "entry.py"))
    assert set(entry["MODULES"]) == set(get_args(OwnModule))


def test_without_a_module_the_installed_program_is_the_window(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["twinlens", "--help"])
    monkeypatch.delitem(sys.modules, "gui.__main__", raising=False)
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(INSTALLER / "entry.py"), run_name="__main__")
    assert left.value.code == 0
    assert "--self-test" in capsys.readouterr().out


def test_no_package_that_is_left_out_is_one_of_ours_or_imported_by_us():
    imported = set()
    for source in (path for package in ("core", "gui", "training") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    assert {"torch", "skimage"} - imported == {"skimage"}
    out = set(LEFT_OUT["MODULES"]) - {
        "torchcam",
        "tensorboard",
        "onnxruntime",
    }  # extras, which the program does without
    assert not {name for name in imported if any(name == other or name.startswith(f"{other}.") for other in out)}


@pytest.mark.parametrize(
    "name",
    [
        "torch/lib/libtorch_cpu.so", "torch/bin/torch_shm_manager", "torch/nn/functional.py",
        "torch/_export/serde/schema.yaml",
        "torchvision/transforms/functional.py", "openvino/libs/libopenvino_intel_cpu_plugin.so",
        "openvino/libs/libopenvino_onnx_frontend.so.2641", "openvino/libs/libopenvino_ir_frontend.so.2641",
        "openvino/libs/openvino_intel_cpu_plugin.dll", "PySide6/Qt/lib/libQt6Widgets.so.6", "PySide6/QtSvg.abi3.so",
        "PySide6/Qt/plugins/platforms/libqxcb.so", "PySide6/Qt/plugins/platforms/libqoffscreen.so",
        "PySide6/plugins/platforms/qwindows.dll", "PySide6/Qt/plugins/imageformats/libqsvg.so",
        "data_store/data/RG1_UNCR.dcm", "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf", "pypdfium2_raw/libpdfium.so",
        "assets/weights/chest-xray/student-ofa595/weights.safetensors", "training/recipes/chest-xray-ofa595.toml",
    ],
)  # fmt: skip
def test_what_the_program_needs_stays(name):
    assert LEFT_OUT["reason_to_leave_out"](name) is None


def test_what_is_left_out_is_counted_by_its_reason(tmp_path):
    heavy, light = tmp_path / "gpu.so", tmp_path / "cpu.so"
    heavy.write_bytes(bytes(2_000_000))
    light.write_bytes(bytes(10))
    entries = [
        ("openvino/libs/libopenvino_intel_gpu_plugin.so", str(heavy), "BINARY"),
        ("openvino/libs/libopenvino_intel_cpu_plugin.so", str(light), "BINARY"),
        ("libQt6Quick.so.6", "PySide6/Qt/lib/libQt6Quick.so.6", "SYMLINK"),
        ("libQt6Core.so.6", "PySide6/Qt/lib/libQt6Core.so.6", "SYMLINK"),
    ]
    saved: dict[str, int] = {}
    assert LEFT_OUT["without"](entries, saved) == [entries[1], entries[3]]
    assert saved == {"OpenVINO for graphics processors and NPUs": 2_000_000}
    assert "| OpenVINO for graphics processors and NPUs | 2.0 |" in LEFT_OUT["table"](saved).splitlines()


def test_torchvision_is_imported_without_its_operators():
    hook = INSTALLER / "no_operators.py"
    bare = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPERATORS, hook], capture_output=True, encoding="utf-8", check=False
    )
    assert bare.returncode == 0, bare.stderr


def test_the_window_is_imported_without_opengl():
    code = (
        "import runpy, sys\n"
        f"runpy.run_path({str(INSTALLER / 'no_opengl.py')!r})\n"
        "sys.modules['PySide6.QtTest'] = None\n"
        "import gui.training.charts, gui.window.main_window\n"
        "assert not hasattr(sys.modules['PySide6.QtOpenGL'], 'QOpenGLBuffer')\n"
    )
    bare = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False, cwd=ROOT)
    assert bare.returncode == 0, bare.stderr


def test_the_lite_program_has_a_teacher_and_a_student_of_each_task():
    for task in (ROOT / "assets" / "weights").iterdir():
        names = {path.name for path in task.iterdir()} - set(LEFT_OUT["LITE_MODELS"])
        assert {name.split("-")[0] for name in names} == {"teacher", "student"}
        assert names < {path.name for path in task.iterdir()}


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb")
def test_a_debian_package_packed_with_xz_holds_what_it_held(tmp_path):
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        "Package: t\nVersion: 1\nArchitecture: all\nMaintainer: T <t@invalid>\nDescription: a test\n"
    )
    (root / "opt").mkdir()
    (root / "opt/program").write_bytes(Path(sys.executable).resolve().read_bytes()[:300_001])
    (root / "opt/link").symlink_to("program")
    plain, packed = tmp_path / "plain.deb", tmp_path / "packed.deb"
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", root, plain], check=True)
    build_installer.pack_deb(plain, packed, [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 9}])
    assert packed.stat().st_size < 0.7 * plain.stat().st_size
    assert subprocess.check_output(["dpkg-deb", "-f", packed, "Package"], encoding="utf-8") == "t\n"
    subprocess.run(["dpkg-deb", "-x", packed, tmp_path / "out"], check=True)
    assert (tmp_path / "out/opt/program").read_bytes() == (root / "opt/program").read_bytes()
    assert (tmp_path / "out/opt/link").readlink() == Path("program")


def test_sizes_are_told_by_part_the_heaviest_first(tmp_path):
    for name, size in (
        ("_internal/torch/lib/a.so", 3_000_000),
        ("_internal/cv2/b.so", 1_000_000),
        ("twinlens", 500_000),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    rows = build_installer.size_report(tmp_path).splitlines()[2:]
    assert rows == ["| torch | 3.0 |", "| cv2 | 1.0 |", "| program | 0.5 |", "| all | 4.5 |"]


def test_every_file_that_the_installer_names_is_there():
    spec = (INSTALLER / "twinlens.spec").read_text(encoding="utf-8")
    ast.parse(spec)
    for hook in ("no_operators", "no_opengl"):
        assert f'"{hook}"' in spec
        assert (INSTALLER / f"{hook}.py").is_file()
    assert list((ROOT / "training" / "recipes").glob("*.toml"))
    for folder in ("weights", "icons", "fonts"):
        assert f'"{folder}"' in spec
        assert (ROOT / "assets" / folder).is_dir()
    for icon in ("twinlens.ico", "twinlens.icns", "twinlens.png", "twinlens.svg"):
        assert (ROOT / "assets" / "icons" / icon).is_file()


def test_the_systems_offer_the_program_for_the_images_that_it_opens():
    desktop = (INSTALLER / "twinlens.desktop").read_text(encoding="utf-8").splitlines()
    assert "Exec=twinlens %F" in desktop
    types = next(line for line in desktop if line.startswith("MimeType=")).removeprefix("MimeType=").split(";")
    assert {"application/dicom", "image/png", "image/jpeg", "image/tiff", "image/bmp"} <= set(types)
    windows = (INSTALLER / "twinlens.iss").read_text(encoding="utf-8")
    for ending in (".dcm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"):
        assert f"Classes\\{ending}\\OpenWithProgids" in windows
