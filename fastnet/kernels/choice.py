"""Decides how inputs are stored, and how a mini-batch is divided: into parts, and among threads.

`benchmarks/choices.py` times the alternatives.
"""

from __future__ import annotations

from collections.abc import Callable

_MOST_ROWS = 1 / 3  # share of nonzero inputs below which `inputs.Rows` is faster than `inputs.Matrix`
_LEAST_MULTIPLICATIONS = 200_000  # multiplications in a mini-batch above which several threads are faster than one
_CACHE = 1 << 20  # bytes that fit into a core's L2 cache on most processors
_SHORT = 96  # largest number of samples in a part of a mini-batch, if the weights fit into the cache
_LONG = 1024  # largest number of samples in a part of a mini-batch, if the weights do not fit into the cache
_ENOUGH_TERMS = 2 * _SHORT  # samples in a mini-batch from which the terms of a gradient are summed first
_MEMORY = 1 << 26  # largest number of bytes of the samples in a part, unless the part has at most `_SHORT` samples
_EVEN = 16  # the number of samples in a part is rounded up to a multiple of this: a block of 8 for each of two threads


def without_zeros(density: float) -> bool:
    """Return whether to store inputs without zeros (`inputs.Rows`), given the share of nonzero inputs, from 0 to 1."""
    return density < _MOST_ROWS


def sums_first(samples: int) -> bool:
    """Return whether to sum a mini-batch's gradient of the weights of sparse inputs, and then add it to the weights.

    Otherwise, the term of each sample is added to the weights, which saves a pass over all weights. But a term is
    smaller than the sum, so more of its digits are lost when it is added to a weight. In float32, with a large
    mini-batch and a small learning rate, most terms would not change the weight at all.
    """
    return samples >= _ENOUGH_TERMS


def threads(multiplications: float, parts: int, available: Callable[[], int]) -> int:
    """Return the number of threads for a mini-batch, if the work of layer 0 can be divided into `parts` parts."""
    return min(available(), parts) if multiplications > _LEAST_MULTIPLICATIONS else 1


def samples_at_a_time(samples: int, bytes_of_sample: float, bytes_of_weights: int) -> int:
    """Return the number of samples in a part of a mini-batch, or `samples` if the mini-batch should not be divided.

    After each part, the gradient of the part is added to sums, which are as large as the weights. If the sums stay in
    the cache, parts are short, so that inputs and activations stay in the cache too. If the sums do not fit into the
    cache, parts are long, so that few gradients are added to the sums. A part of samples of many bytes, such as large
    images, is short all the same, so that the memory for a part is bounded.

    Parameters
    ----------
    samples : int
        Number of samples in the mini-batch.
    bytes_of_sample : float
        Number of bytes of a sample's inputs, activations, slopes and errors.
    bytes_of_weights : int
        Number of bytes of the network's weights.
    """
    most = _SHORT if bytes_of_weights <= _CACHE else max(_SHORT, min(_LONG, int(_MEMORY // bytes_of_sample)))
    if samples < 2 * most or samples * bytes_of_sample <= _CACHE:
        return samples
    parts = -(-samples // most)
    return -(-samples // (parts * _EVEN)) * _EVEN
