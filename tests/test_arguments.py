"""Tables of valid and invalid arguments of networks. Training data and parameters are tested with all `ENGINES`.

An invalid argument raises a `TypeError` or `ValueError` that names the argument, and leaves the network unchanged.
Training data of every valid type gives the same result.
"""

import numpy as np
import pytest

from fastnet import Dataset, network, network2
from fastnet.learning.diagnostics import TrainingWarning

ENGINES = ["numba", "numpy", "reference", "torch-cpu"]
N, SIZES = 12, [4, 3, 2]
RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 5, (N, 4)).astype(np.float32)  # integers, which every type in `TAKEN` represents exactly
LABELS = np.arange(N) % 2
Y = np.eye(2, dtype=np.float32)[LABELS]


def with_a(value, array=X):
    copy = array.astype(np.float64)
    copy[5, 1] = value
    return copy


def memory_mapped(path):
    np.save(path / "x.npy", X)
    return np.load(path / "x.npy", mmap_mode="r")


def strided(array):
    wide = np.zeros((2 * len(array), 2 * array.shape[1]), array.dtype)
    wide[::2, ::2] = array
    return wide[::2, ::2]


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


TAKEN = {
    "a Dataset of arrays": lambda path: Dataset(X, Y),
    "labels": lambda path: Dataset(X, LABELS),
    "labels of uint64": lambda path: Dataset(X, LABELS.astype(np.uint64)),
    "labels as floats": lambda path: Dataset(X, LABELS.astype(float)),
    "lists": lambda path: Dataset(X.tolist(), LABELS.tolist()),
    "the book's tuples": lambda path: [(x[:, None], y[:, None]) for x, y in zip(X, Y, strict=True)],
    "tuples with labels": lambda path: [(x[:, None], y) for x, y in zip(X, LABELS, strict=True)],
    "an iterator": lambda path: zip(X, Y, strict=True),
    "float64": lambda path: Dataset(X.astype(np.float64), Y),
    "float16": lambda path: Dataset(X.astype(np.float16), Y),
    "long double": lambda path: Dataset(X.astype(np.longdouble), Y),
    "uint8": lambda path: Dataset(X.astype(np.uint8), Y),
    "int64": lambda path: Dataset(X.astype(np.int64), Y),
    "byte-swapped": lambda path: Dataset(X.astype(X.dtype.newbyteorder()), Y),
    "column by column": lambda path: Dataset(np.asfortranarray(X), np.asfortranarray(Y)),
    "strided": lambda path: Dataset(strided(X), strided(Y)),
    "backwards": lambda path: Dataset(X[::-1].copy()[::-1], Y[::-1].copy()[::-1]),
    "read-only": lambda path: Dataset(read_only(X), read_only(Y)),
    "memory-mapped": lambda path: Dataset(memory_mapped(path), Y),
    "masked, but nothing is": lambda path: Dataset(np.ma.masked_array(X), Y),
    "a slice": lambda path: Dataset(np.r_[X, X], np.r_[Y, Y])[:N],
}

