"""A network that approximates a function of two inputs by towers, without any training.

The output of each neuron of the first hidden layer is a step along x or along y. A neuron of the second hidden layer
adds two bumps, one along x and one along y. The output of this neuron is a tower: 1 where the bumps overlap, in one
cell of a grid, and 0 elsewhere. The output weight of each tower is the value of the function at the midpoint of the
cell. The error is larger near the corners of the cells, where the outputs of the towers add up to less than 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter4.by_hand import by_hand, cells_of, steps
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import style_images
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnet import network2

STEEPNESS = 100
"""Weight of a step neuron times the width of a cell: large, so that a step is much narrower than a cell."""
HEIGHT = 40.0
"""Amount by which a bump raises the weighted input of a neuron of the second hidden layer: large, so that the neuron's
output is nearly 0 or 1."""
BORDER = 0.05
"""Width of the border of a cell, as a share of the cell's width. The error inside the cells excludes the border."""


def f(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a smooth function of two inputs, with values from 0 to 1."""
    value: np.ndarray = 0.5 + 0.5 * np.sin(2 * np.pi * x) * np.cos(np.pi * y)
    return value


@experiment("A function of two inputs, approximated by towers within a given error", size=(10.0, 3.4))
def two_inputs(*, error: float = 0.1, points: int = 200) -> Measured:
    """Build a network with enough towers for the given error, and measure the network's error on a fine grid.

    Parameters
    ----------
    error : float
        Upper bound of the absolute difference between the network's output and the function, away from the borders
        of the cells; must be positive.
    points : int
        Number of inputs along each side of the grid on which the network and the function are compared.

    Raises
    ------
    TypeError, ValueError
        If `error` is not a positive and finite number.
    """
    error = arguments.positive_number(error, "error", np.dtype(np.float64))
    side = (np.arange(points) + 0.5) / points
    x, y = np.meshgrid(side, side)
    function = f(x, y)
    slope = np.abs(np.gradient(function, side, side)).sum(axis=0).max()  # sum of the slopes along x and y
    cells = math.floor(slope / (2 * error)) + 1
    output = towers(cells).feedforward(np.stack([x.ravel(), y.ravel()])).reshape(x.shape)
    errors = np.abs(output - function)
    inside = np.abs(np.stack([x, y]) * cells % 1 - 0.5).max(axis=0) < 0.5 - BORDER
    data = {
        "function": function,
        "output": output,
        "cells": cells,
        "error": error,
        "mean absolute error": float(errors.mean()),
        "largest error inside the cells": float(errors[inside].max()),
    }
    return Measured(data)


def towers(cells: int) -> network2.Network:
    """Return a network of `cells` x `cells` towers that approximates `f` for inputs from 0 to 1."""
    edges, middles = cells_of(cells)
    along, biases = steps(edges, STEEPNESS * cells)
    of_steps = np.block([[along, np.zeros_like(along)], [np.zeros_like(along), along]])
    # Each row is a bump: up at an edge, down at the next edge.
    bumps = HEIGHT * (np.eye(cells, cells + 1) - np.eye(cells, cells + 1, k=1))
    of_towers = np.hstack([np.repeat(bumps, cells, axis=0), np.tile(bumps, (cells, 1))])
    heights = f(np.repeat(middles, cells), np.tile(middles, cells))
    return by_hand(
        [of_steps, of_towers, heights[np.newaxis]],
        [np.tile(biases, (2, 1)), np.full((cells**2, 1), -1.5 * HEIGHT), np.zeros((1, 1))],
    )


@two_inputs.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the function, the network's output, and their absolute difference, which has its own scale."""
    left, middle, right = figure.subplots(1, 3)
    function, output = data["function"], data["output"]
    for axes, title, image, largest in (
        (left, "function", function, 1.0),
        (middle, f"network of {data['cells']} × {data['cells']} towers", output, 1.0),
        (right, "absolute error", np.abs(output - function), data["error"]),
    ):
        found = axes.imshow(image, cmap="viridis", origin="lower", vmin=0, vmax=largest)
        axes.set(title=title, xlabel="input x", ylabel="input y")
        style_images(axes)
        if axes is not left:
            figure.colorbar(found, ax=axes, shrink=0.8, extend="max" if axes is right else "neither")
