"""Deforms images: the grey value of each pixel is looked up at a displaced position in the given image.

A position is a row and a column, in pixels. Rows are counted downwards, and columns to the right. The centre of the
first pixel is at (0, 0). Between pixels, grey values are interpolated bilinearly. Outside of the image, the grey value
is 0.

The kernel smooths noise with the matrix product of the module `products`. With NumPy's matrix product, threads that
deform images at the same time would wait for one another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.kernels import products
from fastnet.kernels.compiler import kernel, part
from fastnet.kernels.vectors import lanes, lanes_of

_BORDER = 2  # number of blank pixels on each side of an image, so that every position has four neighbours
_GREYS = np.float32(256)  # number of steps from white to black
_MIDDLE = np.float32(127.5)  # middle of the range of a byte, which is from 0 to 255
_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)


class Workspace(NamedTuple):
    """Memory that `deform` uses.

    Attributes
    ----------
    rough, across, halfway, downwards, rightwards : ndarray of float32
        Matrices of the size of an image, in panels: the noise, the smoothing matrix, the product of both matrices, and
        the displacements of rows and of columns.
    padded : ndarray of float32
        An image with its border.
    rows : ndarray of int64, shape (side,)
        The row indices 0, 1, 2, …
    ys, xs : ndarray of float32, shape (side,)
        Rows and columns of the positions where the pixels of an image row are looked up.
    """

    rough: np.ndarray
    across: np.ndarray
    halfway: np.ndarray
    downwards: np.ndarray
    rightwards: np.ndarray
    padded: np.ndarray
    rows: np.ndarray
    ys: np.ndarray
    xs: np.ndarray


def workspace_for(side: int) -> Workspace:
    """Return memory for images of `side` rows and columns. Each thread needs a workspace of its own."""
    lanes = lanes_of("float32")
    in_panels = -(-side // lanes) * lanes * side
    return Workspace(
        rough=np.zeros(in_panels, np.float32),
        across=np.zeros(in_panels, np.float32),
        halfway=np.zeros(in_panels, np.float32),
        downwards=np.zeros(in_panels, np.float32),
        rightwards=np.zeros(in_panels, np.float32),
        padded=np.zeros((side + 2 * _BORDER) ** 2, np.float32),
        rows=np.arange(side),
        ys=np.zeros(side, np.float32),
        xs=np.zeros(side, np.float32),
    )


@kernel
def deform(images, side, transforms, noise, elastic, smoothing, deformed, workspace):
    """Deform images of `side` rows and columns.

    Parameters
    ----------
    images : ndarray of float32 or float64, shape (n, side * side)
        Grey values, from 0 (white) to 1 (black).
    side : int
        Number of rows and of columns of each image.
    transforms : ndarray of float64, shape (n, 6)
        Coefficients a, b, c, d, e, f for each image. The pixel at row r and column s is looked up at row a r + b s + c
        and column d r + e s + f, plus the displacement by noise. Rows and columns are counted from the centre of the
        image.
    noise : ndarray of uint8, shape (n, 2, side * side) or (0, 2, side * side)
        Displacements of rows and of columns before smoothing: 0 stands for -1, and 255 for 1. If empty, noise displaces
        no pixels.
    elastic : float
        Factor, in pixels, by which the smoothed noise is multiplied.
    smoothing : ndarray of float32, shape (side * side,)
        Symmetric matrix. Noise is multiplied by this matrix from both sides.
    deformed : ndarray of float32, shape (n, side * side)
        Output array for the deformed images. The grey values are multiples of 1/256.
    workspace : Workspace
        Returned by `workspace_for`.
    """
    width = lanes(smoothing)
    _set_panels(workspace.across, smoothing, side, width, _ZERO, _ONE)
    if len(noise) == 0:
        workspace.downwards[:] = 0
        workspace.rightwards[:] = 0
    for i in range(len(images)):
        if len(noise) > 0:
            for axis in range(2):
                field = workspace.downwards if axis == 0 else workspace.rightwards
                _set_panels(workspace.rough, noise[i, axis], side, width, _MIDDLE, np.float32(elastic) / _MIDDLE)
                _smooth(workspace, smoothing, side, width, field)
        _set_padded(workspace.padded, images[i], side)
        _look_up(workspace, side, transforms[i], width, deformed[i])


@part
def _set_panels(panels, matrix, side, width, zero, factor):
    """Store `factor` * (`matrix` - `zero`) in panels; see `layout`."""
    for row in range(side):
        for column in range(side):
            number = np.float32(matrix[row * side + column]) - zero
            panels[_in_panels(row, column, side, width)] = number * factor


@part
def _in_panels(row, column, side, width):
    return (column // width * side + row) * width + column % width


@part
def _smooth(workspace, smoothing, side, width, field):
    """Set a displacement field to the noise, multiplied by the smoothing matrix from both sides."""
    rows, rough, across, halfway = workspace.rows, workspace.rough, workspace.across, workspace.halfway
    panel, panels = side * width, len(field) // (side * width)
    products.add_product(
        smoothing, 0, side, rows, side, 1, 0, rough, 0, panel, halfway, 0, panel, width, panels, 0, side, True
    )
    for j in range(0, side, width):
        n = min(width, side - j)
        products.add_product(
            halfway, j * side, width, rows, n, 1, 0, across, j * width, panel, field, 0, panel, width, panels, 0, side,
            j == 0,
        )  # fmt: skip


@part
def _set_padded(padded, image, side):
    for row in range(side):
        for column in range(side):
            padded[(row + _BORDER) * (side + 2 * _BORDER) + column + _BORDER] = image[row * side + column]


@part
def _look_up(workspace, side, transform, width, deformed):
    """Set a deformed image to the interpolated grey values of the padded image, row by row."""
    padded, ys, xs = workspace.padded, workspace.ys, workspace.xs
    downwards, rightwards = workspace.downwards, workspace.rightwards
    a, b, c, d, e, f = _numbers(transform)
    stride = side + 2 * _BORDER
    middle = np.float32((side - 1) / 2)
    last = np.float32(side + _BORDER)
    for row in range(side):
        r = np.float32(row) - middle
        for column in range(side):  # a separate loop, so that SIMD instructions can be used
            s = np.float32(column) - middle
            p = _in_panels(row, column, side, width)
            ys[column] = _bounded(a * r + b * s + c + downwards[p] + middle + np.float32(_BORDER), last)
            xs[column] = _bounded(d * r + e * s + f + rightwards[p] + middle + np.float32(_BORDER), last)
        for column in range(side):
            y, x = ys[column], xs[column]
            above, before = np.int32(y), np.int32(x)
            y -= np.float32(above)
            x -= np.float32(before)
            p = above * stride + before
            upper = padded[p] + x * (padded[p + 1] - padded[p])
            lower = padded[p + stride] + x * (padded[p + stride + 1] - padded[p + stride])
            deformed[row * side + column] = np.floor((upper + y * (lower - upper)) * _GREYS + _HALF) / _GREYS


@part
def _numbers(transform):
    a, b, c, d, e, f = transform[0], transform[1], transform[2], transform[3], transform[4], transform[5]
    return np.float32(a), np.float32(b), np.float32(c), np.float32(d), np.float32(e), np.float32(f)


@part
def _bounded(place, last):
    """Return a position, limited to the range from 0 to `last`; 0 for NaN."""
    place = place if place > _ZERO else _ZERO
    return place if place < last else last
