"""A classifier's ONNX file from anywhere: read in bounded memory, checked, and written as graph and weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BundleError
from core.onnx.check import check_graph, check_operations
from core.onnx.outline import check_outline
from core.onnx.standard import standardise, strip
from core.onnx.weights import Array, places_in, point_to, take_weights

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, eq=False)
class ForeignGraph:
    """A graph in the form of a bundle's, with its weights apart.

    Attributes:
        model: the graph; its large weights have no numbers.
        weights: their numbers, by name.
        made_by: the program that exported it, or an empty string.
        metadata: what the file says of itself.
        changes: what was changed, in sentences for a person.
    """

    model: ModelProto
    weights: dict[str, Array]
    made_by: str
    metadata: dict[str, str]
    changes: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image."""
        _batch, _channels, height, width = self.model.graph.input[0].type.tensor_type.shape.dim
        return height.dim_value, width.dim_value

    @property
    def classes(self) -> int:
        """How many classes it tells."""
        return int(self.model.graph.output[0].type.tensor_type.shape.dim[1].dim_value)


def read_foreign(path: Path, classes: int | None = None, size: tuple[int, int] | None = None) -> ForeignGraph:
    """Read an ONNX file of any exporter.

    Args:
        path: the file; weights in other files of its folder are read, too.
        classes: how many classes it tells; None for as many as it does.
        size: height and width of its images, where it leaves them open.

    Raises:
        BundleError: if it is not a classifier of one image with so many classes, or holds what is not allowed.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    check_outline(path)
    model = ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        made_by = " ".join((model.producer_name, model.producer_version)).strip()
        strip(model)
        check_operations(model)
        weights = take_weights(model, path.parent)
        changes = standardise(model, classes, size)
    except DecodeError as cause:
        raise BundleError("The file is not an ONNX graph.", path=path, remedy="Choose an .onnx file.") from cause
    except OSError as cause:
        raise BundleError(f"The file can't be read ({cause.strerror}).", path=path, remedy="Check the file.") from cause
    except BundleError as error:
        raise BundleError(error.problem, path=path, remedy=error.remedy) from error
    needed = {tensor.name for tensor in model.graph.initializer}
    return ForeignGraph(model, {k: v for k, v in weights.items() if k in needed}, made_by, metadata, changes)


def write_graph(model: ModelProto, weights: dict[str, Array], graph: Path, weights_path: Path) -> None:
    """Write a graph and its weights into one folder, and check them there.

    Args:
        model: the graph, whose large weights have no numbers.
        weights: the numbers.
        graph: path of the graph.
        weights_path: path of the weights, in the same folder.

    Raises:
        BundleError: if the graph is not one that :func:`core.onnx.check.check_graph` accepts.
        OSError: if a file can't be written.
    """
    import onnx
    from safetensors.numpy import save

    weights_path.write_bytes(save(weights))
    pointed = onnx.ModelProto()
    pointed.CopyFrom(model)
    point_to(pointed, weights_path, places_in(weights_path))
    graph.write_bytes(pointed.SerializeToString())
    check_graph(graph, (weights_path.name,))
