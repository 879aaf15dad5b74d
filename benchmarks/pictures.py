"""Draw the pictures of trained networks and of a digit in `docs/`: `python benchmarks/pictures.py [--folder docs]`.

`readme.py` draws `engines.png` and `map.png` from its own measurements.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import drawn
import numpy as np

from fastnet import mnist_loader, network2, plots

DOCS = Path(__file__).parent.parent / "docs"
TRAINING_DATA, VALIDATION_DATA, TEST_DATA = mnist_loader.load_data_wrapper()
ETAS, SEEDS, EPOCHS = (0.025, 0.25, 2.5), 5, 20  # the learning rates are those of chapter 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=DOCS, help="folder for the pictures (default: docs/)")
    folder = parser.parse_args().folder
    net = trained(TRAINING_DATA, 30, 0.5, lmbda=5.0)
    answers = net.feedforward(TEST_DATA.inputs.T).argmax(axis=0)
    pictures = {
        "learning.png": overfitting().history.plot(),
        "confusion.png": plots.confusion_matrix(TEST_DATA.targets, answers),
        "mistakes.png": plots.mistakes(net, TEST_DATA),
        "weights.png": plots.weights(net.weights[0]),
        "sweep.png": plots.sweep({f"eta {eta:g}": [curve(eta, seed) for seed in range(SEEDS)] for eta in ETAS}),
    }
    for name, figure in pictures.items():
        plots.save(figure, folder / name)
        print(f"{folder / name}: {(folder / name).stat().st_size / 1000:.0f} kB")
    drawn.written(7, np.random.default_rng(1)).save(folder / "seven.png", optimize=True)


def trained(training_data: Any, epochs: int, eta: float, seed: int = 0, **keywords: Any) -> network2.Network:
    net = network2.Network([784, 30, 10], seed=seed)
    net.SGD(training_data, epochs, 10, eta, report=lambda history: None, **keywords)
    return net


def overfitting() -> network2.Network:
    """Train the book's network that overfits 1,000 digits, for 100 epochs instead of the book's 400."""
    monitors = ("evaluation_cost", "evaluation_accuracy", "training_cost", "training_accuracy")
    return trained(
        TRAINING_DATA[:1000], 100, 0.5, evaluation_data=TEST_DATA, **{f"monitor_{m}": True for m in monitors}
    )


def curve(eta: float, seed: int) -> list[float]:
    """Return the validation accuracy after each epoch, from 0 to 1."""
    net = trained(
        TRAINING_DATA, EPOCHS, eta, seed, lmbda=5.0, evaluation_data=VALIDATION_DATA, monitor_evaluation_accuracy=True
    )
    return [correct / len(VALIDATION_DATA) for correct in net.history.series("evaluation_accuracy")]


if __name__ == "__main__":
    main()
