"""A grid: all combinations of some values for each argument of a recipe."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from fastnet.sweeps.recipe import ARGUMENTS, Recipe, recipe
from fastnet.utils import arguments


def recipes(**values: Any) -> list[Recipe]:
    """Return the recipes of a grid, each of them once.

    Parameters
    ----------
    **values
        For an argument of `fastnet.sweeps.recipe.recipe`, its value, or several of them in a list or an array.

    Raises
    ------
    TypeError
        If there is no such argument, or a value is of another kind than it has to be.
    ValueError
        If a value is out of range, or there is none.

    Examples
    --------
    >>> [(each.sizes, each.eta) for each in recipes(sizes=[784, 30, 10], eta=[0.5, 3.0])]
    [((784, 30, 10), 0.5), ((784, 30, 10), 3.0)]
    """
    for name in values:
        if name not in ARGUMENTS:
            raise TypeError(f"a sweep has no argument {name!r}; a network and its training have {', '.join(ARGUMENTS)}")
    lists = {name: _several(values[name], name) for name in ARGUMENTS if name in values}
    found = [recipe(**dict(zip(lists, each, strict=True))) for each in product(*lists.values())]
    for each in found:
        if each.epochs == 0:
            raise ValueError("epochs is 0; without an epoch there is nothing to compare")
    return list(dict.fromkeys(found))


_MOST_SEEDS = 1_000_000


def seeds(value: int | Iterable[int]) -> list[int]:
    """Return seeds: from 0 on, if it is said how many; or those that are given, each of them once.

    Raises
    ------
    TypeError, ValueError
        If that is not so.
    """
    if isinstance(value, Iterable):
        found = [arguments.seed(each) for each in value]
        if not found:
            raise ValueError("seeds is empty; it must name at least one")
        return list(dict.fromkeys(found))
    number = arguments.positive(value, "seeds")
    if number > _MOST_SEEDS:
        raise ValueError(f"seeds is {number}; it must be at most {_MOST_SEEDS}")
    return list(range(number))


def differing(found: list[Recipe]) -> list[str]:
    """Return the arguments in which recipes differ; where they don't, the sizes or the layers."""
    values = {name: {getattr(each, name) for each in found} for name in ARGUMENTS}
    names = [name for name in ARGUMENTS if len(values[name]) > 1]
    return names or ["sizes" if found[0].layers is None else "layers"]


def shown(value: Any) -> str:
    """Return a value of an argument as it is shown.

    Examples
    --------
    >>> shown((784, 30, 10)), shown(0.5), shown("tanh")
    ('784-30-10', '0.5', 'tanh')
    """
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def label(each: Recipe, names: list[str]) -> str:
    """Return these arguments of a recipe in a line.

    Examples
    --------
    >>> label(recipe(), ["sizes", "eta"])
    '784-30-10, eta 3'
    >>> label(recipe(layers="conv 20 5x5, pool 2x2"), ["layers", "eta"])
    'conv 20 5x5, pool 2x2; eta 0.1'
    """
    values = [("" if name in _OF_ITSELF else f"{name} ") + shown(getattr(each, name)) for name in names]
    return ("; " if "layers" in names else ", ").join(values)  # layers have commas of their own


_LISTS = ("sizes", "layers", "image_shape")  # arguments of which one value may be a list
_OF_ITSELF = ("sizes", "layers")  # arguments whose values say which they are


def _several(value: Any, name: str) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    values = list(value)
    if not values:
        raise ValueError(f"{name} is empty; it needs at least one value")
    return [values] if name in _LISTS and not isinstance(values[0], Iterable) else values
