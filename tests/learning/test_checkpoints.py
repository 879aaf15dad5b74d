"""An interrupted run resumes with bit-identical results, or an error says why the run cannot resume."""

import math
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from fastnet import BatchNormalization, Dataset, Dense, Dropout, GradientDescent, network, network2
from fastnet.files import tensors
from fastnet.files.reading import DataError
from fastnet.learning import checkpoints
from fastnet.learning.diagnostics import TrainingWarning

RECIPES = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.5, "dropout": 0.3},
    {"l1": 0.1},
    {"patience": 2, "schedule": "halve", "momentum": 0.5},
    {"optimizer": "adam", "max_norm": 1.0},
    {"optimizer": GradientDescent(0.5, nesterov=True), "dropout": 0.3},
]
LAYERS = (12, Dropout(0.2), Dense(8, "linear"), BatchNormalization("relu"), 3)


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    inputs = random.random((60, 12)) * (random.random((60, 12)) < 0.5)
    return Dataset(inputs, np.eye(3)[random.integers(0, 3, 60)])


def trained(data, epochs, engine="numpy", seed=3, sizes=(12, 8, 3), activation="sigmoid", **keywords):
    net = network2.Network(sizes, engine=engine, seed=seed, activation=activation)
    net.returned = net.SGD(data, epochs, 7, 0.5, 1.0, data[:15], True, True, report=lambda history: None, **keywords)
    return net


def assert_same(net, expected):
    for layer, like in zip(net.parameters, expected.parameters, strict=True):
        for name, array in layer.items():
            np.testing.assert_array_equal(array, like[name])


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("engine", ["numba", "numpy", "reference", "torch-cpu"])
def test_it_continues_bit_for_bit(engine, recipe, data, tmp_path):
    if engine == "torch-cpu":
        pytest.importorskip("torch")
    whole = trained(data, 6, engine, **recipe)
    for epochs in (0, 2, 3, 6):
        net = trained(data, epochs, engine, checkpoint=tmp_path / "run", resume=epochs > 0, **recipe)
    assert_same(net, whole)
    assert net.returned == whole.returned
    assert net.history.series("eta") == whole.history.series("eta")
    assert net.history.stopped == whole.history.stopped
    # Further training gives the same results, because the state of the random generator is restored.
    more = [each.SGD(data, 1, 7, 0.5, report=lambda history: None) and each for each in (whole, net)]
    assert_same(*more)


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "adam"}], ids=str)
@pytest.mark.parametrize("engine", ["numba", "numpy", "reference", "torch-cpu"])
def test_layers_and_the_costs_of_mini_batches_too(engine, recipe, data, tmp_path):
    if engine == "torch-cpu":
        pytest.importorskip("torch")
    keywords = {"sizes": LAYERS, "monitor_mini_batch_cost": True, **recipe}
    whole = trained(data, 4, engine, **keywords)
    for epochs in (2, 4):
        net = trained(data, epochs, engine, checkpoint=tmp_path / "run", resume=True, **keywords)
    assert_same(net, whole)
    assert net.history.series("mini_batch_cost") == whole.history.series("mini_batch_cost")
    assert len(net.history.series("mini_batch_cost")) == 4


def test_of_chapter_1_and_numpys_global_generator(data, tmp_path, capsys):
    def train(epochs, **keywords):
        net = network.Network([12, 8, 3], engine="numpy")
        net.SGD(data, epochs, 7, 0.5, data, **keywords)
        return net

    np.random.seed(5)
    whole, drawn = train(4), np.random.rand()
    np.random.seed(5)
    train(1, checkpoint=tmp_path / "run")
    np.random.seed(6)
    net = train(4, checkpoint=str(tmp_path / "run"), resume=True)
    assert_same(net, whole)
    assert np.random.rand() == drawn
    assert len(net.history.epochs) == 4


def test_resuming_a_run_that_is_over_trains_nothing(data, tmp_path):
    first = trained(data, 3, checkpoint=tmp_path / "run")
    contents = (tmp_path / "run").read_bytes()
    again = trained(data, 3, checkpoint=tmp_path / "run", resume=True)
    assert_same(again, first)
    assert again.history.epochs == first.history.epochs  # equal durations show that no epoch was trained again
    assert (tmp_path / "run").read_bytes() == contents
    stopped = trained(data, 90, patience=1, checkpoint=tmp_path / "stopped")
    assert stopped.history.stopped
    again = trained(data, 90, patience=1, checkpoint=tmp_path / "stopped", resume=True)
    assert again.history.epochs == stopped.history.epochs


