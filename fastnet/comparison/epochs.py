"""Compares engines by the time of whole epochs of one network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import numpy as np

from fastnet import mnist_loader
from fastnet.comparison import timing
from fastnet.datasets.classes import classes_of
from fastnet.datasets.dataset import Dataset, Sample, fitting
from fastnet.engines import why_missing
from fastnet.utils import arguments, machine


@dataclass(frozen=True)
class Result:
    """Measurements of one engine.

    Attributes
    ----------
    engine : str
        Name of the engine.
    seconds : list of float
        Time of each epoch, in seconds.
    accuracy : float or None
        Test accuracy after all epochs, from 0 to 1; None if the engine was not measured.
    missing : str or None
        Reason why the engine was not measured; None if the engine was measured.
    """

    engine: str
    seconds: list[float] = field(default_factory=list)
    accuracy: float | None = None
    missing: str | None = None

    @property
    def median(self) -> float:
        """Median time of an epoch, in seconds. There must be at least one epoch."""
        return median(self.seconds)


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`.

    Attributes
    ----------
    sizes : list of int
        Number of neurons in each layer, the inputs first.
    mini_batch_size, eta, dtype, threads
        Arguments of `compare`; `threads` is None for all processors.
    machine : dict
        Processor and versions, see `fastnet.utils.machine`.
    difference : float or None
        Largest difference between an engine's parameters and the first engine's, after a few mini-batches; None with
        one engine.
    results : list of Result
        One result for each engine, in the order of the argument `engines`.
    """

    sizes: list[int]
    mini_batch_size: int
    eta: float
    dtype: str
    threads: int | None
    machine: dict[str, str]
    difference: float | None
    results: list[Result]

    def times(self, engine: str, reference: str = "reference") -> float | None:
        """Return the median over epochs of speed(engine) / speed(reference); None if an engine was not measured."""
        seconds = {result.engine: result.seconds for result in self.results if result.seconds}
        if engine not in seconds or reference not in seconds:
            return None
        return median(slow / fast for slow, fast in zip(seconds[reference], seconds[engine], strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return all attributes, with values that JSON supports."""
        return asdict(self)


def compare(
    sizes: Sequence[int] = (784, 30, 10),
    *,
    epochs: int = 5,
    mini_batch_size: int = 10,
    eta: float = 3.0,
    engines: Sequence[str] = timing.ENGINES,
    dtype: str = "float32",
    threads: int | None = None,
    seed: int = 0,
    training_data: Dataset | Iterable[Sample] | None = None,
    test_data: Dataset | Iterable[Sample] | None = None,
    tick: Callable[[], object] | None = None,
) -> Comparison:
    """Train the same network with several engines, which take turns after each epoch, and time the epochs.

    Parameters
    ----------
    sizes : sequence of int, optional
        Number of neurons in each layer, the inputs first.
    epochs, mini_batch_size, eta : optional
        As for `Network.SGD`.
    engines : sequence of str, optional
        Names of the engines; by default all. Engines that are not installed are not measured.
    dtype : {'float32', 'float64'}, optional
        Floating-point type of all engines, the engine 'reference' included.
    threads : int, optional
        Largest number of threads of an engine; by default, the number of processors.
    seed : int, optional
        Seed of the parameters and of the order of samples.
    training_data, test_data : Dataset or iterable of (x, y), optional
        Samples; by default MNIST.
    tick : callable, optional
        Function that is called without arguments after each epoch of each installed engine.

    Raises
    ------
    ArithmeticError
        If the engines' parameters differ by more than rounding errors, or become infinite or NaN.
    TypeError, ValueError
        If an argument has a wrong type or value, or no engine is installed.
    """
    sizes = arguments.sizes(sizes)
    epochs = arguments.positive(epochs, "epochs")
    mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
    type_ = arguments.float_type(dtype)
    eta = arguments.positive_number(eta, "eta", type_)
    tick = arguments.function(tick, "tick") or (lambda: None)
    threads = None if threads is None else arguments.positive(threads, "threads")
    random = np.random.RandomState(arguments.seed(seed))
    engines = arguments.values(engines, "engines", "names, such as ['numba', 'numpy']")
    classes = timing.installed(engines)
    if training_data is None:
        training_data = mnist_loader.load_data_wrapper()[0]
    if test_data is None:
        test_data = mnist_loader.load_data_wrapper()[2]
    with arguments.named("training_data"):
        training = fitting(training_data, sizes[0], type_).with_vectors(sizes[-1])
    with arguments.named("test_data"):
        test = fitting(test_data, sizes[0], type_)
        truth = classes_of(test, sizes[-1], "sigmoid")
    with timing.limited(threads):
        timed_engines = timing.make_engines(classes, sizes, type_, random, training)
        difference = timing.check(timed_engines, random.permutation(len(training)), mini_batch_size, eta)
        seconds: dict[str, list[float]] = {name: [] for name in timed_engines}
        for _ in range(epochs):
            order = random.permutation(len(training))
            for name, engine in timed_engines.items():
                seconds[name].append(timing.seconds(engine, order, mini_batch_size, eta))
                tick()
        for name, engine in timed_engines.items():
            timing.check_finite(name, engine, eta)
        outputs = {name: engine.outputs(test) for name, engine in timed_engines.items()}
    accuracy = {name: truth.correct(output) / len(test) for name, output in outputs.items()}
    results = [
        Result(name, seconds.get(name, []), accuracy.get(name), why_missing(name)) for name in dict.fromkeys(engines)
    ]
    return Comparison(sizes, mini_batch_size, eta, type_.name, threads, machine.describe(), difference, results)
