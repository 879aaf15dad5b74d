"""One epoch of 784-30-10 on 50,000 digits, mini-batches of 10: each engine, in both precisions."""

import numpy as np
import pytest

from fastnet.engines import ENGINES, engine_class
from fastnet.engines.contract import Architecture

ROUNDS = {"numba": 15, "numpy": 5, "reference": 2}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ENGINES)
def test_epoch(benchmark, name, dtype, training_data, few_samples, book_parameters, order):
    benchmark.group = f"one epoch of 784-30-10, mini-batches of 10, {dtype}"
    architecture = Architecture((784, 30, 10), np.dtype(dtype))
    check(engine_class(name)(architecture, *book_parameters, few_samples), book_parameters, few_samples)
    engine = engine_class(name)(architecture, *book_parameters, training_data)
    benchmark.pedantic(engine.epoch, args=(order, 10, 3.0), rounds=ROUNDS[name], warmup_rounds=1)


def check(engine, book_parameters, data):
    """Compare 50 mini-batches with the reference's."""
    architecture = Architecture(engine.architecture.sizes, np.dtype("float64"))
    reference = engine_class("reference")(architecture, *book_parameters, data)
    for each in (engine, reference):
        each.epoch(np.arange(len(data)), 10, 3.0)
    tolerance = {"float32": 1e-3, "float64": 1e-10}[engine.architecture.dtype.name]
    for arrays, expected in zip(engine.parameters(), reference.parameters(), strict=True):
        for array, expected_array in zip(arrays, expected, strict=True):
            np.testing.assert_allclose(array, expected_array, rtol=0, atol=tolerance)