def test_a_file_that_is_there_is_not_overwritten(data, tmp_path):
    trained(data, 1, checkpoint=tmp_path / "run")
    contents = (tmp_path / "run").read_bytes()
    with pytest.raises(
        ValueError, match=r"checkpoint: .*run exists; give resume=True to continue the run, or another file"
    ):
        trained(data, 1, checkpoint=tmp_path / "run")
    assert (tmp_path / "run").read_bytes() == contents
    with pytest.raises(ValueError, match="resume is True, but checkpoint is None"):
        trained(data, 1, resume=True)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"seed": 4}, "from another run, with seed 3; this run has seed 4"),
        ({"engine": "reference"}, "from another run, with engine numpy; this run has engine reference"),
        ({"sizes": (12, 7, 3)}, r"with sizes \[12, 8, 3\]; this run has sizes \[12, 7, 3\]"),
        ({"momentum": 0.5}, "with no momentum; this run has momentum 0.5"),
        ({"optimizer": "adam"}, "with no optimizer; this run has optimizer {'name': 'adam', 'beta1': 0.9"),
        ({"max_norm": 2.0}, "with no max_norm; this run has max_norm 2.0"),
        (
            {"sizes": (12, Dense(8, "tanh"), 3)},
            r"with no layers; this run has layers \[dense 8 tanh, dense 3 sigmoid\]",
        ),
        ({"data": Dataset(np.zeros((40, 12)), np.zeros(40, int))}, "on other data"),
    ],
)
def test_another_run_is_refused_and_changes_nothing(other, message, data, tmp_path):
    trained(data, 1, checkpoint=tmp_path / "run")
    contents = (tmp_path / "run").read_bytes()
    with pytest.raises(ValueError, match=message):
        trained(**{"data": data, "epochs": 2, "checkpoint": tmp_path / "run", "resume": True} | other)
    assert (tmp_path / "run").read_bytes() == contents


def test_a_folder_that_cannot_be_written_to_is_found_before_training(data, tmp_path):
    net = network2.Network([12, 5, 3], engine="numpy", seed=0)
    before, drawn = [w.copy() for w in net.weights], net._random.get_state()[1].tobytes()
    with pytest.raises(OSError, match="nowhere"):
        net.SGD(data, 1, 7, 0.5, dropout=0.5, checkpoint=tmp_path / "nowhere" / "run")
    np.testing.assert_array_equal(net.weights[0], before[0])
    assert net._random.get_state()[1].tobytes() == drawn
    assert net.history is None


def test_a_warning_that_is_made_an_error_costs_no_epoch(data, tmp_path):
    net = network2.Network([12, 3], engine="numpy", seed=0)
    net.biases = [np.array([[90.0], [0.0], [0.0]])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TrainingWarning, match="no sample was classified"):
            net.SGD(data, 9, 50, 1e-6, 0, data, False, True, report=lambda history: None, checkpoint=tmp_path / "run")
    epochs = len(net.history.epochs)
    _, arrays, _ = tensors.read(tmp_path / "run", checkpoints._KIND)
    assert len(arrays["epochs.known"]) == epochs == 2


def rewritten(path, change, version=checkpoints._KIND.version):
    """Change the description and the arrays in a checkpoint, and correct the checksum."""
    description, arrays, _ = tensors.read(path, checkpoints._KIND)
    change(description, arrays)
    tensors.write(path, checkpoints._KIND._replace(version=version), description, arrays)


