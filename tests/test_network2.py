"""The names, results and printed lines of chapter 3's program."""

import copy
import inspect
from itertools import pairwise

import numpy as np
import pytest

from fastnet import Dataset, network, network2
from fastnet.network2 import CrossEntropyCost, LogLikelihoodCost, Network, QuadraticCost
from fastnet.utils import progress

SIZES = [5, 4, 3]


@pytest.fixture
def data():
    """Twelve samples of three classes, with 5 inputs each. The targets are vectors."""
    random = np.random.default_rng(0)
    return Dataset(random.random((12, 5)), np.eye(3)[random.integers(0, 3, 12)])


@pytest.fixture
def labelled():
    """Nine samples of three classes, with 5 inputs each. The targets are labels."""
    random = np.random.default_rng(1)
    return Dataset(random.random((9, 5)), random.integers(0, 3, 9))


def parameters(net):
    return np.concatenate([array.ravel() for array in (*net.biases, *net.weights)])


def forward(net, x):
    """Feed a column forward through sigmoid neurons, as the book does."""
    for b, w in zip(net.biases, net.weights, strict=True):
        x = 1 / (1 + np.exp(-(w @ x + b)))
    return x


def test_the_books_names():
    assert {
        "CrossEntropyCost",
        "Network",
        "QuadraticCost",
        "load",
        "sigmoid",
        "sigmoid_prime",
        "vectorized_result",
    } <= {*network2.__all__}
    book = ["self", "training_data", "epochs", "mini_batch_size", "eta", "lmbda", "evaluation_data"]
    book += [f"monitor_{data}_{what}" for data in ("evaluation", "training") for what in ("cost", "accuracy")]
    parameters = inspect.signature(Network.SGD).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == book
    assert network2.vectorized_result(3).tolist() == np.eye(10)[:, 3:4].tolist()
    for method in ("update_mini_batch(mini_batch, eta, lmbda, n)", "total_cost(data, lmbda, convert)"):
        name, names = method[:-1].split("(")
        assert list(inspect.signature(getattr(Network([2, 2]), name)).parameters)[: len(names.split(", "))] == (
            names.split(", ")
        )


def test_the_initial_parameters_are_the_books():
    sizes = [784, 30, 10]
    np.random.seed(12345)
    biases = [np.random.randn(y, 1) for y in sizes[1:]]
    weights = [np.random.randn(y, x) / np.sqrt(x) for x, y in pairwise(sizes)]
    large_biases = [np.random.randn(y, 1) for y in sizes[1:]]
    large_weights = [np.random.randn(y, x) for x, y in pairwise(sizes)]
    np.random.seed(12345)
    for net in (Network(sizes, dtype="float64"), Network(sizes, dtype="float64", seed=12345)):
        for array, expected in zip(net.biases + net.weights, biases + weights, strict=True):
            np.testing.assert_array_equal(array, expected, strict=True)
        net.large_weight_initializer()
        for array, expected in zip(net.biases + net.weights, large_biases + large_weights, strict=True):
            np.testing.assert_array_equal(array, expected, strict=True)
    assert (net.num_layers, net.sizes, net.cost) == (3, sizes, CrossEntropyCost)
    assert all(array.dtype == np.float32 for array in (*Network(sizes).weights, *Network(sizes).biases))


def test_the_book_trained_by_hand(engine_name, data):
    """SGD with L1 and L2 regularization gives the same parameters as the book's algorithm, written out here."""
    net = Network(SIZES, engine=engine_name, dtype="float64", seed=3)
    book = Network(SIZES, dtype="float64", seed=3)
    net.SGD(data, 2, 5, 0.5, 0.6, l1=0.3)
    random = np.random.RandomState(3)
    [random.randn(y, 1) for y in SIZES[1:]], [random.randn(y, x) for x, y in pairwise(SIZES)]
    for _ in range(2):
        order = random.permutation(12)
        for k in (0, 5, 10):
            batch = [data[int(i)] for i in order[k : k + 5]]
            sums_b, sums_w = [np.zeros_like(b) for b in book.biases], [np.zeros_like(w) for w in book.weights]
            for x, y in batch:
                hidden = 1 / (1 + np.exp(-(book.weights[0] @ x + book.biases[0])))
                delta = forward(book, x) - y
                delta_hidden = (book.weights[1].T @ delta) * hidden * (1 - hidden)
                for sums, nablas in ((sums_b, (delta_hidden, delta)), (sums_w, (delta_hidden @ x.T, delta @ hidden.T))):
                    for array, nabla in zip(sums, nablas, strict=True):
                        array += nabla
            book.weights = [
                (1 - 0.5 * (0.6 / 12)) * w - 0.5 * (0.3 / 12) * np.sign(w) - (0.5 / len(batch)) * nw
                for w, nw in zip(book.weights, sums_w, strict=True)
            ]
            book.biases = [b - (0.5 / len(batch)) * nb for b, nb in zip(book.biases, sums_b, strict=True)]
    np.testing.assert_allclose(parameters(net), parameters(book), rtol=0, atol=1e-13)


