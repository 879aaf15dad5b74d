import numpy as np
import pytest


@pytest.fixture
def blobs():
    """A function that draws inputs, normally distributed around one centre per class, and returns inputs and labels."""

    def draw(classes, samples=60, n_in=5, spread=1.5, seed=0):
        random = np.random.default_rng(seed)
        labels = np.arange(samples) % classes
        centres = 3 * random.standard_normal((classes, n_in))
        return centres[labels] + spread * random.standard_normal((samples, n_in)), labels

    return draw
