"""Activation functions of chapter 6's networks.

The functions take and return arrays of any shape. For a PyTorch tensor, the functions return a tensor, so that a custom
activation function can call them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from fastnet.formulas import activations

Activation: TypeAlias = Callable[[Any], Any]


def linear(z: Any) -> Any:
    """Return z."""
    return z


def ReLU(z: Any) -> Any:  # noqa: N802 - the book's name
    """Return max(0, z)."""
    return _applied("relu", z)


def sigmoid(z: Any) -> Any:
    """Return 1 / (1 + exp(-z))."""
    return _applied("sigmoid", z)


def tanh(z: Any) -> Any:
    """Return the hyperbolic tangent of z."""
    return _applied("tanh", z)


ACTIVATIONS: dict[str, Activation] = {"linear": linear, "ReLU": ReLU, "sigmoid": sigmoid, "tanh": tanh}
"""The functions, by their names in files. `formulas.activations` has the same names in lower case."""


def name_of(function: Any) -> str | None:
    """Return the name of one of the functions in `ACTIVATIONS`; None for any other function."""
    return next((name for name, each in ACTIVATIONS.items() if each is function), None)


def for_engines(function: Any) -> Any:
    """Return a layer's `activation_fn` in the form that engines take: a name, or a `CustomActivation`.

    Raises
    ------
    TypeError
        If `function` cannot be called.
    """
    if not callable(function):
        raise TypeError(f"activation_fn is {function!r}; it must be a function, such as sigmoid or ReLU")
    name = name_of(function)
    return activations.CustomActivation(function) if name is None else name.lower()


def _applied(name: str, z: Any) -> Any:
    of_tensor = getattr(z, name, None)  # PyTorch tensors have this method; NumPy arrays do not
    return activations.ACTIVATIONS[name].function(z) if of_tensor is None else of_tensor()
