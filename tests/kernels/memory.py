"""Arrays for tests of kernels. All elements are NaN, except those that a kernel may read."""

import numpy as np

# Initial value of elements that a kernel must not read. Elements that the kernel must not write keep this value.
FORBIDDEN = np.nan


class Memory:
    """Makes arrays of random integers, stored as floats, because sums of integers are exact in any order."""

    def __init__(self, dtype, seed=0):
        self.random, self.dtype = np.random.default_rng(seed), np.dtype(dtype)

    def at(self, places):
        """Return a flat array with drawn numbers at the indices `places`, and FORBIDDEN elsewhere."""
        array = np.full(places.max(initial=0) + 50, FORBIDDEN, self.dtype)
        array[places] = self.random.integers(-9, 10, places.shape)
        return array


def with_part(array, places, part):
    """Return a copy of `array` with `part` at the indices `places`."""
    array = array.copy()
    array[places] = part
    return array


def grid(start, *steps):
    """Return an array: for each pair (step, count) of `steps`, add step * arange(count) to `start` along a new axis."""
    places = np.array(start)
    for step, count in steps:
        places = places[..., np.newaxis] + step * np.arange(count)
    return places
