"""One recipe's way through the rooms of ``training``: none calls back into a room above it."""

import sys
import tomllib
from pathlib import Path

from tiny_training import tiny_recipe

from core.errors import RuntimeUnavailableError
from training.loop.loop import train
from training.loop.schedule import learning_rate

ROOT = Path(__file__).resolve().parents[2]
# what a room hands down to be called: closures, and the progress of the teachers' logits
CALLBACKS = ("<locals>", "<lambda>", "<genexpr>", "Run._computing_teachers", "Run._explaining")


def levels():
    """Return the level of each room, the lowest first, as the layers of import-linter's contract say."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (one["layers"] for one in contracts if one["name"].startswith("training: rooms"))
    return {
        room.strip().removeprefix("training."): level
        for level, layer in enumerate(reversed(layers))
        for room in layer.split("|")
    }


def room_of(frame):
    """Return the room whose code a frame runs, or None for code from elsewhere."""
    name = frame.f_globals.get("__name__", "")
    return name.split(".")[1] if name.startswith("training.") else None


def calls_between_rooms(work):
    """Return (caller's room, room) and a function of it that was called, for each pair of rooms, while work is done."""
    calls = {}

    def watch(frame, event, _argument):
        if event != "call" or any(part in frame.f_code.co_qualname for part in CALLBACKS):
            return
        room, caller = room_of(frame), frame.f_back
        while room is not None and caller is not None and room_of(caller) is None:
            caller = caller.f_back
        if room is not None and caller is not None and room_of(caller) != room:
            calls.setdefault((room_of(caller), room), frame.f_code.co_qualname)

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def upwards(calls):
    level = levels()
    return {pair: what for pair, what in calls.items() if level[pair[0]] < level[pair[1]]}


def test_a_recipe_goes_down_through_the_rooms_and_never_back_up(
    one_thread, small_images, small_run, tmp_path, monkeypatch
):
    def missing(_bundle):
        raise RuntimeUnavailableError("Not here: making its graph takes minutes while each call is watched.")

    monkeypatch.setattr("training.distillation.teachers.with_graph", missing)
    recipe = tiny_recipe(optim__epochs=1, augment__views=1, teachers={"bundles": [str(small_run)]})
    calls = calls_between_rooms(lambda: train(recipe, small_images, tmp_path / "run"))
    assert {room for _caller, room in calls} >= {"data", "runs", "distillation", "recipe"}
    assert upwards(calls) == {}


def test_a_call_upwards_is_seen():
    low = {"__name__": "training.data.of_a_test", "learning_rate": learning_rate}
    exec("def up(*arguments): return learning_rate(*arguments)", low)  # noqa: S102
    calls = calls_between_rooms(lambda: low["up"](tiny_recipe().optim, 0, 5))
    assert upwards(calls) == {("data", "loop"): "learning_rate"}


def test_every_room_has_a_level():
    assert {path.parent.name for path in (ROOT / "training").glob("*/__init__.py")} <= levels().keys()
