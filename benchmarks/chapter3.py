"""Compare chapter 3's published accuracies with fastnet's, and time the options.

    python benchmarks/chapter3.py [published] [options] [overfitting]

- `published`: the book's accuracies and fastnet's, for five seeds.
- `options`: the time of an epoch with each option, and the time of monitoring, divided by the time of chapter 1's plain
  epoch. The cases run alternately.
- `overfitting`: the time of the book's program that shows overfitting.
"""

import sys
import time
from statistics import median

import numpy as np

from fastnet import mnist_loader, network2
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import CrossEntropyCost, LogLikelihoodCost, QuadraticCost
from fastnet.formulas.initialization import normal
from fastnet.formulas.optimizers import Adam, GradientDescent

SEEDS = 5
ROUNDS = 15
# Number of hidden neurons, eta, lmbda, number of epochs, the book's evaluation data, and the book's accuracy in %.
PUBLISHED = [
    (30, 0.5, 0.0, 30, "test", 95.5),
    (30, 0.5, 5.0, 30, "test", 96.5),
    (100, 0.5, 5.0, 30, "validation", 97.9),
    (100, 0.1, 5.0, 60, "validation", 98.0),
]
TOLERANCE = 0.2  # number of percentage points by which fastnet's accuracy may be below the book's


def published(data):
    """Print the book's accuracies, and fastnet's after the last and after the best epoch.

    The book does not say whether it reports the accuracy after the last or after the best epoch. The initial weights
    are those of chapter 1, because the book trains these networks before it introduces better initial weights.
    """
    training_data, validation_data, test_data = data
    evaluation = {"validation": validation_data, "test": test_data}
    print(
        f"Median of {SEEDS} seeds, with the lowest and the highest; bold if at least the book's minus {TOLERANCE} %:\n"
    )
    print("| network, eta, lambda, epochs | data | the book | after the last epoch | after the best epoch |")
    print("| --- | --- | --- | --- | --- |")
    for hidden, eta, lmbda, epochs, name, book in PUBLISHED:
        last, best = [], []
        for seed in range(SEEDS):
            net = network2.Network([784, hidden, 10], cost=network2.CrossEntropyCost, seed=seed)
            net.large_weight_initializer()
            _, correct, _, _ = net.SGD(
                training_data, epochs, 10, eta, lmbda, evaluation[name],
                monitor_evaluation_accuracy=True, report=lambda history: None,
            )  # fmt: skip
            last.append(correct[-1] / 100)
            best.append(max(correct) / 100)
        columns = " | ".join(_percent(accuracies, book - TOLERANCE) for accuracies in (last, best))
        print(f"| 784-{hidden}-10, {eta}, {lmbda:g}, {epochs} | {name} | {book} % | {columns} |", flush=True)


def _percent(accuracies, at_least):
    middle = f"{median(accuracies):.2f} %"
    emphasis = "**" if median(accuracies) >= at_least else ""
    return f"{emphasis}{middle}{emphasis} ({min(accuracies):.2f} to {max(accuracies):.2f})"


def options(data):
    """Print the time of an epoch with each option, the time of monitoring, and the bounds of these times."""
    training_data, _, _ = data
    n = len(training_data)
    sizes = [784, 30, 10]
    shapes = Architecture.dense(sizes, np.dtype("float32")).weight_shapes
    weights, biases = normal(shapes, np.random.RandomState(0), scaled=True)
    cases = {
        "plain, quadratic cost": (QuadraticCost, "sigmoid", 3.0, Descent(), None),
        "cross-entropy with L2": (CrossEntropyCost, "sigmoid", 0.5, Descent(l2=5 / n), 1.15),
        "log-likelihood with L2": (LogLikelihoodCost, "sigmoid", 0.3, Descent(l2=5 / n), None),
        "cross-entropy, tanh": (CrossEntropyCost, "tanh", 0.1, Descent(), None),
        "cross-entropy, ReLU": (CrossEntropyCost, "relu", 0.05, Descent(), None),
        "momentum": (QuadraticCost, "sigmoid", 0.3, Descent(GradientDescent(0.9)), 1.5),
        "momentum with L2": (QuadraticCost, "sigmoid", 0.3, Descent(GradientDescent(0.9), l2=5 / n), 1.5),
        "Nesterov's momentum": (QuadraticCost, "sigmoid", 0.3, Descent(GradientDescent(0.9, nesterov=True)), None),
        "Adam": (QuadraticCost, "sigmoid", 0.001, Descent(Adam()), None),
        "max-norm": (QuadraticCost, "sigmoid", 3.0, Descent(max_norm=3.0), None),
        "L1": (QuadraticCost, "sigmoid", 3.0, Descent(l1=5 / n), None),
        "dropout": (QuadraticCost, "sigmoid", 3.0, Descent(), None),
    }
    engines = {}
    for name, (cost, activation, *_) in cases.items():
        architecture = Architecture.dense(sizes, np.dtype("float32"), activation, cost)
        if name == "dropout":
            architecture = architecture.with_dropout(0.5)
        engines[name] = engine_class("numba")(architecture, architecture.parameters(weights, biases), training_data)
    times = {name: [] for name in [*cases, "accuracy of 50,000", "cost and accuracy of 50,000"]}
    bounds = {name: case[-1] for name, case in cases.items()} | dict.fromkeys([*times][-2:], 0.4)
    random = np.random.RandomState(0)
    for _ in range(ROUNDS):
        order = random.permutation(n)
        for name, (_, _, eta, descent, _) in cases.items():
            times[name].append(_seconds(engines[name].epoch, order, 10, eta, descent))
        engine = engines["cross-entropy with L2"]
        times["accuracy of 50,000"].append(_seconds(engine.measure, training_data))
        times["cost and accuracy of 50,000"].append(_seconds(lambda e=engine: e.measure(training_data, cost=True)))
    plain = times["plain, quadratic cost"]
    print("| what | seconds | times the plain epoch | at most |")
    print("| --- | --- | --- | --- |")
    for name, seconds in times.items():
        ratio = median(one / other for one, other in zip(seconds, plain, strict=True))
        bound = bounds[name]
        at_most = "" if bound is None else f"{bound}{'' if ratio <= bound else ' **missed**'}"
        print(f"| {name} | {median(seconds):.4f} | {ratio:.2f} | {at_most} |")


def overfitting(data):
    """Print the time in seconds of the book's program that shows overfitting."""
    training_data, _, test_data = data
    net = network2.Network([784, 30, 10], cost=network2.CrossEntropyCost, seed=0)
    net.large_weight_initializer()
    seconds = _seconds(
        net.SGD, training_data[:1000], 400, 10, 0.5, 0.0, test_data, True, True, True, True, report=lambda history: None
    )
    print(f"overfitting: 1,000 samples, 400 epochs, all four monitors: {seconds:.1f} s, at most 5")


def _seconds(function, *arguments, **keywords):
    began = time.perf_counter()
    function(*arguments, **keywords)
    return time.perf_counter() - began


if __name__ == "__main__":
    mnist = mnist_loader.load_data_wrapper()
    for section in sys.argv[1:] or ("options", "overfitting", "published"):
        {"options": options, "overfitting": overfitting, "published": published}[section](mnist)
        print()
