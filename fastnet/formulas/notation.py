"""Notation of hidden layers in one line of text, for commands, sweeps and sweeps' records.

The text "conv 20 5x5 relu, pool 2x2, dense 100 relu" stands for a convolution with 20 filters, max pooling, and 100
neurons. The output layer is omitted: the data determine its number of neurons, and the cost determines its activation.

Grammar, with optional parts in brackets and repeated parts in braces::

    layers     = layer { "," layer }
    layer      = "conv" filters size [ activation ] [ "same" ]
               | "pool" [ size ]
               | "dense" neurons [ activation ]
               | "batchnorm" [ activation ]
               | "dropout" probability
    size       = height [ "x" width ]

Filters, neurons, height and width are decimal integers, and the probability is a decimal number, such as 0.5 or 1e-3.
The default width is the height, and the default size of "pool" is 2x2. The activation is a name in
`activations.ACTIVATIONS`. By default, "conv" and "dense" have the network's activation, and "batchnorm" is linear. With
"same", output images are as large as input images; see `layers.Convolution`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.layers import (
    OF_OUTPUTS,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Layer,
    MaxPooling,
    Shape,
)
from fastnet.utils import arguments

EXAMPLE = "conv 20 5x5 relu, pool 2x2, dense 100 relu"

_INTEGER = re.compile("-?[0-9]+")  # a layer refuses negative numbers with a message about their range
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

_FORMS = {
    "conv": "conv FILTERS HEIGHTxWIDTH [ACTIVATION] [same]",
    "pool": "pool HEIGHTxWIDTH",
    "dense": "dense NEURONS [ACTIVATION]",
    "batchnorm": "batchnorm [ACTIVATION]",
    "dropout": "dropout P",
}
"""Notation of each kind of layer, for messages."""

FORMS = "; ".join(_FORMS.values())
"""Notation of all kinds of layers, in one line."""


def read(text: str) -> tuple[Layer, ...]:
    """Return the layers that a text describes.

    Raises
    ------
    TypeError
        If `text` is not a string.
    ValueError
        If the text does not follow the grammar, or a setting of a layer is out of range.

    Examples
    --------
    >>> read("conv 20 5x5 relu, pool 2x2")
    (Convolution(filters=20, shape=(5, 5), activation='relu', padding='valid'), MaxPooling(shape=(2, 2)))
    """
    if not isinstance(text, str):
        raise TypeError(f"{arguments.brief(text)} must be a string, such as {EXAMPLE!r}")
    return tuple(_layer(phrase.split()) for phrase in text.split(","))


def write(layers: Sequence[int | Layer]) -> str:
    """Return the text that describes layers; `read` is the inverse.

    Parameters
    ----------
    layers : sequence of int or Layer
        Hidden layers. An integer is a dense layer of that many neurons.

    Raises
    ------
    TypeError, ValueError
        If `layers` has a wrong type or is empty, or the notation cannot express a layer.

    Examples
    --------
    >>> from fastnet import Convolution, MaxPooling
    >>> write([Convolution(20, 5, "relu"), MaxPooling(2), 100])
    'conv 20 5x5 relu, pool 2x2, dense 100'
    """
    if not isinstance(layers, Sequence):
        raise TypeError(f"{arguments.brief(layers)} must be a string, such as {EXAMPLE!r}, or a sequence of layers")
    found = [layer if isinstance(layer, Layer) else Dense(arguments.positive(layer, "a layer")) for layer in layers]
    if not found:
        raise ValueError(f"layers is empty; give at least one layer, such as {EXAMPLE!r}")
    for layer in found:
        if _words(layer) is None:
            raise ValueError(f"{layer} cannot be written as text; a layer in text must be one of: {FORMS}")
        if isinstance(layer, Dense) and layer.activation in OF_OUTPUTS:
            _refuse_outputs(describe(layer), str(layer.activation))
    return ", ".join(map(describe, found))


def describe(layer: Layer) -> str:
    """Return the text that describes a layer, or the layer's `repr` if the notation cannot express the layer."""
    words = _words(layer)
    return repr(layer) if words is None else " ".join(map(str, words))


