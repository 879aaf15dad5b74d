import copy
import re
from itertools import pairwise

import numpy as np
import pytest

from fastnet import Dataset
from fastnet.network import Network
from fastnet.utils import progress

LINE = re.compile(r"Epoch (\d+): (\d+) / (\d+) \((\d+\.\d\d)% accuracy\), took \d+\.\d\d seconds")


@pytest.fixture
def data():
    """Twelve samples of two classes, with 5 inputs each."""
    random = np.random.default_rng(0)
    return Dataset(random.random((12, 5)), np.eye(2)[random.integers(0, 2, 12)])


def parameters(net):
    return np.concatenate([array.ravel() for array in (*net.biases, *net.weights)])


def test_the_initial_parameters_are_the_books():
    """As in the book, all biases are drawn before all weights.

    Without the argument `seed`, NumPy's global generator draws the parameters.
    """
    sizes = [784, 30, 10]
    np.random.seed(12345)
    biases = [np.random.randn(y, 1) for y in sizes[1:]]
    weights = [np.random.randn(y, x) for x, y in pairwise(sizes)]
    np.random.seed(12345)
    for net in (Network(sizes, dtype="float64"), Network(sizes, dtype="float64", seed=12345)):
        for array, expected in zip(net.biases + net.weights, biases + weights, strict=True):
            np.testing.assert_array_equal(array, expected, strict=True)
    assert net.num_layers == 3
    assert net.sizes == sizes
    assert all(array.dtype == np.float32 for array in (*Network(sizes).weights, *Network(sizes).biases))


def test_the_same_seed_gives_the_same_run(engine_name, data):
    def run(seed_globally, **keywords):
        if seed_globally:
            np.random.seed(7)
        net = Network([5, 4, 2], engine=engine_name, **keywords)
        net.SGD(data, 3, 5, 0.5)
        return parameters(net)

    globally = run(True)
    np.testing.assert_array_equal(run(True), globally)
    own = run(False, seed=7)
    np.testing.assert_array_equal(run(False, seed=7), own)
    np.testing.assert_array_equal(own, globally)
    assert (run(False, seed=8) != own).any()
    assert (run(False) != own).any()


def test_a_seed_of_its_own_does_not_change_the_global_generator(data):
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    Network([5, 2], seed=3).SGD(data, 1, 5, 0.5)
    assert np.random.random() == expected


def test_sgd_prints_a_line_for_each_epoch(engine_name, data, capsys):
    net = Network([5, 2], engine=engine_name, seed=0)
    net.SGD(data, 2, 5, 0.5)
    *lines, summary = capsys.readouterr().out.splitlines()
    assert [bool(re.fullmatch(r"Epoch \d complete, took \d\.\d\d seconds", line)) for line in lines] == [True, True]
    assert summary == net.history.summary()
    net.SGD(data, 2, 5, 0.5, test_data=data)
    lines = [LINE.fullmatch(line) for line in capsys.readouterr().out.splitlines()[:-1]]
    assert [line[1] for line in lines] == ["0", "1"]
    assert lines[1][2] == str(net.evaluate(data))
    assert lines[1][3] == "12"
    assert float(lines[1][4]) == pytest.approx(100 * int(lines[1][2]) / 12, abs=0.005)


def test_sgd_takes_every_form_of_data_and_reorders_none(engine_name, data):
    pairs = list(data)
    before = [(x.copy(), y.copy()) for x, y in pairs]

    def run(training_data):
        net = Network([5, 3, 2], engine=engine_name, seed=0)
        net.SGD(training_data, 2, 5, 0.5, test_data=iter(pairs))
        return parameters(net)

    expected = run(data)
    np.testing.assert_array_equal(run(pairs), expected)
    np.testing.assert_array_equal(run(zip(*zip(*pairs, strict=True), strict=True)), expected)
    np.testing.assert_array_equal(run([(x, int(y.argmax())) for x, y in pairs]), expected)
    for (x, y), (expected_x, expected_y) in zip(pairs, before, strict=True):
        np.testing.assert_array_equal(x, expected_x)
        np.testing.assert_array_equal(y, expected_y)


def test_an_epoch_visits_every_sample_once(data):
    """If one mini-batch contains all samples, an epoch is one step of gradient descent over all samples."""
    net = Network([5, 2], engine="reference", dtype="float64", seed=0)
    other = copy.deepcopy(net)
    net.SGD(data, 1, len(data), 0.5)
    other.update_mini_batch(data, 0.5)
    np.testing.assert_allclose(parameters(net), parameters(other), rtol=0, atol=1e-14)


