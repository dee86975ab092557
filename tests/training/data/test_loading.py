import pytest

from training.data.layouts.manifest import read_manifest
from training.data.loading import DatasetError, in_batches, of_split, open_dataset

ROWS = "path,label,split,population\na.png,cat,train,adult\nb.png,dog,test,child\nc.png,cat,test,\n"


def test_a_manifest_is_read_with_its_further_columns(tmp_path):
    (tmp_path / "manifest.csv").write_text(ROWS)
    samples = read_manifest(tmp_path)
    assert [s.label for s in samples] == ["cat", "dog", "cat"]
    assert samples[0].path == tmp_path / "a.png"
    assert samples[1].facts == {"population": "child"}
    assert [s.path.name for s in of_split(samples, "test", ("cat", "dog"))] == ["b.png", "c.png"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no manifest.csv"), ("path,label\n", "'split'"), ("path,label,split\n", "no rows")],
)
def test_an_unusable_manifest_is_refused_with_the_reason(content, said, tmp_path):
    if content is not None:
        (tmp_path / "manifest.csv").write_text(content)
    with pytest.raises(DatasetError, match=said) as caught:
        read_manifest(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_missing_split_and_a_strange_label_are_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text(ROWS)
    samples = read_manifest(tmp_path)
    with pytest.raises(DatasetError, match="split 'val'"):
        of_split(samples, "val", ("cat", "dog"))
    with pytest.raises(DatasetError, match="'dog' is not one of"):
        of_split(samples, "test", ("cat",))


def test_batches_keep_the_order_and_the_remainder():
    assert [len(b) for b in in_batches(list(range(10)), 4)] == [4, 4, 2]
    assert [x for b in in_batches(list(range(10)), 4) for x in b] == list(range(10))


def test_a_manifest_without_split_gets_one_by_group(tmp_path):
    rows = [f"{i}.png,{'ab'[i // 2 % 2]},g{i // 2}" for i in range(200)]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,label,group_id", *rows]))
    found = open_dataset(tmp_path, seed=3)
    assert found.kind == "manifest"
    assert {(s.split, s.label) for s in found.samples} == {(s, c) for s in ("train", "val", "test") for c in "ab"}
    assert all(a.split == b.split for a, b in zip(found.samples[::2], found.samples[1::2], strict=True))
    assert "seed 3" in found.split_made
    assert open_dataset(tmp_path, seed=3).digest() == found.digest() != open_dataset(tmp_path, seed=4).digest()


def test_the_digest_is_of_the_list_and_not_of_its_place_or_order(tmp_path):
    digests = []
    for name, rows in (("x", ROWS), ("y", ROWS), ("z", ROWS.replace("b.png,dog,test", "b.png,dog,val"))):
        (tmp_path / name).mkdir()
        lines = rows.splitlines()
        (tmp_path / name / "manifest.csv").write_text("\n".join([lines[0], *sorted(lines[1:], reverse=name == "y")]))
        digests.append(open_dataset(tmp_path / name).digest())
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("path,label,split\na.png,cat,holdout\n", "'holdout'"),
        ("path,label,split\na.png,cat,train\nb.png,cat,\n", "split ''"),
        ("path,label,split\na.png,cat\n", "Line 2"),
        ("path,label,split\n,cat,train\n", "Line 2"),
        ("path,label,split\n\xff\xfe", "not a readable CSV"),
    ],
)
def test_a_faulty_manifest_is_refused_with_the_line_or_value(content, said, tmp_path):
    (tmp_path / "manifest.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(DatasetError, match=said):
        open_dataset(tmp_path)


def test_a_folder_without_a_data_set_is_refused_with_the_layouts(tmp_path):
    with pytest.raises(DatasetError, match="COVID-QU-Ex, LC25000"):
        open_dataset(tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        open_dataset(tmp_path / "missing")


def test_the_shared_sets_are_read_with_their_given_splits(shared_data):
    chest, tiles = (open_dataset(shared_data / name) for name in ("chest_xray", "lung_colon"))
    assert (len(chest.samples), len(tiles.samples)) == (8476, 5000)
    assert chest.classes == ("COVID-19", "Non-COVID", "Normal")
    assert len(of_split(tiles.samples, "test", tiles.classes)) == 750
