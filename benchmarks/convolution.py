"""Compare the compiled engine, hand-written C, PyTorch and JAX: the times of training chapter 6's networks.

    python benchmarks/convolution.py [--network NAME,NAME] [--only NAME,NAME] [--rounds N]

The network `one` has one convolution and sigmoid neurons. The network `two` has two convolutions, ReLU and L2
regularization. Both are networks of the book, with mini-batches of ten. In each round, the programs train one after the
other, each in one thread: the programs with PyTorch or JAX train 30 mini-batches, and all other programs 300. All
programs begin with the same parameters. The table has the processor time, extrapolated to an epoch of 50,000 images,
and its ratio to the time of `c` or `numba`. Times and ratios are medians over the rounds. If PyTorch is installed, each
program first trains one mini-batch, and the result is compared with that of PyTorch in float64.

The C code in `benchmarks/convolution/` needs gcc, and a processor with AVX2 and FMA. If gcc, AVX2 or FMA is missing,
the exit status is 3; choose programs other than `c` with `--only`. The program `torch` is PyTorch code written for
speed, and `torch-cpu` is fastnet's engine of this name. A program whose library is not installed is left out. The
program `pair` uses the compiled engine: it alternately trains one network, and two networks in two threads. The times
of `pair` are wall-clock times.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import compiled_c
import numpy as np
from yardstick import padded, pointer

from fastnet import Dataset, mnist_loader
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import LogLikelihoodCost
from fastnet.formulas.layers import Convolution, Dense, MaxPooling
from fastnet.kernels import threads
from fastnet.kernels.layout import aligned_zeros
from fastnet.utils import machine

M, PIXELS, EPOCH = 10, 784, 5000  # samples in a mini-batch; inputs; mini-batches per epoch
FLOAT32 = np.dtype("float32")
C_NEEDS = "AVX2 and FMA"


class Network(NamedTuple):
    """A network of chapter 6: number of convolutions, settings of the training, and bounds of the programs' ratios."""

    convolutions: int
    activation: str
    eta: float
    lmbda: float
    bounds: dict[str, float]

    @property
    def shrink(self) -> float:
        """Factor by which L2 regularization multiplies the weights in each mini-batch."""
        return 1 - self.eta * self.lmbda / EPOCH

    @property
    def maps(self) -> tuple[int, int]:
        """Number of maps of the last pooling layer, and number of positions in each map."""
        return (20, 144) if self.convolutions == 1 else (40, 16)

    def architecture(self, dtype: str) -> Architecture:
        """Return the architecture, given the precision."""
        images = [
            layer
            for filters in (20, 40)[: self.convolutions]
            for layer in (Convolution(filters, 5, self.activation), MaxPooling(2))
        ]
        layers = (*images, Dense(100, self.activation), Dense(10, "softmax"))
        return Architecture((1, 28, 28), layers, LogLikelihoodCost, np.dtype(dtype))

    def parameters(self) -> list[np.ndarray]:
        """Return weights and biases of each layer, drawn as in the book, with filters for cross-correlations."""
        random, (filters, places) = np.random.RandomState(0), self.maps
        found: list[np.ndarray] = []
        for n, maps in ((20, 1), (40, 20))[: self.convolutions]:
            found += [random.normal(0, np.sqrt(4 / (n * 25)), (n, maps, 5, 5)), random.normal(0, 1, n)]
        n_in = filters * places
        found += [random.normal(0, 0.1, (100, n_in)), random.normal(0, 1, 100)]
        return [*found, random.normal(0, 0.1, (10, 100)), np.zeros(10)]


NETWORKS = {
    "one": Network(1, "sigmoid", 0.1, 0.0, {"numba": 1.25, "numba-float64": 2.6, "torch-cpu": 10, "jax": 4.5}),
    "two": Network(2, "relu", 0.03, 0.1, {"numba": 1.3, "numba-float64": 2.6, "torch-cpu": 9, "jax": 4}),
}


