"""The OpenVINO runtime, the fastest on a CPU. It reads a bundle's graph as it is."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import RuntimeUnavailableError
from core.models.architectures import get_architecture
from core.models.probe import probe_input
from core.runtimes.base import AGREEMENT, RuntimeKind, check_agreement, expected_logits
from core.runtimes.masks import Masker, MaskScorer, mask_scorer
from core.runtimes.openvino_masks import masked_network
from core.runtimes.openvino_winograd import suited_convolutions, use_winograd
from core.system.cpu_count import usable_cores

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


class OpenVinoRuntime:
    """A network run by OpenVINO on the CPU; implements :class:`core.runtimes.base.Runtime`.

    It is compiled for each use when that is first needed: for a single image on all cores, which is fastest; for the
    logits of batches, and of one image under many masks, on one stream for each core, which has the highest throughput.
    All shapes are fixed: transformers are clearly slower where the number of images may vary. Images that do not fill a
    batch are computed one by one. Streams compute VGG19's wide convolutions by Winograd's filtering, and then take one
    image at a time; so do graphs that were exported for one.

    Args:
        bundle: the model; verified before use.
        threads: CPU threads, or None for OpenVINO's own choice.
        half: compute in bfloat16 where the processor has it (:func:`computes_bfloat16`). Logits then differ by some
            hundredths, which training bears; what is shown to a person is computed in float32.

    Raises:
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if OpenVINO is missing, can't run the graph or does not agree with torch, or if the
            bundle has no graph.
    """

    name = "openvino"
    device = "CPU"

    def __init__(self, bundle: Bundle, threads: int | None = None, *, half: bool = False) -> None:
        try:
            import openvino
        except ImportError as cause:
            raise RuntimeUnavailableError(
                f"OpenVINO is not installed ({cause}).", remedy="Install it or choose the torch runtime."
            ) from cause
        graph = bundle.verified_graph()
        self.layer = get_architecture(bundle.card.network).layer
        self.notice = ""
        self._half = half and computes_bfloat16()
        self.precision = "bfloat16" if self._half else "float32"
        self._agreement = HALF_AGREEMENT if self._half else AGREEMENT
        self._settings: dict[str, str | int] = {**(BFLOAT16 if self._half else FLOAT32)}
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        self._stream_count = min(MOST_STREAMS, threads or usable_cores())
        self.batch_size = IMAGES_PER_STREAM * self._stream_count
        self._core = openvino.Core()
        self._core.set_property({"ENABLE_MMAP": False})  # a bundle in use can be replaced, also on Windows
        self._lock = threading.Lock()
        self._probe = probe_input(bundle.card.preprocessing)
        self._streams: list[openvino.InferRequest] = []
        self._masked_streams: list[openvino.InferRequest] = []
        self._expected = expected_logits(bundle.card)
        try:
            self._model = self._core.read_model(graph)
        except RuntimeError as cause:
            raise RuntimeUnavailableError(f"OpenVINO can't read the graph of {bundle.id} ({cause}).") from cause
        takes_one = self._model.input(0).get_partial_shape()[0] == 1
        network = self._reshaped(1)
        (self._single,) = self._compiled(network, [self._probe], self._expected)
        _, _, rows, columns = network.output(1).shape
        self._map_size = rows, columns
        filtered = not self._half and suited_convolutions(network)
        self._stream_images = 1 if takes_one or filtered else IMAGES_PER_STREAM

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

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int]) -> MaskScorer:
        """Return a function from feature maps (n, h, w) to the logits (n, C) of the masked image."""
        few = mask_scorer(self.forward, image, map_size, self.batch_size)
        at_once = self._stream_images * self._stream_count
        return lambda maps: few(maps) if len(maps) % at_once else self._masked(image, maps)

    def prepare_masks(self) -> None:
        """Compile the network with masks in front of it, and check them against NumPy's, unless that has been done."""
        with self._lock:
            if self._masked_streams:
                return
            ramp = np.linspace(0, 1, math.prod(self._map_size), dtype=np.float32).reshape(1, *self._map_size)
            expected, _ = self._one(Masker(self._probe, self._map_size, 1).masked(ramp))
            probe = [np.repeat(ramp, self._stream_images, axis=0), self._probe]
            network = masked_network(self._stream_network(), self._map_size)
            self._masked_streams = self._compiled(network, probe, expected, for_streams=True)

    def _masked(self, image: FloatArray, maps: FloatArray) -> FloatArray:
        """Return the logits (n, C) of an image masked by as many maps (n, h, w) as fill all streams."""
        self.prepare_masks()
        with self._lock:
            shares = self._shares(np.ascontiguousarray(maps))
            return _logits(self._masked_streams, [{0: share, 1: image} for share in shares])

    def _batch(self, batch: FloatArray) -> FloatArray:
        """Return the logits (batch size, C) of a whole batch."""
        if not self._streams:
            probe = np.repeat(self._probe, self._stream_images, axis=0)
            self._streams = self._compiled(self._stream_network(), [probe], self._expected, for_streams=True)
        return _logits(self._streams, [{0: share} for share in self._shares(batch)])

    def _one(self, image: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the logits (1, C) and the maps (1, K, h, w) of one image."""
        output = self._single.infer({0: image}, share_inputs=True)
        return np.array(output[0]), np.array(output[1])

    def _shares(self, batch: FloatArray) -> list[FloatArray]:
        """Return images or maps in the shares that streams take at once."""
        return np.split(batch, len(batch) // self._stream_images)

    def _reshaped(self, images: int) -> openvino.Model:
        """Return the network for so many images, with its weights unpacked: float32, as they are computed with."""
        from openvino.passes import ConstantFolding, Manager

        network = self._model.clone()
        network.reshape([images, *self._probe.shape[1:]])
        passes = Manager()
        passes.register_pass(ConstantFolding())
        passes.run_passes(network)
        return network

    def _stream_network(self) -> openvino.Model:
        """Return the network that a stream runs, for its share of a batch; its only output is the logits."""
        import openvino

        network = self._reshaped(self._stream_images)
        network = openvino.Model(network.outputs[:1], network.get_parameters())
        if not self._half:
            use_winograd(network)
        return network

    def _compiled(
        self, network: openvino.Model, probe: list[FloatArray], expected: FloatArray, *, for_streams: bool = False
    ) -> list[openvino.InferRequest]:
        """Compile a network and return its requests, one for each stream, checked.

        Args:
            network: what to compile.
            probe: its inputs, on which it is checked.
            expected: the logits (1, C) of each image in them.
            for_streams: whether streams share the cores, or one request takes them all.

        Raises:
            RuntimeUnavailableError: if it can't be compiled or does not agree.
        """
        streams = self._stream_count if for_streams else 1
        hint = "THROUGHPUT" if for_streams else "LATENCY"
        settings = {"PERFORMANCE_HINT": hint, **self._settings, "NUM_STREAMS": streams}
        try:
            compiled = self._core.compile_model(network, "CPU", settings)
        except RuntimeError as cause:
            raise RuntimeUnavailableError(f"OpenVINO can't compile this network ({cause}).") from cause
        requests = [compiled.create_infer_request() for _ in range(streams)]
        found = requests[0].infer(dict(enumerate(probe)))[0]
        check_agreement(found, np.repeat(expected, len(probe[0]), axis=0), "OpenVINO", self._agreement)
        return requests


def computes_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16 (AMX or AVX-512), as OpenVINO finds."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


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
