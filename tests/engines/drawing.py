"""Hypothesis strategies for networks, data and training settings."""

from dataclasses import dataclass

import numpy as np
from engines.names import ACTIVATIONS, COSTS, OPTIMIZERS, drawn_cost
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent
from fastnet.formulas import costs
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import PADDINGS, BatchNormalization, Convolution, Dense, Dropout, MaxPooling


def drawn(examples, **keywords):
    suppressed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(deadline=None, max_examples=examples, suppress_health_check=suppressed, **keywords)


HIDDEN = st.sampled_from(list(ACTIVATIONS))


def normalizations(epsilons):
    return st.builds(BatchNormalization, HIDDEN, momentum=st.sampled_from([0.1, 0.5, 1.0]), epsilon=epsilons)


def dropouts():
    return st.builds(Dropout, st.sampled_from([0.0, 0.25, 0.5]), st.booleans())


def hidden_layers(widths, epsilons):
    dense, normalization, dropout = st.builds(Dense, widths, HIDDEN), normalizations(epsilons), dropouts()
    layer = st.booleans().flatmap(lambda is_dense: dense if is_dense else normalization | dropout)
    # A random list is drawn as often as the usual sequence of layers.
    return st.lists(layer, max_size=6) | st.builds(
        lambda *layers: list(layers), dropout, dense, normalization, dropout, dense, normalization
    )


@st.composite
def image_layers(draw, shape, epsilons):
    """Draw layers for images of the given shape.

    Filters and pooling windows are at most 4 x 4. With `padding="same"`, filters may be larger than the images.
    """
    layers, usual = [], ["convolution", "pooling", "other", "convolution", "other", "pooling"]
    any_kinds = st.lists(st.sampled_from(["convolution", "pooling", "other"]), min_size=1, max_size=5)
    for kind in draw(any_kinds | st.just(usual) | st.permutations(usual)):
        _, height, width = shape
        if kind == "convolution":
            padding = draw(st.sampled_from(PADDINGS))
            largest = (4, 4) if padding == "same" else (min(height, 4), min(width, 4))
            sides = tuple(draw(st.integers(1, n)) for n in largest)
            layer = Convolution(draw(st.integers(1, 3)), sides, draw(HIDDEN), padding)
        elif kind == "pooling":
            layer = MaxPooling((draw(st.integers(1, min(height, 4))), draw(st.integers(1, min(width, 4)))))
        elif any(isinstance(each, Convolution) for each in layers):
            layer = draw(normalizations(epsilons) | dropouts())
        else:
            layer = draw(dropouts())
        layers.append(layer)
        shape = layer.output_shape(shape)
    return layers


IMAGES = st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))


@st.composite
def architectures(draw, widths, epsilons, inputs=None, images=False):
    """Draw networks of dense, dropout and batch normalization layers. If `images` is true, image layers come first."""
    input_shape, layers = (draw(inputs or widths),), []
    if images:
        input_shape = draw(IMAGES)
        layers = draw(image_layers(input_shape, epsilons))
    normalizable = any(isinstance(layer, Convolution) for layer in layers)
    for layer in draw(hidden_layers(widths, epsilons)):
        normalizable |= isinstance(layer, Dense)
        if normalizable or not isinstance(layer, BatchNormalization):
            layers.append(layer)
    cost = draw(drawn_cost())
    activation = draw(st.sampled_from(list(COSTS[costs.class_name(cost)].losses)))
    n_out = draw(widths)
    if activation == "softmax":
        n_out = max(n_out, 2)  # the softmax of a single output is always 1
    return Architecture(
        input_shape,
        (*layers, Dense(n_out, activation)),
        cost,
        np.dtype("float64"),
    )


@st.composite
def descents(draw, l2=(0.0, 0.3), l1=(0.0, 1e-3), max_norm=(0.0, 0.8)):
    return Descent(
        draw(st.one_of([each.drawn for each in OPTIMIZERS.values()])),
        draw(st.sampled_from(l2)),
        draw(st.sampled_from(l1)),
        draw(st.sampled_from(max_norm)),
        draw(st.integers(0, 2**31)),
        draw(st.booleans()),
    )


SEEDS = st.integers(0, 2**32 - 1)


@dataclass(repr=False)
class Task:
    """The arguments with which an engine is made."""

    architecture: Architecture
    parameters: list
    data: Dataset
    sample_weights: np.ndarray | None

    def engine(self, name, dtype="float64", parameters=None):
        architecture = with_dtype(self.architecture, dtype)
        return engine_class(name)(architecture, parameters or self.parameters, self.data, self.sample_weights)


def with_dtype(architecture, dtype):
    return Architecture(architecture.input_shape, architecture.layers, architecture.cost, np.dtype(dtype))


def parameters_of(architecture, random):
    """Draw parameters that are small enough not to saturate the neurons."""
    drawn = {
        "weights": lambda shape: random.standard_normal(shape) / np.sqrt(np.prod(shape[1:])),
        "biases": random.standard_normal,
        "gamma": lambda shape: random.uniform(0.5, 1.5, shape) * random.choice([-1, 1], shape),
        "beta": random.standard_normal,
        "mean": random.standard_normal,
        "variance": lambda shape: random.uniform(0.5, 2.0, shape),
    }
    pairs = zip(architecture.trained, architecture.statistics, strict=True)
    return [{name: drawn[name](shape) for name, shape in (trained | kept).items()} for trained, kept in pairs]


def task_of(architecture, random, samples, *, zeros=0.0, weighted=False, sparse=False):
    """Draw parameters and data. The expected share of inputs that are 0 is `zeros`."""
    inputs = random.standard_normal((samples, architecture.n_in)) * (
        random.random((samples, architecture.n_in)) >= zeros
    )
    targets = COSTS[costs.class_name(architecture.cost)].targets(random, (samples, architecture.n_out))
    if sparse:
        from scipy.sparse import csr_array

        inputs = csr_array(inputs)
    weights = random.choice([0.0, 0.5, 1.0, 3.0], samples) if weighted else None
    return Task(architecture, parameters_of(architecture, random), Dataset(inputs, targets), weights)


def arrays_of(parameters):
    """Return all arrays of the parameters, in the order of the layers."""
    return [array for layer in parameters for _, array in sorted(layer.items())]


def same_bits(parameters, expected):
    pairs = zip(parameters, expected, strict=True)
    return all(own.keys() == other.keys() for own, other in pairs) and all(
        array.tobytes() == other.tobytes()
        for array, other in zip(arrays_of(parameters), arrays_of(expected), strict=True)
    )


def largest_difference(parameters, expected):
    pairs = zip(arrays_of(parameters), arrays_of(expected), strict=True)
    return max(np.abs(array - other).max() for array, other in pairs)
