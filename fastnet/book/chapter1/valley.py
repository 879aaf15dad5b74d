"""Gradient descent on a function of two variables, C(v1, v2) = v1² + v2².

Each step changes v by -eta times the gradient (2 v1, 2 v2), which multiplies v by 1 - 2 eta. With eta 0.1, the path
goes straight to the minimum at (0, 0). With eta 1 or more, no step comes closer to the minimum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def cost(v: np.ndarray) -> np.ndarray:
    """Return the cost of each point; the last axis of `v` holds the coordinates of a point."""
    costs: np.ndarray = np.sum(v**2, axis=-1)
    return costs


def gradient(v: np.ndarray) -> np.ndarray:
    """Return the gradient of the cost at a point."""
    return 2 * v


@experiment("Gradient descent on a function of two variables", size=(6.0, 5.0))
def valley(*, start: Sequence[float] = (-0.7, -0.9), eta: float = 0.1, steps: int = 20) -> Measured:
    """Take `steps` steps of gradient descent from the point `start`."""
    path = [np.array(start, dtype=float)]
    for _ in range(steps):
        path.append(path[-1] - eta * gradient(path[-1]))
    return Measured({"path": np.array(path), "cost": cost(np.array(path)), "eta": eta})


@valley.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the surface of the cost, with a dot for the start and a dot for the point after each step."""
    axes = figure.add_subplot(projection="3d", computed_zorder=False)
    side = np.linspace(-1, 1, 41)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    axes.plot_surface(grid[..., 0], grid[..., 1], cost(grid), color=PALETTE[5], alpha=0.6, linewidth=0)
    axes.plot(*data["path"].T, data["cost"], "o-", color=PALETTE[1], markersize=4)
    axes.set(xlabel="$v_1$", ylabel="$v_2$", zlabel="C", xticks=[-1, 0, 1], yticks=[-1, 0, 1], zticks=[0, 1, 2])
    axes.set_title(f"gradient descent with η = {data['eta']:g}")
