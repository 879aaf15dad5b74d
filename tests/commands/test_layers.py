"""The option `--layers` of the commands, mainly for networks with convolutions."""

import csv
import json
import re

import numpy as np
import pytest
from commands.in_process import run

from fastnet import BatchNormalization, Convolution, Dense, Dropout, MaxPooling, mnist_loader, network2

LAYERS = "conv 3 3x3 relu, batchnorm, pool 2x2, dropout 0.25, dense 5 tanh"
HIDDEN = Convolution(3, 3, "relu"), BatchNormalization(), MaxPooling(2), Dropout(0.25), Dense(5, "tanh")


def train(folder, *arguments):
    return run("train", "--data", ".", "--engine", "numpy", *arguments, cwd=folder)


@pytest.fixture
def colors(tmp_path):
    """A folder with RGB images of 6 x 5 pixels. The label of an image is the index of its brightest channel."""
    random = np.random.default_rng(0)

    def draw(n):
        labels = random.integers(0, 3, n)
        images = 0.3 * random.random((n, 3, 6, 5))
        images[np.arange(n), labels] += 0.6
        return images.reshape(n, -1), labels

    (x_train, y_train), (x_test, y_test) = draw(200), draw(40)
    np.savez(tmp_path / "colors.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return tmp_path


def test_layers_reach_the_network(folder):
    result = train(folder, "--layers", LAYERS, "--epochs", "2", "--seed", "5", "--dtype", "float64", "--save", "n.json")
    assert result.returncode == 0, result.stderr
    training_data, _, test_data = mnist_loader.load_data_wrapper(folder)
    net = network2.Network(
        [(1, 4, 4), *HIDDEN, 10], network2.LogLikelihoodCost, engine="numpy", dtype="float64", seed=5
    )
    net.SGD(training_data, 2, 10, 0.1, report=lambda history: None)
    saved = network2.load(folder / "n.json", engine="numpy")
    assert saved.layers == net.layers
    for array, expected in zip(saved.weights + saved.biases, net.weights + net.biases, strict=True):
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-12)
    assert f"Epoch 1: {net.accuracy(test_data)} / 9 " in result.stdout


def test_activation_and_cost_are_for_layers_that_have_none(folder):
    result = train(folder, "--layers", "conv 2 3x3, dense 5", "--activation", "tanh", "--cost", "quadratic",
                   "--epochs", "1", "--save", "n.json")  # fmt: skip
    assert result.returncode == 0, result.stderr
    net = network2.load(folder / "n.json", engine="numpy")
    assert net.layers == (Convolution(2, 3, "tanh"), Dense(5, "tanh"), Dense(10, "sigmoid"))


def test_an_interrupted_run_continues(folder):
    options = "--layers", LAYERS, "--seed", "1", "--checkpoint"
    whole = train(folder, *options, "whole", "--epochs", "3", "--save", "whole.json")
    train(folder, *options, "part", "--epochs", "1")
    rest = train(folder, *options, "part", "--epochs", "3", "--resume", "--save", "part.json")
    assert (whole.returncode, rest.returncode) == (0, 0), rest.stderr
    assert (folder / "part.json").read_bytes() == (folder / "whole.json").read_bytes()
    assert [line.split(",")[0] for line in rest.stdout.splitlines()[:2]] == [
        line.split(",")[0] for line in whole.stdout.splitlines()[1:3]
    ]
    other = train(folder, "--layers", "dense 5", *options[2:], "part", "--epochs", "3", "--resume")
    assert other.returncode == 2
    assert "this checkpoint is from another run" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "pool", "--sizes", "16,10"], "--sizes and --layers are both given; leave --sizes out"),
        (["--image-shape", "1x4x4"], "--image-shape needs --layers: layers that take images"),
        (
            ["--layers", "pol"],
            "Invalid value for '--layers': 'pol' is not a layer; a layer must be one of: conv FILTERS HEIGHT",
        ),
        (["--layers", ""], "Invalid value for '--layers': a layer is missing"),
        (["--layers", "dense 10 softmax"], "softmax is for the output layer only. Leave out the output layer"),
        (["--layers", "pool", "--image-shape", "4x4"], "'4x4' must be MAPSxHEIGHTxWIDTH: three whole numbers"),
        (["--layers", "pool", "--image-shape", "1x4x0"], "'1x4x0' must be MAPSxHEIGHTxWIDTH"),
        (
            ["--layers", "pool", "--image-shape", "3x2x2"],
            "image_shape is (3, 2, 2), 12 numbers; it must have 16, the number of inputs",
        ),
        (
            ["--layers", "conv 2 5x5 relu"],
            "'conv 2 5x5 relu' is larger than its inputs, images of 4 x 4; give a smaller shape. The 16 numbers of a "
            "sample are interpreted as an image of 1 x 4 x 4 (maps, height, width), because no image_shape is given",
        ),
        (["--layers", "pool", "--dropout", "0.5"], "'dropout 0.5'"),
    ],
)
@pytest.mark.parametrize("command", ["train", "sweep"])
def test_an_error_is_one_line_and_nothing_is_written(folder, command, arguments, message):
    before = set(folder.iterdir())
    result = run(command, "--data", ".", "--engine", "numpy", *arguments, cwd=folder)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("fastnet: ")
    assert message in result.stderr
    assert set(folder.iterdir()) == before


