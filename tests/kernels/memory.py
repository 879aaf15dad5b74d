"""Memory for kernels in which there are numbers only where a kernel may read."""

import numpy as np

LOST = np.nan  # what no kernel has to read; nor to write to, where it is in the result


class Memory:
    """Draws whole numbers, whose sums are exact in any order."""

    def __init__(self, dtype, seed=0):
        self.random, self.dtype = np.random.default_rng(seed), np.dtype(dtype)

    def at(self, places):
        """Return a flat array of numbers at these places, an array of indices; all else in it is lost."""
        array = np.full(places.max(initial=0) + 50, LOST, self.dtype)
        array[places] = self.random.integers(-9, 10, places.shape)
        return array


def with_part(array, places, part):
    """Return a copy of an array with a part in these places."""
    array = array.copy()
    array[places] = part
    return array


def grid(start, *steps):
    """Return start + sum of i step, over all combinations: `steps` are pairs of a step and a count."""
    places = np.array(start)
    for step, count in steps:
        places = places[..., np.newaxis] + step * np.arange(count)
    return places
