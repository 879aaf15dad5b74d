"""Estimators with layers other than dense ones."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone

from fastnet import BatchNormalization, Convolution, Dense, Dropout, MaxPooling
from fastnet.formulas import initialization
from fastnet.formulas.activations import relu
from fastnet.neural_network import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LAYERS = Convolution(3, 3, "relu"), MaxPooling(2), BatchNormalization("tanh"), Dropout(0.1), 6


@pytest.fixture(scope="module")
def bars():
    """Images of 6 x 6 pixels, and their labels. The bright row of an image has the index 2 * label."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 120)
    images = 0.3 * random.random((120, 6, 6))
    images[np.arange(120), 2 * labels] += 0.7
    return images.reshape(120, 36), labels


def made(layers=LAYERS, **parameters):
    settings = {
        "engine": "numpy", "random_state": 0, "max_iter": 3, "solver": "sgd", "momentum": 0.0, "batch_size": 10,
        "learning_rate_init": 0.1,
    }  # fmt: skip
    return MLPClassifier(layers, **{**settings, **parameters})


def arrays(classifier):
    """Return the weights, the biases and the arrays of batch normalizations."""
    others = [array for layer in classifier.normalization_ for array in layer.values()]
    return [*classifier.coefs_, *classifier.intercepts_, *others]


def assert_same(one, other, tolerance=0.0):
    for array, expected in zip(arrays(one), arrays(other), strict=True):
        np.testing.assert_allclose(array, expected, rtol=0, atol=tolerance)


def test_it_learns_and_has_the_arrays_of_all_layers(bars):
    classifier = made(max_iter=15).fit(*bars)
    assert classifier.score(*bars) > 0.95
    assert [w.shape for w in classifier.coefs_] == [(3, 1, 3, 3), (12, 6), (6, 3)]
    assert [b.shape for b in classifier.intercepts_] == [(3,), (6,), (3,)]
    (normalization,) = classifier.normalization_
    assert {name: array.shape for name, array in normalization.items()} == dict.fromkeys(
        ("gamma", "beta", "mean", "variance"), (3,)
    )
    assert (normalization["mean"] != 0).all()


@pytest.mark.parametrize("engine", ["torch", "reference"])
def test_the_engines_agree(bars, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    x, y = bars[0][:30], bars[1][:30]
    one, other = (made(engine=each, max_iter=1).fit(x, y) for each in ("numpy", engine))
    assert_same(one, other, 1e-10)
    np.testing.assert_allclose(one.predict_proba(x), other.predict_proba(x), rtol=0, atol=1e-10)


def test_probabilities_are_those_of_a_convolution_by_hand(bars):
    x, y = bars[0][:20], bars[1][:20]
    classifier = made((Convolution(2, (5, 6)), MaxPooling((2, 1)))).fit(x, y)
    (filters, w), (b_of_filters, b) = classifier.coefs_, classifier.intercepts_
    windows = np.stack([x.reshape(-1, 6, 6)[:, i : i + 5] for i in range(2)], 1)
    a = relu(np.einsum("nihw,fhw->nfi", windows, filters[:, 0]) + b_of_filters[:, np.newaxis]).max(axis=2)
    z = a @ w + b
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.predict_proba(x), expected, rtol=1e-9)


def test_it_can_be_cloned_copied_and_trained_further(bars):
    classifier = made(image_shape=(1, 6, 6))
    copy = clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert_same(classifier.fit(*bars), copy.fit(*bars))
    assert_same(classifier, pickle.loads(pickle.dumps(classifier)))
    before = classifier.loss_
    assert classifier.set_params(warm_start=True, max_iter=5).fit(*bars).loss_ < before
    parts = made(max_iter=1)
    for _ in range(2):
        parts.partial_fit(*bars, classes=[0, 1, 2])
    assert len(parts.loss_curve_) == 2


def test_a_shape_is_taken_or_assumed(bars):
    x, y = bars
    assert_same(made().fit(x, y), made(image_shape=[1, 6, 6]).fit(x, y))
    assert made((Convolution(2, 3),), image_shape=(1, 4, 9)).fit(x, y).coefs_[1].shape == (2 * 2 * 7, 3)
    assert made((Convolution(2, 3),)).fit(x[:, :27], y).coefs_[0].shape == (2, 3, 3, 3)
    assert_same(made((5,), image_shape=(1, 6, 6)).fit(x, y), made((5,)).fit(x, y))


