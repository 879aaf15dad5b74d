"""Layers, optimizers, and costs with linear outputs, in chapter 3's network."""

import copy
import json

import numpy as np
import pytest

from fastnet import (
    Adam,
    BatchNormalization,
    Convolution,
    Dataset,
    Dense,
    Dropout,
    GradientDescent,
    MaxPooling,
    network,
    network2,
    network3,
)
from fastnet.formulas.activations import CustomActivation
from fastnet.network2 import CrossEntropyCost, LogLikelihoodCost, Network, QuadraticCost

ENGINES = ["numpy", "reference"]
OF_CHAPTER_6 = [network3.FullyConnectedLayer(4, 5), network3.SoftmaxLayer(5, 3)]
MIXED = [4, Dropout(0.25), Dense(5, "linear"), BatchNormalization("relu"), 3]


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return Dataset(random.random((20, 4)), np.eye(3)[random.integers(0, 3, 20)])


def quiet(history):
    """Print nothing."""


def arrays(net):
    return [array for layer in net.parameters for array in layer.values()]


def assert_same(net, expected):
    for array, like in zip(arrays(net), arrays(expected), strict=True):
        np.testing.assert_array_equal(array, like)


def test_an_integer_is_a_dense_layer_of_the_default_activation(data):
    plain = Network([4, 5, 3], activation="relu", engine="numpy", seed=0)
    named = Network([4, Dense(5, "relu"), Dense(3, "sigmoid")], engine="numpy", seed=0)
    assert plain.layers == named.layers == (Dense(5, "relu"), Dense(3, "sigmoid"))
    assert (named.sizes, named.num_layers) == ([4, 5, 3], 3)
    for net in (plain, named):
        net.SGD(data, 2, 5, 0.5, report=quiet)
    assert_same(plain, named)
    assert "layers" not in plain.history.recipe
    assert named.history.recipe["layers"][0] == {"layer": "Dense", "n_out": 5, "activation": "relu"}
    assert repr(plain) == "<Network [4, 5, 3], engine 'numpy', float32>"
    assert repr(named).startswith("<Network [4, Dense(n_out=5, activation='relu'), Dense(n_out=3")


def test_the_default_activation_may_be_assigned():
    net = Network([4, 5, Dense(6, "tanh"), 3], engine="numpy", seed=0)
    net.activation = "leaky_relu"
    assert [layer.activation for layer in net.layers] == ["leaky_relu", "tanh", "sigmoid"]


def test_parameters_are_the_arrays_of_the_books_lists(data):
    net = Network(MIXED, engine="numpy", seed=0)
    assert [sorted(layer) for layer in net.parameters] == [
        [], ["biases", "weights"], ["beta", "gamma", "mean", "variance"], ["biases", "weights"]
    ]  # fmt: skip
    assert net.parameters[1]["weights"] is net.weights[0]
    assert net.parameters[3]["biases"] is net.biases[1]
    x, before = data.inputs.T, net.feedforward(data.inputs.T)
    net.weights[1] = np.zeros((3, 5))  # this line assigns one array, the next line a list
    net.biases = [np.zeros((5, 1)), np.full((3, 1), 20.0)]
    assert net.parameters[3]["weights"] is net.weights[1]
    np.testing.assert_allclose(net.feedforward(x), 1, atol=1e-6)
    net = Network(MIXED, engine="numpy", seed=0)
    net.parameters[2]["beta"][:] = 9
    assert np.abs(net.feedforward(x) - before).max() > 1e-3
    net.parameters = [{name: array * 0 for name, array in layer.items()} for layer in net.parameters]
    assert not net.weights[0].any()
    np.testing.assert_array_equal(net.feedforward(x), 0.5)