def array(name, index, value):
    def change(description, arrays):
        arrays[name] = arrays[name].copy()
        arrays[name][index] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda d, a: d.update(recipe=[12, 9, 3]),
        lambda d, a: d.pop("earlier_epochs"),
        lambda d, a: d.update(earlier_epochs=[-1, ""]),
        lambda d, a: d.update(earlier_epochs=[0]),
        lambda d, a: d.update(generator=[625, 0, 0.0]),
        lambda d, a: d.update(generator=[1, 0]),
        lambda d, a: d.update(generator=[1, 2, 0.0]),
        lambda d, a: d.update(generator=[1, 1, math.nan]),
        lambda d, a: d.update(trained_on=2**63),
        lambda d, a: d.update(eta=math.inf),
        lambda d, a: d.update(trained_on=-1),
        lambda d, a: d.update(dropout_seed="1"),
        lambda d, a: d.update(eta=None),
        lambda d, a: d.pop("data"),
        lambda d, a: d.pop("recipe"),
        lambda d, a: d.update(steps=-1),
        lambda d, a: a.update({"parameters.0.weights": a["parameters.0.weights"].T}),
        lambda d, a: a.update({"parameters.0.weights": a["parameters.0.weights"].astype(np.float64)}),
        lambda d, a: a.pop("parameters.1.biases"),
        lambda d, a: a.pop("memory.velocity.1.biases"),
        lambda d, a: a.update({"memory.mean.0.weights": a["parameters.0.weights"]}),
        lambda d, a: a.update({"memory.velocity.0.weights": a["parameters.1.weights"]}),
        lambda d, a: a.pop("epochs.known"),
        lambda d, a: a.pop("epochs.eta"),
        lambda d, a: a.update({"epochs.more": a["epochs.eta"]}),
        lambda d, a: a.update({"epochs.eta": a["epochs.eta"][:0]}),
        lambda d, a: a.update({"epochs.number": a["epochs.evaluation_accuracy"]}),
        lambda d, a: a.update({"more": a["epochs.eta"]}),
        lambda d, a: a.update({"epochs.seconds": a["epochs.evaluation_accuracy"]}),
        lambda d, a: a.update({"epochs.known": a["epochs.known"].reshape(1, 1)}),
        array("epochs.known", 0, 0b1111101),
        array("epochs.known", 0, 1 << 7 | 0b111),
        array("epochs.known", 0, -1),
        array("epochs.eta", 0, math.nan),
        array("epochs.evaluation_accuracy", 0, -3),
        array("parameters.0.weights", (0, 0), math.nan),
        array("parameters.0.weights", (0, 0), math.inf),
        array("memory.velocity.1.biases", (0, 0), math.nan),
    ],
)
def test_what_is_no_checkpoint(change, data, tmp_path):
    trained(data, 1, checkpoint=tmp_path / "run", momentum=0.5)
    rewritten(tmp_path / "run", change)
    with pytest.raises(DataError, match=r"run: this file does not hold a checkpoint \("):
        trained(data, 2, checkpoint=tmp_path / "run", resume=True, momentum=0.5)


@pytest.mark.parametrize("change", [{"sizes": "12"}, {"sizes": [2] * 100_000}, {"dtype": "float16"}])
def test_a_recipe_that_is_none_is_that_of_another_run(change, data, tmp_path):
    trained(data, 1, checkpoint=tmp_path / "run")
    rewritten(tmp_path / "run", lambda description, arrays: description["recipe"].update(change))
    with pytest.raises(ValueError, match="run: this checkpoint is from another run, with "):
        trained(data, 2, checkpoint=tmp_path / "run", resume=True)


def test_an_unknown_version_is_refused(data, tmp_path):
    trained(data, 1, checkpoint=tmp_path / "run")
    rewritten(tmp_path / "run", lambda description, arrays: None, version=6)
    with pytest.raises(DataError, match="its version is 6; it must be 2 or 3 or 4 or 5"):
        trained(data, 2, checkpoint=tmp_path / "run", resume=True)


@pytest.mark.parametrize("layers", [7, "conv", [{}], [{"layer": []}], [{"layer": "Dense", "n_out": 1e999}]])
def test_layers_that_are_none_are_those_of_another_run(layers, data, tmp_path):
    trained(data, 1, sizes=LAYERS, checkpoint=tmp_path / "run")
    rewritten(tmp_path / "run", lambda description, arrays: description["recipe"].update(layers=layers))
    with pytest.raises(
        ValueError, match=r"run: this checkpoint is from another run, with layers .*; this run has layers \[dropout 0.2"
    ):
        trained(data, 2, sizes=LAYERS, checkpoint=tmp_path / "run", resume=True)


