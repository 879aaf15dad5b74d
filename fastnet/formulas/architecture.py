"""The architecture of a network: input shape, layers, cost and dtype."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod
from typing import TypeAlias

import numpy as np

from fastnet.formulas.activations import NOT_MONOTONIC, CustomActivation
from fastnet.formulas.costs import BuiltIn, CustomCost, LogLikelihoodCost, Outputs, QuadraticCost, name_of
from fastnet.formulas.layers import (
    OF_OUTPUTS,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Layer,
    MaxPooling,
    Shape,
    Shapes,
    as_layers,
)
from fastnet.utils import arguments, machine

_BYTES_A_NUMBER = 16  # bytes per weight or activation; a weight needs 8 as drawn in float64, and at most 8 as stored

Arrays: TypeAlias = list[np.ndarray]
Parameters: TypeAlias = list[dict[str, np.ndarray]]
"""Arrays of each layer by name, in the order of the layers: trained arrays and statistics."""


@dataclass(frozen=True)
class Architecture:
    """The layers and the cost of a network.

    Attributes
    ----------
    input_shape : tuple of int
        Shape of a sample: (n_in,), or (maps, height, width) of an image. A data set stores each sample
        as a row of prod(input_shape) numbers.
    layers : tuple of Layer
        All layers, in order; the inputs are no layer. The last layer must be dense. In the last layer, an
        activation of None becomes the first of the cost's `outputs`. In hidden dense and convolutional layers, None
        becomes "sigmoid".
    cost : BuiltIn or CustomCost
        A built-in cost, such as a value of `costs.COSTS`, or a custom cost.
    dtype : numpy.dtype
        Precision of parameters and arithmetic, float32 or float64.

    Raises
    ------
    ValueError
        If the input shape, the layers and the cost do not fit one another.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    cost: BuiltIn | CustomCost = QuadraticCost
    dtype: np.dtype = field(default_factory=lambda: np.dtype(np.float32))

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", _completed(self.layers, self.cost))
        assert self.shapes  # raises an error if layers do not fit one another
        if self.cost is LogLikelihoodCost and self.n_out == 1:
            raise ValueError(
                "cost is LogLikelihoodCost, but the softmax of one output neuron is always 1; use two output neurons, "
                "or another cost"
            )

    @classmethod
    def dense(
        cls,
        sizes: Sequence[int],
        dtype: np.dtype,
        activation: str = "sigmoid",
        cost: BuiltIn | CustomCost = QuadraticCost,
    ) -> Architecture:
        """Return an architecture of dense layers, given the number of inputs and each layer's number of neurons."""
        return cls((sizes[0],), as_layers(sizes[1:], activation), cost, dtype)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Shape of a sample before each layer, and after the last layer."""
        return tuple(accumulate(self.layers, lambda shape, layer: layer.output_shape(shape), initial=self.input_shape))

    @cached_property
    def trained(self) -> list[Shapes]:
        """Names and shapes of each layer's trained arrays."""
        return [layer.trained(shape) for layer, shape in zip(self.layers, self.shapes, strict=False)]

    @cached_property
    def statistics(self) -> list[Shapes]:
        """Names and shapes of each layer's statistics."""
        return [layer.statistics(shape) for layer, shape in zip(self.layers, self.shapes, strict=False)]

    @cached_property
    def arrays(self) -> list[Shapes]:
        """Names and shapes of all arrays of each layer."""
        return [{**trained, **kept} for trained, kept in zip(self.trained, self.statistics, strict=True)]

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return prod(self.input_shape)

    @property
    def n_out(self) -> int:
        """Number of output neurons."""
        return prod(self.shapes[-1])

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, then number of neurons in each dense or convolutional layer."""
        pairs = zip(self.trained, self.shapes[1:], strict=True)
        return (self.n_in, *(prod(shape) for trained, shape in pairs if "weights" in trained))

    @property
    def weight_shapes(self) -> list[Shape]:
        """Shape of the weights of each dense or convolutional layer."""
        return [trained["weights"] for trained in self.trained if "weights" in trained]

    @cached_property
    def activations(self) -> tuple[str | CustomActivation, ...]:
        """Activation function of each layer, "linear" if the layer has none.

        The activation function of a Convolution is moved to the next layer if that layer is a MaxPooling. The largest z
        of a window is then found first, and the function is computed for that z alone. The result is the same if the
        function never decreases. Functions in `NOT_MONOTONIC` are not moved. A custom function is assumed never to
        decrease.
        """
        found = [getattr(layer, "activation", None) or "linear" for layer in self.layers]
        for i, (layer, following) in enumerate(pairwise(self.layers)):
            if isinstance(layer, Convolution) and isinstance(following, MaxPooling) and found[i] not in NOT_MONOTONIC:
                found[i], found[i + 1] = "linear", found[i]
        return tuple(found)

    @cached_property
    def multiplications(self) -> int:
        """Number of multiplications by weights in the forward pass of one sample."""
        pairs = zip(self.trained, self.shapes[1:], strict=True)
        return sum(prod(own["weights"]) * prod(shape[1:]) for own, shape in pairs if "weights" in own)

    @cached_property
    def outputs(self) -> Outputs:
        """The output neurons and their cost."""
        last = self.layers[-1]
        assert isinstance(last, Dense)
        assert isinstance(last.activation, str)
        return Outputs(self.cost, last.activation)

    @cached_property
    def drop_probabilities(self) -> np.ndarray:
        """Drop probabilities (float32): one for each input of each Dropout layer, in the order of the layers."""
        found = [
            np.full(prod(shape), layer.p, np.float32)
            for layer, shape in zip(self.layers, self.shapes, strict=False)
            if isinstance(layer, Dropout)
        ]
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def with_dropout(self, p: float, *, inverted: bool = True) -> Architecture:
        """Return the architecture with a `Dropout` layer after each hidden layer.

        Parameters
        ----------
        p, inverted
            See `Dropout`.

        Raises
        ------
        ValueError
            If the network has no hidden layers, or a layer is not dense.
        """
        if not all(isinstance(layer, Dense) for layer in self.layers):
            raise ValueError(
                f"dropout is {p}, but not all layers are dense; leave out dropout, and put Dropout({p}) into the list "
                "behind each layer whose neurons are to be dropped"
            )
        if len(self.layers) == 1:
            raise ValueError(f"dropout is {p}, but the network has no hidden neurons to drop; add a hidden layer")
        layers = [each for layer in self.layers[:-1] for each in (layer, Dropout(p, inverted))]
        return replace(self, layers=(*layers, self.layers[-1]))

    def check_mini_batch(self, samples: int) -> None:
        """Raise a `ValueError` if batch normalization gets only one number per neuron or map from a mini-batch."""
        pairs = zip(self.layers, self.shapes, strict=False)
        places = [prod(shape[1:]) for layer, shape in pairs if isinstance(layer, BatchNormalization)]
        if samples * min(places, default=2) == 1:
            raise ValueError(
                "a mini-batch has 1 sample, but the network has BatchNormalization, which needs the variance over a "
                "mini-batch; give mini-batches and training data of at least 2 samples"
            )

    def parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> Parameters:
        """Return the arrays of all layers: the given weights and biases, and initial values for all other arrays."""
        pairs = zip(weights, biases, strict=True)
        found: Parameters = []
        for shapes in self.arrays:
            if "weights" in shapes:
                w, b = next(pairs)
                found.append({"weights": np.asarray(w, self.dtype), "biases": np.asarray(b, self.dtype)})
            else:
                found.append({name: np.full(shapes[name], _INITIAL[name], self.dtype) for name in shapes})
        return found

    def book_lists(self, parameters: Parameters) -> tuple[Arrays, Arrays]:
        """Return two lists, without copying arrays: the weights and the biases of all layers that have weights."""
        weighted = [each for each in parameters if "weights" in each]
        return [each["weights"] for each in weighted], [each["biases"] for each in weighted]


def check_memory(input_shape: Shape, layers: Sequence[Layer]) -> None:
    """Raise a `ValueError` if layers do not fit one another, or are too large for the machine's memory.

    The weights, and the activations of all layers for one sample, must fit into the memory.
    """
    numbers, shape = prod(input_shape), input_shape
    for layer in layers:
        numbers += sum(map(prod, layer.trained(shape).values()))
        shape = layer.output_shape(shape)
        numbers += prod(shape)
    needed = _BYTES_A_NUMBER * numbers
    if needed > machine.memory():
        gigabytes = f"{needed >> 30:,}" if needed < 2**80 else "more than 2**50"
        raise ValueError(
            f"inputs of the shape {arguments.brief(input_shape)} and the layers {arguments.brief(list(layers))} need "
            f"{gigabytes} GiB, and this machine has {machine.memory() / 2**30:,.0f}; give smaller images or layers"
        )


def _completed(layers: Sequence[Layer], cost: BuiltIn | CustomCost) -> tuple[Layer, ...]:
    """Return layers with all activations set; raise a `ValueError` if layers do not fit one another or the cost."""
    *hidden, last = as_layers(layers, "sigmoid")
    if not isinstance(last, Dense):
        raise ValueError(f"the last layer is {last}; it must be Dense, or an integer")
    if last.activation is None:
        last = replace(last, activation=cost.outputs[0])
    if last.activation not in cost.outputs:
        raise ValueError(
            f"activation of the last layer is {last.activation!r}; with {name_of(cost)} it must be "
            f"{' or '.join(map(repr, cost.outputs))}"
        )
    kinds = [type(layer) for layer in hidden if isinstance(layer, (BatchNormalization, Convolution, Dense))]
    if kinds and kinds[0] is BatchNormalization:
        raise ValueError(
            "BatchNormalization comes before the first Dense or Convolution layer; it must come after one. Standardize "
            "the inputs instead: subtract their means and divide by their standard deviations"
        )
    for layer in hidden:
        if isinstance(layer, Dense) and layer.activation in OF_OUTPUTS:
            raise ValueError(
                f"activation of a hidden layer is {layer.activation!r}, which is for the last layer only; give another "
                "activation"
            )
    return (*hidden, last)


_INITIAL = {"gamma": 1.0, "beta": 0.0, "mean": 0.0, "variance": 1.0}
