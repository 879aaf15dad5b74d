"""A whole sweep, in threads of this process."""

import threading
import time

import numpy as np
import pytest

import fastnet
from fastnet import Convolution, Dataset, Dense, network2
from fastnet.files.reading import DataError
from fastnet.sweeps import TrainingFailed, sweep
from fastnet.sweeps import run as one
from fastnet.sweeps.recipe import Recipe, recipe
from fastnet.sweeps.record import Record

GRID = {"sizes": [[3, 4, 3], [3, 3]], "cost": "cross-entropy", "eta": [0.1, 1.0], "epochs": 3, "engine": "numpy"}


@pytest.fixture
def trained(monkeypatch):
    """Sizes, eta and seed of each trained network."""
    original, found = one.run, []

    def run(recipe, seed, *arguments):
        found.append((recipe.sizes, recipe.eta, seed))
        return original(recipe, seed, *arguments)

    monkeypatch.setattr(one, "run", run)
    return found


def test_it_is_what_the_networks_do_one_by_one(data):
    found = sweep(data, seeds=2, **GRID)
    expected = {}
    for sizes in GRID["sizes"]:
        for eta in GRID["eta"]:
            for seed in range(2):
                net = network2.Network(sizes, engine="numpy", seed=seed)
                net.SGD(data[0], 3, 10, eta, report=lambda history: None)
                expected[tuple(sizes), eta, seed] = net.accuracy(data[1]), net.accuracy(data[2])
    assert expected == {
        (row.recipe.sizes, row.recipe.eta, seed): (run.last, run.test)
        for row in found.rows
        for seed, run in row.runs.items()
    }
    assert found.trained == found.networks == 8


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_the_table_does_not_depend_on_how_many_are_trained_at_a_time(data, engine):
    found = [sweep(data, seeds=4, jobs=jobs, **{**GRID, "engine": engine}) for jobs in (1, 2, 5, None)]
    for other in found[1:]:
        assert other.as_dict() == found[0].as_dict()
        assert str(other) == str(found[0])


def test_threads_train_together(data, monkeypatch):
    meeting = threading.Barrier(3, timeout=20)
    original = one.run
    monkeypatch.setattr(one, "run", lambda *arguments: (meeting.wait(), original(*arguments))[1])
    assert sweep(data, seeds=3, jobs=3, sizes=[3, 3], epochs=1, engine="numpy").trained == 3


def test_blas_is_kept_to_one_thread_until_the_last_has_ended(data, monkeypatch, threads_of_blas):
    first_has_ended, during = threading.Event(), []

    def run(recipe, seed, *arguments):
        if seed == 1:
            assert first_has_ended.wait(20)
        found = original(recipe, seed, *arguments)
        during.append(threads_of_blas())
        first_has_ended.set()
        return found

    original = one.run
    monkeypatch.setattr(one, "run", run)
    sweep(data, seeds=2, jobs=2, sizes=[3, 3], epochs=2, engine="numpy")
    assert during == [{1}, {1}]
    assert threads_of_blas() == {2}


def test_a_repeated_sweep_costs_nothing(data, tmp_path, trained, monkeypatch):
    path = tmp_path / "sweep.sqlite"
    first = sweep(data, seeds=2, record=path, **GRID)
    assert len(trained) == 8
    contents = path.read_bytes()
    again = sweep(data, seeds=2, record=path, **GRID)
    assert (len(trained), again.trained) == (8, 0)
    assert (again.as_dict(), str(again)) == (first.as_dict(), str(first))
    assert path.read_bytes() == contents
    more = sweep(data, seeds=3, record=path, **{**GRID, "eta": [0.1, 2.0]})
    assert set(trained[8:]) == {((3, 4, 3), 0.1, 2), ((3, 3), 0.1, 2)} | {
        (sizes, 2.0, seed) for sizes in ((3, 4, 3), (3, 3)) for seed in range(3)
    }
    assert more.trained == 8
    other_data = data[0], Dataset(data[1].inputs, (data[1].targets + 1) % 3)
    assert sweep(other_data, seeds=2, record=path, **GRID).trained == 8
    monkeypatch.setattr(fastnet, "__version__", "999")
    assert sweep(data, seeds=2, record=path, **GRID).trained == 8


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("moment", [0, 1, 5])
def test_an_interrupted_sweep_continues(data, tmp_path, trained, monkeypatch, jobs, moment):
    whole = sweep(data, seeds=2, **GRID)
    path, original = tmp_path / "sweep.sqlite", Record.add

    def add(self, *arguments):
        original(self, *arguments)
        added.append(arguments)
        if len(added) > moment:
            raise KeyboardInterrupt

    added = []
    monkeypatch.setattr(Record, "add", add)
    with pytest.raises(KeyboardInterrupt):
        sweep(data, seeds=2, jobs=jobs, record=path, **GRID)
    monkeypatch.undo()
    found = sweep(data, seeds=2, jobs=jobs, record=path, **GRID)
    assert found.trained == 8 - (moment + 1)
    assert found.as_dict() == whole.as_dict()