@cache
def data() -> Dataset:
    """Return the training data, with one-hot targets."""
    return mnist_loader.load_data_wrapper()[0]


@cache
def images() -> np.ndarray:
    """Return all images in one array, padded because the C code also reads unused numbers after the last image."""
    flat = aligned_zeros(len(data()) * PIXELS + 64, FLOAT32)
    flat[: len(data()) * PIXELS] = data().inputs.ravel()
    return flat


class C:
    """The hand-written C code, with its data and parameters."""

    def __init__(self, name: str) -> None:
        network = NETWORKS[name]
        self._numbers = [ctypes.c_float(network.eta)]
        if network.convolutions == 2:
            self._numbers.append(ctypes.c_float(network.shrink))
        source = Path(__file__).with_name("convolution") / f"{name}.c"
        self._library = compiled_c.library(source, needs=C_NEEDS, options=["-lm"])
        self._labels, self._network = data().labels(10).astype(np.uint8), network
        *convolutions, w1, b1, w2, b2 = (np.asarray(each, FLOAT32) for each in network.parameters())
        dense = self._by_place(w1).reshape(100, -1, 16).transpose(1, 0, 2).reshape(-1, 16)
        last = [padded(b1[np.newaxis], 104), padded(w2.T, 16), padded(w2, 104), padded(b2[np.newaxis], 16)]
        found = [padded(convolutions[0].reshape(20, 25).T, 24), padded(convolutions[1][np.newaxis], 24)]
        if network.convolutions == 2:
            rows = convolutions[2].transpose(0, 2, 3, 1)  # filter, row, column, map
            found += [padded(rows.reshape(40, 500).T, 40), padded(rows.reshape(200, 100), 104)]
            found.append(padded(convolutions[3][np.newaxis], 40))
        self._parameters = [*found, padded(dense, 16), *last]

    def _by_place(self, w: np.ndarray) -> np.ndarray:
        """Return the weights of the first dense layer, reordered from map by map to position by position."""
        return w.reshape(-1, *self._network.maps).transpose(0, 2, 1).reshape(len(w), -1)

    def train(self, first: int, n: int) -> None:
        arrays = map(pointer, self._parameters)
        start = images()[first * M * PIXELS :], self._labels[first * M :]
        self._library.epoch(*map(pointer, start), ctypes.c_int64(n * M), *self._numbers, *arrays)

    def filters(self) -> np.ndarray:
        return self._parameters[0][:, :20].T.reshape(20, 1, 5, 5)


class Engine:
    """An engine of fastnet."""

    def __init__(self, name: str, engine: str, dtype: str = "float32") -> None:
        self._network = NETWORKS[name]
        architecture = self._network.architecture(dtype)
        given = iter(self._network.parameters())
        parameters = [
            {"weights": next(given), "biases": next(given)[:, np.newaxis]} if trained else {}
            for trained in architecture.trained
        ]
        self._engine = engine_class(engine)(architecture, parameters, data())
        self._descent = Descent(l2=self._network.lmbda / EPOCH)

    def train(self, first: int, n: int) -> None:
        self._engine.epoch(np.arange(first * M, (first + n) * M), M, self._network.eta, self._descent)

    def filters(self) -> np.ndarray:
        return self._engine.parameters()[0]["weights"]


