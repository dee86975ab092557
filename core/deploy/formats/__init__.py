"""The formats of deployed models: one file each, registered here."""

from __future__ import annotations

from core.deploy.format import ModelFormat
from core.deploy.formats import litert, onnx_file, openvino_file, torchscript

MODEL_FORMATS: dict[str, ModelFormat] = {
    known.id: known for known in (onnx_file.FORMAT, openvino_file.FORMAT, torchscript.FORMAT, litert.FORMAT)
}
