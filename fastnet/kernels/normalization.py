"""Batch normalization of one panel: Ioffe and Szegedy (2015)."""

from __future__ import annotations

from fastnet.kernels.compiler import part
from fastnet.kernels.formulas import formula, square_root
from fastnet.kernels.vectors import lanes, load, store, zeros

_inverse = formula(lambda variance, epsilon: 1 / square_root(variance + epsilon))


@part
def normalize(layer, u, below, m, layout, statistics, workspace, training):
    """Write (x - mean) / sqrt(variance + epsilon) of m samples where the activations of neuron u's panel belong.

    The inputs x are the activations of the panel that begins at `below`. In training, mean and variance are those of
    the mini-batch, and enter the running means; otherwise the running means are used.
    """
    a, width = workspace.activations, lanes(workspace.activations)
    momentum, epsilon = layout.constants[2 * layer], layout.constants[2 * layer + 1]
    if training:
        mean, variance = zeros(a), zeros(a)
        for s in range(0, m * width, width):
            mean = mean + load(a, below + s)
        mean = mean * (1 / m)
        for s in range(0, m * width, width):
            centred = load(a, below + s) - mean
            variance = variance + centred * centred
        variance = variance * (1 / m)
        if m > 1 and momentum > 0:
            running = load(statistics.means, u)
            store(statistics.means, u, running + momentum * (mean - running))
            running = load(statistics.variances, u)
            store(statistics.variances, u, running + momentum * (variance * (m / (m - 1)) - running))
    else:
        mean, variance = load(statistics.means, u), load(statistics.variances, u)
    inverse = _inverse(variance, epsilon)
    store(workspace.means, u, mean)
    store(workspace.inverses, u, inverse)
    for s in range(0, m * width, width):
        store(a, m * u + s, (load(a, below + s) - mean) * inverse)


@part
def backpropagate(u, below, m, gamma, layout, workspace, sums, sums_scale):
    """Write the gradient with respect to x of neuron u's panel where the errors below belong.

    The gradient of gamma is added to `sums`, times a scale. The errors of the panel are those of gamma x + beta.
    """
    a, delta, width = workspace.activations, workspace.delta, lanes(workspace.delta)
    mean, inverse = load(workspace.means, u), load(workspace.inverses, u)
    errors, products = zeros(a), zeros(a)
    for s in range(0, m * width, width):
        d = load(delta, m * u + s)
        errors = errors + d
        products = products + d * ((load(a, below + s) - mean) * inverse)
    place = layout.gammas + u
    store(sums.values, place, load(sums.values, place) + sums_scale * products)
    errors, products, factor = errors * (1 / m), products * (1 / m), gamma * inverse
    for s in range(0, m * width, width):
        normalized = (load(a, below + s) - mean) * inverse
        store(delta, below + s, factor * (load(delta, m * u + s) - errors - normalized * products))
