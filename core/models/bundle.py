"""A trained model on disk, verified before use: ``card.json``, ``graph.onnx`` and ``weights.safetensors``.

The graph is the network as a standard ONNX model; its weights are in the weights file. Bundles of older versions have
no graph, and only torch can run them. A fourth file, ``novelty.safetensors``, holds the statistics that recognise
images outside the training data; it may be missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from core.errors import BundleError, RuntimeUnavailableError, UsageError
from core.models.architectures import build_network, get_architecture, model_name
from core.models.card import CARD_FORMAT, Card
from core.models.packing import State, unpack_state
from core.onnx.check import MAX_GRAPH_BYTES, check_graph
from core.uncertainty.novelty import NoveltyGate, read_gate

if TYPE_CHECKING:
    from torch import nn

WEIGHTS_FILE = "weights.safetensors"
CARD_FILE = "card.json"
GRAPH_FILE = "graph.onnx"
NOVELTY_FILE = "novelty.safetensors"
# every file that can be part of a bundle, and how many bytes it may have
FILE_LIMITS = {CARD_FILE: 10**6, GRAPH_FILE: MAX_GRAPH_BYTES, WEIGHTS_FILE: 2 * 10**9, NOVELTY_FILE: 16 * 10**6}
LABEL_MARK = "+"  # in the name of a folder, between the network and the label
NAMES = {GRAPH_FILE: "graph", WEIGHTS_FILE: "weights", NOVELTY_FILE: "novelty statistics"}
MAX_TENSOR_NAMES_BYTES = 4_000_000  # of a safetensors file's header
# what could control a terminal, or reverse the direction of text so that it reads as something else
CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Bundle:
    """A model bundle whose card has been read and validated.

    Attributes:
        directory: the folder that holds its files.
        card: the validated card.
    """

    directory: Path
    card: Card

    @property
    def id(self) -> str:
        """The identifier, ``task/role-model``, which is also its place below the weights folder."""
        return f"{self.card.task}/{self.card.role}-{self.model}"

    @property
    def model(self) -> str:
        """What tells it from others of its task and role: the network's identifier, with its label where it has one."""
        return self.card.model + (LABEL_MARK + self.label if self.label else "")

    @property
    def label(self) -> str:
        """What tells it from other models of its network, by the name of its folder; empty for the only or first."""
        stem, _mark, label = self.directory.name.partition(LABEL_MARK)
        return label if stem == f"{self.card.role}-{self.card.model}" else ""

    @property
    def name(self) -> str:
        """The network's name, e.g. ``OFA-595``, or ``OFA-595 (2024)`` for one with a label."""
        return model_name(self.card.model) + (f" ({self.label})" if self.label else "")

    @property
    def weights_path(self) -> Path:
        """Path of the weights file."""
        return self.directory / WEIGHTS_FILE

    @property
    def weights_bytes(self) -> int:
        """Size of the weights file in bytes, 0 if it is missing."""
        return self.weights_path.stat().st_size if self.weights_path.is_file() else 0

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that make up the bundle."""
        return (CARD_FILE, *self._checksums())

    @property
    def has_graph(self) -> bool:
        """Whether the bundle has a graph, so that it runs without torch."""
        return self.card.graph_sha256 is not None

    def verify(self) -> None:
        """Compare the weights, and the graph and the novelty statistics if there are any, with the card's checksums.

        Raises:
            BundleError: if a file is missing, too large, or any byte has changed.
        """
        for name in self._checksums():
            self._verify_file(name)

    def verified_graph(self) -> Path:
        """Return the path of the graph once it and its weights are verified: where every runtime of graphs begins.

        Raises:
            BundleError: if a file fails verification, or the graph holds what no network needs.
            RuntimeUnavailableError: if the bundle has no graph.
        """
        if not self.has_graph:
            raise RuntimeUnavailableError(
                f"{self.id} has no graph, as older versions made models.",
                remedy=f"Where torch is installed, run: python -m core upgrade {self.id}",
            )
        self._verify_file(GRAPH_FILE)
        self._verify_file(WEIGHTS_FILE)
        path = self.directory / GRAPH_FILE
        check_graph(path, {WEIGHTS_FILE})
        return path

    def read_gate(self) -> NoveltyGate | None:
        """Return the novelty gate, or None where the bundle has none.

        Raises:
            BundleError: if its file fails verification or does not hold a gate.
        """
        if self.card.novelty_sha256 is None:
            return None
        self._verify_file(NOVELTY_FILE)
        return read_gate(_read_tensors(self.directory / NOVELTY_FILE, "novelty statistics"))

    def _checksums(self) -> dict[str, str]:
        """Return the checksums that the card states, by file."""
        card = self.card
        stated = {
            WEIGHTS_FILE: card.weights_sha256,
            GRAPH_FILE: card.graph_sha256,
            NOVELTY_FILE: card.novelty_sha256,
        }
        return {name: digest for name, digest in stated.items() if digest is not None}

    def _verify_file(self, name: str) -> None:
        path, what, most, expected = self.directory / name, NAMES[name], FILE_LIMITS[name], self._checksums()[name]
        if not path.is_file():
            raise BundleError(f"The bundle has no {name}.", path=self.directory, remedy="Install the bundle again.")
        if path.stat().st_size > most:
            raise BundleError(
                f"The {what} file is larger than {most // 10**6} MB.",
                path=path,
                remedy="This is not a Twinlens bundle.",
            )
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise BundleError(
                f"The {what} file has changed since the bundle was made: checksum {found[:12]}…, the card says "
                f"{expected[:12]}….",
                path=path,
                remedy="Install the bundle again.",
            )

    def read_state(self) -> State:
        """Return the verified weights, dequantised to float32 (integer buffers stay integers).

        Raises:
            BundleError: if the file fails verification or is not a safetensors file.
        """
        self.verify()
        return unpack_state(_read_tensors(self.weights_path, "weights"), self.weights_path)

    def load_network(self) -> nn.Module:
        """Build the torch network and put the verified weights into it; evaluation mode, float32, on the CPU.

        Raises:
            BundleError: if the weights fail verification, lack a tensor, have one of another shape, or one too many.
        """
        import torch

        card = self.card
        network = build_network(card.network, len(card.classes), card.head, card.subnet, card.preprocessing.size)
        expected = network.state_dict()
        needed = sum(value.numel() * value.element_size() for value in expected.values())
        if self.weights_bytes > needed + MAX_TENSOR_NAMES_BYTES:  # before it is read: int8 grows fourfold
            raise BundleError(
                f"The weights file is larger than the weights of {self.name} can be.",
                path=self.weights_path,
                remedy="The card names another network than the weights were made for: install the bundle again.",
            )
        state = self.read_state()
        self._check_keys(
            {k: tuple(v.shape) for k, v in state.items()}, {k: tuple(v.shape) for k, v in expected.items()}
        )
        network.load_state_dict({k: torch.from_numpy(np.asarray(v, order="C")) for k, v in state.items()})
        return network.eval()

    def _check_keys(self, found: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]]) -> None:
        network = f"{self.name} with {len(self.card.classes)} classes"
        remedy = "The card names another network than the weights were made for: install the bundle again."
        if missing := sorted(expected.keys() - found.keys()):
            raise BundleError(
                f"The weights lack {len(missing)} of {len(expected)} tensors of {network}, e.g. {missing[0]!r}.",
                path=self.weights_path,
                remedy=remedy,
            )
        if wrong := [key for key in expected if found[key] != expected[key]]:
            key = wrong[0]
            raise BundleError(
                f"{key!r} has the shape {found[key]}, but {network} needs {expected[key]}.",
                path=self.weights_path,
                remedy=remedy,
            )
        if extra := sorted(found.keys() - expected.keys()):
            raise BundleError(
                f"The weights hold {len(extra)} tensors that {network} does not have, e.g. {extra[0]!r}.",
                path=self.weights_path,
                remedy=remedy,
            )


def read_bundle(directory: Path) -> Bundle:
    """Read and validate a bundle's card; the weights are verified later, when they are used.

    Raises:
        BundleError: if the card is missing, unreadable, of a newer format or not valid.
    """
    path = directory / CARD_FILE
    try:
        if path.exists() and not path.is_file():  # reading a pipe would never end
            raise BundleError("The card is not a file.", path=path, remedy="This is not a Twinlens bundle.")
        if path.stat().st_size > FILE_LIMITS[CARD_FILE]:
            raise BundleError("The card is larger than 1 MB.", path=path, remedy="This is not a Twinlens bundle.")
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as cause:
        raise BundleError(
            f"The bundle has no readable {CARD_FILE} ({cause.strerror}).",
            path=directory,
            remedy="Choose a folder that holds card.json and weights.safetensors.",
        ) from cause
    except (ValueError, RecursionError) as cause:
        raise BundleError(
            f"The card is not valid JSON ({cause}).", path=path, remedy="Install the bundle again."
        ) from cause
    if found := CONTROL_CHARACTERS.search(_all_text(raw)):
        raise BundleError(
            f"The card holds the control character U+{ord(found[0]):04X}, which has no place in it.",
            path=path,
            remedy="Do not trust this bundle: ask whoever made it.",
        )
    version = raw.get("format") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > CARD_FORMAT:
        raise BundleError(
            f"The card has format {version}; this version of Twinlens reads up to format {CARD_FORMAT}.",
            path=path,
            remedy="Update Twinlens to use this bundle.",
        )
    try:
        card = Card.model_validate(raw)
        get_architecture(card.network).check_size(card.preprocessing.size)
    except ValidationError as cause:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'card'}: {e['msg']}" for e in cause.errors()[:5])
        raise BundleError(f"The card is not valid: {faults}.", path=path, remedy="Install the bundle again.") from cause
    except UsageError as cause:
        raise BundleError(cause.problem, path=path, remedy=cause.remedy) from cause
    return Bundle(directory, card)


def _all_text(value: object) -> str:
    """Return all strings in a parsed JSON value, keys too."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(key + _all_text(item) for key, item in value.items())
    return "".join(map(_all_text, value)) if isinstance(value, list) else ""


def _read_tensors(path: Path, what: str) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        stored: State = load_file(path)
    except (SafetensorError, ValueError, OSError) as cause:
        raise BundleError(
            f"The {what} file is not readable as safetensors ({cause}).",
            path=path,
            remedy="Install the bundle again.",
        ) from cause
    return stored
