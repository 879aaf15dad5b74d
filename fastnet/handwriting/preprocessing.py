"""Prepares a picture of a digit as MNIST's digits were prepared, and checks whether the picture may show one digit.

MNIST's digits were scaled to fit a box of 20 x 20 pixels. The scaling averaged black and white pixels to grey values.
Then the digits were placed in 28 x 28 pixels, with the centre of mass in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnet.handwriting import components, images, ink
from fastnet.handwriting.images import LARGEST, resized

SIDE = 28
BOX = 20
_FINE = 6  # factor by which the box of 20 x 20 pixels is enlarged while the line width is measured and changed
_LINES = (2.5, 3.2)  # least and largest line width of most of MNIST's digits, in pixels of the box
_MOST_SHEETS = 2  # largest number of nested sheets, such as a sheet of paper on another sheet on a table


@dataclass(frozen=True)
class Prepared:
    """A picture, prepared as the input of a network.

    Attributes
    ----------
    pixels : ndarray of float32, shape (28, 28)
        Values from 0 (background) to 255/256 (ink), as in MNIST; all 0 if no ink was found.
    reason : str
        Reason why the picture does not show one digit; empty if it may show one digit.
    """

    pixels: np.ndarray
    reason: str = ""


def prepare(image: npt.ArrayLike) -> Prepared:
    """Prepare a picture of one digit as MNIST's digits were prepared.

    Parameters
    ----------
    image : array_like, shape (height, width) or (height, width, 3)
        Grey values or RGB values, of type uint8, uint16, bool or floating point. Floating-point values are from 0 to 1.
        Black is 0. The digit may be dark on a light background, or light on a dark background.

    Returns
    -------
    Prepared
        The pixels, and the reason if the picture does not show one digit.

    Raises
    ------
    TypeError
        If the type of the image is not listed above.
    ValueError
        If the image has a shape that is not listed above, no pixels, or values below 0 or above 1.
    ImportError
        If Pillow or SciPy is not installed.
    """
    images.check()
    return _prepare(_shrunk(ink.grey(_checked(image))), _MOST_SHEETS)


def prepare_drawing(values: np.ndarray) -> Prepared:
    """Prepare a drawing on an even background.

    Parameters
    ----------
    values : ndarray of float32, shape (height, width)
        Share of ink in each pixel, from 0 to 1.

    Returns
    -------
    Prepared
        The pixels, and the reason if the drawing does not show one digit. No background is estimated, and nothing is
        interpreted as a sheet of paper.

    Raises
    ------
    ImportError
        If Pillow or SciPy is not installed.
    """
    images.check()
    if not (values > 0.5).any():  # a pixel with a share of ink of at most 0.5 does not count
        return Prepared(np.zeros((SIDE, SIDE), np.float32), components.NOTHING)
    mask, reason = components.choose(ink.Ink(values, light=False, other=0.0))
    top, bottom, left, right = _box(mask)
    return _drawn(mask[top:bottom, left:right], values[top:bottom, left:right], reason)


def _prepare(grey: np.ndarray, sheets: int) -> Prepared:
    found = ink.find(grey)
    if found is None:
        return Prepared(np.zeros((SIDE, SIDE), np.float32), components.NOTHING)
    mask, reason = components.choose(found)
    top, bottom, left, right = _box(mask)
    mask, values, grey = (array[top:bottom, left:right] for array in (mask, found.values, grey))
    if sheets and _is_sheet(mask):
        on_sheet = _prepare(_inner(grey), sheets - 1)
        if not on_sheet.reason:
            return on_sheet
    return _drawn(mask, values, reason)


def _drawn(mask: np.ndarray, values: np.ndarray, reason: str) -> Prepared:
    """Return the network's input, given the mask of the digit and the ink, both cropped to the digit's bounding box."""
    drawing = np.where(thicken(mask, 2.0), values, 0)  # the pixels around the mask are partly ink
    drawing, unusual = _with_usual_lines(_scaled(drawing, _FINE * BOX))
    return Prepared(_centred(_scaled(drawing, BOX)), reason or unusual)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return the bounding box of a mask: its first row, the row after the last, and the same for the columns."""
    (rows,), (columns,) = np.nonzero(mask.any(axis=1)), np.nonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _is_sheet(mask: np.ndarray) -> bool:
    """Whether a mask, cropped to its bounding box, may be a sheet of paper on a darker or lighter surface."""
    return bool(mask.mean() > 0.7) and min(mask.shape) > 0.4 * max(mask.shape)


