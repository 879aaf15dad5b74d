"""The book's equations, each for a whole mini-batch: chapter 2, BP1 to BP4.

All matrices have one sample a row and are padded as `layout` describes. `n` is the number of neurons without the
padding: loops over a layer that is come from stop there, loops along a row take the whole row, whose padding must be
zero. So a formula that writes a row writes its padding too: a short mini-batch finds other numbers there.
"""

from __future__ import annotations

import numpy as np

from fastnet.kernels.compiler import formula

# The first layer, whose inputs are rows without zeros


@formula
def weighted_inputs_of_rows(rows, mini_batch, weights, biases, z):
    """Compute z = w x + b for the samples of a mini-batch."""
    for s in range(len(mini_batch)):
        i = mini_batch[s]
        for k in range(z.shape[1]):
            z[s, k] = biases[k]
        for p in range(rows.starts[i], rows.starts[i + 1]):
            j, x = rows.columns[p], rows.values[p]
            for k in range(z.shape[1]):
                z[s, k] += x * weights[j, k]


@formula
def accumulate_rows(rows, mini_batch, delta, scale, weights):
    """Add scale * delta x^T, summed over the mini-batch, to the weights: BP4."""
    for s in range(len(mini_batch)):
        i = mini_batch[s]
        for p in range(rows.starts[i], rows.starts[i + 1]):
            j, x = rows.columns[p], scale * rows.values[p]
            for k in range(delta.shape[1]):
                weights[j, k] += x * delta[s, k]


# The layers above it


@formula
def weighted_inputs(activations, n, weights, biases, z):
    """Compute z = w a + b."""
    for s in range(len(z)):
        for k in range(z.shape[1]):
            z[s, k] = biases[k]
        for j in range(n):
            a = activations[s, j]
            for k in range(z.shape[1]):
                z[s, k] += a * weights[j, k]


@formula
def accumulate(activations, n, delta, scale, weights):
    """Add scale * delta a^T, summed over the mini-batch, to the weights: BP4."""
    for j in range(n):
        for s in range(len(delta)):
            a = scale * activations[s, j]
            for k in range(delta.shape[1]):
                weights[j, k] += a * delta[s, k]


@formula
def propagate_back(delta_above, weights_above, activations, n, delta):
    """Compute delta = (w^T delta_above) * sigmoid'(z): BP2."""
    one = activations.dtype.type(1)
    for s in range(len(delta)):
        for j in range(n):
            nabla_a = delta.dtype.type(0)
            for k in range(delta_above.shape[1]):
                nabla_a += weights_above[j, k] * delta_above[s, k]
            a = activations[s, j]
            delta[s, j] = nabla_a * a * (one - a)
        for j in range(n, delta.shape[1]):
            delta[s, j] = 0


# Every layer


@formula
def sigmoid(z, n):
    """Replace z by its sigmoid, without overflow; the padding becomes zero."""
    one = z.dtype.type(1)
    for s in range(len(z)):
        for k in range(n):
            e = np.exp(-abs(z[s, k]))
            z[s, k] = (e if z[s, k] < 0 else one) / (one + e)
        for k in range(n, z.shape[1]):
            z[s, k] = 0


@formula
def output_error(activations, targets, mini_batch, delta):
    """Compute delta = (a - y) * sigmoid'(z) for the quadratic cost: BP1."""
    one = activations.dtype.type(1)
    for s in range(len(mini_batch)):
        for k in range(targets.shape[1]):
            a = activations[s, k]
            delta[s, k] = (a - targets[mini_batch[s], k]) * a * (one - a)
        for k in range(targets.shape[1], delta.shape[1]):
            delta[s, k] = 0


@formula
def accumulate_biases(delta, scale, biases):
    """Add scale * delta, summed over the mini-batch, to the biases: BP3."""
    for s in range(len(delta)):
        for k in range(delta.shape[1]):
            biases[k] += scale * delta[s, k]