NOT_TAKEN = {
    "None": (lambda: None, TypeError, "training_data: None is neither"),
    "a number": (lambda: 3, TypeError, "training_data: 3 is neither"),
    "a text": (lambda: "abc", TypeError, "item 0 of the data set is 'a'; it must be a tuple"),
    "nothing": (list, ValueError, "training_data: the data set is empty"),
    "no samples": (lambda: Dataset(X[:0], Y[:0]), ValueError, "training_data: the data set is empty"),
    "samples without labels": (lambda: list(X), TypeError, "item 0 .* must be a tuple"),
    "tuples that differ": (lambda: [(X[0], 1), (X[0][:3], 1)], ValueError, "x of item 1 has shape"),
    "too few inputs": (lambda: Dataset(X[:, :3], Y), ValueError, "training_data: x has 3 components, .* 4 inputs"),
    "too many outputs": (lambda: Dataset(X, np.eye(3)[LABELS]), ValueError, "y has 3 components, .* 2 outputs"),
    "one dimension": (lambda: Dataset(X[:, 0], Y), ValueError, "inputs have shape"),
    "three dimensions": (lambda: Dataset(X[None], Y), ValueError, "inputs have shape"),
    "ragged": (lambda: Dataset([[1.0, 2.0], [1.0]], [0, 1]), ValueError, "inputs are ragged"),
    "ragged targets": (lambda: Dataset(X[:2], [[1.0, 2.0], [1.0]]), ValueError, "targets are ragged"),
    "another length": (lambda: Dataset(X, Y[:5]), ValueError, "inputs and targets differ in length: 12 and 5"),
    "texts": (lambda: Dataset(X.astype(str), Y), TypeError, "inputs are of type <U"),
    "objects": (lambda: Dataset(X.astype(object), Y), TypeError, "inputs are of type object"),
    "complex numbers": (lambda: Dataset(X + 1j, Y), TypeError, "inputs are of type complex"),
    "records": (lambda: Dataset(np.zeros(N, "f4,f4"), Y), TypeError, "inputs are of type"),
    "dates": (lambda: Dataset(np.zeros((N, 4), "M8[s]"), Y), TypeError, "inputs are of type datetime64"),
    "masked": (lambda: Dataset(np.ma.masked_array(X, X > 2), Y), TypeError, "inputs: masked values are not allowed"),
    "masked rows": (
        lambda: Dataset(list(np.ma.masked_array(X, X > 2)), Y),
        TypeError,
        "inputs: masked values are not allowed",
    ),
    "masked targets": (
        lambda: Dataset(X, np.ma.masked_array(Y, Y > 0)),
        TypeError,
        "targets: masked values are not allowed",
    ),
    "masked labels": (
        lambda: list(zip(X, np.ma.masked_array(LABELS, LABELS > 0), strict=True)),
        TypeError,
        "y: masked values are not allowed",
    ),
    "tuples of what is masked": (
        lambda: list(zip(np.ma.masked_array(X, X > 2), Y, strict=True)),
        TypeError,
        "x: masked values are not allowed",
    ),
    "NaN": (lambda: Dataset(with_a(np.nan), Y), ValueError, "training_data: x contains NaN"),
    "infinity": (lambda: Dataset(with_a(np.inf), Y), ValueError, "training_data: x contains an infinite number"),
    "minus infinity": (lambda: Dataset(with_a(-np.inf), Y), ValueError, "x contains an infinite number"),
    "too large": (lambda: Dataset(with_a(1e300), Y), ValueError, r"x has the number 1e\+300, which float32 cannot"),
    "too small": (lambda: Dataset(with_a(-1e39), Y), ValueError, r"x has the number -1e\+39, which float32 cannot"),
    "NaN in y": (lambda: Dataset(X, with_a(np.nan, Y)), ValueError, "y contains NaN"),
    "a label too large": (lambda: Dataset(X, LABELS + 1), ValueError, "there is a label 2, .* 2 outputs"),
    "a negative label": (lambda: Dataset(X, LABELS - 1), ValueError, "there are labels from -1"),
    "half a label": (lambda: Dataset(X, LABELS + 0.5), ValueError, "there is a label 0.5; labels must be integers"),
    "a huge label": (lambda: Dataset(X, LABELS + 1e20), ValueError, r"there is a label 1e\+20"),
}


def make(engine):
    if engine == "torch-cpu":
        pytest.importorskip("torch")
    return network2.Network(SIZES, engine=engine, seed=0)


def parameters(net):
    return [array.copy() for array in net.weights + net.biases]


def train(net, data):
    net.SGD(data, 2, 5, 0.5, report=lambda history: None)
    return parameters(net)


@pytest.fixture(scope="module")
def expected():
    results = {}

    def expect(engine):
        if engine not in results:
            results[engine] = train(make(engine), Dataset(X, Y))
        return results[engine]

    return expect


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("what", TAKEN)
def test_what_is_taken(what, engine, expected, tmp_path):
    found = train(make(engine), TAKEN[what](tmp_path))
    for array, like in zip(found, expected(engine), strict=True):
        np.testing.assert_array_equal(array, like)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("what", NOT_TAKEN)
def test_what_is_not_taken(what, engine):
    data, error, message = NOT_TAKEN[what]
    net = make(engine)
    before, state = parameters(net), net._random.get_state()[2]
    with pytest.raises(error, match=message):
        net.SGD(data(), 2, 5, 0.5)
    assert net.history is None
    assert net._random.get_state()[2] == state
    for array, like in zip(parameters(net), before, strict=True):
        np.testing.assert_array_equal(array, like)


