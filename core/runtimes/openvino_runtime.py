"""The OpenVINO runtime, the fastest on a CPU. It reads a bundle's graph as it is."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import RuntimeUnavailableError
from core.models.architectures import get_architecture
from core.models.probe import probe_input
from core.runtimes.base import AGREEMENT, MASK_AGREEMENT, RuntimeKind, check_agreement, expected_logits
from core.runtimes.masks import Masker, MaskScorer, mask_scorer
from core.runtimes.openvino_folding import fold_constants
from core.runtimes.openvino_masks import masked_network
from core.runtimes.openvino_winograd import suited_convolutions, use_winograd
from core.system.cpu_count import usable_cores
from core.system.cpu_features import multiplies_bfloat16_matrices
from core.system.openvino_core import openvino_core

if TYPE_CHECKING:
    import openvino

    from core.models.bundle import Bundle

FloatArray = npt.NDArray[np.float32]

IMAGES_PER_STREAM = 4
MOST_STREAMS = 8
# left to itself OpenVINO computes in bfloat16 where the processor can, which moves the logits
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}
BFLOAT16 = {"INFERENCE_PRECISION_HINT": "bf16"}
HALF_AGREEMENT = 0.25  # eight bits of mantissa; a wrong network is off by more


@dataclass(frozen=True)
class _Streams:
    """Requests that run side by side, one on each core, and how many images each takes at once."""

    requests: list[openvino.InferRequest]
    images: int


class OpenVinoRuntime:
    """A network run by OpenVINO on the CPU; implements :class:`core.runtimes.base.Runtime`.

    It is compiled for each use when that is first needed: for a single image on all cores, which is fastest; for the
    logits of batches, and of one image under many masks, on one stream for each core, which has the highest throughput.
    All shapes are fixed: transformers are clearly slower where the number of images may vary. Images that do not fill a
    batch are computed one by one. In float32, streams compute VGG19's wide convolutions by Winograd's filtering, and
    then take one image at a time; so do graphs that were exported for one.

    Args:
        bundle: the model; verified before use.
        threads: CPU threads, or None for OpenVINO's own choice.
        half: compute everything in bfloat16 where that is faster. Logits then differ by some hundredths, which training
            bears; what is shown to a person is computed in float32, except for the masks of fast heat maps.

    Raises:
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if OpenVINO is missing, can't run the graph or does not agree with torch, or if the
            bundle has no graph.
    """

    name = "openvino"
    device = "CPU"

    def __init__(self, bundle: Bundle, threads: int | None = None, *, half: bool = False) -> None:
        try:
            core = openvino_core()
        except ImportError as cause:
            raise RuntimeUnavailableError(
                f"OpenVINO is not installed ({cause}).", remedy="Install it or choose the torch runtime."
            ) from cause
        graph = bundle.verified_graph()
        self.layer = get_architecture(bundle.card.network).layer
        self.notice = ""
        self._half = half and multiplies_bfloat16_matrices()
        self._half_masks = multiplies_bfloat16_matrices()
        self.precision = "bfloat16" if self._half else "float32"
        self._agreement = HALF_AGREEMENT if self._half else AGREEMENT
        self._settings: dict[str, str | int] = {}
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        self._stream_count = min(MOST_STREAMS, threads or usable_cores())
        self.batch_size = IMAGES_PER_STREAM * self._stream_count
        self._lock = threading.Lock()
        self._probe = probe_input(bundle.card.preprocessing)
        self._streams: _Streams | None = None
        self._masked_streams: dict[bool, _Streams] = {}  # in half precision, and in that of the runtime
        self._expected = expected_logits(bundle.card)
        try:
            self._model = core.read_model(graph)
        except RuntimeError as cause:
            raise RuntimeUnavailableError(f"OpenVINO can't read the graph of {bundle.id} ({cause}).") from cause
        self._images = 1 if self._model.input(0).get_partial_shape()[0] == 1 else IMAGES_PER_STREAM
        network = self._reshaped(1)
        (self._single,) = self._compiled(network, "LATENCY", 1, half=self._half)
        check_agreement(self._one(self._probe)[0], self._expected, "OpenVINO", self._agreement)
        _, _, rows, columns = network.output(1).shape
        self._map_size = rows, columns
        self._has_filtered = bool(suited_convolutions(network))

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits (N, C) for normalised images (N, 3, H, W)."""
        whole = len(batch) - len(batch) % self.batch_size
        with self._lock:
            found = [self._batch(batch[i : i + self.batch_size]) for i in range(0, whole, self.batch_size)]
            found.extend(self._one(batch[i : i + 1])[0] for i in range(whole, len(batch)))
        return np.concatenate(found)

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and the last spatial feature maps (N, K, h, w)."""
        with self._lock:
            found = [self._one(batch[i : i + 1]) for i in range(len(batch))]
        logits, maps = zip(*found, strict=True)
        return np.concatenate(logits), np.concatenate(maps)

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int], *, half: bool = False) -> MaskScorer:
        """Return a function from feature maps (n, h, w) to the logits (n, C) of the masked image."""
        if half and self._scores_in_half():
            return lambda maps: self._masked(image, maps, half=True)
        few = mask_scorer(self.forward, image, map_size, self.batch_size)
        at_once = self._stream_images(self._half) * self._stream_count
        return lambda maps: few(maps) if len(maps) % at_once else self._masked(image, maps, half=self._half)

    def prepare_masks(self) -> None:
        """Compile the network with masks in front of it, and check them against NumPy's, unless that has been done."""
        if not self._scores_in_half():
            self._prepared_masks(half=self._half)

    def _scores_in_half(self) -> bool:
        """Return whether masks can be scored in bfloat16 here, having compiled what that takes."""
        if self._half_masks:
            try:
                self._prepared_masks(half=True)
            except RuntimeUnavailableError:  # a network that bfloat16 is too coarse for
                self._half_masks = False
        return self._half_masks

    def _prepared_masks(self, *, half: bool) -> _Streams:
        """Return the streams that take feature maps and an image.

        Raises:
            RuntimeUnavailableError: if they can't be compiled, or their logits differ from those of NumPy's masks.
        """
        with self._lock:
            if half not in self._masked_streams:
                streams = self._stream_requests(half=half, with_masks=True)
                ramp = np.linspace(0, 1, math.prod(self._map_size), dtype=np.float32).reshape(1, *self._map_size)
                expected, _ = self._one(Masker(self._probe, self._map_size, 1).masked(ramp))
                found = _logits(streams.requests[:1], [{0: np.repeat(ramp, streams.images, axis=0), 1: self._probe}])
                allowed = MASK_AGREEMENT if half and not self._half else self._agreement
                check_agreement(found, np.repeat(expected, streams.images, axis=0), "OpenVINO", allowed)
                self._masked_streams[half] = streams
            return self._masked_streams[half]

    def _masked(self, image: FloatArray, maps: FloatArray, *, half: bool) -> FloatArray:
        """Return the logits (n, C) of an image masked by maps (n, h, w); shares of a stream are filled with zeros."""
        streams = self._prepared_masks(half=half)
        filled = np.zeros((len(maps) + -len(maps) % streams.images, *maps.shape[1:]), np.float32)
        filled[: len(maps)] = maps
        with self._lock:
            shares = np.split(filled, len(filled) // streams.images)
            return _logits(streams.requests, [{0: share, 1: image} for share in shares])[: len(maps)]

    def _batch(self, batch: FloatArray) -> FloatArray:
        """Return the logits (batch size, C) of a whole batch."""
        if self._streams is None:
            streams = self._stream_requests(half=self._half)
            found = _logits(streams.requests[:1], [{0: np.repeat(self._probe, streams.images, axis=0)}])
            check_agreement(found, np.repeat(self._expected, streams.images, axis=0), "OpenVINO", self._agreement)
            self._streams = streams
        shares = np.split(batch, len(batch) // self._streams.images)
        return _logits(self._streams.requests, [{0: share} for share in shares])

    def _one(self, image: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the logits (1, C) and the maps (1, K, h, w) of one image."""
        output = self._single.infer({0: image}, share_inputs=True)
        return np.array(output[0]), np.array(output[1])

    def _reshaped(self, images: int) -> openvino.Model:
        """Return the network for so many images, with its weights unpacked: float32, as they are computed with."""
        network = self._model.clone()
        network.reshape([images, *self._probe.shape[1:]])
        fold_constants(network)
        return network

    def _stream_images(self, half: bool) -> int:
        """Return how many images a stream takes at once."""
        return 1 if self._has_filtered and not half else self._images

    def _stream_network(self, *, half: bool) -> openvino.Model:
        """Return the network that a stream runs, for its share of a batch; its only output is the logits."""
        import openvino

        network = self._reshaped(self._stream_images(half))
        network = openvino.Model(network.outputs[:1], network.get_parameters())
        if not half:
            use_winograd(network)
        return network

    def _stream_requests(self, *, half: bool, with_masks: bool = False) -> _Streams:
        network = self._stream_network(half=half)
        if with_masks:
            network = masked_network(network, self._map_size)
        return _Streams(self._compiled(network, "THROUGHPUT", self._stream_count, half=half), self._stream_images(half))

    def _compiled(self, network: openvino.Model, hint: str, streams: int, *, half: bool) -> list[openvino.InferRequest]:
        """Compile a network and return its requests, one for each stream.

        Raises:
            RuntimeUnavailableError: if it can't be compiled.
        """
        precision = BFLOAT16 if half else FLOAT32
        settings = {"PERFORMANCE_HINT": hint, **self._settings, **precision, "NUM_STREAMS": streams}
        try:
            compiled = openvino_core().compile_model(network, "CPU", settings)
        except RuntimeError as cause:
            raise RuntimeUnavailableError(f"OpenVINO can't compile this network ({cause}).") from cause
        return [compiled.create_infer_request() for _ in range(streams)]


def _logits(requests: list[openvino.InferRequest], inputs: list[dict[int, FloatArray]]) -> FloatArray:
    """Return the logits for all inputs, in their order; the requests run side by side."""
    found = []
    for start in range(0, len(inputs), len(requests)):
        running = list(zip(requests, inputs[start:], strict=False))
        for request, given in running:
            request.start_async(given, share_inputs=True)
        for request, _ in running:
            request.wait()
            found.append(np.array(request.get_output_tensor(0).data))
    return np.concatenate(found)


OPENVINO = RuntimeKind("openvino", "OpenVINO", OpenVinoRuntime, lambda: 2)