@pytest.mark.parametrize("net", [Network(MIXED, engine="numpy", seed=0), network3.Network(OF_CHAPTER_6, 10)])
def test_parameters_without_the_arrays_of_the_layers_change_nothing(net):
    before, given = net.parameters, [layer for layer in net.parameters if layer]
    for wrong, error in (
        (5, TypeError),
        ([5, *given[1:]], TypeError),
        (given[:-1], ValueError),
        ([*given, given[-1]], ValueError),
        ([{"gamma": np.ones((5, 1))}, *given[1:]], ValueError),
    ):
        with pytest.raises(error, match=r"^parameters (is|have the arrays) "):
            net.parameters = wrong
    for layer, expected in zip(net.parameters, before, strict=True):
        for name, array in layer.items():
            np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize("name", ["weights", "biases"])
@pytest.mark.parametrize("wrong", [None, [], [5]])
def test_parameters_need_an_array_for_each_layer(name, wrong):
    net = Network(MIXED, engine="numpy", seed=0)
    setattr(net, name, wrong)
    with pytest.raises(ValueError, match=f"^{name} is .*; it must be a list of 2 arrays"):
        _ = net.parameters


def test_arrays_of_layers_that_do_not_fit_are_reported():
    net = Network(MIXED, engine="numpy", seed=0)
    net.parameters[2]["gamma"] = np.ones((4, 1))
    with pytest.raises(ValueError, match=r"parameters of layers without weights have the shapes .*4, 1"):
        net.feedforward(np.zeros((4, 1)))
    net.parameters[2]["gamma"] = np.full((5, 1), np.nan)
    with pytest.raises(ValueError, match=r"parameters\[2\]\[0\] contains NaN"):
        net.feedforward(np.zeros((4, 1)))
    net.parameters[2].update(gamma=np.ones((5, 1)), variance=np.full((5, 1), -1.0))
    with pytest.raises(ValueError, match=r"parameters\[2\]\['variance'\] is negative"):
        net.feedforward(np.zeros((4, 1)))
    net.default_weight_initializer()
    assert net.parameters[2]["gamma"].tolist() == [[1.0]] * 5


@pytest.mark.parametrize("sizes", [[4, 5, 3], MIXED])
def test_an_initializer_in_the_books_way(sizes):
    class Constant(Network):
        def default_weight_initializer(self):
            self.biases = [np.zeros((n, 1)) for n in self.sizes[1:]]
            self.weights = [np.zeros((n_out, n_in)) for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False)]

    assert Constant(sizes, engine="numpy").feedforward(np.ones((4, 1))).tolist() == [[0.5]] * 3


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ([Dense(4), 3], TypeError, r"sizes begins with Dense\(.*; it must begin with the number of inputs"),
        ([4, Dropout], TypeError, r"sizes contains the class Dropout; write Dropout\(...\) to make a layer"),
        ([4, "relu", 3], TypeError, "a size is 'relu'; it must be an integer"),
        ([4, Dropout(0.5)], ValueError, r"sizes is \[4\]; it must have at least two sizes"),
        ([4, 3, Dropout(0.5)], ValueError, "the last layer is Dropout"),
        ([4, BatchNormalization(), 3], ValueError, "BatchNormalization comes before"),
        ([4, Dense(3, "relu")], ValueError, "activation of the last layer is 'relu'; with CrossEntropyCost"),
        ([4, Dense(5, "softmax"), 3], ValueError, "activation of a hidden layer is 'softmax'"),
        ([4, Dense(10**12), 3], ValueError, "its weights need"),
        (
            [784, Convolution(20, 5), 3],
            ValueError,
            r"give their shape, such as \(1, 28, 28\), instead of the number of inputs",
        ),
        (
            [(28, 28), Convolution(20, 5), 3],
            ValueError,
            r"sizes begins with \(28, 28\); a shape of images must be \(maps, height, width\)",
        ),
        ([(1, 28, 0), 3], ValueError, "a number in the shape of images is 0; it must be at least 1"),
        ([(1, 28, 2.5), 3], TypeError, "a number in the shape of images is 2.5; it must be an integer"),
        ([(1, 28, 28)], ValueError, "after the shape of images, it must have a dense layer"),
        ([(1, 28, 28), Convolution(20, 5)], ValueError, "after the shape of images, it must have a dense layer"),
        ([(1, 28, 28), Convolution(20, 29), 10], ValueError, "^sizes: Convolution.* is larger than its inputs"),
        ([(1, 28, 28), 30, Convolution(20, 5), 10], ValueError, "^sizes: Convolution.* needs images"),
        ([(1, 10**9, 10**9), MaxPooling(10**9), 10], ValueError, "^sizes: inputs .* this machine has"),
        ([(1, 28, 28), Convolution(10**9, 20, padding="same"), 10], ValueError, "^sizes: .* give smaller images"),
        ([(1, 28, 28), Convolution(20, 5), 10**12], ValueError, "^sizes: .* give smaller images"),
    ],
)
def test_what_makes_no_network(sizes, error, message):
    with pytest.raises(error, match=message):
        Network(sizes, engine="numpy")


