import math
from itertools import pairwise

import numpy as np
import pytest

from fastnet import plots
from fastnet.plots.labels import spread_out

NAN = math.nan
CURVES = {"eta=0.5": [[0.5, 0.75, 0.875], [0.25, 0.5, 0.75], [1.0, 1.0, 1.0]], "eta=3": [[0.125, 0.25, 0.375]] * 3}


def lines(axes, style):
    return [np.array(line.get_ydata(), float) for line in axes.lines if line.get_linestyle() == style]


def extents(texts):
    """Return the bounding boxes of texts, from the lowest to the highest, without the lines that lead to the texts."""
    import matplotlib.text

    return sorted((matplotlib.text.Text.get_window_extent(text) for text in texts), key=lambda box: box.y0)


def band(axes, i):
    """Return the lowest and the highest point of a band, by epoch."""
    points = axes.collections[i].get_paths()[0].vertices
    return {x: (min(points[points[:, 0] == x, 1]), max(points[points[:, 0] == x, 1])) for x in set(points[:, 0])}


def test_the_mean_is_drawn_in_a_band_from_the_lowest_to_the_highest(words):
    figure = plots.sweep(CURVES)
    axes = figure.axes[0]
    np.testing.assert_allclose(lines(axes, "-"), [[1.75 / 3, 0.75, 0.875], [0.125, 0.25, 0.375]])
    assert list(axes.lines[0].get_xdata()) == [0, 1, 2]
    assert band(axes, 0) == {0: (0.25, 1.0), 1: (0.5, 1.0), 2: (0.75, 1.0)}
    assert band(axes, 1) == {0: (0.125, 0.125), 1: (0.25, 0.25), 2: (0.375, 0.375)}
    written = words(figure)
    assert {"Validation accuracy: mean of 3 seeds, lowest to highest", "eta=0.5: 87.5 %", "eta=3: 37.5 %"} <= set(
        written
    )
    assert "60 %" in written


def test_names_stand_at_the_ends_in_their_order_and_colour():
    axes = plots.sweep(CURVES).axes[0]
    first, second = axes.texts
    assert first.xy == (2, 0.875)
    assert first.get_position()[1] > second.get_position()[1]
    for text, line in zip((first, second), axes.lines, strict=True):
        from matplotlib.colors import to_rgb

        assert text.arrow_patch.get_edgecolor()[:3] == to_rgb(line.get_color())
        np.testing.assert_allclose(text.get_color(), 0.75 * np.array(to_rgb(line.get_color())))
    assert axes.lines[0].get_color() != axes.lines[1].get_color()


def test_one_seed_has_no_band_and_numbers_above_1_are_no_shares(words):
    figure = plots.sweep({"a": [[95, 96]], "b": [[90, 91.5]]}, what="accuracy")
    assert not figure.axes[0].collections
    assert {"Accuracy", "a: 96", "b: 91.5"} <= set(words(figure))


def test_another_quantity_is_not_shown_in_per_cent(words):
    figure = plots.sweep({"a": [[0.5, 0.25]]}, what="validation cost")
    assert {"Validation cost", "a: 0.25"} <= set(words(figure))
    assert not any("%" in text for text in words(figure))


def test_where_seeds_have_stopped_the_line_is_dotted():
    axes = plots.sweep({"a": [[0.5, 0.75, 0.5, 0.25], [0.25, 0.5]]}).axes[0]
    np.testing.assert_array_equal(lines(axes, "-"), [[0.375, 0.625, NAN, NAN]])
    np.testing.assert_array_equal(lines(axes, ":"), [[0.625, 0.5, 0.25]])
    assert list(axes.lines[1].get_xdata()) == [1, 2, 3]
    assert axes.texts[0].xy == (3, 0.25)


def test_runs_that_diverged_are_counted(words):
    curves = {
        "some": [[0.5, 0.75], [0.25, NAN], [0.5, math.inf], []],
        "all": [[NAN, NAN], [-math.inf]],
        "late": [[0.5, NAN]],
        "none": [[0.5, 0.5]],
    }
    figure = plots.sweep(curves)
    names = [text.get_text() for text in figure.axes[0].texts]
    assert names == ["some: 75.0 % (3 of 4 diverged)", "all (diverged)", "late (diverged)", "none: 50.0 %"]
    assert "Validation accuracy: mean of seeds, lowest to highest" in words(figure)


def test_nothing_but_diverged_runs(words):
    assert "a (diverged)" in words(plots.sweep({"a": [[NAN]], "b": [[]]}))


def test_one_epoch_is_a_mark():
    axes = plots.sweep({"a": [[0.5]], "b": [[0.75]]}).axes[0]
    assert [line.get_marker() for line in axes.lines if line.get_linestyle() == "-"] == ["o", "o"]
    assert list(axes.get_xticks()) == [0]


def test_the_epochs_fill_the_width():
    left, right = plots.sweep({"a": [[0.5] * 21]}).axes[0].get_xlim()
    assert -0.5 <= left < 0
    assert 20 < right < 20.5


