from gui.common.tooltips import LONGEST, wrapped


def test_long_words_are_broken_between_words_and_own_breaks_stay():
    found = wrapped("one line\n\n" + "seven words of which some are longer " * 8 + "x" * 100)
    lines = found.splitlines()
    assert lines[:2] == ["one line", ""]
    assert all(len(line) <= LONGEST for line in lines[:-1])
    assert lines[-1].endswith("x" * 100), "a path is not cut"
    assert found.split() == ("one line " + "seven words of which some are longer " * 8 + "x" * 100).split()
