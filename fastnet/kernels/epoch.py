"""Stochastic gradient descent over an epoch, in one compiled loop.

For each mini-batch, all samples are fed forward, their errors are propagated back, and only then do the parameters
change: the sum over the mini-batch is added straight to them, and no gradient is ever stored.
"""

from __future__ import annotations

import numpy as np

from fastnet.kernels import formulas
from fastnet.kernels.compiler import kernel, part
from fastnet.kernels.layout import biases_of, units_of, weights_of
from fastnet.kernels.rows import prefetch_rows

SAMPLES_AT_A_TIME = 64  # when feeding forward only: few enough for their activations to stay in a cache


@kernel
def epoch(rows, targets, order, mini_batch_size, eta, layout, parameters):
    """Train on the samples of `order`, in mini-batches, changing the parameters.

    Parameters
    ----------
    rows : Rows
        The inputs of all samples.
    targets : ndarray, shape (n, n_out)
        The desired outputs of all samples, in the parameters' type.
    order : ndarray of int64, shape (m,)
        Which samples, and in which order.
    mini_batch_size : int
        The last mini-batch may be short.
    eta : float
        The learning rate.
    layout : Layout
    parameters : Parameters
    """
    most = min(mini_batch_size, len(order))
    activations = np.zeros(most * layout.units[-1], parameters.weights.dtype)
    delta = np.zeros(most * layout.units[-1], parameters.weights.dtype)
    for start in range(0, len(order), mini_batch_size):
        stop = start + mini_batch_size
        mini_batch = order[start:stop]
        prefetch_rows(rows, order[stop : stop + mini_batch_size])
        feed_forward(rows, mini_batch, layout, parameters, activations)
        backpropagate(targets, mini_batch, layout, parameters, activations, delta)
        accumulate(rows, mini_batch, -eta / len(mini_batch), layout, activations, delta, parameters)


@kernel
def gradients(rows, targets, layout, parameters, nabla):
    """Add the gradient of the mean cost over all samples to `nabla`."""
    samples = np.arange(len(targets))
    activations = np.zeros(len(samples) * layout.units[-1], parameters.weights.dtype)
    delta = np.zeros(len(samples) * layout.units[-1], parameters.weights.dtype)
    feed_forward(rows, samples, layout, parameters, activations)
    backpropagate(targets, samples, layout, parameters, activations, delta)
    accumulate(rows, samples, 1 / len(samples), layout, activations, delta, nabla)


@kernel
def outputs(rows, layout, parameters, result):
    """Fill `result`, shape (n, n_out), with the output activations of all samples."""
    last, n_out = len(layout.sizes) - 2, result.shape[1]
    activations = np.zeros(SAMPLES_AT_A_TIME * layout.units[-1], parameters.weights.dtype)
    samples = np.arange(len(result))
    for start in range(0, len(result), SAMPLES_AT_A_TIME):
        mini_batch = samples[start : start + SAMPLES_AT_A_TIME]
        feed_forward(rows, mini_batch, layout, parameters, activations)
        output_activations = units_of(layout, activations, last, len(mini_batch))
        for s in range(len(mini_batch)):
            for k in range(n_out):
                result[start + s, k] = output_activations[s, k]


@part
def feed_forward(rows, mini_batch, layout, parameters, activations):
    """Compute the activations of every layer."""
    samples = len(mini_batch)
    for layer in range(len(layout.sizes) - 1):
        weights, biases = weights_of(layout, parameters, layer), biases_of(layout, parameters, layer)
        a = units_of(layout, activations, layer, samples)
        if layer == 0:
            formulas.weighted_inputs_of_rows(rows, mini_batch, weights, biases, a)
        else:
            below = units_of(layout, activations, layer - 1, samples)
            formulas.weighted_inputs(below, layout.sizes[layer], weights, biases, a)
        formulas.sigmoid(a, layout.sizes[layer + 1])


@part
def backpropagate(targets, mini_batch, layout, parameters, activations, delta):
    """Compute the errors of every layer, the last first."""
    samples = len(mini_batch)
    last = len(layout.sizes) - 2
    formulas.output_error(
        units_of(layout, activations, last, samples), targets, mini_batch, units_of(layout, delta, last, samples)
    )
    for layer in range(last - 1, -1, -1):
        formulas.propagate_back(
            units_of(layout, delta, layer + 1, samples),
            weights_of(layout, parameters, layer + 1),
            units_of(layout, activations, layer, samples),
            layout.sizes[layer + 1],
            units_of(layout, delta, layer, samples),
        )


@part
def accumulate(rows, mini_batch, scale, layout, activations, delta, sums):
    """Add the gradient of the mini-batch's summed cost, times `scale`, to `sums`: the parameters, or a gradient."""
    samples = len(mini_batch)
    scale = sums.weights.dtype.type(scale)
    for layer in range(len(layout.sizes) - 1):
        error = units_of(layout, delta, layer, samples)
        formulas.accumulate_biases(error, scale, biases_of(layout, sums, layer))
        if layer == 0:
            formulas.accumulate_rows(rows, mini_batch, error, scale, weights_of(layout, sums, layer))
        else:
            below = units_of(layout, activations, layer - 1, samples)
            formulas.accumulate(below, layout.sizes[layer], error, scale, weights_of(layout, sums, layer))
