"""Strong regularization, and regularization that changes from epoch to epoch."""

import numpy as np
import pytest
from engines.drawing import largest_difference, task_of
from engines.truth import flattened

from fastnet import Dataset
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Dense
from fastnet.formulas.optimizers import Adam, GradientDescent, RMSProp
from fastnet.kernels import choice, epoch
from fastnet.kernels.inputs import Matrix, Rows

PRECISION = {"float64": 1e-12, "float32": 1e-5}
ETA, L2 = 0.2, 2.0  # each mini-batch multiplies the weights by 0.6, and 28 mini-batches by less than 1e-6
FLOAT64 = np.dtype("float64")


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("kind", [Matrix, Rows])
def test_weights_that_shrink_for_long_stay_numbers(monkeypatch, kind, dtype):
    """The kernel must multiply the weights by their scale in time, because 0.6^420 underflows in float32."""
    monkeypatch.setattr(choice, "without_zeros", lambda density: kind is Rows)
    random = np.random.default_rng(0)
    task = task_of(Architecture.dense((20, 70, 40, 3), FLOAT64), random, 42, zeros=0.3)
    engine, reference = task.engine("numba", dtype), task.engine("reference")
    for _ in range(70):
        order = random.permutation(42)
        for each in (engine, reference):
            each.epoch(order, 7, ETA, Descent(l2=L2))
    tolerance = PRECISION[dtype]
    assert largest_difference(engine.parameters(), reference.parameters()) < tolerance
    ours, theirs = (each.gradients(task.data.inputs, task.data.targets) for each in (engine, reference))
    assert largest_difference(ours, theirs) < tolerance
    np.testing.assert_allclose(engine.outputs(task.data), reference.outputs(task.data), rtol=0, atol=tolerance)
    assert engine.squares() == pytest.approx(reference.squares(), rel=1e-3 if dtype == "float32" else 1e-9)


def test_the_scale_passes_its_smallest_value_and_begins_again():
    task = task_of(Architecture.dense((5, 3, 2), FLOAT64), np.random.default_rng(0), 4)
    engine, reference = task.engine("numba"), task.engine("reference")
    scales = []
    for _ in range(70):
        for each in (engine, reference):
            each.epoch(np.arange(4), 4, ETA, Descent(l2=L2))
        scales.append(float(engine._parameters.scale[0]))
        assert largest_difference(engine.parameters(), reference.parameters()) < 1e-14
    folded = [i for i, scale in enumerate(scales) if scale == 1]
    assert folded == [27, 55]  # 0.6^27 > 1e-6 > 0.6^28
    assert min(scales) >= epoch._SMALLEST_SCALE
    np.testing.assert_allclose(scales[:27], 0.6 ** np.arange(1, 28), rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("of_a_step", [0.4, 0.5, 0.51, 0.75, 1.0, 1.5, 3.0])
def test_l2_that_is_strong(engine_name, of_a_step, momentum):
    """If eta lambda / n is 1, weight decay sets the weights to 0. If it is larger than 1, the weights change sign."""
    random = np.random.default_rng(0)
    architecture = Architecture.dense((6, 40, 3), FLOAT64)
    task, order = task_of(architecture, random, 24), random.permutation(24)
    engine = task.engine(engine_name)
    parameters = task.parameters
    velocity = [{name: np.zeros_like(array) for name, array in own.items()} for own in parameters]
    for start in range(0, 24, 4):
        part = order[start : start + 4]
        before = task.engine("reference", parameters=parameters)
        gradients = before.gradients(task.data.inputs[part], task.data.targets[part])
        for own, v, g in zip(parameters, velocity, gradients, strict=True):
            v["weights"] = momentum * v["weights"] - of_a_step * own["weights"] - 0.25 * g["weights"]
            v["biases"] = momentum * v["biases"] - 0.25 * g["biases"]
        parameters = [
            {name: array + v[name] for name, array in own.items()} for own, v in zip(parameters, velocity, strict=True)
        ]
    engine.epoch(order, 4, 0.25, Descent(GradientDescent(momentum), l2=of_a_step / 0.25))
    expected = flattened(architecture.trained, parameters)
    found = flattened(architecture.trained, engine.parameters())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * max(np.abs(expected).max(), 1))


