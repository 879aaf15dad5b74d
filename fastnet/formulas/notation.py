"""Hidden layers in a line of text, as a command, a sweep and its record have them.

The text "conv 20 5x5 relu, pool 2x2, dense 100 relu" stands for a convolution with 20 filters, max-pooling, and 100
neurons. The output layer is not written: its neurons follow from the data, and their activation from the cost.

The grammar, where brackets enclose what may be left out::

    layers     = layer { "," layer }
    layer      = "conv" filters size [ activation ] [ "same" ]
               | "pool" [ size ]
               | "dense" neurons [ activation ]
               | "batchnorm" [ activation ]
               | "dropout" probability
    size       = height [ "x" width ]

Without a width, it is as the height; without a size, windows of "pool" are 2x2. The activation is a name in
`activations.ACTIVATIONS`. Without one, it is that of the network for "conv" and "dense", and linear for "batchnorm".
With "same", outputs are as large as inputs: see `layers.Convolution`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

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

_FORMS = {
    "conv": "conv FILTERS HEIGHTxWIDTH [ACTIVATION] [same]",
    "pool": "pool HEIGHTxWIDTH",
    "dense": "dense NEURONS [ACTIVATION]",
    "batchnorm": "batchnorm [ACTIVATION]",
    "dropout": "dropout P",
}
"""How each layer is written."""

FORMS = "; ".join(_FORMS.values())
"""How layers are written, in a line."""


def read(text: str) -> tuple[Layer, ...]:
    """Return the layers that a text stands for.

    Raises
    ------
    TypeError
        If it is not a text.
    ValueError
        If it does not follow the grammar, or a layer cannot be made with these settings.

    Examples
    --------
    >>> read("conv 20 5x5 relu, pool 2x2")
    (Convolution(filters=20, shape=(5, 5), activation='relu', padding='valid'), MaxPooling(shape=(2, 2)))
    """
    if not isinstance(text, str):
        raise TypeError(f"{arguments.brief(text)} must be a text, such as {EXAMPLE!r}")
    return tuple(_layer(phrase.split()) for phrase in text.split(","))


def write(layers: Sequence[int | Layer]) -> str:
    """Return the text that stands for layers; `read` returns these layers again.

    Parameters
    ----------
    layers : sequence of int or Layer
        Hidden layers. An integer is a dense layer of that many neurons.

    Raises
    ------
    TypeError, ValueError
        If it is not of that form, or the notation has no words for a layer's settings.

    Examples
    --------
    >>> from fastnet import Convolution, MaxPooling
    >>> write([Convolution(20, 5, "relu"), MaxPooling(2), 100])
    'conv 20 5x5 relu, pool 2x2, dense 100'
    """
    if not isinstance(layers, Sequence):
        raise TypeError(f"{arguments.brief(layers)} must be a text, such as {EXAMPLE!r}, or a sequence of layers")
    found = [layer if isinstance(layer, Layer) else Dense(arguments.positive(layer, "a layer")) for layer in layers]
    if not found:
        raise ValueError(f"there are no layers; give at least one, such as {EXAMPLE!r}")
    for layer in found:
        if _words(layer) is None:
            raise ValueError(f"{layer} cannot be written as text; text may have {FORMS}")
        if isinstance(layer, Dense) and layer.activation in OF_OUTPUTS:
            _refuse_outputs(describe(layer), str(layer.activation))
    return ", ".join(map(describe, found))


def describe(layer: Layer) -> str:
    """Return a layer in the notation, or as Python shows it if the notation has no words for it."""
    words = _words(layer)
    return repr(layer) if words is None else " ".join(map(str, words))


def size(shape: Shape) -> str:
    """Return a shape as it is written.

    Examples
    --------
    >>> size((1, 28, 28))
    '1x28x28'
    """
    return "x".join(map(str, shape))


def _words(layer: Layer) -> list[object] | None:
    """Return the words that stand for a layer, or None if there are none."""
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
    """Return the layer that words stand for."""
    phrase = " ".join(words)
    if not words:
        raise ValueError(f"a layer is missing; layers stand between commas, such as {EXAMPLE!r}")
    kind, *others = words
    if kind not in _KINDS:
        raise ValueError(f"{phrase!r} is no layer; a layer is one of: {FORMS}")
    for activation in OF_OUTPUTS:
        if activation in others:
            _refuse_outputs(phrase, activation)
    try:
        return _KINDS[kind](*others)
    except TypeError:  # of other arguments than the function has
        raise ValueError(f"{phrase!r} has too few or too many words; it must be {_FORMS[kind]}") from None
    except ValueError as error:
        raise ValueError(f"{phrase!r}: {error}. Such a layer is {_FORMS[kind]}") from None


def _convolution(filters: str, shape: str, *others: str) -> Layer:
    padding = "same" if "same" in others else "valid"
    activations = [word for word in others if word != "same"]
    return Convolution(_number(filters, int), _size(shape), *_activation(*activations), padding=padding)


def _dense(neurons: str, *activation: str) -> Layer:
    return Dense(_number(neurons, int), *_activation(*activation))


def _batch_normalization(*activation: str) -> Layer:
    return BatchNormalization(*_activation(*activation))


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


def _activation(name: str | None = None) -> list[str]:
    """Return the activation in a list, or an empty list if there is none."""
    return [] if name is None else [arguments.one_of(name, ACTIVATIONS, "the activation")]


def _size(word: str) -> tuple[int, int]:
    height, _, width = word.partition("x")
    return _number(height, int), _number(width or height, int)


def _number(word: str, kind: Callable[[str], Any]) -> Any:
    try:
        return kind(word)
    except ValueError:
        raise ValueError(f"{word!r} is no {'whole number' if kind is int else 'number'}") from None


def _refuse_outputs(phrase: str, activation: str) -> None:
    raise ValueError(
        f"{phrase!r}: {activation} is for the output layer, which is not written: it follows from the data and the cost"
    )
