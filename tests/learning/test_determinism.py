"""The same seed gives bit-identical results, for any number of threads and any speed of the machine.

Some engines guarantee equal bits only for the same number of threads, because BLAS sums in another order with more
threads. The modules of these engines document this restriction. With large layers, the tests run these engines
twice with the same number of threads.
"""

import contextlib

import numba
import numpy as np
import pytest
import threadpoolctl

from fastnet import Adam, BatchNormalization, Dataset, Dense, Dropout, GradientDescent, network2
from fastnet.engines import why_missing
from fastnet.kernels import threads
from fastnet.utils import progress

ENGINES = ("numba", "numpy", "reference", "torch-cpu")
SMALL = ((12, 8, 3), 7, 60)  # layers, mini-batch size, number of samples
LARGE = ((30, 1000, 5), 1000, 1500)
LAYERS = ((30, Dropout(0.1), Dense(1000, "linear"), BatchNormalization("relu"), Dropout(0.5), 20, 5), 1000, 1500)
MANY_SAMPLES = ((300, 30, 5), 700, 1500)  # samples outnumber neurons, so each thread gets some of the samples
COUNTS = (1, 2, 3, 8)


@pytest.fixture(params=ENGINES)
def engine(request):
    if why_missing(request.param) is not None:
        pytest.skip(f"without {request.param}: {why_missing(request.param)}")
    return request.param


@contextlib.contextmanager
def in_threads(count):
    """Set the number of threads of Numba, BLAS and PyTorch."""
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(numba.config, "NUMBA_NUM_THREADS", count)
        patch.setattr(threads, "_processors", lambda: count)
        patch.setattr(threads, "_single_thread_period", threads._SingleThreadPeriod())
        # Use all threads, even if processors are busy.
        patch.setattr(threads._single_thread_period, "update", lambda running: None)
        stack.enter_context(threadpoolctl.threadpool_limits(count))
        if why_missing("torch-cpu") is None:
            import torch

            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(count)
        yield


def bits(engine, task, epochs=2, **keywords):
    """Return all results of a training run, as bytes."""
    sizes, mini_batch_size, samples = task
    random = np.random.default_rng(0)
    inputs = random.standard_normal((samples, sizes[0])) * (random.random((samples, sizes[0])) < 0.8)
    data = Dataset(inputs, np.eye(sizes[-1])[random.integers(0, sizes[-1], samples)])
    net = network2.Network(sizes, engine=engine, seed=1)
    if "optimizer" not in keywords:
        keywords["momentum"] = 0.5
    series = net.SGD(
        data, epochs, mini_batch_size, 0.5, 1.0, data[:50], True, True, True, True,
        report=lambda history: None, monitor_mini_batch_cost=True, **keywords,
    )  # fmt: skip
    series = *series, net.history.series("mini_batch_cost")
    arrays = [*(array for own in net.parameters for array in own.values()), net.feedforward(data.inputs.T)]
    return [array.tobytes() for array in arrays] + [repr(series)]


@pytest.mark.parametrize(
    ("task", "keywords"),
    [
        (SMALL, {}),
        (LARGE, {}),
        (LAYERS, {"optimizer": Adam()}),
        (MANY_SAMPLES, {"optimizer": GradientDescent()}),
        (MANY_SAMPLES, {"optimizer": Adam(), "max_norm": 1.0}),
    ],
    ids=["small", "large", "layers", "many samples", "many samples, Adam"],
)
def test_the_compiled_engine_with_every_number_of_threads(task, keywords, monkeypatch):
    used = []
    run = threads.run
    monkeypatch.setattr(
        threads, "run", lambda work, count, **options: (used.append(count), run(work, count, **options))
    )
    results = []
    for count in COUNTS:
        with in_threads(count):
            results.append(bits("numba", task, **keywords))
    assert results[1:] == results[:1] * (len(COUNTS) - 1)
    assert set(used) == {1} if task is SMALL else len(set(used)) >= len(COUNTS)  # a small task uses one thread


@pytest.mark.parametrize("engine", ["numpy", "reference", "torch-cpu"], indirect=True)
def test_what_blas_does_not_divide_is_the_same_with_every_number_of_threads(engine):
    results = []
    for count in COUNTS:
        with in_threads(count):
            results.append(bits(engine, SMALL))
    assert results[1:] == results[:1] * (len(COUNTS) - 1)


@pytest.mark.parametrize("engine", ["numpy", "reference", "torch-cpu"], indirect=True)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_with_the_same_number_of_threads_it_is_the_same_again(engine, count):
    task = (LARGE[0], 50, 60) if engine == "reference" else LARGE  # `reference` is slow, and gets a smaller task
    with in_threads(count):
        first, again = (bits(engine, task, epochs=1) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_machine_that_is_slower_comes_to_the_same(engine, dropout, monkeypatch):
    """The amount of work between two readings of the clock depends on the machine's speed; the results do not."""
    results = []
    for seconds in (1e-9, 1e-3, 100):
        monkeypatch.setattr(progress, "_RUN", seconds)
        results.append(bits(engine, SMALL, dropout=dropout))
    assert results[1:] == results[:1] * 2
