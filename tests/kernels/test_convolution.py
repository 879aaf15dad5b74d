"""Compares convolutional networks in the engine `numba` with other engines, on every path of the kernels."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from engines.drawing import largest_difference, same_bits, task_of
from kernels.networks import bordered, known_layers

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, MaxPooling
from fastnet.formulas.optimizers import Adam, GradientDescent
from fastnet.kernels import choice, convolution, convolution_gradients, image_blocks, layout
from fastnet.kernels.inputs import Rows
from fastnet.kernels.vectors import narrow_lanes_of
from fastnet.kernels.workspace import workspace_of

PRECISION = {"float64": 1e-10, "float32": 1e-3}
DTYPES = tuple(PRECISION)
EACH_DTYPE = pytest.mark.parametrize("dtype", DTYPES)
THREADS = (1, 2, 3)


@dataclass
class Case:
    """A convolutional network without the output layer, and the training settings."""

    shape: tuple
    layers: tuple
    samples: int = 7
    mini_batch_size: int = 4
    zeros: float = 0.0
    eta: float = 0.1
    descent: Descent = field(default_factory=Descent)
    is_weighted: bool = False

    def task(self):
        architecture = Architecture(self.shape, (*self.layers, Dense(3)), dtype=np.dtype("float64"))
        task = task_of(architecture, np.random.default_rng(0), self.samples, zeros=0, weighted=self.is_weighted)
        # Random blocks of 4 x 4 pixels are zero, so that some windows are all zero. The last sample has no such blocks.
        random, (maps, height, width) = np.random.default_rng(1), self.shape
        there = random.random((self.samples, 1, -(-height // 4), -(-width // 4))) >= self.zeros
        there = there.repeat(4, axis=2).repeat(4, axis=3)[:, :, :height, :width].repeat(maps, axis=1)
        there[-1] = True
        task.data = Dataset(task.data.inputs * there.reshape(self.samples, -1), task.data.targets)
        return task


def cases(dtype):
    """Return the cases by name. Numbers of filters and maps depend on v, the number of lanes of a narrow vector."""
    v = narrow_lanes_of(dtype)
    return {
        "book": Case(
            (1, 14, 15), (Convolution(2 * v + 4, 5, "relu"), MaxPooling(), Convolution(5, 2, "relu"), MaxPooling(2)),
            zeros=0.8,
        ),
        "borders": Case(
            (2, 7, 9),
            (
                Convolution(2 * v, (3, 2), "tanh", "same"), Convolution(v + 1, (2, 3), "relu", "same"),
                MaxPooling((3, 2)), Convolution(3, 3, "sigmoid", "same"),
            ),
            samples=11, descent=Descent(GradientDescent(0.9)),
        ),
        "three vectors": Case(
            (1, 5, 12), (Convolution(3 * v - 1, (1, 5), "tanh"), MaxPooling((1, 4)), Dropout(0.5), Dense(9)),
            is_weighted=True,
        ),
        "many vectors": Case(
            (2, 6, 5),
            (Convolution(4 * v + 1, 2, "gelu"), MaxPooling(2), Convolution(7 * v, (2, 1), "relu"), Dense(5, "relu")),
        ),
        "many taps": Case(
            (10, 6, 7), (Convolution(40, 5, "tanh", "same"), MaxPooling(), Convolution(12, 3, "tanh")), samples=3,
            mini_batch_size=3, descent=Descent(max_norm=1.0),
        ),
        "wide rows": Case(
            (1, 3, 4),
            (
                Convolution(17 * v, 1, "tanh"), Convolution(15 * v, 1, "tanh"), Convolution(9 * v, 1, "tanh"),
                Convolution(2, (1, 2), "relu"),
            ),
            samples=5, mini_batch_size=5,
        ),
        "wide gradient": Case(
            (1, 4, 9), (Convolution(2 * v, (2, 8), "sigmoid", "same"), MaxPooling((4, 1)), MaxPooling((1, 2))),
        ),
        "normalization": Case(
            (2, 6, 5),
            (
                Convolution(v + 2, 2, "linear"), BatchNormalization("relu", epsilon=0.01), Dropout(0.3),
                Convolution(v - 1, (2, 3), "linear", "same"), BatchNormalization("tanh", epsilon=0.01),
                Convolution(5 * v, 2, "linear", "same"), MaxPooling(), BatchNormalization("sigmoid", epsilon=0.01),
            ),
            samples=10, descent=Descent(Adam(epsilon=0.01), l2=0.1), eta=0.01,
        ),
        "only normalized by running means": Case(
            (1, 3, 3), (Convolution(2, 3, "linear"), BatchNormalization("tanh")), samples=4, mini_batch_size=3,
        ),
        "pooling first": Case(
            (3, 9, 7),
            (MaxPooling(2), MaxPooling((1, 2)), Convolution(4, (4, 1), "leaky_relu", "same"), MaxPooling((3, 1))),
            zeros=0.7, descent=Descent(l1=0.01),
        ),
        "dropout": Case(
            (1, 8, 8),
            (
                Dropout(0.2, inverted=False), Convolution(3, 3, "tanh", "same"), MaxPooling(),
                Dropout(0.4, inverted=False), Convolution(4, 2, "tanh"), Dropout(0.3), Dropout(0.1, inverted=False),
            ),
            zeros=0.7, descent=Descent(GradientDescent(0.5, nesterov=True), l2=0.1),
        ),
        "dropout without zeros": Case(
            (2, 6, 6), (Dropout(0.2), Convolution(3, 3, "tanh", "same"), MaxPooling(), Dropout(0.4)),
        ),
        "large images": Case(
            (1, 20, 40), (Convolution(24, 3, "relu"), MaxPooling(), Convolution(2, 2, "tanh")), samples=4,
            mini_batch_size=3, zeros=0.8,
        ),
        "columns left over": Case(
            (1, 5, 8), (Convolution(v + 1, 1, "tanh"), MaxPooling((2, 3)), Convolution(2, 1, "tanh")),
        ),
        "a wide row of windows": Case(
            (1, 5, 100), (Convolution(24, (2, 1), "relu"), MaxPooling()), samples=4, mini_batch_size=3, zeros=0.8,
        ),
        "many windows": Case(
            (1, 19, 18), (Convolution(9, 2, "relu"), Convolution(2, 2, "gelu"), MaxPooling((3, 5))), samples=4,
        ),
        "decay": Case(
            (1, 5, 5), (Convolution(3, 2, "tanh", "same"), MaxPooling(), Dense(4)), samples=99, zeros=0.8,
            descent=Descent(l2=5.0),
        ),
    }  # fmt: skip


NAMES = tuple(cases("float32"))
EACH_CASE = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def make_engine(monkeypatch):
    """Return a function that makes a case's engine: `numpy`, or `numba` if `threads` is given.

    After the test, check that the kernels of `numba` wrote nothing outside their arrays.
    """
    guards = []

    def guarded(*arguments):
        space = workspace_of(*arguments)
        arrays = {name: each for name, each in space._asdict().items() if isinstance(each, np.ndarray)}
        return space._replace(**{name: between_guards(name, array) for name, array in arrays.items()})

    def between_guards(name, array):
        around, lost = 64, np.nan if array.dtype.kind == "f" else -1
        whole = np.full(len(array) + 2 * around, lost, array.dtype)
        inside = whole[around : len(array) + around]
        if name not in WRITTEN_BEFORE:
            inside[:] = array
        guards.append((name, whole, whole.copy(), slice(around, len(array) + around)))
        return inside

    def make(case, dtype, threads=None):
        if threads is None:
            return case.task().engine("numpy")
        monkeypatch.setattr(choice, "threads", lambda multiplications, parts, available: min(threads, parts))
        return case.task().engine("numba", dtype)

    monkeypatch.setattr("fastnet.engines.numba.workspace_of", guarded)
    yield make
    for name, whole, before, inside in guards:
        np.testing.assert_array_equal(np.delete(whole, inside), np.delete(before, inside), err_msg=name)


# Names of arrays whose initial contents do not matter, because kernels write an element before they read it.
WRITTEN_BEFORE = ("means", "inverses", "dots", "gradient", "values", "offsets", "counts")


def trained(engine, case):
    """Train for two epochs, and return the cost of each epoch."""
    random = np.random.default_rng(2)
    return [
        engine.epoch(
            random.permutation(case.samples), case.mini_batch_size, case.eta, case.descent, with_costs=True
        ).costs
        for _ in range(2)
    ]


@EACH_DTYPE
@EACH_CASE
def test_training_gives_what_numpy_gives(make_engine, name, dtype):
    case = cases(dtype)[name]
    expected = make_engine(case, "float64")
    costs, precision = trained(expected, case), PRECISION[dtype]
    for threads in THREADS:
        engine = make_engine(case, dtype, threads)
        assert trained(engine, case) == pytest.approx(costs, rel=precision)
        assert largest_difference(engine.parameters(), expected.parameters()) < precision


@EACH_DTYPE
@EACH_CASE
def test_the_bits_are_the_same_in_any_number_of_threads(make_engine, name, dtype):
    case, first, costs = cases(dtype)[name], None, None
    for threads in THREADS:
        engine = make_engine(case, dtype, threads)
        found = trained(engine, case)
        if first is None:
            first, costs = engine, found
        assert found == costs
        assert same_bits(engine.parameters(), first.parameters())
        ours, theirs = (each.state().optimizer_state for each in (engine, first))
        assert ours.keys() == theirs.keys()
        assert all(same_bits(ours[key], theirs[key]) for key in ours)


@EACH_DTYPE
@EACH_CASE
def test_gradients_and_outputs_are_those_of_numpy(make_engine, name, dtype):
    case = cases(dtype)[name]
    expected, precision = make_engine(case, "float64"), PRECISION[dtype]
    data = expected.data
    for threads in THREADS:
        engine = make_engine(case, dtype, threads)
        for given in (data, data.inputs):
            outputs = engine.outputs(given)
            np.testing.assert_allclose(outputs, expected.outputs(given), rtol=precision, atol=precision)
        ours, theirs = (each.gradients(data.inputs, data.targets) for each in (engine, expected))
        assert largest_difference(ours, theirs) < precision


def vectors_of(n):
    """Return the name of the path that sums a row of n vectors."""
    return "a row of vectors in parts" if n > image_blocks.MOST_VECTORS else "a row of vectors at once"


def paths(engine, case, dtype):
    """Return the names of the kernels' paths that a case covers."""
    known, v = known_layers(engine.architecture), narrow_lanes_of(dtype)
    short, descent = case.samples % case.mini_batch_size, case.descent
    found = {
        "rows" if isinstance(engine._inputs, Rows) else "matrix",
        type(descent.optimizer).__name__,
        "optimizer state" if descent.optimizer.state_names else "no optimizer state",
    }
    found |= {name for name in ("l1", "l2", "max_norm") if getattr(descent, name)}
    has_border = any(np.any(each.borders) for each in known)
    if short and case.samples > case.mini_batch_size:
        found.add("a short mini-batch with borders" if has_border else "a short mini-batch without borders")
    for k, (below, each) in enumerate(pairwise(known), 1):
        if isinstance(each.layer, (Convolution, MaxPooling)):
            found |= paths_of_windows(below, each, v)
        if isinstance(each.layer, Convolution):
            found |= paths_of_filters(below, each, v, k, case)
        if isinstance(each.layer, BatchNormalization) and each.is_image:
            found.add(f"normalization {'with' if np.any(each.borders) else 'without'} a border")
            vectors = -(-each.channels // v)
            found.add(f"normalization of {vectors if vectors < 3 else 'many'} vectors")
            if vectors > image_blocks.VECTORS_OF_MAPS:
                found.add("normalization of some vectors at a time")
        if isinstance(each.layer, Dense) and below.is_image:
            found.add("a dense layer behind images")
    before = [each for each in engine.architecture.layers if isinstance(each, Dropout)]
    found |= {f"dropout, inverted: {each.inverted}" for each in before}
    if isinstance(engine.architecture.layers[0], Dropout):
        found.add(f"dropout of {'sparse' if 'rows' in found else 'other'} inputs")
    return found


def paths_of_windows(below, each, v):
    _, height, width = each.shape
    pooling = each.pooling
    rows, columns = each.layer.shape if isinstance(each.layer, Convolution) else (1, 1)
    kind = "pooling" if isinstance(each.layer, MaxPooling) else "convolution"
    found = {f"{kind} of {pooling[0]} x {pooling[1]}", f"{width * pooling[0] * pooling[1] % 4} places beyond fours"}
    (image_height, image_width, _), _ = bordered(below)
    for what, size, windows, pooled, taps in (
        ("rows", image_height, height, pooling[0], rows), ("columns", image_width, width, pooling[1], columns),
    ):  # fmt: skip
        if size - taps + 1 > windows * pooled:
            found.add(f"{what} that fill no window")
    if each.channels % v:
        found.add(f"{kind} with a part of a vector")
    if isinstance(below.layer, (Convolution, MaxPooling)) and isinstance(each.layer, MaxPooling):
        found.add("pooling of what a layer gives")
    if -(-each.channels // v) * v * width * pooling[0] * pooling[1] > layout.ERRORS_IN_CACHE:
        found.add("more memory for a row of places than for errors")
    return found


def paths_of_filters(below, each, v, k, case):
    maps, filters, (rows, columns) = below.channels, each.channels, each.layer.shape
    _, height, width = each.shape
    vectors, taps = -(-filters // v), columns * maps
    row_of_filter, windows = -(-taps // v), height * width
    chunks = "several chunks" if rows * taps * vectors * v > convolution._WEIGHTS_IN_CACHE else "one chunk"
    found = {
        f"{min(vectors, 4)} vectors of filters",
        f"{'one map' if maps == 1 else 'several maps'} below",
        f"{chunks} of taps, {'2 x 2' if each.pooling == (2, 2) else 'others'} pooled",
    }
    if below.layer is None:
        is_marked = each.pooling == (2, 2)
        found.add(f"windows {'are' if is_marked else 'are not'} marked as blank")
        if is_marked and case.zeros:
            found.add("blank windows")
    else:
        found.add(f"errors below: {vectors_of(row_of_filter)}")
    if np.any(below.borders):
        found.add("padding")
    if taps <= convolution_gradients._SHORT_ROW:
        line = (width * each.pooling[1] + 2 * (columns - 1)) * vectors * v
        at_a_time = max(1, layout.ERRORS_IN_CACHE // (each.pooling[0] * line))
        found.add(f"by inputs: {vectors_of(columns * vectors)}")
        found.add(f"by inputs, {'several rows' if at_a_time < height else 'all rows'} of windows after one another")
        (_, columns_below, _), _ = bordered(below)
        found.add(
            f"by inputs, {'a part of' if columns_below % convolution_gradients._INPUTS_AT_A_TIME else 'whole'} groups"
        )
        if columns_below - columns + 1 - width * each.pooling[1] >= columns:
            found.add("by inputs, more columns left over than a filter reaches")
        if columns < image_blocks.ENOUGH_SUMS:
            found.add("by inputs, each thread has all filters")
        elif filters // 3 % v and vectors > 1:
            found.add("by inputs, a thread's filters begin within a vector")
    else:
        found.add(f"by errors: {vectors_of(row_of_filter)}")
        found.add(f"by errors, a list of {'one sample' if windows * 2 > layout.WINDOWS_IN_A_LIST else 'some samples'}")
        if windows > layout.WINDOWS_IN_A_LIST:
            found.add("by errors, a list of more windows than usual")
        found.add(f"by errors, {'a part of a vector' if taps % v else 'whole vectors'} of taps")
    return found


@EACH_DTYPE
def test_the_cases_hit_every_path(make_engine, dtype):
    hit = set()
    for case in cases(dtype).values():
        hit |= paths(make_engine(case, dtype, 1), case, dtype)
    at_once, parts = "a row of vectors at once", "a row of vectors in parts"
    ways = ["errors below", "by errors", "by inputs"]
    missing = {
        "rows", "matrix", "optimizer state", "no optimizer state", "Adam", "GradientDescent", "l1", "l2", "max_norm",
        "a short mini-batch with borders", "a short mini-batch without borders", "padding",
        *(f"convolution of {size}" for size in ("1 x 1", "2 x 2", "3 x 2", "1 x 4", "4 x 1")),
        *(f"pooling of {size}" for size in ("2 x 2", "1 x 2")),
        *(f"{number} places beyond fours" for number in range(4)),
        "more memory for a row of places than for errors",
        "rows that fill no window", "columns that fill no window", "pooling of what a layer gives",
        "convolution with a part of a vector", "pooling with a part of a vector",
        *(f"{number} vectors of filters" for number in range(1, 5)), "one map below", "several maps below",
        "several chunks of taps, 2 x 2 pooled", "one chunk of taps, 2 x 2 pooled", "one chunk of taps, others pooled",
        "several chunks of taps, others pooled", "windows are marked as blank",
        "windows are not marked as blank", "blank windows",
        *(f"{way}: {what}" for way in ways for what in (at_once, parts)),
        *(f"by inputs, {which} of windows after one another" for which in ("several rows", "all rows")),
        "by inputs, more columns left over than a filter reaches", "by inputs, a part of groups",
        "by inputs, whole groups", "by inputs, a thread's filters begin within a vector",
        "by inputs, each thread has all filters",
        "by errors, a list of one sample", "by errors, a list of some samples",
        "by errors, a list of more windows than usual", "by errors, a part of a vector of taps",
        "by errors, whole vectors of taps", "normalization with a border", "normalization without a border",
        "normalization of 1 vectors", "normalization of 2 vectors", "normalization of some vectors at a time",
        "a dense layer behind images",
        "dropout, inverted: True", "dropout, inverted: False", "dropout of sparse inputs", "dropout of other inputs",
    } - hit  # fmt: skip
    assert not missing


@EACH_DTYPE
def test_weights_are_multiplied_by_their_scale_when_it_is_small(make_engine, dtype):
    """Each mini-batch halves the scale.

    When the scale falls below 1e-6, the weights are multiplied by the scale, and the scale becomes 1.
    """
    case = cases(dtype)["decay"]
    engine = make_engine(case, dtype, 2)
    engine.epoch(np.arange(76), 4, case.eta, case.descent)
    assert engine._parameters.scale[0] == 0.5**19
    engine.epoch(np.arange(8), 4, case.eta, case.descent)
    assert engine._parameters.scale[0] == 0.5


@EACH_DTYPE
@pytest.mark.parametrize("pooling", [(2, 2), (3, 2), (1, 4), (4, 1)], ids=str)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_of_equal_numbers_the_first_gets_the_error(pooling, activation, dtype):
    """Pixel i is nonzero only in map i.

    So the gradient of the weight for map i shows whether the error was backpropagated to pixel i.
    """
    n = int(np.prod(pooling))
    layers = (Convolution(1, 1, activation), MaxPooling(pooling), Dense(1))
    architecture = Architecture((n, *pooling), layers, dtype=np.dtype(dtype))
    parameters = architecture.parameters([np.ones((1, n, 1, 1)), np.ones((1, 1))], [np.ones((1, 1))] * 2)
    engine = engine_class("numba")(architecture, parameters)
    for first in range(n):
        image = np.diag(np.arange(n) >= first)  # shape (maps, pixels); in map i, pixel i is 1 if i >= first
        gradients = engine.gradients(image.reshape(1, -1).astype(dtype), np.zeros((1, 1)))
        assert np.flatnonzero(gradients[0]["weights"]).tolist() == [first]


@EACH_DTYPE
@pytest.mark.parametrize("layers", [(Convolution(3, 2, "tanh", "same"), MaxPooling()), (MaxPooling(),)], ids=str)
def test_an_infinite_input_saturates_and_does_no_more(layers, dtype):
    """Filters are padded with zeros, and infinity times 0 is NaN. This NaN must not reach the outputs."""
    task = task_of(Architecture((2, 4, 4), (*layers, Dense(3)), dtype=np.dtype("float64")), np.random.default_rng(0), 3)
    inputs = task.data.inputs.copy()
    inputs[0, 3], inputs[2, 31] = np.inf, -np.inf
    engine, expected = (task.engine(*each) for each in (("numba", dtype), ("reference",)))
    np.testing.assert_allclose(engine.outputs(inputs), expected.outputs(inputs), rtol=1e-5)


@EACH_DTYPE
def test_the_reference_gives_the_same(dtype):
    """One case is compared with the engine `reference`, which consists of simple loops."""
    case = cases(dtype)["borders"]
    engine, expected = case.task().engine("numba", dtype), case.task().engine("reference")
    assert trained(engine, case) == pytest.approx(trained(expected, case), rel=PRECISION[dtype])
    assert largest_difference(engine.parameters(), expected.parameters()) < PRECISION[dtype]
