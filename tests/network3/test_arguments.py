"""Tables of valid and invalid arguments of chapter 6's networks.

An invalid argument raises a `TypeError` or a `ValueError` that names the argument, and leaves the network unchanged.
Data of any valid form give the same results as plain arrays.
"""

import math

import numpy as np
import pytest

from fastnet import Dataset, network3
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer, sigmoid

N = 12
X = np.random.default_rng(0).integers(0, 5, (N, 4)).astype(np.float32)  # integers, exact in every dtype below
LABELS = np.arange(N) % 2
Y = np.eye(2)[LABELS]


def with_a(value, dtype=np.float64):
    copy = X.astype(dtype)
    copy[5, 1] = value
    return copy


TAKEN = {
    "float64": (X.astype(np.float64), LABELS),
    "float16": (X.astype(np.float16), LABELS),
    "uint8": (X.astype(np.uint8), LABELS.astype(np.uint8)),
    "uint64": (X, LABELS.astype(np.uint64)),
    "lists": (X.tolist(), LABELS.tolist()),
    "a list of two": [X, LABELS],
    "byte-swapped": (X.astype(X.dtype.newbyteorder()), LABELS.astype(LABELS.dtype.newbyteorder())),
    "backwards": (X[::-1].copy()[::-1], LABELS[::-1].copy()[::-1]),
    "column by column": (np.asfortranarray(X), LABELS),
    "masked, but nothing is": (np.ma.masked_array(X), np.ma.masked_array(LABELS)),
    "vectors": (X, Y),
    "a Dataset": Dataset(X, LABELS),
    "a Dataset with vectors": Dataset(X, Y),
}

NOT_SHARED = {
    "None": (None, TypeError, r"data: it is a NoneType; it must be a tuple \(x, y\) of arrays, or a Dataset"),
    "one": ((X,), TypeError, "data: it is a tuple of 1; it must be"),
    "three": ([X, LABELS, LABELS], TypeError, "data: it is a list of 3; it must be"),
    "nothing": ((X[:0], LABELS[:0]), ValueError, "data: the data set is empty"),
    "another length": ((X, LABELS[:5]), ValueError, "data: inputs and targets differ in length: 12 and 5"),
    "one dimension": ((X[:, 0], LABELS), ValueError, r"data: inputs have shape \(12,\)"),
    "ragged": (([[1.0, 2.0], [1.0]], [0, 1]), ValueError, "data: inputs are ragged"),
    "texts": ((X.astype(str), LABELS), TypeError, "data: inputs are of type <U"),
    "complex numbers": ((X + 1j, LABELS), TypeError, "data: inputs are of type complex"),
    "masked": ((np.ma.masked_array(X, X > 2), LABELS), TypeError, "data: inputs: masked values are not allowed"),
    "masked labels": (
        (X, np.ma.masked_array(LABELS, LABELS > 0)),
        TypeError,
        "data: targets: masked values are not allowed",
    ),
    "NaN": ((with_a(np.nan), LABELS), ValueError, "data: x contains NaN"),
    "infinity": ((with_a(np.inf), LABELS), ValueError, "data: x contains an infinite number"),
    "too large": ((with_a(1e39), LABELS), ValueError, r"data: x has the number 1e\+39, which float32 cannot hold"),
    "a Dataset with NaN": (Dataset(with_a(np.nan), LABELS), ValueError, "data: x contains NaN"),
    "labels as floats": ((X, LABELS.astype(float)), ValueError, "data: y has numbers of type float64; .* labels"),
    "a Dataset of numbers": (Dataset(X, LABELS / 2), ValueError, "data: y has numbers of type float64; .* labels"),
    "a column of labels": ((X, LABELS[:, np.newaxis]), ValueError, "data: y has numbers of type"),
    "negative labels": ((X, LABELS - 1), ValueError, "data: there are labels from -1"),
    "labels as large as there are": (
        (X, LABELS.astype(np.uint64) - np.uint64(1)),
        ValueError,
        "to 18446744073709551615",
    ),
}


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_shared(what):
    x, y = network3.shared(TAKEN[what])
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, LABELS)