def test_ctrl_c_says_how_many_are_trained_and_leaves_no_thread_computing(data, monkeypatch):
    computing, began = [0], threading.Event()
    original = network2.Network.SGD

    def sgd(self, training_data, epochs, *arguments, **keywords):
        if epochs == 0:  # a call from `check`
            return None
        computing[0] += 1
        began.set()
        try:
            return original(self, training_data, 10**6, *arguments, **keywords)
        finally:
            computing[0] -= 1

    def sgd_by_name(self, training_data, **keywords):
        return sgd(self, training_data, keywords.pop("epochs"), **keywords)

    def interrupt(*arguments):
        assert began.wait(20)
        time.sleep(0.1)
        raise KeyboardInterrupt

    monkeypatch.setattr(network2.Network, "SGD", sgd_by_name)
    monkeypatch.setattr("joblib.parallel.Parallel._retrieve", interrupt)
    with pytest.raises(KeyboardInterrupt, match="0 of 4 networks are trained"):
        sweep(data, seeds=4, jobs=2, sizes=[3, 3], engine="numpy")
    assert computing == [0]


@pytest.mark.parametrize("jobs", [1, 2])
def test_networks_that_fail_are_reported_and_the_others_recorded(data, tmp_path, monkeypatch, jobs):
    original, path = Recipe.network, tmp_path / "sweep.sqlite"

    def network(self, seed):
        if self.eta == 1.0 and seed > 0:
            raise MemoryError("Unable to allocate 2 TiB")
        return original(self, seed)

    monkeypatch.setattr(Recipe, "network", network)
    with pytest.raises(TrainingFailed) as error:
        sweep(data, seeds=3, record=path, jobs=jobs, sizes=[3, 3], eta=[0.1, 1.0], epochs=2, engine="numpy")
    assert str(error.value) == (
        "4 of 6 networks are trained; eta 1, seed 1: MemoryError: Unable to allocate 2 TiB (and 1 more)"
    )
    monkeypatch.undo()
    assert sweep(data, seeds=3, record=path, sizes=[3, 3], eta=[0.1, 1.0], epochs=2, engine="numpy").trained == 2


def test_networks_that_diverge_break_nothing(data):
    found = sweep(
        data, sizes=[3, 4, 3], cost="cross-entropy", lmbda=1e10, eta=[1e-10, 1e10], epochs=4, seeds=2, engine="numpy"
    )
    assert [row.diverged for row in found.rows] == [0, 2]
    assert found.best is found.rows[0]
    assert not found.all_diverged
    assert "diverged" in str(found)


def test_where_all_networks_diverge_none_is_the_best(data):
    found = sweep(data, sizes=[3, 4, 3], cost="cross-entropy", lmbda=1e10, eta=[1e9, 1e10], epochs=4, engine="numpy")
    assert found.all_diverged
    assert str(found).splitlines()[-1].startswith("Every network diverged: ")


def test_more_jobs_than_networks_are_no_more_threads(data):
    assert sweep(data, sizes=[3, 3], epochs=1, seeds=2, engine="numpy", jobs=10**9).networks == 2