def test_chapter_1_has_dense_layers_of_sigmoid_neurons_only():
    with pytest.raises(TypeError, match=r"sizes has Dropout\(p=0.5\); chapter 1's Network takes integers only"):
        network.Network([4, Dropout(0.5), 3])
    with pytest.raises(TypeError, match=r"the shape of images; chapter 1's Network takes integers only: give 784"):
        network.Network([(1, 28, 28), 10])
    net = network.Network([4, 3], engine="numpy")
    with pytest.raises(TypeError, match="chapter 1's Network takes integers only"):
        net.sizes = [4, Dense(3)]
    assert net.layers == (Dense(3, "sigmoid"),)


@pytest.mark.parametrize("engine", ENGINES)
def test_dropout_layers_behind_the_hidden_layers_are_the_argument_dropout(engine, data):
    argument = Network([4, 5, 5, 3], engine=engine, seed=0)
    layers = Network([4, 5, Dropout(0.5), 5, Dropout(0.5), 3], engine=engine, seed=0)
    argument.SGD(data, 2, 5, 0.5, momentum=0.5, dropout=0.5, report=quiet)
    layers.SGD(data, 2, 5, 0.5, momentum=0.5, report=quiet)
    for array, like in zip(argument.weights + argument.biases, layers.weights + layers.biases, strict=True):
        np.testing.assert_array_equal(array, like)
    with pytest.raises(ValueError, match=r"dropout is 0.5, but not all layers are dense; leave out dropout, and put"):
        layers.SGD(data, 1, 5, 0.5, dropout=0.5)


def test_batch_normalization_needs_mini_batches(data):
    net = Network(MIXED, engine="numpy", seed=0)
    before = copy.deepcopy(net.parameters)
    for those, size in ((data, 1), (data[:1], 5)):
        with pytest.raises(ValueError, match=r"^a mini-batch has 1 sample, but .* BatchNormalization, .* at least 2"):
            net.SGD(those, 1, size, 0.5)
    for layer, like in zip(net.parameters, before, strict=True):
        assert all(np.array_equal(layer[name], like[name]) for name in layer)
    net.update_mini_batch(data[:1], 0.5)  # one sample does not change the running mean
    np.testing.assert_array_equal(net.parameters[2]["mean"], before[2]["mean"])
    net.update_mini_batch(data, 0.5)
    assert (net.parameters[2]["mean"] != before[2]["mean"]).any()


