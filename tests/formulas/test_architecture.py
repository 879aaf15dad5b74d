"""Layers, their settings, and architectures, which are sequences of layers."""

import json
import re

import numpy as np
import pytest
from engines.drawing import architectures, drawn
from hypothesis import given
from hypothesis import strategies as st

from fastnet.formulas import layers
from fastnet.formulas.activations import CustomActivation
from fastnet.formulas.architecture import Architecture, check_memory
from fastnet.formulas.costs import CrossEntropyCost, CustomCost, LogLikelihoodCost, QuadraticCost
from fastnet.formulas.layers import (
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    MaxPooling,
    as_layers,
    from_settings,
)

MIXED = (Dropout(0.2), Dense(4, "linear"), BatchNormalization("relu"), Dropout(0.5), Dense(3))
FLOAT64 = np.dtype("float64")


@given(architectures(st.integers(1, 9), epsilons=st.just(1e-5)))
@drawn(50)
def test_settings_make_the_layer_again(architecture):
    assert tuple(from_settings(layer.settings()) for layer in architecture.layers) == architecture.layers


@pytest.mark.parametrize("settings", [{}, {"layer": "Dance"}, {"layer": "Dense"}, {"layer": "Dropout", "q": 0.5}])
def test_settings_of_no_layer(settings):
    with pytest.raises((KeyError, TypeError)):
        from_settings(settings)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(0), ValueError, "n_out of Dense is 0; it must be at least 1"),
        (lambda: Dense(2.5), TypeError, "n_out of Dense is 2.5; it must be an integer"),
        (lambda: Dense(3, "sine"), ValueError, "activation of Dense is 'sine'; it must be one of .*softmax"),
        (lambda: Dropout(1.0), ValueError, "p of Dropout is 1.0"),
        (lambda: Dropout("half"), TypeError, "p of Dropout is 'half'"),
        (lambda: Dropout(0.5, 1), TypeError, "inverted of Dropout is 1; it must be True or False"),
        (lambda: Convolution(0, 5), ValueError, "filters of Convolution is 0; it must be at least 1"),
        (lambda: Convolution(2, (5,)), ValueError, r"shape of Convolution is \(5,\); it must be an integer, or a"),
        (lambda: Convolution(2, (5, 0)), ValueError, "a number in shape of Convolution is 0"),
        (lambda: Convolution(2, 5, "softmax"), ValueError, "activation of Convolution is 'softmax'; it must be one of"),
        (lambda: Convolution(2, 5, padding="full"), ValueError, "padding of Convolution is 'full'; it must be one of"),
        (lambda: MaxPooling(2.5), TypeError, "shape of MaxPooling is 2.5; it must be an integer"),
        (lambda: CustomActivation("relu"), TypeError, "function of CustomActivation is 'relu'; it must be a function"),
        (lambda: BatchNormalization("softmax"), ValueError, "activation of BatchNormalization is 'softmax'"),
        (lambda: BatchNormalization(momentum=0), ValueError, "momentum of BatchNormalization is 0"),
        (lambda: BatchNormalization(momentum=1.5), ValueError, "momentum of BatchNormalization is 1.5"),
        (lambda: BatchNormalization(epsilon=0), ValueError, "epsilon of BatchNormalization is 0"),
        (lambda: BatchNormalization(epsilon=1e-38), ValueError, "epsilon of BatchNormalization is 1e-38; it must"),
    ],
)
def test_what_is_no_layer(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_settings_are_plain_data():
    """Settings of inverted dropout omit `inverted`, as in earlier versions of fastnet, which had no such argument."""
    assert Dropout(0.5).settings() == {"layer": "Dropout", "p": 0.5}
    assert Dropout(0.5, inverted=False).settings() == {"layer": "Dropout", "p": 0.5, "inverted": False}
    assert (repr(Dropout(0.5)), repr(Dropout(0.5, False))) == ("Dropout(p=0.5)", "Dropout(p=0.5, inverted=False)")
    for layer in (Convolution(3, (5, 4), "tanh", "same"), MaxPooling((3, 2)), Dropout(0.5, inverted=False)):
        settings = json.loads(json.dumps(layer.settings()))
        assert settings == layer.settings()
        assert from_settings(settings) == layer
    with pytest.raises(ValueError, match=r"activation of Dense is 'CustomActivation\(abs\)'"):
        from_settings(Dense(3, CustomActivation(abs)).settings())


def test_dropout_is_scaled_in_training_or_in_use():
    assert [(each.divisor, each.when_used) for each in (Dropout(0.25), Dropout(0.25, False))] == [(0.75, 1), (1, 0.75)]


CUSTOM = CustomActivation(abs)


@pytest.mark.parametrize(
    ("made_of", "expected"),
    [
        ((Convolution(2, 1, "relu"), MaxPooling(2)), ("linear", "relu")),
        ((Convolution(2, 1, "gelu"), MaxPooling(2)), ("gelu", "linear")),
        ((Convolution(2, 1, CUSTOM), MaxPooling(2)), ("linear", CUSTOM)),
        ((Convolution(2, 1), MaxPooling(1), MaxPooling(2)), ("linear", "sigmoid", "linear")),
        ((Convolution(2, 1, "tanh"), Dropout(0.5), MaxPooling(2)), ("tanh", "linear", "linear")),
        ((Convolution(2, 1, "tanh"), BatchNormalization("relu"), MaxPooling(2)), ("tanh", "relu", "linear")),
        ((MaxPooling(2), Dense(3, "relu")), ("linear", "relu")),
    ],
)
def test_pooling_takes_over_the_activation_of_a_convolution(made_of, expected):
    assert Architecture((1, 4, 4), (*made_of, Dense(2))).activations == (*expected, "sigmoid")


def test_shapes_of_images():
    layers = (Convolution(3, (3, 2), "relu"), MaxPooling(2), Convolution(4, 5, "relu", "same"), Dense(5), Dense(2))
    architecture = Architecture((2, 9, 8), layers)
    assert architecture.shapes == ((2, 9, 8), (3, 7, 7), (3, 3, 3), (4, 3, 3), (5,), (2,))
    assert architecture.sizes == (144, 147, 36, 5, 2)
    assert architecture.weight_shapes == [(3, 2, 3, 2), (4, 3, 5, 5), (5, 36), (2, 5)]
    assert architecture.multiplications == 36 * 49 + 300 * 9 + 180 + 10
    dropped = Architecture((2, 9, 8), (Dropout(0.5), *layers)).drop_probabilities
    assert dropped.tolist() == [0.5] * 144


def test_integers_are_dense_layers_with_the_default_activation():
    assert as_layers([3, Dense(4, "tanh"), Dense(5), Dropout(0.5), 2], "relu") == (
        Dense(3, "relu"), Dense(4, "tanh"), Dense(5, "relu"), Dropout(0.5), Dense(2)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "first"), [(QuadraticCost, "sigmoid"), (CrossEntropyCost, "sigmoid"), (LogLikelihoodCost, "softmax")]
)
def test_the_output_layer_has_the_activation_of_its_cost(cost, first):
    architecture = Architecture((3,), as_layers([4, 2], "tanh"), cost)
    assert architecture.layers == (Dense(4, "tanh"), Dense(2, first))
    assert architecture.outputs.activation == first
    assert architecture.outputs.cost is cost
    assert architecture == Architecture.dense((3, 4, 2), np.dtype("float32"), "tanh", cost)


