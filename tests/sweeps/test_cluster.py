"""Tests that need no cluster; tests with a cluster are in `tests/commands/test_sweep_on_cluster.py`."""

import pickle
import sys

import pytest

import fastnet
from fastnet.sweeps import cluster, sweep
from fastnet.sweeps.data import Data
from fastnet.sweeps.recipe import recipe
from fastnet.sweeps.run import run

GRID = {"sizes": [3, 4, 3], "eta": [0.5, 3.0], "engine": "numpy", "epochs": 2}


@pytest.fixture
def dask():
    pytest.importorskip("distributed", reason="the extra dask is not installed")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nonsense", "missing port number"),
        ("gopher://localhost:70", "unknown address scheme"),
        ("localhost:x", "invalid"),
    ],
)
def test_what_is_no_address_is_reported_at_once(dask, data, tmp_path, address, reason):
    with pytest.raises(ConnectionError, match=f"no scheduler answers at {address} .*{reason}"):
        sweep(data, scheduler=address, record=tmp_path / "record", **GRID)
    assert not (tmp_path / "record").exists()


def test_an_address_without_a_scheduler(dask, data, monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECTING", 0.2)
    with pytest.raises(ConnectionError, match=r"no scheduler answers at tcp://127.0.0.1:9"):
        sweep(data, scheduler="tcp://127.0.0.1:9", **GRID)


def test_without_dask_the_message_says_which_extra_installs_it(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'fastnet-nndl\[dask\]' installs it"):
        sweep(data, scheduler="tcp://127.0.0.1:9", **GRID)


def test_a_worker_of_another_version_trains_nothing(data):
    _, _, reason = cluster._train(recipe([3, 3]), 0, Data(*data), Data(*data).fingerprint, "999")
    assert "the sweep was started by fastnet 999" in reason


def test_a_worker_trains_layers_as_this_process_does(data):
    """A recipe is plain data, which can be pickled."""
    made = recipe([3, 3], layers="conv 2 1x1 relu, dense 4", image_shape=(3, 1, 1), epochs=1, engine="numpy")
    sent = pickle.loads(pickle.dumps(made))
    assert sent == made
    together = Data(*data)
    _, _, there = cluster._train(sent, 0, together, together.fingerprint, fastnet.__version__)
    assert there == run(made, 0, together, lambda history: None)
