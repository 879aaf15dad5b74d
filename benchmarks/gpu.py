"""Check and time the PyTorch engines on a CUDA device. Neither Numba nor an installation of fastnet is needed.

    python benchmarks/gpu.py [--json FILE] [--quick]

First, each PyTorch engine is compared with the engine `reference`, in float64 and float32, with every activation and
cost, and with the options in `DESCENTS`. Then the eager engine, the compiled engine and the engine with CUDA graphs are
timed, with several networks and mini-batch sizes. `--device cpu` checks and times the engines for the CPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from fastnet import Dataset, mnist_loader
from fastnet.engines import engine_class, why_missing
from fastnet.engines.contract import Descent
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import COSTS, QuadraticCost
from fastnet.formulas.initialization import normal
from fastnet.formulas.layers import BatchNormalization, Dense, Dropout
from fastnet.formulas.optimizers import Adam, GradientDescent
from fastnet.utils import machine

ENGINES = {"cuda": ("torch-cuda-eager", "torch-cuda-compiled", "torch-cuda"), "cpu": ("torch-cpu", "torch-compiled")}
TOLERANCE = {"float64": 1e-10, "float32": 1e-3}
DESCENTS = {
    "plain": Descent(),
    "L2": Descent(l2=0.05),
    "L1 and momentum": Descent(GradientDescent(0.7), l1=0.001),
    "Nesterov's momentum": Descent(GradientDescent(0.7, nesterov=True), seed=5),
    "Adam with max-norm": Descent(Adam(epsilon=1e-3), max_norm=1.5),
}
NETWORKS = [([784, 30, 10], 10), ([784, 100, 10], 10), ([784, 1000, 10], 100), ([784, 1000, 1000, 10], 1000)]
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=list(ENGINES), default="cuda", help="device (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--quick", action="store_true", help="fewer checks, and only the smallest network")
    arguments = parser.parse_args()
    missing = {name: why_missing(name) for name in ENGINES[arguments.device]}
    for name, reason in missing.items():
        if reason is not None:
            print(f"Without {name}: {reason}.")
    names = [name for name, reason in missing.items() if reason is None]
    if not names:
        raise SystemExit("there is nothing to measure: no engine is available, for the reasons above")
    print(f"{machine.sentence()}.\n")
    checked = checks(names, arguments.quick)
    timed = timings(names, NETWORKS[:1] if arguments.quick else NETWORKS)
    if arguments.json:
        figures = {"machine": machine.describe(), "checks": checked, "epochs": timed}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    if not all(each["passed"] for each in checked):
        raise SystemExit("NOT ALL CHECKS PASSED")


def checks(names: list[str], quick: bool) -> list[dict]:
    """Compare each engine with the reference, and return the largest difference of each comparison."""
    activations, costs = (["sigmoid"], [QuadraticCost]) if quick else (list(ACTIVATIONS), list(COSTS.values()))
    results = []
    for name, dtype, activation, cost in product(names, TOLERANCE, activations, costs):
        for options, descent in DESCENTS.items():
            difference = largest_difference(name, dtype, activation, cost, descent)
            passed = difference < TOLERANCE[dtype]
            results.append({
                "engine": name, "dtype": dtype, "activation": activation, "cost": cost.__name__, "options": options,
                "difference": difference, "passed": passed,
            })  # fmt: skip
            if not passed:
                print(f"FAILED: {results[-1]}")
    for name in names:
        differences = [each["difference"] for each in results if each["engine"] == name and each["dtype"] == "float64"]
        print(
            f"{name}: {len(differences)} checks in float64 differ from the reference by at most {max(differences):.1e}"
        )
    return results


def largest_difference(name: str, dtype: str, activation: str, cost: type, descent: Descent) -> float:
    """Train for two epochs, the second with half the learning rate; return the largest difference from `reference`."""
    random = np.random.default_rng(0)
    # 470 mini-batches: two runs of a CUDA graph with 200 steps, 69 single steps, and a step for the last sample
    samples, mini_batch_size = 1408, 3
    # In float32, batch normalization of mini-batches of three samples amplifies rounding errors beyond the tolerance.
    normalization = (BatchNormalization(),) if dtype == "float64" else ()
    layers = (Dense(17, activation), *normalization, Dropout(0.3), Dense(9, activation), Dense(4))
    architecture = Architecture((12,), layers, cost)
    drawn = normal(architecture.weight_shapes, np.random.RandomState(0), scaled=True)
    parameters = architecture.parameters(*drawn)
    targets = random.random((samples, 4))
    data = Dataset(random.standard_normal((samples, 12)), targets / targets.sum(axis=1, keepdims=True))
    orders = [random.permutation(samples) for _ in range(2)]
    found = []
    for engine, its_dtype in ((name, dtype), ("reference", "float64")):
        trained = engine_class(engine)(replace(architecture, dtype=np.dtype(its_dtype)), parameters, data)
        for order, eta in zip(orders, (0.2, 0.1), strict=True):
            trained.epoch(order, mini_batch_size, eta, descent)
        arrays = [array for layer in trained.parameters() for array in layer.values()]
        found.append(np.concatenate([array.ravel() for array in (*arrays, trained.outputs(data.inputs))]))
    return float(np.abs(found[0] - found[1]).max())


def timings(names: list[str], networks: list[tuple[list[int], int]]) -> list[dict]:
    """Measure the times of epochs of MNIST with all engines, which run alternately."""
    training_data = mnist_loader.load_data_wrapper()[0]
    print(f"\n| network | mini-batch | {' | '.join(names)} |\n| --- | --- {'| --- ' * len(names)}|")
    results = []
    for sizes, mini_batch_size in networks:
        random = np.random.RandomState(0)
        architecture = Architecture.dense(sizes, np.dtype("float32"))
        parameters = architecture.parameters(*normal(architecture.weight_shapes, random, scaled=True))
        engines = {name: engine_class(name)(architecture, parameters, training_data) for name in names}
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(ROUNDS + 1):
            order = random.permutation(len(training_data))
            for name, engine in engines.items():
                began = time.perf_counter()
                engine.epoch(order, mini_batch_size, 0.5)
                took = time.perf_counter() - began
                if turn:  # the first epoch, which compiles or captures, is not counted
                    seconds[name].append(took)
        results.append({"sizes": sizes, "mini_batch_size": mini_batch_size, "seconds": seconds})
        row = " | ".join(f"{median(seconds[name]):.3f}" for name in names)
        print(f"| {'-'.join(map(str, sizes))} | {mini_batch_size} | {row} |", flush=True)
    return results


if __name__ == "__main__":
    main()
