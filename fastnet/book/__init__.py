"""The book's figures, tables and experiments: a module for each, and a folder for each chapter.

>>> from fastnet import book
>>> result = book.overfitting()  # doctest: +SKIP
>>> print(result)  # doctest: +SKIP
Overfitting: 1,000 training samples, 400 epochs (chapter 3)
...

`result.data` holds the numbers, and `result.draw()` returns the picture. `book.names()` returns the names of all
experiments. `fastnet book` lists all experiments in a terminal.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastnet.book.experiment import Experiment, Result

if TYPE_CHECKING:
    from fastnet.book.chapter1.average_darkness import average_darkness as average_darkness
    from fastnet.book.chapter1.features import features as features
    from fastnet.book.chapter1.mnist_digits import mnist_digits as mnist_digits
    from fastnet.book.chapter1.nand import nand as nand
    from fastnet.book.chapter1.results import results as results
    from fastnet.book.chapter1.rotated import rotated as rotated
    from fastnet.book.chapter1.sigmoid import sigmoid as sigmoid
    from fastnet.book.chapter1.svm import svm as svm
    from fastnet.book.chapter1.valley import valley as valley
    from fastnet.book.chapter2.backprop_speed import backprop_speed as backprop_speed
    from fastnet.book.chapter2.equations import equations as equations
    from fastnet.book.chapter2.matrix_based import matrix_based as matrix_based
    from fastnet.book.chapter3.activations import activations as activations
    from fastnet.book.chapter3.cross_entropy import cross_entropy as cross_entropy
    from fastnet.book.chapter3.early_stopping import early_stopping as early_stopping
    from fastnet.book.chapter3.initial_distribution import initial_distribution as initial_distribution
    from fastnet.book.chapter3.momentum import momentum as momentum
    from fastnet.book.chapter3.more_data import more_data as more_data
    from fastnet.book.chapter3.multiple_eta import multiple_eta as multiple_eta
    from fastnet.book.chapter3.overfitting import overfitting as overfitting
    from fastnet.book.chapter3.overfitting_full import overfitting_full as overfitting_full
    from fastnet.book.chapter3.random_search import random_search as random_search
    from fastnet.book.chapter3.regularized import regularized as regularized
    from fastnet.book.chapter3.regularized_100 import regularized_100 as regularized_100
    from fastnet.book.chapter3.regularized_full import regularized_full as regularized_full
    from fastnet.book.chapter3.saturation import saturation as saturation
    from fastnet.book.chapter3.schedules import schedules as schedules
    from fastnet.book.chapter3.weight_initialization import weight_initialization as weight_initialization
    from fastnet.book.chapter4.bumps import bumps as bumps
    from fastnet.book.chapter4.one_input import one_input as one_input
    from fastnet.book.chapter4.other_activations import other_activations as other_activations
    from fastnet.book.chapter4.step_neuron import step_neuron as step_neuron
    from fastnet.book.chapter4.two_inputs import two_inputs as two_inputs
    from fastnet.book.chapter5.depth import depth as depth
    from fastnet.book.chapter5.exploding import exploding as exploding
    from fastnet.book.chapter5.initial_gradients import initial_gradients as initial_gradients
    from fastnet.book.chapter5.sigmoid_prime import sigmoid_prime as sigmoid_prime
    from fastnet.book.chapter5.training_speeds import training_speeds as training_speeds
    from fastnet.book.chapter6.convolutions import convolutions as convolutions
    from fastnet.book.chapter6.dropout import dropout as dropout
    from fastnet.book.chapter6.ensemble import ensemble as ensemble
    from fastnet.book.chapter6.expanded_data import expanded_data as expanded_data
    from fastnet.book.chapter6.expanded_units import expanded_units as expanded_units
    from fastnet.book.chapter6.feature_maps import feature_maps as feature_maps
    from fastnet.book.chapter6.filters import filters as filters
    from fastnet.book.chapter6.regularization_strength import regularization_strength as regularization_strength
    from fastnet.book.chapter6.relu import relu as relu
    from fastnet.book.chapter6.two_fully_connected import two_fully_connected as two_fully_connected
    from fastnet.book.older.autoencoder import autoencoder as autoencoder
    from fastnet.book.older.pca import pca as pca

__all__ = ["Experiment", "Result", "experiments", "names"]

_FOLDERS = ("chapter1", "chapter2", "chapter3", "chapter4", "chapter5", "chapter6", "older")


def names(chapter: int | None = None) -> list[str]:
    """Return the names of the experiments in the book's order; experiments that are in no chapter come last.

    Parameters
    ----------
    chapter : int, optional
        Number of the chapter whose experiments are returned, from 1 to 6; by default, all experiments are returned.

    Raises
    ------
    ValueError
        If `chapter` is neither None nor an integer from 1 to 6.
    """
    folders = _FOLDERS if chapter is None else (f"chapter{chapter}",)
    if not set(folders) <= set(_FOLDERS):
        raise ValueError(f"chapter is {chapter}; it must be from 1 to 6, or None for all experiments")
    return [name for folder in folders for name in _names_in(folder)]


def experiments(chapter: int | None = None) -> list[Experiment]:
    """Return the experiments whose names `names(chapter)` returns, in the same order."""
    return [_attribute(name) for name in names(chapter)]


def _names_in(folder: str) -> tuple[str, ...]:
    found: tuple[str, ...] = importlib.import_module(f"{__name__}.{folder}").EXPERIMENTS
    return found


def _attribute(name: str) -> Any:
    for folder in _FOLDERS:
        if name in _names_in(folder):
            return getattr(importlib.import_module(f"{__name__}.{folder}.{name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if not TYPE_CHECKING:  # hidden from type checkers, which would otherwise accept any name
    __getattr__ = _attribute


def __dir__() -> list[str]:
    return sorted({*globals(), *names()})