@pytest.mark.parametrize("optimizer", [GradientDescent(), GradientDescent(0.5), Adam(epsilon=1e-3)], ids=str)
@pytest.mark.parametrize(
    "settings",
    [
        [(0.1, {"l2": 4.0}), (0.2, {"l2": 4.0})],
        [(0.1, {"l2": 1.0}), (0.1, {"l2": 1.0, "l1": 0.1})],
        [(0.1, {"l2": 1.0}), (0.2, {"max_norm": 0.5})],
    ],
    ids=["another eta", "another l1", "a bound"],
)
def test_another_way_of_changing_the_parameters_continues_from_them(engine_name, settings, optimizer):
    architecture = Architecture((6,), (Dense(5), BatchNormalization(epsilon=0.01), Dense(3)), dtype=FLOAT64)
    task = task_of(architecture, np.random.default_rng(0), 20)
    engine, reference = task.engine(engine_name), task.engine("reference")
    for eta, regularization in (*settings, settings[0]):
        for each in (engine, reference):
            each.epoch(np.arange(20), 5, eta, Descent(optimizer, **regularization))
    assert largest_difference(engine.parameters(), reference.parameters()) < 1e-12


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_learning_rate_that_vanishes_keeps_the_velocity(engine_name, nesterov):
    task = task_of(Architecture.dense((6, 5, 3), FLOAT64), np.random.default_rng(0), 20)
    engine, reference = task.engine(engine_name, "float32"), task.engine("reference")
    for eta in (0.0, 0.5, 1e-40, 0.0, 0.3, 0.0):
        for each in (engine, reference):
            each.epoch(np.arange(20), 5, eta, Descent(GradientDescent(0.9, nesterov), l2=0.1))
        assert largest_difference(engine.parameters(), reference.parameters()) < 1e-5
        state, engine = engine.state(), task.engine(engine_name, "float32", engine.parameters())
        engine.set_state(state)


SMALLEST = float(np.finfo(np.float32).tiny)


@pytest.mark.parametrize(
    ("layers", "optimizer"),
    [
        ((Dense(5, "relu"), Dense(3)), RMSProp(epsilon=SMALLEST)),
        ((Dense(5, "relu"), Dense(3)), Adam(epsilon=SMALLEST)),
        ((Dense(5, "relu"), BatchNormalization("tanh", epsilon=SMALLEST), Dense(3)), GradientDescent()),
    ],
    ids=["RMSProp", "Adam", "BatchNormalization"],
)
def test_the_smallest_epsilon_is_not_zero(engine_name, layers, optimizer):
    """The gradient of an input that is always 0, and the variance of a neuron that never fires, are 0."""
    task = task_of(Architecture((6,), layers, dtype=FLOAT64), np.random.default_rng(0), 20)
    task.data = Dataset(task.data.inputs * [0, 1, 1, 1, 1, 1], task.data.targets)
    task.parameters[0]["biases"][0] = -100
    engine, reference = task.engine(engine_name, "float32"), task.engine("reference")
    for each in (engine, reference):
        each.epoch(np.arange(20), 20, 1e-3, Descent(optimizer))
    assert largest_difference(engine.parameters(), reference.parameters()) < 1e-4


def test_weights_beyond_the_bound_are_shortened_to_it(engine_name):
    random = np.random.default_rng(0)
    task = task_of(Architecture.dense((8, 20, 3), FLOAT64), random, 6)
    before = [np.linalg.norm(own["weights"], axis=1) for own in task.parameters]
    engine = task.engine(engine_name)
    engine.epoch(np.arange(6), 6, 1e-9, Descent(max_norm=0.9))
    assert 0 < sum((norms > 0.9).sum() for norms in before) < sum(map(len, before))
    for norms, own in zip(before, engine.parameters(), strict=True):
        np.testing.assert_allclose(np.linalg.norm(own["weights"], axis=1), np.minimum(norms, 0.9), rtol=0, atol=1e-8)
