"""What the `Network`s of chapter 1 and chapter 3 share: parameters, an engine, and looking at what they are given."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

from fastnet.datasets.dataset import Dataset, Sample, as_dataset, check_numbers, extremes, finite_arrays, real_array
from fastnet.engines import engine_class
from fastnet.engines.contract import Architecture, Arrays, Descent, Engine, Measure
from fastnet.files import models
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.costs import BuiltIn, LogLikelihoodCost, OwnCost
from fastnet.learning import diagnostics
from fastnet.learning.history import Epoch, History
from fastnet.learning.runs import Findings, Run
from fastnet.utils import arguments, progress
from fastnet.utils.interruption import heard_afterwards

_T = TypeVar("_T")


class _Checked(Generic[_T]):
    """An attribute of a network that can be assigned: what it may not be is refused then."""

    def __init__(self, check: Callable[[Any], _T]) -> None:
        self._check = check

    def __set_name__(self, owner: type[BaseNetwork], name: str) -> None:
        self._name = f"_{name}"

    @overload
    def __get__(self, network: None, owner: type[BaseNetwork]) -> _Checked[_T]: ...
    @overload
    def __get__(self, network: BaseNetwork, owner: type[BaseNetwork]) -> _T: ...
    def __get__(self, network: BaseNetwork | None, owner: type[BaseNetwork]) -> _Checked[_T] | _T:
        if network is None:  # as `help` asks the class for it
            return self
        value: _T = getattr(network, self._name)
        return value

    def __set__(self, network: BaseNetwork, value: Any) -> None:
        setattr(network, self._name, self._check(value))


def _engine(name: Any) -> str:
    engine_class(name)
    return str(name)


class BaseNetwork(ABC):
    """A feedforward network. A subclass says what its cost is, and how it is trained.

    Parameters
    ----------
    sizes : sequence of int
        The number of neurons in each layer, the inputs first.
    activation, engine, dtype, seed
        As for `network2.Network`.
    """

    sizes = _Checked(arguments.sizes)
    activation = _Checked(partial(arguments.one_of, choices=ACTIVATIONS, argument="activation"))
    engine = _Checked(_engine)
    dtype = _Checked(arguments.float_type)

    history: History | None = None
    """What the last `SGD` did; None before the first."""

    _as_written: ClassVar[dict[str, Callable[..., Any]]]
    """The methods of the shelf's class that an engine stands for; what is found in their place is the user's."""

    def __init__(
        self, sizes: Sequence[int], activation: str, engine: str, dtype: npt.DTypeLike, seed: int | None
    ) -> None:
        self.sizes = sizes
        self.activation = activation
        self.engine = engine
        self.dtype = dtype
        self._seed = None if seed is None else arguments.seed(seed)
        self._random = None if self._seed is None else np.random.RandomState(self._seed)

    @property
    def num_layers(self) -> int:
        """The number of layers, the inputs included."""
        return len(self.sizes)

    @num_layers.setter
    def num_layers(self, number: int) -> None:  # which a subclass in the book's way assigns
        if number != len(self.sizes):
            raise ValueError(f"num_layers is {arguments.brief(number)}; of sizes {self.sizes} it is {len(self.sizes)}")

    def _draw_parameters(self, scaled: bool) -> None:
        """Draw biases and weights from the normal distribution; the weights divided by sqrt(n_in), if scaled."""
        # All biases first, then all weights: the order in which the book draws them.
        random = self._generator()
        self.biases = [random.randn(y, 1).astype(self.dtype) for y in self.sizes[1:]]
        self.weights = [
            (random.randn(y, x) / (np.sqrt(x) if scaled else 1)).astype(self.dtype) for x, y in pairwise(self.sizes)
        ]

    def __repr__(self) -> str:
        return f"<Network {self.sizes}, engine {self.engine!r}, {self.dtype}>"

    def feedforward(self, a: npt.ArrayLike) -> np.ndarray:
        """Return the output of the network if `a` is input.

        Parameters
        ----------
        a : array_like, shape (n_in, 1) or (n_in, m)
            A column, or a matrix of one sample a column.

        Returns
        -------
        ndarray, shape (n_out, 1) or (n_out, m)
            The output activations, of the network's dtype.

        Raises
        ------
        ValueError
            If `a` is of another shape.
        """
        return self._make_engine().outputs(self._rows(a, "a", self.sizes[0])).T

    def backprop(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Arrays, Arrays]:
        """Return a tuple `(nabla_b, nabla_w)` representing the gradient for the cost function C_x.

        Parameters
        ----------
        x : array_like, shape (n_in, 1)
            The input.
        y : array_like, shape (n_out, 1)
            The desired output.

        Returns
        -------
        nabla_b, nabla_w : lists of ndarray
            Layer by layer, of the shapes of `biases` and `weights`.

        Raises
        ------
        ValueError
            If `x` or `y` is of another shape.
        """
        inputs, targets = self._rows(x, "x", self.sizes[0]), self._rows(y, "y", self.sizes[-1])
        for name, rows in (("x", inputs), ("y", targets)):
            if len(rows) != 1:
                raise ValueError(f"{name} has shape {rows.T.shape}; it must be a column ({rows.shape[1]}, 1)")
        if self._cost() is LogLikelihoodCost:
            _check_probabilities(targets)
        return self._make_engine().gradients(inputs, targets)

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Save the network to the file, in the format of the book's `network2.py`; `load` reads it.

        Raises
        ------
        OSError
            If the file cannot be written. A file that was there is then as it was.
        ValueError
            If a weight or bias is infinite or not a number.
        """
        self._cost()
        weights, biases = self._checked_parameters()
        model = models.Model(self.sizes, weights, biases, self._cost_name(), self.dtype, self.activation)
        models.write(filename, model)

    def _recipe(self, **of_training: Any) -> dict[str, Any]:
        """Return the network and the arguments of its training by their names, but for what is 0.0 or None."""
        of_network = {
            "sizes": self.sizes,
            "cost": self._cost_name(),
            "activation": self.activation,
            "engine": self.engine,
            "dtype": self.dtype.name,
            "seed": self._seed,
        }
        unused = (None, 0.0)
        recipe = {**of_network, **of_training}
        return {name: value for name, value in recipe.items() if isinstance(value, int) or value not in unused}

    @abstractmethod
    def _cost(self) -> BuiltIn | OwnCost:
        """Return the cost that the engine is to lower."""

    @abstractmethod
    def _cost_name(self) -> str:
        """Return the name that the cost has in files."""

    def _make_engine(self, data: Dataset | None = None) -> Engine:
        """Make an engine that has the network's parameters as they are now, and data if it is to train on them."""
        architecture = Architecture(tuple(self.sizes), self.dtype, self.activation, self._cost())
        return engine_class(self.engine)(architecture, *self._checked_parameters(), data)

    def _train(self, run: Run, monitor: Callable[[], Findings], report: Callable[[History], object]) -> None:
        """Train epoch after epoch, until there are as many as there are to be or the plan says stop."""
        generator = self._generator()
        went_on = run.go_on(generator)
        if went_on is not None:
            self.weights, self.biases = went_on
        elif run.descent.dropout:  # drawn only where it is needed: without dropout, all else is as in the book
            run.descent = replace(run.descent, seed=int(generator.randint(2**31)))
        run.keep(*self._checked_parameters(), generator)  # which shows, before anything is trained, that it can be
        self.history, dead_outputs = run.history, diagnostics.DeadOutputs()
        while not run.is_over:
            number, eta = len(run.history.epochs), run.plan.eta
            weights, biases, seconds = self._train_epoch(run, f"Epoch {number}", eta)
            if not _all_finite(weights + biases):
                run.history.stopped, run.history.diverged = diagnostics.why_stopped(f"epoch {number}"), True
                diagnostics.diverged(f"epoch {number}", eta, stacklevel=3)
                return
            self.weights, self.biases = weights, biases
            findings = monitor()
            run.add(Epoch(number, eta, seconds, *findings[:4]))
            run.keep(*self._checked_parameters(), generator)
            report(run.history)
            dead_outputs.look_at(number, findings.never_predicted, stacklevel=3)  # which may end it, as an error

    def _train_epoch(self, run: Run, title: str, eta: float) -> tuple[Arrays, Arrays, float]:
        """Train for an epoch, in a new random order; return the parameters, and how many seconds it took."""
        engine = run.engine
        assert engine.data is not None
        engine.set_parameters(*self._checked_parameters())  # an evaluation of the user's may have changed them
        began = time.perf_counter()
        order = self._generator().permutation(len(engine.data))
        with heard_afterwards() as hear:
            for part in progress.runs(order, run.mini_batch_size, title):
                engine.epoch(part, run.mini_batch_size, eta, run.descent)
                hear()
        return *engine.parameters(), time.perf_counter() - began

    def _train_mini_batch(self, data: Dataset, eta: float, descent: Descent | None = None) -> None:
        """Train on a single mini-batch."""
        engine = self._make_engine(data)
        engine.epoch(np.arange(len(data)), len(data), eta, descent)
        weights, biases = engine.parameters()
        if _all_finite(weights + biases):
            self.weights, self.biases = weights, biases
        else:
            diagnostics.diverged("this mini-batch", eta, stacklevel=3)

    def _correct(self, data: Dataset) -> int:
        """Return for how many samples the largest output is the right one."""
        if not self._overridden("feedforward"):
            return self._make_engine().measure(data).correct
        outputs = self.feedforward(data.inputs.T).T
        return int(np.sum(outputs.argmax(axis=1) == data.labels(self.sizes[-1])))

    @staticmethod
    def _own_count(value: Any, method: str, data: Dataset) -> int:
        """Return what a method of the user's has returned as the number of samples that are classified right."""
        number = arguments.natural(value, f"what {method} returned")
        if number > len(data):
            raise ValueError(f"what {method} returned is {arguments.brief(number)}; there are {len(data)} samples")
        return number

    def _never_predicted(self, data: Dataset, measure: Measure) -> tuple[int, ...]:
        """Return which labels are often in the data, but were given to no sample."""
        n_out = self.sizes[-1]
        if n_out == 1:
            return ()
        counts = data.derived(("counts", n_out), lambda: np.bincount(data.labels(n_out), minlength=n_out))
        predicted = measure.predictions[measure.predictions >= 0]
        return diagnostics.never_predicted(counts, np.bincount(predicted, minlength=n_out))

    def _checked_parameters(self) -> tuple[Arrays, Arrays]:
        """Return weights and biases, which the user may have assigned, if they are finite and fit the sizes."""
        return (
            self._checked(self.weights, "weights", [(y, x) for x, y in pairwise(self.sizes)]),
            self._checked(self.biases, "biases", [(y, 1) for y in self.sizes[1:]]),
        )

    def _checked(self, given: Any, name: str, shapes: list[tuple[int, int]]) -> Arrays:
        arrays = finite_arrays(given, name, self.dtype)
        if [array.shape for array in arrays] != shapes:
            found = ", ".join(str(array.shape) for array in arrays)
            raise ValueError(f"{name} have the shapes {found}; they must be {', '.join(map(str, shapes))}")
        return arrays

    def _training_set(self, data: Dataset | Iterable[Sample], argument: str) -> Dataset:
        """Return a data set that fits the network, with vectors for targets."""
        with arguments.named(argument):
            fitting = self._fitting_inputs(data).with_vectors(self.sizes[-1])
            if self._cost() is LogLikelihoodCost:
                fitting.derived("probabilities", lambda: _check_probabilities(fitting.targets))
            return fitting

    def _test_set(self, data: Dataset | Iterable[Sample], argument: str = "test_data") -> Dataset:
        """Return a data set that fits the network, with labels below the number of outputs."""
        with arguments.named(argument):
            data = self._fitting_inputs(data)
            data.labels(self.sizes[-1])
            return data

    def _fitting_inputs(self, data: Dataset | Iterable[Sample]) -> Dataset:
        data = as_dataset(data)
        data.check_inputs(self.sizes[0])
        data.check_numbers(self.dtype)
        return data

    def _rows(self, columns: npt.ArrayLike, argument: str, n: int) -> np.ndarray:
        """Return columns of length n as the rows of a matrix."""
        rows = real_array(columns, f"the elements of {argument}").T
        if rows.ndim != 2 or rows.shape[1] != n:
            raise ValueError(
                f"{argument} has shape {rows.T.shape}; it must be a column ({n}, 1) or a matrix of columns ({n}, m)"
            )
        check_numbers(extremes(rows), self.dtype, argument)
        return np.ascontiguousarray(rows)

    def _overridden(self, method: str) -> bool:
        """Whether a subclass, or an assignment to this network or the class, has put another method in its place."""
        return getattr(getattr(self, method), "__func__", None) is not self._as_written[method]

    def _refuse_overridden(self, *methods: str, instead: str) -> None:
        for method in methods:
            if self._overridden(method):
                raise TypeError(
                    f"{type(self).__name__} overrides {method}, which the engine would never call; "
                    f"{instead}, or write the training loop in Python"
                )

    def _generator(self) -> Any:
        """Return the network's own generator, or NumPy's global one: both have `randn` and `permutation`."""
        return np.random if self._random is None else self._random


def _all_finite(arrays: Arrays) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)


def _check_probabilities(targets: np.ndarray) -> None:
    """Find out whether the desired outputs, one sample a row, are what the log-likelihood is about."""
    sums, smallest = targets.sum(axis=1), targets.min(axis=1)
    wrong = ~(np.isclose(sums, 1, rtol=0, atol=1e-5) & (smallest >= 0))
    if wrong.any():
        raise ValueError(
            f"there is a y with the sum {sums[wrong][0]:g} and the smallest component {smallest[wrong][0]:g}; "
            "LogLikelihoodCost takes probabilities, which have the sum 1"
        )
