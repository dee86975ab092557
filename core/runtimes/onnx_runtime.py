"""The ONNX Runtime: CPU, or a GPU where a package of it for CUDA, DirectML or CoreML is installed."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import RuntimeUnavailableError
from core.models.architectures import get_architecture
from core.models.graph_export import INPUT, LOGITS, MAPS
from core.models.probe import probe_input
from core.runtimes.base import RuntimeKind, check_agreement, expected_logits
from core.runtimes.masks import Masker, MaskScorer, mask_scorer
from core.runtimes.onnx_masks import GIVEN_MAPS, masked_graph
from core.system.extras import how_to_add

if TYPE_CHECKING:
    import onnxruntime

    from core.models.bundle import Bundle

FloatArray = npt.NDArray[np.float32]

CPU = "CPUExecutionProvider"
# the fastest first, with what keeps its arithmetic float32
ACCELERATORS: dict[str, tuple[str, dict[str, str]]] = {
    "CUDAExecutionProvider": ("NVIDIA GPU", {"use_tf32": "0"}),
    "DmlExecutionProvider": ("GPU (DirectML)", {}),
    "CoreMLExecutionProvider": ("Apple GPU (CoreML)", {"ModelFormat": "MLProgram"}),
}
ERRORS_ONLY = 3  # of what it would print


def accelerators() -> list[str]:
    """Return the accelerators that the installed package is made for, the fastest first; the device may be missing."""
    if find_spec("onnxruntime") is None:
        return []
    import onnxruntime

    return [name for name in ACCELERATORS if name in onnxruntime.get_available_providers()]


class OnnxRuntime:
    """A network run by ONNX Runtime in float32; implements :class:`core.runtimes.base.Runtime`.

    It reads the graph as it is. Masks are made by a second session, whose graph begins with them, unless it takes
    one image at a time.

    Args:
        bundle: the model; verified before use.
        threads: CPU threads, or None for its own choice.

    Raises:
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if ONNX Runtime is missing, can't run the graph or does not agree with torch, or if the
            bundle has no graph.
    """

    name = "onnxruntime"
    precision = "float32"

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        if find_spec("onnxruntime") is None:
            raise RuntimeUnavailableError(
                "ONNX Runtime is not installed.", remedy=f"{how_to_add('onnxruntime')} Or choose another runtime."
            )
        self._graph = bundle.verified_graph()
        self.layer = get_architecture(bundle.card.network).layer
        self.notice = ""
        self._threads = threads
        self._session = self._loaded(self._graph)
        provider = self._session.get_providers()[0]
        self.device, self.batch_size = ("CPU", 8) if provider == CPU else (ACCELERATORS[provider][0], 32)
        self._at_once = 1 if self._session.get_inputs()[0].shape[0] == 1 else self.batch_size
        self._probe = probe_input(bundle.card.preprocessing)
        logits, maps = self.forward_with_maps(self._probe)
        check_agreement(logits, expected_logits(bundle.card), "ONNX Runtime")
        self._map_size: tuple[int, int] = maps.shape[2:]
        self._masks: onnxruntime.InferenceSession | None = None

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits (N, C) for normalised images (N, 3, H, W)."""
        return np.concatenate([self._session.run([LOGITS], {INPUT: part})[0] for part in self._parts(batch)])

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and the last spatial feature maps (N, K, h, w)."""
        found = [self._session.run([LOGITS, MAPS], {INPUT: part}) for part in self._parts(batch)]
        logits, maps = zip(*found, strict=True)
        return np.concatenate(logits), np.concatenate(maps)

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int], *, half: bool = False) -> MaskScorer:
        """Return a function from feature maps (n, h, w) to the logits (n, C) of the masked image."""
        if map_size != self._map_size or self._at_once == 1:
            return mask_scorer(self.forward, image, map_size, self.batch_size)
        return lambda maps: self._masked(image, maps)

    def prepare_masks(self) -> None:
        """Load the graph with masks in front of it, and check them against NumPy's, unless that has been done."""
        if self._masks is not None or self._at_once == 1:
            return
        import onnx

        ramp = np.linspace(0, 1, math.prod(self._map_size), dtype=np.float32).reshape(1, *self._map_size)
        expected = self.forward(Masker(self._probe, self._map_size, 1).masked(ramp))
        session = self._loaded(masked_graph(onnx.load(self._graph, load_external_data=False), self._map_size))
        found = session.run([LOGITS], {GIVEN_MAPS: ramp, INPUT: self._probe})[0]
        check_agreement(found, expected, "ONNX Runtime")
        self._masks = session

    def _masked(self, image: FloatArray, maps: FloatArray) -> FloatArray:
        self.prepare_masks()
        assert self._masks is not None  # noqa: S101 - for the type checker
        return np.asarray(self._masks.run([LOGITS], {GIVEN_MAPS: np.ascontiguousarray(maps), INPUT: image})[0])

    def _parts(self, batch: FloatArray) -> list[FloatArray]:
        """Return a batch in parts that the graph takes, and that need no more memory than a batch of masks."""
        return [batch[i : i + self._at_once] for i in range(0, len(batch), self._at_once)]

    def _loaded(self, graph: Path | bytes) -> onnxruntime.InferenceSession:
        import onnxruntime

        onnxruntime.disable_telemetry_events()  # on Windows; elsewhere the variables in core/__init__.py count
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.intra_op_num_threads = self._threads or 0
        # int8 is how weights are stored, not how they are computed with: unpack them once, not at each forward
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(self._graph.parent)
        )
        providers = [(name, ACCELERATORS[name][1]) for name in accelerators()]
        try:
            return onnxruntime.InferenceSession(
                graph if isinstance(graph, bytes) else str(graph), options, providers=[*providers, CPU]
            )
        except Exception as cause:  # its errors have no base of their own
            raise RuntimeUnavailableError(f"ONNX Runtime can't run this network ({cause}).") from cause


ONNX = RuntimeKind("onnxruntime", "ONNX Runtime", OnnxRuntime, lambda: 1 if accelerators() else 3, "onnxruntime")