def test_update_mini_batch_takes_the_books_step(engine_name, data):
    net = Network([5, 3, 2], engine=engine_name, dtype="float64", seed=0)
    expected_biases, expected_weights = copy.deepcopy((net.biases, net.weights))
    for x, y in data:
        for nablas, arrays in zip(net.backprop(x, y), (expected_biases, expected_weights), strict=True):
            for nabla, array in zip(nablas, arrays, strict=True):
                array -= 0.5 / len(data) * nabla
    net.update_mini_batch(list(data), 0.5)
    for array, expected in zip(net.biases + net.weights, expected_biases + expected_weights, strict=True):
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-14)


def test_parameters_may_be_assigned_and_changed(engine_name):
    net = Network([2, 2, 1], engine=engine_name, dtype="float64")
    net.weights = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5, 6]])]  # integers are allowed
    net.biases = [np.array([[0.5], [-0.5]]), np.array([[1.0]])]
    net.biases[1][0, 0] = -8.0
    x = np.array([[0.1], [-0.2]])
    hidden = 1 / (1 + np.exp(-(net.weights[0] @ x + net.biases[0])))
    np.testing.assert_allclose(net.feedforward(x), 1 / (1 + np.exp(-(net.weights[1] @ hidden - 8.0))), rtol=1e-14)


def test_arrays_read_before_training_stay_as_they_were(engine_name, data):
    net = Network([5, 2], engine=engine_name)
    before, copies = net.weights[0], net.weights[0].copy()
    net.SGD(data, 1, 3, 0.5)
    np.testing.assert_array_equal(before, copies)
    assert (net.weights[0] != before).any()


def test_feedforward_takes_a_column_or_a_matrix_of_columns(engine_name, data):
    net = Network([5, 3, 2], engine=engine_name, dtype="float64", seed=0)
    together = net.feedforward(data.inputs.T)
    assert together.shape == (2, 12)
    for i, (x, _) in enumerate(data):
        np.testing.assert_allclose(net.feedforward(x), together[:, i : i + 1], rtol=1e-12, strict=True)


def test_evaluate_counts(engine_name):
    net = Network([2, 2], engine=engine_name)
    net.weights, net.biases = [np.eye(2)], [np.zeros((2, 1))]  # the prediction is the index of the larger input
    x = [np.array([[1.0], [0.0]]), np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]])]
    assert net.evaluate(list(zip(x, [0, 1, 0], strict=True))) == 2
    assert net.evaluate(list(zip(x, [1, 0, 0], strict=True))) == 0
    assert isinstance(net.evaluate([(x[0], 0)]), int)


def test_every_epoch_has_an_order_of_its_own(engine_name, data, monkeypatch):
    orders = []
    whole = progress.runs

    def spy(order, mini_batch_size, title, first):
        orders.append(order.copy())
        return whole(order, mini_batch_size, title, first)

    monkeypatch.setattr(progress, "runs", spy)
    Network([5, 2], engine=engine_name, seed=4).SGD(data, 3, 5, 0.5)
    random = np.random.RandomState(4)
    random.randn(2, 1), random.randn(2, 5)
    np.testing.assert_array_equal(orders, [random.permutation(12) for _ in range(3)])


def test_one_output_learns_and_from_numbers(engine_name):
    """As in the book, a target may be a number, which is subtracted from the only output."""
    corners = [np.array([[a], [b]], float) for a in (0, 1) for b in (0, 1)]
    net = Network([2, 1], engine=engine_name, seed=0)
    net.SGD([(x, int(x.min())) for x in corners] * 50, 50, 4, 3.0)
    assert [round(net.feedforward(x).item()) for x in corners] == [0, 0, 0, 1]