def test_what_float32_cannot_hold_float64_can():
    net = network2.Network(SIZES, engine="numpy", dtype="float64", seed=0)
    net.weights = [w * 1e-300 for w in net.weights]
    with pytest.warns(TrainingWarning, match="to 1e.300, which is far from unit scale"):
        net.SGD(Dataset(with_a(1e300), Y), 1, 5, 1e-9, report=lambda history: None)


@pytest.mark.parametrize("method", ["accuracy", "gradients", "total_cost"])
@pytest.mark.parametrize("what", ["NaN", "infinity", "too few inputs", "nothing", "a label too large"])
def test_of_what_is_evaluated_likewise(what, method):
    data, error, message = NOT_TAKEN[what]
    with pytest.raises(error, match=message.replace("training_data", "data")):
        getattr(make("numpy"), method)(data(), *([0.0] if method == "total_cost" else []))


@pytest.mark.parametrize(
    ("a", "error", "message"),
    [
        (X, ValueError, r"a has shape \(12, 4\)"),
        (None, TypeError, "the elements of a are of type object"),
        (3.0, ValueError, r"a has shape \(\)"),
        (X.T + 1j, TypeError, "the elements of a are of type complex"),
        (with_a(np.nan).T, ValueError, "a contains NaN"),
        (with_a(1e39).T, ValueError, "a has the number 1e"),
        (np.ma.masked_array(X.T, X.T > 2), TypeError, "the elements of a: masked values are not allowed"),
    ],
)
def test_of_what_is_fed_forward_likewise(a, error, message):
    with pytest.raises(error, match=message):
        make("numpy").feedforward(a)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"sizes": None}, TypeError, "sizes is None; it must be a sequence of integers"),
        ({"sizes": "784"}, TypeError, "sizes is '784'; it must be a sequence"),
        ({"sizes": []}, ValueError, r"sizes is \[\]; it must have at least two sizes"),
        ({"sizes": [4]}, ValueError, r"sizes is \[4\]"),
        ({"sizes": [4, 0]}, ValueError, "a size is 0; it must be at least 1"),
        ({"sizes": [4, -2]}, ValueError, "a size is -2"),
        ({"sizes": [4, 2.0]}, TypeError, "a size is 2.0; it must be an integer"),
        ({"sizes": [4, True]}, TypeError, "a size is True"),
        ({"sizes": [4, 10**12]}, ValueError, r"its weights need 59,604 GiB, and this machine has [\d,]+ GiB"),
        ({"sizes": [4, 10**400]}, ValueError, r"its weights need more than 2\*\*50 GiB, and this machine has \d+"),
        ({"sizes": [4, 10**5000]}, ValueError, "its weights need more than"),
        ({"sizes": [4, -(10**5000)]}, ValueError, "a size is an integer with thousands of digits; it must be"),
        ({"engine": "jax"}, ValueError, "engine is 'jax'; it must be one of numba"),
        ({"engine": None}, ValueError, "engine is None"),
        ({"dtype": "float16"}, ValueError, "dtype is 'float16'; it must be float32 or float64"),
        ({"dtype": None}, ValueError, "dtype is None"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"seed": 2**32}, ValueError, "seed is 4294967296"),
        ({"seed": 0.5}, TypeError, "seed is 0.5"),
        ({"seed": "x" * 99}, TypeError, r"seed is 'x{56}\.\.\.; it must"),
    ],
)
@pytest.mark.parametrize("module", [network, network2])
def test_what_makes_no_network(module, keywords, error, message):
    with pytest.raises(error, match=message):
        module.Network(**{"sizes": SIZES} | keywords)


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"epochs": True}, TypeError, "epochs is True; it must be an integer"),
        ({"epochs": float("nan")}, TypeError, "epochs is nan"),
        ({"mini_batch_size": 2.0}, TypeError, "mini_batch_size is 2.0"),
        ({"eta": 10**400}, ValueError, "eta is inf; it must be positive and finite$"),
        ({"eta": 1e39}, ValueError, r"eta is 1e\+39; it must be positive and finite in float32"),
        ({"eta": 1e-38}, ValueError, "eta is 1e-38; it must be at least 1.18e-38, the smallest normal number of flo"),
        ({"lmbda": 1e39}, ValueError, r"lmbda is 1e\+39; it must be finite and not negative in float32"),
        ({"l1": 1e300}, ValueError, r"l1 is 1e\+300; it must be finite and not negative in float32"),
        ({"eta": True}, TypeError, "eta is True; it must be a number"),
        ({"eta": 1j}, TypeError, "eta is 1j"),
        ({"report": 3}, TypeError, "report is 3; it must be a function"),
        ({"monitor_training_cost": "yes"}, TypeError, "monitor_training_cost is 'yes'; it must be True or False"),
        ({"checkpoint": 3}, TypeError, "checkpoint is 3; it must be a string or a pathlib.Path"),
        ({"checkpoint": b"run"}, TypeError, "checkpoint is b'run'; it must be a string or a pathlib.Path"),
        ({"checkpoint": ""}, ValueError, "checkpoint is ''; it must be a path that is not empty"),
        ({"checkpoint": "a\0b"}, ValueError, r"checkpoint is 'a\\x00b'; it must be a path"),
        ({"resume": 1}, TypeError, "resume is 1; it must be True or False"),
    ],
)
def test_how_it_cannot_be_trained(keywords, error, message):
    net = make("numpy")
    with pytest.raises(error, match=message):
        net.SGD(**{"training_data": Dataset(X, Y), "epochs": 1, "mini_batch_size": 5, "eta": 0.5} | keywords)
    assert net.history is None


