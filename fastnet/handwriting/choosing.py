"""Which connected component of a picture is the digit, and which are frames, ruled lines, edges or dirt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fastnet.handwriting.ink import Ink

NOTHING = "nothing stands out in it"
TOO_SMALL = f"{NOTHING} that is large enough for a digit"
TOUCHED = "what is in it is a frame, or touches one"
SEVERAL = "there seem to be several things in it"
TWO = "there seem to be two things in it"
PHOTOGRAPH = "it looks like a photograph, not like something drawn"
CUT = "what is in it goes on beyond the border"
WIDE = "what is in it is too wide for one digit"

_BORDER = 0.01  # of the image's longer side: what is as near to the border touches it
_SMALLEST = 1 / 15  # of the image's longer side: what is smaller is dirt
_SPECK = 0.03  # of the largest component's area: what is smaller is dirt
_MARK = 0.15  # of that area: what is smaller and far away is no second digit, but a dot or a dash
_NEAR = 0.2  # of the largest component's size: what is as near belongs to it
_FRAMED = 0.25  # of a frame's size: what is at least as large in a component's box has it for a frame
_ALONG = 0.8  # of its size: what touches the border for as long is the edge of something, and no digit
_CUT = 0.3  # of its size: what touches the border for as long may go on beyond it
_SKEW = 0.05  # of its size: how far from a row or column the pixels of a line may be
_BAR = 0.15  # of its size: what is as narrow is a line
_FROM_END_TO_END = 0.93  # of the box's side: a row or column with as many pixels is a line
_MOST_OF_BOX = 0.6  # of its box: what has as many pixels is no frame
_OF_LINES = 0.85  # of its area, in rows and columns that are lines from end to end: a frame has that
_LONGER = 1.5  # times as long as the digit beside it: a line as long is no part of the digit
_UNDERLINED = 1.15  # times as long as the digit above it: a line as long, however near, is no part of the digit
_WIDEST = 1.7  # times as wide as high: MNIST's widest
_MOST_THINGS = 5
_MOST_PARTS = 50  # of broken things: to find out which are near one another takes long
_MOST_EDGE = 0.15  # of the image: what has as many pixels is no edge of a scan, but a part of a photograph
_THIN = 0.2  # of the image: lines, with a digit or without, have fewer pixels
_CROSSINGS = 8  # of the border: a grid of four lines, and no digit, has as many
_STRETCH = 0.1  # of the image's longer side: the shortest horizontal or vertical stretch of a skew line
_MOST_OTHER = 0.5  # of the ink: what differs from the ground the other way


@dataclass(frozen=True)
class Component:
    """Pixels that are connected, at their sides or corners.

    Attributes
    ----------
    label : int
        Label of the pixels in the array of labels.
    pixels : ndarray of bool, shape (height, width)
        The component in its box.
    top, left : int
        First row and column of the box.
    contacts : ndarray of int, shape (4,)
        Number of pixels on the image's upper, lower, left and right border.
    """

    label: int
    pixels: np.ndarray
    top: int
    left: int
    contacts: np.ndarray

    @property
    def height(self) -> int:
        """Number of rows of the box."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Number of columns of the box."""
        return self.pixels.shape[1]

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """First column to the right of the box."""
        return self.left + self.width

    @property
    def size(self) -> int:
        """Longer side of the box."""
        return max(self.pixels.shape)

    @cached_property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.pixels))

    @cached_property
    def lines(self) -> tuple[bool, bool]:
        """Whether nearly all pixels are on lines from end to end of the box; and whether such lines make a corner.

        The lines are horizontal or vertical, and the corner is one that no digit has: not the upper right one.
        """
        from scipy import ndimage

        narrow = min(self.pixels.shape)
        if narrow <= _BAR * self.size:
            return True, False
        reach = max(1, round(min(_SKEW * self.size, 0.1 * narrow)))
        rest, ends = self.pixels.copy(), []
        for pixels, left in ((self.pixels, rest), (self.pixels.T, rest.T)):
            band = ndimage.maximum_filter1d(pixels, 2 * reach + 1, axis=0, mode="constant")
            rows = band.mean(axis=1) > _FROM_END_TO_END
            left[ndimage.binary_dilation(rows, iterations=reach)] = False
            ends += [bool(rows[: 2 * reach].any()), bool(rows[-2 * reach :].any())]
        upper, lower, before, after = ends
        corner = (before and (upper or lower)) or (after and lower)
        straight = np.count_nonzero(rest) < (1 - _OF_LINES) * self.area
        return bool(straight), corner and self.area < _MOST_OF_BOX * self.pixels.size

    def contains(self, other: Component) -> bool:
        """Whether the other's box lies in this one's."""
        rows = self.top <= other.top and other.bottom <= self.bottom
        return rows and self.left <= other.left and other.right <= self.right

    def distance(self, other: Component) -> int:
        """Return the number of pixels between the boxes, across or down, where it is larger; 0 if they overlap."""
        return max(
            self.left - other.right, other.left - self.right, self.top - other.bottom, other.top - self.bottom, 0
        )


