"""The way of one image and its heat maps through the rooms of ``core``, as it runs; ``pytest -s`` prints it."""

import sys
from functools import cache
from pathlib import Path

import pytest

import core
from core.compare.session import Choice, ComparisonSession
from core.exports.batch import Outputs
from core.exports.format import Wanted

CORE = Path(core.__file__).parent
LAYERS = [
    {"names", "errors", "__init__"},
    {"system"},
    {"tasks"},
    {"images"},
    {"uncertainty"},
    {"onnx"},
    {"models"},
    {"runtimes"},
    {"explain"},
    {"compare"},
    {"reports", "records"},
    {"exports"},
]  # as the contracts of pyproject.toml have them
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


class Trace:
    """Notes the calls from one room into another within a ``with`` block; imports are left to the contracts."""

    def __init__(self):
        self.modules = []  # in the order in which they are entered first
        self.calls = []  # (room, room that it calls), in the order in which each pair occurs first
        self.entries = set()  # (room, module of another room that it calls)

    def __enter__(self):
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_exception):
        sys.setprofile(None)

    def entered_from(self, *rooms):
        """The rooms that some rooms call, in the order in which they do so first."""
        return list(dict.fromkeys(callee for caller, callee in self.calls if caller in rooms))

    def _note(self, frame, event, _argument):
        if event != "call" or (here := _module(frame)) is None:
            return
        caller = frame.f_back
        while caller is not None and _module(caller) is None:
            if caller.f_code.co_filename.startswith("<frozen importlib"):
                return
            caller = caller.f_back
        if frame.f_code.co_name == "<module>" or caller is None or caller.f_code.co_name == "<module>":
            return
        if here not in self.modules:
            self.modules.append(here)
        call = _room(_module(caller)), _room(here)
        self.entries.add((call[0], here))
        if call[0] != call[1] and call not in self.calls:
            self.calls.append(call)


def _module(frame):
    return _module_in(frame.f_code.co_filename)


@cache
def _module_in(filename):
    path = Path(filename)
    return path.relative_to(CORE).with_suffix("").as_posix() if path.is_relative_to(CORE) else None


def _room(module):
    return module.split("/")[0]


@pytest.fixture(scope="module")
def trace(chest_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rooms")
    wanted = Wanted(places={"csv": folder / "a.csv", "report": folder / "a.pdf", "maps": folder / "maps"})
    session = ComparisonSession(find=lambda catalogue, task, _role, _choice: catalogue.find(task, "student"))
    with Trace() as found, Outputs(wanted) as outputs:
        outputs.add(session.examine(chest_path, Choice()))
    print("\n" + "\n".join(found.modules))
    return found


def test_no_room_calls_into_one_above_it(trace):
    returns = [call for call in trace.calls if LEVEL[call[0]] < LEVEL[call[1]]]
    assert returns == []


def test_the_image_goes_from_room_to_room(trace):
    way = trace.entered_from("compare")
    assert [room for room in way if room in ("images", "models", "runtimes", "explain")] == [
        "images",
        "models",
        "runtimes",
        "explain",
    ]
    assert "uncertainty" in way


def test_what_writes_a_comparison_does_not_go_back_to_the_networks(trace):
    writers = ("exports", "reports", "records")
    assert {"compare", "reports", "explain"} <= set(trace.entered_from(*writers))
    runtimes = {module for room, module in trace.entries if room in writers and module.startswith("runtimes/")}
    assert runtimes <= {"runtimes/load"}  # for the names of the runtimes