def test_colours_need_a_shape_where_they_are_no_squares(colors):
    arguments = [
        "train",
        "--data",
        "colors.npz",
        "--engine",
        "numpy",
        "--layers",
        "conv 4 3x3 relu, pool",
        "--seed",
        "0",
    ]
    asked = run(*arguments, cwd=colors)
    assert asked.returncode == 2
    assert re.search(
        r"'conv 4 3x3 relu' needs images, but a sample has 90 numbers, .* --image-shape 3x32x32", asked.stderr
    )
    shape = "--epochs", "10", "--image-shape", "3x6x5", "--save", "n.json"
    result = run(*arguments, *shape, cwd=colors)
    assert result.returncode == 0, result.stderr
    assert int(re.findall(r"(\d+) / 40", result.stdout)[-1]) > 30
    assert network2.load(colors / "n.json", engine="numpy").sizes == [90, 48, 3]


@pytest.mark.parametrize("picture", ["confusion", "mistakes", "weights"])
def test_evaluate_names_the_layers_and_draws(colors, picture):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    layers = [(3, 6, 5), Convolution(4, 3, "relu"), MaxPooling(), 7, 3]
    network2.Network(layers, network2.LogLikelihoodCost, engine="numpy", seed=0).save(colors / "n.json")
    result = run("evaluate", "n.json", "--data", "colors.npz", "--engine", "numpy", "--plot", "n.svg",
                 "--picture", picture, cwd=colors)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0] == (
        "n.json: images of 3x6x5, conv 4 3x3 relu, pool 2x2, dense 7 sigmoid, 3 softmax outputs, LogLikelihoodCost"
    )
    title = {"mistakes": "mistakes in 40 images", "weights": "The weights of 4 filters, a column of 3 maps each"}
    assert title.get(picture, "most often") in (colors / "n.svg").read_text()


def test_evaluate_names_dense_layers_too(folder):
    layers = [16, Dense(4, "relu"), Dropout(0.5, inverted=False), 10]
    network2.Network(layers, engine="numpy", seed=0).save(folder / "n.json")
    result = run("evaluate", "n.json", "--data", ".", "--engine", "numpy", cwd=folder)
    assert result.stdout.splitlines()[0] == (
        "n.json: 16 inputs, dense 4 relu, Dropout(p=0.5, inverted=False), 10 sigmoid outputs, CrossEntropyCost"
    )


def test_predict_takes_such_a_network(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="the extra predict is not installed")
    pytest.importorskip("scipy", reason="the extra predict is not installed")
    net = network2.Network(
        [(1, 28, 28), Convolution(2, 5, "relu"), MaxPooling(4), 10], "log-likelihood", engine="numpy"
    )
    net.biases[-1][7] = 50.0
    net.save(tmp_path / "n.json")
    pixels = np.full((40, 40), 255, np.uint8)
    pixels[8:32, 18:22] = 0
    image.fromarray(pixels).save(tmp_path / "digit.png")
    result = run("predict", "digit.png", "--model", "n.json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("digit.png: 7 (")


def test_a_sweep_over_layers(folder):
    one, other = "conv 2 3x3 relu, dense 5", "dense 5 relu"
    command = ["sweep", "--data", ".", "--engine", "numpy", "--layers", one, "--layers", other,
               "--seeds", "2", "--epochs", "2", "--csv", "s.csv", "--json", "s.json"]  # fmt: skip
    result = run(*command, cwd=folder)
    assert result.returncode == 0, result.stderr
    training_data, validation_data, _ = mnist_loader.load_data_wrapper(folder)
    expected = []
    for sizes in ([(1, 4, 4), Convolution(2, 3, "relu"), 5, 10], [16, Dense(5, "relu"), 10]):
        for seed in range(2):
            net = network2.Network(sizes, network2.LogLikelihoodCost, engine="numpy", seed=seed)
            net.SGD(training_data, 2, 10, 0.1, report=lambda history: None)
            expected.append(net.accuracy(validation_data) / len(validation_data))
    rows = json.loads((folder / "s.json").read_text())["rows"]
    assert [value for row in rows for value in row["accuracies"]] == expected
    assert [row["layers"] for row in rows] == [one, other]
    assert [row["layers"] for row in csv.DictReader((folder / "s.csv").read_text().splitlines())] == [one, other]
    assert "known from sweep.sqlite: 4." in run(*command, cwd=folder).stdout


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_help_has_the_notation_and_an_example(command):
    text = " ".join(run(command, "--help").stdout.split())
    assert "such as 'conv 20 5x5 relu, pool 2x2, dense 100 relu'" in text
    assert "conv FILTERS HEIGHTxWIDTH [ACTIVATION] [same]; pool HEIGHTxWIDTH; dense NEURONS [ACTIVATION]" in text
    assert "--image-shape MAPSxHEIGHTxWIDTH" in text
