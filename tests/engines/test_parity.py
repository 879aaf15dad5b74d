"""With equal parameters, data and order of samples, every engine gives the results of the engine `reference`."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from engines.drawing import SEEDS, architectures, arrays_of, descents, drawn, largest_difference, same_bits, task_of
from engines.names import CONVOLUTIONAL, OPTIMIZERS
from hypothesis import assume, given
from hypothesis import strategies as st

from fastnet import Dataset
from fastnet.datasets.classes import classes_of
from fastnet.engines import ENGINES, engine_class, why_missing
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import CustomCost
from fastnet.formulas.layers import BatchNormalization, Dense
from fastnet.formulas.optimizers import GradientDescent
from fastnet.kernels import choice
from fastnet.kernels.inputs import Rows
from fastnet.kernels.layout import (
    ENOUGH_SAMPLES,
    NUMBERS_IN_CACHE,
    OUTPUTS_AT_A_TIME,
    SAMPLES_AT_A_TIME,
    SAMPLES_OF_SUMS,
)
from fastnet.kernels.product_blocks import ROWS
from fastnet.kernels.products import _ENOUGH_PANELS, _PANELS_IN_CACHE, _SAMPLES_IN_CACHE
from fastnet.kernels.shares import WEIGHTS_IN_CACHE
from fastnet.kernels.vectors import lanes_of

PRECISION = {"float64": 1e-10, "float32": 1e-3}


def tasks(epsilons, ways, *, images=False):
    widths = st.integers(1, 6) if images else st.integers(1, 6) | st.integers(1, 40)
    return st.tuples(
        architectures(widths, epsilons=st.sampled_from(epsilons), images=images),
        st.integers(1, 8 if images else 40),  # number of samples
        st.integers(3, 50),  # mini-batch size
        st.sampled_from([0.0, 0.8]),  # share of inputs that are 0
        st.booleans(),  # whether the inputs are sparse
        st.booleans(),  # whether there are sample weights
        st.lists(st.sampled_from([0.01, 0.02, 0.05]), min_size=3, max_size=3),
        ways,
        st.integers(1, 3),  # number of threads
        SEEDS,
    )


def without_jumps(descent):
    """Return the settings, without L1 if the optimizer divides by the size of gradients.

    L1's gradient jumps where a weight changes its sign, and rounding errors decide the sign of a weight near 0.
    """
    return descent if isinstance(descent.optimizer, GradientDescent) else replace(descent, l1=0.0)


# The engine `reference` is left out: it always computes in float64, so this test would compare it with itself.
#
# Larger learning rates would make training chaotic: RMSProp's first steps are up to ten times the learning rate.
# Networks with linear neurons can still diverge. Diverging examples are left out.
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@pytest.mark.parametrize("engine_name", [name for name in ENGINES if name != "reference"], indirect=True)
@given(tasks([1e-3, 1e-2], descents()))
@drawn(30)
def test_drawn_networks(engine_name, task):
    compare(engine_name, "float64", *task)


# The same examples are drawn every time, because a new example could fail. Float32 loses too many digits if a rectified
# neuron is near its kink, or if a neuron before batch normalization is nearly constant over a mini-batch.
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@given(tasks([0.1], descents().map(without_jumps)))
@drawn(20, derandomize=True)
def test_drawn_networks_in_float32(engine_name, task):
    compare(engine_name, "float32", *task)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@pytest.mark.parametrize("engine_of_images", [name for name in CONVOLUTIONAL if name != "reference"], indirect=True)
@given(tasks([1e-3, 1e-2], descents(), images=True))
@drawn(12)
def test_drawn_networks_of_images(engine_of_images, task):
    compare(engine_of_images, "float64", *task)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@given(tasks([0.1], descents().map(without_jumps), images=True))
@drawn(8, derandomize=True)
def test_drawn_networks_of_images_in_float32(engine_of_images, task):
    compare(engine_of_images, "float32", *task)


def compare(name, dtype, architecture, samples, mini_batch_size, zeros, sparse, weighted, etas, descent, threads, seed):
    """Compare an engine with the engine `reference`, unless the results are too sensitive to rounding errors.

    For the check, all parameters change by the factor 1 + 8 eps or 1 - 8 eps, and all inputs by 8 eps, where eps is the
    dtype's machine epsilon. The results are too sensitive if these changes alter the reference's results by more than a
    tenth of the tolerance. A chain of batch normalizations can have this effect, because each normalization can
    multiply rounding errors by 1 / sqrt(epsilon). Inputs of 0 are changed, too, because if all inputs are 0, a neuron's
    outputs for different samples differ only by rounding errors.
    """
    if sparse:
        pytest.importorskip("scipy")
    random, precision = np.random.default_rng(seed), PRECISION[dtype]
    task = task_of(architecture, random, samples, zeros=zeros, weighted=weighted, sparse=sparse)
    roundings = [
        {key: array * (1 + random.choice([-8, 8], array.shape) * np.finfo(dtype).eps) for key, array in own.items()}
        for own in task.parameters
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "threads", lambda multiplications, parts, available: min(threads, parts))
        engine, reference = task.engine(name, dtype), task.engine("reference")
        moved = task.data.rows[:] + random.choice([-8, 8], (samples, architecture.n_in)) * np.finfo(dtype).eps
        beside = replace(task, data=Dataset(moved, task.data.targets)).engine("reference", parameters=roundings)
        for eta in etas:
            order = random.permutation(samples)
            expected = reference.epoch(order, mini_batch_size, eta, descent, with_costs=True).costs
            beside.epoch(order, mini_batch_size, eta, descent)
            largest = max(np.abs(array).max() for array in arrays_of(reference.parameters()))
            assume(largest < 100)
            tolerance = precision * max(largest, 1)
            assume(largest_difference(beside.parameters(), reference.parameters()) < tolerance / 10)
            found = engine.epoch(order, mini_batch_size, eta, descent, with_costs=True).costs
            assert largest_difference(engine.parameters(), reference.parameters()) < tolerance
            assert found == pytest.approx(expected, rel=precision, abs=precision)
        assert all(array.dtype == dtype for array in arrays_of(engine.parameters()))

        rows = task.data.rows
        outputs, measure = reference.outputs(rows), reference.measure(task.data, cost=True)
        assume(np.allclose(beside.outputs(rows), outputs, rtol=precision / 10, atol=precision / 10))
        for given_as in (rows, task.data):
            np.testing.assert_allclose(engine.outputs(given_as), outputs, rtol=precision, atol=precision)
        found = engine.measure(task.data, cost=True)
        assert found.cost == pytest.approx(measure.cost, rel=precision)
        labels = classes_of(task.data, architecture.n_out, architecture.outputs.activation).labels
        assert found.correct == np.count_nonzero(found.predictions == labels)
        if dtype == "float64":
            np.testing.assert_array_equal(found.predictions, measure.predictions)


@pytest.fixture(scope="module")
def book_start():
    """Weights and biases of 784-30-10, drawn as in the book, and the sample indices of 200 mini-batches of 10."""
    random = np.random.RandomState(1)
    biases = [random.randn(y, 1) for y in (30, 10)]
    weights = [random.randn(y, x) for y, x in ((30, 784), (10, 30))]
    return weights, biases, random.permutation(50_000)[:2000]


@pytest.fixture(scope="module")
def reference_after_200_mini_batches(mnist, book_start):
    weights, biases, order = book_start
    architecture = Architecture.dense((784, 30, 10), np.dtype("float64"))
    reference = engine_class("reference")(architecture, architecture.parameters(weights, biases), mnist[0])
    reference.epoch(order, 10, 3.0)
    return reference.parameters()


@pytest.mark.parametrize("dtype", PRECISION)
def test_200_mini_batches_of_mnist(
    engine_name, dtype, mnist, book_start, reference_after_200_mini_batches, make_engine
):
    weights, biases, order = book_start
    engine = make_engine(engine_name, [784, 30, 10], weights, biases, mnist[0], dtype)
    engine.epoch(order, 10, 3.0)
    assert largest_difference(engine.parameters(), reference_after_200_mini_batches) < PRECISION[dtype]


# Cases for every path of the compiled kernel. A case consists of the sizes, the number of samples, the mini-batch size,
# the share of nonzero inputs, and the number of threads.
CASES = [
    ([20, 17, 19, 3], 50, 7, 0.2, 1),
    ([21, 40, 33, 4], 48, 10, 0.2, 2),
    ([22, 100, 10], 45, 4, 1.0, 1),
    ([23, 70, 41, 40], 130, 129, 1.0, 3),
    ([24, 31, 7], 33, 1, 0.1, 1),
    ([5, 34, 36], 71, 35, 1.0, 2),
    ([9, 6], 20, 8, 0.3, 1),
    ([11, 33, 2], 10, 4, 1.0, 1),
    ([14, 35, 6], 12, 5, 0.8, 2),
    ([8, 65, 66, 67, 2], 90, 13, 0.9, 2),
    ([130, 16 * 32 + 1, 9, 2], 17, 12, 1.0, 1),
    ([6, 10, 64, 13], 21, 8, 1.0, 1),
    ([260, 240, 70, 3], 250, 200, 0.9, 2),
    ([4, 260, 510, 3], 20, 6, 1.0, 1),
    ([5, 300, 440, 3], 20, 7, 0.5, 2),
    ([7, 5, 3], 14, 9, 1.0, 1),
    ([7, 5, 3], 17, 11, 1.0, 1),
]


def paths(engine, sizes, samples, mini_batch_size, threads):
    """Return the names of the kernel's paths and remainders that a case covers."""
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
    lanes, most = lanes_of(engine.architecture.dtype), max(batches)
    if rows:
        found |= {f"{n % 2} inputs left" for n in np.diff(engine._inputs.starts)}
    else:
        found.add("more inputs than a cache holds" if sizes[0] > NUMBERS_IN_CACHE else "few inputs")
        found |= {"packed inputs"} if sizes[1] > (_ENOUGH_PANELS - 1) * lanes else set()
        divided = {f"divided {'samples' if m > sizes[1] else 'neurons'} of layer 0" for m in batches}
        found |= divided if threads > 1 else set()
    for n_in, n_out in pairwise(sizes[1:]):
        found.add("transposed weights" if most >= ENOUGH_SAMPLES else "dot products")
        found |= {f"{n_out % 2} outputs in pairs left"} if min(batches) < ENOUGH_SAMPLES else set()
        found |= {"a part of a panel above" if n_out % lanes else "whole panels above"}
        found |= {"panels above"} if n_out > lanes else set()
        found |= {"more outputs than at a time"} if n_out > OUTPUTS_AT_A_TIME else set()
        found |= {"more panels than a cache holds"} if n_in > _PANELS_IN_CACHE * lanes else set()
        found |= {f"{m % ROWS} samples left" for m in batches} if threads == 1 else set()
        found |= {"more samples than at a time"} if most > SAMPLES_AT_A_TIME else set()
        if min(batches) < ENOUGH_SAMPLES:
            is_divided = threads > 1 and n_in * n_out > WEIGHTS_IN_CACHE
            found.add("divided outputs above" if is_divided else "divided samples above")
            found |= {"several groups of panels"} if n_in // threads > WEIGHTS_IN_CACHE // n_out else set()
    return found | ({"more samples than a cache holds"} if most > max(_SAMPLES_IN_CACHE, SAMPLES_OF_SUMS) else set())


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
    assert largest_difference(engine.parameters(), reference.parameters()) < PRECISION[dtype]
    data = reference.data
    assert np.abs(engine.outputs(data) - reference.outputs(data)).max() < PRECISION[dtype]
    ours, theirs = (each.gradients(data.inputs, data.targets) for each in (engine, reference))
    assert largest_difference(ours, theirs) < PRECISION[dtype]


