"""From the same parameters, data and order, every engine gives what the reference gives."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastnet import Dataset
from fastnet.kernels import choice
from fastnet.kernels.inputs import Rows
from fastnet.kernels.products import AT_A_TIME, SAMPLES_IN_CACHE
from fastnet.kernels.vectors import lanes_of

OTHERS = ("numba", "numpy", "torch")
PRECISION = {"float64": 1e-10, "float32": 1e-3}


def largest_difference(engine, reference):
    weights, biases = engine.parameters()
    expected_weights, expected_biases = reference.parameters()
    pairs = zip(weights + biases, expected_weights + expected_biases, strict=True)
    return max(np.abs(array - expected).max() for array, expected in pairs)


@pytest.fixture(scope="module")
def book_start():
    """The book's initial parameters of 784-30-10, and an order of 200 mini-batches of 10."""
    random = np.random.RandomState(1)
    biases = [random.randn(y, 1) for y in (30, 10)]
    weights = [random.randn(y, x) for y, x in ((30, 784), (10, 30))]
    return weights, biases, random.permutation(50_000)[:2000]


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", [*OTHERS, "reference"])
def test_200_mini_batches_of_mnist(name, dtype, mnist, book_start, make_engine):
    weights, biases, order = book_start
    sizes = [784, 30, 10]
    reference = make_engine("reference", sizes, weights, biases, mnist[0])
    engine = make_engine(name, sizes, weights, biases, mnist[0], dtype)
    reference.epoch(order, 10, 3.0)
    engine.epoch(order, 10, 3.0)
    assert largest_difference(engine, reference) < PRECISION[dtype]
    assert all(array.dtype == dtype for array in chain(*engine.parameters()))


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", OTHERS)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=5),
    samples=st.integers(1, 40),
    mini_batch_size=st.integers(1, 50),
    zeros=st.sampled_from([0.0, 0.8, 1.0]),
    data_type=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_drawn_networks(
    name, dtype, make_engine, draw_parameters, sizes, samples, mini_batch_size, zeros, data_type, seed
):
    random = np.random.default_rng(seed)
    weights, biases = draw_parameters(sizes, random)
    inputs = random.standard_normal((samples, sizes[0])) * (random.random((samples, sizes[0])) >= zeros)
    data = Dataset(inputs.astype(data_type), random.random((samples, sizes[-1])))
    reference = make_engine("reference", sizes, weights, biases, data)
    engine = make_engine(name, sizes, weights, biases, data, dtype)
    for _ in range(3):
        order = random.permutation(samples)  # the last mini-batch is short more often than not
        reference.epoch(order, mini_batch_size, 0.5)
        engine.epoch(order, mini_batch_size, 0.5)
        assert largest_difference(engine, reference) < PRECISION[dtype]

    assert np.abs(engine.outputs(data.inputs) - reference.outputs(data.inputs)).max() < PRECISION[dtype]


# Every path of the compiled kernel: sizes, samples, mini-batch size, part of the inputs that is not zero, threads.
CASES = [
    ([20, 17, 19, 3], 50, 7, 0.2, 1),
    ([21, 40, 33, 4], 48, 10, 0.2, 2),
    ([22, 100, 10], 45, 4, 1.0, 1),
    ([23, 70, 41, 40], 130, 129, 1.0, 3),
    ([24, 31, 7], 33, 1, 0.1, 1),
    ([5, 34, 36], 71, 35, 1.0, 2),
    ([9, 6], 20, 8, 0.3, 1),
    ([11, 33, 2], 9, 4, 1.0, 1),
    ([14, 35, 6], 12, 5, 0.8, 2),
    ([8, 65, 66, 67, 2], 90, 13, 0.9, 2),
]


