"""Changes weights to show their effect: scales weights, adds noise, sets weights to zero, or removes neurons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastnet import network2
from fastnet.play.inspection import layer_of, neuron_of
from fastnet.play.settings import RequestError

_LARGEST_WEIGHT = 1e6  # largest absolute weight after a change
_LARGEST = 100.0  # largest factor, and largest noise in units of the standard deviation of the weights


def apply(net: network2.Network, message: Mapping[str, Any], random: np.random.Generator) -> str:
    """Change a network's weights as a message requests, and return a text that describes the change.

    Raises
    ------
    RequestError
        If the message is invalid. The network is then unchanged.
    """
    action, number = message.get("action"), layer_of(net, message.get("layer"))
    if action == "remove":
        return _remove(net, number, message.get("index"))
    parameters = net.parameters
    weights = parameters[number - 1].get("weights")
    if weights is None:
        raise RequestError(f"layer {number} has no weights; choose a dense or convolutional layer")
    if action == "zero":
        weights[...] = 0
        return f"layer {number}: all weights 0"
    amount = _amount(message.get("amount"))
    if action == "scale":
        changed, sentence = weights * weights.dtype.type(amount), f"layer {number}: weights times {amount:g}"
    elif action == "noise":
        noise = amount * weights.std() * random.standard_normal(weights.shape)
        changed = weights + noise.astype(weights.dtype)
        sentence = f"layer {number}: noise of {amount:g} standard deviations"
    else:
        raise RequestError(f"action is {str(action)[:40]!r}; it must be scale, noise, remove or zero")
    if not np.abs(changed).max() <= _LARGEST_WEIGHT:
        raise RequestError(f"weights of layer {number} would be larger than {_LARGEST_WEIGHT:g}; take a smaller amount")
    weights[...] = changed
    return sentence


def _remove(net: network2.Network, number: int, index: Any) -> str:
    """Remove a neuron or a map: set the outgoing weights, in the next layer that has weights, to zero."""
    which = neuron_of(net, number, index)
    for inputs, layer in zip(net._architecture().shapes[number:], net.parameters[number:], strict=False):
        if "weights" not in layer:  # layers without weights, such as pooling, keep the order of maps and neurons
            continue
        weights = layer["weights"]
        if weights.ndim == 4:
            weights[:, which] = 0
        else:
            width = math.prod(inputs[1:])
            weights[:, which * width : (which + 1) * width] = 0
        return f"layer {number}: neuron {which} removed"
    raise RequestError(f"layer {number} is the output layer; only hidden neurons can be removed")


def _amount(value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= _LARGEST:  # also refuses NaN
        raise RequestError(f"amount is {str(value)[:20]}; it must be a number from 0 to {_LARGEST:g}")
    return float(value)