def test_update_mini_batch_takes_the_books_step(engine_name, data):
    net = Network(SIZES, engine=engine_name, dtype="float64", seed=0)
    for arguments, decay in (((0.5, 0.6, 100), 0.5 * 0.6 / 100), ((0.5,), 0), ((0.5, 0.6), 0.5 * 0.6 / 12)):
        expected_biases, expected_weights = copy.deepcopy((net.biases, net.weights))
        for w in expected_weights:
            w *= 1 - decay
        for x, y in data:
            for nablas, arrays in zip(net.backprop(x, y), (expected_biases, expected_weights), strict=True):
                for nabla, array in zip(nablas, arrays, strict=True):
                    array -= 0.5 / len(data) * nabla
        net.update_mini_batch(list(data), *arguments)
        for array, expected in zip(net.biases + net.weights, expected_biases + expected_weights, strict=True):
            np.testing.assert_allclose(array, expected, rtol=0, atol=1e-14)


def test_the_books_lines_are_printed(data, labelled, capsys):
    net = Network(SIZES, engine="numpy", dtype="float64", seed=0)
    returned = net.SGD(data, 2, 5, 0.5, 0.1, labelled, True, True, True, True)
    expected = ""
    for j, (ec, ea, tc, ta) in enumerate(zip(*returned, strict=True)):
        expected += f"Epoch {j} training complete\nCost on training data: {tc}\nAccuracy on training data: {ta} / 12\n"
        expected += f"Cost on evaluation data: {ec}\nAccuracy on evaluation data: {ea} / 9\n\n"
    assert capsys.readouterr().out == f"{expected}{net.history.summary()}\n"
    assert len(returned[0]) == 2

    assert net.SGD(data, 2, 5, 0.5) == ([], [], [], [])
    lines = "Epoch 0 training complete\n\nEpoch 1 training complete\n\n"
    assert capsys.readouterr().out == f"{lines}{net.history.summary()}\n"


@pytest.mark.parametrize("which", range(4))
def test_each_monitor_by_itself(data, labelled, capsys, which):
    """If one monitor is on, only this monitor's list contains a value, the result of `accuracy` or `total_cost`."""
    what = ["evaluation_cost", "evaluation_accuracy", "training_cost", "training_accuracy"][which]
    net = Network(SIZES, engine="numpy", dtype="float64", seed=0)
    returned = net.SGD(data, 1, 5, 0.5, 0.1, evaluation_data=labelled, **{f"monitor_{what}": True})
    those = labelled if which < 2 else data
    expected = net.accuracy(those) if "accuracy" in what else net.total_cost(those, 0.1)
    assert returned == tuple([expected] if k == which else [] for k in range(4))
    assert len(capsys.readouterr().out.splitlines()) == 4  # three lines of the book and the summary


def test_what_is_monitored_is_computed_after_each_epoch(engine_name, data, labelled, capsys):
    def cost_of(net):
        return lambda those: net.total_cost(those, 0.2, l1=0.1)

    net, twin = (Network(SIZES, engine=engine_name, dtype="float64", seed=0) for _ in range(2))
    returned = net.SGD(data, 3, 5, 0.5, 0.2, labelled, True, True, True, True, l1=0.1)
    for costs_and_accuracies in zip(*returned, strict=True):
        twin.SGD(data, 1, 5, 0.5, 0.2, l1=0.1)
        expected = [f(those) for those in (labelled, data) for f in (cost_of(twin), twin.accuracy)]
        assert costs_and_accuracies == pytest.approx(expected, rel=1e-12)


def test_total_cost_by_hand(engine_name, data, labelled):
    net = Network(SIZES, engine=engine_name, dtype="float64", seed=0)
    regularization = sum(0.3 / 2 * np.sum(w**2) + 0.7 * np.sum(abs(w)) for w in net.weights)
    for those in (data, labelled):
        cost = 0
        for x, y in those:
            a, y = forward(net, x), np.eye(3)[:, [y]] if isinstance(y, int) else y
            cost -= np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
        n = len(those)
        assert net.total_cost(those, 0.0) == pytest.approx(cost / n, rel=1e-12)
        for convert in (False, True):  # fastnet ignores `convert`, which the book's program needs for labels
            total = net.total_cost(those, 0.3, convert, l1=0.7)
            assert total == pytest.approx((cost + regularization) / n, rel=1e-12)
            assert type(total) is float


