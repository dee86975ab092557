import pytest

from training.datasets import DatasetError, in_batches, of_split, read_manifest

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
