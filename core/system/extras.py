"""Optional parts of the program: which are installed, and how to add one. ``pyproject.toml`` lists their packages."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from core.errors import TwinlensError
from core.system.subprocesses import is_frozen

SOURCE = Path(__file__).resolve().parents[2]
TORCH = ("torch", "torchvision", "timm", "ofa")


@dataclass(frozen=True)
class Extra:
    """An optional part, of the same name in ``pyproject.toml``.

    Attributes:
        name: what stands in the brackets of ``pip install``.
        modules: what must be importable, apart from what these packages themselves need.
    """

    name: str
    modules: tuple[str, ...]


EXTRAS = {
    extra.name: extra
    for extra in (
        Extra("gpu", TORCH),
        Extra("cams", (*TORCH, "pytorch_grad_cam")),
        Extra(
            "train",
            (*TORCH, "accelerate", "onnxscript", "tomli_w", "scipy", "sklearn", "skimage", "matplotlib", "imagehash"),
        ),
        Extra("slides", ("openslide", "openslide_bin")),
        Extra("onnxruntime", ("onnxruntime",)),
        Extra("export", ("onnxruntime", "onnxscript", "nncf")),
    )
}


class MissingExtraError(TwinlensError):
    """What was asked for needs packages that are not installed."""


def missing_modules(name: str) -> list[str]:
    """Return the modules of an extra that are not installed; none of them is imported.

    Args:
        name: a key of ``EXTRAS``.
    """
    return [module for module in EXTRAS[name].modules if find_spec(module) is None]


def how_to_add(name: str) -> str:
    """Return a sentence that says how to add an extra to this installation."""
    if is_frozen():
        return "Install the full program: this is the lite one."
    if (SOURCE / "pyproject.toml").is_file():
        return f'Add it with: pip install -e "{SOURCE}[{name}]"'
    return f'Add it with: pip install "twinlens[{name}]"'


def missing_extra(name: str, what: str) -> MissingExtraError | None:
    """Return the error that says why something can't be used here, or None if its extra is installed.

    Args:
        name: a key of ``EXTRAS``.
        what: what needs it, as the beginning of a sentence.
    """
    missing = missing_modules(name)
    if not missing:
        return None
    problem = f"{what} needs packages that are not installed ({', '.join(missing)})."
    return MissingExtraError(problem, remedy=how_to_add(name))


def require(name: str, what: str) -> None:
    """Go on where an extra is installed; the arguments are those of :func:`missing_extra`.

    Raises:
        MissingExtraError: if it is not.
    """
    if error := missing_extra(name, what):
        raise error
