"""What a network says of a picture, and whether to believe it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fastnet.handwriting.preparing import SIDE, prepare

if TYPE_CHECKING:
    from fastnet.networks.base import BaseNetwork

DIGITS = 10
SURE = 0.5  # a digit is named that is more probable than this: than all others together


@dataclass(frozen=True, repr=False)
class Prediction:
    """What a network says of a picture. It prints as a line.

    Attributes
    ----------
    digit : int or None
        Which digit it is; None if that is not sure.
    probabilities : ndarray, shape (10,)
        Of each digit, according to the network alone.
    reason : str
        Why it is not sure; empty if it is.
    pixels : ndarray of float32, shape (28, 28)
        What the network was shown.
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
    """Say which digit is in a picture.

    Parameters
    ----------
    net : Network
        Of 784 inputs and 10 outputs, trained on MNIST.
    image : array_like, shape (height, width) or (height, width, 3)
        As `prepare` takes it, and `read` returns it.

    Returns
    -------
    Prediction

    Raises
    ------
    TypeError, ValueError
        If the image is none, or the network of another size.

    Notes
    -----
    The outputs of a network with `LogLikelihoodCost` are probabilities. Sigmoid outputs need not have the sum 1: where
    they have more, they are divided by it; where they have less, the rest is doubt.
    """
    check(net)
    prepared = prepare(image)
    probabilities = probabilities_of(net.feedforward(prepared.pixels.reshape(-1, 1))[:, 0])
    reason = prepared.reason or doubt(probabilities)
    digit = None if reason else int(probabilities.argmax())
    return Prediction(digit, probabilities, reason, prepared.pixels)


def probabilities_of(outputs: np.ndarray) -> np.ndarray:
    """Return the probability of each digit, given the outputs: they are divided by their sum where it is above 1."""
    precise = outputs.astype(np.float64)
    probabilities: np.ndarray = precise / max(1.0, float(precise.sum()))
    return probabilities


def check(net: BaseNetwork) -> None:
    """Raise a `ValueError` if a network is not one for MNIST's digits."""
    n_in, n_out = net.sizes[0], net.sizes[-1]
    if (n_in, n_out) != (SIDE * SIDE, DIGITS):
        raise ValueError(
            f"the network has {n_in} inputs and {n_out} outputs; to read digits, it needs {SIDE * SIDE} and {DIGITS}"
        )


def percent(probability: float) -> str:
    """Return a probability in words that claim no more than it does: never 100 %."""
    return f"{min(probability, 0.999):.1%}".replace("%", " %")


def doubt(probabilities: np.ndarray) -> str:
    """Return the reason if the largest probability is too small."""
    second, first = (int(digit) for digit in probabilities.argsort(kind="stable")[-2:])
    if probabilities[first] > SURE:
        return ""
    guesses = f"{first} ({percent(probabilities[first])})"
    if probabilities[second] > 0.1:
        guesses += f" or {second} ({percent(probabilities[second])})"
    return f"it may be {guesses}"