def test_no_layers_may_be_one_of_several_lists_of_layers(data):
    found = sweep(data, layers=[None, "dense 5"], epochs=1, engine="numpy", jobs=1)
    expected = [recipe([3, 3], layers=layers, epochs=1, engine="numpy") for layers in (None, "dense 5")]
    assert [row.recipe for row in found.rows] == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": [[3, 4, 3], [2, 3]]}, "training_data: x has 3 components, but the network has 2 inputs"),
        ({"eta": [1, 0]}, "eta is 0.0"),
        ({"sizes": [[3, 4, 3], [3, 3]], "dropout": 0.5}, "dropout is 0.5, but the network has no hidden"),
        ({"seeds": 0}, "seeds is 0"),
        ({"jobs": 0}, "jobs is 0"),
        ({"jobs": 2, "scheduler": "tcp://127.0.0.1:9"}, "jobs is 2, but"),
        ({"scheduler": 5}, "scheduler is a int; it must be a str"),
        ({"learning_rate": 2}, "a sweep has no argument 'learning_rate'"),
        ({"record": 3}, "record is 3; it must be a string or a pathlib.Path"),
        ({"record": ""}, "record is ''; it must be a path"),
        ({"record": "/dev/null"}, "/dev/null: this is not a regular file"),
    ],
)
def test_a_mistake_is_found_before_anything_is_trained_or_written(data, tmp_path, trained, arguments, message):
    path = tmp_path / "sweep.sqlite"
    with pytest.raises((TypeError, ValueError), match=message):
        sweep(data, **{"record": path, "sizes": [3, 4, 3], "engine": "numpy", **arguments})
    assert trained == []
    assert not path.exists()


@pytest.mark.parametrize("name", ["training_data", "validation_data", "test_data"])
def test_data_that_are_no_numbers_are_found_before_anything_is_trained(data, tmp_path, trained, name):
    sets = dict(zip(("training_data", "validation_data", "test_data"), data, strict=True))
    inputs = sets[name].inputs.copy()
    inputs[3, 0] = np.nan
    sets[name] = Dataset(inputs, sets[name].targets)
    with pytest.raises(ValueError, match=f"{name}: x contains NaN"):
        sweep(tuple(sets.values()), sizes=[3, 3], record=tmp_path / "sweep.sqlite")
    assert trained == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_refused_before_anything_is_trained(data, tmp_path, trained):
    path = tmp_path / "notes.txt"
    path.write_text("precious" * 100)
    with pytest.raises(DataError, match=r"notes\.txt: this is not the record of a sweep"):
        sweep(data, record=path, sizes=[3, 3])
    assert trained == []
    assert path.read_text() == "precious" * 100


def test_numpys_generator_is_not_changed(data):
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    sweep(data, sizes=[3, 4, 3], dropout=0.5, epochs=2, engine="numpy", jobs=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_the_longest_come_first(data, trained):
    sweep(data, sizes=[[3, 3], [3, 9, 3], [3, 5, 3]], epochs=1, engine="numpy", jobs=1)
    assert [sizes for sizes, _, _ in trained] == [(3, 9, 3), (3, 5, 3), (3, 3)]


def test_layers_take_inputs_and_outputs_from_the_data(data, tmp_path):
    layers = ["dense 4 relu", [Convolution(2, 1, "tanh"), 4]]
    grid = {"layers": layers, "epochs": 2, "engine": "numpy", "seeds": 2, "record": tmp_path / "record"}
    found = sweep(data, **grid)
    expected = {}
    for shape, hidden in ((3, [Dense(4, "relu")]), ((3, 1, 1), [Convolution(2, 1, "tanh"), 4])):
        for seed in range(2):
            net = network2.Network([shape, *hidden, 3], network2.LogLikelihoodCost, engine="numpy", seed=seed)
            net.SGD(data[0], 2, 10, 0.1, report=lambda history: None)
            expected[isinstance(shape, tuple), seed] = net.accuracy(data[1]), net.accuracy(data[2])
    assert expected == {
        ("conv" in row.recipe.layers, seed): (run.last, run.test)
        for row in found.rows
        for seed, run in row.runs.items()
    }
    assert [row.recipe.sizes for row in found.rows] == [(3, 3), (3, 3)]
    again = sweep(data, **grid)
    assert (again.trained, str(again)) == (0, str(found))
