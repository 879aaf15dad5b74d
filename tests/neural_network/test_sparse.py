"""SciPy's sparse matrices give the same networks as dense arrays, without a dense copy of the whole matrix."""

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse

from fastnet import Dataset, network2
from fastnet.neural_network import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FORMATS = (sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix)


def mostly_zero(samples=40, n_in=30, seed=0):
    random = np.random.default_rng(seed)
    return random.standard_normal((samples, n_in)) * (random.random((samples, n_in)) < 0.1), np.arange(samples) % 3


@pytest.mark.parametrize(
    "options", [{}, {"solver": "sgd", "dropout": 0.3}, {"early_stopping": True}, {"solver": "lbfgs"}]
)
def test_it_is_the_same_network_as_of_the_dense_matrix(engine_name, options):
    x, y = mostly_zero()
    parameters = {"engine": engine_name, "hidden_layer_sizes": 8, "max_iter": 2, "batch_size": 9, **options}
    dense, thin = (MLPClassifier(random_state=0, **parameters).fit(inputs, y) for inputs in (x, sparse.csr_array(x)))
    for ours, theirs in zip(dense.coefs_, thin.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    expected = dense.predict_proba(x)
    for form in FORMATS:
        np.testing.assert_allclose(thin.predict_proba(form(x)), expected, rtol=0, atol=1e-12)
    assert thin.score(sparse.csr_array(x), y) == dense.score(x, y)


def test_partial_fit_of_sparse_inputs(engine_name):
    x, y = mostly_zero()
    dense, thin = (
        MLPClassifier((8,), engine=engine_name, random_state=0).partial_fit(inputs, y, classes=[0, 1, 2])
        for inputs in (x, sparse.csr_array(x))
    )
    np.testing.assert_allclose(dense.coefs_[0], thin.coefs_[0], rtol=0, atol=1e-12)


def test_numbers_that_are_stored_in_several_pieces():
    """A CSR row may have duplicate entries.

    Duplicate entries must be summed first, because kernels update the weights of two columns at a time.
    """
    pieces = sparse.csr_array((np.ones(4), np.array([1, 1, 1, 0]), np.array([0, 3, 4])), shape=(2, 3))
    whole = np.array([[0.0, 3, 0], [1, 0, 0]])
    parts = pieces.indices.copy()
    fitted = [MLPClassifier((4,), random_state=0, max_iter=5).fit(x, ["a", "b"]).coefs_[0] for x in (pieces, whole)]
    np.testing.assert_allclose(*fitted, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(pieces.indices, parts)


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_2000_samples_of_200000_inputs_need_little_memory(engine):
    """As a dense float32 array, the inputs would take 1.6 GB."""
    random = np.random.default_rng(0)
    y = np.arange(2000) % 3
    columns = random.integers(0, 200_000, (2000, 20))
    columns[:, 0] = y  # in each row, the column with the index of the class is nonzero
    x = sparse.csr_array((np.ones(40_000, np.float32), columns.ravel(), np.arange(0, 40_001, 20)), (2000, 200_000))
    classifier = MLPClassifier(
        (4,),
        engine=engine,
        random_state=0,
        max_iter=5,
        batch_size=20,
        solver="sgd",
        momentum=0.0,
        learning_rate_init=0.1,
    )
    if engine == "numpy":
        classifier.set_params(max_iter=1)
    classifier.fit(x[:100], y[:100])  # compiles the kernels before memory is measured
    tracemalloc.start()
    classifier.fit(x, y)
    classifier.predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6
    if engine == "numba":
        assert classifier.score(x, y) > 0.9


def test_a_data_set_may_be_sparse(engine_name):
    x, y = mostly_zero()
    trained = []
    for inputs in (x, sparse.csr_array(x)):
        net = network2.Network([30, 8, 3], engine=engine_name, dtype="float64", seed=0)
        data = Dataset(inputs, y)
        net.SGD(data, 1, 9, 0.5, lmbda=0.1)
        trained.append([*net.weights, net.accuracy(data[10:]), net.total_cost(data, 0.1)])
    for ours, theirs in zip(*trained, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
