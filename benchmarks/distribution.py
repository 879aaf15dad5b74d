"""Compare the accuracies of the engines `numba` and `numpy` over many seeds, with a two-sample test.

    python benchmarks/distribution.py [--seeds 40]

Networks are trained with the recipe of chapter 1 (784-30-10, mini-batches of 10, eta = 3.0) for five epochs: with the
engine `numba` in float32, and with `numpy` in float64 and other seeds. The Kolmogorov-Smirnov test compares the
accuracies. Then `numba` trains for thirty epochs: with the book's initial weights, and with these weights divided by
sqrt(n_in). The command takes about five minutes. The last line has the p-value of the test.
"""

from __future__ import annotations

import argparse
import contextlib
import io

import numpy as np
from scipy.stats import ks_2samp

from fastnet import mnist_loader
from fastnet.network import Network
from fastnet.utils import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=40, help="number of seeds (default: %(default)s)")
    seeds = parser.parse_args().seeds
    print(f"{machine.sentence()}.")
    training_data, _, test_data = mnist_loader.load_data_wrapper()

    def accuracies(first_seed: int, epochs: int, scaled: bool = False, **keywords: str) -> np.ndarray:
        percent = []
        for seed in range(first_seed, first_seed + seeds):
            net = Network([784, 30, 10], seed=seed, **keywords)
            if scaled:
                net.weights = [w / np.sqrt(w.shape[1]) for w in net.weights]
            with contextlib.redirect_stdout(io.StringIO()):
                net.SGD(training_data, epochs, 10, 3.0)
            percent.append(net.evaluate(test_data) / 100)
        return np.array(percent)

    ours = accuracies(0, 5, engine="numba", dtype="float32")
    plain = accuracies(seeds, 5, engine="numpy", dtype="float64")
    show("5 epochs, numba, float32", ours)
    show("5 epochs, numpy, float64", plain)
    show("30 epochs, numba, float32", accuracies(0, 30))
    show("30 epochs, numba, float32, scaled weights", accuracies(0, 30, scaled=True))
    print(f"the same distribution after 5 epochs, p at least 0.05: {ks_2samp(ours, plain).pvalue:.2f}")


def show(name: str, percent: np.ndarray) -> None:
    low, middle, high = np.percentile(percent, [5, 50, 95])
    print(f"{name}: median {middle:.2f} % ({low:.2f} to {high:.2f} in nine seeds of ten)")


if __name__ == "__main__":
    main()
