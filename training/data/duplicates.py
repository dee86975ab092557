"""Find images that are the same picture: the same file, or alike under flips and quarter turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from training.data.fingerprints import HASH_SIZE, WORDS, Fingerprint
from training.data.unreadable import Unreadable

# bits of 256 by which the hashes of one picture may differ: among 8,476 radiographs from nine sources no two that are
# known to be of different patients come as near as 44
NEAR = 31
BAND_BITS = 16
BANDS = HASH_SIZE * HASH_SIZE // BAND_BITS
AT_ONCE = 1 << 21  # pairs that are compared in one go, about 150 MB

Hashes = npt.NDArray[np.uint64]
Pairs = npt.NDArray[np.int64]


def exact_duplicates(prints: Sequence[Fingerprint | Unreadable]) -> list[list[int]]:
    """Return the images, by index, whose files are byte for byte the same, in sets of two or more."""
    same: dict[str, list[int]] = defaultdict(list)
    for i, found in enumerate(prints):
        if isinstance(found, Fingerprint):
            same[found.sha256].append(i)
    return [members for members in same.values() if len(members) > 1]


def near_duplicates(prints: Sequence[Fingerprint | Unreadable]) -> Pairs:
    """Return pairs i < j of images, shape (M, 2), whose pictures are alike under one of eight flips and quarter turns.

    Flat pictures are left out. Of pictures with the very same hash each is paired with the first only, so that a
    thousand copies make a thousand pairs and not half a million: chains of pairs are what counts.
    """
    at = [i for i, found in enumerate(prints) if isinstance(found, Fingerprint) and found.hashes is not None]
    if len(at) < 2:
        return np.empty((0, 2), dtype=np.int64)
    hashes = np.stack([found.hashes for i in at if isinstance(found := prints[i], Fingerprint)])  # type: ignore[misc]
    _values, first, inverse = np.unique(hashes[:, 0], axis=0, return_index=True, return_inverse=True)
    inverse = inverse.ravel()
    repeated = np.flatnonzero(first[inverse] != np.arange(len(at)))
    copies = np.stack([first[inverse[repeated]], repeated], axis=1)
    alike = first[near_pairs(hashes[first])]
    pairs = np.sort(np.array(at)[np.concatenate([copies, alike])], axis=1)
    return np.asarray(pairs[np.lexsort(pairs.T[::-1])], dtype=np.int64)


def near_pairs(hashes: Hashes) -> Pairs:
    """Return all pairs i < j, shape (M, 2), of which one orientation of i is within ``NEAR`` bits of j as it is.

    Multi-index hashing (Norouzi, Punjani, Fleet 2012): hashes are cut into 16 bands of 16 bits. Two that differ in at
    most 31 bits differ in at most one bit of some band, so that looking up each band, and it with each of its bits
    flipped, finds every such pair without comparing all with all.

    Args:
        hashes: shape (N, 8, 4): each picture's orientations, as it is first.
    """
    upright = np.ascontiguousarray(hashes[:, 0])
    asked = np.ascontiguousarray(hashes.reshape(-1, WORDS))
    keys, asked_keys = _bands(upright), _bands(asked)
    flips = np.array([0, *(1 << bit for bit in range(BAND_BITS))], dtype=np.uint16)
    found: set[tuple[int, int]] = set()
    for band in range(BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        starts = np.searchsorted(keys[order, band], np.arange((1 << BAND_BITS) + 1))
        for flip in flips:
            key = asked_keys[:, band] ^ flip
            for queries, members in _expanded(starts[key], starts[key.astype(np.int64) + 1]):
                rows, columns = queries // hashes.shape[1], order[members]
                ahead = rows < columns
                rows, columns = rows[ahead], columns[ahead]
                near = np.bitwise_count(asked[queries[ahead]] ^ upright[columns]).sum(axis=1, dtype=np.int64) <= NEAR
                found.update(zip(rows[near].tolist(), columns[near].tolist(), strict=True))
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def _bands(hashes: Hashes) -> npt.NDArray[np.uint16]:
    """Cut hashes, shape (N, 4), into bands, shape (N, 16), each of bits from all over, which spreads the buckets."""
    bits = np.unpackbits(hashes.view(np.uint8), axis=1)
    spread = bits.reshape(len(hashes), BAND_BITS, BANDS).transpose(0, 2, 1)
    return np.ascontiguousarray(np.packbits(spread, axis=2)).view(np.uint16)[:, :, 0]


def _expanded(starts: Pairs, ends: Pairs) -> Iterator[tuple[Pairs, Pairs]]:
    """Yield (query, position) for each position of each query's range, about ``AT_ONCE`` at a time."""
    queries = np.flatnonzero(ends > starts)
    counts = (ends - starts)[queries]
    block = np.cumsum(counts) // AT_ONCE
    for number in np.unique(block):
        here = block == number
        count = counts[here]
        offsets = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        yield np.repeat(queries[here], count), np.repeat(starts[queries[here]], count) + offsets