def size(shape: Shape) -> str:
    """Return a shape as text, with "x" between the numbers.

    Examples
    --------
    >>> size((1, 28, 28))
    '1x28x28'
    """
    return "x".join(map(str, shape))


def _words(layer: Layer) -> list[object] | None:
    """Return the words that describe a layer, or None if the notation cannot express the layer."""
    activation = getattr(layer, "activation", None)
    own = [] if activation is None else [activation]
    if not all(isinstance(name, str) for name in own):
        return None
    if isinstance(layer, Convolution):
        return ["conv", layer.filters, size(layer.shape), *own, *(["same"] if layer.padding == "same" else [])]
    if isinstance(layer, MaxPooling):
        return ["pool", size(layer.shape)]
    if isinstance(layer, Dense):
        return ["dense", layer.n_out, *own]
    if layer == BatchNormalization(str(activation) if own else "linear"):
        return ["batchnorm", *(name for name in own if name != "linear")]
    if isinstance(layer, Dropout) and layer.inverted:
        return ["dropout", layer.p]
    return None


def _layer(words: list[str]) -> Layer:
    """Return the layer that the words describe."""
    phrase = " ".join(words)
    if not words:
        raise ValueError(f"a layer is missing; write a layer before and after each comma, such as {EXAMPLE!r}")
    kind, *others = words
    if kind not in _KINDS:
        raise ValueError(f"{phrase!r} is not a layer; a layer must be one of: {FORMS}")
    for activation in OF_OUTPUTS:
        if activation in others:
            _refuse_outputs(phrase, activation)
    try:
        return _KINDS[kind](*others)
    except TypeError:  # the number of words does not match the function's parameters
        raise ValueError(f"{phrase!r} has too few or too many words; it must be {_FORMS[kind]}") from None
    except ValueError as error:
        raise ValueError(f"{phrase!r}: {error}. The layer must be {_FORMS[kind]}") from None


def _convolution(filters: str, shape: str, *others: str) -> Layer:
    activations, padding = list(others), "valid"
    if "same" in activations:
        activations.remove("same")  # removes only the first "same", so that a second one is refused
        padding = "same"
    return Convolution(_number(filters, int), _size(shape), padding=padding, **_activation(*activations))


def _dense(neurons: str, *activation: str) -> Layer:
    return Dense(_number(neurons, int), **_activation(*activation))


def _batch_normalization(*activation: str) -> Layer:
    return BatchNormalization(**_activation(*activation))


def _pooling(shape: str = "2x2") -> Layer:
    return MaxPooling(_size(shape))


def _dropout(p: str) -> Layer:
    return Dropout(_number(p, float))


_KINDS: dict[str, Callable[..., Layer]] = {
    "conv": _convolution,
    "pool": _pooling,
    "dense": _dense,
    "batchnorm": _batch_normalization,
    "dropout": _dropout,
}


class _Activation(TypedDict, total=False):
    activation: str


def _activation(name: str | None = None) -> _Activation:
    """Return a dictionary with the keyword argument `activation`; an empty dictionary if the name is None."""
    return {} if name is None else {"activation": arguments.one_of(name, ACTIVATIONS, "the activation")}


def _size(word: str) -> tuple[int, int]:
    height, cross, width = word.partition("x")
    return _number(height, int), _number(width if cross else height, int)


def _number(word: str, kind: Callable[[str], Any]) -> Any:
    """Return the number that a word is. `int` and `float` alone would accept more than the grammar, such as "1_0"."""
    with contextlib.suppress(ValueError):  # Python refuses to convert thousands of digits to an integer
        if (_INTEGER if kind is int else _NUMBER).fullmatch(word):
            return kind(word)
    raise ValueError(f"{arguments.brief(word)} must be {'an integer' if kind is int else 'a number'}")


def _refuse_outputs(phrase: str, activation: str) -> None:
    raise ValueError(
        f"{phrase!r}: {activation} is for the output layer only. Leave out the output layer; it is added automatically"
    )
