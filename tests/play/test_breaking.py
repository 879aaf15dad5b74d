import numpy as np
import pytest

from fastnet import network2
from fastnet.formulas.layers import Convolution, Dense, MaxPooling
from fastnet.play import breaking
from fastnet.play.settings import RequestError

RANDOM = np.random.default_rng(0)


def dense():
    return network2.Network([784, 12, 8, 10], seed=0)


def images():
    return network2.Network([(1, 28, 28), Convolution(3, 5, "relu"), MaxPooling(2), Convolution(4, 3), 10], seed=0)


@pytest.mark.parametrize(("make", "layer", "index"), [(dense, 1, 5), (dense, 2, 7), (images, 1, 2), (images, 3, 1)])
def test_on_a_removed_neuron_nothing_depends(make, layer, index):
    """Changing the weights of a removed neuron does not change the outputs."""
    net, x = make(), RANDOM.random((784, 3))
    before = net.feedforward(x)
    assert breaking.apply(net, {"action": "remove", "layer": layer, "index": index}, RANDOM).endswith("removed")
    removed = net.feedforward(x)
    assert not np.allclose(removed, before, atol=1e-4)
    net.parameters[layer - 1]["weights"][index] += 1
    np.testing.assert_allclose(net.feedforward(x), removed, atol=1e-6)


def test_scale_noise_and_zero():
    net, other = dense(), dense()
    breaking.apply(net, {"action": "scale", "layer": 2, "amount": 3}, RANDOM)
    np.testing.assert_allclose(net.weights[1], 3 * other.weights[1])
    assert (net.weights[0] == other.weights[0]).all()
    breaking.apply(net, {"action": "noise", "layer": 1, "amount": 0.5}, RANDOM)
    assert (net.weights[0] - other.weights[0]).std() == pytest.approx(0.5 * other.weights[0].std(), rel=0.05)
    breaking.apply(net, {"action": "zero", "layer": 1}, RANDOM)
    assert not net.weights[0].any()
    assert net.biases[0].any()


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"action": "zero", "layer": 0}, "there is no layer 0; layers go from 1 to 4"),
        ({"action": "zero", "layer": 2}, "layer 2 has no weights"),
        ({"action": "zero"}, "there is no layer None"),
        ({"action": "scale", "layer": 1}, "amount is None"),
        ({"action": "scale", "layer": 1, "amount": float("nan")}, "amount is nan"),
        ({"action": "scale", "layer": 1, "amount": 1e9}, "amount is"),
        ({"action": "scale", "layer": 4, "amount": 100}, "would be larger than 1e[+]06"),
        ({"action": "remove", "layer": 1, "index": 3}, "layer 1 has no neuron 3; its neurons go from 0 to 2"),
        ({"action": "remove", "layer": 4, "index": 3}, "layer 4 is the output layer"),
        ({"action": "explode", "layer": 1, "amount": 1}, "action is 'explode'; it must be"),
    ],
)
def test_what_is_refused_changes_nothing(message, text):
    net = network2.Network([(1, 28, 28), Convolution(3, 5), MaxPooling(2), Dense(5), 10], seed=0)
    net.weights[-1][0, 0] = 1e5
    before = [w.copy() for w in net.weights]
    with pytest.raises(RequestError, match=text):
        breaking.apply(net, message, RANDOM)
    assert all((w == b).all() for w, b in zip(net.weights, before, strict=True))
