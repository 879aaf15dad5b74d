import json

import numpy as np
import pytest

from fastnet import Dataset
from fastnet.comparison import Cell, Map, compare_map

HUGE = Dataset(np.full((4, 3), 1e200), np.eye(2)[[0, 1, 0, 1]])


def drawn_map(*cells, engines=("numba", "torch")):
    widths = sorted({cell.width for cell in cells})
    batches = sorted({cell.mini_batch_size for cell in cells})
    return Map(list(engines), widths, batches, "float32", None, {}, list(cells))


def test_a_cell_has_its_fastest_engine_and_every_lead():
    cell = Cell(30, 10, {"numba": 0.5, "numpy": 2.0, "torch": 4.0})
    assert cell.fastest == "numba"
    assert cell.lead("numba") == 4.0
    assert cell.lead("torch") == 0.125


def test_the_summary_when_the_first_engine_is_always_the_fastest():
    summary = drawn_map(
        Cell(30, 1, {"numba": 0.1, "torch": 2.0}), Cell(30, 10, {"numba": 0.1, "torch": 0.15})
    ).summary()
    assert "numba is the fastest in all of 2 cells" in summary
    assert "largest with 30 neurons and mini-batches of 1 sample, 20 times" in summary
    assert "smallest with 30 neurons and mini-batches of 10 samples, 1.5 times" in summary
    assert "PyTorch on this processor is the fastest in no cell" in summary


def test_the_summary_names_the_cells_where_another_engine_is_faster():
    summary = drawn_map(Cell(30, 1, {"numba": 0.1, "torch": 2.0}), Cell(9, 10, {"numba": 0.3, "torch": 0.15})).summary()
    assert "fastest in 1 of 2 cells" in summary
    assert "numba is slower than torch with 9 neurons and mini-batches of 10 samples (2.00 times)" in summary
    assert "PyTorch on this processor is the fastest with 9 neurons and mini-batches of 10 samples" in summary


def test_the_summary_names_no_lead_where_the_first_engine_is_always_slower():
    summary = drawn_map(
        Cell(30, 1, {"numba": 0.5, "torch": 0.25}), Cell(30, 10, {"numba": 0.5, "torch": 0.4})
    ).summary()
    assert summary.startswith(
        "numba is the fastest in 0 of 2 cells. numba is slower than torch with 30 neurons and mini"
    )
    assert "lead" not in summary


def test_a_small_lead_is_not_rounded_to_an_integer():
    cells = Cell(30, 1, {"numba": 0.5, "torch": 0.7}), Cell(30, 10, {"numba": 0.5, "torch": 0.6})
    summary = drawn_map(*cells).summary()
    assert "largest with 30 neurons and mini-batches of 1 sample, 1.4 times, and smallest with 30" in summary


def test_a_map_of_one_engine_says_so():
    assert drawn_map(Cell(30, 1, {"numba": 0.1}), engines=["numba"]).summary() == (
        "Only numba was timed: there is nothing to compare."
    )


def test_engines_are_timed_over_a_small_grid():
    random = np.random.default_rng(0)
    data = Dataset(random.random((40, 6)), random.random((40, 3)))
    ticks = []
    result = compare_map(
        [2, 7], [1, 16, 100], engines=["numba", "numpy"], rounds=1, training_data=data, tick=lambda: ticks.append(1)
    )
    assert [(cell.width, cell.mini_batch_size) for cell in result.cells] == [
        (2, 1), (2, 16), (2, 100), (7, 1), (7, 16), (7, 100),
    ]  # fmt: skip
    assert all(set(cell.seconds) == {"numba", "numpy"} and min(cell.seconds.values()) > 0 for cell in result.cells)
    assert len(ticks) == 6
    assert json.loads(json.dumps(result.as_dict()))["cells"][0]["width"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": [0]}, "a width is 0"),
        ({"mini_batch_sizes": [-1]}, "a mini-batch size is -1"),
        ({"rounds": 0}, "rounds is 0"),
        ({"widths": []}, "widths is empty; it needs at least one value"),
        ({"mini_batch_sizes": []}, "mini_batch_sizes is empty"),
        ({"widths": 30}, "widths is 30; it must be a sequence of integers"),
        ({"engines": "numba"}, "engines is 'numba'; it must be a sequence of names"),
        ({"tick": 5}, "tick is 5; it must be a function or None"),
        ({"training_data": [1]}, "training_data: item 0 of the data set is 1"),
        ({"training_data": HUGE, "engines": ["numpy"]}, "training_data: x .* float32"),
    ],
)
def test_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        compare_map(**arguments)


def test_labels_do_not_say_how_many_outputs_there_are():
    with pytest.raises(ValueError, match="training_data has labels; it must have vectors"):
        compare_map([2], [1], engines=["numpy"], training_data=Dataset(np.zeros((4, 3)), [0, 1, 0, 1]))
