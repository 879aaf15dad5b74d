"""Convolution and max pooling of images, and backpropagation through both (chapter 6)."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fastnet.formulas.layers import Shape

Borders = tuple[tuple[int, int], tuple[int, int]]
"""((above, below), (left, right)): numbers of rows and columns of zeros at the edges of an image."""


def padded(images: np.ndarray, borders: Borders) -> np.ndarray:
    """Return images, shape (m, maps, height, width), with borders of zeros; `images` itself if all borders are 0."""
    return np.pad(images, ((0, 0), (0, 0), *borders)) if any(map(any, borders)) else images


def patches(images: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the patch of each image at each place of a filter, so that equation 125 is a matrix product.

    Parameters
    ----------
    images : ndarray, shape (m, maps, height, width)
        Images, including borders of zeros.
    shape : tuple of int
        Height and width of the filter.

    Returns
    -------
    ndarray, shape (m * places, maps * rows * columns)
        One row for each place in each image, with the numbers in the order of a filter's weights.
    """
    maps = images.shape[1]
    windows = sliding_window_view(images, shape, axis=(2, 3))  # (m, maps, places down, places across, rows, columns)
    patches: np.ndarray = windows.transpose(0, 2, 3, 1, 4, 5)
    return patches.reshape(-1, maps * shape[0] * shape[1])


def add_patches(of_patches: np.ndarray, shape: tuple[int, int], image_shape: Shape, borders: Borders) -> np.ndarray:
    """Return the errors of images, given the errors of all patches.

    A pixel can be in several patches. By the chain rule, a pixel's error is the sum of its errors in all patches that
    contain the pixel.

    Parameters
    ----------
    of_patches : ndarray, shape (m * places, maps * rows * columns)
        Errors of the patches, in the order in which `patches` returns them.
    shape : tuple of int
        Height and width of the filter.
    image_shape : tuple of int
        Shape of an image without borders, (maps, height, width).
    borders : Borders
        Number of rows and columns of zeros around an image. The errors of these zeros are not returned.

    Returns
    -------
    ndarray, shape (m, maps, height, width)
        Errors of the pixels.
    """
    maps, height, width = image_shape
    (above, below), (left, right) = borders
    down, across = above + height + below - shape[0] + 1, left + width + right - shape[1] + 1
    by_place = of_patches.reshape(-1, down, across, maps, *shape)
    errors = np.zeros((len(by_place), maps, above + height + below, left + width + right), of_patches.dtype)
    for row, column in np.ndindex(*shape):
        errors[:, :, row : row + down, column : column + across] += by_place[..., row, column].transpose(0, 3, 1, 2)
    return errors[:, :, above : above + height, left : left + width]


def places_as_rows(samples: np.ndarray, maps: int) -> np.ndarray:
    """Return a matrix with a row for each place in each sample, and a column for each map.

    A row of `samples` has the maps of one sample, one after another.
    """
    by_place: np.ndarray = samples.reshape(len(samples), maps, -1).transpose(0, 2, 1)
    return by_place.reshape(-1, maps)


def rows_as_samples(rows: np.ndarray, samples: int) -> np.ndarray:
    """Invert `places_as_rows`: return a matrix with one sample per row. `samples` is the number of samples."""
    by_map: np.ndarray = rows.reshape(samples, -1, rows.shape[1]).transpose(0, 2, 1)
    return by_map.reshape(samples, -1)


def max_pool(images: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest number in each window of each map, and its index (chapter 6, "Pooling layers").

    Parameters
    ----------
    images : ndarray, shape (m, maps, height, width)
        Images. Rows and columns that do not fill a window are ignored.
    shape : tuple of int
        Height and width of a window.

    Returns
    -------
    largest : ndarray, shape (m, maps, height // rows, width // columns)
        Largest number in each window.
    places : ndarray of int64, of the same shape
        Index of the largest number in its window, counted row by row. If the largest number occurs several times,
        the index of the first.
    """
    m, maps, height, width = images.shape
    down, across = height // shape[0], width // shape[1]
    whole = images[:, :, : down * shape[0], : across * shape[1]]
    windows = whole.reshape(m, maps, down, shape[0], across, shape[1]).transpose(0, 1, 2, 4, 3, 5)
    flat = windows.reshape(m, maps, down, across, -1)
    places = flat.argmax(axis=-1)
    return np.take_along_axis(flat, places[..., np.newaxis], axis=-1)[..., 0], places


def max_pool_back(errors: np.ndarray, places: np.ndarray, shape: tuple[int, int], image_shape: Shape) -> np.ndarray:
    """Return the errors of images: the error of each pooled number at that number's pixel, and 0 elsewhere.

    Parameters
    ----------
    errors, places : ndarray, shape (m, maps, height // rows, width // columns)
        Errors of the pooled numbers, and their indices as `max_pool` returned them.
    shape : tuple of int
        Height and width of a window.
    image_shape : tuple of int
        Shape of an image, (maps, height, width).

    Returns
    -------
    ndarray, shape (m, maps, height, width)
        Errors of the pixels.
    """
    m, maps, down, across = errors.shape
    flat = np.zeros((m, maps, down, across, shape[0] * shape[1]), errors.dtype)
    np.put_along_axis(flat, places[..., np.newaxis], errors[..., np.newaxis], axis=-1)
    windows = flat.reshape(m, maps, down, across, *shape).transpose(0, 1, 2, 4, 3, 5)
    images = np.zeros((m, *image_shape), errors.dtype)
    images[:, :, : down * shape[0], : across * shape[1]] = windows.reshape(m, maps, down * shape[0], -1)
    return images
