"""Random permutations: the same as those of NumPy's `RandomState`, in less than half of the time.

`RandomState.permutation` loops from the last number to the second, and swaps number i with the number at a random index
from 0 to i. The index consists of the lowest bits of a draw: as many bits as i has. An index larger than i is rejected,
and the next draw is used. Rejections would cause branch mispredictions, which take time. So the kernel writes every
index to memory, and the next index overwrites a rejected index. No branch depends on whether an index is rejected.

The draws are those of the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), computed 624 at a time. The kernel
changes the generator's state in place, at the address that NumPy gives. Copying the state from NumPy and back would
take longer than shuffling 10,000 numbers.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

from fastnet.kernels import parallel_compilation
from fastnet.kernels.compiler import kernel, part
from fastnet.kernels.vectors import item, set_item

_WORDS = 624  # number of words of the generator's state
_MIDDLE = 397  # distance between two words that are combined
_FEWEST = 1_000  # smallest n for which the kernel is used; NumPy shuffles fewer numbers in at most 15 us
_MOST = 1 << 32  # largest n for which the kernel is used; for larger n, NumPy draws indices of 64 bits


def calls(n: int) -> list[parallel_compilation.Call]:
    """Return the kernel that `permutation` calls for n numbers, with arguments; empty if no kernel is called."""
    if not _FEWEST <= n <= _MOST:
        return []
    return [(shuffle, (np.empty(0, np.int64), np.zeros(_WORDS + 1, np.uint32), np.empty(0, np.uint32)))]


def permutation(random: Any, n: int) -> np.ndarray:
    """Return `random.permutation(n)`, shape (n,), and leave the generator in the same state as NumPy's call.

    Parameters
    ----------
    random : module or RandomState
        `numpy.random`, or a `RandomState`.
    n : int
        Number of integers.
    """
    is_known = random is np.random or type(random) is np.random.RandomState
    bits = np.random.get_bit_generator() if random is np.random else getattr(random, "_bit_generator", None)
    if not (is_known and _FEWEST <= n <= _MOST and type(bits) is np.random.MT19937 and _is_as_expected()):
        order: np.ndarray = random.permutation(n)
        return order
    order = np.arange(n)
    with bits.lock:  # another thread must not draw the same numbers
        shuffle(order, _state(bits), np.empty(_WORDS, np.uint32))
    return order


def _state(bits: np.random.MT19937) -> np.ndarray:
    """Return a view of a generator's state: 624 words, and the number of used draws."""
    words = (ctypes.c_uint32 * (_WORDS + 1)).from_address(bits.ctypes.state_address)
    return np.frombuffer(memoryview(words), np.uint32)


@cache
def _is_as_expected() -> bool:
    """Return whether NumPy stores a generator's state in the form of `_state`, which NumPy does not guarantee."""
    bits = np.random.MT19937(0)
    bits.random_raw(7)
    state = bits.state["state"]
    return bool((_state(bits) == [*state["key"], state["pos"]]).all())


@kernel
def shuffle(order, state, draws):
    """Shuffle numbers as NumPy's `RandomState` does.

    Parameters
    ----------
    order : ndarray of int64, shape (n,)
        The numbers, which are shuffled in place.
    state : ndarray of uint32, shape (625,)
        The state of the generator, and the number of used draws; changed in place.
    draws : ndarray of uint32, shape (624,)
        Memory for the 624 draws that are computed from a state.
    """
    position = item(state, _WORDS)
    i, mask = len(order) - 1, 1
    while mask < i:
        mask = 2 * mask + 1
    while i > 0:
        if position == _WORDS:
            _advance(state)
            position = 0
        _draw(state, draws)
        last = i
        while position < _WORDS and i > 0:
            if i <= mask >> 1:
                mask >>= 1
            index = item(draws, position) & mask
            set_item(draws, last - i, index)  # overwrites a used draw
            i -= index <= i
            position += 1
        for k in range(last - i):
            index, number = item(draws, k), item(order, last - k)
            set_item(order, last - k, item(order, index))
            set_item(order, index, number)
    set_item(state, _WORDS, position)


@part
def _advance(state):
    """Compute the next 624 words of the state."""
    _combine(state, 0, _WORDS - _MIDDLE, _MIDDLE)
    set_item(state, _WORDS, item(state, 0))  # the last word is combined with the new first word
    _combine(state, _WORDS - _MIDDLE, _WORDS, _MIDDLE - _WORDS)


@part
def _combine(state, start, stop, distance):
    """Replace each word by a combination of the word, the next word, and the word at `distance`."""
    for k in range(start, stop):
        word = item(state, k) & 0x80000000 | item(state, k + 1) & 0x7FFFFFFF
        set_item(state, k, item(state, k + distance) ^ word >> 1 ^ -(word & 1) & 0x9908B0DF)


@part
def _draw(state, draws):
    """Compute the 624 draws from a state."""
    for k in range(_WORDS):
        word = item(state, k)
        word ^= word >> 11
        word ^= word << 7 & 0x9D2C5680
        word ^= word << 15 & 0xEFC60000
        set_item(draws, k, word ^ word >> 18)