@pytest.mark.parametrize(
    ("made_of", "cost", "message"),
    [
        ((Dense(3), Dropout(0.5)), QuadraticCost, "the last layer is Dropout(p=0.5); it must be Dense, or an integer"),
        ((Dense(3, "tanh"),), QuadraticCost, "activation of the last layer is 'tanh'; with QuadraticCost it must be "),
        ((Dense(3, "linear"),), CrossEntropyCost, "with CrossEntropyCost it must be 'sigmoid'"),
        ((Dense(3, "sigmoid"),), LogLikelihoodCost, "with LogLikelihoodCost it must be 'softmax'"),
        ((Dense(1),), LogLikelihoodCost, "the softmax of one output neuron is always 1"),
        ((BatchNormalization(), Dense(3)), QuadraticCost, "Convolution layer; it must come after one"),
        ((Dropout(0.5), BatchNormalization(), Dense(3)), QuadraticCost, "BatchNormalization comes before"),
        ((Dense(2, "softmax"), Dense(3)), QuadraticCost, "activation of a hidden layer is 'softmax'"),
        (
            (Convolution(2, 1), Dense(3)),
            QuadraticCost,
            "give their shape, such as (1, 28, 28), instead of the number of inputs",
        ),
        ((Dense(4), MaxPooling(), Dense(3)), QuadraticCost, "needs images"),
        ((Dense(3), Convolution(2, 1)), QuadraticCost, "the last layer is Convolution(filters=2,"),
    ],
)
def test_layers_that_make_no_network(made_of, cost, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Architecture((4,), made_of, cost)


def test_a_custom_cost_goes_with_sigmoid_and_linear_outputs():
    custom = CustomCost(None)
    assert [Architecture((4,), (Dense(3, each),), custom).outputs.activation for each in (None, "linear")] == [
        "sigmoid",
        "linear",
    ]
    with pytest.raises(ValueError, match="'sigmoid' or 'linear'"):
        Architecture((4,), (Dense(3, "softmax"),), custom)


def test_shapes_and_names_of_arrays():
    architecture = Architecture((6,), MIXED)
    assert architecture.shapes == ((6,), (6,), (4,), (4,), (4,), (3,))
    assert architecture.trained == [
        {}, {"weights": (4, 6), "biases": (4, 1)}, {"gamma": (4, 1), "beta": (4, 1)}, {},
        {"weights": (3, 4), "biases": (3, 1)},
    ]  # fmt: skip
    assert architecture.statistics == [{}, {}, {"mean": (4, 1), "variance": (4, 1)}, {}, {}]
    assert (architecture.n_in, architecture.n_out, architecture.sizes) == (6, 3, (6, 4, 3))
    expected = np.array([0.2] * 6 + [0.5] * 4, np.float32)
    np.testing.assert_array_equal(architecture.drop_probabilities, expected, strict=True)
    assert len(Architecture.dense((2, 3), FLOAT64).drop_probabilities) == 0


def test_the_books_lists_are_views_of_the_parameters():
    random = np.random.default_rng(0)
    weights = [random.standard_normal(shape) for shape in ((4, 6), (3, 4))]
    biases = [random.standard_normal(shape) for shape in ((4, 1), (3, 1))]
    architecture = Architecture((6,), MIXED, dtype=FLOAT64)
    parameters = architecture.parameters(weights, biases)
    assert [list(own) for own in parameters] == [
        [], ["weights", "biases"], ["gamma", "beta", "mean", "variance"], [], ["weights", "biases"]
    ]  # fmt: skip
    assert {name: array.tolist() for name, array in parameters[2].items()} == {
        "gamma": [[1]] * 4, "beta": [[0]] * 4, "mean": [[0]] * 4, "variance": [[1]] * 4
    }  # fmt: skip
    for found, own, name in zip(
        architecture.book_lists(parameters), (weights, biases), ("weights", "biases"), strict=True
    ):
        for array, layer, given_array in zip(found, (parameters[1], parameters[4]), own, strict=True):
            assert array is layer[name]
            np.testing.assert_array_equal(array, given_array)
    single = Architecture((6,), MIXED).parameters(weights, biases)
    assert {array.dtype.name for own in single for array in own.values()} == {"float32"}
    with pytest.raises(ValueError, match="zip"):
        architecture.parameters(weights, biases[:1])


def test_dropout_of_hidden_neurons():
    architecture = Architecture.dense((2, 3, 4, 5), FLOAT64, "tanh", CrossEntropyCost)
    assert architecture.with_dropout(0.25) == Architecture(
        (2,), (Dense(3, "tanh"), Dropout(0.25), Dense(4, "tanh"), Dropout(0.25), Dense(5)), CrossEntropyCost, FLOAT64
    )
    halved = Architecture.dense((2, 3, 5), FLOAT64).with_dropout(0.5, inverted=False)
    assert halved.layers[1] == Dropout(0.5, inverted=False)
    with pytest.raises(ValueError, match=r"dropout is 0\.5, but the network has no hidden neurons"):
        Architecture.dense((2, 3), FLOAT64).with_dropout(0.5)
    with pytest.raises(
        ValueError, match=r"dropout is 0.5, but not all layers are dense; leave out dropout, and put Dropout\(0.5\)"
    ):
        Architecture((6,), MIXED).with_dropout(0.5)


@pytest.mark.parametrize(
    ("shape", "made_of", "message"),
    [
        ((1, 10**9, 10**9), [MaxPooling(10**9)], "inputs of the shape .* this machine has"),
        ((1, 28, 28), [Convolution(10**12, 1, padding="same"), MaxPooling(28)], "give smaller images or layers"),
        ((1, 28, 28), [Convolution(1, 10**9, padding="same")], "need more than 2|need .* GiB, and this machine has"),
        ((1, 28, 28), [Convolution(1, 29)], "is larger than its inputs, images of 28 x 28"),
    ],
)
def test_images_that_no_machine_holds(shape, made_of, message):
    with pytest.raises(ValueError, match=message):
        check_memory(shape, made_of)
    check_memory((1, 28, 28), [Convolution(20, 5), MaxPooling(2), Dense(100)])


def test_layers_have_the_names_of_their_classes():
    assert {name: layers.LAYERS[name].__name__ for name in layers.LAYERS} == {name: name for name in layers.LAYERS}
