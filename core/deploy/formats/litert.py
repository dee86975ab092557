"""LiteRT (TensorFlow Lite): for phones, Raspberry Pi and other small machines. The file takes one image at a time.

The packages are large and hold others back to older versions, so they are an optional part of their own.
"""

from __future__ import annotations

import sys
import warnings
import zipfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.deploy.format import FACTS_KEY, PRECISIONS, FloatArray, ModelFormat, Network, Order

if TYPE_CHECKING:
    from core.models.bundle import Bundle

FACTS_FILE = f"{FACTS_KEY}.json"  # inside the file


def _write(bundle: Bundle, path: Path) -> None:
    import litert_torch
    import torch

    example = (torch.zeros(1, 3, *bundle.card.preprocessing.size),)
    with redirect_stdout(sys.stderr), warnings.catch_warnings():  # it tells about each of its steps
        warnings.simplefilter("ignore")
        litert_torch.convert(bundle.load_network(), example).export(str(path))


def _write_smaller(plain: Path, order: Order, path: Path) -> None:
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the quantizer looks at all tensors
        quantizer = _quantizer(plain)
        found = _as_int8(quantizer, order) if order.precision == "int8" else _as_float16(quantizer)
        found.export_model(str(path))
    path.chmod(plain.stat().st_mode)  # the quantizer makes it a program


def _quantizer(path: Path) -> Any:  # noqa: ANN401
    from ai_edge_quantizer import quantizer

    return quantizer.Quantizer(str(path))


def _as_float16(quantizer: Any) -> Any:  # noqa: ANN401
    from ai_edge_quantizer.qtyping import TFLOperationName
    from ai_edge_quantizer.recipe import AlgorithmName

    quantizer.add_weight_only_config(
        ".*", TFLOperationName.ALL_SUPPORTED, num_bits=16, algorithm_key=AlgorithmName.FLOAT_CASTING
    )
    return quantizer.quantize()


def _as_int8(quantizer: Any, order: Order) -> Any:  # noqa: ANN401
    """Quantise weights and activations by the ranges on the validation images; input and output stay float32."""
    from ai_edge_quantizer import recipe
    from ai_edge_quantizer.qtyping import TFLOperationName
    from ai_edge_quantizer.recipe import AlgorithmName

    assert order.validation is not None  # noqa: S101 - whoever orders int8 gives them
    quantizer.load_quantization_recipe(recipe.static_wi8_ai8())
    for end in (TFLOperationName.INPUT, TFLOperationName.OUTPUT):
        quantizer.update_quantization_recipe(".*", end, algorithm_key=AlgorithmName.NO_QUANTIZE)
    images = [{"args_0": image} for image in order.validation.images()]
    ranges = quantizer.calibrate({"serving_default": images}, num_threads=order.threads)
    return quantizer.quantize(ranges)


def _label(path: Path, facts: str) -> None:
    """Append the facts as a ZIP archive, as LiteRT does with files that belong to a model."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FACTS_FILE, facts)


def _open(path: Path, threads: int) -> Network:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    given, found = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(image: FloatArray) -> FloatArray:
        interpreter.set_tensor(given, image)
        interpreter.invoke()
        logits: FloatArray = interpreter.get_tensor(found)
        return logits

    return run


FORMAT = ModelFormat(
    "litert",
    "LiteRT",
    "phones, Raspberry Pi, other small machines",
    "model.tflite",
    PRECISIONS,
    ("torch", "torchvision", "timm", "ofa", "litert_torch", "ai_edge_litert"),
    ("ai_edge_quantizer",),
    "litert",
    _write,
    _write_smaller,
    _label,
    _open,
)
