"""Training that pauses between mini-batches."""

import numpy as np
import pytest

from fastnet import Dataset, network2
from fastnet.formulas.layers import Dense
from fastnet.learning.diagnostics import TrainingWarning

RANDOM = np.random.RandomState(0)
DATA = Dataset(RANDOM.rand(47, 6) * (RANDOM.rand(47, 6) > 0.5), RANDOM.randint(0, 3, 47))
SETTINGS = {
    "plain": {},
    "regularized": {"lmbda": 5.0, "l1": 0.1, "max_norm": 1.0},
    "momentum": {"lmbda": 5.0, "momentum": 0.5},
    "adam, dropout": {"optimizer": "adam", "dropout": 0.5},
}


def network(engine="numba"):
    return network2.Network([6, 5, 3], engine=engine, seed=3)


def bits(net):
    return b"".join(array.tobytes() for layer in net.parameters for array in layer.values())


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_it_is_what_sgd_does(engine, settings):
    whole, paused = network(engine), network(engine)
    whole.SGD(DATA, 3, 5, 0.5, **settings, report=lambda history: None)
    training = paused.begin_training(DATA, 5, 0.5, **settings)
    assert training.mini_batches == 10
    counts = []
    for mini_batches in (1, 3, 9, 7, 10):
        training.advance(mini_batches)
        counts.append((training.epoch, training.mini_batch))
        paused.accuracy(DATA)
    assert counts == [(0, 1), (0, 4), (1, 3), (2, 0), (3, 0)]
    assert bits(paused) == bits(whole)


def test_the_cost_is_the_mean_over_the_samples():
    whole, paused = network("numpy"), network("numpy")
    whole.SGD(DATA, 1, 5, 0.5, monitor_mini_batch_cost=True, report=lambda history: None)
    training = paused.begin_training(DATA, 5, 0.5)
    first, second = training.advance(4), training.advance(6)
    assert (20 * first + 27 * second) / 47 == pytest.approx(whole.history.epochs[0].mini_batch_cost, rel=1e-6)


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_training_continues_from_changed_weights(engine):
    net, other = network(engine), network(engine)
    training = net.begin_training(DATA, 47, 0.5)
    training.advance()
    net.weights[0][2] = 0.0
    other.weights, other.biases = [w.copy() for w in net.weights], [b.copy() for b in net.biases]
    training.advance()
    other.update_mini_batch(DATA, 0.5)
    for mine, expected in zip(net.weights, other.weights, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)
    half = net.begin_training(DATA, 5, 0.5)  # the learning rate can also change within an epoch
    half.advance(2)
    net.weights[0][...] = 0.0
    half.eta = 1e-6
    half.advance()
    assert np.abs(net.weights[0]).max() < 1e-5


def test_eta_may_be_changed_between():
    net, other = network("numpy"), network("numpy")
    training, expected = net.begin_training(DATA[:10], 10, 0.5), other.begin_training(DATA[:10], 10, 0.25)
    training.eta = 0.25
    for each in (training, expected):
        each.advance(2)
    assert bits(net) == bits(other)
    with pytest.raises(ValueError, match=r"eta is -1\.0"):
        training.eta = -1
    assert training.eta == 0.25


def test_where_it_diverges_the_network_is_as_before():
    net = network2.Network([6, 5, Dense(3, "linear")], "quadratic", seed=0)
    training = net.begin_training(DATA, 5, 1e30)
    before = bits(net)
    with pytest.warns(TrainingWarning, match="epoch 0: weights became infinite"):
        cost = training.advance(20)
    assert np.isnan(cost)
    assert training.diverged
    assert bits(net) == before
    with pytest.raises(RuntimeError, match="has diverged"):
        training.advance()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mini_batch_size": 0}, "mini_batch_size is 0"),
        ({"eta": 0}, "eta is 0.0"),
        ({"lmbda": -1}, "lmbda is -1.0"),
        ({"momentum": 1}, "momentum is 1"),
        ({"dropout": 1}, "dropout is 1"),
        ({"training_data": []}, "training_data: the data set is empty"),
    ],
)
def test_bad_arguments_change_nothing(change, message):
    net = network("numpy")
    before = bits(net), net._random.get_state()[1].tobytes()
    with pytest.raises(ValueError, match=message):
        net.begin_training(**({"training_data": DATA, "mini_batch_size": 5, "eta": 0.5} | change))
    training = net.begin_training(DATA, 5, 0.5)
    with pytest.raises(ValueError, match="mini_batches is 0"):
        training.advance(0)
    weights, net.weights[0] = net.weights[0], net.weights[0].T
    with pytest.raises(ValueError, match="weights have the shapes"):
        training.advance()
    net.weights[0] = weights
    assert (bits(net), net._random.get_state()[1].tobytes()) == before
