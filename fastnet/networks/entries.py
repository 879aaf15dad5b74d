"""The argument `sizes`: integers and layers, the inputs first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from fastnet.files.models import is_plain
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import Dense, Layer
from fastnet.utils import arguments

Entries: TypeAlias = list[int | Layer]
"""The number of inputs, and then the layers. An integer is a dense layer of the network's default activation."""


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
"""What other programs call arguments of `SGD`, and the book's name or ours."""


def refuse_apart(*sizes: Any) -> None:
    """Refuse sizes that are given one by one, as in `Network(784, 30, 10)`, instead of in a list."""
    given = [size for size in sizes if isinstance(size, int)]
    if len(given) == len(sizes) > 1:
        raise TypeError(f"sizes is {given[0]}; it must be one list: Network({given})")


def checked(value: Any) -> Entries:
    """Return sizes and layers that were given as the argument `sizes`.

    Raises
    ------
    TypeError, ValueError
        If they are not of that form, or the machine cannot hold their weights.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        return list(arguments.sizes(value))  # which says what is wrong
    entries = list(value)
    for entry in entries:
        if isinstance(entry, type) and issubclass(entry, Layer):
            raise TypeError(f"sizes has the class {entry.__name__}; it must be a layer, {entry.__name__}(...)")
    if entries and isinstance(entries[0], Layer):
        raise TypeError(f"sizes begins with {entries[0]}; it must begin with the number of inputs, an integer")
    dense = [entry for entry in entries if isinstance(entry, Dense) or not isinstance(entry, Layer)]
    sizes = arguments.sizes([entry.n_out if isinstance(entry, Dense) else entry for entry in dense])
    integers = (size for size, entry in zip(sizes, dense, strict=True) if not isinstance(entry, Dense))
    return [entry if isinstance(entry, Layer) else next(integers) for entry in entries]


def sizes_of(entries: Entries) -> list[int]:
    """Return the number of neurons in each dense layer, the inputs first, as the book has them."""
    dense = (entry for entry in entries if isinstance(entry, (int, Dense)))
    return [entry.n_out if isinstance(entry, Dense) else entry for entry in dense]


def entries_of(architecture: Architecture, activation: str) -> Entries:
    """Return what makes an architecture: integers if sizes and the default activation say all, or else its layers."""
    if is_plain(architecture, activation):
        return list(architecture.sizes)
    return [architecture.n_in, *architecture.layers]