def test_statistics_that_cannot_be(data, tmp_path):
    trained(data, 1, sizes=LAYERS, checkpoint=tmp_path / "run")
    rewritten(tmp_path / "run", array("parameters.2.variance", (0, 0), -1.0))
    with pytest.raises(DataError, match="its variance is negative"):
        trained(data, 2, sizes=LAYERS, checkpoint=tmp_path / "run", resume=True)


def as_version_2(path, dense):
    """Rewrite a checkpoint in the format of version 2. Its layer indices count only dense layers; it has no `steps`."""
    description, arrays, _ = tensors.read(path, checkpoints._KIND)
    del description["steps"]
    names = {f"parameters.{i}.{name}": f"parameters.{name}.{k}" for k, i in enumerate(dense) for name in NAMES}
    names |= {f"memory.velocity.{i}.{name}": f"velocity.{name}.{k}" for k, i in enumerate(dense) for name in NAMES}
    renamed = {names.get(name, name): array for name, array in arrays.items()}
    assert not any(name.startswith("memory") for name in renamed)
    tensors.write(path, checkpoints._KIND._replace(version=2), description, renamed)


def as_version(version, path):
    """Rewrite a checkpoint in the format of version 3 or 4, which differs from version 5 in having no second file."""
    rewritten(path, lambda description, arrays: description.pop("earlier_epochs"), version)


NAMES = ("weights", "biases")


@pytest.mark.parametrize("recipe", [{}, {"momentum": 0.9}, {"momentum": 0.5, "dropout": 0.3}], ids=str)
@pytest.mark.parametrize("engine", ["numpy", "reference", "torch-cpu"])
def test_version_2_continues_bit_for_bit(engine, recipe, data, tmp_path):
    if engine == "torch-cpu":
        pytest.importorskip("torch")
    whole = trained(data, 5, engine, activation="relu", **recipe)
    trained(data, 2, engine, activation="relu", checkpoint=tmp_path / "run", **recipe)
    as_version_2(tmp_path / "run", [0, 2] if "dropout" in recipe else [0, 1])
    net = trained(data, 5, engine, activation="relu", checkpoint=tmp_path / "run", resume=True, **recipe)
    assert_same(net, whole)
    assert net.returned == whole.returned
    assert tensors.read(tmp_path / "run", checkpoints._KIND).version == 5


@pytest.mark.parametrize("recipe", [{}, {"sizes": LAYERS, "optimizer": "adam"}], ids=str)
@pytest.mark.parametrize("engine", ["numba", "numpy", "reference", "torch-cpu"])
@pytest.mark.parametrize("version", [3, 4])
def test_versions_3_and_4_continue_bit_for_bit(version, engine, recipe, data, tmp_path):
    if engine == "numba":
        pytest.skip("the engine numba of these versions rounded differently")
    if engine == "torch-cpu":
        pytest.importorskip("torch")
    whole = trained(data, 5, engine, **recipe)
    trained(data, 2, engine, checkpoint=tmp_path / "run", **recipe)
    as_version(version, tmp_path / "run")
    net = trained(data, 5, engine, checkpoint=tmp_path / "run", resume=True, **recipe)
    assert_same(net, whole)
    assert tensors.read(tmp_path / "run", checkpoints._KIND).version == 5


@pytest.mark.parametrize(
    ("engine", "activation", "version"),
    [("numba", "relu", 2), ("numpy", "sigmoid", 2), ("numba", "sigmoid", 3), ("numba", "sigmoid", 4)],
)
def test_an_earlier_version_of_an_engine_that_rounds_differently_now_is_refused(
    engine, activation, version, data, tmp_path
):
    keywords = {"engine": engine, "activation": activation, "checkpoint": tmp_path / "run"}
    trained(data, 1, **keywords)
    if version == 2:
        as_version_2(tmp_path / "run", [0, 1])
    else:
        as_version(version, tmp_path / "run")
    contents = (tmp_path / "run").read_bytes()
    message = (
        f"run: this checkpoint is from an earlier version of fastnet, whose engine '{engine}' .* Start the run again"
    )
    with pytest.raises(ValueError, match=message):
        trained(data, 2, resume=True, **keywords)
    assert (tmp_path / "run").read_bytes() == contents


