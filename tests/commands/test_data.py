"""With `--data`, the default network has an input for each pixel and an output for each class of the data."""

import json

import numpy as np
import pytest
from commands.in_process import run

from fastnet import network2

RANDOM = np.random.default_rng(0)
ARGUMENTS = "--engine", "numpy", "--epochs", "1"


@pytest.fixture
def files(tmp_path):
    """A folder with a data set in several formats: 60 training and 12 test images of 5 x 5 pixels, in 13 classes."""
    images, labels = RANDOM.integers(0, 256, (72, 25), np.uint8), np.arange(72) % 13
    arrays = {"x_train": images[:60], "y_train": labels[:60], "x_test": images[60:], "y_test": labels[60:]}
    np.savez(tmp_path / "set.npz", **arrays)
    (tmp_path / "arrays").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "arrays" / f"{name}.npy", array)
    (tmp_path / "tables").mkdir()
    for name in ("train", "test"):
        table = np.c_[arrays[f"y_{name}"], arrays[f"x_{name}"]]
        np.savetxt(tmp_path / "tables" / f"{name}.csv", table, fmt="%d", delimiter=",")
    return tmp_path


def test_train_and_evaluate(files):
    printed = set()
    for data in ("set.npz", "arrays", "tables", "tables/train.csv"):
        result = run("train", "--data", data, *ARGUMENTS, "--seed", "1", "--save", "net.json", cwd=files)
        assert (result.returncode, result.stderr) == (0, "")
        assert network2.load(files / "net.json").sizes == [25, 30, 13]
        printed.add(result.stdout.partition(",")[0])
        result = run("evaluate", "net.json", "--data", data, "--engine", "numpy", cwd=files)
        assert (result.returncode, result.stderr) == (0, "")
        assert "/ 12" in result.stdout
    assert len(printed) == 1


def test_sizes_that_are_given_are_kept(files):
    result = run("train", "--data", "set.npz", *ARGUMENTS, "--sizes", "25,7,13", "--save", "net.json", cwd=files)
    assert (result.returncode, result.stderr) == (0, "")
    assert network2.load(files / "net.json").sizes == [25, 7, 13]
    result = run("train", "--data", "set.npz", *ARGUMENTS, "--sizes", "784,30,10", cwd=files)
    assert result.returncode == 2
    assert "x has 25 components, but the network has 784 inputs" in result.stderr


def test_sweep(files):
    result = run("sweep", "--data", "set.npz", *ARGUMENTS, "--eta", "0.5", "--jobs", "1", "--json", "a.json", cwd=files)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.dumps([25, 30, 13]) in json.dumps(json.loads((files / "a.json").read_text()))


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_what_the_reader_reports_is_one_line(files, command):
    np.savez(files / "set.npz", x=RANDOM.integers(0, 256, (60, 25), np.uint8), y=np.arange(60) % 13 + 1)
    result = run(command, "--data", "set.npz", *ARGUMENTS, cwd=files)
    assert result.returncode == 0
    first, second = result.stderr.splitlines()
    assert first.startswith("note: ")
    assert first.endswith("set.npz: its labels go from 1 to 13; here, label 1 is class 0, and 13 is class 12")
    assert "without test data beside it, 10 of its samples" in second


def test_a_file_that_is_refused_is_one_line(files):
    np.save(files / "arrays" / "x_train.npy", np.array([{}], object))
    result = run("train", "--data", "arrays", *ARGUMENTS, cwd=files)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "it holds Python objects" in result.stderr
