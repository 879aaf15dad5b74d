"""Measures the time of one epoch of 50,000 digits, with fastnet's engines and the libraries in `peers.py`."""

import warnings
from dataclasses import replace

import numpy as np
import peers
import pytest

from fastnet.comparison.timing import drawn, flat
from fastnet.engines import ENGINES, engine_class, why_missing

BOOKS = (784, 30, 10), 10
NETWORKS = (BOOKS, ((784, 100, 10), 10), ((784, 300, 10), 100), ((784, 100, 100, 10), 32))
ROUNDS = {"numba": 9, "numpy": 3}  # number of rounds of these engines; all other engines have one round
TOLERANCE = {"float32": 1e-3, "float64": 1e-10}


def label(value):
    return "-".join(map(str, value[0])) + f" by {value[1]}" if isinstance(value, tuple) else value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("network", NETWORKS, ids=label)
@pytest.mark.parametrize("name", ENGINES)
def test_engine(benchmark, name, network, dtype, training_data, few_samples, order):
    if why_missing(name) is not None:
        pytest.skip(why_missing(name))
    if (name in ("torch", "reference") or dtype == "float64") and network != BOOKS:
        pytest.skip("too slow for this network; `fastnet compare` measures the engine")
    run(benchmark, name, engine_class(name), network, dtype, training_data, few_samples, order)


@pytest.mark.parametrize("name", [*peers.ENGINES, *peers.MISSING])
def test_peer(benchmark, name, training_data, few_samples, order):
    if name in peers.MISSING:
        pytest.skip(peers.MISSING[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of the peers
        run(benchmark, name, peers.ENGINES[name], BOOKS, "float32", training_data, few_samples, order)


def run(benchmark, name, class_, network, dtype, training_data, few_samples, order):
    sizes, mini_batch_size = network
    benchmark.group = f"one epoch of {'-'.join(map(str, sizes))}, mini-batches of {mini_batch_size}, {dtype}"
    architecture, parameters = drawn(sizes, dtype, np.random.RandomState(0))
    if name not in peers.OF_ANOTHER_COST:
        check(class_(architecture, parameters, few_samples), parameters, few_samples, mini_batch_size)
    engine = class_(architecture, parameters, training_data)
    rounds = ROUNDS.get(name, 1)
    benchmark.pedantic(engine.epoch, args=(order, mini_batch_size, 3.0), rounds=rounds, warmup_rounds=int(rounds > 1))


def check(engine, parameters, data, mini_batch_size):
    """Check the parameters after an epoch of a few samples against those of the engine `reference`."""
    architecture = replace(engine.architecture, dtype=np.dtype("float64"))
    reference = engine_class("reference")(architecture, parameters, data)
    for each in (engine, reference):
        each.epoch(np.arange(len(data)), mini_batch_size, 0.5)
    tolerance = TOLERANCE[engine.architecture.dtype.name]
    np.testing.assert_allclose(flat(engine.parameters()), flat(reference.parameters()), rtol=0, atol=tolerance)
