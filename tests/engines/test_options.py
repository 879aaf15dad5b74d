"""Activations, costs, regularization, momentum and dropout: every engine gives what the reference gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastnet import Dataset
from fastnet.engines.contract import Descent
from fastnet.formulas.costs import CrossEntropyCost, LogLikelihoodCost, QuadraticCost
from fastnet.kernels import choice, epoch
from fastnet.kernels.inputs import Matrix, Rows

OTHERS = ("numba", "numpy", "torch")
ACTIVATIONS = ("sigmoid", "tanh", "relu")
COSTS = (QuadraticCost, CrossEntropyCost, LogLikelihoodCost)
PRECISION = {"float64": 1e-10, "float32": 1e-3}
FORMULAS = [(activation, cost) for activation in ACTIVATIONS for cost in COSTS]
# In float32, the compiled engine is tested with each activation and each cost, but not with each of both.
FEW_FORMULAS = [("sigmoid", CrossEntropyCost), ("tanh", QuadraticCost), ("relu", LogLikelihoodCost)]


def largest_difference(engine, reference):
    pairs = zip(all_parameters(engine), all_parameters(reference), strict=True)
    return max(np.abs(array - expected).max() for array, expected in pairs)


def all_parameters(engine):
    return [array for arrays in engine.parameters() for array in arrays]


def same(arrays, expected):
    """Whether they are the same, bit for bit."""
    return all(array.tobytes() == other.tobytes() for array, other in zip(arrays, expected, strict=True))


def draw_data(random, samples, sizes, zeros=0.0, cost=QuadraticCost):
    inputs = random.standard_normal((samples, sizes[0])) * (random.random((samples, sizes[0])) >= zeros)
    targets = random.random((samples, sizes[-1])) + 0.01
    return Dataset(inputs, targets / targets.sum(axis=1, keepdims=True) if cost is LogLikelihoodCost else targets)


DRAWN = {
    "sizes": st.lists(st.integers(1, 40), min_size=2, max_size=4),
    "samples": st.integers(1, 40),
    "mini_batch_size": st.integers(3, 50),
    "zeros": st.sampled_from([0.0, 0.8]),
    "etas": st.lists(st.sampled_from([0.02, 0.1, 0.25]), min_size=3, max_size=3),
    "descent": st.builds(
        Descent,
        l2=st.sampled_from([0.0, 0.3]),
        l1=st.sampled_from([0.0, 1e-3]),
        momentum=st.sampled_from([0.0, 0.5, 0.9]),
        dropout=st.sampled_from([0.0, 0.5]),
        seed=st.integers(0, 2**31),
    ),
    "seed": st.integers(0, 2**32 - 1),
}
FEW = settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(make, draw_parameters, sizes, samples, mini_batch_size, zeros, etas, descent, seed, cost, dtype):
    """Compare what an engine computes with the reference; `make` makes both."""
    random = np.random.default_rng(seed)
    weights, biases = draw_parameters(sizes, random)
    data = draw_data(random, samples, sizes, zeros, cost)
    if len(sizes) == 2:
        descent = replace(descent, dropout=0.0)
    engine, reference = make(sizes, weights, biases, data)
    for eta in etas:
        order = random.permutation(samples)
        for each in (engine, reference):
            each.epoch(order, mini_batch_size, eta, descent)
        assert largest_difference(engine, reference) < PRECISION[dtype]

    assert np.abs(engine.outputs(data) - reference.outputs(data)).max() < PRECISION[dtype]
    found, expected = (each.measure(data, cost=True) for each in (engine, reference))
    assert found.cost == pytest.approx(expected.cost, rel=PRECISION[dtype])
    assert dtype == "float32" or found.correct == expected.correct


@pytest.mark.parametrize(("activation", "cost"), FORMULAS)
@pytest.mark.parametrize("name", OTHERS)
@given(**DRAWN)
@FEW
def test_drawn_networks(name, activation, cost, make_engine, draw_parameters, few_kernels, **drawn):
    few_kernels(activation, cost)

    def make(*network):
        return [make_engine(each, *network, "float64", activation, cost) for each in (name, "reference")]

    check(make, draw_parameters, **drawn, cost=cost, dtype="float64")


# Float32 has 7 digits, and a neuron that is rectified or not by a hair costs too many of them: about one drawn example
# in a thousand has one. So what is drawn is the same every time.
@pytest.mark.parametrize(("activation", "cost"), FORMULAS)
@pytest.mark.parametrize("name", OTHERS)
@given(**DRAWN)
@settings(FEW, derandomize=True)
def test_drawn_networks_in_float32(name, activation, cost, make_engine, draw_parameters, few_kernels, **drawn):
    if name == "numba" and (activation, cost) not in FEW_FORMULAS:
        pytest.skip("compiled in float64 only, which takes seconds each")
    few_kernels(activation, cost)

    def make(*network):
        kinds = ((name, "float32"), ("reference", "float64"))
        return [make_engine(each, *network, dtype, activation, cost) for each, dtype in kinds]

    check(make, draw_parameters, **drawn, cost=cost, dtype="float32")


# Each way in which the compiled engine changes the parameters, with layers of several panels.
DESCENTS = {
    "plain": Descent(),
    "l2": Descent(l2=2.0),  # eta is 0.2: 0.6 remains after each mini-batch, a millionth after 28
    "strong l2": Descent(l2=4.0),
    "l1": Descent(l1=0.01),
    "momentum": Descent(momentum=0.8),
    "dropout": Descent(dropout=0.4, seed=3),
    "all": Descent(0.5, 0.002, 0.5, 0.3, 3),
}
ETA, SIZES = 0.2, [20, 70, 40, 3]


def trained(make_engine, draw_parameters, kind, dtype, descent, samples, *, count=1, cuts=(), epochs=5):
    """Return the engine after some epochs in so many threads, in pieces that end at these mini-batches of 7."""
    random = np.random.default_rng(0)
    weights, biases = draw_parameters(SIZES, random)
    data = draw_data(random, samples, SIZES, 0.3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "without_zeros", lambda density: kind is Rows)
        patch.setattr(choice, "threads", lambda multiplications, panels, available: count)
        engine = make_engine("numba", SIZES, weights, biases, data, dtype)
        for _ in range(epochs):
            for piece in np.split(random.permutation(samples), [7 * cut for cut in cuts]):
                engine.epoch(piece, 7, ETA, descent)
    return engine


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("kind", [Matrix, Rows])
@pytest.mark.parametrize("descent", DESCENTS.values(), ids=DESCENTS)
def test_threads_and_pieces_give_the_same_bit_for_bit(make_engine, draw_parameters, kind, dtype, descent):
    samples = 45  # six mini-batches and a short one
    expected = all_parameters(trained(make_engine, draw_parameters, kind, dtype, descent, samples))
    for count, cuts in ((1, range(1, 7)), (2, ()), (2, (1, 4)), (3, ()), (7, (2,))):
        engine = trained(make_engine, draw_parameters, kind, dtype, descent, samples, count=count, cuts=cuts)
        assert same(all_parameters(engine), expected), (count, cuts)


@pytest.mark.parametrize("name", ["reference", *OTHERS])
@pytest.mark.parametrize("descent", DESCENTS.values(), ids=DESCENTS)
def test_pieces_of_an_epoch_give_the_same_in_every_engine(name, make_engine, draw_parameters, descent):
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([6, 9, 4, 2], random)
    data, order = draw_data(random, 30, [6, 2]), random.permutation(30)
    whole, pieces = (make_engine(name, [6, 9, 4, 2], weights, biases, data) for _ in range(2))
    for cuts in ([4], [8, 20, 24], range(4, 30, 4)):
        whole.epoch(order, 4, ETA, descent)
        for piece in np.split(order, cuts):
            pieces.epoch(piece, 4, ETA, descent)
        assert same(all_parameters(pieces), all_parameters(whole))


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("kind", [Matrix, Rows])
def test_weights_that_shrink_for_long_stay_numbers(make_engine, draw_parameters, kind, dtype):
    """0.6 to the power of 420 is no number in float32: the scale of the weights has to be multiplied in between."""
    engine = trained(make_engine, draw_parameters, kind, dtype, DESCENTS["l2"], 42, count=2, epochs=70)
    weights, biases = draw_parameters(SIZES, random := np.random.default_rng(0))
    data = draw_data(random, 42, SIZES, 0.3)
    expected = make_engine("reference", SIZES, weights, biases, data)
    for _ in range(70):
        expected.epoch(random.permutation(42), 7, ETA, DESCENTS["l2"])
    assert largest_difference(engine, expected) < PRECISION[dtype] / 100
    ours, theirs = (each.gradients(data.inputs, data.targets) for each in (engine, expected))
    for array, other in zip(ours[0] + ours[1], theirs[0] + theirs[1], strict=True):
        np.testing.assert_allclose(array, other, rtol=0, atol=PRECISION[dtype] / 100)
    np.testing.assert_allclose(engine.outputs(data), expected.outputs(data), rtol=0, atol=PRECISION[dtype] / 100)


def test_the_scale_passes_its_smallest_value_and_begins_again(make_engine, draw_parameters):
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([5, 3, 2], random)
    engine, reference = (
        make_engine(name, [5, 3, 2], weights, biases, draw_data(random, 4, [5, 2])) for name in ("numba", "reference")
    )
    reference.data = engine.data
    scales = []
    for _ in range(70):
        for each in (engine, reference):
            each.epoch(np.arange(4), 4, ETA, DESCENTS["l2"])
        scales.append(float(engine._parameters.scale[0]))
        assert largest_difference(engine, reference) < 1e-14
    folded = [i for i, scale in enumerate(scales) if scale == 1]
    assert folded == [27, 55]  # 0.6^27 is above a millionth, 0.6^28 below
    assert min(scales) >= epoch._SMALLEST_SCALE
    np.testing.assert_allclose(scales[:27], 0.6 ** np.arange(1, 28), rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("of_a_step", [0.4, 0.5, 0.51, 0.75, 1.0, 1.5, 3.0])
def test_l2_that_is_strong(engine_name, make_engine, draw_parameters, of_a_step, momentum):
    """With eta lambda / n = 1 nothing of the weights remains, with more they change their signs."""
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([6, 40, 3], random)
    data, order = draw_data(random, 24, [6, 3]), random.permutation(24)
    descent = Descent(l2=of_a_step / 0.25, momentum=momentum)
    engine = make_engine(engine_name, [6, 40, 3], weights, biases, data)
    w, b = [x.copy() for x in weights], [x.copy() for x in biases]
    vw, vb = [np.zeros_like(x) for x in weights], [np.zeros_like(x) for x in biases]
    for start in range(0, 24, 4):
        part = order[start : start + 4]
        nabla_b, nabla_w = make_engine("reference", [6, 40, 3], w, b).gradients(data.inputs[part], data.targets[part])
        vw = [momentum * v - of_a_step * x - 0.25 * g for v, x, g in zip(vw, w, nabla_w, strict=True)]
        vb = [momentum * v - 0.25 * g for v, g in zip(vb, nabla_b, strict=True)]
        w, b = [x + v for x, v in zip(w, vw, strict=True)], [x + v for x, v in zip(b, vb, strict=True)]
    engine.epoch(order, 4, 0.25, descent)
    largest = max(np.abs(x).max() for x in w)
    for array, expected in zip(all_parameters(engine), w + b, strict=True):
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-13 * max(largest, 1))


@pytest.mark.parametrize(
    ("first", "second"),
    [((0.1, Descent(l2=4.0)), (0.2, Descent(l2=4.0))), ((0.1, Descent(l2=1.0)), (0.1, Descent(l2=1.0, l1=0.1)))],
    ids=["another eta", "another l1"],
)
def test_another_way_of_changing_the_parameters_goes_on_from_them(
    engine_name, make_engine, draw_parameters, first, second
):
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([6, 5, 3], random)
    data = draw_data(random, 20, [6, 3])
    engine, reference = (make_engine(name, [6, 5, 3], weights, biases, data) for name in (engine_name, "reference"))
    for each in (engine, reference):
        for eta, descent in (first, second, first):
            each.epoch(np.arange(20), 5, eta, descent)
    assert largest_difference(engine, reference) < 1e-13


def test_new_parameters_do_not_stop_the_velocity(engine_name, make_engine, draw_parameters):
    random = np.random.default_rng(0)
    sizes, descent = [5, 7, 3], Descent(momentum=0.8)
    (weights, biases), others = (draw_parameters(sizes, random) for _ in range(2))
    data = draw_data(random, 6, sizes)
    engine = make_engine(engine_name, sizes, weights, biases, data)
    engine.epoch(np.arange(6), 6, 0.25, descent)
    velocity = [array - before for array, before in zip(all_parameters(engine), weights + biases, strict=True)]
    engine.set_parameters(*others)
    nabla_b, nabla_w = engine.gradients(data.inputs, data.targets)
    engine.epoch(np.arange(6), 6, 0.5, descent)
    before = others[0] + others[1]
    for array, other, v, nabla in zip(all_parameters(engine), before, velocity, nabla_w + nabla_b, strict=True):
        np.testing.assert_allclose(array - other, 0.8 * v - 0.5 * nabla, rtol=0, atol=1e-14)