def _inner(image: np.ndarray) -> np.ndarray:
    """Return an image without its margins, which contain the edges of a slightly rotated sheet."""
    down, across = (round(0.08 * side) for side in image.shape)
    return image[down : image.shape[0] - down, across : image.shape[1] - across]


def _scaled(drawing: np.ndarray, size: int) -> np.ndarray:
    """Return a drawing, scaled so that its longer side has `size` pixels."""
    longer = max(drawing.shape)
    height, width = (max(1, round(size * side / longer)) for side in drawing.shape)
    return resized(drawing, height, width)


def _with_usual_lines(drawing: np.ndarray) -> tuple[np.ndarray, str]:
    """Return a drawing with lines as wide as MNIST's, and the reason if the drawing does not show a digit."""
    width = line_width(drawing) / _FINE
    length = float(drawing.sum()) / _FINE**2 / width
    narrow = min(drawing.shape) < 0.4 * max(drawing.shape)
    if width > 0.4 * BOX and not narrow:  # such as a dot, whose thinning would take tens of milliseconds
        return drawing, "the picture is not drawn with lines"
    reason = "the drawing has too many lines" if length > 9 * BOX else ""
    usual = min(max(width, _LINES[0]), _LINES[1])
    radius = (usual - width) / 2 * _FINE
    margin = max(0, int(radius) + 1)
    drawing = thicken(np.pad(drawing, margin), radius)
    top, bottom, left, right = _box(drawing > drawing.max() / 2)
    return drawing[top:bottom, left:right], reason


def thicken(image: np.ndarray, radius: float) -> np.ndarray:
    """Return an image in which each pixel is the maximum of the pixels within `radius`: lines become thicker.

    With a negative radius, lines become thinner: each pixel is the minimum of the pixels within `-radius`.
    """
    from scipy import ndimage

    reach = int(abs(radius))
    squares = np.arange(-reach, reach + 1) ** 2
    disc = np.add.outer(squares, squares) <= radius**2
    operation = ndimage.grey_erosion if radius < 0 else ndimage.grey_dilation
    changed: np.ndarray = operation(image, footprint=disc, mode="constant")
    return changed


def line_width(image: np.ndarray) -> float:
    """Return the mean width of the lines of a drawing, in pixels: twice the area, divided by the length of the edges.

    Parameters
    ----------
    image : ndarray, shape (h, w)
        Share of ink in each pixel, from 0 to 1.
    """
    area = float(image.sum())
    edge = area - float(thicken(image, -1.0).sum())  # area of a line along all edges, one pixel wide
    return 2 * area / edge if edge else 0.0


def _centred(drawing: np.ndarray) -> np.ndarray:
    """Place a drawing in MNIST's 28 x 28 pixels, with its centre of mass as near to the middle as possible."""
    pixels = np.zeros((SIDE, SIDE), np.float32)
    place = []
    for axis, side in enumerate(drawing.shape):
        centre = np.average(np.arange(side), weights=drawing.sum(axis=1 - axis))
        first = min(max(round(SIDE / 2 - centre), 0), SIDE - side)
        place.append(slice(first, first + side))
    pixels[tuple(place)] = np.minimum(drawing / drawing.max(), 255 / 256)
    return pixels


def _checked(image: npt.ArrayLike) -> np.ndarray:
    """Return an image as float32 with values from 0 to 1; raise an error if the image is invalid."""
    array = np.asarray(image)
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)) or array.size == 0:
        raise ValueError(f"image has shape {array.shape}; it must be (height, width) or (height, width, 3)")
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        return array.astype(np.float32) / np.iinfo(array.dtype).max
    if array.dtype.kind not in "fb":
        raise TypeError(f"image is of type {array.dtype}; it must be uint8, uint16, bool or floating point")
    if not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"image has values from {array.min()} to {array.max()}; they must be from 0 to 1")
    return array.astype(np.float32)


def _shrunk(grey: np.ndarray) -> np.ndarray:
    return _scaled(grey, LARGEST) if max(grey.shape) > LARGEST else grey
