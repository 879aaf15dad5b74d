"""Training data that is no `Dataset` is read as pairs, or refused with a message that says how to make a `Dataset`."""

import numpy as np
import pytest

from fastnet import Dataset, network
from fastnet.datasets.dataset import as_dataset

RANDOM = np.random.default_rng(0)
X, LABELS, Y = RANDOM.random((6, 4)), np.arange(6) % 3, RANDOM.random((6, 2))
PAIRS = [(x[:, np.newaxis], int(y)) for x, y in zip(X, LABELS, strict=True)]


def table(pairs):
    array = np.empty((len(pairs), 2), object)
    for i, pair in enumerate(pairs):
        array[i, 0], array[i, 1] = pair
    return array


def objects(pairs):
    array = np.empty(len(pairs), object)
    array[:] = pairs
    return array


def records():
    array = np.zeros(6, [("x", "f8", (4,)), ("y", "i8")])
    array["x"], array["y"] = X, LABELS
    return array


def of_torch(name):
    torch = pytest.importorskip("torch")
    x, y = torch.tensor(X), torch.tensor(LABELS)
    if name == "pairs":
        return list(zip(x, y, strict=True))
    return torch.utils.data.TensorDataset(x, y) if name == "set" else Dataset(x, y)


def of_jax(half):
    jnp = pytest.importorskip("jax.numpy")
    return Dataset(jnp.asarray(X, "bfloat16" if half else "float32"), jnp.asarray(LABELS))


def of_pandas(name):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X)
    if name == "pairs":
        return pandas.DataFrame({"x": list(X), "y": LABELS})
    return Dataset(frame, pandas.Series(LABELS, index=range(6, 0, -1)))


def of_polars():
    polars = pytest.importorskip("polars")
    return Dataset(polars.DataFrame(X), polars.Series(LABELS))


TAKEN = {
    "an array of objects, two columns": lambda: table(PAIRS),
    "an array of tuples": lambda: objects(PAIRS),
    "lists of two": lambda: [list(pair) for pair in PAIRS],
    "rows of an array of objects": lambda: list(table(PAIRS)),
    "records": records,
    "a list of records": lambda: list(records()),
    "pairs of PyTorch": lambda: of_torch("pairs"),
    "a data set of PyTorch": lambda: of_torch("set"),
    "arrays of PyTorch": lambda: of_torch("arrays"),
    "arrays of JAX": lambda: of_jax(half=False),
    "half precision of JAX": lambda: of_jax(half=True),
    "a table of pandas": lambda: of_pandas("table"),
    "a table of pairs of pandas": lambda: of_pandas("pairs"),
    "a table of polars": of_polars,
}


@pytest.mark.parametrize("given", TAKEN.values(), ids=TAKEN)
def test_taken(given):
    data = as_dataset(given())
    np.testing.assert_allclose(data.inputs, X, rtol=1e-2 if "half" in str(given) or data.inputs.dtype == "f4" else 0)
    np.testing.assert_array_equal(data.targets, LABELS)


def test_an_array_of_pairs_of_columns_of_the_same_length():
    given = np.array([(x[:, None], x[::-1, None]) for x in X])
    assert given.shape == (6, 2, 4, 1)
    data = as_dataset(given)
    np.testing.assert_array_equal(data.inputs, X)
    np.testing.assert_array_equal(data.targets, X[:, ::-1])


def test_a_table_trains_as_the_list_of_pairs_does():
    nets = []
    for given in (PAIRS, table(PAIRS)):
        nets.append(network.Network([4, 3, 3], engine="numpy", seed=0))
        nets[-1].SGD(given, 2, 2, 1.0)
    np.testing.assert_array_equal(nets[0].weights[0], nets[1].weights[0])


NOT_TAKEN = {
    "a matrix": (lambda: X, r"an array of shape \(6, 4\).*Dataset\(table\[:, 1:\], table\[:, 0\]\)"),
    "two columns of numbers": (lambda: X[:, :2], r"an array of shape \(6, 2\)"),
    "two arrays": (lambda: (X, LABELS), r"item 0 .* must be a tuple \(x, y\); Dataset\(inputs, targets\) makes"),
    "a dictionary": (lambda: {"x": X, "y": LABELS}, r"item 0 of the data set is 'x'.*Dataset\(inputs, targets\)"),
    "a path": (lambda: "train.csv", r"load_data_wrapper\(path\) reads files"),
    "three in a tuple": (lambda: [(X[0], 1, 2)], "must be a tuple"),
    "images": (lambda: [(np.zeros((28, 28)), 1)], r"x has shape \(28, 28\).*x.reshape\(-1, 1\)"),
    "objects as inputs": (
        lambda: Dataset(X.astype(object), LABELS),
        r"inputs are of type object.*\.astype\('float32'\)",
    ),
    "texts as labels": (lambda: Dataset(X, ["a"] * 6), "targets are of type"),
    "images as inputs": (lambda: Dataset(np.zeros((6, 2, 2)), LABELS), r"inputs.reshape\(len\(inputs\), -1\)"),
    "a tensor with a gradient": (
        lambda: pytest.importorskip("torch").ones(3, requires_grad=True),
        "cannot be read as an array: .*detach",
    ),
    "a table of pandas": (lambda: pytest.importorskip("pandas").DataFrame(X), r"a DataFrame of shape \(6, 4\)"),
    "a table of polars": (lambda: pytest.importorskip("polars").DataFrame(X), r"a DataFrame of shape \(6, 4\)"),
}


@pytest.mark.parametrize(("given", "message"), NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_refused_with_what_makes_a_data_set(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        as_dataset(given())
