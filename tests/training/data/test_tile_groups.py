import csv
from collections import Counter

from dataset_samples import original_tile, save, sibling

from training.data.tile_groups import group_tiles


def quiet(_what, _done, _total):
    pass


def test_mirrored_turned_and_zoomed_siblings_are_joined_and_only_within_a_class(tmp_path):
    tiles = [(original, number) for original in range(4) for number in range(4)]
    paths = [save(tmp_path / f"{o}-{n}.jpeg", sibling(original_tile(o), 10 * o + n)) for o, n in tiles]
    broken = tmp_path / "broken.jpeg"
    broken.write_bytes(b"\xff\xd8\xff")
    groups = group_tiles([*paths, broken], [*("a" if o < 3 else "ab"[n % 2] for o, n in tiles), "a"], quiet)
    sizes = Counter(groups)
    assert [sizes[g] for g in groups[:12]] == [4] * 12
    assert all(len(set(groups[4 * o : 4 * o + 4])) == 1 for o in range(3))
    assert groups[12] == groups[14] != groups[13] == groups[15]
    assert sizes[groups[-1]] == 1


def test_groups_of_real_tiles_are_those_that_are_given(shared_data, tmp_path):
    """Pairs of 40 tiles a class of two classes."""
    folder = shared_data / "lung_colon"
    with (folder / "manifest.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["group_id"])
    rows = [row for label in ("lung_aca", "colon_n") for row in [r for r in rows if r["label"] == label][:40]]
    groups = group_tiles([folder / row["path"] for row in rows], [row["label"] for row in rows], quiet)
    given = [row["group_id"] for row in rows]
    pairs = [(i, j) for i in range(len(rows)) for j in range(i)]
    found = {(i, j) for i, j in pairs if groups[i] == groups[j]}
    true = {(i, j) for i, j in pairs if given[i] == given[j]}
    assert len(found & true) / len(found) >= 0.98, "purity"
    assert len(found & true) / len(true) >= 0.90, "completeness"
