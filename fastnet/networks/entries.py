"""The argument `sizes`: the number of inputs or the shape of the images, then integers and layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, TypeAlias

from fastnet.files.models import is_plain
from fastnet.formulas.architecture import Architecture, check_memory
from fastnet.formulas.layers import Dense, Layer, Shape
from fastnet.utils import arguments

Entries: TypeAlias = list[int | Shape | Layer]
"""Number of inputs, or shape of the images, then the layers.

An integer after the first entry is a dense layer with the network's default activation.
"""


Sizes: TypeAlias = Sequence[int | Layer | Sequence[int]] | Sequence[object]
"""The argument `sizes`.

The type includes `Sequence[object]`, because mypy infers `list[object]` for a list of integers and layers.
"""

NAMES_ELSEWHERE = {
    "batch_size": "mini_batch_size",
    "minibatch_size": "mini_batch_size",
    "mini_batch": "mini_batch_size",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "learning_rate": "eta",
    "lr": "eta",
    "lambda_": "lmbda",
    "weight_decay": "lmbda",
    "early_stopping_n": "patience",
}
"""Names of `SGD`'s arguments in other programs, with the names in fastnet."""


def refuse_others(*given: Any, others: Sequence[Any], instead: str) -> None:
    """Refuse sizes given as separate arguments, as in `Network(784, 30, 10)`, and other additional arguments.

    Parameters
    ----------
    *given
        The positional arguments of `Network`.
    others : sequence
        Positional arguments after `given`.
    instead : str
        What to do instead, for the error message.
    """
    found = [*given, *others]
    if len(found) > 1 and all(isinstance(each, int) for each in found):
        raise TypeError(f"sizes is {found[0]}; it must be one list: Network({found})")
    if others:
        raise TypeError(f"Network has the additional argument {arguments.brief(others[0])}; {instead}")


def checked(value: Any) -> Entries:
    """Check the argument `sizes`, and return its entries.

    Raises
    ------
    TypeError, ValueError
        If the argument has a wrong type or value, or the weights do not fit into the machine's memory.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        return list(arguments.sizes(value))  # raises an error for a string or a value that is not iterable
    entries = list(value)
    for entry in entries:
        if isinstance(entry, type) and issubclass(entry, Layer):
            raise TypeError(f"sizes contains the class {entry.__name__}; write {entry.__name__}(...) to make a layer")
    if entries and isinstance(entries[0], Layer):
        raise TypeError(
            f"sizes begins with {entries[0]}; it must begin with the number of inputs (an integer) or with the shape "
            "of images, such as (1, 28, 28)"
        )
    if entries and isinstance(entries[0], Sequence) and not isinstance(entries[0], str):
        return _checked_images(entries)
    dense = [entry for entry in entries if isinstance(entry, Dense) or not isinstance(entry, Layer)]
    sizes = arguments.sizes([entry.n_out if isinstance(entry, Dense) else entry for entry in dense])
    integers = (size for size, entry in zip(sizes, dense, strict=True) if not isinstance(entry, Dense))
    found: Entries = [entry if isinstance(entry, Layer) else next(integers) for entry in entries]
    sizes_of(found)  # raises an error if a layer needs images
    return found


def _checked_images(entries: list[Any]) -> Entries:
    """Check entries that begin with the shape of the images, and return them."""
    shape = entries[0]
    if len(shape) != 3:
        raise ValueError(
            f"sizes begins with {arguments.brief(shape)}; a shape of images must be (maps, height, width), such as "
            "(1, 28, 28)"
        )
    input_shape = tuple(arguments.positive(n, "a number in the shape of images") for n in shape)
    found = [entry if isinstance(entry, Layer) else arguments.positive(entry, "a size") for entry in entries[1:]]
    if not any(isinstance(entry, (int, Dense)) for entry in found):
        raise ValueError(
            f"sizes is {arguments.brief(entries)}; after the shape of images, it must have a dense layer for the "
            "outputs"
        )
    with arguments.named("sizes"):
        check_memory(input_shape, _as_layers(found))
    return [input_shape, *found]


def input_shape_of(entries: Entries) -> Shape:
    """Return the shape of a sample."""
    first = entries[0]
    assert isinstance(first, (int, tuple))
    return (first,) if isinstance(first, int) else first


def layers_of(entries: Entries) -> list[int | Layer]:
    """Return all entries except the first, the inputs."""
    return [entry for entry in entries[1:] if not isinstance(entry, tuple)]


def sizes_of(entries: Entries) -> list[int]:
    """Return the number of inputs, then the number of neurons in each dense or convolutional layer."""
    shape = input_shape_of(entries)
    sizes = [prod(shape)]
    for layer in _as_layers(layers_of(entries)):
        has_weights = "weights" in layer.trained(shape)
        shape = layer.output_shape(shape)
        if has_weights:
            sizes.append(prod(shape))
    return sizes


def entries_of(architecture: Architecture, activation: str) -> Entries:
    """Return the entries of an architecture, given the network's default activation.

    The entries are integers if integers describe all layers. Otherwise, the entries after the first are layers.
    """
    if is_plain(architecture, activation):
        return list(architecture.sizes)
    shape = architecture.input_shape
    return [shape if len(shape) > 1 else architecture.n_in, *architecture.layers]


def _as_layers(entries: Sequence[int | Layer]) -> list[Layer]:
    return [entry if isinstance(entry, Layer) else Dense(entry) for entry in entries]