PARAMETERS = {
    "none": (None, TypeError, "weights is None; it must be a list of arrays"),
    "a generator": (iter([X, X]), TypeError, "weights is <list_iterator"),
    "too few": ([np.ones((3, 4))], ValueError, r"weights have the shapes \(3, 4\); they must be \(3, 4\), \(2, 3\)"),
    "another shape": ([np.ones((4, 3)), np.ones((2, 3))], ValueError, r"weights have the shapes \(4, 3\), \(2, 3\)"),
    "ragged": ([[[1.0], [2.0, 3.0]], np.ones((2, 3))], ValueError, r"weights\[0\] are ragged"),
    "objects": ([np.ones((3, 4)), np.ones((2, 3), object)], TypeError, r"weights\[1\] are of type object"),
    "complex": ([np.ones((3, 4)), np.ones((2, 3)) + 1j], TypeError, r"weights\[1\] are of type complex"),
    "texts": ([np.full((3, 4), "1"), np.ones((2, 3))], TypeError, r"weights\[0\] are of type <U1"),
    "masked": (
        [np.ma.masked_array(np.ones((3, 4)), X[:3] > 1), np.ones((2, 3))],
        TypeError,
        r"weights\[0\]: masked values are not allowed",
    ),
    "NaN": ([np.full((3, 4), np.nan), np.ones((2, 3))], ValueError, r"weights\[0\] contains NaN"),
    "infinite": ([np.ones((3, 4)), np.full((2, 3), np.inf, np.float32)], ValueError, "an infinite number; all"),
    "too large": (
        [np.full((3, 4), 1e39), np.ones((2, 3))],
        ValueError,
        r"the number 1e\+39, which float32 cannot hold",
    ),
}
USES = {
    "SGD": lambda net, path: net.SGD(Dataset(X, Y), 1, 5, 0.5, checkpoint=path / "run"),
    "update_mini_batch": lambda net, path: net.update_mini_batch(Dataset(X, Y), 0.5),
    "feedforward": lambda net, path: net.feedforward(X.T),
    "backprop": lambda net, path: net.backprop(X[:1].T, Y[:1].T),
    "accuracy": lambda net, path: net.accuracy(Dataset(X, Y)),
    "total_cost": lambda net, path: net.total_cost(Dataset(X, Y), 0.1),
    "gradients": lambda net, path: net.gradients(Dataset(X, Y), 0.1),
    "save": lambda net, path: net.save(path / "net.json"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("what", PARAMETERS)
def test_parameters_that_are_none(what, engine, tmp_path):
    weights, error, message = PARAMETERS[what]
    net = make(engine)
    net.weights = weights
    for use in USES.values():
        with pytest.raises(error, match=message):
            use(net, tmp_path)
    assert net.weights is weights
    assert net.history is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.int8, np.float16, np.float64, ">f4", bool])
