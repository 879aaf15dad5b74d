"""Compare two networks that are trained in two threads with networks trained alone: the time and the parameters.

    python benchmarks/two_threads.py

Two processors are needed. The last line has the time of two networks divided by the time of one network, as the median
over the rounds.
"""

from __future__ import annotations

import threading
import time
from statistics import median

import numpy as np

from fastnet import mnist_loader
from fastnet.comparison.timing import drawn, flat
from fastnet.engines import engine_class
from fastnet.utils import machine

SIZES, EPOCHS, ROUNDS = (784, 30, 10), 10, 15


def main() -> None:
    print(f"{machine.sentence()}.")
    data = mnist_loader.load_data_wrapper()[0]

    def train(seed: int, results: dict[int, np.ndarray]) -> None:
        engine, random = engines[seed], np.random.RandomState(seed)
        engine.set_parameters(drawn(SIZES, "float32", random)[1])
        for _ in range(EPOCHS):
            engine.epoch(engine.permutation(random, len(data)), 10, 3.0)
        results[seed] = flat(engine.parameters())

    network = drawn(SIZES, "float32", np.random.RandomState(0))
    engines = [engine_class("numba")(*network, data) for _ in range(2)]
    ratios = []
    for _ in range(ROUNDS):
        alone: dict[int, np.ndarray] = {}
        together: dict[int, np.ndarray] = {}
        began = time.perf_counter()
        train(0, alone)
        one = time.perf_counter() - began
        train(1, alone)
        workers = [threading.Thread(target=train, args=(seed, together)) for seed in range(2)]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        ratios.append((time.perf_counter() - began) / one)
        for seed in range(2):
            np.testing.assert_array_equal(together[seed], alone[seed])
    print("Each network equals, bit for bit, the same network trained alone.")
    print(f"two networks in two threads against one, at most 1.08: {median(ratios):.2f}")


if __name__ == "__main__":
    main()