class Torch:
    """PyTorch written for speed: no data loader, no module, no optimizer."""

    def __init__(self, name: str, dtype: str = "float32") -> None:
        import torch

        torch.set_num_threads(1)
        self._torch, self._network = torch, NETWORKS[name]
        as_tensor = {"dtype": getattr(torch, dtype)}
        self._x = torch.tensor(data().inputs, **as_tensor).view(-1, 1, 28, 28)
        self._y = torch.tensor(data().labels(10))
        self._parameters = [torch.tensor(each, **as_tensor, requires_grad=True) for each in self._network.parameters()]

    def _cost(self, x: Any, y: Any) -> Any:
        functional = self._torch.nn.functional
        activation = getattr(self._torch, self._network.activation)
        *convolutions, w1, b1, w2, b2 = self._parameters
        for w, b in zip(convolutions[::2], convolutions[1::2], strict=True):
            x = activation(functional.max_pool2d(functional.conv2d(x, w), 2) + b.view(1, -1, 1, 1))
        hidden = activation(functional.linear(x.flatten(1), w1, b1))
        return functional.cross_entropy(functional.linear(hidden, w2, b2), y)

    def train(self, first: int, n: int) -> None:
        torch, shrink = self._torch, self._network.shrink
        for i in range(first * M, (first + n) * M, M):
            gradients = torch.autograd.grad(self._cost(self._x[i : i + M], self._y[i : i + M]), self._parameters)
            with torch.no_grad():
                if shrink != 1:
                    torch._foreach_mul_(self._parameters[::2], shrink)
                torch._foreach_add_(self._parameters, gradients, alpha=-self._network.eta)

    def filters(self) -> np.ndarray:
        return self._parameters[0].detach().numpy()


class Jax:
    """JAX with all mini-batches in a compiled `scan`; a convolution is a matrix product with copies of all patches."""

    def __init__(self, name: str) -> None:
        import jax
        import jax.numpy as jnp

        self._jax, network = jax, NETWORKS[name]
        activation = getattr(jax.nn, network.activation)
        given = [np.asarray(each, FLOAT32) for each in network.parameters()]
        given[-4] = given[-4].reshape(100, *network.maps).swapaxes(1, 2).reshape(100, -1)
        self._parameters = [
            jnp.asarray(p.transpose(2, 3, 1, 0) if p.ndim == 4 else p.T if p.ndim == 2 else p) for p in given
        ]
        self._x = data().inputs.reshape(-1, M, 28, 28, 1)
        self._y = data().labels(10).astype(np.int32).reshape(-1, M)

        def convolution(x: Any, w: Any) -> Any:
            side = x.shape[1] - 4
            patches = [x[:, i : i + side, j : j + side] for i in range(5) for j in range(5)]
            flat = jnp.concatenate(patches, axis=-1).reshape(len(x) * side * side, -1)
            return (flat @ w.reshape(flat.shape[1], -1)).reshape(len(x), side, side, -1)

        def cost(parameters: list[Any], x: Any, y: Any) -> Any:
            *convolutions, w1, b1, w2, b2 = parameters
            for w, b in zip(convolutions[::2], convolutions[1::2], strict=True):
                z = convolution(x, w)
                n, side, _, filters = z.shape
                x = activation(z.reshape(n, side // 2, 2, side // 2, 2, filters).max((2, 4)) + b)
            outputs = activation(x.reshape(len(x), -1) @ w1 + b1) @ w2 + b2
            return -jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], 1).mean()

        def step(parameters: list[Any], mini_batch: Any) -> tuple[list[Any], None]:
            gradients = jax.grad(cost)(parameters, *mini_batch)
            shrunk = [p * network.shrink if p.ndim > 1 else p for p in parameters]
            return [p - network.eta * g for p, g in zip(shrunk, gradients, strict=True)], None

        self._scan = jax.jit(lambda parameters, x, y: jax.lax.scan(step, parameters, (x, y))[0])

    def train(self, first: int, n: int) -> None:
        part = slice(first, first + n)
        self._parameters = self._jax.block_until_ready(self._scan(self._parameters, self._x[part], self._y[part]))

    def filters(self) -> np.ndarray:
        return np.array(self._parameters[0]).transpose(3, 2, 0, 1)


PROGRAMS: dict[str, Callable[[str], Any]] = {
    "c": C,
    "numba": lambda name: Engine(name, "numba"),
    "numba-float64": lambda name: Engine(name, "numba", "float64"),
    "torch": Torch,
    "torch-cpu": lambda name: Engine(name, "torch-cpu"),
    "jax": Jax,
}