def test_accuracy_whatever_convert_says(engine_name, data, labelled):
    net = Network(SIZES, engine=engine_name, dtype="float64", seed=0)
    for those in (data, labelled):
        answers = [forward(net, x).argmax() for x, _ in those]
        right = [y if isinstance(y, int) else y.argmax() for _, y in those]
        expected = sum(a == b for a, b in zip(answers, right, strict=True))
        assert 0 < expected < len(those)
        for accuracy in (net.accuracy(those), net.accuracy(those, True), net.accuracy(list(those), convert=False)):
            assert accuracy == expected
            assert type(accuracy) is int


@pytest.mark.parametrize("cost", [CrossEntropyCost, QuadraticCost, LogLikelihoodCost])
def test_labels_and_vectors_are_the_same_training_data(cost, labelled):
    vectors = Dataset(labelled.inputs, np.eye(3, dtype=np.float32)[labelled.targets])
    nets = [Network(SIZES, cost, engine="numpy", seed=0) for _ in range(2)]
    for net, those in zip(nets, (labelled, vectors), strict=True):
        net.SGD(those, 2, 4, 0.5, 0.1, momentum=0.5)
    np.testing.assert_array_equal(parameters(nets[0]), parameters(nets[1]))
    assert nets[0].total_cost(labelled, 0) == nets[0].total_cost(vectors, 0)


def test_a_quadratic_network_without_options_is_chapter_1s(engine_name, data):
    nets = [
        kind(SIZES, engine=engine_name, dtype="float64", seed=0, **keywords)
        for kind, keywords in ((network.Network, {}), (Network, {"cost": QuadraticCost}))
    ]
    nets[1].weights, nets[1].biases = nets[0].weights, nets[0].biases
    for net in nets:
        net.SGD(data, 2, 5, 3.0)
    np.testing.assert_array_equal(parameters(nets[0]), parameters(nets[1]))


def test_softmax_outputs_are_probabilities(engine_name, data):
    net = Network(SIZES, LogLikelihoodCost, engine=engine_name, dtype="float64", seed=0)
    x = data[0][0]
    hidden = 1 / (1 + np.exp(-(net.weights[0] @ x + net.biases[0])))
    e = np.exp(net.weights[1] @ hidden + net.biases[1])
    np.testing.assert_allclose(net.feedforward(x), e / e.sum(), rtol=1e-13)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("cost", [CrossEntropyCost, QuadraticCost, LogLikelihoodCost])
def test_every_kind_of_network_learns(activation, cost, labelled):
    net = Network([5, 20, 3], cost, activation=activation, engine="numpy", seed=0)
    net.SGD(labelled, 300, 3, 0.1, momentum=0.8, report=lambda history: None)
    assert net.accuracy(labelled) == 9


def test_dropout_is_repeatable_and_draws_only_where_it_is_wanted(engine_name, data):
    def run(seed, **options):
        net = Network(SIZES, engine=engine_name, dtype="float64", seed=seed)
        net.SGD(data, 2, 5, 0.5, **options)
        return parameters(net)

    np.testing.assert_array_equal(run(1, dropout=0.5), run(1, dropout=0.5))
    np.testing.assert_array_equal(run(1, dropout=0.0), run(1))
    assert np.abs(run(1, dropout=0.5) - run(1)).max() > 1e-3


def test_interrupted_it_keeps_whole_epochs_and_what_was_monitored(engine_name, data, monkeypatch):
    net, expected = (Network(SIZES, engine=engine_name, dtype="float64", seed=0) for _ in range(2))
    costs = expected.SGD(data, 2, 4, 0.5, monitor_training_cost=True)[2]
    whole = progress.runs

    def interrupted_in_the_third_epoch(order, mini_batch_size, title, first):
        for run in whole(order, mini_batch_size, title, first):
            yield run
            if title == "Epoch 2":
                raise KeyboardInterrupt

    monkeypatch.setattr(progress, "runs", interrupted_in_the_third_epoch)
    with pytest.raises(KeyboardInterrupt):
        net.SGD(data, 5, 4, 0.5, monitor_training_cost=True)
    np.testing.assert_array_equal(parameters(net), parameters(expected))
    assert net.history.series("training_cost") == costs
    assert [epoch.number for epoch in net.history.epochs] == [0, 1]
