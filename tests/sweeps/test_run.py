"""A run of a sweep gives the same results as `network2.Network`, and uses one thread."""

import threading

import numpy as np
import pytest

from fastnet import Dataset, network2
from fastnet.kernels import threads as of_kernels
from fastnet.sweeps import run as one
from fastnet.sweeps.data import Data
from fastnet.sweeps.recipe import recipe
from fastnet.sweeps.run import attempt, check, one_thread, run


def quiet(history):
    pass


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_a_run_is_what_the_network_does(data, engine):
    described = recipe(
        [3, 4, 3], cost="cross-entropy", epochs=6, mini_batch_size=7, eta=0.3, lmbda=0.1, l1=0.01,
        momentum=0.3, dropout=0.1, engine=engine, dtype="float64",
    )  # fmt: skip
    found = run(described, 8, Data(*data), quiet)
    net = network2.Network([3, 4, 3], engine=engine, dtype="float64", seed=8)
    training, validation, test = data
    _, accuracies, _, _ = net.SGD(
        training, 6, 7, 0.3, 0.1, validation, False, True, l1=0.01, momentum=0.3, dropout=0.1, report=quiet
    )
    assert found.validation == tuple(accuracies)
    assert (found.last, found.test, found.diverged) == (net.accuracy(validation), net.accuracy(test), False)
    assert len(set(found.validation)) > 1
    assert run(described, 9, Data(*data), quiet) != found


def test_patience_is_no_divergence(data):
    found = run(recipe([3, 3], engine="numpy", epochs=300, patience=2), 0, Data(*data), quiet)
    assert 2 < len(found.validation) < 300
    assert not found.diverged


@pytest.mark.filterwarnings("ignore::fastnet.learning.diagnostics.TrainingWarning")
@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_a_network_that_diverges_says_so(data, engine):
    huge = recipe([3, 4, 3], cost="cross-entropy", lmbda=1e10, eta=1e10, engine=engine, epochs=5)
    found = run(huge, 0, Data(*data[:2]), quiet)
    assert found.diverged
    assert len(found.validation) < 5
    assert 0 <= found.last <= 50
    assert found.test is None


def test_without_test_data(data):
    assert run(recipe([3, 3], engine="numpy", epochs=1), 0, Data(*data[:2]), quiet).test is None


def test_an_error_is_reported_in_words(data, monkeypatch):
    def refuse(*arguments):
        raise MemoryError("Unable to allocate 2 TiB")

    monkeypatch.setattr(one, "run", refuse)
    described = recipe([3, 3])
    assert attempt(described, 4, Data(*data), quiet) == (described, 4, "MemoryError: Unable to allocate 2 TiB")


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (recipe([4, 3]), "training_data: x has 3 components, but the network has 4 inputs"),
        (recipe([3, 2]), "training_data: there is a label 2, but the network has 2 outputs"),
        (recipe([3, 3], dropout=0.5), "dropout is 0.5, but the network has no hidden"),
        (recipe([3, 4, 3], schedule="halve"), "schedule is 'halve'; it needs patience"),
    ],
)
def test_a_recipe_that_does_not_fit_is_found_before_it_is_trained(data, described, message):
    with pytest.raises(ValueError, match=message):
        check(described, Data(*data))


def test_test_data_that_do_not_fit_are_found_too(data):
    with pytest.raises(ValueError, match="test_data: x has 4 components, but the network has 3 inputs"):
        check(recipe([3, 3]), Data(*data[:2], Dataset(np.zeros((2, 4)), [0, 1])))


def test_checking_trains_nothing_and_draws_nothing_from_numpys_generator(data, capsys):
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    check(recipe([3, 4, 3], dropout=0.5, engine="numpy"), Data(*data))
    assert capsys.readouterr() == ("", "")  # `SGD` would print a line for each epoch
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_kernels_are_limited_in_this_thread_only():
    before, others = of_kernels.available(), []
    with one_thread("numba"):
        thread = threading.Thread(target=lambda: others.append(of_kernels.available()))
        thread.start()
        thread.join()
        assert of_kernels.available() == 1
    assert others == [before]
    assert of_kernels.available() == before


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_a_run_is_computed_in_one_thread(data, engine, threads_of_blas):
    threads = {"numba": lambda: {of_kernels.available()}, "numpy": threads_of_blas}[engine]
    during = set()
    run(recipe([3, 3], engine=engine, epochs=2), 0, Data(*data), lambda history: during.update(threads()))
    assert during == {1}


def test_pytorch_is_limited():
    torch = pytest.importorskip("torch", reason="the extra torch is not installed")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread("torch-cpu"):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
