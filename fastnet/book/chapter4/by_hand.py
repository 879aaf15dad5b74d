"""Networks whose weights and biases are set by hand instead of learnt: nothing in this chapter is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnet import Dense, network2


def by_hand(
    weights: Sequence[np.ndarray], biases: Sequence[np.ndarray], activation: str = "sigmoid"
) -> network2.Network:
    """Return a network with the given weights and biases, and with linear output neurons.

    Parameters
    ----------
    weights : sequence of ndarray, each of shape (n_out, n_in)
        Weights of each layer, beginning with the first hidden layer.
    biases : sequence of ndarray, each of shape (n_out, 1)
        Biases of each layer, in the same order.
    activation : str, optional
        Activation function of the hidden neurons.
    """
    hidden = [len(w) for w in weights[:-1]]
    sizes = [weights[0].shape[1], *hidden, Dense(len(weights[-1]), "linear")]
    # The seed keeps NumPy's global generator unchanged; the weights drawn with the seed are replaced below.
    net = network2.Network(
        sizes, network2.QuadraticCost, activation=activation, engine="numpy", dtype="float64", seed=0
    )
    net.weights, net.biases = list(weights), list(biases)
    return net


def steps(positions: np.ndarray, weight: float) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and biases, both of shape (n, 1), of n neurons that step from 0 to 1 at the n given positions.

    A neuron with weight w and bias b steps at s = -b / w. The larger the weight, the steeper the step.
    """
    column = np.reshape(positions, (-1, 1))
    return np.full_like(column, weight, np.float64), -weight * column


def output_of_step(x: np.ndarray, position: float, weight: float, height: float = 1.0) -> np.ndarray:
    """Return a step from 0 to `height` at `position`: a hidden neuron's weighted output for inputs `x`, shape (n,)."""
    weights, biases = steps(np.array([position]), weight)
    net = by_hand([weights, np.full((1, 1), height)], [biases, np.zeros((1, 1))])
    output: np.ndarray = net.feedforward(x[np.newaxis])[0]
    return output


def bumps_of_heights(edges: np.ndarray, heights: np.ndarray, weight: float) -> network2.Network:
    """Return a network of one input. The output is `heights[i]` for inputs between `edges[i]` and `edges[i + 1]`.

    Each bump is a pair of hidden neurons: one steps up at the left edge, the other steps down at the right edge.
    """
    weights, biases = steps(np.stack([edges[:-1], edges[1:]], axis=1), weight)
    up_and_down = np.stack([heights, np.negative(heights)], axis=1).reshape(1, -1)
    return by_hand([weights, up_and_down], [biases, np.zeros((1, 1))])


def cells_of(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges, shape (number + 1,), and the midpoints, shape (number,), of equal cells from 0 to 1.

    At an edge, a bump has half of its height. The first and the last edge are therefore moved out of the
    interval, so that the outer bumps have their full height at 0 and 1.
    """
    edges = np.linspace(0, 1, number + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    edges[0], edges[-1] = -1 / number, 1 + 1 / number
    return edges, middles