def test_what_is_far_out_does_not_hide_the_differences_of_the_rest(words):
    good = {f"eta={i}": [list(np.linspace(0.90, 0.94 + i / 500, 20))] for i in range(6)}
    axes = plots.sweep(good | {"eta=100": [[0.1] * 20]}).axes[0]
    low, high = axes.get_ylim()
    assert 0.88 < low < 0.90
    assert 0.95 < high < 0.96
    far = axes.texts[-1]
    assert far.get_text() == "eta=100: 10.0 %"
    assert far.get_position()[1] == 0  # a curve below the axes has its text at the bottom
    np.testing.assert_array_equal(lines(axes, "-")[-1], [0.1] * 20)  # the curve is drawn, so that set_ylim can show it
    everything = plots.sweep({"a": [[0.1, 0.5, 0.9]], "b": [[0.2, 0.6, 0.8]]}).axes[0].get_ylim()
    assert everything[0] < 0.1 < 0.9 < everything[1]


LONG = "sizes=784,100,10, cost=cross-entropy, eta={}, lmbda=5.0"


@pytest.mark.parametrize(("n", "name"), [(1, "eta={}"), (7, LONG), (12, "eta={}"), (40, LONG)])
def test_names_are_inside_of_the_picture_and_do_not_touch(n, name, inside, random):
    curves = {name.format(i): 0.95 + 0.01 * random.random((3, 5)) for i in range(n)}
    figure = plots.sweep(curves)
    assert inside(figure)
    axes = figure.axes[0]
    boxes = extents(axes.texts)
    assert all(upper.y0 > lower.y1 for lower, upper in pairwise(boxes))
    assert len(axes.texts) == min(n, 12)
    assert len({line.get_color() for line in axes.lines}) == min(n, 13)
    assert axes.get_window_extent().width > 0.4 * figure.bbox.width


@pytest.mark.parametrize(("what", "order"), [("accuracy", 1), ("cost", -1)])
def test_of_many_choices_the_best_have_names(what, order):
    last = {f"{i}": order * (i * 7 % 20) for i in range(20)}
    axes = plots.sweep({name: [[0.5, value]] for name, value in {**last, "diverged": NAN}.items()}, what=what).axes[0]
    named = {text.get_text().partition(":")[0] for text in axes.texts}
    assert named == {name for name, value in last.items() if order * value >= 8}
    assert len([line for line in axes.lines if line.get_linestyle() == "-"]) == 21


def test_of_many_choices_those_are_best_whose_runs_end_best():
    """A seed that stopped early counts with its last value, as in the table of a sweep."""
    curves = {f"{i}": [[0.5, 0.6], [0.9]] for i in range(12)} | {"best": [[0.8, 0.8], [0.8]]}
    named = {text.get_text().partition(":")[0] for text in plots.sweep(curves).axes[0].texts}
    assert "best" in named
    assert len(named) == 12


def test_names_are_smaller_in_low_axes(axes):
    assert plots.sweep({LONG.format(i): [[0.5, 0.5 + i / 100]] for i in range(12)}, axes=axes) is axes
    axes.figure.draw_without_rendering()
    boxes = extents(axes.texts)
    assert axes.texts[0].get_fontsize() < 8
    assert boxes[0].y0 > 0
    assert boxes[-1].y1 < axes.figure.bbox.height
    assert all(upper.y0 > lower.y1 for lower, upper in pairwise(boxes))


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ({}, "curves is empty"),
        ({"eta=3": []}, r"curves\['eta=3'\] must hold a curve for each seed"),
        ({"eta=3": [0.5, 0.75]}, r"curves\['eta=3'\] must hold a curve for each seed"),
    ],
)
def test_what_is_refused(curves, message):
    with pytest.raises(ValueError, match=message):
        plots.sweep(curves)


def test_heights_are_spread_out_as_little_as_needed():
    np.testing.assert_allclose(spread_out([0.2, 0.9], 0.1), [0.2, 0.9])
    np.testing.assert_allclose(spread_out([1.0, 1.0, 0.0, -5.0], 0.1), [0.9, 1.0, 0.1, 0.0])


def test_long_names_leave_room_for_the_curves(words, inside):
    name = "conv 12 3x3 relu same, pool 2x2, dropout 0.5, dense 100 relu, dense 50 relu"
    figure = plots.sweep({f"{name}; eta {eta}": [[0.5, 0.9 - eta]] for eta in (0.1, 0.2, 0.3)})
    (label,) = [text for text in words(figure) if "80.0 %" in text]
    assert label.replace("\n", " ") == f"{name}; eta 0.1: 80.0 %"
    assert max(map(len, label.splitlines())) <= 42 + len(": 80.0 %")
    assert inside(figure)
    axes = figure.axes[0]
    assert axes.get_window_extent().width > 0.5 * figure.bbox.width
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