@pytest.mark.parametrize("engine", ENGINES)
def test_linear_regression_finds_the_line(engine):
    x = np.random.default_rng(0).standard_normal((60, 2))
    y = x @ [[2.0, -1.0], [0.5, 3.0]] + [7.0, -8.0]
    net = Network([2, Dense(2, "linear")], QuadraticCost, engine=engine, dtype="float64", seed=0)
    costs = net.SGD(Dataset(x, y), 60, 10, 0.1, evaluation_data=Dataset(x, y), monitor_evaluation_cost=True)[0]
    np.testing.assert_allclose(net.weights[0], [[2.0, 0.5], [-1.0, 3.0]], atol=1e-6)
    np.testing.assert_allclose(net.biases[0], [[7.0], [-8.0]], atol=1e-6)
    assert costs[-1] < 1e-10 < costs[0]
    np.testing.assert_allclose(net.feedforward(x.T).T, y, atol=1e-5)


def test_each_cost_checks_its_targets(data):
    x = data.inputs
    for cost, targets, message in (
        (CrossEntropyCost, np.full((20, 3), -0.5), "a target y has the component -0.5; CrossEntropyCost needs"),
        (LogLikelihoodCost, np.full((20, 3), 0.5), "a target y has the sum 1.5 and"),
    ):
        net, wrong = Network([4, 3], cost, engine="numpy", seed=0), Dataset(x, targets)
        for argument, use in (
            ("training_data", lambda net, wrong: net.SGD(wrong, 1, 5, 0.5)),
            ("evaluation_data", lambda net, wrong: net.SGD(data, 1, 5, 0.5, 0, wrong, True)),
            ("mini_batch", lambda net, wrong: net.update_mini_batch(wrong, 0.5)),
            ("data", lambda net, wrong: net.total_cost(wrong, 0)),
            ("y", lambda net, wrong: net.backprop(*wrong[0])),
        ):
            with pytest.raises(ValueError, match=f"^{argument}: {message}"):
                use(net, wrong)
    Network([4, 3], QuadraticCost, engine="numpy").SGD(Dataset(x, targets * 9), 1, 5, 0.5, report=quiet)


def test_targets_are_checked_once_for_each_cost(data, monkeypatch):
    checks = []
    monkeypatch.setattr(CrossEntropyCost, "check", staticmethod(lambda targets: checks.append(len(targets))))
    for _ in range(3):
        Network([4, 3], engine="numpy").SGD(data, 1, 5, 0.5, report=quiet)
    assert checks == [20]


@pytest.mark.parametrize("engine", ENGINES)
def test_optimizers_by_name_and_as_objects(engine, data):
    def run(**keywords):
        net = Network(MIXED, engine=engine, seed=0)
        net.SGD(data, 2, 5, 0.1, report=quiet, **keywords)
        return net

    plain = run()
    for same in ({"optimizer": "sgd"}, {"optimizer": GradientDescent()}):
        assert_same(run(**same), plain)
    assert_same(run(momentum=0.5), run(optimizer=GradientDescent(0.5)))
    assert_same(run(optimizer="nesterov"), run(optimizer=GradientDescent(0.9, nesterov=True)))
    assert_same(run(optimizer="adam"), run(optimizer=Adam()))
    others = [run(optimizer="adam"), run(optimizer=Adam(beta1=0.5)), run(momentum=0.9), run(optimizer="nesterov")]
    assert len({net.weights[0].tobytes() for net in [plain, *others]}) == 5


