"""Files read ahead: in their order, and never more of them held than memory bears."""

import threading
from pathlib import Path

import pytest

from core.compare import read_ahead
from core.compare.read_ahead import ReadAhead

PATHS = [Path(str(number)) for number in range(20)]


class Held:
    """Reads numbers in place of files, and notes how much is held at once."""

    def __init__(self, size):
        self.size, self.now, self.most = size, 0, 0
        self.lock = threading.Lock()

    def read(self, path):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        return int(path.name)

    def released(self, reading, number):
        with self.lock:
            self.now -= 1
        reading.release(number)


def reader(held, **how):
    return ReadAhead(held.read, PATHS, lambda _number: held.size, **how)


def test_files_come_in_order_whichever_is_read_first():
    first_may_end = threading.Event()

    def read(path):
        if path == PATHS[0]:
            assert first_may_end.wait(60)
        else:
            first_may_end.set()  # by one that was begun after it
        return path.name

    found = list(ReadAhead(read, PATHS, len, most=4))
    assert found == [(path, path.name) for path in PATHS]


def test_an_error_stands_in_the_place_of_its_file():
    def read(path):
        return 1 / int(path.name)

    found = [result for _path, result in ReadAhead(read, PATHS, lambda _result: 0, most=3)]
    assert isinstance(found[0], ZeroDivisionError)
    assert found[1:] == [1 / number for number in range(1, 20)]


def test_large_ones_do_not_pile_up_where_none_is_released():
    held = Held(size=100)
    reading = reader(held, most=10, most_bytes=250)
    taken = []
    for _path, number in reading:
        taken.append(number)
        # three are 300 bytes: after that each is read only when it is waited for; those under way may be more
        assert held.most <= max(3, len(taken)) + read_ahead.MOST_READERS
    assert taken == list(range(20))


def test_what_is_released_makes_room():
    held = Held(size=100)
    reading = reader(held, most=10, most_bytes=250)
    taken = []
    for _path, number in reading:
        taken.append(number)
        held.released(reading, number)
    assert taken == list(range(20))
    assert held.most <= 3 + read_ahead.MOST_READERS


def test_no_more_are_read_ahead_than_wanted():
    asked = []

    def paths():
        for path in PATHS:
            asked.append(path)
            yield path

    reading = iter(ReadAhead(lambda path: path, paths(), lambda _path: 0, most=3))
    next(reading)
    assert len(asked) == 3
    next(reading)
    assert len(asked) == 4
    reading.close()


def test_only_one_large_file_is_decoded_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(read_ahead, "LARGE_FILE", 10)
    monkeypatch.setattr(read_ahead, "usable_cores", lambda: 4)
    paths = [tmp_path / str(number) for number in range(6)]
    for path in paths:
        path.write_bytes(bytes(10))
    alone = threading.Lock()

    def read(path):
        assert alone.acquire(blocking=False)
        try:
            return sum(path.read_bytes())
        finally:
            alone.release()

    assert [found for _path, found in ReadAhead(read, paths, lambda _read: 0, most=6)] == [0] * 6


def test_stopping_leaves_what_waits_unread():
    held = Held(size=100)
    reading = reader(held, most=10, most_bytes=100)
    begun = iter(reading)
    assert next(begun) == (PATHS[0], 0)
    reading.stop()
    left = [found for _path, found in begun]
    assert any(isinstance(found, InterruptedError) for found in left)
    assert all(isinstance(found, int | InterruptedError) for found in left)


def test_the_threads_end_with_the_iteration():
    before = threading.active_count()
    reading = iter(ReadAhead(lambda path: path, PATHS, lambda _path: 0, most=4))
    next(reading)
    with pytest.raises(RuntimeError, match="of the caller"):
        reading.throw(RuntimeError("of the caller"))
    assert threading.active_count() == before
