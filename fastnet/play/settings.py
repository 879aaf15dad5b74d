"""Validates the page's settings of a network and its training, and limits memory and time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastnet import network2
from fastnet.datasets.dataset import Dataset
from fastnet.formulas import costs, notation
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import Dense, Dropout
from fastnet.play import digits
from fastnet.sweeps.recipe import Recipe, recipe
from fastnet.utils import arguments

N_IN, N_OUT = 784, 10
LARGEST = 2_000_000  # largest number of parameters plus neurons of a network, to limit memory and size of messages
MOST_WORK = 20_000_000  # largest number of multiplications for a sample, to limit the time of an answer

DEFAULTS: dict[str, Any] = {
    "layers": "dense 30",
    "activation": "sigmoid",
    "cost": "cross-entropy",
    "optimizer": "sgd",
    "momentum": 0.0,
    "eta": 0.5,
    "lambda": 5.0,
    "dropout": 0.0,
    "mini_batch_size": 10,
    "initial_weights": "small",
    "samples": digits.TRAINING_SAMPLES,
    "noise": 0.0,
    "seed": 0,
}
"""Default settings by name: chapter 3's network."""

_LONGEST = 200  # largest number of characters of a setting
_NAMES = {"lmbda": "lambda", "init": "initial_weights"}  # names of settings in the library: names on the page


class RequestError(ValueError):
    """An invalid message or setting of the page.

    Attributes
    ----------
    field : str or None
        Name of the invalid setting, if there is one.
    """

    def __init__(self, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class Settings:
    """Valid settings of a network and its training.

    Attributes
    ----------
    chosen : dict
        All settings, by the page's names.
    recipe : Recipe
        The settings, converted to a recipe of the library.
    """

    chosen: dict[str, Any]
    recipe: Recipe

    def network(self) -> network2.Network:
        """Return a new network, with random initial parameters."""
        return self.recipe.network(self.chosen["seed"])

    def data(self) -> Dataset:
        """Return the training data."""
        return digits.training_data(self.chosen["samples"], self.chosen["noise"], self.chosen["seed"])

    def training(self) -> dict[str, Any]:
        """Return settings as keyword arguments of `begin_training`."""
        names = ("mini_batch_size", "eta", "lmbda", "optimizer", "momentum", "dropout")
        return {name: getattr(self.recipe, name) for name in names}


def checked(given: Mapping[str, Any]) -> Settings:
    """Validate settings, and fill in defaults for missing settings.

    Raises
    ------
    RequestError
        If a setting is unknown or has an invalid value.
    """
    for name, value in given.items():
        if name not in DEFAULTS:
            raise RequestError(f"{arguments.brief(name)} is no setting; the settings are {', '.join(DEFAULTS)}")
        if isinstance(value, str) and len(value) > _LONGEST:
            raise RequestError(f"{name} has {len(value)} characters; it may have at most {_LONGEST}", name)
        if isinstance(value, (list, dict)):
            raise RequestError(f"{name} must be a number or a text", name)
    return _settings({**DEFAULTS, **given})


def _settings(chosen: dict[str, Any]) -> Settings:
    for name, least, most in (("samples", 1, digits.TRAINING_SAMPLES), ("seed", 0, arguments.LARGEST_SEED)):
        chosen[name] = _integer(chosen, name, least, most)
    chosen["mini_batch_size"] = _integer(chosen, "mini_batch_size", 1, chosen["samples"])
    if not (_is_number(chosen["noise"]) and 0 <= chosen["noise"] <= 1):
        raise RequestError(f"noise is {arguments.brief(chosen['noise'])}; it must be a number from 0 to 1", "noise")
    return Settings(chosen, _recipe(chosen))


def of_network(net: network2.Network) -> Settings:
    """Return the settings of a network from a file, with default settings for training.

    Raises
    ------
    RequestError
        If the page cannot show the network.
    """
    # `notation` cannot write chapter 6's dropout, which is not inverted. A new network gets inverted dropout.
    hidden = [Dropout(layer.p) if isinstance(layer, Dropout) else layer for layer in net.layers[:-1]]
    try:
        layers = notation.write(hidden) if hidden else ""
    except ValueError as error:
        raise RequestError(f"the network cannot be shown: {error}") from None
    cost = next((name for name, cost in costs.NAMES.items() if costs.as_cost(cost) == net._cost()), None)
    if cost is None:
        raise RequestError(
            f"the cost of the network is {costs.name_of(net.cost)}; it must be one of {', '.join(costs.NAMES)}"
        )
    return _settings({**DEFAULTS, "layers": layers, "activation": net.activation, "cost": cost})


def _recipe(chosen: Mapping[str, Any]) -> Recipe:
    """Return the recipe.

    The `field` of a `RequestError` is the invalid setting, or None if the error does not tell which setting is invalid.
    """
    same = ("cost", "activation", "optimizer", "momentum", "eta", "dropout", "mini_batch_size")
    given = {name: chosen[name] for name in same} | {library: chosen[page] for library, page in _NAMES.items()}
    try:
        hidden = () if chosen["layers"] == "" else notation.read(chosen["layers"])
    except (TypeError, ValueError) as error:
        raise RequestError(f"layers: {error}", "layers") from None
    dense = [layer for layer in hidden if isinstance(layer, Dense) and layer.activation is None]
    if len(dense) == len(hidden):
        given["sizes"] = [N_IN, *(layer.n_out for layer in dense), N_OUT]
    else:
        given["layers"] = chosen["layers"]
    try:
        found = recipe(**given)
        architecture = found.architecture()
        if found.dropout and hidden:
            architecture = architecture.with_dropout(found.dropout)
    except (TypeError, ValueError) as error:
        raise _refused(str(error)) from None
    if found.dropout and not hidden:
        raise RequestError("dropout needs hidden neurons: add a layer, or set dropout to 0", "dropout")
    numbers = number_of_parameters(architecture) + sum(math.prod(shape) for shape in architecture.shapes)
    if numbers > LARGEST:
        raise RequestError(
            f"the network has {numbers:,} parameters and neurons; it may have at most {LARGEST:,}", "layers"
        )
    if architecture.multiplications > MOST_WORK:
        raise RequestError(
            f"a sample takes {architecture.multiplications:,} multiplications; it may take at most {MOST_WORK:,}",
            "layers",
        )
    return found


def number_of_parameters(architecture: Architecture) -> int:
    """Return the number of parameters that are trained."""
    return sum(math.prod(shape) for layer in architecture.trained for shape in layer.values())


def _refused(text: str) -> RequestError:
    """Return an error about the setting whose name is the first word of the text."""
    first = text.replace(":", " ").split()[0]
    if first == "sizes":  # the page has the setting layers instead of sizes
        return RequestError(f"layers: {text}", "layers")
    field = _NAMES.get(first, first)
    if field != first:
        text = field + text[len(first) :]
    return RequestError(text, field if field in DEFAULTS else None)


def _integer(chosen: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """Return a setting; raise a `RequestError` if the setting is not an integer from `least` to `most`."""
    value = chosen[name]
    if not (_is_number(value) and value == int(value) and least <= value <= most):
        raise RequestError(f"{name} is {arguments.brief(value)}; it must be an integer from {least} to {most:,}", name)
    return int(value)


def _is_number(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )
