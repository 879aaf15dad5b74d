"""Compare a network from scratch with PyTorch: `python benchmarks/by_hand.py [--epochs 10] [--seeds 3]`.

The network is 784-30-10 with ReLU and softmax, mini-batches of 10 and a learning rate of 0.1. It is trained in
three ways: with fastnet's own gradients in NumPy ("by hand, NumPy"), with the same gradients in compiled kernels ("by
hand, compiled"), and with PyTorch's automatic differentiation. PyTorch draws all initial parameters. The
accuracy is the test accuracy after the epoch with the best validation accuracy. The seconds are the training time,
without evaluation.

The lines of code have the same scope on each side: the network, its training loop, its options and their checks, early
stopping and schedules, saving and reading the network, and the command. A side's count includes its entry modules, and
all modules of fastnet that these import, directly or indirectly. Modules that read data sets or draw are left out.
Modules that several sides import are counted on each side. Blank lines, comments, docstrings and the code of NumPy,
Numba and PyTorch are not counted. The count of the first two sides includes all layers, costs and optimizers of
fastnet.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import lines
import torch
from torch import nn

from fastnet import mnist_loader, pytorch_mnist
from fastnet.torch_models import from_torch
from fastnet.utils import machine

BY_HAND = "fastnet.network2", "fastnet.commands.train"
LEFT_OUT = "fastnet.datasets", "fastnet.expand_mnist", "fastnet.mnist_loader", "fastnet.plots"


class Side(NamedTuple):
    """A side of the comparison: its entry modules, and a function that trains, given a seed and a number of epochs."""

    entries: tuple[str, ...]
    run: Callable[[int, int], tuple[float, float]]


SIDES = {
    "by hand, NumPy": Side((*BY_HAND, "fastnet.engines.numpy"), lambda *run: by_hand("numpy", *run)),
    "by hand, compiled": Side((*BY_HAND, "fastnet.engines.numba"), lambda *run: by_hand("numba", *run)),
    "PyTorch": Side(("fastnet.pytorch_mnist",), lambda *run: with_pytorch(*run)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="number of epochs (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: %(default)s)")
    arguments = parser.parse_args()
    print(f"Medians of {arguments.seeds} seeds, {arguments.epochs} epochs each:\n")
    print("| side | lines of code | modules | test accuracy | seconds per epoch |\n| --- | --- | --- | --- | --- |")
    for name, side in SIDES.items():
        counted = lines.behind(side.entries, LEFT_OUT)
        runs = [side.run(seed, arguments.epochs) for seed in range(arguments.seeds)]
        accuracy, seconds = (median(column) for column in zip(*runs, strict=True))
        print(f"| {name} | {sum(counted.values())} | {len(counted)} | {accuracy:.2%} | {seconds:.3f} |", flush=True)
    print()
    for name, side in SIDES.items():
        print(f"- {name}: {in_words(side.entries)}, and all modules of fastnet that these import.")
    print(f"- not counted: {in_words(LEFT_OUT)}.")
    print(f"\n{machine.sentence()}.")


def by_hand(engine: str, seed: int, epochs: int) -> tuple[float, float]:
    """Return the test accuracy after the epoch with the best validation accuracy, and the median seconds per epoch."""
    training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
    torch.manual_seed(seed)
    net = from_torch(nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10)), engine=engine)
    correct: list[int] = []  # number of correct test digits after each epoch
    net.SGD(
        training_data,
        epochs,
        10,
        0.1,
        evaluation_data=validation_data,
        monitor_evaluation_accuracy=True,
        report=lambda history: correct.append(net.accuracy(test_data)),
    )
    best = max(range(epochs), key=net.history.series("evaluation_accuracy").__getitem__)
    return correct[best] / len(test_data), median(net.history.series("seconds"))


def with_pytorch(seed: int, epochs: int) -> tuple[float, float]:
    """Return PyTorch's test accuracy after the best epoch (see `by_hand`), and the median seconds per epoch."""
    training, validation, test = pytorch_mnist.load_data()
    options = pytorch_mnist.Options(epochs=epochs, patience=epochs, device="cpu", seed=seed)
    with TemporaryDirectory() as folder:
        result = pytorch_mnist.train(training, validation, options, Path(folder, "model.pth"), report=None)
    return pytorch_mnist.evaluate(result.model, test), median(epoch.seconds for epoch in result.history)


def in_words(modules: tuple[str, ...]) -> str:
    """Return names of modules as a list in a sentence."""
    *others, last = [f"`{module.removeprefix('fastnet.')}`" for module in modules]
    return f"{', '.join(others)} and {last}" if others else last


if __name__ == "__main__":
    main()
