"""Chooses the connected components of a picture that form the digit, not frames, ruled lines, edges or dirt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fastnet.handwriting.ink import Ink

NOTHING = "nothing stands out in the picture"
TOO_SMALL = "nothing large enough for a digit stands out in the picture"
TOUCHED = "the drawing is a frame, or touches a frame"
SEVERAL = "there seem to be several things in the picture"
TWO = "there seem to be two things in the picture"
PHOTOGRAPH = "the picture looks like a photograph, not like a drawing"
CUT = "the drawing goes on beyond the border"
WIDE = "the drawing is too wide for one digit"

_BORDER = 0.01  # width of the strip that counts as the border, as a share of the image's longer side
_SMALLEST = 1 / 15  # least size of a digit, a frame or a line, as a share of the image's longer side
_SPECK = 0.03  # least area of a component, as a share of the largest component's area; a smaller component is dirt
_MARK = 0.15  # least area of a second digit, as a share of the first digit's; a smaller component is a dot or a dash
_NEAR = 0.2  # largest distance between parts of a digit, as a share of the largest component's size
_FRAMED = 0.25  # least size of a digit in a frame or beside a line, as a share of the size of the frame or line
_ALONG = 0.8  # a component that touches the border along this share of its size or more is the dark edge of a scan
_CUT = 0.3  # largest length along which a complete drawing touches the border, as a share of the drawing's size
_SKEW = 0.05  # tolerance for lines that are not exactly horizontal or vertical, as a share of a component's size
_BAR = 0.15  # largest width of a line, as a share of its length
_FROM_END_TO_END = 0.93  # a line that is longer than this share of the box's side extends from end to end of the box
_MOST_OF_BOX = 0.6  # a component that covers this share of its box or more is no frame
_OF_LINES = 0.85  # least share of a frame's pixels that are on lines from end to end of its box
_LONGER = 1.5  # largest length of a line that may be part of the digit, as a multiple of the digit's width or height
# Largest length of a line just below the digit that may be part of the digit, as a multiple of the digit's width.
_UNDERLINED = 1.15
_WIDEST = 1.7  # largest ratio of a digit's width to its height; 29 of MNIST's 60,000 digits are wider
_MOST_THINGS = 5  # largest number of components in a picture of one digit, without specks
_MOST_PARTS = 50  # largest number of components, because computing the distances between more of them takes too long
_MOST_EDGE = 0.15  # largest area of a scan's dark edge, as a share of the image; a larger component is no edge
_THIN = 0.2  # ink that covers less than this share of the image may be thin lines, with or without a digit
_CROSSINGS = 8  # number of times that a grid of four lines crosses the border; a digit crosses the border less often
# Least length of a horizontal or vertical run of pixels in a skew line, as a share of the image's longer side.
_STRETCH = 0.1
_MOST_OTHER = 0.5  # largest `Ink.other` of a drawing; a picture with more is a photograph


@dataclass(frozen=True)
class Component:
    """Pixels that are connected at their sides or corners.

    Attributes
    ----------
    label : int
        Label of the pixels in the array of labels.
    pixels : ndarray of bool, shape (height, width)
        Mask of the component in its bounding box.
    top, left : int
        First row and column of the box.
    contacts : ndarray of int, shape (4,)
        Length of the contact with the image's upper, lower, left and right border, in pixels.
    """

    label: int
    pixels: np.ndarray
    top: int
    left: int
    contacts: np.ndarray

    @property
    def height(self) -> int:
        """Number of rows of the box."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Number of columns of the box."""
        return int(self.pixels.shape[1])

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
        return int(max(self.pixels.shape))

    @cached_property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.pixels))

    @cached_property
    def lines(self) -> tuple[bool, bool]:
        """Whether nearly all pixels are on lines from end to end of the box; and whether these lines form a corner.

        The lines are horizontal or vertical. An upper right corner does not count, because a 7 has one.
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
        """Whether the box of `other` lies inside the box of this component."""
        rows = self.top <= other.top and other.bottom <= self.bottom
        return rows and self.left <= other.left and other.right <= self.right

    def distance(self, other: Component) -> int:
        """Return the larger of the horizontal and vertical distance of the boxes, in pixels; 0 if they overlap."""
        return max(
            self.left - other.right, other.left - self.right, self.top - other.bottom, other.top - self.bottom, 0
        )


def components(mask: np.ndarray) -> tuple[np.ndarray, list[Component]]:
    """Find the connected components of a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (height, width)
        True at the pixels of components.

    Returns
    -------
    labels : ndarray of int, shape (height, width)
        Label of the component at each pixel, numbered from 1; 0 outside components.
    components : list of Component
        The components, in the order of their labels.
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
    """Return the width of the strip that counts as the border of an image, in pixels."""
    near: int = round(_BORDER * max(mask.shape))
    return max(1, near)


