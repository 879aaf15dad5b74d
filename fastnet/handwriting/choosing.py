"""Which of the things in a picture is the digit, and which are dirt, a frame, or another digit."""

from __future__ import annotations

import numpy as np

from fastnet.handwriting.components import Component, components
from fastnet.handwriting.ink import Ink

NOTHING = "nothing stands out in it"
SEVERAL = "there seem to be several things in it"
TWO = "there seem to be two things in it"
PHOTOGRAPH = "it looks like a photograph, not like something drawn"
CUT = "what is in it goes on beyond the border"
WIDE = "what is in it is too wide for one digit"

_SPECK = 0.03  # of the largest component's area: what is smaller is dirt
_MARK = 0.15  # of that area: what is smaller and far away is no second digit, but a dot or a dash
_NEAR = 0.2  # of the largest component's size: what is as near belongs to it
_FRAMED = 0.25  # of a frame's size: what is at least as large in a component's box has it for a frame
_ALONG = 0.9  # of its size: what touches the border for as long is the edge of something, and no digit
_CUT = 0.3  # of its size: what touches the border for as long may go on beyond it
_WIDEST = 1.7  # times as wide as high: MNIST's widest
_MOST_THINGS = 5
_MOST_OTHER = 0.5  # of the ink: what differs from the ground the other way


def choose(found: Ink) -> tuple[np.ndarray, str]:
    """Choose the components that are the digit.

    Returns
    -------
    mask : ndarray of bool, shape (height, width)
        Where they are.
    reason : str
        Why they are not one digit; empty if they may be one.
    """
    labels, things = components(found.values > 0.5)
    border = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    contact = np.bincount(border[border >= 0], minlength=len(things))
    things = _without_frames(things, contact)
    digit, reason = _together(things)
    mask = np.isin(labels, [thing.label for thing in digit])
    if found.other > _MOST_OTHER:
        return mask, PHOTOGRAPH
    return mask, reason or _shape(digit, int(sum(contact[thing.label] for thing in digit)), mask.shape)


def _without_frames(things: list[Component], contact: np.ndarray) -> list[Component]:
    """Return what is left without what surrounds something, and what lies along the border; the largest first."""
    things = sorted(things, key=lambda thing: thing.area, reverse=True)
    while len(things) > 1:
        first, *others = things
        inside = max((other.size for other in others if first.contains(other)), default=0)
        beside = max(other.size for other in others)
        if inside < _FRAMED * first.size and (
            contact[first.label] < _ALONG * first.size or beside < _FRAMED * first.size
        ):
            break
        things = others
    return things


def _together(things: list[Component]) -> tuple[list[Component], str]:
    """Return what belongs to the largest of some things, and why it is not one digit."""
    main, *others = things
    digit = [main]
    far = [other for other in others if other.area > _SPECK * main.area]
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


def _shape(digit: list[Component], contact: int, image: tuple[int, ...]) -> str:
    """Return why a thing that stands alone is not one digit, as far as its box tells."""
    height = max(part.bottom for part in digit) - min(part.top for part in digit)
    width = max(part.right for part in digit) - min(part.left for part in digit)
    if contact > _CUT * max(height, width) and (height, width) != image:  # not cropped to just this
        return CUT
    return WIDE if width > _WIDEST * height else ""


def _side_by_side(one: Component, other: Component) -> bool:
    """Whether two components stand beside one another as two digits do; the parts of a broken 4 are less alike."""
    height = max(one.bottom, other.bottom) - min(one.top, other.top)
    width = max(one.right, other.right) - min(one.left, other.left)
    overlap = min(one.right, other.right) - max(one.left, other.left)
    lowest = min(one.height, other.height) / height
    return overlap < 0.3 * min(one.width, other.width) and (lowest > 0.85 or (lowest > 0.6 and width > 0.9 * height))