@pytest.fixture
def in_parts(monkeypatch):
    """Let runs write the second file of a checkpoint, which holds earlier epochs, after every third epoch."""
    monkeypatch.setattr(checkpoints, "_PART", 3)


def epochs_in(path, kind=checkpoints._KIND, prefix="epochs."):
    return len(tensors.read(path, kind).arrays[f"{prefix}known"])


def epochs_in_both(folder):
    return epochs_in(folder / "run"), epochs_in(folder / "run.epochs", checkpoints._KIND_OF_EARLIER, "")


@pytest.mark.parametrize("recipe", [{}, {"patience": 2, "schedule": "halve"}], ids=str)
def test_with_a_second_file_it_continues_bit_for_bit(recipe, data, tmp_path, in_parts):
    whole = trained(data, 11, **recipe)
    for epochs in (0, 2, 3, 4, 8, 11):
        net = trained(data, epochs, checkpoint=tmp_path / "run", resume=True, **recipe)
        assert (tmp_path / "run.epochs").exists() == (epochs >= 3)
        assert [epoch.number for epoch in net.history.epochs] == list(range(epochs))
    assert_same(net, whole)
    assert net.returned == whole.returned
    assert epochs_in_both(tmp_path) == (2, 9)
    second = (tmp_path / "run.epochs").stat()
    again = trained(data, 11, checkpoint=tmp_path / "run", resume=True, **recipe)
    assert again.history.epochs == net.history.epochs
    assert (tmp_path / "run.epochs").stat().st_ino == second.st_ino  # the second file was not written again


def test_columns_that_begin_late_are_in_the_second_file_too(data, tmp_path, in_parts):
    def train(epochs, **monitors):
        net = network2.Network((12, 8, 3), engine="numpy", seed=3)
        net.SGD(data, epochs, 7, 0.5, 1.0, data, checkpoint=tmp_path / "run", resume=True, **monitors)
        return net.history

    train(4)
    for epochs in (8, 10):
        history = train(epochs, monitor_training_cost=True)
    assert [cost is None for cost in history.series("training_cost")] == 4 * [True] + 6 * [False]


def test_a_checkpoint_does_not_grow(data, tmp_path, in_parts, monkeypatch):
    """In a long run, the first file does not grow. The second file is written only after every third epoch."""
    written, write = [], tensors.write

    def spy(path, *others):
        write(path, *others)
        written.append((path.name, path.stat().st_size))

    monkeypatch.setattr(tensors, "write", spy)
    trained(data, 31, checkpoint=tmp_path / "run")
    sizes = [size for name, size in written if name == "run"]
    assert len(sizes) == 32
    # Later numbers have more digits, which add less than 200 bytes. If `run` held the values of all epochs, 28 more
    # epochs would add about 1,100 bytes.
    assert max(sizes[-3:]) < max(sizes[1:4]) + 200
    names = [name for name, _ in written]
    assert names.count("run.epochs") == 10
    # `run` is written after `run.epochs`, to which it refers.
    assert names[:6] == ["run", "run", "run", "run.epochs", "run", "run"]


def test_killed_between_the_two_files_it_continues(data, tmp_path, in_parts):
    first = tmp_path / "run"
    trained(data, 5, checkpoint=first)
    contents = first.read_bytes()
    trained(data, 6, checkpoint=first, resume=True)
    first.write_bytes(contents)  # now only the second file has the sixth epoch
    assert epochs_in_both(tmp_path) == (2, 6)
    whole, net = trained(data, 8), trained(data, 8, checkpoint=first, resume=True)
    assert_same(net, whole)
    assert net.returned == whole.returned
    assert epochs_in_both(tmp_path) == (2, 6)


def test_a_second_file_that_is_removed_while_it_trains_is_written_again(data, tmp_path, in_parts):
    net = network2.Network([12, 3], engine="numpy", seed=0)

    def report(history):
        if len(history.epochs) == 4:
            (tmp_path / "run.epochs").unlink()

    net.SGD(data, 5, 7, 0.5, report=report, checkpoint=tmp_path / "run")
    assert epochs_in_both(tmp_path) == (2, 3)