def installed(name: str) -> bool:
    return name not in ("torch", "torch-cpu", "jax") or importlib.util.find_spec(name.split("-")[0]) is not None


def check(name: str, programs: dict[str, Any]) -> None:
    """Compare the change of the first layer's filters in one mini-batch with that of PyTorch in float64."""
    if not installed("torch"):
        return
    exact, before = Torch(name, "float64"), NETWORKS[name].parameters()[0]
    exact.train(0, 1)
    change = exact.filters() - before
    for program, each in programs.items():
        each.train(0, 1)
        error = np.abs(each.filters() - before - change).max() / np.abs(change).max()
        assert error < 1e-4, f"{program} changes the filters of {name!r} with a relative error of {error:.0e}"


def time_programs(name: str, names: list[str], rounds: int) -> None:
    programs = {program: PROGRAMS[program](name) for program in names}
    check(name, programs)
    work = {program: 30 if program.startswith(("torch", "jax")) else 300 for program in names}
    for program, each in programs.items():
        each.train(0, work[program])  # compiles and warms up
    seconds: dict[str, list[float]] = {program: [] for program in names}
    for i in range(rounds):
        for program, each in programs.items():
            began = time.process_time()
            each.train(work[program] * (1 + i) % (EPOCH - work[program]), work[program])
            seconds[program].append((time.process_time() - began) / work[program] * EPOCH)
    for program in names:
        line = f"| {name} | {program} | {median(seconds[program]):.2f} | "
        if program.startswith("numba") and "c" in names:
            ratio = median(a / b for a, b in zip(seconds[program], seconds["c"], strict=True))
            line += f"{ratio:.2f} times C, at most {NETWORKS[name].bounds[program]} |"
        elif program in NETWORKS[name].bounds:
            ratio = median(a / b for a, b in zip(seconds[program], seconds["numba"], strict=True))
            line += f"{ratio:.1f} times numba, at least {NETWORKS[name].bounds[program]} |"
        else:
            line += " |"
        print(line, flush=True)


class Pair:
    """Two networks. One network is trained, or both are trained, each in its own thread."""

    def __init__(self, name: str) -> None:
        self._engines = [Engine(name, "numba") for _ in range(2)]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(2)

    def seconds(self, networks: int) -> float:
        def work(engine: Engine) -> None:
            with threads.limited(1):
                engine.train(0, 1000)

        began = time.perf_counter()
        list(self._pool.map(work, self._engines[:networks]))
        return time.perf_counter() - began


def time_pair(name: str, rounds: int) -> None:
    pair = Pair(name)
    pair.seconds(2)
    times = [(pair.seconds(1), pair.seconds(2)) for _ in range(rounds)]
    print(f"| {name} | pair | | {median(b / a for a, b in times):.2f} times one network, at most 1.1 |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=lambda text: text.split(","), default=list(NETWORKS))
    parser.add_argument("--only", type=lambda text: text.split(","), default=[*PROGRAMS, "pair"])
    parser.add_argument("--rounds", type=int, default=9, help="runs of each program (default: %(default)s)")
    chosen = parser.parse_args()
    if "c" in chosen.only:
        with compiled_c.refusing():
            compiled_c.check("the C code of the program 'c'", C_NEEDS)
    print(f"{machine.sentence()}.\n")
    if "c" in chosen.only:
        print(f"The C code uses {C_NEEDS}, compiled for {compiled_c.processor()!r}.\n")
    print("| network | program | seconds an epoch | |")
    print("| --- | --- | --- | --- |", flush=True)
    for name in chosen.network:
        with threads.limited(1):
            time_programs(
                name, [program for program in chosen.only if program in PROGRAMS and installed(program)], chosen.rounds
            )
        if "pair" in chosen.only:
            time_pair(name, chosen.rounds)


if __name__ == "__main__":
    main()
