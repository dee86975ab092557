"""The ``config.json`` that WSInfer, and QuPath through its extension, read beside a TorchScript model of tiles.

Source: wsinfer-zoo, ``model-config.schema.json``, version 1.0. QuPath takes one number as the size: tiles are square.
"""

from __future__ import annotations

from typing import Any

from core.models.card import Card

CONFIG_FILE = "config.json"


def suits_wsinfer(card: Card) -> bool:
    """Return whether WSInfer can use a model: it must be for square coloured tiles."""
    return card.preprocessing.channels == "rgb" and card.preprocessing.height == card.preprocessing.width


def wsinfer_config(card: Card, um_per_pixel: float | None) -> dict[str, Any]:
    """Return the configuration.

    Args:
        card: the model's card.
        um_per_pixel: physical scale of the training tiles; None where it is not known. The key is then left out: the
            schema asks for it, and a made-up scale would give wrong results without a word.
    """
    how = card.preprocessing
    scale = {} if um_per_pixel is None else {"spacing_um_px": um_per_pixel}
    return {
        "spec_version": "1.0",
        "architecture": card.network.removeprefix("timm:"),  # the schema asks for timm's names
        "num_classes": len(card.classes),
        "class_names": list(card.classes),
        "patch_size_pixels": how.width,
        **scale,
        "transform": [
            {"name": "Resize", "arguments": {"size": how.width}},
            {"name": "ToTensor"},
            {"name": "Normalize", "arguments": {"mean": list(how.mean), "std": list(how.std)}},
        ],
    }
