"""Compares regularization of all weights, by one thread or several, with `formulas.regularization`."""

import numpy as np
import pytest

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, MaxPooling
from fastnet.formulas.regularization import bounded
from fastnet.kernels import arrays, layout, regularization, threads
from fastnet.kernels.compiler import kernel

DTYPES = ("float32", "float64")


@kernel
def regularize(scale, max_norm, there, parameters, share, waits):
    if max_norm > 0:
        waits = regularization.bound_norms(max_norm, there, parameters, share, waits)
    else:
        regularization.rescale(scale, there, parameters, share)
    return waits


NETWORKS = {
    "dense": ((20,), (Dense(70), BatchNormalization(), Dense(33), Dense(40), BatchNormalization(), Dense(1))),
    "images": (
        (2, 9, 8),
        (Convolution(5, (3, 2)), MaxPooling(), BatchNormalization(), Convolution(19, 2), Dense(33), Dense(7)),
    ),
}
EACH_NETWORK = pytest.mark.parametrize("network", NETWORKS)


class Weights:
    """Weights of layers of several widths. The norm of a neuron's weights is 0, or about 0.5 to 2; the bound is 1."""

    def __init__(self, dtype, network):
        random = np.random.default_rng(0)
        self.architecture = Architecture(*NETWORKS[network], dtype=np.dtype(dtype))
        self.there = layout.layout_of(self.architecture)
        self.arrays = [
            {name: random.standard_normal(shape).astype(dtype) for name, shape in trained.items()}
            for trained in self.architecture.trained
        ]
        for own in self.arrays:
            if "weights" in own:
                rows = own["weights"].reshape(len(own["weights"]), -1)
                rows *= random.uniform(0.5, 2, (len(rows), 1)) / np.sqrt(rows.shape[1])
                own["weights"][1:2] = 0
        self.parameters = arrays.from_arrays(self.architecture, self.there, self.arrays)

    def assert_changed(self, change):
        """Check that the weights are `change(initial weights)`, and that other parameters and padding are unchanged."""
        found = arrays.to_arrays(self.architecture, self.there, self.parameters)
        for own, before in zip(found, self.arrays, strict=True):
            for name, array in own.items():
                if name == "weights":
                    expected = change(before[name].astype(np.longdouble)).astype(float)
                    np.testing.assert_allclose(array, expected, rtol=16 * np.finfo(array.dtype).eps)
                else:
                    np.testing.assert_array_equal(array, before[name])
        numbers = sum(np.count_nonzero(array) for own in found for array in own.values())
        assert np.count_nonzero(self.parameters.values) == numbers


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("dtype", DTYPES)
@EACH_NETWORK
def test_the_norm_of_each_neurons_weights_is_bounded(network, dtype, count):
    weights, waits = Weights(dtype, network), []

    def bound(share):
        waits.append(regularize(1.0, 1.0, weights.there, weights.parameters, share, 0))

    threads.run(bound, count)
    weights.assert_changed(lambda w: bounded(w, 1.0))
    assert waits == [2] * count  # number of times that the threads waited for each other
    w = weights.arrays[0]["weights"].reshape(len(weights.arrays[0]["weights"]), -1)
    assert 0 < np.count_nonzero(np.linalg.norm(w, axis=1) > 1) < len(w)  # some norms exceed the bound


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("dtype", DTYPES)
@EACH_NETWORK
def test_weights_are_multiplied_by_their_scale_once(network, dtype, count):
    weights = Weights(dtype, network)
    for thread in range(count):
        share = threads.Share(thread, count, np.zeros(1, np.int64))
        assert regularize(0.75, 0.0, weights.there, weights.parameters, share, 5) == 5
    weights.assert_changed(lambda w: 0.75 * w)
