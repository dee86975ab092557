"""What PyInstaller's hooks collect and no part of the program uses; the build says how much each saves."""

from __future__ import annotations

import re
from pathlib import Path

TORCH_TESTS = (
    "codegen", "common_cuda", "common_device_type", "common_distributed", "common_fsdp", "common_jit",
    "common_methods_invocations", "common_modules", "common_nn", "common_ops_unbacked", "common_optimizers",
    "common_quantization", "common_quantized", "common_utils", "composite_compliance", "data", "generated", "hop_db",
    "inductor_utils", "opinfo", "optests", "test_module",
)  # fmt: skip
# modules that others import where they are installed, and do without; most lie only beside a developer's Python
MODULES = (
    *(f"torch.testing._internal.{name}" for name in TORCH_TESTS),
    "hf_xet",  # huggingface_hub's faster downloads
    "skimage", "imageio", "lazy_loader",
    "setuptools", "pip", "wheel", "pkg_resources", "Cython", "PyInstaller",
    "IPython", "notebook", "pytest", "_pytest", "hypothesis", "tensorboard", "torchcam", "mypy", "ruff", "mkdocs",
    "pypdf", "onnxruntime", "pandas", "docutils", "sphinx",
    "PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets",  # see no_opengl.py
    "PySide6.QtTest", "readline",
    "numpy.f2py", "pydantic.v1", "onnx.backend",
    "tkinter", "_tkinter",
)  # fmt: skip

# the large teachers, which the lite program comes without; the small one of each task stays
LITE_MODELS = ("teacher-vgg19", "teacher-visformer_small", "teacher-autoformerv2_tiny")

# codecs that no image which Twinlens opens is compressed with, and the libraries that only they need
CODECS = (
    "aec", "apng", "avif", "bcn", "bitshuffle", "blosc", "blosc2", "bmp", "brotli", "bz2", "gif", "h5checksum", "htj2k",
    "jpegls", "jpegxr", "lz4", "lz4f", "lzf", "lzfse", "lzham", "lzo", "meshopt", "pcodec", "pglz", "pixarlog", "qoi",
    "quantize", "rcomp", "rgbe", "snappy", "sperr", "spng", "sz3", "szip", "tiff", "ultrahdr", "zfp", "zlibng",
    "zopfli",
)  # fmt: skip
CODEC_LIBRARIES = (
    "aec", "aom", "avif", "blosc", "blosc2", "charls", "cpcodec", "gif", "gomp", "jpegxr", "jxrglue", "lz4", "lzfse",
    "lzhamcomp", "lzhamdecomp", "lzhamdll", "lzokay", "meshoptimizer", "openjph", "snappy", "SPERR", "sz", "SZ3c",
    "tiff", "uhdr", "zfp", "zopfli",
)  # fmt: skip

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
    "OpenVINO's readers of other formats": (
        r"openvino_(pytorch|tensorflow|tensorflow_lite|paddle|gguf|jax)_frontend",
        r"^openvino/frontend/.*/py_.*\.(so|pyd)$",
    ),
    "OpenVINO for several devices, and for C": (r"openvino_(auto|auto_batch|hetero)_plugin", r"libopenvino_c\."),
    "Codecs of other formats": (
        rf"^imagecodecs/_({'|'.join(CODECS)})\.",
        rf"^imagecodecs\.libs/lib({'|'.join(CODEC_LIBRARIES)})[-.]",
        r"^PIL/_avif\.",
        r"^pillow\.libs/libavif-",
    ),
    "Qt modules": (r"^PySide6/.*Qt6?(Qml|Quick|VirtualKeyboard|Network|Sql|Pdf|Designer|Labs|3D|EglF)",),
    "Qt plugins": (
        r"^PySide6/.*plugins/(egldeviceintegrations|generic|networkinformation|tls|sqldrivers|qmltooling)/",
        r"^PySide6/.*plugins/platforms/(lib)?q(eglfs|linuxfb|vnc|vkkhrdisplay|minimalegl)",
        r"^PySide6/.*plugins/(platforminputcontexts/libqtvirtual|imageformats/(lib)?qpdf)",
    ),
    "GTK, for Qt's look in GNOME": (
        r"^PySide6/.*plugins/platformthemes/libqgtk3",
        r"^lib(gtk-3|gdk-3|gdk_pixbuf-2|atk-1|atk-bridge-2|atspi|cairo|cairo-gobject|pango|pangocairo|pangoft2|harfbuzz"
        r"|epoxy|fribidi|thai|datrie|graphite2|pixman-1|Xcomposite|Xcursor|Xdamage|Xfixes|Xinerama|Xrandr|XRes)[-.]",
    ),
    "libraries that only left out ones need": (
        r"^lib(gio-2|gmodule-2|gobject-2|mount|blkid|selinux|gssapi_krb5|krb5|krb5support|k5crypto|keyutils|com_err"
        r"|Xext|Xrender)[-.]",
        r"^libjpeg\.",
    ),
    "Qt's translations": (r"^PySide6/.*translations/",),
    "samples and tests of other packages": (
        r"^matplotlib/mpl-data/sample_data/",
        r"^sklearn/datasets/(data|images|descr|tests)/",
        r"(^|/)tests?/",
        r"^reportlab/fonts/",  # reports use those of assets/fonts
        r"^pyqtgraph/icons/peegee/.*\.png$",
    ),
    "texts for type checkers and compilers": (r"\.(pyi|pxd|pyx|h|hpp|cmake|cpp|c)$", r"(^|/)py\.typed$"),
}

Entry = tuple[str, str, str]


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


def table(saved: dict[str, int], head: str = "left out") -> str:
    """Return the megabytes of the files that were left out, or what else was saved, as Markdown."""
    rows = [f"| {reason} | {size / 1e6:.1f} |" for reason, size in sorted(saved.items(), key=lambda item: -item[1])]
    return "\n".join([f"| {head} | MB |", "|---|---:|", *rows])
