"""What writing it by hand costs and brings: `python benchmarks/by_hand.py [--epochs 10] [--seeds 3]`.

The same network, 784-30-10 with ReLU and softmax, mini-batches of 10 and a learning rate of 0.1: by hand with NumPy, by
hand and compiled, and as a PyTorch user writes it, who keeps the best epoch by validation. All begin with parameters as
PyTorch draws them. Lines of code are counted without blank lines, comments and docstrings.
"""

import argparse
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from lines import of_file
from torch import nn

from fastnet import mnist_loader, network2, pytorch_mnist
from fastnet.torch_models import from_torch
from fastnet.utils import machine

PACKAGE = Path(network2.__file__).parent
FORMULAS = sorted(f"formulas/{path.stem}" for path in (PACKAGE / "formulas").glob("*.py"))
BY_HAND = (*FORMULAS, "networks/base", "network2", "learning/schedules", "learning/training", "engines/contract")
KERNELS = sorted(f"kernels/{path.stem}" for path in (PACKAGE / "kernels").glob("*.py") if path.stem != "deformation")
WITH_PYTORCH = (
    "pytorch_mnist",
    *(f"torch_classifier/{path.stem}" for path in (PACKAGE / "torch_classifier").glob("*.py")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="how many (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: %(default)s)")
    arguments = parser.parse_args()
    rows = {
        "by hand, NumPy": (
            lines(*BY_HAND, "engines/arrays", "engines/numpy", "engines/numpy_layers"),
            lambda seed, epochs: by_hand("numpy", seed, epochs),
        ),
        "by hand, compiled": (
            lines(*BY_HAND, "engines/numba", *KERNELS),
            lambda seed, epochs: by_hand("numba", seed, epochs),
        ),
        "PyTorch": (lines(*WITH_PYTORCH), with_pytorch),
    }
    print(f"Medians of {arguments.seeds} seeds, accuracy after {arguments.epochs} epochs:\n")
    print("| who | lines of code | test accuracy | seconds per epoch |\n| --- | --- | --- | --- |")
    for who, (count, train) in rows.items():
        accuracies, seconds = zip(*(train(seed, arguments.epochs) for seed in range(arguments.seeds)), strict=True)
        print(f"| {who} | {count} | {median(accuracies):.2%} | {median(seconds):.3f} |", flush=True)
    print(f"\n{machine.sentence()}.")


def by_hand(engine: str, seed: int, epochs: int) -> tuple[float, float]:
    """Return the test accuracy, and the median of the seconds per epoch."""
    training_data, _, test_data = mnist_loader.load_data_wrapper()
    torch.manual_seed(seed)
    net = from_torch(nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10)), engine=engine)
    net.SGD(training_data, epochs, 10, 0.1, report=lambda history: None)
    return net.accuracy(test_data) / len(test_data), median(net.history.series("seconds"))


def with_pytorch(seed: int, epochs: int) -> tuple[float, float]:
    """Return the same of PyTorch."""
    training, validation, test = pytorch_mnist.load_data()
    options = pytorch_mnist.Options(epochs=epochs, patience=epochs, device="cpu", seed=seed)
    with TemporaryDirectory() as folder:
        result = pytorch_mnist.train(
            training, validation, options, Path(folder) / "model.pth", report=lambda epoch: None
        )
    return pytorch_mnist.evaluate(result.model, test), median(epoch.seconds for epoch in result.history)


def lines(*modules: str) -> int:
    """Return how many lines of code modules have."""
    return sum(of_file(PACKAGE / f"{module}.py") for module in modules)


if __name__ == "__main__":
    main()