def test_the_recipe_says_which_optimizer(data):
    def recipe(**keywords):
        net = Network([4, 3], engine="numpy", seed=0)
        net.SGD(data, 1, 5, 0.1, report=quiet, **keywords)
        return net.history.recipe

    assert not {"optimizer", "momentum", "max_norm", "layers"} & recipe().keys()
    assert recipe(momentum=0.5) == recipe(optimizer=GradientDescent(0.5))
    assert recipe(momentum=0.5)["momentum"] == 0.5
    adam = {"name": "adam", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    assert recipe(optimizer="adam", max_norm=3)["optimizer"] == adam
    assert recipe(optimizer="adam", max_norm=3)["max_norm"] == 3.0


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_max_norm_bounds_the_weights_of_each_neuron(optimizer, data):
    net = Network([4, 5, 3], engine="numpy", seed=0)
    net.SGD(data, 3, 5, 0.5, 0.001, l1=0.001, dropout=0.2, optimizer=optimizer, max_norm=0.5, report=quiet)
    norms = np.concatenate([np.linalg.norm(w, axis=1) for w in net.weights])
    assert 0.49 < norms.max() <= 0.5 + 1e-6


def test_the_cost_of_the_mini_batches_is_the_mean_as_they_were_met(data, capsys):
    net, twin = (Network([4, 5, 3], engine="numpy", dtype="float64", seed=0) for _ in range(2))
    net.SGD(data, 1, 5, 0.5, lmbda=3.0, monitor_mini_batch_cost=True)
    order, costs = twin._random.permutation(20), []
    for part in np.split(order, 4):
        batch = [data[int(i)] for i in part]
        costs.append(twin.total_cost(batch, 0.0))
        twin.update_mini_batch(batch, 0.5, 3.0, 20)
    assert net.history.series("mini_batch_cost") == pytest.approx([np.mean(costs)], rel=1e-12)
    assert f"Mean cost of the mini-batches: {net.history.epochs[0].mini_batch_cost}" in capsys.readouterr().out
    assert "mini-batch" in str(net.history)
    net.SGD(data, 1, 5, 0.5, report=quiet)
    assert net.history.series("mini_batch_cost") == []


IMAGES = [
    (1, 6, 5),
    Convolution(3, (3, 2), "relu"),
    MaxPooling(2),
    BatchNormalization("tanh"),
    Dropout(0.25, inverted=False),
    6,
    3,
]


@pytest.fixture
def images():
    random = np.random.default_rng(0)
    return Dataset(random.random((20, 30)), np.eye(3)[random.integers(0, 3, 20)])


def test_a_network_of_images(images):
    net = Network(IMAGES, LogLikelihoodCost, engine="numpy", seed=0)
    assert (net.sizes, net.num_layers) == ([30, 48, 6, 3], 4)
    assert [w.shape for w in net.weights] == [(3, 1, 3, 2), (6, 12), (3, 6)]
    assert [b.shape for b in net.biases] == [(3, 1), (6, 1), (3, 1)]
    assert repr(net).startswith("<Network [(1, 6, 5), Convolution(filters=3, shape=(3, 2), activation='relu'")
    assert [sorted(layer) for layer in net.parameters] == [
        ["biases", "weights"], [], ["beta", "gamma", "mean", "variance"], [], ["biases", "weights"],
        ["biases", "weights"],
    ]  # fmt: skip
    assert net.parameters[0]["weights"] is net.weights[0]
    nabla_b, nabla_w = net.backprop(*images[0])
    assert [b.shape for b in nabla_b] == [b.shape for b in net.biases]
    assert [w.shape for w in nabla_w] == [w.shape for w in net.weights]
    first = net.total_cost(images, 0.0)
    net.SGD(images, 30, 5, 0.3, evaluation_data=images, monitor_evaluation_accuracy=True, report=quiet)
    assert net.total_cost(images, 0.0) < first / 2
    assert net.accuracy(images) == net.history.epochs[-1].evaluation_accuracy
    recipe = net.history.recipe
    assert (recipe["sizes"], recipe["input_shape"]) == ([30, 48, 6, 3], [1, 6, 5])
    assert json.loads(json.dumps(recipe)) == recipe
    net.weights[0] = net.weights[0].reshape(3, 6)
    with pytest.raises(ValueError, match=r"weights have the shapes \(3, 6\), .*; they must be \(3, 1, 3, 2\), \(6, 12"):
        net.feedforward(images.inputs.T)


@pytest.mark.parametrize("scaled", [True, False])
def test_initial_weights_come_in_the_books_order(scaled):
    net = Network(IMAGES, engine="numpy", dtype="float64", seed=7)
    if not scaled:
        net._random = np.random.RandomState(7)
        net.large_weight_initializer()
    random = np.random.RandomState(7)
    for b in net.biases:
        np.testing.assert_array_equal(b, random.randn(*b.shape))
    for w, n_in in zip(net.weights, (6, 12, 6), strict=True):
        np.testing.assert_array_equal(w, random.randn(*w.shape) / (np.sqrt(n_in) if scaled else 1))


@pytest.mark.parametrize("engine", ["numpy", "torch-cpu"])
def test_an_interrupted_run_on_images_continues_bit_for_bit(engine, images, tmp_path):
    if engine == "torch-cpu":
        pytest.importorskip("torch")

    def net():
        return Network(IMAGES, LogLikelihoodCost, engine=engine, seed=0)

    whole, first, second = net(), net(), net()
    keywords = {"optimizer": "adam", "report": quiet}
    whole.SGD(images, 4, 5, 0.01, **keywords)
    first.SGD(images, 2, 5, 0.01, checkpoint=tmp_path / "run", **keywords)
    second.SGD(images, 4, 5, 0.01, checkpoint=tmp_path / "run", resume=True, **keywords)
    assert_same(second, whole)
    other = Network([(5, 6, 1), MaxPooling(1), 3], LogLikelihoodCost, engine=engine, seed=0)
    with pytest.raises(ValueError, match="this checkpoint is from another run"):
        other.SGD(images, 4, 5, 0.01, checkpoint=tmp_path / "run", resume=True, **keywords)


def test_a_network_of_images_in_a_file(images, tmp_path):
    net = Network(IMAGES, LogLikelihoodCost, activation="relu", engine="numpy", seed=0)
    net.SGD(images, 1, 5, 0.1, report=quiet)
    net.save(tmp_path / "net.json")
    again = network2.load(tmp_path / "net.json", engine="numpy")
    assert again.layers == net.layers
    assert again.input_shape == net.input_shape == (1, 6, 5)
    assert Network([4, 3]).input_shape == (4,)
    assert repr(again).startswith("<Network [(1, 6, 5), Convolution(filters=3")
    assert_same(again, net)
    x = images.inputs.T
    np.testing.assert_array_equal(again.feedforward(x), net.feedforward(x))


def test_batch_normalization_of_several_places_needs_no_second_sample(images):
    net = Network(IMAGES, engine="numpy", seed=0)
    net.SGD(images, 1, 1, 0.1, report=quiet)
    single = Network([(1, 6, 5), Convolution(2, (6, 5)), BatchNormalization(), 3], engine="numpy", seed=0)
    with pytest.raises(ValueError, match="a mini-batch has 1 sample, but the network has BatchNormalization"):
        single.SGD(images, 1, 1, 0.1)


def test_a_custom_activation(images, tmp_path):
    torch = pytest.importorskip("torch")
    layers = [(1, 6, 5), Convolution(3, 2, CustomActivation(torch.sin)), 3]
    net = Network(layers, engine="torch-cpu", seed=0)
    before = copy.deepcopy(net.parameters)
    net.SGD(images, 1, 5, 0.1, report=quiet)
    assert (net.weights[0] != before[0]["weights"]).any()
    assert net.history.recipe["layers"][0]["activation"] == "CustomActivation(sin)"
    with pytest.raises(ValueError, match=r"the custom activation CustomActivation\(sin\), which cannot be saved"):
        net.save(tmp_path / "net.json")
    assert list(tmp_path.iterdir()) == []
    for engine in ENGINES:
        other = Network(layers, engine=engine, seed=0)
        before, state = copy.deepcopy(other.parameters), other._random.get_state()[2]
        with pytest.raises(ValueError, match=r"which this engine cannot call; use engine='torch'"):
            other.SGD(images, 1, 5, 0.1)
        assert other._random.get_state()[2] == state
        np.testing.assert_array_equal(other.weights[0], before[0]["weights"])
