"""The OpenVINO runtime, the fastest on a CPU.

Every start checks the agreement with torch's logits that are kept with the converted network. What does not agree is
made anew once, since a file on disk may have been damaged.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.architectures import get_architecture
from core.errors import RuntimeUnavailableError
from core.masks import MaskScorer, mask_scorer
from core.openvino_conversion import COMPILED_FOLDER, MODEL_FILE, PROBE_FILE, converted_network
from core.runtime import check_agreement, probe_input

if TYPE_CHECKING:
    from core.bundle import Bundle

FloatArray = npt.NDArray[np.float32]


class OpenVinoRuntime:
    """A network run by OpenVINO on the CPU in float32; implements :class:`core.runtime.Runtime`.

    It is compiled three times, each when first needed: for the logits of a single image on all cores, which answers
    soonest; for a single image's logits and maps; and for the logits of batches, whose images are shared out to one
    stream a core, which gets a fifth more of OFA-595 through.

    Args:
        bundle: the model; verified before use.
        threads: CPU threads, or None for OpenVINO's own choice.

    Raises:
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if OpenVINO is missing, can't convert the network or does not agree with torch.
    """

    name = "openvino"
    device = "CPU"
    precision = "float32"
    batch_size = 8

    def __init__(self, bundle: Bundle, threads: int | None = None) -> None:
        try:
            import openvino
        except ImportError as cause:
            raise RuntimeUnavailableError(
                f"OpenVINO is not installed ({cause}).", remedy="Install it or choose the torch runtime."
            ) from cause
        bundle.verify()
        self.layer = get_architecture(bundle.card.network).layer
        self.notice = ""
        # left to itself OpenVINO computes in bfloat16 where the processor can, which moves the logits
        self._settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        self._core = openvino.Core()
        self._lock = threading.Lock()
        self._probe = probe_input(bundle.card.preprocessing)
        self._with_maps: Any = None
        self._streams: list[Any] = []
        try:
            self._open(converted_network(bundle))
        except RuntimeUnavailableError:
            shutil.rmtree(converted_network(bundle), ignore_errors=True)
            self._open(converted_network(bundle))

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits (N, C) for normalised images (N, 3, H, W)."""
        with self._lock:
            if len(batch) == 1:
                return np.array(self._single.infer({0: batch}, share_inputs=True)[0])
            if not self._streams:
                self._streams = self._compiled(maps=False, single=False)
            shares = np.array_split(batch, min(len(batch), len(self._streams)))
            busy = list(zip(self._streams, shares, strict=False))
            for request, share in busy:
                request.start_async({0: share}, share_inputs=True)
            for request, _share in busy:
                request.wait()
            return np.concatenate([request.get_output_tensor(0).data for request, _share in busy])

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and the last spatial feature maps (N, K, h, w)."""
        with self._lock:
            if self._with_maps is None:
                (self._with_maps,) = self._compiled(maps=True, single=True)
            found = []
            for i in range(len(batch)):
                answer = self._with_maps.infer({0: batch[i : i + 1]}, share_inputs=True)
                found.append((np.array(answer[0]), np.array(answer[1])))
        logits, maps = zip(*found, strict=True)
        return np.concatenate(logits), np.concatenate(maps)

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int]) -> MaskScorer:
        """Return a function from feature maps (n, h, w) to the logits (n, C) of the masked image."""
        return mask_scorer(self.forward, image, map_size, self.batch_size)

    def _open(self, entry: Path) -> None:
        """Read the converted network, compile it for a single image and check that it agrees with torch."""
        self._settings["CACHE_DIR"] = str(entry / COMPILED_FOLDER)
        try:
            self._expected: FloatArray = np.load(entry / PROBE_FILE)
            self._model = self._core.read_model(entry / MODEL_FILE)
        except (RuntimeError, OSError, ValueError) as cause:
            raise RuntimeUnavailableError(f"OpenVINO can't read the converted network ({cause}).") from cause
        (self._single,) = self._compiled(maps=False, single=True)

    def _compiled(self, *, maps: bool, single: bool) -> list[Any]:
        """Compile the network for one use and return its requests, one for each stream, checked against torch.

        Raises:
            RuntimeUnavailableError: if it can't be compiled or does not agree.
        """
        import openvino

        outputs = self._model.outputs if maps else self._model.outputs[:1]
        model = openvino.Model(outputs, self._model.get_parameters()).clone()
        if single:
            model.reshape(list(self._probe.shape))
        hint = "LATENCY" if single else "THROUGHPUT"
        try:
            compiled = self._core.compile_model(model, "CPU", {**self._settings, "PERFORMANCE_HINT": hint})
        except RuntimeError as cause:
            raise RuntimeUnavailableError(f"OpenVINO can't compile this network ({cause}).") from cause
        streams = 1 if single else int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        requests = [compiled.create_infer_request() for _ in range(streams)]
        check_agreement(requests[0].infer({0: self._probe})[0], self._expected, "OpenVINO")
        return requests
