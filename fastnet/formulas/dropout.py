"""Dropout masks, the same in every engine.

A counter-based generator, Philox (Salmon et al. 2011), draws the masks. In a given network, the mask of a sample
depends only on the seed and on the number of samples that came before, in all epochs. So the masks do not depend on how
an epoch is divided into calls of `kept`. Each sample has its own mask, as in Srivastava et al. (2014) and in the book's
`network3`. The book's chapter 3, "Dropout", has one mask per mini-batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_NUMBERS_IN_A_BLOCK = 8  # number of 32-bit numbers that Philox generates for each value of its counter
_NEURONS_AT_A_TIME = 1 << 22  # largest number of random numbers for a part (16 MiB), unless a mini-batch needs more


def parts(order: np.ndarray, mini_batch_size: int, neurons: int) -> Iterator[np.ndarray]:
    """Divide the order of the samples into parts of whole mini-batches, to limit the memory for masks."""
    mini_batches = max(1, _NEURONS_AT_A_TIME // (mini_batch_size * max(neurons, 1)))
    samples = mini_batches * mini_batch_size
    for start in range(0, len(order), samples):
        yield order[start : start + samples]


def kept(seed: int, first: int, samples: int, probabilities: np.ndarray) -> np.ndarray:
    """Return the dropout masks of consecutive samples: True where a neuron is kept.

    Parameters
    ----------
    seed : int
        Seed of the generator.
    first : int
        Index of the first sample, counted from 0 and across all epochs.
    samples : int
        Number of samples.
    probabilities : ndarray of float32, shape (neurons,)
        Probability with which each neuron is dropped, at least 0 and less than 1.

    Returns
    -------
    ndarray of bool, shape (samples, neurons)
        Whether each neuron is kept.
    """
    neurons = len(probabilities)
    blocks = -(-neurons // _NUMBERS_IN_A_BLOCK)  # whole blocks, so that each sample begins with a new block
    generator = np.random.Generator(np.random.Philox(key=seed).advance(first * blocks))
    numbers = generator.random((samples, blocks * _NUMBERS_IN_A_BLOCK), np.float32)
    return numbers[:, :neurons] >= probabilities
