"""Which neurons are left out for which sample: the same in every engine.

The numbers come from a counter-based generator, Philox (Salmon et al. 2011): those of the i-th sample that is trained
on depend on the seed and on i alone, not on how an epoch is divided into calls. The book leaves out the same neurons
for a whole mini-batch (chapter 3, "Dropout"); here it is decided for each sample, as has become usual (Srivastava et
al. 2014), and as the book's `network3` does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_NUMBERS_IN_A_BLOCK = 8  # of 32 bits, for each value of Philox's counter
_NEURONS_AT_A_TIME = 1 << 22  # bounds the memory: 16 MB


def parts(order: np.ndarray, mini_batch_size: int, neurons: int) -> Iterator[np.ndarray]:
    """Divide an order into parts of whole mini-batches, so that what is drawn for one needs little memory."""
    mini_batches = max(1, _NEURONS_AT_A_TIME // (mini_batch_size * max(neurons, 1)))
    samples = mini_batches * mini_batch_size
    for start in range(0, len(order), samples):
        yield order[start : start + samples]


def kept(seed: int, first: int, samples: int, probabilities: np.ndarray) -> np.ndarray:
    """Return which neurons are kept for which sample.

    Parameters
    ----------
    seed : int
        Seed of the generator.
    first : int
        Number of the first sample, counted through all epochs.
    samples : int
        Number of samples.
    probabilities : ndarray of float32, shape (neurons,)
        The probability with which each neuron is left out, at least 0 and less than 1.

    Returns
    -------
    ndarray of bool, shape (samples, neurons)
    """
    neurons = len(probabilities)
    blocks = -(-neurons // _NUMBERS_IN_A_BLOCK)  # whole blocks a sample, so that the next begins with one
    generator = np.random.Generator(np.random.Philox(key=seed).advance(first * blocks))
    numbers = generator.random((samples, blocks * _NUMBERS_IN_A_BLOCK), np.float32)
    return numbers[:, :neurons] >= probabilities
