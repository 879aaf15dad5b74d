"""Compare the test accuracies of fastnet and PyTorch, with Adam, batch normalization or both, over several seeds.

    python benchmarks/with_pytorch.py [--seeds 5] [--epochs 10] [--engine numba]

fastnet and PyTorch train 784-100-10 with ReLU, softmax and mini-batches of 100, from the same initial parameters, which
PyTorch draws. PyTorch's networks are `torch.nn.Sequential`, trained with `torch.optim`. The medians may differ by at
most 0.15 percentage points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median

import torch
from torch import nn

from fastnet import Dataset, mnist_loader
from fastnet.torch_models import from_torch
from fastnet.utils import machine

MINI_BATCH_SIZE, BOUND = 100, 0.15
NETWORKS: dict[str, tuple[Callable[[], nn.Sequential], str, float]] = {
    "Adam": (lambda: nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)), "adam", 0.001),
    "batch normalization": (
        lambda: nn.Sequential(nn.Linear(784, 100), nn.BatchNorm1d(100), nn.ReLU(), nn.Linear(100, 10)),
        "sgd",
        0.1,
    ),
    "both": (
        lambda: nn.Sequential(nn.Linear(784, 100), nn.BatchNorm1d(100), nn.ReLU(), nn.Linear(100, 10)),
        "adam",
        0.001,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=10, help="number of epochs (default: %(default)s)")
    parser.add_argument("--engine", default="numba", help="engine of the networks from scratch (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # mini-batches are too small for several threads, which would wait for one another
    training_data, _, test_data = mnist_loader.load_data_wrapper()
    print(f"{machine.sentence()}. Medians of {arguments.seeds} seeds, {arguments.epochs} epochs.\n")
    print("| network | from scratch | PyTorch | difference | at most |\n| --- | --- | --- | --- | --- |")
    for name, (make, optimizer, eta) in NETWORKS.items():
        ours, theirs = [], []
        for seed in range(arguments.seeds):
            torch.manual_seed(seed)
            model = make()
            net = from_torch(model, engine=arguments.engine)
            net.SGD(
                training_data,
                arguments.epochs,
                MINI_BATCH_SIZE,
                eta,
                optimizer=optimizer,
                report=lambda history: None,
            )
            ours.append(100 * net.accuracy(test_data) / len(test_data))
            train(model, training_data, arguments.epochs, optimizer, eta)
            theirs.append(accuracy(model, test_data))
        difference = abs(median(ours) - median(theirs))
        missed_mark = "" if difference <= BOUND else " **missed**"
        print(
            f"| {name} | {median(ours):.2f}% | {median(theirs):.2f}% | {difference:.2f} | {BOUND}{missed_mark} |",
            flush=True,
        )


def train(model: nn.Sequential, data: Dataset, epochs: int, optimizer: str, eta: float) -> None:
    """Train a model as a PyTorch user does, without a data loader."""
    inputs, labels = torch.tensor(data.inputs), torch.tensor(data.labels(10))
    kind = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    steps, loss = kind(model.parameters(), lr=eta), nn.CrossEntropyLoss()
    model.train()
    for _ in range(epochs):
        for mini_batch in torch.randperm(len(labels)).split(MINI_BATCH_SIZE):
            steps.zero_grad()
            loss(model(inputs[mini_batch]), labels[mini_batch]).backward()
            steps.step()


def accuracy(model: nn.Sequential, data: Dataset) -> float:
    """Return the accuracy in percent."""
    model.eval()
    with torch.no_grad():
        found = model(torch.tensor(data.inputs)).argmax(dim=1)
    return 100 * float((found == torch.tensor(data.labels(10))).float().mean())


if __name__ == "__main__":
    main()
