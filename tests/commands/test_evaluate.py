"""The pictures of `fastnet evaluate`."""

import pytest
from click.testing import CliRunner
from commands import in_process

from fastnet import network2
from fastnet.commands.evaluate import evaluate


@pytest.fixture
def model(folder):
    network2.Network([16, 4, 10], engine="numpy", seed=0).save(folder / "net.json")
    return folder / "net.json"


def run(model, *options):
    """Run the command in this process."""
    return CliRunner().invoke(evaluate, [str(model), "--engine", "numpy", "--data", str(model.parent), *options])


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ([], "most often"),
        (["--picture", "confusion"], "most often"),
        (["--picture", "mistakes"], "mistakes in 9 images"),
        (["--picture", "weights"], "The weights of 4 neurons"),
    ],
)
def test_a_picture_is_drawn(model, options, title):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    path = model.with_name("picture.svg")
    result = run(model, "--plot", str(path), *options)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"Picture saved to {path}")
    assert "Accuracy on test data" in result.stdout
    assert title in path.read_text()  # matplotlib also writes each text as an SVG comment


def test_without_it_nothing_is_written(model):
    before = set(model.parent.iterdir())
    assert run(model).exit_code == 0
    assert set(model.parent.iterdir()) == before


def refused(model, *options):
    """Check that the command prints a one-line error message and writes no file. Return the message."""
    before = {path: path.read_bytes() for path in model.parent.iterdir()}
    result = in_process.run("evaluate", str(model), "--data", str(model.parent), *options, cwd=model.parent)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert {path: path.read_bytes() for path in model.parent.iterdir()} == before
    return result.stderr


def test_what_is_refused(model):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    assert "picture.docx: its extension must be one of" in refused(model, "--plot", "picture.docx")
    assert "--picture needs --plot" in refused(model, "--picture", "weights")


@pytest.mark.parametrize("picture", ["weights", "mistakes"])
@pytest.mark.parametrize(
    ("layers", "inputs"), [([15, 10], "15 numbers, no square image"), ([(4, 2, 2), 10], "images of 4 maps")]
)
def test_inputs_that_are_no_image_are_refused_before_anything_is_said(model, picture, layers, inputs):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    network2.Network(layers, engine="numpy", seed=0).save(model)
    message = refused(model, "--plot", "picture.png", "--picture", picture)
    assert f"the inputs of this network are {inputs}; --picture confusion needs no images" in message