def test_parameters_of_other_types_are_taken(dtype, engine, tmp_path):
    """Parameters of other types give the same results as float32 parameters, also in a run resumed after 0 epochs."""
    net, like = make(engine), make(engine)
    drawn = np.random.default_rng(0).integers(0, 2, (3, 4)), np.random.default_rng(1).integers(0, 2, (2, 3))
    net.weights, like.weights = [w.astype(dtype) for w in drawn], [w.astype(np.float32) for w in drawn]
    assert net.total_cost(Dataset(X, Y), 0.3, l1=0.2) == like.total_cost(Dataset(X, Y), 0.3, l1=0.2)
    net.SGD(Dataset(X, Y), 0, 5, 0.5, checkpoint=tmp_path / "run")
    net.SGD(Dataset(X, Y), 2, 5, 0.5, report=lambda history: None, checkpoint=tmp_path / "run", resume=True)
    for array, expected in zip(parameters(net), train(like, Dataset(X, Y)), strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("sizes", None, TypeError, "sizes is None"),
        ("sizes", [4.0, 3.0, 2.0], TypeError, "a size is 4.0; it must be an integer"),
        ("dtype", "float16", ValueError, "dtype is 'float16'; it must be float32 or float64"),
        ("activation", "step", ValueError, "activation is 'step'; it must be one of sigmoid, tanh, relu"),
        ("engine", "jax", ValueError, "engine is 'jax'; it must be one of"),
    ],
)
def test_what_cannot_be_assigned(name, value, error, message):
    net = make("numpy")
    before = getattr(net, name)
    with pytest.raises(error, match=message):
        setattr(net, name, value)
    assert getattr(net, name) == before


@pytest.mark.parametrize("use", USES)
def test_what_does_not_fit_any_more(use, tmp_path):
    net = make("numpy")
    net.cost = 3
    with pytest.raises(TypeError, match="cost is 3; it must have a function fn"):
        USES[use](net, tmp_path)
    net.cost, net.sizes = network2.QuadraticCost, [4, 2]
    assert net.num_layers == 2
    with pytest.raises(ValueError, match=r"weights have the shapes \(3, 4\), \(2, 3\); they must be \(2, 4\)"):
        USES[use](net, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_assigned_holds_from_then_on(engine):
    net, like = make(engine), network2.Network(SIZES, engine=engine, dtype="float64", activation="tanh", seed=0)
    net.dtype, net.activation, net.weights, net.biases = "float64", "tanh", like.weights, like.biases
    for array, expected in zip(train(net, Dataset(X, Y)), train(like, Dataset(X, Y)), strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_costs_of_large_weights_are_not_infinite(engine):
    """In float32, the squares of the weights would be infinite."""
    net = make(engine)
    net.weights = [np.full((3, 4), 1e20), np.full((2, 3), 1e20)]
    plain = net.total_cost(Dataset(X, Y), 0.0)
    assert np.isfinite(plain)
    regularized = net.total_cost(Dataset(X, Y), 0.5, l1=0.25) - plain
    np.testing.assert_allclose(regularized, (0.5 / 2 * 18e40 + 0.25 * 18e20) / N, rtol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_outputs_that_are_no_numbers_are_never_right(engine):
    net = network2.Network([4, 2], network2.LogLikelihoodCost, engine=engine, seed=0)
    net.weights = [np.full((2, 4), 3e38)]  # the weighted inputs are infinite, and their softmax is NaN
    with np.errstate(all="ignore"):
        assert net.accuracy(Dataset(np.full((5, 4), 2.0), np.zeros(5, int))) == 0


def test_a_mini_batch_may_be_larger_than_the_data():
    whole, larger = (make("numba") for _ in range(2))
    whole.SGD(Dataset(X, Y), 2, N, 0.5, report=lambda history: None)
    larger.SGD(Dataset(X, Y), 2, 10**30, 0.5, report=lambda history: None)
    for array, like in zip(parameters(larger), parameters(whole), strict=True):
        np.testing.assert_array_equal(array, like)
