"""Grids: the recipes with all combinations of values, given one or more values for each argument of a recipe."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from fastnet.sweeps.recipe import ARGUMENTS, Recipe, recipe
from fastnet.utils import arguments


def recipes(**values: Any) -> list[Recipe]:
    """Return the recipes of a grid, without duplicates.

    Parameters
    ----------
    **values
        Arguments of `fastnet.sweeps.recipe.recipe`; for each argument, one value, or a list or an array of values.

    Raises
    ------
    TypeError
        If an argument does not exist, or a value has a wrong type.
    ValueError
        If a value is out of range, a list of values is empty, or `epochs` is 0.

    Examples
    --------
    >>> [(each.sizes, each.eta) for each in recipes(sizes=[784, 30, 10], eta=[0.5, 3.0])]
    [((784, 30, 10), 0.5), ((784, 30, 10), 3.0)]
    """
    for name in values:
        if name not in ARGUMENTS:
            raise TypeError(f"a sweep has no argument {name!r}; the arguments are {', '.join(ARGUMENTS)}")
    lists = {name: _several(values[name], name) for name in ARGUMENTS if name in values}
    found = [recipe(**dict(zip(lists, each, strict=True))) for each in product(*lists.values())]
    for each in found:
        if each.epochs == 0:
            raise ValueError("epochs is 0; it must be at least 1, because a sweep compares trained networks")
    return list(dict.fromkeys(found))


_MOST_SEEDS = 1_000_000


def seeds(value: int | Iterable[int]) -> list[int]:
    """Return the seeds 0 to n - 1, given their number n; or the given seeds, without duplicates.

    Raises
    ------
    TypeError, ValueError
        If `value` is neither a number of seeds (from 1 to 1,000,000) nor seeds (each from 0 to 2**32 - 1).
    """
    if isinstance(value, Iterable):
        found = [arguments.seed(each) for each in value]
        if not found:
            raise ValueError("seeds is empty; give at least one seed")
        return list(dict.fromkeys(found))
    number = arguments.positive(value, "seeds")
    if number > _MOST_SEEDS:
        raise ValueError(f"seeds is {number}; it must be at most {_MOST_SEEDS}")
    return list(range(number))


def differing(found: list[Recipe]) -> list[str]:
    """Return the names of the arguments in which recipes differ.

    If all recipes are equal, the only name is "layers" if the recipes have layers, otherwise "sizes".
    """
    values = {name: {getattr(each, name) for each in found} for name in ARGUMENTS}
    names = [name for name in ARGUMENTS if len(values[name]) > 1]
    return names or ["sizes" if found[0].layers is None else "layers"]


def shown(value: Any) -> str:
    """Return the value of an argument as text.

    Examples
    --------
    >>> shown((784, 30, 10)), shown(0.5), shown("tanh")
    ('784-30-10', '0.5', 'tanh')
    """
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def label(each: Recipe, names: list[str]) -> str:
    """Return, as one line, a recipe's values of the arguments in `names`.

    Examples
    --------
    >>> label(recipe(), ["sizes", "eta"])
    '784-30-10, eta 3'
    >>> label(recipe(layers="conv 20 5x5, pool 2x2"), ["layers", "eta"])
    'conv 20 5x5, pool 2x2; eta 0.1'
    """
    values = [("" if name in _OF_ITSELF else f"{name} ") + shown(getattr(each, name)) for name in names]
    return ("; " if "layers" in names else ", ").join(values)  # semicolons, because layers contain commas


_LISTS = ("sizes", "layers", "image_shape")  # arguments for which a list may be a single value
_OF_ITSELF = ("sizes", "layers")  # arguments whose values are shown without the name


def _several(value: Any, name: str) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    values = list(value)
    if not values:
        raise ValueError(f"{name} is empty; it needs at least one value")
    return [values] if name in _LISTS and not isinstance(values[0], Iterable) else values
