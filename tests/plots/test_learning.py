import math

import pytest

from fastnet import plots
from fastnet.learning.history import Epoch, Epochs, History
from fastnet.plots.figures import new_figure


def run(*, epochs=3, training=True, evaluation=True):
    history = History({"sizes": [4, 3], "eta": 0.5, "engine": "numba", "epochs": epochs}, 200, 50)
    for i in range(epochs):
        history.epochs.append(
            Epoch(i, 0.5, 0.1, *((1 / (i + 1), 100 + i) if training else (None, None)),
                  *((2 / (i + 1), 40 + i) if evaluation else (None, None)))
        )  # fmt: skip
    return history


def drawn(axes):
    return {line.get_color(): [list(each) for each in line.get_data()] for line in axes.lines}


def test_costs_and_accuracies_are_drawn_against_the_epochs(words):
    figure = plots.learning_curves(run())
    costs, accuracies = figure.axes
    curves = list(drawn(costs).values())
    assert curves == [[[0, 1, 2], [1, 1 / 2, 1 / 3]], [[0, 1, 2], [2, 1, 2 / 3]]]
    curves = list(drawn(accuracies).values())
    assert curves == [[[0, 1, 2], [100 / 200, 101 / 200, 102 / 200]], [[0, 1, 2], [40 / 50, 41 / 50, 42 / 50]]]
    written = words(figure)
    assert {"Cost", "training: 0.333", "evaluation: 0.667"} <= set(words(costs))
    assert {"Accuracy", "training: 51.00 %", "evaluation: 84.00 %"} <= set(words(accuracies))
    assert "60 %" in words(accuracies)
    assert "4-3, eta\N{NO-BREAK SPACE}0.5" in written


def test_a_data_set_has_one_colour_in_both_panels():
    costs, accuracies = plots.learning_curves(run()).axes
    assert list(drawn(costs)) == list(drawn(accuracies))
    assert len(drawn(costs)) == 2


def test_what_was_not_monitored_is_not_drawn(words):
    figure = plots.learning_curves(run(training=False))
    assert [len(axes.lines) for axes in figure.axes] == [1, 1]
    assert not any("training" in text for text in words(figure))
    history = History({}, 200, 50, Epochs([Epoch(0, 0.5, 0.1, evaluation_accuracy=40)]))
    assert len(plots.learning_curves(history).axes) == 1


def test_a_run_in_which_nothing_was_monitored_is_refused():
    with pytest.raises(ValueError, match="nothing was monitored"):
        plots.learning_curves(run(training=False, evaluation=False))
    with pytest.raises(ValueError, match="no epoch of this run was completed"):
        plots.learning_curves(run(epochs=0))


def test_a_cost_that_diverged_is_named_all_the_same(words):
    history = History({}, 10, 0, Epochs([Epoch(0, 9.0, 0.1, 1.0), Epoch(1, 9.0, 0.1, math.nan)]))
    figure = plots.learning_curves(history)
    assert "training: nan" in words(figure)
    assert figure.axes[0].texts[0].get_position()[1] == 0  # NaN is written at the bottom of the axes


def test_it_goes_into_a_given_figure():
    upper, lower = new_figure(8, 6).subfigures(2, 1)
    assert plots.learning_curves(run(), figure=lower) is lower
    assert len(lower.axes) == 2
    assert not upper.axes


def test_many_epochs_have_no_marks():
    marks = [plots.learning_curves(run(epochs=n)).axes[0].lines[0].get_marker() for n in (24, 25)]
    assert marks == ["o", ""]