def test_tensors_are_shared():
    torch = pytest.importorskip("torch")
    x, y = network3.shared((torch.tensor(X), torch.tensor(LABELS)))
    np.testing.assert_array_equal(x, X, strict=True)
    np.testing.assert_array_equal(y, LABELS, strict=True)
    with pytest.raises(TypeError, match=r"data: inputs cannot be read as an array: .*detach"):
        network3.shared((torch.tensor(X, requires_grad=True), LABELS))


@pytest.mark.parametrize("what", NOT_SHARED)
def test_what_is_not_shared(what):
    data, error, message = NOT_SHARED[what]
    with pytest.raises(error, match=message):
        network3.shared(data)


def a_network():
    np.random.seed(0)
    last = SoftmaxLayer(3, 2, 0.5, params=(np.random.normal(size=(3, 2)), np.zeros(2)))
    return Network([FullyConnectedLayer(4, 3), last], 4, engine="numpy")


def state(net):
    """Return the state of a network and of NumPy's generator, both of which `SGD` changes."""
    params = [param.tobytes() for param in net.params]
    return params, net.best, net.stopped, net.history, net._test, np.random.get_state()[2]


INPUTS = {
    "NaN": (with_a(np.nan), ValueError, "x contains NaN"),
    "infinity": (with_a(np.inf), ValueError, "x contains an infinite number"),
    "too large": (with_a(1e39), ValueError, r"x has the number 1e\+39, which float32 cannot hold"),
    "texts": (X.astype(str), TypeError, "x are of type <U"),
    "None": (None, TypeError, "x are of type object"),
    "ragged": ([[1.0, 2.0], [1.0]], ValueError, "x are ragged"),
    "too few inputs": (X[:, :3], ValueError, r"x has the shape \(12, 3\); it must be \(n, 4\)"),
    "images": (np.zeros((12, 1, 2, 2)), ValueError, r"x have shape \(12, 1, 2, 2\); it must be .* x.reshape"),
    "one dimension": (np.zeros(4), ValueError, r"x have shape \(4,\)"),
}
NO_DATA = {
    **NOT_SHARED,
    "too few inputs": ((X[:, :3], LABELS), ValueError, "x has 3 components, but the network has 4 inputs"),
    "too large a label": ((X, LABELS + 1), ValueError, "there is a label 2, but the network has 2 outputs"),
    "vectors of another length": ((X, np.eye(3)[LABELS + 1]), ValueError, "there is a label 2, but the network has 2"),
}
SETTINGS = {
    "epochs": ({0: ValueError, 1.5: TypeError, "1": TypeError}, "must be"),
    "mini_batch_size": ({0: ValueError, 2.0: TypeError, True: TypeError}, "must be"),
    "eta": ({0: ValueError, -1: ValueError, math.nan: ValueError, "1": TypeError}, "must be"),
    "lmbda": ({-1: ValueError, math.inf: ValueError, None: TypeError}, "must be"),
    "eta ": ({1e39: ValueError, 1e300: ValueError}, "must be positive and finite in float32"),
    "eta  ": ({1e-50: ValueError, 1e-38: ValueError}, "must be at least 1.18e-38"),
    "lmbda ": ({1e39: ValueError, 1e300: ValueError}, "must be finite and not negative in float32"),
}


def sgd(net, **changes):
    keywords = {"epochs": 1, "mini_batch_size": 4, "eta": 0.1, "test_data": (X, LABELS)}
    net.SGD(**{"training_data": (X, LABELS), "validation_data": (X, LABELS), **keywords, **changes})


@pytest.mark.parametrize("argument", ["training_data", "validation_data", "test_data"])
@pytest.mark.parametrize("what", NO_DATA)
def test_what_is_no_data(what, argument):
    data, error, message = NO_DATA[what]
    if data is None and argument == "test_data":  # test_data is optional
        return
    net = a_network()
    before = state(net)
    with pytest.raises(error, match=f"^{argument}: .*{message.removeprefix('data: ')}"):
        sgd(net, **{argument: data})
    assert state(net) == before


@pytest.mark.parametrize("what", NO_DATA)
def test_accuracy_is_of_data(what):
    data, error, message = NO_DATA[what]
    with pytest.raises(error, match=f"^data: .*{message.removeprefix('data: ')}"):
        a_network().accuracy(data)


