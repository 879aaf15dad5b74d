"""The table, figures and files of given runs."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from fastnet.sweeps.grid import recipes
from fastnet.sweeps.recipe import recipe
from fastnet.sweeps.run import Run
from fastnet.sweeps.table import Row, Sweep
from fastnet.utils.tables import as_text


def runs(*last, test=None, diverged=0):
    return {seed: Run((1, each), each, test, seed < diverged, 0.5) for seed, each in enumerate(last)}


@pytest.fixture
def sweep():
    """A sweep of three rows: row 0 has the best test accuracy, row 1 the best mean, and row 2 the best network."""
    rows = [
        Row(recipe([4, 3, 2], eta=0.5), runs(90, 92, 97, test=50), 100),
        Row(recipe([4, 3, 2], eta=3), runs(91, 93, 98, test=10), 100),
        Row(recipe([4, 2], eta=3), runs(20, 98, 99, test=20, diverged=1), 100),
    ]
    return Sweep(rows, test_samples=50, trained=3)


def test_figures(sweep):
    accuracies = np.array([0.9, 0.92, 0.97])
    row = sweep.rows[0]
    assert row.mean == pytest.approx(accuracies.mean())
    assert row.std == pytest.approx(accuracies.std(ddof=1))
    assert row.curves == [[0.01, each] for each in accuracies]
    assert sweep.networks == 9


def test_validation_data_select_and_the_test_accuracy_is_reported_only_for_the_best(sweep):
    assert sweep.best is sweep.rows[1]
    assert sweep.test_accuracies() == [0.2] * 3
    assert sweep.summary().endswith("eta 3, with 94.00% of the validation data and 20.00% of the test data.")
    assert sweep.as_dict()["best"] == {"row": 1, "test_accuracies": [0.2] * 3}
    assert "test" not in json.dumps(sweep.as_dict()["rows"])


def test_of_equals_the_first_is_the_best():
    rows = [Row(recipe([2, 2], eta=eta), runs(5, 7), 10) for eta in (1, 2)]
    assert Sweep(rows, 0, 0).best is rows[0]


def test_layers_are_in_the_table_and_in_files(tmp_path):
    rows = [Row(recipe(layers=layers), runs(5, 7), 10) for layers in ("pool 4x4, dense 5", "dense 5, dropout 0.5")]
    found = Sweep(rows, 0, 0)
    assert [line.split("  ")[0].strip() for line in str(found).splitlines()[1:5] if "─" not in line] == [
        "layers", "pool 4x4, dense 5", "dense 5, dropout 0.5"
    ]  # fmt: skip
    found.to_csv(tmp_path / "sweep.csv")
    found.to_json(tmp_path / "sweep.json")
    lines = list(csv.DictReader((tmp_path / "sweep.csv").read_text().splitlines()))
    assert [(line["sizes"], line["layers"], line["image_shape"]) for line in lines] == [
        ("784-10", "pool 4x4, dense 5", ""), ("784-10", "dense 5, dropout 0.5", "")
    ]  # fmt: skip
    assert json.loads((tmp_path / "sweep.json").read_text())["rows"][0]["layers"] == "pool 4x4, dense 5"


def test_a_long_list_of_layers_leaves_room_for_the_figures():
    """In a narrow terminal, the list wraps over several lines, and the accuracy is still shown."""
    rows = [Row(recipe(layers=", ".join(["dense 100 relu"] * n)), runs(5, 7), 10) for n in (1, 9)]
    console = Console(file=io.StringIO(), width=70)
    console.print(Sweep(rows, 0, 0).table())
    text = console.file.getvalue()
    assert text.count("dense") == 10
    assert "60.00%" in text


@pytest.mark.parametrize("width", [40, 80, 120, None])
@pytest.mark.parametrize("layers", [None, "conv 20 5x5 relu, pool 2x2, dense 100 relu"])
def test_no_number_is_cut_off_and_no_setting_is_divided(width, layers):
    settings = {"eta": [0.0125, 0.5], "lmbda": [0, 5.25], "momentum": [0.25, 0.75], "mini_batch_size": [10, 128]}
    rows = [Row(each, runs(90, 92, 97), 100) for each in recipes(layers=layers, cost=["cross-entropy"], **settings)]
    table = Sweep(rows, 0, 0).table(width)
    printed = as_text(table)
    for number in ("0.0125", "5.25", "0.75", "128", "93.00%", "3.61%", "90.00%", "97.00%"):
        assert printed.count(number) == (16 if "%" in number else 8)
    assert "…" not in printed
    if width == 80:
        assert max(map(len, printed.splitlines())) <= width
        assert printed.count("mini_batch_size 128") == 8


def test_the_table(sweep):
    title, headings, _, *rows, summary = str(sweep).splitlines()
    assert title == "Accuracy on validation data after 30 epochs"
    assert headings.split() == ["sizes", "eta", "networks", "mean", "std", "lowest", "best", "diverged"]
    assert [row.split() for row in rows] == [
        ["4-3-2", "0.5", "3", "93.00%", "3.61%", "90.00%", "97.00%", "0"],
        ["4-3-2", "3", "3", "94.00%", "3.61%", "91.00%", "98.00%", "0"],
        ["4-2", "3", "3", "72.33%", "45.32%", "20.00%", "99.00%", "1"],
    ]
    assert summary == sweep.summary()


def test_the_table_of_one_network():
    sweep = Sweep([Row(recipe([4, 3, 2]), runs(9), 10)], 0, 1)
    _, headings, _, row, summary = str(sweep).splitlines()
    assert headings.split() == ["sizes", "accuracy"]
    assert row.split() == ["4-3-2", "90.00%"]
    assert summary == "Best on average: 4-3-2, with 90.00% of the validation data."
    assert sweep.rows[0].std is None


def test_the_files(sweep, tmp_path):
    sweep.to_csv(tmp_path / "sweep.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "sweep.csv").read_text())))
    assert [line["sizes"] for line in lines] == ["4-3-2", "4-3-2", "4-2"]
    assert [float(line["mean"]) for line in lines] == [row.mean for row in sweep.rows]
    assert [(line["eta"], line["best"], line["diverged"]) for line in lines][2] == ("3.0", "0.99", "1")
    sweep.to_json(tmp_path / "sweep.json")
    found = json.loads((tmp_path / "sweep.json").read_text(), parse_constant=pytest.fail)  # NaN is not valid JSON
    assert found == json.loads(json.dumps(sweep.as_dict()))
    assert found["rows"][2]["accuracies"] == [0.2, 0.98, 0.99]
    assert found["rows"][2]["sizes"] == [4, 2]
    assert found["rows"][2]["seeds"] == [0, 1, 2]


def test_times_are_in_no_file_and_no_table(sweep):
    later = [
        Row(row.recipe, {seed: replace(run, seconds=9.0) for seed, run in row.runs.items()}, 100) for row in sweep.rows
    ]
    other = Sweep(later, 50, trained=0)
    assert str(other) == str(sweep)
    assert other.as_dict() == sweep.as_dict()


def test_a_network_that_diverged_at_once_has_a_curve():
    row = Row(recipe([4, 2]), {0: Run((), 3, None, True, 0.1)}, 10)
    assert np.isnan(row.curves[0]).tolist() == [True]
    assert row.accuracies == [0.3]
    assert Sweep([row], 0, 1).as_dict()["rows"][0]["curves"] == [[]]


def test_a_picture(sweep):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    figure = sweep.plot()
    (axes,) = figure.axes
    texts = " ".join(text.get_text() for text in axes.texts)
    for label in ("4-3-2, eta 0.5", "4-3-2, eta 3", "4-2, eta 3"):
        assert label in texts


def test_values_that_differ_after_six_digits_have_rows_and_curves_of_their_own(monkeypatch):
    drawn = []
    monkeypatch.setattr("fastnet.plots.sweep", drawn.append)
    found = Sweep([Row(recipe([4, 2], eta=eta), runs(n), 10) for n, eta in enumerate((0.3, 0.1 + 0.2, 5.0))], 0, 3)
    found.plot()
    assert drawn == [{"eta 0.3": [[0.1, 0]], "eta 0.30000000000000004": [[0.1, 0.1]], "eta 5": [[0.1, 0.2]]}]
    assert [line.split()[0] for line in str(found).splitlines()[3:6]] == ["0.3", "0.30000000000000004", "5"]
