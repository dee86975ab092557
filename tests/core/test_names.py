import os

import pytest

from core.errors import TwinlensError, WriteError
from core.names import path_from, readable, shortened
from core.system.atomic_files import bytes_written_whole, make_folder, system_error, written_whole
from core.system.output_names import is_own_output, picture_stem

SPELLINGS = {
    "M\udcfcller.png": r"M\xfcller.png",
    "a\nb\x1b[31m\x7f.png": r"a\x0ab\x1b[31m\x7f.png",
    "a\u0085\u202egnp.exe": r"a\u0085\u202egnp.exe",
    "lone \ud83d.png": r"lone \ud83d.png",
    "組織 ü 🙂.png": "組織 ü 🙂.png",
    r"back\slash.png": r"back\slash.png",
}


@pytest.mark.parametrize(("name", "spelled"), SPELLINGS.items(), ids=range(len(SPELLINGS)))
def test_a_name_has_one_spelling_and_is_found_again_by_it(tmp_path, name, spelled):
    assert readable(name) == spelled
    assert spelled.encode().decode() == spelled
    assert path_from(spelled) == path_from(name)
    assert readable(path_from(spelled)) == spelled
    assert f"{TwinlensError('Bad.', path=name)}" == f"{spelled}: Bad."


def test_a_file_that_is_really_called_so_goes_first(tmp_path):
    spelled = tmp_path / r"\xfc.png"
    assert path_from(str(spelled)).name == "\udcfc.png"
    spelled.touch()
    assert path_from(str(spelled)) == spelled


def test_names_are_shortened_by_what_they_take_on_disk():
    assert shortened("ü" * 50, 21) == "ü" * 10
    assert shortened("a.png", 200) == "a.png"
    assert len(os.fsencode(picture_stem(1, path_from("影" * 90 + ".png")))) <= 85
    assert picture_stem(7, None) == "0007"


@pytest.mark.parametrize("name", ["影" * 82 + ".csv", "x" * 251 + ".csv"])
def test_the_longest_name_that_a_file_can_have_is_written(tmp_path, name):
    with written_whole(tmp_path / name) as file:
        file.write("whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_is_too_long_is_said_before_anything_is_written(tmp_path):
    entered = False
    with pytest.raises(WriteError, match="name is too long"), bytes_written_whole(tmp_path / ("x" * 300)):
        entered = True
    assert not entered
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_and_the_other_way_round(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("")
    with pytest.raises(WriteError, match="This is a folder"), written_whole(tmp_path / "a"):
        pass
    with pytest.raises(WriteError, match="A file is where the folder should be"):
        make_folder(tmp_path / "b")
    with pytest.raises(WriteError, match="a file is in its place"):
        make_folder(tmp_path / "b" / "c")


def test_an_error_of_the_system_names_the_place():
    with pytest.raises(OSError, match="No such file") as caught:
        open("/no/M\udcfcller")  # noqa: PTH123, SIM115
    assert str(system_error(caught.value)) == r"/no/M\xfcller: This does not exist. Check the name."


def test_own_outputs_are_known_by_their_record(tmp_path):
    for name in ("0001-a-teacher.png", "0001-a.json", "0002-b-teacher.png", "0123456789ab-teacher-map.dcm", "c.dcm"):
        (tmp_path / name).touch()
    assert {path.name for path in tmp_path.iterdir() if is_own_output(path)} == {
        "0001-a-teacher.png", "0123456789ab-teacher-map.dcm",
    }  # fmt: skip
