"""What PyInstaller's hooks collect and no part of the program uses; the build says how much each saves."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

# packages that others import where they are installed, and do without
PACKAGES = {
    "scikit-image and what it brings": ("skimage", "imageio", "tifffile", "lazy_loader"),
    "faster downloads of huggingface_hub": ("hf_xet",),
    "torch's own tests": tuple(
        f"torch.testing._internal.{name}"
        for name in (
            "codegen", "common_cuda", "common_device_type", "common_distributed", "common_fsdp", "common_jit",
            "common_methods_invocations", "common_modules", "common_nn", "common_ops_unbacked", "common_optimizers",
            "common_quantization", "common_quantized", "common_utils", "composite_compliance", "data", "generated",
            "hop_db", "inductor_utils", "opinfo", "optests", "test_module",
        )
    ),
    "build tools": ("setuptools", "pip", "wheel", "pkg_resources", "Cython", "PyInstaller"),
    "what developers install beside it": (
        "IPython", "notebook", "pytest", "_pytest", "hypothesis", "tensorboard", "torchcam", "mypy", "ruff", "mkdocs",
        "pypdf", "onnx", "onnxruntime", "pandas", "docutils", "sphinx",
    ),
    "Tk": ("tkinter", "_tkinter"),
}  # fmt: skip

# files, by patterns on their path inside the program
FILES = {
    "torch's test programs and headers": (
        r"^torch/(bin/(?!torch_shm_manager)|test/|include/|share/)",
        r"^torch/lib/(lib)?(torchbind_test|jitbackend_test|backend_with_compiler|aoti_custom_ops)\.",
        r"^torch/lib/.*\.(lib|a)$",
    ),
    "torchvision's compiled operators": (
        r"^torchvision/[^/]*\.(so|pyd|dylib)$",
        r"^torchvision(\.libs|/\.dylibs)/",
        r"^libcudart",
    ),
    "OpenVINO for graphics processors and NPUs": (r"openvino_intel_[gn]pu_", r"^openvino/libs/cache\.json$"),
    "OpenVINO's readers of other formats": (r"openvino_(onnx|tensorflow|tensorflow_lite|paddle|gguf|jax)_frontend",),
    "Qt modules": (r"^PySide6/.*Qt6?(Qml|Quick|VirtualKeyboard|Network|Sql|Pdf|Designer|Labs|3D|EglF)",),
    "Qt plugins": (
        r"^PySide6/.*plugins/(egldeviceintegrations|generic|networkinformation|tls|sqldrivers|qmltooling|printsupport)/",
        r"^PySide6/.*plugins/platforms/(lib)?q(eglfs|linuxfb|vnc|vkkhrdisplay|minimalegl)",
        r"^PySide6/.*plugins/(platforminputcontexts/libqtvirtual|imageformats/(lib)?qpdf)",
    ),
    "GTK, for Qt's look in GNOME": (
        r"^PySide6/.*plugins/platformthemes/libqgtk3",
        r"^lib(gtk-3|gdk-3|gdk_pixbuf-2|atk-1|atk-bridge-2|atspi|cairo|cairo-gobject|pango|pangocairo|pangoft2|harfbuzz"
        r"|epoxy|fribidi|thai|datrie|graphite2|pixman-1|Xcomposite|Xcursor|Xdamage|Xfixes|Xinerama|Xrandr|XRes)[-.]",
    ),
    "Qt's translations": (r"^PySide6/.*translations/",),
    "samples and tests of other packages": (
        r"^matplotlib/mpl-data/sample_data/",
        r"^sklearn/datasets/(data|images|descr|tests)/",
        r"(^|/)tests?/.*\.(npy|npz|mat|dcm|png|csv|txt|gz)$",
    ),
    "texts for type checkers and compilers": (r"\.(pyi|pxd|pyx|h|hpp|cmake|cpp|c)$", r"(^|/)py\.typed$"),
}

Entry = tuple[str, str, str]


def excluded() -> list[str]:
    """Return the names of the packages for ``Analysis(excludes=...)``."""
    return [name for names in PACKAGES.values() for name in names]


def without(entries: list[Entry], saved: dict[str, int]) -> list[Entry]:
    """Return what stays of the files that PyInstaller has collected, and add to ``saved`` the bytes of what does not.

    Args:
        entries: path inside the program, source, kind.
        saved: bytes by reason.
    """
    kept = []
    for entry in entries:
        name, source, kind = entry
        reason = reason_to_leave_out(source if kind == "SYMLINK" else name)  # a link goes with its target
        if reason is None:
            kept.append(entry)
        elif kind != "SYMLINK":
            saved[reason] = saved.get(reason, 0) + Path(source).stat().st_size
    return kept


def reason_to_leave_out(name: str) -> str | None:
    """Return why a file is left out, or None for one that stays."""
    name = name.replace("\\", "/")
    found = (reason for reason, patterns in FILES.items() if any(re.search(pattern, name) for pattern in patterns))
    return next(found, None)


def table(saved: dict[str, int]) -> str:
    """Return the megabytes of what was left out as Markdown."""
    sizes = dict(saved)
    for reason, names in PACKAGES.items():
        sizes[reason] = sum(_installed(name) for name in names)
    rows = [f"| {reason} | {size / 1e6:.1f} |" for reason, size in sorted(sizes.items(), key=lambda item: -item[1])]
    return "\n".join(["| left out | MB |", "|---|---:|", *rows])


def _installed(name: str) -> int:
    """Return the bytes of an installed module or package without its caches, 0 where it is not installed."""
    try:
        found = importlib.util.find_spec(name)
    except ImportError:
        return 0
    if found is None:
        return 0
    folders = [Path(folder) for folder in found.submodule_search_locations or ()]
    files = [path for folder in folders for path in folder.rglob("*")] or [Path(str(found.origin))]
    return sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")