@pytest.mark.parametrize("dtype", PRECISION)
def test_the_cases_hit_every_path(make_engine, draw_parameters, monkeypatch, dtype):
    hit = set()
    for case in CASES:
        sizes, samples, mini_batch_size, _, threads = case
        engine, _ = make_case(make_engine, draw_parameters, monkeypatch, case, "numba", dtype)
        hit |= paths(engine, sizes, samples, mini_batch_size, threads)
    remainders = [f"{n} samples left" for n in range(ROWS)] + [f"{n} outputs in pairs left" for n in range(2)]
    missing = {
        "rows", "matrix", "1 threads", "2 threads", "3 threads", "0 hidden layers", "1 hidden layers",
        "3 hidden layers", "1 panels", "2 panels", "3 panels", "a short mini-batch", "more samples than at a time",
        "more outputs than at a time", "more panels than a cache holds", "more inputs than a cache holds", "few inputs",
        "packed inputs", "transposed weights", "dot products", "more samples than a cache holds",
        "divided samples of layer 0", "divided neurons of layer 0",
        "divided samples above", "divided outputs above", "several groups of panels",
        "a part of a panel above", "whole panels above", "panels above", "0 inputs left", "1 inputs left", *remainders,
    } - hit  # fmt: skip
    assert not missing


