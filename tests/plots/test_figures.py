import math
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fastnet import Dataset, network2, plots
from fastnet.learning.history import Epoch, Epochs, History
from fastnet.plots.figures import new_figure

RUN = History({}, 10, 10, Epochs([Epoch(0, 0.5, 0.1, 1.0, 5, 1.0, 5)]))
PICTURES = {
    "learning_curves": lambda: plots.learning_curves(RUN),
    "confusion_matrix": lambda: plots.confusion_matrix([0, 1], [0, 0]),
    "mistakes": lambda: plots.mistakes(
        network2.Network([4, 2], engine="numpy", seed=0), Dataset([[1.0] * 4] * 2, [0, 1])
    ),
    "weights": lambda: plots.weights([[1.0, -1.0, 0.0, 2.0]]),
    "sweep": lambda: plots.sweep({"eta=1": [[0.5, 0.75]]}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_without_matplotlib_says_which_extra_installs_it(name, without_matplotlib):
    with pytest.raises(
        ImportError, match=r"a picture needs matplotlib; pip install 'fastnet-nndl\[plot\]' installs it"
    ):
        PICTURES[name]()


def test_a_file_without_matplotlib_is_refused_before_anything_is_computed(tmp_path, without_matplotlib):
    with pytest.raises(ImportError, match=r"fastnet-nndl\[plot\]"):
        plots.check(tmp_path / "engines.png")


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_has_all_its_words_inside(name, inside):
    assert inside(PICTURES[name]())


@pytest.mark.parametrize("name", PICTURES)
def test_a_notebook_shows_a_figure(name):
    """IPython calls `_repr_png_` of the last value of a cell."""
    assert PICTURES[name]()._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "PNG"])
def test_a_picture_is_written(tmp_path, ending):
    path = tmp_path / f"weights.{ending}"
    plots.check(path)
    plots.save(PICTURES["weights"](), path)
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm", b"%PDF")


@pytest.mark.parametrize("name", ["engines.docx", "engines", "png"])
def test_an_ending_that_is_unknown_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=f"{name}: its extension must be one of .*png"):
        plots.check(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_format_whose_program_is_missing_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # without LaTeX
    with pytest.raises(ValueError, match=r"x\.pgf: matplotlib cannot write this format here \(.*xelatex"):
        plots.check(tmp_path / "x.pgf")


def test_importing_the_pictures_loads_no_matplotlib():
    code = "import sys, fastnet.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_picture_goes_through_pyplot():
    code = "import sys, test_figures as t; [draw() for draw in t.PICTURES.values()]; "\
           "sys.exit('matplotlib.pyplot' in sys.modules)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent).returncode == 0


def test_a_picture_goes_where_there_is_no_screen(tmp_path):
    code = f"from fastnet import plots; plots.save(plots.weights([[1.0]]), {str(tmp_path / 'w.png')!r})"
    environment = {"MPLBACKEND": "TkAgg", "MPLCONFIGDIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
    assert (tmp_path / "w.png").exists()


NAMES_WITH_DOLLARS = {
    "confusion_matrix": lambda: plots.confusion_matrix(["$5-$10", "$1-$5"], ["$1-$5"] * 2),
    "sweep": lambda: plots.sweep({"eta=$1$": [[0.5]], "eta=$2$": [[0.5], [math.nan]]}, what="$x$ accuracy"),
    "learning_curves": lambda: plots.learning_curves(replace(RUN, recipe={"cost": "$x$"})),
}


@pytest.mark.parametrize("name", NAMES_WITH_DOLLARS)
def test_a_dollar_in_a_name_begins_no_formula(name):
    import matplotlib.text

    figure = NAMES_WITH_DOLLARS[name]()
    figure.draw_without_rendering()
    found = [text for text in figure.findobj(matplotlib.text.Text) if "$" in text.get_text()]
    assert found
    assert not any(text.get_parse_math() for text in found)


def test_a_new_figure_has_its_size():
    assert tuple(new_figure(3, 2).get_size_inches()) == (3, 2)


def test_a_picture_is_written_whole_or_not_at_all(tmp_path):
    """A limit on the size of files (RLIMIT_FSIZE) simulates a full disk."""
    pytest.importorskip("matplotlib")
    path, limits = tmp_path / "run.png", resource.getrlimit(resource.RLIMIT_FSIZE)
    plots.save(plots.learning_curves(RUN), path)
    before = path.read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"run\.png'$"):
            plots.save(plots.learning_curves(RUN), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["run.png"]
