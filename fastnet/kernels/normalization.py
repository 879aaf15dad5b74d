"""Batch normalization of one panel: Ioffe and Szegedy (2015)."""

from __future__ import annotations

from fastnet.kernels.compiler import part
from fastnet.kernels.formulas import formula, square_root
from fastnet.kernels.vectors import lanes, load, load_as, store, zeros

inverse_of = formula(lambda variance, epsilon: 1 / square_root(variance + epsilon))
"""`inverse_of(variance, epsilon)` is 1 / sqrt(variance + epsilon)."""


@part
def keep_statistics(momentum, n, channel, mean, variance, statistics):
    """Update the running means and variances, beginning at `channel`, by the mean and variance of n numbers.

    Nothing is updated if n is 1 or `momentum` is 0.
    """
    if n > 1 and momentum > 0:
        means, variances = statistics.means, statistics.variances
        running = load_as(mean, means, channel)
        store(means, channel, running + momentum * (mean - running))
        running = load_as(mean, variances, channel)
        store(variances, channel, running + momentum * (variance * (n / (n - 1)) - running))


@part
def normalize(layer, u, below, m, layout, statistics, workspace, training):
    """Write (x - mean) / sqrt(variance + epsilon) of m samples to the activations of neuron u's panel.

    The inputs x are the activations of the panel that begins at `below`. In training, the mean and the variance are
    those of the mini-batch, and the running statistics are updated. Outside of training, the running statistics are
    used.
    """
    a, width = workspace.activations, lanes(workspace.activations)
    channel = layout.channels[layer] + u - layout.units[layer]
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
        keep_statistics(momentum, m, channel, mean, variance, statistics)
    else:
        mean, variance = load(statistics.means, channel), load(statistics.variances, channel)
    inverse = inverse_of(variance, epsilon)
    store(workspace.means, channel, mean)
    store(workspace.inverses, channel, inverse)
    for s in range(0, m * width, width):
        store(a, m * u + s, (load(a, below + s) - mean) * inverse)


@part
def backpropagate(u, channel, below, m, gamma, layout, workspace, sums, sums_scale):
    """Write the gradient with respect to the inputs of neuron u's panel to the errors below.

    The gradient of gamma, multiplied by `sums_scale`, is added to `sums`. The panel's errors are the gradient with
    respect to gamma * normalized + beta.
    """
    a, delta, width = workspace.activations, workspace.delta, lanes(workspace.delta)
    mean, inverse = load(workspace.means, channel), load(workspace.inverses, channel)
    errors, products = zeros(a), zeros(a)
    for s in range(0, m * width, width):
        d = load(delta, m * u + s)
        errors = errors + d
        products = products + d * ((load(a, below + s) - mean) * inverse)
    place = layout.gammas + channel
    store(sums.values, place, load(sums.values, place) + sums_scale * products)
    errors, products, factor = errors * (1 / m), products * (1 / m), gamma * inverse
    for s in range(0, m * width, width):
        normalized = (load(a, below + s) - mean) * inverse
        store(delta, below + s, factor * (load(delta, m * u + s) - errors - normalized * products))