def components(mask: np.ndarray) -> tuple[np.ndarray, list[Component]]:
    """Find the connected components of a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (height, width)
        True where there is something.

    Returns
    -------
    labels : ndarray of int, shape (height, width)
        0 where there is nothing, elsewhere the number of the component, from 1.
    components : list of Component
        In the order of their labels.
    """
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    near = _border(mask)
    borders = (labels[:near], labels[-near:], labels[:, :near], labels[:, -near:])
    contacts = np.stack([-(-np.bincount(border.ravel(), minlength=count + 1) // near) for border in borders], axis=1)
    return labels, [
        Component(label, labels[box] == label, box[0].start, box[1].start, contacts[label])
        for label, box in enumerate(ndimage.find_objects(labels), start=1)
    ]


def _border(mask: np.ndarray) -> int:
    """Return the number of rows or columns at the border of an image that count as the border."""
    return max(1, round(_BORDER * max(mask.shape)))


def _sides(mask: np.ndarray) -> list[np.ndarray]:
    """Return where something touches the upper, lower, left and right border of an image."""
    near = _border(mask)
    return [part[:near].any(axis=0) for part in (mask, mask[::-1], mask.T, mask.T[::-1])]


def choose(found: Ink) -> tuple[np.ndarray, str]:
    """Choose the components that are the digit.

    Where a line from border to border crosses the digit, the choice is made again without such lines.

    Returns
    -------
    mask : ndarray of bool, shape (height, width)
        Where they are.
    reason : str
        Why they are not one digit; empty if they may be one.
    """
    mask, reason = _chosen(found.values > 0.5)
    if found.other > _MOST_OTHER:
        return mask, PHOTOGRAPH
    if reason == CUT and mask.mean() < _THIN:
        other, its_reason = _chosen(_without_lines(found.values > 0.5))
        if not its_reason and not any(side.any() for side in _sides(other)):
            return other, ""
    return mask, reason


def _without_lines(mask: np.ndarray) -> np.ndarray:
    """Return a mask without the thin lines that go from border to border, horizontally or vertically.

    A line's pixel stays where something thicker crosses the line.
    """
    from scipy import ndimage

    left = mask.copy()
    for pixels, rest in ((mask, left), (mask.T, left.T)):
        length = max(2, round(_STRETCH * max(mask.shape)))
        near = ndimage.maximum_filter1d(pixels, 3, axis=0, mode="constant")
        runs, _ = ndimage.label(ndimage.binary_opening(near, np.ones((1, length))), np.ones((3, 3)))
        for label, box in enumerate(ndimage.find_objects(runs), start=1):
            margin = box[1].start + pixels.shape[1] - box[1].stop
            line = pixels[box] & (runs[box] == label)
            if margin > 2 * _border(mask) or not line.any():
                continue
            thickness = int(np.median(line.sum(axis=0)[line.any(axis=0)]))
            thick = ndimage.binary_opening(pixels, np.ones((thickness + 3, 1)))[box]
            rest[box][line & ~thick] = False
    return left


def _chosen(mask: np.ndarray) -> tuple[np.ndarray, str]:
    labels, things = components(mask)
    if not things:
        return mask, NOTHING
    smallest = _SMALLEST * max(labels.shape)
    things = _without_surroundings(things, smallest, _MOST_EDGE * mask.size)
    digit, reason = _together(things)
    chosen = np.isin(labels, [thing.label for thing in digit])
    return chosen, reason or _shape(digit, smallest, chosen)


def _without_surroundings(things: list[Component], smallest: float, most: float) -> list[Component]:
    """Return what is left without frames, ruled lines, and edges along the border; the largest area first."""
    things = sorted(things, key=lambda thing: thing.area, reverse=True)
    for thing in sorted((each for each in things if each.size >= smallest), key=lambda each: -each.size):
        large = [other for other in things if other is not thing and other.size >= smallest]
        if large and _surrounds(thing, min(large, key=_unlike_a_digit), most):
            things.remove(thing)
    return things


def _unlike_a_digit(thing: Component) -> tuple[bool, bool, int]:
    """Return a key that is the smallest for what is the most like a digit; of lines, the shortest is."""
    straight, _ = thing.lines
    return straight, bool(thing.contacts.any()), thing.size if straight else -thing.area


def _surrounds(thing: Component, digit: Component, most: float) -> bool:
    """Whether a component is a frame, a line or an edge around or beside what may be a digit."""
    straight, corner = thing.lines
    inside = thing.contains(digit) and digit.size >= _FRAMED * thing.size
    if thing.contacts.any():
        return inside or straight or (thing.area < most and thing.contacts.max() >= _ALONG * thing.size)
    if inside or not straight or digit.size < _FRAMED * thing.size:
        return inside
    if corner:
        return thing.distance(digit) == 0
    slack = round(_SKEW * digit.size)
    if thing.width > thing.height:
        if thing.bottom <= digit.top + slack:  # it may be the upper line of a 5
            return thing.width > _LONGER * digit.width
        longer = thing.width > _UNDERLINED * digit.width
        return thing.top >= digit.bottom + (-slack if longer else slack)  # it may be the lower line of a 2
    beside = thing.left >= digit.right - slack or thing.right <= digit.left + slack
    return beside and thing.height > _LONGER * digit.height


def _together(things: list[Component]) -> tuple[list[Component], str]:
    """Return what belongs to the largest of some things, and why it is not one digit."""
    main, *others = things
    digit = [main]
    far = [other for other in others if other.area > _SPECK * main.area]
    if len(far) > _MOST_PARTS:
        return digit, SEVERAL
    while near := [other for other in far if any(part.distance(other) <= _NEAR * main.size for part in digit)]:
        digit += near
        far = [other for other in far if other not in near]
    if len(digit) + len(far) > _MOST_THINGS:
        return digit, SEVERAL
    if any(other.area > _MARK * main.area for other in far):
        return digit, TWO if len(digit) + len(far) == 2 else SEVERAL
    if any(_side_by_side(main, other) for other in digit[1:]):
        return digit, TWO
    return digit, ""


def _shape(digit: list[Component], smallest: float, mask: np.ndarray) -> str:
    """Return why a thing that stands alone is not one digit, as far as its box tells."""
    height = max(part.bottom for part in digit) - min(part.top for part in digit)
    width = max(part.right for part in digit) - min(part.left for part in digit)
    if max(height, width) < smallest:
        return TOO_SMALL
    contacts = np.sum([part.contacts for part in digit], axis=0)
    upper, lower, left, right = contacts > 0
    straight, corner = digit[0].lines
    crossings = sum(np.count_nonzero(np.diff(side, prepend=False, append=False)) // 2 for side in _sides(mask))
    thin = straight and mask.mean() < _THIN
    cropped = (height, width) == mask.shape and crossings < _CROSSINGS and not thin
    across = straight or (upper and lower) or (left and right) or contacts.sum() > _CUT * max(height, width)
    if contacts.any() and across and not cropped:
        return CUT
    if corner or contacts.sum() > sum(mask.shape):
        return TOUCHED
    return WIDE if width > _WIDEST * height else ""


def _side_by_side(one: Component, other: Component) -> bool:
    """Whether two components stand beside one another as two digits do; the parts of a broken 4 are less alike."""
    height = max(one.bottom, other.bottom) - min(one.top, other.top)
    width = max(one.right, other.right) - min(one.left, other.left)
    overlap = min(one.right, other.right) - max(one.left, other.left)
    lowest = min(one.height, other.height) / height
    return overlap < 0.3 * min(one.width, other.width) and (lowest > 0.85 or (lowest > 0.6 and width > 0.9 * height))
