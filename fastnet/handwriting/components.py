"""What hangs together in a picture: connected components, without loops over pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Component(NamedTuple):
    """Pixels that hang together.

    Attributes
    ----------
    label : int
        What these pixels have in the array of labels.
    area : int
        How many there are.
    top, bottom, left, right : int
        The box around them; `bottom` and `right` are the first row and column outside.
    """

    label: int
    area: int
    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """The number of rows of its box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """The number of columns of its box."""
        return self.right - self.left

    @property
    def size(self) -> int:
        """The longer side of its box."""
        return max(self.height, self.width)

    def contains(self, other: Component) -> bool:
        """Whether the other's box lies in this one's."""
        rows = self.top <= other.top and other.bottom <= self.bottom
        return rows and self.left <= other.left and other.right <= self.right

    def distance(self, other: Component) -> int:
        """How many pixels lie between the boxes, across or down, where it is more; 0 where they overlap."""
        return max(
            self.left - other.right, other.left - self.right, self.top - other.bottom, other.top - self.bottom, 0
        )


def components(mask: np.ndarray) -> tuple[np.ndarray, list[Component]]:
    """Find the connected components of a mask; pixels touch at their sides and at their corners.

    Parameters
    ----------
    mask : ndarray of bool, shape (height, width)
        True where there is something.

    Returns
    -------
    labels : ndarray of int, shape (height, width)
        -1 where there is nothing, and elsewhere the number of the component, from 0.
    components : list of Component
        In the order of their labels.

    Examples
    --------
    >>> labels, found = components(np.array([[True, False, True], [False, False, True]]))
    >>> labels.tolist()
    [[0, -1, 1], [-1, -1, 1]]
    >>> found[1]
    Component(label=1, area=2, top=0, bottom=2, left=2, right=3)
    """
    rows, columns = np.nonzero(mask)
    numbers = np.full(mask.shape, -1)
    numbers[rows, columns] = np.arange(len(rows))
    roots = _roots(len(rows), *_neighbours(numbers))
    _, labels_of_pixels = np.unique(roots, return_inverse=True)
    numbers[rows, columns] = labels_of_pixels
    areas = np.bincount(labels_of_pixels)
    top, left = np.full((2, len(areas)), max(mask.shape))
    bottom, right = np.zeros((2, len(areas)), int)
    np.minimum.at(top, labels_of_pixels, rows)
    np.minimum.at(left, labels_of_pixels, columns)
    np.maximum.at(bottom, labels_of_pixels, rows + 1)
    np.maximum.at(right, labels_of_pixels, columns + 1)
    boxes = zip(*(each.tolist() for each in (areas, top, bottom, left, right)), strict=True)
    return numbers, [Component(label, *box) for label, box in enumerate(boxes)]


def _neighbours(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of all pairs of pixels that touch."""
    pairs = [
        (numbers[:, :-1], numbers[:, 1:]),
        (numbers[:-1], numbers[1:]),
        (numbers[:-1, :-1], numbers[1:, 1:]),
        (numbers[:-1, 1:], numbers[1:, :-1]),
    ]
    touching = [(a[both], b[both]) for a, b in pairs for both in [(a >= 0) & (b >= 0)]]
    first, second = zip(*touching, strict=True)
    return np.concatenate(first), np.concatenate(second)


def _roots(n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return for each of n pixels the smallest number of those that it hangs together with.

    Every pixel points to one with a smaller number, or to itself. Of two that touch, the larger root is made to point
    to the smaller one, for all pairs at once; then the ways to the roots are made short, until no pair is left.
    """
    parents = np.arange(n)
    while len(first):
        a, b = parents[first], parents[second]
        np.minimum.at(parents, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(shorter := parents[parents], parents):
            parents = shorter
        apart = parents[first] != parents[second]
        first, second = first[apart], second[apart]
    return parents