def _sides(mask: np.ndarray) -> list[np.ndarray]:
    """Return where `mask` touches each border, as masks of columns (upper, lower) and of rows (left, right)."""
    near = _border(mask)
    return [np.asarray(part[:near].any(axis=0)) for part in (mask, mask[::-1], mask.T, mask.T[::-1])]


def choose(found: Ink) -> tuple[np.ndarray, str]:
    """Choose the components of a picture's ink that form the digit.

    If thin components touch the border, the choice is repeated without lines from border to border, because such lines
    may cross the digit.

    Returns
    -------
    mask : ndarray of bool, shape (height, width)
        True at the pixels of the chosen components.
    reason : str
        Reason why the chosen components are not one digit; empty if they may be one digit.
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

    A pixel of a line is kept where something thicker crosses the line.
    """
    from scipy import ndimage

    left: np.ndarray = mask.copy()
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
            thick = ndimage.binary_opening(pixels, np.ones((thickness + 3, 1), bool))[box]
            rest[box][line & ~thick] = False
    return left


def _chosen(mask: np.ndarray) -> tuple[np.ndarray, str]:
    labels, things = components(mask)
    if not things:
        return mask, NOTHING
    smallest = _SMALLEST * max(labels.shape)
    things = _without_surroundings(things, smallest, _MOST_EDGE * mask.size)
    digit, reason = _parts_of_digit(things)
    chosen = np.isin(labels, [thing.label for thing in digit])
    return chosen, reason or _shape(digit, smallest, chosen)


def _without_surroundings(things: list[Component], smallest: float, most: float) -> list[Component]:
    """Return the components that are no frame, ruled line or edge along the border, in order of decreasing area."""
    things = sorted(things, key=lambda thing: thing.area, reverse=True)
    for thing in sorted((each for each in things if each.size >= smallest), key=lambda each: -each.size):
        large = [other for other in things if other is not thing and other.size >= smallest]
        if large and _is_frame_or_line(thing, min(large, key=_order_of_choice), most):
            things.remove(thing)
    return things


def _order_of_choice(thing: Component) -> tuple[bool, bool, int]:
    """Return a sort key: lines come last, and components at the border come after components inside.

    Among lines, shorter ones come first. Among other components, larger ones come first.
    """
    straight, _ = thing.lines
    return straight, bool(thing.contacts.any()), thing.size if straight else -thing.area


def _is_frame_or_line(thing: Component, digit: Component, most: float) -> bool:
    """Whether a component is a frame, a line or an edge, around or beside a component that may be a digit."""
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
        if thing.bottom <= digit.top + slack:  # possibly the top stroke of a 5
            return thing.width > _LONGER * digit.width
        longer = thing.width > _UNDERLINED * digit.width
        return thing.top >= digit.bottom + (-slack if longer else slack)  # possibly the bottom stroke of a 2
    beside = thing.left >= digit.right - slack or thing.right <= digit.left + slack
    return beside and thing.height > _LONGER * digit.height


def _parts_of_digit(things: list[Component]) -> tuple[list[Component], str]:
    """Return the first component with all components that belong to it, and the reason if they are not one digit."""
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
    """Return the reason if components are not one digit, according to their box and their contact with the border."""
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
    """Whether two components are side by side like two digits, which differ less in height than parts of a broken 4."""
    height = max(one.bottom, other.bottom) - min(one.top, other.top)
    width = max(one.right, other.right) - min(one.left, other.left)
    overlap = min(one.right, other.right) - max(one.left, other.left)
    lowest = min(one.height, other.height) / height
    return overlap < 0.3 * min(one.width, other.width) and (lowest > 0.85 or (lowest > 0.6 and width > 0.9 * height))
