"""Compare `MLPClassifier` and `MLPRegressor` with scikit-learn's: `python benchmarks/sklearn_mlp.py [--rounds 3]`.

The estimators of both libraries have their default parameters, the same `random_state` and the same `max_iter`, so they
train the same network, up to rounding. Seconds are the processor time of `fit` in one thread; the two libraries
alternate. The score is measured on samples that were not used for training. A second table has small tasks: the first
`fit` in a fresh process with compiled kernels, a search with two jobs, the prediction of 1 and 100 rows, and the memory
that `fit` needs besides the inputs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn import datasets
from sklearn import neural_network as theirs
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastnet import mnist_loader
from fastnet import neural_network as ours
from fastnet.comparison import timing
from fastnet.utils import machine

MODULES = {"fastnet": ours, "scikit-learn": theirs}
ON_MNIST, ELSEWHERE, NEVER_SLOWER = 3.0, 5.0, 1.0  # least speedups over scikit-learn
LATER = 0.3  # largest number of seconds by which the first `fit` in a fresh process may end later than scikit-learn's


class Cell(NamedTuple):
    """A data set, the estimator, the number of iterations, and the least speedup over scikit-learn."""

    title: str
    data: Callable[[], tuple[Any, np.ndarray]]
    estimator: str
    iterations: int
    bound: float = ELSEWHERE


def mnist(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    training, validation, _ = mnist_loader.load_data_wrapper()
    data = training + validation
    return data.inputs.astype(dtype), data.labels(10)


def scaled(load: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    x, y = load(return_X_y=True)
    return StandardScaler().fit_transform(x), y


def tall() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = random.standard_normal((100_000, 20))
    return x, (x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) > 0).astype(int)


def regression() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    x = random.standard_normal((20_640, 8))
    return x, np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * random.standard_normal(len(x))


def words() -> tuple[Any, np.ndarray]:
    x = sparse.random(10_000, 20_000, density=0.002, format="csr", random_state=0)
    return x, (x @ np.random.default_rng(0).standard_normal(20_000) > 0).astype(int)


CELLS = [
    Cell("MNIST, 60,000 × 784, float32", lambda: mnist("float32"), "MLPClassifier", 10, ON_MNIST),
    Cell("MNIST, 60,000 × 784, float64", lambda: mnist("float64"), "MLPClassifier", 10, ON_MNIST),
    Cell("digits, 1,797 × 64", lambda: scaled(datasets.load_digits), "MLPClassifier", 200),
    Cell("breast cancer, 569 × 30", lambda: scaled(datasets.load_breast_cancer), "MLPClassifier", 200),
    Cell("two classes, 100,000 × 20", tall, "MLPClassifier", 20),
    Cell("regression, 20,640 × 8", regression, "MLPRegressor", 50),
    Cell("sparse, 10,000 × 20,000", words, "MLPClassifier", 5),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="number of fits of each estimator (default: %(default)s)")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"Medians of {chosen.rounds} rounds, one processor.\n")
    print("| data | iterations | scikit-learn | its score | fastnet | its score | times as fast | |")
    print("| --- " * 8 + "|")
    for cell in CELLS:
        print(row(cell, chosen.rounds), flush=True)
    print("\n| small work | scikit-learn | fastnet | |")
    print("| --- " * 4 + "|")
    for line in small_work(chosen.rounds):
        print(line, flush=True)
    print(f"\n{machine.sentence()}.")


def row(cell: Cell, rounds: int) -> str:
    x, y = cell.data()
    classes = y if cell.estimator == "MLPClassifier" else None
    training_x, test_x, training_y, test_y = train_test_split(x, y, test_size=1 / 6, random_state=0, stratify=classes)
    ours.MLPClassifier(max_iter=1).fit(np.zeros((4, 2), getattr(x, "dtype", float)), [0, 1, 0, 1])  # compiles kernels
    seconds: dict[str, list[float]] = {name: [] for name in MODULES}
    scores: dict[str, list[float]] = {name: [] for name in MODULES}
    iterations = []
    with timing.limited(1):
        for seed in range(rounds):
            for name, module in MODULES.items():
                estimator = getattr(module, cell.estimator)(random_state=seed, max_iter=cell.iterations)
                time.sleep(0.3)  # until the libraries' idle threads stop their busy-waiting
                began = time.process_time()
                estimator.fit(training_x, training_y)
                seconds[name].append(time.process_time() - began)
                scores[name].append(float(estimator.score(test_x, test_y)))
            iterations.append(estimator.n_iter_)
    own, other = median(seconds["fastnet"]), median(seconds["scikit-learn"])
    score, their_score = median(scores["fastnet"]), median(scores["scikit-learn"])
    return (
        f"| {cell.title} | {median(iterations):.0f} | {other:.2f} s | {their_score:.4f} | {own:.2f} s | {score:.4f} | "
        f"{other / own:.1f} | {missed_mark(other / own, cell.bound)} |"
    )


def missed_mark(found: float, bound: float) -> str:
    return "" if found >= bound else f"missed: at least {bound:g}"


FRESH = """
import time
began = time.perf_counter()
import warnings, sklearn.neural_network, sklearn.model_selection
warnings.simplefilter("ignore")
from sklearn.datasets import load_digits
from {package}.neural_network import MLPClassifier
x, y = load_digits(return_X_y=True)
x = x / 16
{work}
print(time.perf_counter() - began)
"""
FIRST_FIT = "MLPClassifier(max_iter=1, random_state=0).fit(x, y)"
SEARCH = """
grid = {"hidden_layer_sizes": [(30,), (100,)], "alpha": [1e-4, 1e-2]}
sklearn.model_selection.GridSearchCV(MLPClassifier(max_iter=100, random_state=0), grid, cv=3, n_jobs=2).fit(x, y)
"""


def small_work(rounds: int) -> Iterator[str]:
    first = both(lambda package: fresh(package, FIRST_FIT), rounds)
    missed = "" if first["fastnet"] - first["sklearn"] <= LATER else f"missed: at most {LATER} s more"
    yield line("first `fit` in a fresh process, imports included", *first.values(), "s", missed)
    search = both(lambda package: fresh(package, SEARCH), rounds)
    yield line("`GridSearchCV` of digits in a fresh process, two jobs", *search.values(), "s")
    x, y = mnist("float64")
    fitted = [module.MLPClassifier(max_iter=2, random_state=0).fit(x[:2000], y[:2000]) for module in MODULES.values()]
    with timing.limited(1):
        for rows in (1, 100):
            own, other = (
                median(each) for each in zip(*(milliseconds(fitted, x[:rows]) for _ in range(300)), strict=True)
            )
            yield line(f"`predict`, rows of MNIST: {rows}", other, own, "ms")
    x, y = mnist("float32")
    size = x.nbytes / 2**20
    own, other = (peak(lambda module=module: module.MLPClassifier(max_iter=1).fit(x, y)) for module in MODULES.values())
    missed = "" if own < size else "missed: less than a copy of the inputs"
    yield line(f"memory of `fit` besides MNIST's inputs, which are {size:.0f} MiB", other, own, "MiB", missed)


def line(title: str, other: float, own: float, unit: str, missed: str | None = None) -> str:
    missed = missed_mark(other / own, NEVER_SLOWER) if missed is None else missed
    return f"| {title} | {other:.2f} {unit} | {own:.2f} {unit} | {missed} |"


def milliseconds(estimators: list[Any], x: np.ndarray) -> list[float]:
    """Return the milliseconds that each estimator takes to predict."""
    found = []
    for estimator in estimators:
        began = time.perf_counter()
        estimator.predict(x)
        found.append(1e3 * (time.perf_counter() - began))
    return found


def both(measure: Callable[[str], float], rounds: int) -> dict[str, float]:
    """Measure both packages alternately, and return the median of each."""
    packages = ("sklearn", "fastnet")
    found = [[measure(package) for package in packages] for _ in range(max(rounds, 3))]
    return dict(zip(packages, (median(each) for each in zip(*found, strict=True)), strict=True))


def fresh(package: str, work: str) -> float:
    """Return the time in seconds that some code takes in a fresh process."""
    code = FRESH.replace("{package}", package).replace("{work}", work)
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def peak(work: Callable[[], object]) -> float:
    """Return the peak memory of the arrays and objects that a call makes, in MiB, as `tracemalloc` counts it."""
    tracemalloc.start()
    work()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found / 2**20


if __name__ == "__main__":
    main()