def test_many_epochs_of_an_earlier_version_get_a_second_file(data, tmp_path, monkeypatch):
    whole = trained(data, 8)
    trained(data, 7, checkpoint=tmp_path / "run")
    as_version(4, tmp_path / "run")
    monkeypatch.setattr(checkpoints, "_PART", 3)
    net = trained(data, 8, checkpoint=tmp_path / "run", resume=True)
    assert net.returned == whole.returned
    assert epochs_in_both(tmp_path) == (2, 6)


def test_a_second_file_that_is_missing_damaged_or_of_another_run(data, tmp_path, in_parts):
    keywords = {"checkpoint": tmp_path / "run", "resume": True}
    trained(data, 4, **keywords)
    trained(data, 4, checkpoint=tmp_path / "other")
    first, second = tmp_path / "run", tmp_path / "run.epochs"
    contents = first.read_bytes(), second.read_bytes()

    second.write_bytes((tmp_path / "other.epochs").read_bytes())
    with pytest.raises(
        DataError,
        match=r"run\.epochs: .* hold a list of a checkpoint's first epochs \(its epochs are not those of .*run\)",
    ):
        trained(data, 5, **keywords)
    second.write_bytes(contents[1][:-1] + b"\1")
    with pytest.raises(DataError, match=r"run\.epochs: .* checksum does not match"):
        trained(data, 5, **keywords)
    second.unlink()
    with pytest.raises(DataError, match=r"run: its first 3 epochs are in .*run\.epochs, which is missing"):
        trained(data, 5, **keywords)
    assert first.read_bytes() == contents[0]

    second.write_bytes(contents[1])
    first.unlink()
    for resume in (True, False):
        with pytest.raises(ValueError, match=r"run\.epochs exists without .*run; remove .*run\.epochs, or"):
            trained(data, 5, checkpoint=first, resume=resume)
    assert second.read_bytes() == contents[1]


def test_what_is_said_of_another_run_is_a_short_line(data, tmp_path):
    trained(data, 1, checkpoint=tmp_path / "run")
    rewritten(tmp_path / "run", lambda d, a: d["recipe"].update({"a\x1b[2J": "\n" * 10_000}))
    with pytest.raises(ValueError, match=r"from another run, with a\?\[2J \?+$") as caught:
        trained(data, 2, checkpoint=tmp_path / "run", resume=True)
    assert len(str(caught.value)) < len(str(tmp_path)) + 250


def test_rewritten_without_a_change_it_is_the_same(data, tmp_path):
    """`rewritten` without a change leaves a valid checkpoint, so the changes cause the errors in the other tests."""
    trained(data, 1, checkpoint=tmp_path / "run", momentum=0.5)
    rewritten(tmp_path / "run", lambda description, arrays: None)
    net = trained(data, 3, checkpoint=tmp_path / "run", resume=True, momentum=0.5)
    assert_same(net, trained(data, 3, momentum=0.5))


PROGRAM = """
import sys, numpy as np
from fastnet import Dataset, network2
from fastnet.learning import checkpoints
checkpoints._PART = 2  # so that the process may also be killed while it writes the second file
random = np.random.default_rng(0)
data = Dataset(random.random((300, 12)), np.eye(3)[random.integers(0, 3, 300)])
net = network2.Network([12, 8, 3], engine="numpy", seed=3)
print("begun", flush=True)
net.SGD(data, 60, 7, 0.5, 1.0, data, momentum=0.9, dropout=0.2, report=lambda history: None,
        checkpoint="run", resume=True)
net.save("net.json")
"""


def test_killed_at_any_moment_it_continues(tmp_path):
    """The process is killed three times here; `benchmarks/kills.py` kills a process any number of times."""
    command = [sys.executable, "-c", PROGRAM]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    subprocess.run(command, cwd=whole, check=True, stdout=subprocess.DEVNULL)
    random, kills = np.random.default_rng(0), 0
    while kills < 3:
        process = subprocess.Popen(command, cwd=killed, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        kills += process.wait() == -signal.SIGKILL
        if (killed / "net.json").exists():
            break
    subprocess.run(command, cwd=killed, check=True, stdout=subprocess.DEVNULL)
    assert kills > 0
    assert (killed / "net.json").read_bytes() == (whole / "net.json").read_bytes()
    assert not [name for name in os.listdir(whole) if name not in ("run", "run.epochs", "net.json")]
    assert Path(killed / "run").exists()
