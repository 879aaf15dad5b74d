"""Trains the default network that reads digits."""

from __future__ import annotations

import numpy as np

from fastnet import expand_mnist, mnist_loader, network2
from fastnet.datasets.dataset import Dataset
from fastnet.handwriting.images import resized
from fastnet.handwriting.prediction import DIGITS
from fastnet.handwriting.preprocessing import BOX, SIDE

_SEED = 0
_OTHERS = 2500  # number of negative samples in an epoch; with more, the network was less sure of printed digits
_BLOTS = (4, 6, 9, 14)  # sides in pixels of the noise images, which are then enlarged, so that the noise becomes smooth


def train() -> network2.Network:
    """Train a network on MNIST's digits and on negative samples, which show no single digit.

    All seeds are fixed, so the result is always the same network.

    Returns
    -------
    Network
        A network with 784 inputs and 10 softmax outputs.

    Notes
    -----
    A negative sample shows two digits (side by side, or one above the other) or a blot of smooth noise. The desired
    output for a negative sample is a probability of 1/10 for each digit, so that the network learns to be unsure. In
    each epoch, all digits are deformed anew, as if they had been written again.
    """
    training_data, _, _ = mnist_loader.load_data_wrapper()
    net = network2.Network([SIDE * SIDE, 128, DIGITS], network2.LogLikelihoodCost, activation="relu", seed=_SEED)
    random = np.random.default_rng(_SEED)
    for epoch, eta in enumerate(np.geomspace(0.15, 0.015, 4)):
        digits = expand_mnist.deform(training_data, seed=epoch)
        others = no_digits(digits.inputs, _OTHERS, random)
        uniform = np.full((len(others), DIGITS), 1 / DIGITS)
        data = Dataset(np.concatenate([digits.inputs, others]), np.concatenate([digits.targets, uniform]))
        net.SGD(data, 1, 10, eta, report=lambda history: None)
    return net


def no_digits(digits: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Make negative samples: half show two digits side by side, a quarter show one digit above another, the rest blots.

    Parameters
    ----------
    digits : ndarray, shape (m, 784)
        Images of digits.
    n : int
        Number of images to make.
    random : numpy.random.Generator
        The generator of all random numbers.

    Returns
    -------
    ndarray of float32, shape (n, 784)
    """
    beside, above, blots = n // 2, n // 4, n - n // 2 - n // 4
    pairs = [_pairs(digits, beside, random), _pairs(digits, above, random).swapaxes(1, 2)]
    return np.concatenate([*pairs, _blots(blots, random)]).reshape(n, SIDE * SIDE)


def _pairs(digits: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Return images of two digits side by side, scaled to fit the box. The digits may touch."""
    parts = []
    for apart in np.array_split(np.arange(n), 4):
        distance = int(random.integers(10, 20))
        first, second = digits[random.integers(0, len(digits), (2, len(apart)))].reshape(2, -1, SIDE, SIDE)
        canvas = np.zeros((len(apart), SIDE, SIDE + distance), np.float32)
        canvas[:, :, :SIDE] = first
        canvas[:, :, distance:] = np.maximum(canvas[:, :, distance:], second)
        # Lines are made thicker, because scaling the images down makes the lines thinner.
        canvas[:, :, 1:] = np.maximum(canvas[:, :, 1:], canvas[:, :, :-1])
        canvas[:, 1:] = np.maximum(canvas[:, 1:], canvas[:, :-1])
        size = round(SIDE * BOX / (distance + 16))  # a digit is about 16 pixels wide, a pair about distance + 16
        small = _all_resized(canvas, size, SIDE)
        top = (SIDE - size) // 2
        part = np.zeros((len(apart), SIDE, SIDE), np.float32)
        part[:, top : top + size] = np.minimum(1.5 * small, 255 / 256)
        parts.append(part)
    return np.concatenate(parts)


def _blots(n: int, random: np.random.Generator) -> np.ndarray:
    """Return smooth noise with random contrast, in rectangles as high or as wide as the box."""
    places = np.abs(np.arange(SIDE) - (SIDE - 1) / 2)
    parts = []
    for coarse, count in zip(_BLOTS, map(len, np.array_split(np.arange(n), len(_BLOTS))), strict=True):
        noise = random.standard_normal((count, coarse, coarse), np.float32)
        noise = _all_resized(noise, SIDE, SIDE)
        contrast, more = random.uniform(1, 6, (count, 1, 1)), random.uniform(-0.25, 0.75, (count, 1, 1))
        halves = random.uniform(3, BOX / 2, (count, 2, 1))
        halves[np.arange(count), random.integers(0, 2, count)] = BOX / 2
        inside = places < halves
        ink = np.clip(contrast * (noise + more), 0, 255 / 256)
        parts.append(ink * inside[:, 0, :, np.newaxis] * inside[:, 1, np.newaxis])
    return np.concatenate(parts).astype(np.float32)


def _all_resized(images: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.array([resized(image, height, width) for image in images], np.float32).reshape(-1, height, width)
