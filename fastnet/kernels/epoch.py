"""Stochastic gradient descent over an epoch, in a compiled loop that is the same for every network.

For each mini-batch, all samples are fed forward, their errors are propagated back, and the parameters are updated. The
loop reads the kinds of the layers, the cost and the optimizer as integer codes.

Plain gradient descent usually stores no gradient (see `optimizers.Update.direct`). Instead, the errors of the
outputs are multiplied by -eta / m, and the terms of BP3 and BP4 are added to the parameters directly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.kernels import inputs, subnormals
from fastnet.kernels.backward import accumulate, backpropagate, output_errors
from fastnet.kernels.calls import CLEAR, PREPARE, call
from fastnet.kernels.compiler import kernel, part, subroutine
from fastnet.kernels.forward import AHEAD, feed_forward
from fastnet.kernels.layout import DENSE, ENOUGH_SAMPLES
from fastnet.kernels.optimizers import BY_NOTHING, BY_WEIGHT, follow
from fastnet.kernels.regularization import bound_norms, rescale, squares
from fastnet.kernels.shares import share_of_panels, share_of_weights
from fastnet.kernels.threads import share_of, wait_for_all
from fastnet.kernels.vectors import item, lanes, numbers_of_line, prefetch, set_item

_SMALLEST_SCALE = 1e-6  # if `scale` is smaller, the weights are multiplied by `scale`, and `scale` is set to 1


class Samples(NamedTuple):
    """The samples of a data set, apart from their inputs.

    Attributes
    ----------
    order : ndarray of int64, shape (m,)
        Indices of the samples, in the order of the epoch.
    targets : ndarray, shape (n * n_out + 1 vector,)
        The desired outputs in row-major order, followed by one vector of zeros.
    weights : ndarray, shape (n,) or (0,)
        Sample weights, by which the samples' costs are multiplied; if empty, all weights are 1.
    factors : ndarray, shape (m * layout.factors[-1],) or (0,)
        Dropout factors of the hidden neurons, for each sample in `order`. Only layers with dropped neurons have
        factors.
    losses : ndarray of float64, shape (m,) or (0,)
        Output array for the cost of each sample in `order`; if empty, the costs are not computed.
    squares : ndarray of float64, shape (number of mini-batches,) or (0,)
        Output array for the sum of the squares of the weights before each step; if empty, the sum is not computed.
    """

    order: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    factors: np.ndarray
    losses: np.ndarray
    squares: np.ndarray


@kernel
def epoch(x, samples, mini_batch_size, layout, update, parameters, sums, state, statistics, workspace, share, training):
    """Train on the samples in mini-batches, in the order of `samples.order`.

    The arguments are numbers and references to named tuples (see `structures`).

    Parameters
    ----------
    x : Matrix or Rows
        The inputs of all samples.
    samples : Samples
    mini_batch_size : int
        Number of samples in a mini-batch, at least 1. The last mini-batch may be smaller.
    layout : Layout
    update : Update
        See `optimizers`.
    parameters : Parameters
    sums : Parameters
        The numbers to which the gradient is added: the parameters themselves, their velocity, or sums of gradients.
    state : OptimizerState
    statistics : Statistics
    workspace : Workspace
        Memory for a mini-batch, or for a part of a mini-batch. Parts are computed one after the other, and their
        gradients are summed before an update. Parts are not possible with `update.direct` or batch normalization.
    share : Share
        This thread's share of the work. The result does not depend on the number of threads.
    training : bool
        Whether to train. If False, mini-batches are only fed forward, and `samples.losses` is filled if it is not
        empty. After feeding forward, the workspace contains z of the output layer for the last mini-batch. The same
        kernel trains and feeds forward, so that only one kernel must be compiled.
    """
    control = subnormals.count_as_zero()
    order, capacity = samples.order, len(workspace.samples)
    scale, sums_scale, waits, step, laid_out = parameters.scale[0], sums.scale[0], 0, update.steps, capacity
    for start in range(0, len(order), mini_batch_size):
        end = min(start + mini_batch_size, len(order))
        divisor, decay = divisor_of(samples, start, end, update.divisor)
        shrink = 1 - decay * update.shrinkage
        sums_scale *= shrink
        for begin in range(start, end, capacity):
            m = min(capacity, end - begin)
            first, last = share_of(m, share)
            if m != laid_out:  # offsets change with m, so wait until no thread reads at the offsets of the old m
                laid_out = m
                waits += 1
                wait_for_all(share, waits)
                if workspace.images != 0:
                    call(
                        workspace.images, CLEAR, 0, x, samples, begin, m, first, last, scale, sums_scale, layout,
                        parameters, sums, statistics, workspace, share, training,
                    )  # fmt: skip
            prefetch_targets(samples.targets, order[begin + AHEAD :][:m], layout)
            if m >= ENOUGH_SAMPLES and begin == start:
                call(
                    workspace.dense, PREPARE, 0, workspace.activations, workspace.samples, m, first, last, scale,
                    layout, parameters, sums, workspace, share,
                )  # fmt: skip
            waits = feed_forward(
                x, samples, begin, m, first, last, layout, scale, parameters, statistics, workspace, share, waits,
                training,
            )  # fmt: skip
            if training:
                if begin == start and len(samples.squares) > 0 and share.thread == 0:
                    set_item(samples.squares, start // mini_batch_size, scale * scale * squares(layout, parameters))
                waits = backpropagate(
                    x, samples, begin, m, first, last, update.error_scale / (divisor * sums_scale), layout, scale,
                    parameters, statistics, workspace, sums, sums_scale, share, waits,
                )  # fmt: skip
                waits += 1
                wait_for_all(share, waits)
                accumulate(
                    x, samples, begin, m, layout, scale, parameters, statistics, workspace, sums, sums_scale, share
                )
                if layout.kinds[0] == DENSE and not inputs.divides_neurons(x, m, layout):
                    waits += 1  # in `accumulate`, threads divide the inputs; in the update, they divide the neurons
                    wait_for_all(share, waits)
            elif len(samples.losses) > 0:
                output_errors(samples, begin, m, first, last, 1.0, layout, workspace)
        if training:
            scale *= shrink
            step += 1
            if not update.direct:
                follow_all(update, step, decay, layout, parameters, sums, state, share)
                if update.max_norm > 0:
                    waits = bound_norms(update.max_norm, layout, parameters, share, waits)
            elif scale < _SMALLEST_SCALE:
                rescale(scale, layout, parameters, share)
                scale, sums_scale = 1.0, 1.0
    if share.thread == 0:
        set_item(parameters.scale, 0, scale)
    subnormals.put_back(control)


@subroutine
def follow_all(update, step, decay, layout, parameters, sums, state, share):
    """Update this thread's parameters from the sums.

    Only weights are regularized. The coefficients of L2 and L1 regularization are multiplied by `decay`.
    """
    width = lanes(parameters.values)
    kinds = 2 + (len(parameters.values) > layout.gammas)  # 2: weights and biases; 3: also gammas
    for layer in range(len(layout.kinds)):
        u, v = share_of_panels(layout.channels[layer], layout.channels[layer + 1], width, share)
        first, last = share_of_weights(layer, layout, width, share)
        l2, l1, offset = decay * update.l2, decay * update.l1, layout.biases
        for _ in range(kinds):
            follow(update, step, first, last, l2, l1, parameters, sums, state)
            first, last, l2, l1 = offset + u, offset + v, 0.0, 0.0
            offset = layout.gammas


@subroutine
def divisor_of(samples, start, end, kind):
    """Return the divisor of a mini-batch's errors, and the factor of the weight decay."""
    divisor, decay = float(end - start), 1.0
    if kind == BY_WEIGHT:
        if len(samples.weights) > 0:
            divisor = 0.0
            for s in range(start, end):
                divisor += float(item(samples.weights, item(samples.order, s)))
        if divisor > 0:
            decay = 1 / divisor
        else:  # all samples have weight 0
            divisor, decay = 1.0, 0.0
    elif kind == BY_NOTHING:
        divisor = 1.0
    return divisor, decay


@part
def prefetch_targets(targets, samples, layout):
    """Prefetch the targets of samples."""
    width = layout.sizes[-1]
    for s in range(len(samples)):
        i = item(samples, s) * width
        prefetch(targets, i)
        for p in range(i + width - 1, i, -numbers_of_line(targets)):
            prefetch(targets, p)
