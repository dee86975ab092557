from collections import Counter

from dataset_samples import COVID_CLASSES, TILE_STEMS, covid_qu_ex, lc25000, radiograph, save

from training.data.loading import open_dataset
from training.data_check.check import check


def test_covid_qu_ex_keeps_masks_apart_and_each_image_once(tmp_path):
    found = open_dataset(covid_qu_ex(tmp_path, each=2))
    assert found.kind == "COVID-QU-Ex"
    assert found.classes == COVID_CLASSES
    assert Counter(s.split for s in found.samples) == {"train": 6, "val": 6, "test": 6}
    assert {s.path.parent.name for s in found.samples} == {"images"}
    assert Counter(tuple(sorted(s.masks)) for s in found.samples) == {("lung",): 9, ("infection", "lung"): 9}
    for sample in found.samples:
        assert sample.masks["lung"].parent == sample.path.parent.parent / "lung masks"
        assert all(mask.name == sample.path.name for mask in sample.masks.values())


def test_either_part_of_covid_qu_ex_is_read_alone_and_from_within(tmp_path):
    root = covid_qu_ex(tmp_path, each=1)
    alone = open_dataset(root / "Infection Segmentation Data")
    assert (alone.kind, len(alone.samples)) == ("COVID-QU-Ex", 9)
    assert all(s.masks.keys() == {"lung", "infection"} for s in alone.samples)
    within = open_dataset(root / "Lung Segmentation Data" / "Lung Segmentation Data")
    assert [s.masks.keys() for s in within.samples] == [{"lung"}] * 9


def test_an_image_of_the_infection_part_with_a_known_name_but_other_pixels_is_another_image(tmp_path):
    root = covid_qu_ex(tmp_path, each=1)
    folder = root / "Infection Segmentation Data" / "Infection Segmentation Data" / "Test" / "Normal" / "images"
    (image,) = folder.iterdir()
    save(image, radiograph(999))
    found = open_dataset(root)
    same_name = [s for s in found.samples if s.path.name == image.name]
    assert {s.facts["part"] for s in same_name} == {"lung", "infection"}
    assert {s.masks.keys() == {"lung"} for s in same_name if s.facts["part"] == "lung"} == {True}


def test_a_file_in_two_splits_of_covid_qu_ex_is_a_leak_and_no_repetition(tmp_path):
    root = covid_qu_ex(tmp_path, each=1)
    lung = root / "Lung Segmentation Data" / "Lung Segmentation Data"
    (image,) = (lung / "Train" / "Normal" / "images").iterdir()
    (lung / "Test" / "Normal" / "images" / image.name).write_bytes(image.read_bytes())
    found = open_dataset(root)
    assert {s.split for s in found.samples if s.path.name == image.name} == {"train", "test"}
    assert "duplicate-leak" in {f.code for f in check(found).findings if f.severity == "error"}


def test_lc25000_is_split_by_original_which_is_found_from_the_pictures(tmp_path):
    groups = lc25000(tmp_path)
    found = open_dataset(tmp_path)
    assert found.kind == "LC25000"
    assert found.classes == tuple(sorted(folder.split("/")[1] for folder in TILE_STEMS))
    assert {s.split for s in found.samples} == {"train", "val", "test"}
    assert all(len({s.split for s in found.samples if s.group == g}) == 1 for g in {s.group for s in found.samples})
    given = {frozenset(p for p in groups if groups[p] == g) for g in groups.values()}
    seen = {frozenset(s.path for s in found.samples if s.group == g) for g in {s.group for s in found.samples}}
    assert seen == given
    assert open_dataset(tmp_path).samples == found.samples, "the second time from the cache"


def test_one_organ_of_lc25000_with_a_group_file(tmp_path):
    groups = lc25000(tmp_path, originals=4, each=2)
    folder = tmp_path / "lung_colon_image_set" / "colon_image_sets"
    tiles = [p for p in groups if p.is_relative_to(folder)]
    lines = ["file,group", *(f"{p.name},{groups[p][0]}{groups[p][1]}" for p in tiles)]
    (folder / "groups.csv").write_text("\n".join(lines))
    found = open_dataset(folder)
    assert found.classes == ("colon_aca", "colon_n")
    assert "groups.csv" in found.split_made
    assert not found.left_out
    for sample in found.samples:
        assert sample.group == "".join(map(str, groups[sample.path]))
    splits = {s.group: {t.split for t in found.samples if t.group == s.group} for s in found.samples}
    assert all(len(of_group) == 1 for of_group in splits.values())


def test_class_folders_with_and_without_their_own_split(tmp_path):
    for number, (split, label) in enumerate([(s, c) for s in ("training", "valid", "Test") for c in "ab"] * 2):
        save(tmp_path / "split" / split / label / "deeper" / f"{number}.png", radiograph(number))
        save(tmp_path / "split" / split / label / "masks" / f"{number}.png", radiograph(number))
        save(tmp_path / "plain" / label / f"{number}.png", radiograph(number))
    own = open_dataset(tmp_path / "split")
    assert Counter((s.split, s.label) for s in own.samples) == {
        (s, c): 2 for s in ("train", "val", "test") for c in "ab"
    }
    made = open_dataset(tmp_path / "plain")
    assert made.kind == "class folders"
    assert {s.label for s in made.samples} == {"a", "b"}
    assert {s.split for s in made.samples} <= {"train", "val", "test"}


def test_val_is_split_off_train_where_it_is_missing_and_test_stays(tmp_path):
    for number in range(40):
        split = "train" if number < 30 else "test"
        save(tmp_path / split / "ab"[number % 2] / f"{number}.png", radiograph(number))
    found = open_dataset(tmp_path)
    assert Counter(s.split for s in found.samples)["test"] == 10
    assert all(s.path.parts[-3] == "test" for s in found.samples if s.split == "test")
    assert 4 <= sum(s.split == "val" for s in found.samples) <= 8
