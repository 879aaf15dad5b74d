"""Training that is interrupted, divided or shared among threads gives the same bits."""

import numpy as np
import pytest
from engines.drawing import SEEDS, architectures, arrays_of, descents, drawn, same_bits, task_of
from hypothesis import assume, given
from hypothesis import strategies as st

from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Dense, Dropout
from fastnet.formulas.optimizers import NAMES, GradientDescent, as_optimizer
from fastnet.kernels import choice
from fastnet.kernels.inputs import Matrix, Rows

ARCHITECTURES = architectures(st.integers(1, 20), epsilons=st.just(1e-3))
DTYPES = st.sampled_from(["float32", "float64"])
OPTIMIZERS = [GradientDescent(0.8), *map(as_optimizer, NAMES)]

# With a large learning rate, networks with linear neurons can diverge.
pytestmark = pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")


def assume_finite(engine):
    assume(all(np.isfinite(array).all() for array in arrays_of(engine.parameters())))


@given(ARCHITECTURES, descents(), DTYPES, st.booleans(), SEEDS)
@drawn(15)
def test_training_continues_from_a_state(engine_name, architecture, descent, dtype, weighted, seed):
    random = np.random.default_rng(seed)
    task = task_of(architecture, random, 17, zeros=0.5, weighted=weighted)
    engine = task.engine(engine_name, dtype)
    for eta, samples in ((0.05, 17), (0.1, 10)):  # the state is that in the middle of the second epoch
        engine.epoch(random.permutation(17)[:samples], 5, eta, descent)
    parameters, state = engine.parameters(), engine.state()
    # Training sets the parameters before every epoch. Setting may change how an engine stores them.
    engine.set_parameters(parameters)
    other = task.engine(engine_name, dtype, parameters)
    other.set_state(state)
    for eta in (0.1, 0.02):
        order = random.permutation(17)
        for each in (engine, other):
            each.epoch(order, 5, eta, descent)
        assume_finite(engine)
        assert same_bits(other.parameters(), engine.parameters())
    assert_same_state(other.state(), engine.state())


def test_pieces_of_different_density_are_the_same_epoch(engine_name):
    """After dropout, about a third of the inputs are nonzero.

    At a density near 1/3, either the dense or the sparse layout of the inputs may be faster.
    """
    random = np.random.default_rng(0)
    architecture = Architecture((40,), (Dropout(0.33), Dense(5), Dense(2)), dtype=np.dtype("float64"))
    task = task_of(architecture, random, 40, zeros=0.5)
    whole, pieces = (task.engine(engine_name, "float32") for _ in range(2))
    whole.epoch(np.arange(40), 4, 0.5)
    for piece in np.split(np.arange(40), 10):
        pieces.epoch(piece, 4, 0.5)
    assert same_bits(pieces.parameters(), whole.parameters())


