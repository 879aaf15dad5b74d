"""Layers written as text, and the image shape for a number of inputs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnet import BatchNormalization, Convolution, Dense, Dropout, MaxPooling
from fastnet.formulas import images, notation
from fastnet.formulas.activations import ACTIVATIONS, CustomActivation
from fastnet.formulas.layers import LAYERS

EXAMPLES = {
    "conv 20 5x5": Convolution(20, 5),
    "conv 3 5x4 tanh same": Convolution(3, (5, 4), "tanh", padding="same"),
    "conv 3 1x2 same": Convolution(3, (1, 2), padding="same"),
    "pool 2x2": MaxPooling(),
    "pool 3x1": MaxPooling((3, 1)),
    "dense 100": Dense(100),
    **{f"dense 7 {name}": Dense(7, name) for name in ACTIVATIONS},
    "batchnorm": BatchNormalization(),
    "batchnorm relu": BatchNormalization("relu"),
    "dropout 0.25": Dropout(0.25),
}


@pytest.mark.parametrize(("text", "layer"), EXAMPLES.items())
def test_a_layer_is_written_and_read(text, layer):
    assert notation.read(text) == (layer,)
    assert notation.write([layer]) == text


def test_all_kinds_of_layers_have_a_notation():
    assert {type(layer) for layer in EXAMPLES.values()} == set(LAYERS.values())
    assert notation.read(", ".join(EXAMPLES)) == tuple(EXAMPLES.values())


def test_other_ways_to_write_the_same():
    text = "  conv 20 5  same relu,pool,  dropout .5 "
    assert notation.write(notation.read(text)) == "conv 20 5x5 relu same, pool 2x2, dropout 0.5"
    assert notation.write([30, Dense(20)]) == "dense 30, dense 20"
    assert [layer.p for layer in notation.read("dropout 1e-3, dropout 0, dropout 0.")] == [0.001, 0, 0]


@given(st.floats(0, 1, exclude_max=True))
def test_every_probability_is_written_and_read(p):
    assert notation.read(notation.write([Dropout(p)])) == (Dropout(p),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a layer is missing; write a layer before and after each comma"),
        ("pool,", "a layer is missing"),
        ("dense 3,, pool", "a layer is missing"),
        (
            "Conv 3 5x5",
            "'Conv 3 5x5' is not a layer; a layer must be one of: conv FILTERS HEIGHTxWIDTH [ACTIVATION] [same]; pool",
        ),
        ("100", "'100' is not a layer"),
        ("conv 3 5x5 same same", "'conv 3 5x5 same same': the activation is 'same'; it must be one of sigmoid, tanh"),
        ("conv 3", "'conv 3' has too few or too many words; it must be conv FILTERS HEIGHTxWIDTH [ACTIVATION] [same]"),
        ("conv 3 5x5 relu tanh", "'conv 3 5x5 relu tanh' has too few or too many words"),
        ("conv 3 5x5x5", "'conv 3 5x5x5': '5x5' must be an integer. The layer must be conv FILTERS"),
        ("conv 3.5 5x5", "'conv 3.5 5x5': '3.5' must be an integer"),
        ("conv 0 5x5", "'conv 0 5x5': filters of Convolution is 0; it must be at least 1"),
        ("pool 0x2", "'pool 0x2': a number in shape of MaxPooling is 0"),
        ("dense 5 step", "'dense 5 step': the activation is 'step'; it must be one of sigmoid, tanh"),
        ("dense 5 softmax", "'dense 5 softmax': softmax is for the output layer only. Leave out the output layer"),
        ("dropout 1", "'dropout 1': p of Dropout is 1.0; it must be at least 0 and less than 1"),
        ("dropout half", "'dropout half': 'half' must be a number. The layer must be dropout P"),
        ("conv 20 5x", "'conv 20 5x': '' must be an integer"),
        ("conv 20 x5", "'conv 20 x5': '' must be an integer"),
        *(
            (f"dense {word}", f"'dense {word}': '{word}' must be an integer")
            for word in ("1_0", "+5", "\uff13\uff10", "1e1")
        ),
        *((f"dropout {word}", f"'dropout {word}': '{word}' must be a number") for word in ("0_0.5", "+.5", "nan", ".")),
        ("dense -5", "'dense -5': n_out of Dense is -5; it must be at least 1"),
        ("dense " + "9" * 5000, "'dense 999"),
    ],
)
def test_what_is_no_notation(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        notation.read(text)


@pytest.mark.parametrize(
    "layer",
    [
        Dropout(0.5, inverted=False),
        BatchNormalization(momentum=0.5),
        BatchNormalization("relu", epsilon=0.1),
        Dense(3, CustomActivation(abs)),
    ],
)
def test_what_has_no_notation_is_described_all_the_same(layer):
    with pytest.raises(ValueError, match="cannot be written as text; a layer in text must be one of: conv FILTERS"):
        notation.write([layer])
    assert notation.describe(layer) == repr(layer)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "layers is empty; give at least one layer"),
        ([0], ValueError, "a layer is 0"),
        (["pool"], TypeError, "a layer is 'pool'; it must be an integer"),
        (7, TypeError, "7 must be a string, such as 'conv 20"),
        ([Dense(3, "softmax")], ValueError, "'dense 3 softmax': softmax is for the output layer"),
    ],
)
def test_what_cannot_be_written(layers, error, message):
    with pytest.raises(error) as raised:
        notation.write(layers)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("n_in", "layers", "given", "expected"),
    [
        (784, "conv 2 3x3", None, (1, 28, 28)),
        (3072, "conv 2 3x3", None, (3, 32, 32)),
        (3, "pool 1x1", None, (3, 1, 1)),
        (784, "dropout 0.2, pool", None, (1, 28, 28)),
        (784, "dense 9, pool", None, (784,)),
        (784, "dense 9", (1, 28, 28), (784,)),
        (40, "pool", (2, 4, 5), (2, 4, 5)),
    ],
)
def test_the_shape_of_inputs(n_in, layers, given, expected):
    assert images.input_shape(n_in, notation.read(layers), given) == expected


def test_a_shape_that_nothing_says_or_that_does_not_fit():
    with pytest.raises(
        ValueError, match=r"MaxPooling.* needs images, but a sample has 40 numbers, neither n\*n \(one map"
    ):
        images.input_shape(40, [MaxPooling(), 10])
    with pytest.raises(
        ValueError, match=r"image_shape is \(1, 5, 7\), 35 numbers; it must have 40, the number of inputs"
    ):
        images.input_shape(40, [10], (1, 5, 7))


@pytest.mark.parametrize("value", ["1x28x28", 28, (28, 28), (1, 0, 28), (1, 28.0, 28)])
def test_what_is_no_image_shape(value):
    with pytest.raises((TypeError, ValueError), match="image_shape"):
        images.image_shape(value)
