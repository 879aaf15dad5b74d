"""The gradient of the cost of a whole data set."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from fastnet import BatchNormalization, Convolution, Dataset, Dense, Dropout, MaxPooling, network2
from fastnet.engines import engine_class
from fastnet.network2 import CrossEntropyCost, LogLikelihoodCost, Network, QuadraticCost

NETWORKS = {
    "cross-entropy": ([36, 5, 4, 3], CrossEntropyCost),
    "relu and softmax": ([36, Dense(5, "relu"), Dropout(0.5), Dense(4, "relu"), 3], LogLikelihoodCost),
    "tanh and linear": ([36, Dense(5, "tanh"), Dense(3, "linear")], QuadraticCost),
    "images": ([(1, 6, 6), Convolution(3, 3, "relu"), MaxPooling(2), 4, 3], LogLikelihoodCost),
}


@pytest.fixture
def data():
    """97 samples of three classes. About half of the inputs are 0."""
    random = np.random.default_rng(0)
    inputs = np.maximum(random.standard_normal((97, 36)), 0)
    return Dataset(inputs, random.integers(0, 3, 97))


def made(which, engine):
    sizes, cost = NETWORKS[which]
    return Network(sizes, cost, engine=engine, dtype="float64", seed=1)


def arrays_of(gradients):
    nabla_b, nabla_w = gradients
    return [*nabla_b, *nabla_w]


def assert_equal(gradients, expected, tolerance=1e-10):
    for array, like in zip(arrays_of(gradients), arrays_of(expected), strict=True):
        assert array.shape == like.shape
        np.testing.assert_allclose(array, like, rtol=0, atol=tolerance)


@pytest.mark.parametrize("which", NETWORKS)
def test_it_is_the_mean_of_backprop(which, engine_name, data):
    net = made(which, engine_name)
    of_samples = [net.backprop(x, np.eye(3)[:, [y]]) for x, y in data]
    means = [
        [sum(arrays) / len(data) for arrays in zip(*lists, strict=True)] for lists in zip(*of_samples, strict=True)
    ]
    assert max(abs(array).max() for array in arrays_of(means)) > 1e-3
    gradients = net.gradients(data)
    assert_equal(gradients, means)
    assert [array.shape for array in arrays_of(gradients)] == [array.shape for array in net.biases + net.weights]


@pytest.mark.parametrize("which", NETWORKS)
def test_it_is_the_derivative_of_total_cost(which, engine_name, data):
    net = made(which, engine_name)
    nabla_b, nabla_w = net.gradients(data, 0.7, l1=0.4)
    for arrays, nablas in ((net.biases, nabla_b), (net.weights, nabla_w)):
        for array, nabla in zip(arrays, nablas, strict=True):
            place = np.unravel_index(abs(nabla).argmax(), nabla.shape)
            before, costs = array[place], []
            for step in (1e-6, -1e-6):
                array[place] = before + step
                costs.append(net.total_cost(data, 0.7, l1=0.4))
            array[place] = before
            assert nabla[place] == pytest.approx((costs[0] - costs[1]) / 2e-6, rel=1e-5)


def test_a_step_of_gradient_descent_follows_it(engine_name, data):
    """The network has batch normalization, which uses the mean and variance over all samples."""
    sizes = [36, Dense(5), BatchNormalization("tanh"), 3]
    net = Network(sizes, engine=engine_name, dtype="float64", seed=1)
    nabla_b, nabla_w = net.gradients(data, 0.7)
    expected = [b - 0.5 * nb for b, nb in zip(net.biases, nabla_b, strict=True)]
    expected += [w - 0.5 * nw for w, nw in zip(net.weights, nabla_w, strict=True)]
    net.update_mini_batch(data, 0.5, 0.7)
    for array, like in zip(net.biases + net.weights, expected, strict=True):
        np.testing.assert_allclose(array, like, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_its_arrays_are_of_the_networks_dtype_and_the_network_stays_as_it_is(dtype, engine_name, data):
    net = Network([36, 4, 3], engine=engine_name, dtype=dtype, seed=1)
    before = [array.copy() for array in net.biases + net.weights]
    for arguments in [(), (0.5,)]:
        assert {array.dtype.name for array in arrays_of(net.gradients(data, *arguments))} == {dtype}
    for array, like in zip(net.biases + net.weights, before, strict=True):
        np.testing.assert_array_equal(array, like)


def test_an_engine_is_prepared_once(engine_name, data, monkeypatch):
    """`gradients` is called after each epoch, and uses the parameters after that epoch."""
    prepared, found = [], []
    engine = engine_class(engine_name)
    prepare = engine._prepare
    monkeypatch.setattr(engine, "_prepare", lambda self, data: prepared.append(1) or prepare(self, data))
    net = made("cross-entropy", engine_name)
    net.SGD(data, 3, len(data), 0.5, report=lambda history: found.append(net.gradients(data)))
    assert len(prepared) == 2  # one engine for training, one for `gradients`
    twin = made("cross-entropy", "numpy")
    for gradients in found:
        twin.update_mini_batch(data, 0.5)
        assert_equal(gradients, twin.gradients(data))


def test_changes_between_calls_are_detected(engine_name, data):
    net = made("cross-entropy", engine_name)
    vectors = Dataset(data.inputs, np.eye(3)[data.targets])
    net.gradients(vectors)

    def expected(those):
        fresh = Network(net.sizes, net.cost, activation=net.activation, engine="numpy", dtype=net.dtype, seed=0)
        fresh.weights, fresh.biases = net.weights, net.biases
        return fresh.gradients(those)

    net.weights[0][:] *= 1.5
    assert_equal(net.gradients(vectors), expected(vectors))
    vectors[0] = vectors[50]
    assert_equal(net.gradients(vectors), expected(vectors))
    assert_equal(net.gradients(vectors[:30]), expected(vectors[:30]))
    net.cost = QuadraticCost
    assert_equal(net.gradients(vectors), expected(vectors))
    net.activation = "tanh"
    assert_equal(net.gradients(vectors), expected(vectors))
    net.sizes, net.weights, net.biases = [36, 3], [np.ones((3, 36)) / 36], [np.zeros((3, 1))]
    assert_equal(net.gradients(vectors), expected(vectors))
    net.engine, net.dtype = "numba", "float32"
    assert_equal(net.gradients(vectors), expected(vectors), 1e-6)


def test_copies_and_pickles_are_as_without_a_call(data):
    net, untouched = (made("cross-entropy", "numba") for _ in range(2))
    net.gradients(data)
    assert len(pickle.dumps(net)) == len(pickle.dumps(untouched))
    for twin in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert_equal(twin.gradients(data), net.gradients(data), 0)


def test_threads_do_not_share_an_engine(data):
    net = made("cross-entropy", "numba")
    expected = net.gradients(data)
    with ThreadPoolExecutor(4) as pool:
        for gradients in pool.map(net.gradients, [data] * 40):
            assert_equal(gradients, expected, 0)


def test_the_forms_that_data_may_have(data):
    net = made("cross-entropy", "numba")
    vectors = [(x, network2.vectorized_result(y)[:3]) for x, y in data]
    for those in (vectors, iter(vectors), Dataset(data.inputs, np.eye(3)[data.targets])):
        assert_equal(net.gradients(those), net.gradients(data), 0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (lambda data: (None,), TypeError, "data: None is neither"),
        (lambda data: ([],), ValueError, "data: the data set is empty"),
        (lambda data: (Dataset(data.inputs[:, 1:], data.targets),), ValueError, "data: x has 35 components, .* 36 inp"),
        (lambda data: (Dataset(data.inputs, data.targets + 1),), ValueError, "data: there is a label 3, .* 3 outputs"),
        (lambda data: (Dataset(data.inputs, np.eye(3)[data.targets] * 2),), ValueError, "data: a target y"),
        (lambda data: (data, -1), ValueError, r"lmbda is -1\.0; it must be finite and not negative"),
        (lambda data: (data, "5"), TypeError, "lmbda is '5'; it must be a number"),
    ],
)
def test_what_is_refused(arguments, error, message, engine_name, data):
    with pytest.raises(error, match=message) as caught:
        made("cross-entropy", engine_name).gradients(*arguments(data))
    assert "\n" not in str(caught.value)


def test_what_else_is_refused(data):
    net = made("cross-entropy", "numba")
    with pytest.raises(ValueError, match="l1 is nan"):
        net.gradients(data, l1=float("nan"))
    net.cost = SimpleNamespace(fn=lambda a, y: 0.0, delta=lambda z, a, y: a - y)
    with pytest.raises(ValueError, match=r"engine 'numba' is compiled and cannot call a custom cost\.delta"):
        net.gradients(data)
    net.backprop = lambda x, y: ([], [])
    with pytest.raises(TypeError, match="overrides backprop, which the engine would never call; use a custom"):
        net.gradients(data)
    normalized = Network([36, 4, BatchNormalization(), 3], engine="numpy", seed=0)
    with pytest.raises(ValueError, match="1 sample, but the network has BatchNormalization"):
        normalized.gradients(data[:1])
