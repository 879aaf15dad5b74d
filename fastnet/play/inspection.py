"""Computes what the page shows of a network: answers, activations, neurons, and which pixels matter."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fastnet import network2
from fastnet.formulas import notation
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, Layer, MaxPooling
from fastnet.handwriting import prediction
from fastnet.handwriting.preprocessing import SIDE, prepare_drawing
from fastnet.play import digits
from fastnet.play.settings import RequestError, number_of_parameters

_LARGEST_SIDE = 200  # largest side of a drawing, in pixels
_EXAMPLES = 8  # number of test digits that are shown for a neuron
_SEARCHED = 2000  # largest number of test digits that are searched for a neuron's examples
_WORK_OF_SEARCH = 2e9  # approximate largest number of multiplications of a search for a neuron's examples
_PART = 50  # number of test digits that are fed forward together, to limit the memory of convolutions
_KINDS: dict[type[Layer], str] = {
    Dense: "dense",
    Convolution: "convolution",
    MaxPooling: "pooling",
    BatchNormalization: "normalization",
    Dropout: "dropout",
}
_WEIGHTS_SHOWN = 64  # largest number of neurons whose weights are sent while a network trains

Arrays = dict[str, np.ndarray]


class Image(NamedTuple):
    """An input of the network.

    Attributes
    ----------
    pixels : ndarray of float32, shape (28, 28)
        Pixels from 0 (paper) to 1 (ink).
    reason : str
        Reason why the image does not show one digit; empty if the image may show one digit.
    members : dict
        Members of the message `seen` that describe a test digit: its label, index and position, the number of test
        digits (`count`), and the number of misclassified digits (`wrong`; None if not known). All are None for a
        drawing.
    """

    pixels: np.ndarray
    reason: str = ""
    members: Mapping[str, Any] = {"label": None, "index": None, "position": None, "count": None, "wrong": None}

    @property
    def column(self) -> np.ndarray:
        """The pixels as a column, shape (784, 1)."""
        return self.pixels.reshape(-1, 1)


def drawing(message: Mapping[str, Any]) -> Image:
    """Return the image that was drawn on the pad, prepared as MNIST's digits were.

    Raises
    ------
    RequestError
        If the message has no valid width, height and pixels.
    """
    width: Any = message.get("width")
    height: Any = message.get("height")
    text = message.get("pixels")
    sides = all(isinstance(side, int) and 1 <= side <= _LARGEST_SIDE for side in (width, height))
    if not sides or not isinstance(text, str):
        raise RequestError(f"a drawing has a width and a height from 1 to {_LARGEST_SIDE}, and pixels in base64")
    try:
        pixels = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except (binascii.Error, ValueError):
        raise RequestError("pixels of the drawing are not base64") from None
    if len(pixels) != width * height:
        raise RequestError(f"the drawing has {len(pixels)} pixels; {width} x {height} are {width * height}")
    if not pixels.any():
        return Image(np.zeros((SIDE, SIDE), np.float32), "nothing is drawn")
    prepared = prepare_drawing(pixels.reshape(height, width) / np.float32(255))
    return Image(prepared.pixels, prepared.reason)


def answer(net: network2.Network, image: Image) -> tuple[dict[str, Any], Arrays]:
    """Return members and arrays of the message `seen`: a network's answer for an image, and all layers' activations."""
    activations = net.activations(image.column)
    probabilities = prediction.probabilities_of(activations[-1][:, 0])
    reason = image.reason or prediction.reason_not_sure(probabilities)
    digit = int(probabilities.argmax()) if image.pixels.any() else None
    arrays = {"image": image.pixels, "probabilities": probabilities}
    arrays |= {f"activation_{i}": a[..., 0] for i, a in enumerate(activations)}
    members = {"digit": digit, "sure": not reason, "why": reason, **image.members}
    return members, {name: a.astype(np.float32, copy=False) for name, a in arrays.items()}


def predictions(net: network2.Network) -> np.ndarray:
    """Return the digit that the network predicts for each test digit, shape (10000,)."""
    found: np.ndarray = net.feedforward(digits.test_data().inputs.T).argmax(axis=0)
    return found


def test_digit(predicted: np.ndarray | None, order: Any, position: Any) -> Image:
    """Return a test digit.

    Parameters
    ----------
    predicted : ndarray or None
        Result of `predictions`, if known; with None, no digit counts as misclassified.
    order : {'wrong', 'all'}
        'wrong': misclassified digits come first; 'all': all digits in MNIST's order.
    position : int
        Position of the digit in `order`, modulo the number of test digits.

    Raises
    ------
    RequestError
        If `order` or `position` is invalid.
    """
    if order not in ("wrong", "all") or not isinstance(position, int) or isinstance(position, bool):
        raise RequestError("order must be 'wrong' or 'all', and position must be an integer")
    labels = digits.test_data().labels(10)
    wrong = np.zeros(len(labels), bool) if predicted is None else predicted != labels
    indices = np.argsort(~wrong, kind="stable") if order == "wrong" else np.arange(len(labels))
    position %= len(indices)
    index = int(indices[position])
    members = {"label": int(labels[index]), "index": index, "position": position, "count": len(indices)}
    pixels = digits.test_data().inputs[index].reshape(SIDE, SIDE).astype(np.float32)
    return Image(pixels, "", {**members, "wrong": None if predicted is None else int(wrong.sum())})


def neuron(net: network2.Network, layer: Any, index: Any, image: Image | None) -> tuple[dict[str, Any], Arrays]:
    """Return a neuron's or a filter's weights, and the digits with the largest activations among the first test digits.

    Parameters
    ----------
    net : Network
    layer, index : int
        Number of the layer (the inputs are layer 0), and index of the neuron or map.
    image : Image or None
        Image for which the activation is returned; None for no image.

    Raises
    ------
    RequestError
        If the layer, the neuron or the map does not exist.
    """
    which = neuron_of(net, layer, index)
    parameters = net.parameters[layer - 1]
    weights = parameters["weights"][which] if "weights" in parameters else np.empty(0)
    if _takes_pixels(net, layer):
        weights = weights.reshape(SIDE, SIDE)
    test = digits.test_data()
    searched = int(min(_SEARCHED, _WORK_OF_SEARCH // net._architecture().multiplications))
    parts = (test.inputs[start : start + _PART].T for start in range(0, searched, _PART))
    found = np.concatenate([_of_neuron(net.activations(part)[layer], which) for part in parts])
    most = np.argsort(-found, kind="stable")[:_EXAMPLES]
    own = None if image is None else float(_of_neuron(net.activations(image.column)[layer], which)[0])
    bias = float(parameters["biases"][which, 0]) if "biases" in parameters else None
    members = {"layer": layer, "index": which, "bias": bias, "activation": own}
    return members, {
        "weights": weights.astype(np.float32),
        "top_images": digits.test_images()[most],
        "top_activations": found[most].astype(np.float32),
        "top_labels": test.labels(10)[most].astype(np.float32),
    }


def neuron_of(net: network2.Network, layer: Any, index: Any) -> int:
    """Return the index of a neuron or a map, after a check that the neuron or map exists.

    Raises
    ------
    RequestError
        If the layer, the neuron or the map does not exist.
    """
    number = layer_of(net, layer)
    shape = net._architecture().shapes[number]
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < shape[0]:
        raise RequestError(f"layer {number} has no neuron {str(index)[:20]}; its neurons go from 0 to {shape[0] - 1}")
    return index


def layer_of(net: network2.Network, layer: Any) -> int:
    """Return the number of a layer, counted from 1; raise a `RequestError` if the layer does not exist."""
    last = len(net.layers)
    if not isinstance(layer, int) or isinstance(layer, bool) or not 1 <= layer <= last:
        raise RequestError(f"there is no layer {str(layer)[:20]}; layers go from 1 to {last}")
    return layer


def pixel_gradient(net: network2.Network, image: Image, output: Any) -> tuple[dict[str, Any], Arrays]:
    """Return the derivative of an output with respect to each pixel.

    Parameters
    ----------
    net : Network
    image : Image
    output : int or None
        Index of the output; None for the output with the largest activation.

    Raises
    ------
    RequestError
        If the output does not exist.
    """
    if output is None:
        output = int(net.feedforward(image.column).argmax())
    try:
        gradient = net.input_gradient(image.column, output)
    except (TypeError, ValueError) as error:
        raise RequestError(str(error)) from None
    return {"output": output}, {"gradient": gradient.reshape(SIDE, SIDE).astype(np.float32)}


def description(net: network2.Network) -> dict[str, Any]:
    """Return members of the message `network`: the number of parameters, and the layers, beginning with the inputs."""
    architecture = net._architecture()
    layers: list[dict[str, Any]] = [
        {"kind": "input", "text": "input", "shape": architecture.shapes[0], "weights": None, "activation": None}
    ]
    for layer, trained, shape in zip(architecture.layers, architecture.trained, architecture.shapes[1:], strict=True):
        name = getattr(layer, "activation", None)
        layers.append(
            {
                "kind": _KINDS[type(layer)],
                "text": notation.describe(layer),
                "shape": shape,
                "weights": trained.get("weights"),
                "activation": name if isinstance(name, str) else None,
            }
        )
    return {"layers": layers, "parameters": number_of_parameters(architecture)}


def first_weights(net: network2.Network) -> Arrays:
    """Return weights of the first neurons or filters in the first layer that has weights, as int8.

    The weights are scaled so that the largest absolute weight of each neuron or filter is 127. The result is empty if
    the inputs of the neurons are not the pixels.
    """
    weights = net.weights[0][:_WEIGHTS_SHOWN]
    if weights.ndim == 4:
        images = weights[:, 0]
    elif _takes_pixels(net, 1 + next(i for i, layer in enumerate(net.parameters) if "weights" in layer)):
        images = weights.reshape(-1, SIDE, SIDE)
    else:
        return {}
    largest = np.abs(images).max(axis=(1, 2), keepdims=True)
    return {"weights": np.round(images * (127 / np.maximum(largest, 1e-30))).astype(np.int8)}


def _takes_pixels(net: network2.Network, layer: int) -> bool:
    """Return whether a layer is dense and its inputs are the pixels."""
    before = net.layers[: layer - 1]
    return isinstance(net.layers[layer - 1], Dense) and all(isinstance(each, Dropout) for each in before)


def _of_neuron(activations: np.ndarray, index: int) -> np.ndarray:
    """Return the activation of a neuron, or the largest activation of a map, for each sample, shape (m,)."""
    own = activations[index]
    largest: np.ndarray = own.reshape(-1, own.shape[-1]).max(axis=0)
    return largest