@given(
    architectures(st.integers(1, 40), epsilons=st.just(1e-3)),
    st.sampled_from([each.drawn for each in OPTIMIZERS.values()]).flatmap(lambda drawn: drawn),
    st.sampled_from(["float32", "float64"]),
)
@drawn(15)
def test_the_padding_stays_zero(architecture, optimizer, dtype):
    """The padding must stay zero, because sums along a row include it."""
    check_padding(architecture, optimizer, dtype, 50)


@given(
    architectures(st.integers(1, 20), epsilons=st.just(1e-3), images=True),
    st.sampled_from([each.drawn for each in OPTIMIZERS.values()]).flatmap(lambda drawn: drawn),
    st.sampled_from(["float32", "float64"]),
)
@drawn(15)
def test_the_padding_of_filters_and_maps_stays_zero(architecture, optimizer, dtype):
    check_padding(architecture, optimizer, dtype, 10)


def check_padding(architecture, optimizer, dtype, samples):
    random = np.random.default_rng(0)
    engine = task_of(architecture, random, samples).engine("numba", dtype)
    for _ in range(3):
        engine.epoch(random.permutation(samples), 7, 0.01, Descent(optimizer, l2=0.1, l1=0.1))
    arrays = [own[name] for own, names in zip(engine.parameters(), architecture.trained, strict=True) for name in names]
    values = engine._parameters.values
    assume(np.isfinite(values).all())
    assert np.count_nonzero(values) == sum(map(np.count_nonzero, arrays))


