import pytest

from fastnet import plots
from fastnet.comparison import Cell, Comparison, Map, Result
from fastnet.comparison.plots import figure

pytest.importorskip("matplotlib", reason="the extra plot is not installed")

RESULTS = [
    Result("numba", [0.03, 0.04], 0.9),
    Result("torch", missing="it needs PyTorch"),
    Result("reference", [3.0, 4.0], 0.9),
]
RACE = Comparison([784, 30, 10], 10, 3.0, "float32", None, {}, 0.0, RESULTS)
CELLS = [Cell(30, 1, {"numba": 0.1, "numpy": 2.0}), Cell(30, 10, {"numba": 0.3, "numpy": 0.15})]
GRID = Map(["numba", "numpy"], [30], [1, 10], "float32", None, {}, CELLS)


def words(picture):
    """Return all that is written in a picture."""
    import matplotlib.text

    return [text.get_text() for text in picture.findobj(matplotlib.text.Text) if text.get_text()]


def test_a_race_shows_every_engine_that_ran_with_its_median():
    written = words(figure(RACE))
    assert "35 ms, 100 times the book's speed" in written
    assert "3.5 s" in written
    assert not any("torch" in text for text in written)


def test_a_map_shows_who_wins_each_cell_and_says_it_in_words():
    written = words(figure(GRID))
    assert {"numba\n20×", "numpy\n2×"} <= set(written)
    assert any("fastest in 1 of 2 cells" in text.replace("\n", " ") for text in written)


@pytest.mark.parametrize("result", [RACE, GRID])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_is_written(tmp_path, result, ending):
    path = tmp_path / f"race.{ending}"
    plots.check(path)
    plots.save(figure(result), path)
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm")


def test_an_ending_that_is_unknown_is_refused_before_anything_is_measured(tmp_path):
    for name in ("race.docx", "race"):
        with pytest.raises(ValueError, match="its ending must be one of"):
            plots.check(tmp_path / name)
