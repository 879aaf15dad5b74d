import numpy as np
import pytest

from fastnet import plots
from fastnet.comparison import Cell, Comparison, Map, Result
from fastnet.comparison.plots import figure
from fastnet.plots.figures import OTHERS, OURS, new_figure

pytest.importorskip("matplotlib", reason="the extra plot is not installed")

RESULTS = [
    Result("numba", [0.03, 0.04], 0.9),
    Result("torch", missing="it needs PyTorch"),
    Result("reference", [3.0, 4.0], 0.9),
]
COMPARISON = Comparison([784, 30, 10], 10, 3.0, "float32", None, {}, 0.0, RESULTS)
CELLS = [Cell(30, 1, {"numba": 0.1, "numpy": 2.0}), Cell(30, 10, {"numba": 0.3, "numpy": 0.15})]
GRID = Map(["numba", "numpy"], [30], [1, 10], "float32", None, {}, CELLS)
ALONE = Map(["numba"], [30], [1, 10], "float32", None, {}, [Cell(30, n, {"numba": 0.25}) for n in (1, 10)])


def words(picture):
    """Return all texts of a figure."""
    import matplotlib.text

    return [text.get_text() for text in picture.findobj(matplotlib.text.Text) if text.get_text()]


def test_a_comparison_shows_every_engine_that_ran_with_its_median():
    written = words(figure(COMPARISON))
    assert "35 ms, 100 times the book's speed" in written
    assert "3.5 s" in written
    assert "Time of an epoch of 784-30-10, mini-batches of 10, float32" in written
    assert not any("torch" in text for text in written)


def test_a_comparison_is_drawn_from_the_fastest_epoch_to_the_slowest():
    axes = figure(COMPARISON).axes[0]
    drawn = [(list(line.get_xdata()), line.get_color()) for line in axes.lines]
    assert drawn == [([3.0, 4.0], OTHERS), ([3.5], OTHERS), ([0.03, 0.04], OURS), ([0.035], OURS)]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["reference", "numba"]  # the fastest is on top
    assert axes.get_xscale() == "log"


def test_a_map_shows_the_fastest_engine_of_each_cell_and_says_it_in_words():
    picture = figure(GRID)
    assert {"numba\n20×", "numpy\n2×"} <= set(words(picture))
    assert any("fastest in 1 of 2 cells" in text.replace("\n", " ") for text in words(picture))
    colors = picture.axes[0].images[0]
    np.testing.assert_allclose(colors.get_array(), [[np.log2(20), -1]])
    assert colors.get_clim()[0] == -colors.get_clim()[1]  # 0 = log2(1), for equally fast engines, has the middle colour


def test_a_map_of_one_engine_shows_its_times():
    written = words(figure(ALONE))
    assert written.count("250 ms") == 2
    assert "Time of an epoch with numba" in written
    assert "Only numba was timed: there is nothing to compare." in written


@pytest.mark.parametrize("result", [COMPARISON, GRID, ALONE])
def test_a_picture_goes_into_given_axes(result):
    own = new_figure(9, 4)
    left, right = own.subplots(1, 2)
    assert figure(result, axes=right) is right
    assert not left.has_data()
    assert right.get_title("left") == figure(result).axes[0].get_title("left")


def test_only_comparisons_and_maps_are_drawn():
    with pytest.raises(TypeError, match="result is 5; it must be a Comparison or a Map"):
        figure(5)


@pytest.mark.parametrize("result", [COMPARISON, GRID, ALONE])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_is_written(tmp_path, result, ending):
    path = tmp_path / f"engines.{ending}"
    plots.save(figure(result), path)
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm")
