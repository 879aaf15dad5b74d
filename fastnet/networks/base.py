"""Base class of the `Network`s of chapters 1 and 3: layers, parameters, an engine, and checks of arguments."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fastnet.datasets.classes import Classes, classes_of
from fastnet.datasets.dataset import (
    Dataset,
    Sample,
    as_dataset,
    check_numbers,
    extremes,
    finite_arrays,
    fitting,
    real_array,
)
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent, Engine, Measure
from fastnet.files import models
from fastnet.formulas import initialization
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.architecture import Architecture, Arrays, Parameters
from fastnet.formulas.costs import BuiltIn, CustomCost, by_name
from fastnet.formulas.layers import Layer, Shape, as_layers
from fastnet.learning import diagnostics
from fastnet.learning.checkpoints import CheckpointFile
from fastnet.learning.diagnostics import NeverPredicted
from fastnet.learning.history import History
from fastnet.learning.training import Training
from fastnet.networks import entries, inspection
from fastnet.networks.learner import NetworkLearner, arrays_of, for_layers_of
from fastnet.utils import arguments
from fastnet.utils.random_state import restored_on_error


def _engine(name: Any) -> str:
    engine_class(name)
    return str(name)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "cost": by_name,
    "activation": partial(arguments.one_of, choices=ACTIVATIONS, argument="activation"),
    "engine": _engine,
    "dtype": arguments.float_type,
}
"""For each of these attributes of a network, the function that checks a value assigned to the attribute."""


class BaseNetwork(ABC):
    """A feedforward network. A subclass defines its cost and its training.

    Parameters
    ----------
    sizes : sequence of int and Layer
        Number of inputs, or shape of the images, then the layers. An integer after the first entry is a dense layer of
        that many neurons.
    activation, engine, dtype, seed
        See `network2.Network`.
    """

    # Defaults for subclasses whose __init__ is written as in the book, without super().__init__().
    activation: str = "sigmoid"
    engine: str = "numba"
    dtype: np.dtype = np.dtype(np.float32)
    _seed: int | None = None
    _random: np.random.RandomState | None = None
    _others: Parameters = []  # noqa: RUF012 - arrays of layers without weights; never changed in place

    history: History | None = None
    """History of the last call of `SGD`; None before the first call."""

    weights: Any
    """List of the weights of each dense or convolutional layer. Assigned weights are checked before each use."""

    biases: Any
    """List of the biases of each dense or convolutional layer. Assigned biases are checked before each use."""

    _takes_images: ClassVar[bool] = False
    """Whether `sizes` may begin with the shape of the images."""

    _as_written: ClassVar[dict[str, Callable[..., Any]]]
    """The book's methods that an engine replaces, by name.

    A method is overridden if its function is not the function of the same name in this dictionary.
    """

    def __init__(
        self, sizes: entries.Sizes, activation: str, engine: str, dtype: npt.DTypeLike, seed: int | None
    ) -> None:
        self.sizes = sizes
        self.activation = activation
        self.engine = engine
        self.dtype = arguments.float_type(dtype)
        self._seed = None if seed is None else arguments.seed(seed)
        self._random = None if self._seed is None else np.random.RandomState(self._seed)
        self._others = []

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, _CHECKS[name](value) if name in _CHECKS else value)

    @property
    def sizes(self) -> list[int]:
        """Number of inputs, then number of neurons in each dense or convolutional layer."""
        return entries.sizes_of(self._entries)

    @sizes.setter
    def sizes(self, sizes: entries.Sizes) -> None:
        self._entries = self._checked_entries(sizes)

    @property
    def input_shape(self) -> Shape:
        """Shape of a sample: (n_in,), or (maps, height, width) of an image."""
        return entries.input_shape_of(self._entries)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, in order; the inputs are no layer."""
        return self._architecture().layers

    @property
    def num_layers(self) -> int:
        """Number of dense and convolutional layers, plus one for the inputs."""
        return len(self.sizes)

    @num_layers.setter
    def num_layers(self, number: int) -> None:  # subclasses as in the book assign `num_layers` before `sizes`
        if hasattr(self, "_entries") and number != len(self.sizes):
            raise ValueError(
                f"num_layers is {arguments.brief(number)}; for sizes {self.sizes} it must be {len(self.sizes)}"
            )

    @property
    def parameters(self) -> Parameters:
        """Arrays of each layer by name.

        Weights and biases are not copies: they are the arrays in `weights` and `biases`.
        """
        return _merged(self._architecture(), self.weights, self.biases, self._others)

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        architecture = self._architecture()
        parameters = for_layers_of(architecture, parameters)  # may raise an error, so nothing is assigned before
        self.weights, self.biases = architecture.book_lists(parameters)
        self._others = [arrays for arrays in parameters if "weights" not in arrays]

    def _draw_parameters(self, scaled: bool) -> None:
        """Draw biases and weights from the normal distribution; see `initialization.normal`."""
        architecture = self._architecture()
        weights, biases = initialization.normal(architecture.weight_shapes, self._generator(), scaled=scaled)
        self.parameters = architecture.parameters(weights, biases)

    def _reset_others(self) -> None:
        """Set the arrays of layers without weights to their initial values; weights and biases become empty arrays."""
        nothing = [np.empty(0)] * (len(self.sizes) - 1)
        self.parameters = self._architecture().parameters(nothing, nothing)

    def __repr__(self) -> str:
        return f"<Network {self._entries}, engine {self.engine!r}, {self.dtype}>"

    def feedforward(self, a: npt.ArrayLike) -> np.ndarray:
        """Return the output of the network if `a` is input.

        Parameters
        ----------
        a : array_like, shape (n_in, 1) or (n_in, m)
            One sample per column.

        Returns
        -------
        ndarray, shape (n_out, 1) or (n_out, m)
            Output activations, of the network's dtype.

        Raises
        ------
        TypeError, ValueError
            If `a` has a wrong type, shape or value.
        """
        outputs: np.ndarray = self._make_engine().outputs(self._rows(a, "a", self.sizes[0])).T
        return outputs

    def activations(self, a: npt.ArrayLike) -> Arrays:
        """Return the activations of every layer if `a` is input: the book's list `activations` (chapter 2).

        Parameters
        ----------
        a : array_like, shape (n_in, 1) or (n_in, m)
            One sample per column.

        Returns
        -------
        list of ndarray
            `a`, then the activations of each layer in `layers`, of the network's dtype. The shape is (n_out, m) for
            dense layers, and (maps, height, width, m) for layers that output images. The last array has the outputs.

        Raises
        ------
        TypeError, ValueError
            If `a` has a wrong type, shape or value.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet import network2
        >>> net = network2.Network([2, 3, 1], seed=0)
        >>> [a.shape for a in net.activations(np.zeros((2, 5)))]
        [(2, 5), (3, 5), (1, 5)]
        """
        rows = self._rows(a, "a", self.sizes[0])
        return [np.moveaxis(array, 0, -1) for array in inspection.activations(self, rows)]

    def input_gradient(self, x: npt.ArrayLike, output: int | None = None) -> np.ndarray:
        """Return the derivative of an output activation with respect to each input.

        Parameters
        ----------
        x : array_like, shape (n_in, 1) or (n_in, m)
            One sample per column.
        output : int, optional
            Index of the output neuron, numbered from 0. By default, each sample's neuron with the largest activation.

        Returns
        -------
        ndarray, shape (n_in, 1) or (n_in, m)
            One sample per column, of the network's dtype.

        Raises
        ------
        TypeError, ValueError
            If `x` has a wrong type, shape or value, or `output` is not the index of an output neuron.
        """
        gradient: np.ndarray = inspection.input_gradient(self, self._rows(x, "x", self.sizes[0]), output).T
        return gradient

    def backprop(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Arrays, Arrays]:
        """Return a tuple `(nabla_b, nabla_w)` representing the gradient for the cost function C_x.

        Parameters
        ----------
        x : array_like, shape (n_in, 1)
            Input.
        y : array_like, shape (n_out, 1)
            Desired output.

        Returns
        -------
        nabla_b, nabla_w : lists of ndarray
            One array for each array in `biases` and `weights`, with the same shape.

        Raises
        ------
        TypeError, ValueError
            If `x` or `y` has a wrong type, shape or value, or the cost does not allow `y`.
        """
        inputs, targets = self._rows(x, "x", self.sizes[0]), self._rows(y, "y", self.sizes[-1])
        for name, rows in (("x", inputs), ("y", targets)):
            if len(rows) != 1:
                raise ValueError(f"{name} has shape {rows.T.shape}; it must be a column ({rows.shape[1]}, 1)")
        with arguments.named("y"):
            self._cost().check(targets)
        engine = self._make_engine()
        nabla_w, nabla_b = engine.architecture.book_lists(engine.gradients(inputs, targets))
        return nabla_b, nabla_w

    def classes(self, data: Dataset | Iterable[Sample]) -> Classes:
        """Return the class of each sample, and the threshold for a single output; see `classes_of`."""
        with arguments.named("data"):
            return classes_of(as_dataset(data), self.sizes[-1], self._architecture().outputs.activation)

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Save the network to the file; `load` reads the file.

        If integers describe all layers, the format is that of the book's `network2.py`.

        Raises
        ------
        OSError
            If the file cannot be written. An existing file is then unchanged.
        TypeError, ValueError
            If a parameter has a wrong type, shape or value, or an activation or the cost's name cannot be saved.
        """
        parameters = self._checked_parameters()
        models.write(filename, models.Model(self._architecture(), parameters, self._cost_name(), self.activation))

    def _recipe(self, **of_training: Any) -> dict[str, Any]:
        """Return the settings of the network and the arguments of training by name, except values of 0.0 and None."""
        architecture = self._architecture()
        plain = models.is_plain(architecture, self.activation)
        of_network = {
            "sizes": self.sizes,
            "input_shape": list(self.input_shape) if len(self.input_shape) > 1 else None,
            "layers": None if plain else [layer.settings() for layer in architecture.layers],
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
    def _cost(self) -> BuiltIn | CustomCost:
        """Return the cost that training minimizes."""

    @abstractmethod
    def _cost_name(self) -> str:
        """Return the name of the cost in files."""

    def _checked_entries(self, sizes: Any) -> entries.Entries:
        """Check the argument `sizes`, and return its entries."""
        found = entries.checked(sizes)
        shape = entries.input_shape_of(found)
        if len(shape) > 1 and not self._takes_images:
            raise TypeError(
                f"sizes begins with {shape}, the shape of images; chapter 1's Network takes integers only: give "
                f"{math.prod(shape)}, or use network2.Network"
            )
        return found

    def _architecture(self) -> Architecture:
        layers = as_layers(entries.layers_of(self._entries), self.activation)
        return Architecture(self.input_shape, layers, self._cost(), self.dtype)

    def _make_engine(self, data: Dataset | None = None, *, dropout: float = 0.0) -> Engine:
        """Make an engine with the network's current parameters, and with the data to train on, if any."""
        architecture = self._architecture()
        if dropout:
            architecture = architecture.with_dropout(dropout)
        parameters = for_layers_of(architecture, self._checked_parameters())
        return engine_class(self.engine)(architecture, parameters, data)

    @contextmanager
    def _prepared_engine(self, data: Dataset) -> Iterator[Engine]:
        """Yield an engine with the data and the network's current parameters.

        The engine of the last call is reused if the data, the architecture and the engine's name are unchanged.
        During the `with` block, no other thread gets the engine.
        """
        edited = data.derived("edited", object)  # a new object after each change of the data
        key = self.engine, self._architecture(), edited
        kept_key, engine = self.__dict__.pop("_kept", (None, None))
        if kept_key == key:
            engine.set_parameters(self._checked_parameters())
        else:
            engine = self._make_engine(data)
        yield engine
        self._kept = key, engine

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles: all attributes except the kept engine."""
        return {name: value for name, value in vars(self).items() if name != "_kept"}

    def _train(
        self, training: Training, file: CheckpointFile, report: Callable[[History], object], *, summary: bool
    ) -> None:
        """Train all epochs, continuing a checkpoint if there is one; print a summary if `summary` is True."""
        learner, history = training.learner, training.history
        assert isinstance(learner, NetworkLearner)
        with restored_on_error(self._generator()):
            for epoch in learner.continue_from(file, history):
                training.add(epoch)
            learner.keep(file, history)  # fails before training starts if the file cannot be written
        self.history = history
        training.run(report, lambda: learner.keep(file, history), stacklevel=3)
        if history.diverged:
            diagnostics.diverged(f"epoch {len(history.epochs)}", training.rule.eta, stacklevel=3)
        elif summary and history.epochs:
            print(history.summary(), flush=True)

    def _train_mini_batch(self, data: Dataset, eta: float, descent: Descent | None = None) -> None:
        """Train on a single mini-batch."""
        engine = self._make_engine(data)
        engine.epoch(np.arange(len(data)), len(data), eta, descent)
        parameters = engine.parameters()
        if diagnostics.all_finite(arrays_of(parameters)):
            self.parameters = parameters
        else:
            diagnostics.diverged("this mini-batch", eta, stacklevel=3)

    def _correct(self, data: Dataset) -> int:
        """Return the number of samples classified correctly."""
        if not self._overridden("feedforward"):
            return self._make_engine().measure(data).correct
        return self.classes(data).correct(self.feedforward(data.inputs.T).T)

    @staticmethod
    def _custom_count(value: Any, method: str, data: Dataset) -> int:
        """Check and return the result of an overriding method: the number of samples classified correctly."""
        number = arguments.natural(value, f"the result of {method}")
        if number > len(data):
            raise ValueError(f"the result of {method} is {arguments.brief(number)}; it must be at most {len(data)}")
        return number

    def _never_predicted(self, data: Dataset, measure: Measure) -> NeverPredicted:
        """Return the labels that at least 20 samples have, but that are predicted for no sample."""
        labels, count = self.classes(data).labels, max(self.sizes[-1], 2)
        return diagnostics.never_predicted(labels, measure.predictions, count)

    def _checked_parameters(self) -> Parameters:
        """Check that the parameters, which the user may have assigned, are finite and fit the layers; return them."""
        architecture = self._architecture()
        shapes = architecture.weight_shapes
        weights = self._checked(self.weights, "weights", shapes)
        biases = self._checked(self.biases, "biases", [(n_out, 1) for n_out, *_ in shapes])
        return _merged(architecture, weights, biases, self._checked_others(architecture))

    def _checked_others(self, architecture: Architecture) -> Parameters:
        """Check that the arrays of layers without weights are finite and fit the layers; return them."""
        others = [i for i, trained in enumerate(architecture.trained) if "weights" not in trained]
        expected = [architecture.arrays[i] for i in others]
        found = [{name: np.shape(array) for name, array in arrays.items()} for arrays in self._others]
        if found != expected:
            raise ValueError(f"parameters of layers without weights have the shapes {found}; they must be {expected}")
        checked = []
        for i, arrays in zip(others, self._others, strict=True):
            values = finite_arrays([*arrays.values()], f"parameters[{i}]", self.dtype)
            checked.append(dict(zip(arrays, values, strict=True)))
            if np.any(checked[-1].get("variance", 0) < 0):
                raise ValueError(f"parameters[{i}]['variance'] is negative; a variance must be at least 0")
        return checked

    def _checked(self, given: Any, name: str, shapes: list[Shape]) -> Arrays:
        arrays = finite_arrays(given, name, self.dtype)
        if [array.shape for array in arrays] != shapes:
            found = ", ".join(str(array.shape) for array in arrays)
            raise ValueError(f"{name} have the shapes {found}; they must be {', '.join(map(str, shapes))}")
        return arrays

    def _training_set(self, data: Dataset | Iterable[Sample], argument: str) -> Dataset:
        """Return the data set with vectors as targets; raise an error if it does not fit the network."""
        with arguments.named(argument):
            found = fitting(data, self.sizes[0], self.dtype).with_vectors(self.sizes[-1])
            cost = self._cost()
            if not isinstance(cost, CustomCost):
                found.derived(("targets of", cost), lambda: cost.check(found.targets))
            return found

    def _test_set(self, data: Dataset | Iterable[Sample], argument: str = "test_data") -> Dataset:
        """Return the data set; raise an error if it does not fit the network, or a label has no output neuron."""
        with arguments.named(argument):
            data = fitting(data, self.sizes[0], self.dtype)
            data.labels(self.sizes[-1])
            return data

    def _rows(self, columns: npt.ArrayLike, argument: str, n: int) -> np.ndarray:
        """Return columns of length n as the rows of a matrix."""
        rows = real_array(columns, f"the elements of {argument}").T
        if rows.ndim != 2 or rows.shape[1] != n:
            instead = ""
            if rows.shape[:1] == (n,) and rows.ndim <= 2:
                instead = f"; {argument}{'.T' if rows.ndim == 2 else '.reshape(-1, 1)'} has a fitting shape"
            raise ValueError(
                f"{argument} has shape {rows.T.shape}; it must be a column ({n}, 1) or a matrix of columns ({n}, m)"
                f"{instead}"
            )
        check_numbers(extremes(rows), self.dtype, argument)
        return np.ascontiguousarray(rows)

    def _overridden(self, method: str) -> bool:
        """Return whether a subclass, or an assignment to the network or its class, has replaced the method."""
        return getattr(getattr(self, method), "__func__", None) is not self._as_written[method]

    def _refuse_overridden(self, *methods: str, instead: str) -> None:
        for method in methods:
            if self._overridden(method):
                raise TypeError(
                    f"{type(self).__name__} overrides {method}, which the engine would never call; "
                    f"{instead}, or write the training loop in Python"
                )

    def _generator(self) -> Any:
        """Return the network's own generator, or NumPy's global generator. Both have `randn` and `permutation`."""
        return np.random if self._random is None else self._random


def _merged(architecture: Architecture, weights: Any, biases: Any, others: Parameters) -> Parameters:
    """Return the arrays of each layer by name, given the book's lists and the arrays of layers without weights."""
    n = len(architecture.weight_shapes)
    for name, arrays in (("weights", weights), ("biases", biases)):
        if not isinstance(arrays, (list, tuple)) or len(arrays) != n:
            raise ValueError(
                f"{name} is {arguments.brief(arrays)}; it must be a list of {n} arrays, one for each dense or "
                "convolutional layer"
            )
    pairs, rest = zip(weights, biases, strict=True), iter(others)
    return [
        dict(zip(("weights", "biases"), next(pairs), strict=True)) if "weights" in trained else next(rest)
        for trained in architecture.trained
    ]