def test_a_single_output_that_has_learnt_the_majority_is_right_of_all(engine_name, capsys):
    bits = [np.array([[a], [b], [c]], float) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    data = [(x, np.array([[float(x.sum() >= 2)]])) for x in bits]
    net = Network([3, 1], engine=engine_name, seed=0)
    net.SGD(data * 10, 60, 4, 3.0, test_data=data)
    assert all((net.feedforward(x) > 0.5) == (y > 0.5) for x, y in data)
    assert net.evaluate(data) == 8
    assert capsys.readouterr().out.splitlines()[-2].startswith("Epoch 59: 8 / 8 (100.00% accuracy)")
    assert net.history.epochs[-1].evaluation_accuracy == 8


def test_evaluate_compares_as_the_book_does(engine_name):
    net = Network([2, 10], engine=engine_name)
    net.weights, net.biases = [np.zeros((10, 2))], [np.eye(10)[:, 3:4]]  # the prediction is always 3
    x = np.zeros((2, 1))
    for three in (3, np.uint8(3), 3.0, np.array([3]), np.array([[3]]), np.eye(10)[:, 3:4]):
        assert net.evaluate([(x, three)]) == 1
    for other in (4, np.array([4]), np.eye(10)[:, 4:5]):
        assert net.evaluate([(x, other)]) == 0


def test_what_an_evaluation_changes_stays_changed(engine_name, data):
    class ZeroedOnce(Network):
        zeroed = False

        def evaluate(self, test_data):
            if not self.zeroed:
                self.weights = [np.zeros_like(w) for w in self.weights]
                self.zeroed = True
            return 0

    zeroed, plain = (kind([5, 2], engine=engine_name, seed=0) for kind in (ZeroedOnce, Network))
    for net in (zeroed, plain):
        net.SGD(data, 2, 12, 1e-6, test_data=data)  # steps with this eta hardly change the weights
    assert np.abs(zeroed.weights[0]).max() < 1e-5
    assert np.abs(plain.weights[0]).max() > 0.1


def test_five_seeds_learn_real_digits(mnist):
    """Chapter 1's training: 30 epochs, mini-batches of 10, eta 3.0. The book reports about 95 %.

    `benchmarks/measure.py` measures ten seeds.
    """
    training_data, _, test_data = mnist
    accuracies = []
    for seed in range(5):
        net = Network([784, 30, 10], seed=seed)
        net.SGD(training_data, 30, 10, 3.0)
        accuracies.append(net.evaluate(test_data) / 100)
    assert 94.6 <= np.median(accuracies) <= 95.4


class Cubic(Network):
    """A network with a custom derivative of the cost."""

    def cost_derivative(self, output_activations, y):
        return 3 * (output_activations - y) ** 3


@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_a_custom_cost_derivative_is_used(name, data):
    net, plain = (kind([5, 3, 2], engine=name, dtype="float64", seed=0) for kind in (Cubic, Network))
    x, y = data[0]
    error = plain.feedforward(x) - y
    # The output layer's errors are proportional to the derivative of the cost.
    np.testing.assert_allclose(net.backprop(x, y)[0][1], plain.backprop(x, y)[0][1] * 3 * error**2, rtol=1e-12)
    before = parameters(net)
    net.SGD(data, 1, 4, 0.5)
    plain.SGD(data, 1, 4, 0.5)
    assert (parameters(net) != before).any()
    assert (parameters(net) != parameters(plain)).any()


def test_a_cost_derivative_assigned_to_one_network_is_used_too(data):
    net = Network([5, 2], engine="numpy", seed=0)
    net.cost_derivative = lambda a, y: np.zeros_like(a)
    before = parameters(net)
    net.SGD(data, 1, 4, 0.5)
    np.testing.assert_array_equal(parameters(net), before)


def test_a_cost_derivative_assigned_to_the_class_is_used_too(data, monkeypatch):
    monkeypatch.setattr(Network, "cost_derivative", lambda self, a, y: np.zeros_like(a))
    net = Network([5, 2], engine="numpy", seed=0)
    before = parameters(net)
    net.SGD(data, 1, 4, 0.5)
    np.testing.assert_array_equal(parameters(net), before)


@pytest.mark.parametrize("name", ["numpy", "reference"])
def test_what_a_cost_derivative_may_return(name, data):
    x, y = data[0]
    net = Network([5, 2], engine=name, seed=0)
    net.cost_derivative = lambda a, y: np.ones((2, 1))  # returns float64; the network is float32
    expected = net.backprop(x, y)
    assert all(array.dtype == np.float32 for arrays in expected for array in arrays)
    net.cost_derivative = lambda a, y: 1
    for arrays, expected_arrays in zip(net.backprop(x, y), expected, strict=True):
        for array, expected_array in zip(arrays, expected_arrays, strict=True):
            np.testing.assert_array_equal(array, expected_array, strict=True)
    net.SGD(data, 1, 5, 0.5)
    assert all(array.dtype == np.float32 for array in (*net.weights, *net.biases))
    for nothing in (None, "1.5", 1j):
        net.cost_derivative = lambda a, y, nothing=nothing: nothing
        with pytest.raises(ValueError, match=r"cost_derivative returned .*; it must return real numbers"):
            net.SGD(data, 1, 5, 0.5)
    net.cost_derivative = lambda a, y: np.ones(2)
    with pytest.raises(ValueError, match=r"_derivative returned an array of shape \(2,\); the shape must be \(2, 1\)"):
        net.backprop(x, y)


def test_what_the_engine_would_not_call_is_refused(data):
    net = Cubic([5, 2])
    assert net.feedforward(data[0][0]).shape == (2, 1)  # `feedforward` needs no cost
    assert 0 <= net.evaluate(data) <= 12
    with pytest.raises(ValueError, match="engine 'numba' is compiled and cannot call a custom cost_derivative"):
        net.SGD(data, 1, 4, 0.5)

    class CustomBackprop(Network):
        def backprop(self, x, y):
            raise AssertionError

    class CustomUpdate(Network):
        def update_mini_batch(self, mini_batch, eta):
            raise AssertionError

    with pytest.raises(TypeError, match="CustomBackprop overrides backprop, which the engine would never call"):
        CustomBackprop([5, 2]).SGD(data, 1, 4, 0.5)
    with pytest.raises(TypeError, match="CustomBackprop overrides backprop"):
        CustomBackprop([5, 2]).update_mini_batch(data, 0.5)
    with pytest.raises(TypeError, match="CustomUpdate overrides update_mini_batch"):
        CustomUpdate([5, 2]).SGD(data, 1, 4, 0.5)


def test_a_custom_evaluation_and_feedforward_are_used(data, capsys):
    class Mine(Network):
        def evaluate(self, test_data):
            return 3

        def feedforward(self, a):
            return -super().feedforward(a)

    Mine([5, 2]).SGD(data, 1, 4, 0.5, test_data=data)
    assert "Epoch 0: 3 / 12" in capsys.readouterr().out
    net = Mine([5, 2], seed=0)
    assert Network.evaluate(net, data) == 12 - Network([5, 2], seed=0).evaluate(data)


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        (([784],), {}, ValueError, r"sizes is \[784\]; it must have at least two sizes"),
        (([784, 0, 10],), {}, ValueError, "a size is 0; it must be at least 1"),
        (([784, 30.5, 10],), {}, TypeError, "a size is 30.5; it must be an integer"),
        ((["784", 10],), {}, TypeError, "a size is '784'; it must be an integer"),
        (
            ([2, 1],),
            {"engine": "cuda"},
            ValueError,
            "engine is 'cuda'; it must be one of numba, numpy, torch, reference",
        ),
        (([2, 1],), {"dtype": "float16"}, ValueError, "dtype is 'float16'; it must be float32 or float64"),
        (([2, 1],), {"dtype": "decimal"}, ValueError, "dtype is 'decimal'; it must be"),
        (([2, 1],), {"dtype": None}, ValueError, "dtype is None; it must be"),
        (([2, 1],), {"seed": -1}, ValueError, "seed is -1; it must not be negative"),
        (([2, 1],), {"seed": 2**32}, ValueError, r"seed is 4294967296; it must be below 2\*\*32"),
        (([2, 1],), {"seed": "x"}, TypeError, "seed is 'x'; it must be an integer"),
    ],
)
def test_what_is_no_network(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        Network(*arguments, **keywords)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"epochs": -1}, ValueError, "epochs is -1"),
        ({"epochs": 1.5}, TypeError, "epochs is 1.5; it must be an integer"),
        ({"mini_batch_size": 0}, ValueError, "mini_batch_size is 0; it must be at least 1"),
        ({"eta": 0}, ValueError, "eta is 0.0; it must be positive and finite"),
        ({"eta": float("nan")}, ValueError, "eta is nan"),
        ({"eta": "0.5"}, TypeError, "eta is '0.5'; it must be a number"),
        ({"training_data": []}, ValueError, "training_data: the data set is empty"),
        (
            {"training_data": Dataset(np.zeros((0, 5)), np.zeros((0, 2)))},
            ValueError,
            "training_data: the data set is empty",
        ),
        ({"test_data": Dataset(np.zeros((3, 5)), [0, 1, 2])}, ValueError, "test_data: there is a label 2"),
        ({"test_data": Dataset(np.zeros((3, 5)), np.zeros((3, 3)))}, ValueError, "test_data: y has 3 components"),
        ({"training_data": Dataset(np.zeros((3, 4)), [0, 1, 0])}, ValueError, "x has 4 components, .* 5 inputs"),
        ({"training_data": Dataset(np.zeros((3, 5)), [0, 1, 2])}, ValueError, "training_data: there is a label 2"),
        ({"training_data": Dataset(np.zeros((3, 5)), np.zeros((3, 3)))}, ValueError, "y has 3 components"),
        ({"test_data": Dataset(np.zeros((3, 4)), [0, 1, 0])}, ValueError, "test_data: x has 4 components"),
        ({"test_data": []}, ValueError, "test_data: the data set is empty"),
    ],
)
def test_bad_arguments_change_nothing(data, change, error, message):
    net = Network([5, 2], seed=0)
    before, generator = parameters(net), net._random.get_state()[1].copy()
    arguments = {"training_data": data, "epochs": 1, "mini_batch_size": 4, "eta": 0.5, "test_data": None}
    with pytest.raises(error, match=message):
        net.SGD(**(arguments | change))
    np.testing.assert_array_equal(parameters(net), before)
    np.testing.assert_array_equal(net._random.get_state()[1], generator)


