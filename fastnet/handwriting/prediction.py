"""Predicts the digit in a picture, and decides whether the prediction is sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fastnet.handwriting.preprocessing import SIDE, prepare

if TYPE_CHECKING:
    from fastnet.networks.base import BaseNetwork

DIGITS = 10
SURE = 0.5  # probability above which a prediction is sure; the digit is then more probable than all others together


@dataclass(frozen=True, repr=False)
class Prediction:
    """The prediction of a network for a picture. A prediction prints as one line.

    Attributes
    ----------
    digit : int or None
        The predicted digit; None if the prediction is not sure.
    probabilities : ndarray of float64, shape (10,)
        Probability of each digit, computed from the network's outputs. The checks of the picture influence only `digit`
        and `reason`.
    reason : str
        Reason why the prediction is not sure; empty if it is sure.
    pixels : ndarray of float32, shape (28, 28)
        The network's input.
    """

    digit: int | None
    probabilities: np.ndarray
    reason: str
    pixels: np.ndarray

    def __str__(self) -> str:
        if self.digit is None:
            return f"not sure: {self.reason}"
        return f"{self.digit} ({percent(self.probabilities[self.digit])})"

    def __repr__(self) -> str:
        return f"<Prediction: {self}>"


def predict(net: BaseNetwork, image: npt.ArrayLike) -> Prediction:
    """Predict which digit is in a picture.

    Parameters
    ----------
    net : Network
        A network with 784 inputs and 10 outputs, trained on MNIST.
    image : array_like, shape (height, width) or (height, width, 3)
        A picture as `read` returns it: grey values or RGB values.

    Returns
    -------
    Prediction

    Raises
    ------
    TypeError, ValueError
        If `image` is not an image, or the network does not have 784 inputs and 10 outputs.
    ImportError
        If Pillow or SciPy is not installed.

    Notes
    -----
    The outputs of a network with `LogLikelihoodCost` are probabilities. Sigmoid outputs need not have the sum 1. If
    the sum of the outputs is larger than 1, the outputs are divided by the sum. If the sum of the outputs is smaller
    than 1, the rest is the probability that the picture shows no digit.
    """
    check(net)
    prepared = prepare(image)
    probabilities = probabilities_of(net.feedforward(prepared.pixels.reshape(-1, 1))[:, 0])
    reason = prepared.reason or reason_not_sure(probabilities)
    digit = None if reason else int(probabilities.argmax())
    return Prediction(digit, probabilities, reason, prepared.pixels)


def probabilities_of(outputs: np.ndarray) -> np.ndarray:
    """Return the probability of each digit: the outputs, divided by their sum if the sum is above 1."""
    precise = outputs.astype(np.float64)
    probabilities: np.ndarray = precise / max(1.0, float(precise.sum()))
    return probabilities


def check(net: BaseNetwork) -> None:
    """Raise a `ValueError` if a network does not have 784 inputs and 10 outputs."""
    n_in, n_out = net.sizes[0], net.sizes[-1]
    if (n_in, n_out) != (SIDE * SIDE, DIGITS):
        raise ValueError(
            f"the network has {n_in} inputs and {n_out} outputs; to read digits, it needs {SIDE * SIDE} and {DIGITS}"
        )


def percent(probability: float) -> str:
    """Return a probability as text, such as "97.3 %". Probabilities above 99.9 % are shown as "99.9 %"."""
    return f"{min(probability, 0.999):.1%}".replace("%", " %")


def reason_not_sure(probabilities: np.ndarray) -> str:
    """Return the reason why a prediction is not sure; empty if the largest probability is above `SURE`."""
    second, first = (int(digit) for digit in probabilities.argsort(kind="stable")[-2:])
    if probabilities[first] > SURE:
        return ""
    guesses = f"{first} ({percent(probabilities[first])})"
    if probabilities[second] > 0.1:
        guesses += f" or {second} ({percent(probabilities[second])})"
    return f"it may be {guesses}"
