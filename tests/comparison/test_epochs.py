import json
import re

import numpy as np
import pytest

from fastnet import Dataset, comparison
from fastnet.comparison import timing
from fastnet.formulas.activations import ACTIVATIONS


@pytest.fixture
def small():
    """60 samples of two classes, which a small network can learn to separate."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 60)
    return Dataset(random.standard_normal((60, 8)) + labels[:, np.newaxis], labels)


def compared(small, **keywords):
    arguments = {"epochs": 3, "training_data": small, "test_data": small, "engines": ["numba", "numpy", "reference"]}
    return comparison.compare([8, 5, 2], **{**arguments, **keywords})


def test_all_engines_end_with_the_same_accuracy_and_every_epoch_is_timed(small):
    ticks = []
    result = compared(small, tick=lambda: ticks.append(1), dtype="float64")
    assert [each.engine for each in result.results] == ["numba", "numpy", "reference"]
    assert len({each.accuracy for each in result.results}) == 1
    assert all(len(each.seconds) == 3 and min(each.seconds) > 0 for each in result.results)
    assert len(ticks) == 9
    assert 0 <= result.difference < 1e-12


def test_the_accuracy_is_that_of_the_network_that_was_trained(small):
    """A network trained for 60 epochs is more accurate than a network that hardly learned (eta = 1e-9)."""
    untrained, trained = compared(small, epochs=1, eta=1e-9), compared(small, epochs=60)
    assert untrained.results[0].accuracy < trained.results[0].accuracy > 0.85


def test_times_are_ratios_of_neighbouring_epochs():
    results = [
        comparison.Result("numba", [1.0, 2.0, 4.0], 0.9),
        comparison.Result("torch", missing="it needs PyTorch"),
        comparison.Result("reference", [10.0, 40.0, 40.0], 0.9),
    ]
    result = comparison.Comparison([2, 1], 1, 1.0, "float32", None, {}, 0.0, results)
    assert result.times("numba") == 10.0
    assert result.times("torch") is None
    assert result.results[0].median == 2.0


def test_what_cannot_be_used_is_listed_with_the_reason(small, monkeypatch):
    monkeypatch.setattr("fastnet.engines.find_spec", lambda library: None)
    result = compared(small, engines=["numpy", "torch"])
    why = "it needs PyTorch; pip install 'fastnet-nndl[torch]' installs it"
    assert result.results[1] == comparison.Result("torch", missing=why)
    with pytest.raises(ValueError, match=re.escape(f"(torch, torch-cpu: {why}); add the engine numba")):
        compared(small, engines=["torch", "torch-cpu"])


def test_engines_that_do_not_compute_the_same_are_not_compared(small, monkeypatch):
    steeper = ACTIVATIONS["sigmoid"]._replace(function=lambda z: 1 / (1 + np.exp(-1.01 * z)))
    monkeypatch.setitem(ACTIVATIONS, "sigmoid", steeper)
    with pytest.raises(ArithmeticError, match=r"'numba' and 'numpy' differ by .* their times cannot be compared"):
        compared(small)


def test_an_engine_that_diverges_is_not_compared(small, monkeypatch):
    from fastnet.engines import numpy as engine

    monkeypatch.setattr(engine.Engine, "parameters", lambda self: [{"weights": np.full((2, 4), np.inf)}])
    with pytest.raises(ArithmeticError, match=r"engine 'numpy': weights became infinite .* smaller eta than 0\.5"):
        compared(small, engines=["numpy"], eta=0.5)


def test_everything_can_be_written_as_json(small):
    result = compared(small)
    again = json.loads(json.dumps(result.as_dict()))
    assert again["sizes"] == [8, 5, 2]
    assert again["results"][1]["seconds"] == result.results[1].seconds
    assert {"processor", "cores", "numpy", "numba"} <= set(again["machine"])


def test_the_callers_data_and_numpys_generator_are_not_changed(small):
    inputs = small.inputs.copy()
    np.random.seed(1)
    expected = np.random.RandomState(1).rand()
    compared(small)
    assert np.random.rand() == expected
    np.testing.assert_array_equal(small.inputs, inputs)


def test_given_data_are_used_and_have_to_fit(small):
    other = Dataset(np.zeros((4, 8)), [1, 1, 1, 1])
    accuracy = [each.accuracy for each in compared(small, test_data=other).results]
    assert set(accuracy) <= {0.0, 1.0}
    with pytest.raises(ValueError, match="test_data: x has 784 components, but the network has 8 inputs"):
        compared(small, test_data=None)
    with pytest.raises(ValueError, match="training_data: x has 784 components, but the network has 8 inputs"):
        compared(small, training_data=None)


def test_names_and_samples_may_be_iterables(small):
    result = compared(small, engines=iter(["numpy", "reference"]), training_data=iter(small), epochs=1, tick=None)
    assert [each.engine for each in result.results] == ["numpy", "reference"]
    expected = compared(small, engines=["numpy", "reference"], epochs=1)
    assert [each.accuracy for each in result.results] == [each.accuracy for each in expected.results]


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("epochs", 0, "epochs is 0"),
        ("mini_batch_size", 0, "mini_batch_size is 0"),
        ("eta", float("nan"), "eta is nan"),
        ("threads", 0, "threads is 0"),
        ("dtype", "float16", "dtype is 'float16'"),
        ("engines", ["numba", "fortran"], "engine is 'fortran'"),
        ("engines", "numba", "engines is 'numba'; it must be a sequence of names"),
        ("engines", [], "engines is empty; it needs at least one value"),
        ("tick", 5, "tick is 5; it must be a function or None"),
        ("training_data", [1], "training_data: item 0 of the data set is 1"),
        ("test_data", 5, "test_data: 5 is neither a Dataset nor"),
        ("training_data", Dataset(np.full((4, 8), 1e200), [0, 1, 0, 1]), "training_data: x .* float32"),
        ("training_data", Dataset(np.zeros((4, 8)), [0, 1, 2, 1]), "training_data: there is a label 2"),
    ],
)
def test_arguments(small, argument, value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compared(small, **{argument: value})


def test_a_limit_of_threads_reaches_the_kernels_and_the_matrix_products():
    from threadpoolctl import threadpool_info

    from fastnet.kernels import threads

    def of_libraries():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    with timing.limited(1):
        assert threads.available() == 1
        assert set(of_libraries()) <= {1}
    with timing.limited(None):
        assert threads.available() >= 1