def paths(engine, sizes, samples, mini_batch_size, threads):
    """Name the paths and remainders of the kernel that a case goes through."""
    batches = {mini_batch_size, samples % mini_batch_size or mini_batch_size}
    rows = isinstance(engine._inputs, Rows)
    found = {"rows" if rows else "matrix", f"{threads} threads", f"{len(sizes) - 2} hidden layers"}
    found |= {
        f"{panels} panels"
        for panels in {-(-size // lanes_of(engine.architecture.dtype)) for size in sizes[1:]}
        if panels < 4
    }
    if len(batches) > 1:
        found.add("a short mini-batch")
    if max(batches) > SAMPLES_IN_CACHE:
        found.add("more samples than a cache holds")
    if rows:
        found |= {f"{n % 2} inputs left" for n in np.diff(engine._inputs.starts)}
    else:
        found |= {f"{m % AT_A_TIME} samples left" for m in batches} | {f"{sizes[0] % AT_A_TIME} inputs in fives left"}
    return found | {f"{size % AT_A_TIME} outputs left" for size in sizes[2:]}


def make_case(make_engine, draw_parameters, monkeypatch, case, name, dtype):
    sizes, samples, _, density, threads = case
    monkeypatch.setattr(choice, "threads", lambda multiplications, parts, available: min(threads, parts))
    random = np.random.default_rng(0)
    weights, biases = draw_parameters(sizes, random)
    inputs = random.standard_normal((samples, sizes[0])) * (random.random((samples, sizes[0])) < density)
    data = Dataset(inputs, random.random((samples, sizes[-1])))
    return make_engine(name, sizes, weights, biases, data, dtype), random.permutation(samples)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_path_of_the_compiled_kernel(make_engine, draw_parameters, monkeypatch, case, dtype):
    engine, order = make_case(make_engine, draw_parameters, monkeypatch, case, "numba", dtype)
    reference, _ = make_case(make_engine, draw_parameters, monkeypatch, case, "reference", "float64")
    for each in (engine, reference):
        each.epoch(order, case[2], 0.5)
    assert largest_difference(engine, reference) < PRECISION[dtype]
    data = reference.data
    assert np.abs(engine.outputs(data) - reference.outputs(data)).max() < PRECISION[dtype]
    ours, theirs = (each.gradients(data.inputs, data.targets) for each in (engine, reference))
    for array, expected in zip(chain(*ours), chain(*theirs), strict=True):
        np.testing.assert_allclose(array, expected, rtol=0, atol=PRECISION[dtype])


@pytest.mark.parametrize("dtype", PRECISION)
def test_the_cases_hit_every_path(make_engine, draw_parameters, monkeypatch, dtype):
    hit = set()
    for case in CASES:
        sizes, samples, mini_batch_size, _, threads = case
        engine, _ = make_case(make_engine, draw_parameters, monkeypatch, case, "numba", dtype)
        hit |= paths(engine, sizes, samples, mini_batch_size, threads)
    remainders = [f"{n} {what} left" for what in ("samples", "inputs in fives", "outputs") for n in range(AT_A_TIME)]
    assert hit >= {
        "rows", "matrix", "1 threads", "2 threads", "3 threads", "0 hidden layers", "1 hidden layers",
        "3 hidden layers", "1 panels", "2 panels", "3 panels", "a short mini-batch", "more samples than a cache holds",
        "0 inputs left", "1 inputs left", *remainders,
    }  # fmt: skip


def test_the_padding_stays_zero_through_short_mini_batches(make_engine, draw_parameters):
    """The parameters' padding is not seen from outside, but everything that is summed along a row includes it."""
    random = np.random.default_rng(0)
    sizes = [20, 17, 19, 3]
    weights, biases = draw_parameters(sizes, random)
    engine = make_engine("numba", sizes, weights, biases, Dataset(random.random((50, 20)), random.random((50, 3))))
    for _ in range(5):
        engine.epoch(random.permutation(50), 7, 0.5)
    weights, biases = engine.parameters()
    assert np.count_nonzero(engine._parameters.weights) == sum(np.count_nonzero(w) for w in weights)
    assert np.count_nonzero(engine._parameters.biases) == sum(np.count_nonzero(b) for b in biases)


@pytest.mark.parametrize("samples", [0, 1, 1023, 1024, 1025, 2100])
def test_outputs_of_any_number_of_samples(make_engine, draw_parameters, monkeypatch, samples):
    """More are fed forward in several goes, which threads divide."""
    monkeypatch.setattr(choice, "threads", lambda multiplications, parts, available: min(2, parts))
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([3, 40, 2], random)
    ours, theirs = (make_engine(name, [3, 40, 2], weights, biases) for name in ("numba", "numpy"))
    inputs = random.random((samples, 3))
    assert ours.outputs(inputs).shape == (samples, 2)
    np.testing.assert_allclose(ours.outputs(inputs), theirs.outputs(inputs), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", PRECISION)
def test_an_infinite_input_saturates_and_does_no_more(make_engine, draw_parameters, dtype):
    """In the padding of the compiled kernel's panels, infinity times a weight of zero is not a number."""
    weights, biases = draw_parameters([3, 5, 2], np.random.default_rng(0))
    inputs = np.array([[1, np.inf, 0], [1, 2, -np.inf]])
    ours, theirs = (make_engine(name, [3, 5, 2], weights, biases, None, dtype) for name in ("numba", "reference"))
    np.testing.assert_allclose(ours.outputs(inputs), theirs.outputs(inputs), rtol=1e-6)


def test_an_order_that_names_what_is_not_there(engine_name, make_engine, draw_parameters):
    weights, biases = draw_parameters([2, 1], np.random.default_rng(0))
    engine = make_engine(engine_name, [2, 1], weights, biases, Dataset(np.zeros((4, 2)), np.zeros((4, 1))))
    for bad in ([4], [0, 10**7], [-1]):
        with pytest.raises(IndexError, match="there are 4 samples"):
            engine.epoch(np.array(bad), 1, 0.5)
    with pytest.raises(ValueError, match="there is nothing to train on"):
        make_engine(engine_name, [2, 1], weights, biases).epoch(np.array([0]), 1, 0.5)


def test_an_epoch_in_pieces_of_whole_mini_batches_is_the_same_epoch(engine_name, make_engine, draw_parameters):
    random = np.random.default_rng(0)
    sizes = [20, 17, 3]
    weights, biases = draw_parameters(sizes, random)
    data = Dataset(random.random((50, 20)), random.random((50, 3)))
    order = random.permutation(50)
    whole, pieces = (make_engine(engine_name, sizes, weights, biases, data) for _ in range(2))
    whole.epoch(order, 7, 0.5)
    for piece in (order[:7], order[7:35], order[35:]):
        pieces.epoch(piece, 7, 0.5)
    assert largest_difference(pieces, whole) == 0


def test_the_reference_by_hand(make_engine):
    """One neuron, one sample: sigmoid(0.6 * 1 + 0.9) and its first step, worked out with pencil and paper."""
    data = Dataset([[1.0]], [[0.0]])
    engine = make_engine("reference", [1, 1], [np.array([[0.6]])], [np.array([[0.9]])], data)
    a = 1 / (1 + np.exp(-1.5))
    assert engine.outputs(data.inputs)[0, 0] == pytest.approx(a, rel=1e-15)
    engine.epoch(np.array([0]), 1, 0.15)
    (weights,), (biases,) = engine.parameters()
    step = 0.15 * a * a * (1 - a)
    assert weights[0, 0] == pytest.approx(0.6 - step, rel=1e-14)
    assert biases[0, 0] == pytest.approx(0.9 - step, rel=1e-14)


def test_an_engine_keeps_its_hands_off_what_it_is_given(engine_name, make_engine, draw_parameters):
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([6, 4, 2], random)
    data = Dataset(random.random((9, 6)), random.random((9, 2)))
    copies = [array.copy() for array in (*weights, *biases, data.inputs, data.targets)]
    engine = make_engine(engine_name, [6, 4, 2], weights, biases, data)
    engine.epoch(np.arange(9), 4, 1.0)
    for handed_back in chain(*engine.parameters()):
        handed_back[:] = np.nan
    assert all(np.isfinite(array).all() for array in chain(*engine.parameters()))
    for array, copy in zip((*weights, *biases, data.inputs, data.targets), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
