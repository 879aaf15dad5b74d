"""Tests of `grid.py`, which compares the times of the default engine with those of other engines and libraries."""

import re
import shutil
import warnings

import grid
import numpy as np
import peers
import pytest

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.formulas.optimizers import Adam

NUMPY = engine_class("numpy")
SAMPLES = 45  # the last mini-batch has 5 samples instead of 10
CELLS = [
    grid.Cell("dense", "float64", "5", 10, "sgd"),
    grid.Cell("tall", "float32", "5-5", 10, "momentum"),
    grid.Cell("tall", "float64", "5-5", 10, "adam"),
]


def data(cell):
    if cell.data == "tall":
        return grid.tall(SAMPLES)
    random = np.random.default_rng(0)
    return Dataset(random.random((SAMPLES, 7)), np.eye(3)[random.integers(0, 3, SAMPLES)])


def apart(cell, **classes):
    engines = grid.made({"numpy": NUMPY, **classes}, cell, data(cell))
    return grid.check(
        engines, np.random.RandomState(1).permutation(SAMPLES), cell.batch, grid.OPTIMIZERS[cell.optimizer][1]
    )


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.optimizer}-{cell.dtype}")
@pytest.mark.parametrize("name", [*peers.ENGINES, *peers.MISSING])
def test_a_peer_computes_the_same_with_each_optimizer(name, cell, monkeypatch):
    if name in peers.MISSING:
        pytest.skip(peers.MISSING[name])
    if name == "torch.compile" and (cell.optimizer != "adam" or shutil.which("g++") is None):
        pytest.skip("needs g++, and is tested only with Adam, because torch.compile takes ten seconds")
    if name == "scikit-learn":
        if cell.data != "tall":
            pytest.skip("with several outputs, scikit-learn computes another cost")
        monkeypatch.setitem(grid.OPTIMIZERS, "adam", (Adam(epsilon_hat=True), 0.001))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of other libraries are not tested
        assert apart(cell, **{name: peers.ENGINES[name]}) > 0


def test_where_scikit_learn_is_another():
    of_ten, of_one = (grid.made({"numpy": NUMPY}, cell, data(cell))["numpy"].engine.architecture for cell in CELLS[:2])
    plain, adam = (grid.OPTIMIZERS[name][0] for name in ("sgd", "adam"))
    assert peers.computes_the_same("scikit-learn", of_one, plain)
    assert not peers.computes_the_same("scikit-learn", of_one, adam)
    assert not peers.computes_the_same("scikit-learn", of_ten, plain)
    assert peers.computes_the_same("jax", of_ten, adam)


@pytest.mark.parametrize("cell", CELLS[1:], ids=lambda cell: cell.optimizer)
def test_an_engine_with_another_optimizer_is_found(cell):
    class Plain(NUMPY):
        def epoch(self, order, mini_batch_size, eta, descent):
            return super().epoch(order, mini_batch_size, eta)

    with pytest.raises(ArithmeticError, match="numpy and plain differ by"):
        apart(cell, plain=Plain)


def printed(monkeypatch, capsys, *options):
    monkeypatch.setattr("sys.argv", ["grid.py", *options])
    monkeypatch.setattr(
        grid, "compared_engines", lambda: ({"numba": None, "numpy": None}, {"jax": "jax is not installed"})
    )
    monkeypatch.setattr(grid, "training_data", lambda kind, dtype: None)
    monkeypatch.setattr(
        grid, "time_engines", lambda classes, cell, data: {"numba": 1.0, "numpy": 2.0 if cell.batch > 1 else 0.5}
    )
    with warnings.catch_warnings():
        grid.main()
    return capsys.readouterr().out.splitlines()


def test_the_last_lines_sum_up(monkeypatch, capsys):
    _, _, header, _, *rows, won, where, lead = printed(monkeypatch, capsys)
    assert header == "| data | dtype | hidden | batch | optimizer | numba | numpy | lead |"
    assert "| tall | float64 | 300-300-300-300-300 | 100 | adam | 1.000 | 2.000 | 2.00 |" in rows
    lost = sum(cell.batch == 1 for cell in grid.CELLS)
    assert len(rows) == len(grid.CELLS) == len(set(grid.CELLS))
    assert won == f"won: {len(rows) - lost} of {len(rows)} cells"
    assert where == "The smallest lead is with mnist 100, mini-batches of 1, sgd, float32."
    assert re.fullmatch(r"smallest lead over the best peer, at least 1: 0\.50", lead)


def test_options_choose_among_the_default_cells_and_all_combines_them(monkeypatch, capsys):
    options = "--data", "dense", "--optimizers", "momentum,adam", "--dtypes", "float32", "--widths", "100"
    assert printed(monkeypatch, capsys, *options)[-3] == "won: 4 of 4 cells"
    assert printed(monkeypatch, capsys, *options, "--batches", "7,8,9", "--all")[-3] == "won: 6 of 6 cells"
    with pytest.raises(SystemExit):
        printed(monkeypatch, capsys, "--widths", "31")
    assert "no default cell has these values" in capsys.readouterr().err
