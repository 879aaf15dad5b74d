"""Finds the ink in a picture: estimates the background, which may be unevenly lit, and subtracts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastnet.formulas.products import product

_LEAST_CONTRAST = 0.08  # least contrast of ink to its background; the contrast of black to white is 1
_LEAST_SIGNAL = 5.0  # least ratio of the ink's contrast to the standard deviation of the background's noise
_FRAME = 0.06  # width of the margins where the search for the background begins, as a share of the image's sides
_STRONGEST = 0.999  # the search for ink begins with this quantile of the differences from the background
_SAMPLES = 96  # the background is fitted to every n-th pixel: at least this many along the longer side of a large image
_ROUNDS = 5  # number of iterations of fitting the background, and of estimating the ink's difference from it


@dataclass(frozen=True)
class Ink:
    """The ink in a picture.

    Attributes
    ----------
    values : ndarray of float32, shape (height, width)
        Share of ink in each pixel, from 0 to 1.
    light : bool
        Whether the ink is lighter than its background.
    other : float
        Number of pixels that differ from the background in the direction opposite to ink, divided by the number of ink
        pixels. The ratio is small for drawings.
    """

    values: np.ndarray
    light: bool
    other: float


def grey(image: np.ndarray) -> np.ndarray:
    """Return grey values of a colour image: its colours, projected onto their first principal component.

    After this projection, a yellow line on white paper is as distinct as a blue line. A grey image is returned
    unchanged.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width) or (height, width, 3)
        Values from 0 (black) to 1 (white).

    Returns
    -------
    ndarray of float32, shape (height, width)
    """
    if image.ndim == 2:
        return image
    colors = image.reshape(-1, 3)
    centred = colors - colors.mean(axis=0)
    direction = np.linalg.eigh(product(centred.T, centred))[1][:, -1]
    direction /= np.abs(direction).sum()
    if direction.sum() < 0:
        direction = -direction
    values: np.ndarray = product(colors, direction.astype(np.float32))
    return values.reshape(image.shape[:2])


def find(image: np.ndarray) -> Ink | None:
    """Find the ink in a grey picture.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width)
        Values from 0 (black) to 1 (white).

    Returns
    -------
    Ink or None
        None if no ink stands out from the background.

    Notes
    -----
    The background is a quadratic surface, fitted to the pixels that are not ink. The first estimate of the background
    is the median of the pixels near the border. A pixel is ink if its difference from the background is more than half
    of the median difference of all ink. This median is found by iteration. Differences are divided by the brightness of
    the background, because a shadow reduces the differences and the brightness by the same factor.
    """
    background = _background(image)
    difference = image - background
    most = _level(np.abs(difference))
    light = bool(_beyond(difference, most / 2) > _beyond(-difference, most / 2))
    if light:
        image, background, difference = 1 - image, 1 - background, -difference
    relative = -difference / np.maximum(background, 0.05)
    level = _level(relative)
    around = relative[relative < level / 2]
    noise = 1.4826 * float(np.median(np.abs(around))) if around.size else 0.0
    if level < max(_LEAST_CONTRAST, _LEAST_SIGNAL * noise):
        return None
    floor = min(2 * noise, level / 4)
    values = np.clip((relative - floor) / (level - floor), 0, 1, dtype=np.float32)
    other = np.count_nonzero(relative < -level / 2) / np.count_nonzero(relative > level / 2)
    return Ink(values, light, other)


def _beyond(values: np.ndarray, threshold: float) -> float:
    return float(values[values > threshold].sum())


def _level(differences: np.ndarray) -> float:
    """Return the median difference of ink from the background. Pixels with more than half this difference are ink."""
    level = float(np.quantile(differences, _STRONGEST))
    for _ in range(_ROUNDS):
        ink = differences[differences > max(level / 2, 0.0)]
        if ink.size:
            level = float(np.median(ink))
    return level


def _background(image: np.ndarray) -> np.ndarray:
    """Return the estimated brightness of the background at each pixel, also under ink."""
    step = max(1, max(image.shape) // _SAMPLES)
    sample = image[::step, ::step]
    surface = _second_order(sample.shape)
    frame = np.ones(sample.shape, bool)
    margins = [max(1, round(_FRAME * side)) for side in sample.shape]
    frame[margins[0] : -margins[0], margins[1] : -margins[1]] = False
    coefficients = np.zeros(surface.shape[-1])
    coefficients[0] = np.median(sample[frame])
    for _ in range(_ROUNDS):
        differences = np.abs(sample - product(surface, coefficients))
        is_background = differences <= max(_level(differences), _LEAST_CONTRAST) / 2
        coefficients = np.linalg.lstsq(surface[is_background], sample[is_background], rcond=None)[0]
    fitted: np.ndarray = product(_second_order(image.shape), coefficients)
    return fitted.astype(np.float32)


def _second_order(shape: tuple[int, ...]) -> np.ndarray:
    """Return 1, x, y, x^2, xy and y^2 of each pixel, shape (height, width, 6); x and y go from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