def assert_same_state(state, expected):
    for name in ("trained_on", "steps", "eta"):
        assert getattr(state, name) == getattr(expected, name)
    assert state.optimizer_state.keys() == expected.optimizer_state.keys()
    assert all(
        same_bits(state.optimizer_state[name], expected.optimizer_state[name]) for name in expected.optimizer_state
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_a_state_has_the_arrays_of_the_optimizer(engine_name, optimizer):
    layers = (Dropout(0.2), Dense(5, "linear"), BatchNormalization("tanh"), Dense(3))
    architecture = Architecture((4,), layers, dtype=np.dtype("float64"))
    engine = task_of(architecture, np.random.default_rng(0), 9).engine(engine_name)
    assert engine.state().optimizer_state == {}
    engine.epoch(np.arange(9), 4, 0.1, Descent(optimizer))
    state = engine.state()
    assert (state.trained_on, state.steps, state.eta) == (9, 3, 0.1)
    assert set(state.optimizer_state) == set(optimizer.state_names)
    for arrays in state.optimizer_state.values():
        assert [{name: array.shape for name, array in own.items()} for own in arrays] == architecture.trained
        assert all(np.abs(array).max() > 0 for array in arrays_of(arrays))


@given(
    ARCHITECTURES,
    descents(),
    DTYPES,
    st.sets(st.integers(1, 7)),
    st.booleans(),
    SEEDS,
)
@drawn(15)
def test_an_epoch_in_pieces_is_the_same_epoch(engine_name, architecture, descent, dtype, cuts, weighted, seed):
    """Each piece consists of whole mini-batches. Costs are computed only in the pieces, and must not change results."""
    random = np.random.default_rng(seed)
    task = task_of(architecture, random, 30, zeros=0.5, weighted=weighted)
    whole, pieces = (task.engine(engine_name, dtype) for _ in range(2))
    for eta in (0.1, 0.05):
        order = random.permutation(30)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(choice, "samples_at_a_time", lambda samples, *_: min(samples, 3 + seed % 2))
            assert whole.epoch(order, 4, eta, descent) is None
            for piece in np.split(order, [4 * cut for cut in sorted(cuts)]):
                assert isinstance(pieces.epoch(piece, 4, eta, descent, with_costs=True).costs, float)
        assume_finite(whole)
        assert same_bits(pieces.parameters(), whole.parameters())
    assert_same_state(pieces.state(), whole.state())


@given(
    architectures(st.integers(1, 70), epsilons=st.just(1e-3)),
    descents(l2=(0.0, 1.0, 12.0)),  # with l2 = 12, each step multiplies the weights by less than 1/2
    DTYPES,
    st.sampled_from([Matrix, Rows]),
    st.sampled_from([2, 3, 7]),
    st.sampled_from([6, 7]),  # mini-batch size; 30 samples fill mini-batches of 6, but not of 7
    SEEDS,
)
@drawn(40)
def test_threads_give_the_same_bits(architecture, descent, dtype, kind, threads, mini_batch_size, seed):
    found = []
    for count in (1, threads):
        random = np.random.default_rng(seed)
        task = task_of(architecture, random, 30, zeros=0.3, weighted=seed % 2 == 0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(choice, "without_zeros", lambda density: kind is Rows)
            patch.setattr(choice, "threads", lambda multiplications, parts, available, n=count: n)
            patch.setattr(choice, "samples_at_a_time", lambda samples, *_: min(samples, 4 + seed % 4))
            engine = task.engine("numba", dtype)
            assert isinstance(engine._inputs, kind)
            both = {"with_costs": True, "with_penalty": True}
            costs = [engine.epoch(random.permutation(30), mini_batch_size, eta, descent, **both) for eta in (0.05, 0.1)]
            assume_finite(engine)
            gradients = engine.gradients(task.data.inputs, task.data.targets)
            found.append(
                [costs, *map(arrays_of, (engine.parameters(), gradients, [{"outputs": engine.outputs(task.data)}]))]
            )
    (costs, *arrays), (expected_costs, *expected) = found
    assert np.array(costs).tobytes() == np.array(expected_costs).tobytes()
    for own, others in zip(arrays, expected, strict=True):
        assert [array.tobytes() for array in own] == [array.tobytes() for array in others]


def test_new_parameters_do_not_stop_the_velocity(engine_name):
    random = np.random.default_rng(0)
    architecture = Architecture.dense((5, 7, 3), np.dtype("float64"))
    task, descent = task_of(architecture, random, 6), Descent(GradientDescent(0.8))
    engine = task.engine(engine_name)
    engine.epoch(np.arange(6), 6, 0.25, descent)
    pairs = zip(arrays_of(engine.parameters()), arrays_of(task.parameters), strict=True)
    velocity = [array - before for array, before in pairs]
    others = task_of(architecture, random, 6).parameters
    engine.set_parameters(others)
    gradients = engine.gradients(task.data.inputs, task.data.targets)
    engine.epoch(np.arange(6), 6, 0.5, descent)
    for array, other, v, g in zip(
        *map(arrays_of, (engine.parameters(), others)), velocity, arrays_of(gradients), strict=True
    ):
        np.testing.assert_allclose(array - other, 0.8 * v - 0.5 * g, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "descent", [Descent(l1=0.01), Descent(max_norm=0.5), Descent(as_optimizer("nesterov"))], ids=str
)
def test_new_parameters_replace_those_that_diverged(engine_name, descent):
    random = np.random.default_rng(0)
    task = task_of(Architecture.dense((5, 7, 3), np.dtype("float64")), random, 6)
    engine, other = (task.engine(engine_name) for _ in range(2))
    state = engine.state()
    engine.set_parameters(
        [{name: np.full_like(array, np.nan) for name, array in each.items()} for each in task.parameters]
    )
    engine.epoch(np.arange(6), 3, 0.25, descent)
    engine.set_parameters(task.parameters)
    engine.set_state(state)
    for each in (engine, other):
        each.epoch(np.arange(6), 3, 0.25, descent)
    assert same_bits(engine.parameters(), other.parameters())
