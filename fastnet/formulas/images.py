"""The shape of the input images, for networks whose layers need images."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import takewhile
from math import isqrt, prod
from typing import Any

from fastnet.formulas.layers import Convolution, Dense, Layer, MaxPooling, Shape
from fastnet.utils import arguments


def image_shape(value: Any, argument: str = "image_shape") -> Shape:
    """Check an argument that is the shape of an image, and return it as a tuple (maps, height, width).

    Raises
    ------
    TypeError, ValueError
        If the argument is not a sequence of three positive integers.
    """
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{argument} is {arguments.brief(value)}; it must be (maps, height, width)")
    if len(value) != 3:
        raise ValueError(f"{argument} is {arguments.brief(value)}; it must be (maps, height, width)")
    return tuple(arguments.positive(n, f"a number in {argument}") for n in value)


def input_shape(n_in: int, layers: Sequence[int | Layer], shape: Shape | None = None) -> Shape:
    """Return the shape of a sample for `Architecture`.

    Parameters
    ----------
    n_in : int
        Number of inputs.
    layers : sequence of int or Layer
        All layers, in order; an integer is a dense layer.
    shape : tuple of int, optional
        Shape of an image, (maps, height, width). By default, n*n inputs are one map, and 3*n*n inputs are the
        three maps of an RGB image.

    Returns
    -------
    tuple of int
        Shape of an image if a layer before the first dense layer needs images, otherwise (n_in,).

    Raises
    ------
    ValueError
        If the product of `shape` is not `n_in`. If a layer needs images, `shape` is missing, and `n_in` is neither n*n
        nor 3*n*n.

    Examples
    --------
    >>> input_shape(784, [Convolution(20, 5), 100]), input_shape(784, [100])
    ((1, 28, 28), (784,))
    >>> input_shape(3072, [Convolution(20, 5), 100])
    (3, 32, 32)
    """
    if shape is not None and prod(shape) != n_in:
        raise ValueError(f"image_shape is {shape}, {prod(shape)} numbers; it must have {n_in}, the number of inputs")
    first = next(_for_images(layers), None)
    if first is None:
        return (n_in,)
    if shape is not None:
        return shape
    for maps in (1, 3):
        side = isqrt(n_in // maps)
        if maps * side * side == n_in:
            return maps, side, side
    raise ValueError(
        f"{first} needs images, but a sample has {n_in} numbers, neither n*n (one map) nor 3*n*n (three maps); give "
        "maps, height and width, such as image_shape=(3, 32, 32), or --image-shape 3x32x32 in a command"
    )


@contextlib.contextmanager
def assumed(shape: Shape, given: Shape | None) -> Iterator[None]:
    """Add the assumed image shape to the message of a `ValueError` from the `with` block, if no shape was given."""
    try:
        yield
    except ValueError as error:
        if given is not None or len(shape) == 1:
            raise
        raise ValueError(
            f"{error}. The {prod(shape)} numbers of a sample are interpreted as an image of {shape[0]} x {shape[1]} x "
            f"{shape[2]} (maps, height, width), because no image_shape is given"
        ) from None


def _for_images(layers: Sequence[int | Layer]) -> Iterator[Layer]:
    """Return the layers that need images, among the layers before the first dense layer."""
    in_front = takewhile(lambda layer: isinstance(layer, Layer) and not isinstance(layer, Dense), layers)
    return (layer for layer in in_front if isinstance(layer, (Convolution, MaxPooling)))