def test_it_says_what_it_is():
    assert repr(Network([5, 3, 2])) == "<Network [5, 3, 2], engine 'numba', float32>"


def test_shapes_that_do_not_fit(data):
    net = Network([5, 3, 2])
    with pytest.raises(ValueError, match=r"a has shape \(5,\); it must be a column \(5, 1\) or a matrix") as raised:
        net.feedforward(np.zeros(5))
    assert str(raised.value).endswith("; a.reshape(-1, 1) has a fitting shape")
    with pytest.raises(ValueError, match=r"a has shape \(7, 5\).*; a\.T has a fitting shape$"):
        net.feedforward(np.zeros((7, 5)))
    with pytest.raises(ValueError, match=r"a has shape \(4, 1\).*\(5, m\)$"):
        net.feedforward(np.zeros((4, 1)))
    with pytest.raises(ValueError, match=r"x has shape \(5, 2\); it must be a column \(5, 1\)"):
        net.backprop(np.zeros((5, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"y has shape \(3, 1\)"):
        net.backprop(np.zeros((5, 1)), np.zeros((3, 1)))
    for bad in ("abcde", [1j] * 5, [object()] * 5):
        with pytest.raises(TypeError, match=r"the elements of a are of type .*; they must be real numbers"):
            net.feedforward(np.array([[item] for item in bad]))
    for kind in ("float16", ">f8", "int8", "longdouble"):
        assert net.feedforward(np.ones((5, 1), kind)).dtype == np.float32
        assert net.backprop(np.ones((5, 1), kind), np.ones((2, 1), kind))[0][0].dtype == np.float32
    net.weights[0] = np.zeros((5, 3))
    with pytest.raises(
        ValueError, match=r"weights have the shapes \(5, 3\), \(2, 3\); they must be \(3, 5\), \(2, 3\)"
    ):
        net.SGD(data, 1, 4, 0.5)


def test_interrupted_it_is_as_after_the_last_whole_epoch(engine_name, data, monkeypatch):
    net, expected = (Network([5, 2], engine=engine_name, seed=0) for _ in range(2))
    expected.SGD(data, 2, 4, 0.5)
    whole = progress.runs

    def interrupted_in_the_third_epoch(order, mini_batch_size, title, first):
        for run in whole(order, mini_batch_size, title, first):
            yield run
            if title == "Epoch 2":
                raise KeyboardInterrupt

    monkeypatch.setattr(progress, "runs", interrupted_in_the_third_epoch)
    with pytest.raises(KeyboardInterrupt):
        net.SGD(data, 5, 4, 0.5)
    np.testing.assert_array_equal(parameters(net), parameters(expected))


def test_a_copy_is_independent(engine_name, data):
    net = Network([5, 2], engine=engine_name, seed=0)
    twin = copy.deepcopy(net)
    before = parameters(net)
    twin.SGD(data, 1, 4, 0.5)
    np.testing.assert_array_equal(parameters(net), before)
    net.SGD(data, 1, 4, 0.5)
    np.testing.assert_array_equal(parameters(net), parameters(twin))