@pytest.mark.parametrize("method", ["output", "predictions"])
@pytest.mark.parametrize("what", INPUTS)
def test_what_is_no_input(what, method):
    x, error, message = INPUTS[what]
    with pytest.raises(error, match=f"^{message}"):
        getattr(a_network(), method)(x)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        (name.strip(), value, error, message)
        for name, (values, message) in SETTINGS.items()
        for value, error in values.items()
    ]
    + [
        ("mini_batch_size", 13, ValueError, "training_data has 12 samples; a mini-batch needs 13"),
        ("checkpoint", 3, TypeError, "checkpoint is 3"),
        ("resume", 1, TypeError, "resume is 1; it must be True or False"),
        ("resume", True, ValueError, "resume is True, but checkpoint is None"),
    ],
)
def test_how_it_cannot_be_trained(name, value, error, message):
    net = a_network()
    before = state(net)
    with pytest.raises(error, match=message) as caught:
        sgd(net, **{name: value})
    assert name in str(caught.value) or value == 13
    assert state(net) == before
    with pytest.raises(ValueError, match="there are no test data yet"):
        net.test_mb_predictions(0)


def changed(index, value):
    def change(array):
        copy = array.copy()
        copy[index] = value
        return copy

    return change


ASSIGNED = {
    "none": (lambda w: None, TypeError, "w are of type object"),
    "complex": (lambda w: w + 1j, TypeError, "w are of type complex"),
    "texts": (lambda w: w.astype(str), TypeError, "w are of type <U"),
    "ragged": (lambda w: [[1.0], [1.0, 2.0]], ValueError, "w are ragged"),
    "masked": (lambda w: np.ma.masked_array(w, w > 0), TypeError, "w: masked values are not allowed"),
    "another shape": (lambda w: w.T, ValueError, r"w has the shape \(3, 4\); it must be \(4, 3\)"),
    "NaN": (changed((1, 2), math.nan), ValueError, "w contains NaN"),
    "infinite": (changed((1, 2), -math.inf), ValueError, "w contains an infinite number"),
    "too large": (lambda w: w.astype(float) + 1e39, ValueError, r"w has the number 1e\+39, which float32 cannot hold"),
}
USES = {
    "SGD": lambda net, path: sgd(net),
    "output": lambda net, path: net.output(X),
    "predictions": lambda net, path: net.predictions(X),
    "accuracy": lambda net, path: net.accuracy((X, LABELS)),
    "save": lambda net, path: net.save(path / "net"),
    "another network": lambda net, path: Network(net.layers, 4),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("what", ASSIGNED)
def test_weights_that_are_none(what, use, tmp_path):
    make, error, message = ASSIGNED[what]
    net = a_network()
    net.layers[0].w = w = make(net.layers[0].w)
    with pytest.raises(error, match=rf"layers\[0\]: {message}"):
        USES[use](net, tmp_path)
    assert net.layers[0].w is w
    assert list(tmp_path.iterdir()) == []


MAKES = {
    "float64": lambda w: w.astype(float),
    "lists": lambda w: w.tolist(),
    "column by column": np.asfortranarray,
    "one number at several places": lambda w: np.broadcast_to(w[:, :1], (4, 3)),
    "a tensor": lambda w: pytest.importorskip("torch").tensor(w),
}


@pytest.mark.parametrize("what", MAKES)
def test_weights_of_any_type_are_used_and_not_changed(what, capsys):
    net, like = a_network(), a_network()
    net.layers[0].w = w = MAKES[what](net.layers[0].w)
    like.layers[0].w = np.asarray(w, np.float32).copy()
    before = np.asarray(w).tobytes()
    for each in (net, like):
        np.random.seed(1)
        sgd(each)
    for param, expected in zip(net.params, like.params, strict=True):
        np.testing.assert_array_equal(param, expected, strict=True)
    assert np.asarray(w).tobytes() == before
    assert not np.array_equal(net.layers[0].w, w)


SAVED = {
    "mini_batch_size": (lambda net: setattr(net, "mini_batch_size", "x"), TypeError, "mini_batch_size is 'x'"),
    "no mini-batch": (lambda net: setattr(net, "mini_batch_size", 0), ValueError, "mini_batch_size is 0"),
    "dropout": (lambda net: setattr(net.layers[0], "p_dropout", math.nan), ValueError, "p_dropout is nan"),
    "n_in": (lambda net: setattr(net.layers[0], "n_in", 5), ValueError, r"w has the shape \(4, 3\)"),
    "no activation": (
        lambda net: setattr(net.layers[0], "activation_fn", None),
        TypeError,
        "activation_fn is None; it must be a function",
    ),
    "layers": (lambda net: net.layers.pop(), ValueError, "the last of the layers must be a SoftmaxLayer"),
    "a layer of one's own": (
        lambda net: net.layers.insert(0, type("Own", (FullyConnectedLayer,), {})(4, 4)),
        ValueError,
        "each layer must be one of",
    ),
}


@pytest.mark.parametrize("what", SAVED)
def test_what_could_not_be_loaded_is_not_saved(what, tmp_path):
    change, error, message = SAVED[what]
    net, path = a_network(), tmp_path / "net"
    path.write_bytes(b"precious")
    change(net)
    with pytest.raises(error, match=f"^the network cannot be saved: .*{message}"):
        net.save(path)
    assert path.read_bytes() == b"precious"


def test_numbers_of_numpy_are_saved(tmp_path):
    net = a_network()
    net.mini_batch_size, net.layers[0].p_dropout = np.int64(7), np.float32(0.5)
    net.save(tmp_path / "net")
    again = network3.load(tmp_path / "net")
    assert (again.mini_batch_size, again.layers[0].p_dropout) == (7, 0.5)


def test_a_mini_batch_size_that_is_none():
    net = a_network()
    sgd(net)
    net.mini_batch_size = "x"
    with pytest.raises(TypeError, match="mini_batch_size is 'x'"):
        net.test_mb_predictions(0)


W, B = np.zeros((4, 3)), np.zeros(3)
PARAMS = {
    "a number": (3, TypeError, "params is 3; it must be a list of arrays"),
    "one": ((W,), ValueError, r"params have the shapes \(4, 3\); they must be \(4, 3\) and \(3,\)"),
    "three": ((W, B, B), ValueError, r"params have the shapes \(4, 3\) and \(3,\) and \(3,\); they must be"),
    "another shape": ((W.T, B), ValueError, r"params have the shapes \(3, 4\) and \(3,\); .* \(4, 3\) and \(3,\)"),
    "NaN": ((W + np.nan, B), ValueError, r"params\[0\] contains NaN"),
    "infinite": ((W, B - np.inf), ValueError, r"params\[1\] contains an infinite number"),
    "too large": ((W + 1e39, B), ValueError, r"params\[0\] has the number 1e\+39, which float32 cannot hold"),
    "complex": ((W + 1j, B), TypeError, r"params\[0\] are of type complex128"),
    "texts": ((W, B.astype(str)), TypeError, r"params\[1\] are of type <U"),
    "masked": ((np.ma.masked_array(W, W == 0), B), TypeError, r"params\[0\]: masked values are not allowed"),
    "ragged": (([[1.0], [2.0, 3.0]], B), ValueError, r"params\[0\] are ragged"),
}


@pytest.mark.parametrize("make", [FullyConnectedLayer, SoftmaxLayer])
@pytest.mark.parametrize("what", PARAMS)
def test_what_a_layer_cannot_begin_with(what, make):
    params, error, message = PARAMS[what]
    with pytest.raises(error, match=message):
        make(4, 3, params=params)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FullyConnectedLayer(0, 3), ValueError, "n_in is 0"),
        (lambda: FullyConnectedLayer(3, 2.5), TypeError, "n_out is 2.5"),
        (lambda: FullyConnectedLayer(3, 3, "ReLU"), TypeError, "activation_fn is 'ReLU'; it must be a function"),
        (
            lambda: FullyConnectedLayer(10**7, 10**7),
            ValueError,
            "n_in and n_out: .* weights need 1,490,11[56] GiB, and this",
        ),
        (lambda: SoftmaxLayer(10**7, 10**7), ValueError, "n_in and n_out: .* weights need 1,490,11[56] GiB, and this"),
        (lambda: SoftmaxLayer(3, 3, 1.0), ValueError, "p_dropout is 1.0"),
        (lambda: ConvPoolLayer((2, 1, 5), (1, 1, 9, 9)), ValueError, "filter_shape is .* a tuple of 4"),
        (lambda: ConvPoolLayer((2, 3, 5, 5), (1, 1, 9, 9)), ValueError, "3 input feature maps; it must have 1"),
        (
            lambda: ConvPoolLayer((2, 1, 5, 5), (1, 1, 4, 9)),
            ValueError,
            "^filter_shape, image_shape and poolsize: Conv",
        ),
        (lambda: ConvPoolLayer((2, 1, 5, 5), (1, 1, 9, 9), (6, 1)), ValueError, "^filter_shape, image_.*: MaxPooling"),
        (
            lambda: ConvPoolLayer((10**9, 10**6, 5, 5), (1, 10**6, 9, 9), (2, 2), ReLU),
            ValueError,
            "filter_shape: .* its weights need",
        ),
        (lambda: Network([], 1), ValueError, "must be a SoftmaxLayer"),
        (lambda: Network(None, 1), TypeError, "layers is None; it must be a list of layers"),
        (lambda: Network([FullyConnectedLayer(2, 2)], 1), ValueError, "must be a SoftmaxLayer"),
        (
            lambda: Network([lambda x: x, SoftmaxLayer(2, 2)], 1),
            TypeError,
            r"layers\[0\] is <function .*; it must be a ConvPoolLayer",
        ),
        (
            lambda: Network([FullyConnectedLayer(2, 3), SoftmaxLayer(2, 2)], 1),
            ValueError,
            r"layers\[1\] takes inputs of the shape \(2,\), but layers\[0\] gives \(3,\)",
        ),
        (
            lambda: Network([*[FullyConnectedLayer(2, 2)] * 2, SoftmaxLayer(2, 2)], 1),
            ValueError,
            r"layers\[1\] is the same object as layers\[0\]; make a separate layer",
        ),
        (lambda: network3.load(5), TypeError, "path is 5; it must be a string"),
        (lambda: Network([SoftmaxLayer(2, 2)], 1).save(""), ValueError, "path is ''; it must be a path that is not"),
        (lambda: Network([SoftmaxLayer(2, 2)], 0), ValueError, "mini_batch_size is 0"),
        (lambda: Network([SoftmaxLayer(2, 1)], 1), ValueError, "^layers: .* of one output neuron"),
        (lambda: Network([SoftmaxLayer(2, 2), SoftmaxLayer(2, 2)], 1), ValueError, "^layers: .*'softmax'"),
        (
            lambda: Network(
                [FullyConnectedLayer(4, 4), ConvPoolLayer((1, 1, 1, 1), (1, 1, 2, 2)), SoftmaxLayer(1, 2)], 1
            ),
            ValueError,
            r"layers\[1\] takes inputs of the shape \(1, 2, 2\), but layers\[0\] gives \(4,\)",
        ),
        (lambda: Network([SoftmaxLayer(2, 2)], 1, engine="torch", device="tpu"), ValueError, "device is 'tpu'"),
        (lambda: Network([SoftmaxLayer(2, 2)], 1, device="cpu"), ValueError, "device is 'cpu', but engine is 'numba'"),
        (lambda: Network([SoftmaxLayer(2, 2)], 1, engine="theano"), ValueError, "engine is 'theano'"),
        (lambda: Network([SoftmaxLayer(2, 2)], 1, engine=None), ValueError, "engine is None"),
    ],
)
def test_what_makes_no_network(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_custom_function_needs_pytorch():
    """Engines other than `torch` refuse a custom activation: on construction, on setting the engine, and in `SGD`."""

    def own(z):
        return sigmoid(z) * z

    layers = [FullyConnectedLayer(4, 3, own), SoftmaxLayer(3, 2)]
    refused = "activation_fn of a layer is <function .*own.*, but engine '{}' has only .*use engine='torch', which can"
    for engine in ("numba", "numpy", "reference"):
        with pytest.raises(ValueError, match=refused.format(engine)):
            Network(layers, 4, engine=engine)
    net = a_network()
    net.layers[0].activation_fn = own
    before = state(net)
    with pytest.raises(ValueError, match="engine='torch'"):
        sgd(net)
    assert state(net) == before
    pytest.importorskip("torch")
    net = Network(layers, 4, engine="torch")
    with pytest.raises(ValueError, match=refused.format("numpy")):
        net.engine = "numpy"
    assert net.engine == "torch"
