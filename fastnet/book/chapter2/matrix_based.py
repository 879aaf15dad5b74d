"""Backpropagation over a whole mini-batch: the samples are the columns of one matrix.

Up to rounding, the gradient is the sum of the samples' gradients. Each NumPy function is called once for the mini-batch
instead of once for each sample. The weight matrices are multiplied by a matrix instead of a vector. The time per sample
is therefore shorter. The book reports a speed-up by a factor of about two on MNIST.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from fastnet import network
from fastnet.book.chapter2.feedforward import Parameters, feedforward
from fastnet.book.digits import mnist
from fastnet.book.experiment import Measured, experiment
from fastnet.network import sigmoid_prime
from fastnet.plots.figures import GRID, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def backprop(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the gradients of the cost for biases and weights, summed over the samples, which are columns."""
    zs, activations = feedforward(parameters, x)
    nabla_b: list[np.ndarray] = []
    nabla_w: list[np.ndarray] = []
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    for layer in reversed(range(len(zs))):
        nabla_b.insert(0, delta.sum(axis=1, keepdims=True))
        nabla_w.insert(0, delta @ activations[layer].T)
        if layer > 0:
            delta = (parameters.weights[layer].T @ delta) * sigmoid_prime(zs[layer - 1])
    return nabla_b, nabla_w


@experiment("Backpropagation over a whole mini-batch")
def matrix_based(
    *, hidden: int = 30, mini_batch_sizes: Sequence[int] = (1, 3, 10, 30, 100), repeats: int = 20, seed: int = 0
) -> Measured:
    """Compare backpropagation over mini-batches with backpropagation sample by sample, on MNIST.

    The gradient of the largest mini-batch is compared with the sum of the gradients that `network.Network.backprop`
    returns for the samples. The time per sample is compared for each mini-batch size.
    """
    training, _, _ = mnist()
    net = network.Network([784, hidden, 10], dtype="float64", seed=seed)
    parameters = Parameters(net.weights, net.biases)
    x, y = (rows[: max(mini_batch_sizes)].T.astype(np.float64) for rows in (training.inputs, training.vectors(10)))
    samples = [(x[:, [i]], y[:, [i]]) for i in range(x.shape[1])]

    def at_once(m: int) -> None:
        backprop(parameters, x[:, :m], y[:, :m])

    def one_by_one(m: int) -> None:
        for sample in samples[:m]:
            backprop(parameters, *sample)

    of_samples = [nabla_b + nabla_w for nabla_b, nabla_w in (net.backprop(*sample) for sample in samples)]
    sums = [np.sum(arrays, axis=0) for arrays in zip(*of_samples, strict=True)]
    nabla_b, nabla_w = backprop(parameters, x, y)
    differences = [
        float(np.abs(ours - theirs).max() / np.abs(theirs).max())
        for ours, theirs in zip(nabla_b + nabla_w, sums, strict=True)
    ]
    with threadpool_limits(1, user_api="blas"):  # a mini-batch is too small to gain from several threads
        microseconds = {
            name: [1e6 * fastest(way, m, repeats) / m for m in mini_batch_sizes]
            for name, way in (("sample by sample", one_by_one), ("all samples at once", at_once))
        }
    return Measured(
        {"differences": differences, "mini-batch sizes": mini_batch_sizes, "microseconds per sample": microseconds}
    )


def fastest(way: Callable[[int], None], m: int, repeats: int) -> float:
    """Return the smallest of `repeats` times, in seconds, that `way` takes for a mini-batch of m samples."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        way(m)
        times.append(time.perf_counter() - start)
    return min(times)


@matrix_based.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the time per sample against the number of samples in a mini-batch."""
    axes = figure.subplots()
    for (name, microseconds), color in zip(data["microseconds per sample"].items(), PALETTE, strict=False):
        axes.plot(data["mini-batch sizes"], microseconds, "o-", color=color, label=name)
    axes.set_xscale("log")
    axes.set_xticks(data["mini-batch sizes"], data["mini-batch sizes"])
    axes.minorticks_off()
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # leaves room for the legend
    axes.set(xlabel="samples in a mini-batch", ylabel="time per sample (µs)")
    axes.set_title("backpropagation in NumPy", loc="left")
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", frameon=False)
