"""A module to implement the stochastic gradient descent learning algorithm for a feedforward neural network.

This is the book's `network.py` (chapter 1), with its names and its meaning. The arithmetic is an engine's: see
`fastnet.engines`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet import arguments, models, progress
from fastnet.activations import sigmoid, sigmoid_prime
from fastnet.datasets.dataset import Dataset, Sample, as_dataset, real_matrix
from fastnet.engines import engine_class
from fastnet.engines.contract import Architecture, Arrays, Engine

__all__ = ["Network", "load", "sigmoid", "sigmoid_prime"]

_COST = "QuadraticCost"  # the book's name for it, in files


class Network:
    """A feedforward network of sigmoid neurons with the quadratic cost.

    Parameters
    ----------
    sizes : sequence of int
        The number of neurons in each layer, the inputs first: `[784, 30, 10]` has one hidden layer of 30.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        What computes: compiled kernels; matrix products; PyTorch; or the book's algorithm, sample by sample. They
        give the same results up to rounding.
    dtype : {'float32', 'float64'}, optional
        The precision of parameters and arithmetic.
    seed : int, optional
        Seeds a generator of the network's own. Without it, the initial parameters and the shuffling come from
        NumPy's global generator, so that `np.random.seed` makes a run repeatable. Either way the same seed
        gives the book's initial parameters.

    Attributes
    ----------
    num_layers : int
        The number of layers, the inputs included.
    sizes : list of int
        As given.
    weights : list of ndarray
        One matrix `(n_out, n_in)` for each layer but the first. It may be changed or assigned.
    biases : list of ndarray
        One column `(n_out, 1)` for each layer but the first. It may be changed or assigned.

    Raises
    ------
    ImportError
        If what the engine needs is not installed.
    TypeError
        If a size or the seed is not an integer.
    ValueError
        If there are fewer than two layers, a size is not positive, or the engine or the dtype is unknown.

    Notes
    -----
    A subclass may override `cost_derivative`: the engines 'numpy' and 'reference' call it, the others refuse it. It may
    override `evaluate` and `feedforward`. It cannot override `backprop` and `update_mini_batch` for `SGD`, which
    computes whole epochs in the engine: `SGD` refuses to train then.

    Examples
    --------
    >>> net = Network([2, 3, 1], seed=0)
    >>> [w.shape for w in net.weights], [b.shape for b in net.biases]
    ([(3, 2), (1, 3)], [(3, 1), (1, 1)])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        engine: str = "numba",
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        self.sizes = [arguments.positive(size, "a size") for size in sizes]
        if len(self.sizes) < 2:
            raise ValueError(f"sizes is {self.sizes}; it must name at least two layers, inputs and outputs")
        self.num_layers = len(self.sizes)
        engine_class(engine)
        self.engine = engine
        self.dtype = arguments.float_type(dtype)
        self._random = None if seed is None else np.random.RandomState(arguments.seed(seed))
        # All biases first, then all weights: the order in which the book draws them.
        random = self._generator()
        self.biases = [random.randn(y, 1).astype(self.dtype) for y in self.sizes[1:]]
        self.weights = [
            random.randn(y, x).astype(self.dtype) for x, y in zip(self.sizes[:-1], self.sizes[1:], strict=True)
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

    def SGD(  # noqa: N802 - the book's name
        self,
        training_data: Dataset | Iterable[Sample],
        epochs: int,
        mini_batch_size: int,
        eta: float,
        test_data: Dataset | Iterable[Sample] | None = None,
    ) -> None:
        """Train the network using mini-batch stochastic gradient descent, printing a line for each epoch.

        Parameters
        ----------
        training_data : Dataset or iterable of (x, y)
            `x` a column of shape (n_in, 1), `y` a column of shape (n_out, 1) or an integer label. It is not
            reordered.
        epochs : int
            How many times to go through the training data, each time in a new random order.
        mini_batch_size : int
            The number of samples in a mini-batch. The last one of an epoch has what is left.
        eta : float
            The learning rate, positive.
        test_data : Dataset or iterable of (x, y), optional
            If given, the network is evaluated against it after each epoch.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of that form. The network is unchanged then.

        Notes
        -----
        The time that is printed is that of shuffling and training, without the evaluation. Interrupted by
        Ctrl-C, the network is as it was after the last whole epoch.
        """
        epochs = arguments.natural(epochs, "epochs")
        mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
        eta = arguments.positive_number(eta, "eta")
        self._refuse_overridden("backprop", "update_mini_batch")
        data = self._training_set(training_data, "training_data")
        test_set = None if test_data is None else self._test_set(test_data)
        mini_batch_size = min(mini_batch_size, len(data))
        engine = self._make_engine(data, training=True)
        for j in range(epochs):
            engine.set_parameters(*self._checked_parameters())  # an evaluation of the user's may have changed them
            began = time.perf_counter()
            order = self._generator().permutation(len(data))
            for run in progress.runs(order, mini_batch_size, f"Epoch {j}"):
                engine.epoch(run, mini_batch_size, eta)
            seconds = time.perf_counter() - began
            self.weights, self.biases = engine.parameters()
            if test_set is None:
                print(f"Epoch {j} complete, took {seconds:.2f} seconds", flush=True)
                continue
            correct, n_test = self.evaluate(test_set), len(test_set)
            print(
                f"Epoch {j}: {correct} / {n_test} ({correct / n_test:.2%} accuracy), took {seconds:.2f} seconds",
                flush=True,
            )

    def update_mini_batch(self, mini_batch: Dataset | Iterable[Sample], eta: float) -> None:
        """Update the network's weights and biases by applying gradient descent to a single mini-batch.

        Parameters
        ----------
        mini_batch : Dataset or iterable of (x, y)
            As in `SGD`.
        eta : float
            The learning rate, positive.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of that form. The network is unchanged then.
        """
        eta = arguments.positive_number(eta, "eta")
        self._refuse_overridden("backprop")
        data = self._training_set(mini_batch, "mini_batch")
        engine = self._make_engine(data, training=True)
        engine.epoch(np.arange(len(data)), len(data), eta)
        self.weights, self.biases = engine.parameters()

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
        return self._make_engine(training=True).gradients(inputs, targets)

    def evaluate(self, test_data: Dataset | Iterable[Sample]) -> int:
        """Return the number of test inputs for which the network outputs the correct result.

        The network's output is the index of whichever neuron in the final layer has the highest activation.

        Parameters
        ----------
        test_data : Dataset or iterable of (x, y)
            `y` an integer label, or a column whose largest component stands at the label.

        Raises
        ------
        TypeError, ValueError
            If it is not of that form.
        """
        data = self._test_set(test_data)
        if self._overridden("feedforward"):
            outputs = self.feedforward(data.inputs.T).T
        else:
            outputs = self._make_engine().outputs(data)
        return int(np.sum(outputs.argmax(axis=1) == data.labels(self.sizes[-1])))

    def cost_derivative(self, output_activations: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the vector of partial derivatives of C_x with respect to the output activations."""
        return output_activations - y

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Save the network to the file, in the format of the book's `network2.py`; `load` reads it.

        Raises
        ------
        OSError
            If the file cannot be written. A file that was there is then as it was.
        ValueError
            If a weight or bias is infinite or not a number.
        """
        weights, biases = self._checked_parameters()
        models.write(filename, models.Model(self.sizes, weights, biases, _COST, self.dtype))

    def _make_engine(self, data: Dataset | None = None, *, training: bool = False) -> Engine:
        """Make an engine that has the network's parameters as they are now; only training needs the cost."""
        own = training and self._overridden("cost_derivative")
        architecture = Architecture(tuple(self.sizes), self.dtype, self.cost_derivative if own else None)
        return engine_class(self.engine)(architecture, *self._checked_parameters(), data)

    def _checked_parameters(self) -> tuple[Arrays, Arrays]:
        """Return weights and biases, which the user may have assigned, if they fit the sizes."""
        weights, biases = [np.asarray(w) for w in self.weights], [np.asarray(b) for b in self.biases]
        shapes = list(zip(self.sizes[1:], self.sizes[:-1], strict=True))
        for name, arrays, expected in (
            ("weights", weights, shapes),
            ("biases", biases, [(y, 1) for y in self.sizes[1:]]),
        ):
            if [array.shape for array in arrays] != expected:
                found = ", ".join(str(array.shape) for array in arrays)
                raise ValueError(f"{name} have the shapes {found}; they must be {', '.join(map(str, expected))}")
        return weights, biases

    def _training_set(self, data: Dataset | Iterable[Sample], argument: str) -> Dataset:
        """Return a data set that fits the network, with vectors for targets."""
        with arguments.named(argument):
            return self._fitting_inputs(data).with_vectors(self.sizes[-1])

    def _test_set(self, data: Dataset | Iterable[Sample]) -> Dataset:
        """Return a data set that fits the network, with labels below the number of outputs."""
        with arguments.named("test_data"):
            data = self._fitting_inputs(data)
            data.labels(self.sizes[-1])
            return data

    def _fitting_inputs(self, data: Dataset | Iterable[Sample]) -> Dataset:
        data = as_dataset(data)
        data.check_inputs(self.sizes[0])
        return data

    def _rows(self, columns: npt.ArrayLike, argument: str, n: int) -> np.ndarray:
        """Return columns of length n as the rows of a matrix."""
        array = np.asarray(columns)
        if array.ndim != 2 or len(array) != n:
            raise ValueError(
                f"{argument} has shape {array.shape}; it must be a column ({n}, 1) or a matrix of columns ({n}, m)"
            )
        return real_matrix(array.T, f"the elements of {argument}")

    def _overridden(self, method: str) -> bool:
        """Whether a subclass, or an assignment to this network or the class, has put another method in its place."""
        return getattr(getattr(self, method), "__func__", None) is not _BOOKS[method]

    def _refuse_overridden(self, *methods: str) -> None:
        for method in methods:
            if self._overridden(method):
                raise TypeError(
                    f"{type(self).__name__} overrides {method}, which the engine would never call; "
                    "override cost_derivative, or write the training loop in Python"
                )

    def _generator(self) -> Any:
        """Return the network's own generator, or NumPy's global one: both have `randn` and `permutation`."""
        return np.random if self._random is None else self._random


# What the engines stand for; whatever else is found in their place is the user's.
_BOOKS = {name: getattr(Network, name) for name in ("backprop", "cost_derivative", "feedforward", "update_mini_batch")}


def load(filename: str | os.PathLike[str], *, engine: str = "numba", seed: int | None = None) -> Network:
    """Load a network from a file that `Network.save`, or the book's `network2.py`, wrote.

    Parameters
    ----------
    filename : path
        The file.
    engine, seed
        As for `Network`. The precision is that of the file; a file of the book's becomes float64.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it does not hold a network, or one with another cost than the quadratic.
    """
    model = models.read(filename)
    if model.cost != _COST:
        raise ValueError(f"{os.fspath(filename)}: its cost is {model.cost}; this Network has the quadratic cost only")
    net = Network(model.sizes, engine=engine, dtype=model.dtype, seed=seed)
    net.weights, net.biases = model.weights, model.biases
    return net