def test_a_dense_layer_is_the_number_of_its_neurons(bars):
    assert_same(made((Dense(5), Dense(4, "tanh"))).fit(*bars), made((5, Dense(4, "tanh"))).fit(*bars))
    assert_same(made((Dense(5), Dense(4))).fit(*bars), made((5, 4)).fit(*bars))
    assert_same(made((Dense(5), Dense(4)), dropout=0.5).fit(*bars), made((5, 4), dropout=0.5).fit(*bars))
    assert_same(made(Dense(5)).fit(*bars), made(5).fit(*bars))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"image_shape": (1, 28, 28)},
            ValueError,
            r"image_shape is \(1, 28, 28\), 784 numbers; it must have 36, the number of inputs",
        ),
        ({"image_shape": (6, 6)}, ValueError, r"image_shape is \(6, 6\); it must be \(maps, height, width\)"),
        ({"image_shape": "1x6x6"}, TypeError, "image_shape is '1x6x6'; it must be"),
        ({"image_shape": (1, 6, 7), "layers": (5,)}, ValueError, r"image_shape is \(1, 6, 7\), 42 numbers"),
        (
            {"layers": (Convolution(2, 7),)},
            ValueError,
            r"hidden_layer_sizes: Convolution.* is larger than its inputs, images of 6 x 6; give a smaller shape\. "
            "The 36 numbers of a sample are interpreted as an image of 1 x 6 x 6",
        ),
        (
            {"layers": (5, MaxPooling())},
            ValueError,
            "hidden_layer_sizes: MaxPooling.* needs images, but its inputs are 5 numbers",
        ),
        (
            {"layers": (BatchNormalization(), 5)},
            ValueError,
            "hidden_layer_sizes: BatchNormalization comes before the first Dense",
        ),
        (
            {"layers": (Dense(5, "softmax"),)},
            ValueError,
            "hidden_layer_sizes: activation of a hidden layer is 'softmax'",
        ),
        (
            {"layers": (Convolution,)},
            TypeError,
            r"hidden_layer_sizes\[0\] is the class Convolution; write Convolution\(...\) to make",
        ),
        ({"layers": "conv 2 3x3"}, TypeError, "hidden_layer_sizes is 'conv 2 3x3'; .* sequence of integers and layers"),
        (
            {"dropout": 0.5},
            ValueError,
            r"dropout is 0.5, but not all of hidden_layer_sizes are dense; put Dropout\(0.5\)",
        ),
        (
            {"layers": (5, BatchNormalization()), "batch_size": 1},
            ValueError,
            "a mini-batch has 1 sample, but the network has BatchNormalization",
        ),
    ],
)
def test_what_is_refused(bars, parameters, error, message):
    classifier = made(**parameters)
    with pytest.raises(error, match=message):
        classifier.fit(*bars)
    assert not hasattr(classifier, "coefs_")


def test_features_that_are_no_image_are_refused(bars):
    x, y = bars
    with pytest.raises(
        ValueError, match=r"Convolution.* needs images, but a sample has 35 numbers, .* give maps, height and"
    ):
        made().fit(x[:, :35], y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c.coefs_.__setitem__(0, np.ones((3, 1, 2, 2))),
            r"coefs_\[0\] has shape .* it must be \(3, 1, 3, 3\)",
        ),
        (lambda c: c.coefs_.__setitem__(1, np.ones((6, 12))), r"coefs_\[1\] has shape \(6, 12\); .* be \(12, 6\)"),
        (lambda c: c.intercepts_.__setitem__(0, np.ones(4)), r"intercepts_\[0\] has shape \(4,\); .* be \(3,\)"),
        (lambda c: setattr(c, "normalization_", []), r"normalization_ is \[\]; .* a list of 1 dictionaries"),
        (lambda c: c.normalization_.__setitem__(0, 3), r"normalization_\[0\] is 3; it must be a dictionary"),
        (
            lambda c: c.normalization_[0].pop("beta"),
            r"normalization_\[0\] has arrays of the shapes \{[^}]*\}; .* they must be \{.*'beta': \(3,\)",
        ),
        (
            lambda c: c.normalization_[0].update(mean=np.full(3, np.nan)),
            r"normalization_\[0\]\['mean'\] contains NaN",
        ),
        (lambda c: c.normalization_[0].update(variance=-np.ones(3)), r"normalization_\[0\] has a negative variance"),
        (lambda c: c.set_params(hidden_layer_sizes=LAYERS[:3]), "coefs_ has 3 arrays; to fit hidden_layer_sizes, .* 2"),
        (lambda c: c.set_params(hidden_layer_sizes=(5,)), r"coefs_\[0\] has shape \(3, 1, 3, 3\)"),
    ],
)
def test_what_is_assigned_is_checked(bars, change, message):
    classifier = made().fit(*bars)
    change(classifier)
    with pytest.raises(ValueError, match=message):
        classifier.predict(bars[0])


def test_what_is_assigned_is_used(bars):
    classifier = made().fit(*bars)
    classifier.normalization_[0]["gamma"] = classifier.normalization_[0]["beta"] = np.zeros(3)
    probabilities = classifier.predict_proba(bars[0])
    np.testing.assert_allclose(probabilities, probabilities[:1].repeat(120, axis=0), rtol=1e-12)


def test_initial_weights_are_glorots():
    """The bound of the weights depends on fan-in and fan-out, the numbers of weights per output and per input."""
    shapes, random = [(50, 4, 3, 5), (60, 40), (60, 40)], np.random.RandomState(0)
    weights, biases = initialization.glorot(shapes, ["relu", "sigmoid", "tanh"], random)
    bounds = np.sqrt([6 / (4 * 15 + 50 * 15), 2 / 100, 6 / 100])
    for w, b, shape, bound in zip(weights, biases, shapes, bounds, strict=True):
        assert (w.shape, b.shape) == (shape, (shape[0], 1))
        assert 0.99 * bound < np.abs(w).max() <= bound
        assert 0.8 * bound < np.abs(b).max() <= bound
