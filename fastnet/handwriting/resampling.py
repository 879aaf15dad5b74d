"""Grey images in another size, and with thicker or thinner lines."""

from __future__ import annotations

import numpy as np


def resample(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return an image in another size, interpolated linearly, and where it becomes smaller averaged.

    Parameters
    ----------
    image : ndarray, shape (h, w)
        Grey values.
    height, width : int
        The new size.

    Returns
    -------
    ndarray of float32, shape (height, width)

    Examples
    --------
    >>> resample(np.array([[0.0, 4.0]]), 1, 4).tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    """
    down, across = weights(image.shape[0], height), weights(image.shape[1], width)
    resampled: np.ndarray = down @ image.astype(np.float32, copy=False) @ across.T
    return resampled


def weights(old: int, new: int) -> np.ndarray:
    """Return what each of the old pixels of a line is worth in each of the new ones: a triangle around its place."""
    scale = old / new
    places = (np.arange(new) + 0.5) * scale - 0.5
    distances = np.abs(places[:, np.newaxis] - np.arange(old)) / max(scale, 1.0)
    weights = np.maximum(0.0, 1.0 - distances)
    normalised: np.ndarray = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


def thicken(image: np.ndarray, radius: float) -> np.ndarray:
    """Return an image in which each pixel is the largest of those that are no farther than `radius`.

    With a negative radius, lines become thinner: each pixel is the smallest of those within `-radius`. Outside of the
    image there is nothing: 0.
    """
    if radius < 0:
        return 1 - thicken(1 - np.pad(image, 1), -radius)[1:-1, 1:-1]
    reach = int(radius)
    padded = np.pad(image, reach)
    thick = image.copy()
    height, width = image.shape
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            if down * down + across * across <= radius * radius:
                shifted = padded[reach + down :, reach + across :][:height, :width]
                np.maximum(thick, shifted, out=thick)
    return thick


def line_width(image: np.ndarray) -> float:
    """Return how wide the lines of a drawing are, in pixels, on average: twice its area by the length of its edges.

    Parameters
    ----------
    image : ndarray, shape (h, w)
        Ink from 0 to 1.
    """
    area = float(image.sum())
    edge = area - float(thicken(image, -1.0).sum())  # a line along all edges, one pixel wide
    return 2 * area / edge if edge else 0.0
