"""Networks that take turns."""

import threading

import numpy as np

from core.benchmarks.numpy_network import NumpyNetwork
from core.explain.scorecam import ScoreCam
from core.runtimes.turns import Turns, TurnTakingRuntime


class Watched(NumpyNetwork):
    """Fails where another one computes at the same time."""

    alone = threading.Lock()

    def forward_with_maps(self, batch):
        assert self.alone.acquire(blocking=False)
        try:
            return super().forward_with_maps(batch)
        finally:
            self.alone.release()


def test_two_networks_never_compute_at_once_and_find_what_they_find_alone():
    image = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32)
    *_, alone = ScoreCam(NumpyNetwork(), image).refine(0, "exact")
    turns, maps = Turns(), {}

    def explain(number):
        runtime = TurnTakingRuntime(Watched(), turns)
        runtime.prepare_masks()
        runtime.forward(image)
        *_, maps[number] = ScoreCam(runtime, image).refine(0, "exact")

    threads = [threading.Thread(target=explain, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(maps) == [0, 1, 2, 3]
    for found in maps.values():
        assert np.array_equal(found.values, alone.values)
    assert turns.seconds > 0


def test_an_error_ends_the_turn():
    turns = Turns()
    for _ in range(2):
        try:
            with turns.take():
                raise ValueError
        except ValueError:
            continue
    with turns.take():
        pass
