"""Bundles are written here: beside their place, then moved there whole; what was there stays if that fails."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.models.bundle import CARD_FILE, GRAPH_FILE, NOVELTY_FILE, WEIGHTS_FILE, Bundle, read_bundle
from core.models.card import CARD_FORMAT, Card
from core.models.graph_export import linked_graph, probe_logits, trace_network
from core.models.origin import ORIGIN_FILE
from core.models.packing import State, pack_state
from core.system.atomic_files import cannot_write, replace_folder
from core.system.cache import GRAPHS
from core.uncertainty.novelty import NoveltyGate

if TYPE_CHECKING:
    from onnx import ModelProto


def write_bundle(
    target: Path, state: State, card: Card, gate: NoveltyGate | None = None, traced: ModelProto | None = None
) -> Bundle:
    """Write a bundle; one that was there is replaced.

    Args:
        target: the bundle's folder.
        state: float32 tensors of the network, packed here as ``card.storage`` says.
        card: the card; its format, its checksums and the probe's logits are set here.
        gate: the novelty gate, if there is one.
        traced: the network from :func:`core.models.graph_export.trace_network`; without it the bundle has no graph, and
            runs where torch is installed only.

    Returns:
        The bundle on disk.

    Raises:
        BundleError: if there is a graph, and the weights are not those of the network.
        WriteError: if it can't be written, e.g. because the disk is full; what was there stays.
    """
    with _written_beside(target) as staged:
        _write_tensors(staged / WEIGHTS_FILE, pack_state(state, card.storage))
        if gate is not None:
            _write_tensors(staged / NOVELTY_FILE, gate.state())
        card = card.model_copy(update={"graph_sha256": None, "probe_logits": None})
        if traced is not None:
            card = _with_graph(staged, write_card(staged, card), traced)
        write_card(staged, card)
    return read_bundle(target)


def replace_fitted(bundle: Bundle, card: Card, gate: NoveltyGate | None) -> Bundle:
    """Store another novelty gate and card in a bundle, which is replaced whole.

    Args:
        bundle: the bundle; its weights and its graph stay as they are.
        card: the card; its format and the gate's checksum are set here.
        gate: the gate, or None to leave the one that it has.

    Returns:
        The bundle on disk.

    Raises:
        WriteError: if it can't be written, e.g. because the disk is full; what was there stays.
    """
    with _written_beside(bundle.directory) as staged:
        _copy_files(bundle, staged)
        if gate is not None:
            _write_tensors(staged / NOVELTY_FILE, gate.state())
        write_card(staged, card)
    return read_bundle(bundle.directory)


def upgrade_bundle(bundle: Bundle) -> Bundle:
    """Give a bundle of an older version its graph, and its card the newest format; weights and gate stay as they are.

    Args:
        bundle: the bundle; torch must be installed, since its network is built for it.

    Returns:
        The bundle on disk.

    Raises:
        BundleError: if it fails verification.
        ExportError: if torch can't export its network.
        WriteError: if it can't be written, e.g. because the disk is full; what was there stays.
    """
    bundle.verify()
    traced = trace_network(bundle.card)
    with _written_beside(bundle.directory) as staged:
        _copy_files(bundle, staged)
        write_card(staged, _with_graph(staged, bundle.card, traced))
    return read_bundle(bundle.directory)


def with_graph(bundle: Bundle) -> Bundle:
    """Return a bundle that has a graph: itself, or else its weights with a graph, copied to the cache.

    It is for what computes long enough that half a minute of tracing pays off. Torch must be installed.

    Args:
        bundle: a bundle of an older version, or a run; it stays as it is.

    Raises:
        BundleError: if it fails verification.
        ExportError: if torch can't export its network.
        WriteError: if the copy can't be written.
    """
    if bundle.has_graph:
        return bundle
    card = bundle.card.model_copy(update={"novelty_sha256": None})
    facts = (card.weights_sha256, card.network, card.subnet, card.head, card.classes, card.preprocessing.size)
    key = hashlib.sha256(repr(facts).encode()).hexdigest()[:32]
    if (found := GRAPHS.find(key, CARD_FILE, GRAPH_FILE, WEIGHTS_FILE)) is None:
        traced = trace_network(card)
        with GRAPHS.new(key) as folder:
            folder.mkdir()
            shutil.copyfile(bundle.weights_path, folder / WEIGHTS_FILE)
            write_card(folder, _with_graph(folder, card, traced))
        found = GRAPHS.entry(key)
    made = read_bundle(found).card
    own = {"graph_sha256": made.graph_sha256, "probe_logits": made.probe_logits}
    return Bundle(found, card.model_copy(update=own))


def _with_graph(folder: Path, card: Card, traced: ModelProto) -> Card:
    """Write the graph beside the weights, and return the card with torch's logits of the probe."""
    network = Bundle(folder, card).load_network()
    (folder / GRAPH_FILE).write_bytes(linked_graph(traced, folder / WEIGHTS_FILE))
    return card.model_copy(update={"probe_logits": probe_logits(network, card)})


@contextmanager
def _written_beside(target: Path) -> Iterator[Path]:
    """Give a folder that replaces a bundle when it is complete."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            staged = Path(folder) / target.name
            staged.mkdir()
            yield staged
            replace_folder(staged, target)
    except OSError as cause:
        raise cannot_write(target, cause) from cause


def _copy_files(bundle: Bundle, folder: Path) -> None:
    for name in bundle.files:
        shutil.copyfile(bundle.directory / name, folder / name)
    if (bundle.directory / ORIGIN_FILE).is_file():
        shutil.copyfile(bundle.directory / ORIGIN_FILE, folder / ORIGIN_FILE)


def _write_tensors(path: Path, state: State) -> None:
    """Write tensors; a full disk is an OSError, which safetensors' own writer hides."""
    from safetensors.numpy import save

    path.write_bytes(save(state))


def write_card(folder: Path, card: Card) -> Card:
    """Write a card of the newest format, with the checksums of the files in its folder, and return it."""
    digests = {
        "weights_sha256": _digest(folder / WEIGHTS_FILE),
        "graph_sha256": _digest(folder / GRAPH_FILE),
        "novelty_sha256": _digest(folder / NOVELTY_FILE),
    }
    card = card.model_copy(update={"format": CARD_FORMAT, **digests})
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
