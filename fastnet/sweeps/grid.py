"""Grids: the recipes with all combinations of values, given one or more values for each argument of a recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

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
    if np.iterable(value):
        return list(dict.fromkeys(arguments.seed(each) for each in arguments.values(value, "seeds", "integers")))
    number = arguments.positive(value, "seeds")
    if number > _MOST_SEEDS:
        raise ValueError(f"seeds is {number}; it must be at most {_MOST_SEEDS}")
    return list(range(number))


def differing(found: Sequence[Recipe]) -> list[str]:
    """Return the names of the arguments in which recipes differ.

    If all recipes are equal, the only name is "layers" if the recipes have layers, otherwise "sizes".
    """
    values = {name: {getattr(each, name) for each in found} for name in ARGUMENTS}
    names = [name for name in ARGUMENTS if len(values[name]) > 1]
    return names or ["sizes" if found[0].layers is None else "layers"]


def columns(found: Sequence[Recipe]) -> dict[str, list[str]]:
    """For each argument in which recipes differ, return its value in each recipe as text."""
    return {name: shown([getattr(each, name) for each in found]) for name in differing(found)}


def shown(values: Sequence[Any]) -> list[str]:
    """Return values of an argument as texts. Different values have different texts.

    Examples
    --------
    >>> shown([(784, 30, 10), (784, 10)]), shown([0.5, 3.0]), shown(["tanh"])
    (['784-30-10', '784-10'], ['0.5', '3'], ['tanh'])
    >>> shown([0.3, 0.1 + 0.2, 1 / 3])
    ['0.3', '0.30000000000000004', '0.333333']
    """
    texts = {value: as_text(value) for value in values}
    number = Counter(texts.values())  # only numbers can have the same text, because `as_text` rounds them
    return [repr(each) if number[texts[each]] > 1 and float(texts[each]) != each else texts[each] for each in values]


def as_text(value: Any) -> str:
    """Return the value of an argument as text; a number is rounded to six digits."""
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def labels(found: Sequence[Recipe]) -> list[str]:
    """For each recipe, return one line with the values in which the recipes differ.

    Different recipes have different lines.

    Examples
    --------
    >>> labels(recipes(eta=[0.5, 3.0], sizes=[[784, 30, 10], [784, 10]]))[:2]
    ['784-30-10, eta 0.5', '784-30-10, eta 3']
    >>> labels(recipes(layers=["conv 20 5x5, pool 2x2", "dense 30"], eta=[0.1, 0.5]))[0]
    'conv 20 5x5, pool 2x2; eta 0.1'
    """
    values = columns(found)
    separator = "; " if "layers" in values else ", "  # a semicolon, because layers contain commas
    named = [
        [text if name in _OF_ITSELF and text != "None" else f"{name} {text}" for text in texts]
        for name, texts in values.items()
    ]
    return [separator.join(each) for each in zip(*named, strict=True)]


_LISTS = ("sizes", "layers", "image_shape")  # arguments for which a list may be a single value
_OF_ITSELF = ("sizes", "layers")  # arguments whose values are shown without the name


def _several(value: Any, name: str) -> list[Any]:
    if isinstance(value, str) or not np.iterable(value):
        return [value]
    values = arguments.values(value, name, "values")
    if name in _LISTS and not any(each is None or isinstance(each, Iterable) for each in values):
        return [values]
    return values
