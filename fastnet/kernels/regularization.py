"""Operations on all weights: multiplying by the scale, summing squares, and bounding norms."""

from __future__ import annotations

from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.formulas import formula, square_root, where
from fastnet.kernels.layout import CONVOLUTION, DENSE
from fastnet.kernels.shares import share_of_filters, share_of_panels, share_of_weights
from fastnet.kernels.threads import share_of, wait_for_all
from fastnet.kernels.vectors import lanes, load, store, total, zeros

# Number of vectors that are summed in the precision of the weights before the sum is added to a float64 total.
_SUMMED_TOGETHER = 64
_within = formula(lambda squares, bound: where(squares > bound * bound, bound / square_root(squares), 1.0))


@subroutine
def rescale(scale, layout, parameters, share):
    """Multiply this thread's weights by `scale`."""
    w, width = parameters.values, lanes(parameters.values)
    for layer in range(len(layout.kinds)):
        first, last = share_of_weights(layer, layout, width, share)
        for i in range(first, last, width):
            store(w, i, scale * load(w, i))


@subroutine
def squares(layout, parameters):
    """Return the sum of the squares of all stored weights, which are not multiplied by the scale."""
    w, width, result, i = parameters.values, lanes(parameters.values), 0.0, 0
    while i < layout.biases:
        some = zeros(w)
        end = min(layout.biases, i + _SUMMED_TOGETHER * width)
        for k in range(i, end, width):
            some = some + load(w, k) * load(w, k)
        result += float(total(some))
        i = end
    return result


@subroutine
def bound_norms(max_norm, layout, parameters, share, waits):
    """Scale the weights of each neuron down to the norm `max_norm` if their norm is larger.

    In layer 0, a panel has all weights of its neurons. In dense layers above, the weights of a neuron are a row through
    all panels. Several threads have changed each row, so the threads wait for one another before rows are scaled. The
    weights of a filter are contiguous. `waits` is the number of times that this thread has waited at the barrier.
    Return the updated `waits`.
    """
    w, width = parameters.values, lanes(parameters.values)
    if layout.kinds[0] == DENSE:
        n_in = layout.sizes[0]
        first, last = share_of_panels(layout.units[0], layout.units[1], width, share)
        for u in range(first, last, width):
            squares = zeros(w)
            for i in range(u * n_in, (u + width) * n_in, width):
                squares = squares + load(w, i) * load(w, i)
            factor = _within(squares, max_norm)
            for i in range(u * n_in, (u + width) * n_in, width):
                store(w, i, factor * load(w, i))
    waits += 1
    wait_for_all(share, waits)
    for layer in range(1, len(layout.kinds)):
        start, stop = layout.weights[layer], layout.weights[layer + 1]
        if layout.kinds[layer] == CONVOLUTION:
            size = (stop - start) // layout.maps[layer]
            first, last = share_of_filters(layer, layout, share)
            for f in range(first, last):
                bound_row(max_norm, w, start + f * size, start + (f + 1) * size, width)
        elif layout.kinds[layer] == DENSE:
            n_out = layout.sizes[layer + 1]
            first, last = share_of(n_out, share)
            for row in range(first, last):
                bound_row(max_norm, w, start + row * width, stop, n_out * width)
    waits += 1
    wait_for_all(share, waits)
    return waits


@part
def bound_row(max_norm, w, start, stop, step):
    """Scale one neuron's weights, whose vectors are `step` apart, to the norm `max_norm` if their norm is larger."""
    squares = zeros(w)
    for i in range(start, stop, step):
        squares = squares + load(w, i) * load(w, i)
    factor = _within(zeros(w) + total(squares), max_norm)
    for i in range(start, stop, step):
        store(w, i, factor * load(w, i))