@pytest.mark.parametrize("samples", [0, 1, 1023, 1024, 1025, 2100])
def test_outputs_of_any_number_of_samples(make_engine, draw_parameters, monkeypatch, samples):
    """Two threads feed parts of the samples forward."""
    monkeypatch.setattr(choice, "threads", lambda multiplications, parts, available: min(2, parts))
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([3, 40, 2], random)
    ours, theirs = (make_engine(name, [3, 40, 2], weights, biases) for name in ("numba", "numpy"))
    inputs = random.random((samples, 3))
    assert ours.outputs(inputs).shape == (samples, 2)
    np.testing.assert_allclose(ours.outputs(inputs), theirs.outputs(inputs), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", PRECISION)
def test_an_infinite_input_saturates_and_does_no_more(make_engine, draw_parameters, dtype):
    """In the padding of the kernel's panels, infinity times 0 is NaN. These NaNs must not affect the outputs."""
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


def test_an_empty_order_changes_nothing(engine_name, make_engine, draw_parameters):
    weights, biases = draw_parameters([2, 1], np.random.default_rng(0))
    engine = make_engine(engine_name, [2, 1], weights, biases, Dataset(np.zeros((4, 2)), np.zeros((4, 1))))
    before = engine.parameters()
    assert engine.epoch(np.empty(0, np.int64), 3, 0.5, with_costs=True).costs == 0
    assert engine.epoch(np.empty(0, np.int64), 3, 0.5) is None
    assert same_bits(engine.parameters(), before)
    assert engine.state().steps == 0


@pytest.mark.parametrize("name", ["numba", "torch"])
def test_a_cost_that_cannot_be_called_is_refused(name, make_engine, draw_parameters):
    if why_missing(name):
        pytest.skip(why_missing(name))
    cost = CustomCost(SimpleNamespace(fn=None, delta=None))
    weights, biases = draw_parameters([2, 1], np.random.default_rng(0))
    data = Dataset(np.zeros((4, 2)), np.zeros((4, 1)))
    message = "cannot call a custom cost.delta; use engine='numpy' or engine='reference'"
    with pytest.raises(ValueError, match=message):
        make_engine(name, [2, 1], weights, biases, data, cost=cost)
    with pytest.raises(ValueError, match=message):
        make_engine(name, [2, 1], weights, biases, cost=cost).gradients(data.inputs, data.targets)


def test_the_reference_by_hand(make_engine):
    """The output and the first step of one neuron with one sample equal the formulas that are written out here."""
    data = Dataset([[1.0]], [[0.0]])
    engine = make_engine("reference", [1, 1], [np.array([[0.6]])], [np.array([[0.9]])], data)
    a = 1 / (1 + np.exp(-1.5))
    assert engine.outputs(data.inputs)[0, 0] == pytest.approx(a, rel=1e-15)
    engine.epoch(np.array([0]), 1, 0.15)
    ((weights, biases),) = (layer.values() for layer in engine.parameters())
    step = 0.15 * a * a * (1 - a)
    assert weights[0, 0] == pytest.approx(0.6 - step, rel=1e-14)
    assert biases[0, 0] == pytest.approx(0.9 - step, rel=1e-14)


def test_an_engine_does_not_change_its_arguments(engine_name):
    random = np.random.default_rng(0)
    architecture = Architecture((6,), (Dense(4), BatchNormalization("tanh"), Dense(2)), dtype=np.dtype("float64"))
    task = task_of(architecture, random, 9, weighted=True)
    given_arrays = [*arrays_of(task.parameters), task.data.inputs, task.data.targets, task.sample_weights]
    copies = [array.copy() for array in given_arrays]
    engine = task.engine(engine_name)
    for _ in range(2):
        engine.epoch(np.arange(9), 4, 1.0, Descent(GradientDescent(0.5)))
        state = engine.state()
        for handed_back in (*arrays_of(engine.parameters()), *arrays_of(state.optimizer_state["velocity"])):
            handed_back[:] = np.nan
    assert all(np.isfinite(array).all() for array in arrays_of(engine.parameters()))
    for array, copy in zip(given_arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("engine_name", ["numba", "numpy", "torch"])
def test_fifty_layers(engine_name):
    if why_missing(engine_name) is not None:
        pytest.skip(why_missing(engine_name))
    architecture = Architecture((6,), (*(Dense(5, "tanh") for _ in range(50)), Dense(3)), dtype=np.dtype("float64"))
    random = np.random.default_rng(0)
    sizes = [6, *[5] * 50, 3]
    parameters = [
        {"weights": random.standard_normal((y, x)) / np.sqrt(x), "biases": random.standard_normal((y, 1))}
        for x, y in pairwise(sizes)
    ]
    data = Dataset(random.standard_normal((12, 6)), random.random((12, 3)))
    engines = [engine_class(name)(architecture, parameters, data) for name in ("reference", engine_name)]
    for each in engines:
        each.epoch(np.arange(12), 5, 0.1)
    assert largest_difference(*(each.parameters() for each in engines)) < 1e-10
