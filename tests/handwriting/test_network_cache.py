"""Tests of the file of the default network: the file's path, retraining, and replacement of a damaged file."""

import os
import pickle
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from fastnet import handwriting, network2
from fastnet.handwriting import network_cache, training


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A cache folder that does not exist yet."""
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path / "cache" / "fastnet")
    return tmp_path / "cache" / "fastnet"


@pytest.fixture
def trainings(monkeypatch):
    """Replace training: each call returns a new, untrained network, and appends it to the fixture's list."""
    made = []

    def train():
        made.append(network2.Network([784, 10], network2.LogLikelihoodCost, seed=len(made)))
        return made[-1]

    monkeypatch.setattr(training, "train", train)
    return made


def test_it_is_trained_once_and_kept(folder, trainings):
    lines = []
    first = handwriting.default_network(lines.append)
    (file,) = folder.iterdir()
    assert lines == [f"Training a network to read digits takes some seconds; the network is kept in {file}"]
    second = handwriting.default_network(lines.append)
    assert (len(trainings), len(lines)) == (1, 1)
    assert first.engine == second.engine == "numpy"
    for one, other in zip(first.weights + first.biases, second.weights + second.biases, strict=True):
        np.testing.assert_array_equal(one, other)


def execute(path):
    Path(path).touch()


class Hostile:
    def __reduce__(self):
        return execute, (os.environ["HOSTILE"],)


DAMAGES = {
    "empty": lambda contents: b"",
    "cut": lambda contents: contents[:-1000],
    "a bit": lambda contents: contents[:5000] + bytes([contents[5000] ^ 1]) + contents[5001:],
    "no text": lambda contents: bytes(range(256)) * 9,
    "a pickle": lambda contents: pickle.dumps(Hostile()),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_replaced_and_nothing_of_it_executed(folder, trainings, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOSTILE", str(tmp_path / "executed"))
    handwriting.default_network()
    (file,) = folder.iterdir()
    contents = file.read_bytes()
    file.write_bytes(DAMAGES[name](contents))
    handwriting.default_network()
    assert len(trainings) == 2
    handwriting.default_network()
    assert (len(trainings), len(list(folder.iterdir()))) == (2, 1)
    assert not (tmp_path / "executed").exists()


def test_a_network_of_another_size_is_replaced(folder, trainings):
    handwriting.default_network()
    (file,) = folder.iterdir()
    network2.Network([16, 10], seed=0).save(file)
    assert handwriting.default_network().sizes == [784, 10]
    assert len(trainings) == 2


def test_each_version_recipe_and_data_set_has_a_file_of_its_own(folder, monkeypatch, tmp_path):
    files = {network_cache.file()}
    with monkeypatch.context() as patch:
        patch.setattr("fastnet.__version__", "99")
        files.add(network_cache.file())
    with monkeypatch.context() as patch:
        patch.setitem(network_cache.CHECKSUMS, "train-images-idx3-ubyte", "0" * 64)
        files.add(network_cache.file())
    recipe = tmp_path / "training.py"
    recipe.write_bytes(Path(training.__file__).read_bytes() + b"#")
    monkeypatch.setattr(training, "__file__", str(recipe))
    files.add(network_cache.file())
    assert len(files) == 4
    assert {file.parent for file in files} == {folder}


def test_a_folder_that_cannot_be_written_costs_only_time(folder, trainings):
    folder.parent.write_text("a file where the folder should be")
    lines = []
    assert handwriting.default_network(lines.append).sizes == [784, 10]
    assert len(lines) == 2
    assert lines[1].startswith(f"The network is not kept: {folder}")
    assert lines[1].endswith(": Not a directory; the next command trains it again")


def test_a_folder_in_place_of_the_file(folder, trainings):
    network_cache.file().mkdir(parents=True)
    lines = []
    assert handwriting.default_network(lines.append).sizes == [784, 10]
    assert "not kept" in lines[1]


def test_without_a_cache_folder_it_is_not_kept(monkeypatch, trainings):
    monkeypatch.setattr(network_cache, "cache_folder", lambda: None)
    lines = []
    for _ in range(2):
        handwriting.default_network(lines.append)
    assert len(trainings) == 2
    assert lines[0].endswith("the network is not kept, because there is no cache folder: set XDG_CACHE_HOME")


@pytest.mark.parametrize("home", ["~", "here"])
def test_without_a_home_no_folder_of_another_name_is_made(tmp_path, monkeypatch, home):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *arguments, **keywords: Path(home, ".cache"))
    monkeypatch.setattr(training, "train", lambda: network2.Network([784, 10], engine="numpy", seed=0))
    monkeypatch.chdir(tmp_path)
    lines = []
    assert handwriting.default_network(lines.append).sizes == [784, 10]
    assert lines[0].endswith("the network is not kept, because there is no cache folder: set XDG_CACHE_HOME")
    assert list(tmp_path.iterdir()) == []
