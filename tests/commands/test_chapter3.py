"""The options of chapter 3, and `fastnet evaluate`, as a user types them."""

import json
import re

import numpy as np
import pytest
from commands import in_process
from commands.in_process import run

from fastnet import expand_mnist, mnist_loader, network2


def small(folder, *arguments):
    given = "--data", str(folder), "--sizes", "16,5,10", "--engine", "numpy", "--dtype", "float64"
    return "train", *in_process.overriding(given, *arguments)


def parameters(net):
    return np.concatenate([array.ravel() for array in (*net.biases, *net.weights)])


def test_the_options_reach_the_network(folder):
    path = folder / "net.json"
    result = run(*small(folder, "--epochs", "3", "--batch", "7", "--seed", "5", "--save", str(path)),
                 "--cost", "log-likelihood", "--lmbda", "0.7", "--activation", "tanh", "--dropout", "0.25",
                 "--momentum", "0.5", "--l1", "0.2", "--expand", "--deform")  # fmt: skip
    assert result.returncode == 0, result.stderr
    training_data, _, test_data = mnist_loader.load_data_wrapper(folder)
    net = network2.Network(
        [16, 5, 10], network2.LogLikelihoodCost, activation="tanh", engine="numpy", dtype="float64", seed=5
    )
    expanded = expand_mnist.expand(training_data)
    net.SGD(expanded, 3, 7, 0.1, 0.7, test_data, l1=0.2, deform=True, momentum=0.5, dropout=0.25)
    saved = network2.load(path)
    np.testing.assert_array_equal(parameters(saved), parameters(net))
    assert saved.activation == "tanh"
    assert f"{net.accuracy(test_data)} / 9" in result.stdout.splitlines()[2]


@pytest.mark.parametrize(
    ("options", "large"),
    [([], True), (["--init", "small"], False), (["--cost", "cross-entropy"], False),
     (["--cost", "cross-entropy", "--init", "large"], True)],
)  # fmt: skip
def test_initial_weights_are_those_of_the_costs_chapter(folder, options, large):
    path = folder / "net.json"
    run(*small(folder, "--epochs", "0", "--seed", "5", "--save", str(path), *options))
    np.random.seed(5)
    np.random.randn(15)
    drawn = np.random.randn(5, 16)
    np.testing.assert_allclose(network2.load(path).weights[0], drawn / (1 if large else 4), rtol=1e-15)


def test_with_patience_the_lines_are_about_the_validation_data(folder):
    result = run(*small(folder, "--epochs", "500", "--seed", "1", "--patience", "1", "--schedule", "halve"))
    lines = result.stdout.splitlines()
    _, validation_data, _ = mnist_loader.load_data_wrapper(folder)
    assert f" / {len(validation_data)} (" in lines[0]
    assert len(lines) < 500
    assert re.fullmatch(r"Stopped: no better validation accuracy than \d+ in 1 epoch, .* halved seven times", lines[-2])
    assert re.fullmatch(r"Test data: \d / 9 \(\d+\.\d\d% accuracy\)", lines[-1])
    assert [line.partition("with eta ")[2] for line in lines if "with eta" in line][:2] == ["1.5", "0.75"]


def test_a_picture_of_the_run(folder):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    path = folder / "run.png"
    result = run(*small(folder, "--epochs", "2", "--plot", str(path)))
    assert result.stdout.endswith(f"Picture saved to {path}\n"), result.stderr
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--schedule", "halve"], "--schedule halve needs --patience"),
        (["--sizes", "16,10", "--dropout", "0.5"], "--dropout is for hidden neurons, and --sizes 16,10 has none"),
        (["--sizes", "16,10", "--activation", "relu"], "--activation is for hidden neurons"),
        (["--dropout", "1"], "--dropout"),
        (["--momentum", "-0.1"], "--momentum"),
        (["--lmbda", "-1"], "--lmbda"),
        (["--cost", "hinge"], "--cost"),
        (["--plot", "run.docx"], "its extension must be one of"),
    ],
)
def test_what_is_refused_with_the_reason(folder, options, message):
    result = run(*small(folder, *options), cwd=folder)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr


def test_evaluate(folder):
    path = folder / "net.json"
    trained = run(*small(folder, "--epochs", "3", "--seed", "1", "--save", str(path), "--cost", "cross-entropy"))
    result = run("evaluate", str(path), "--data", str(folder))
    net, (_, _, test_data) = network2.load(path), mnist_loader.load_data_wrapper(folder)
    correct = int(re.findall(r"(\d+) / 9", trained.stdout)[-1])
    cost = sum(network2.CrossEntropyCost.fn(net.feedforward(x), np.eye(10)[:, [y]]) for x, y in test_data) / 9
    assert result.stdout.splitlines() == [
        f"{path}: 16-5-10, sigmoid neurons, CrossEntropyCost",
        f"Accuracy on test data: {correct} / 9 ({correct / 9:.2%})",
        f"Cost on test data: {cost:.4f}",
    ]


def test_evaluate_says_what_is_wrong(folder):
    path = folder / "net.json"
    path.write_text("nonsense")
    assert "does not hold a network" in run("evaluate", str(path)).stderr
    assert "does not exist" in run("evaluate", str(folder / "nothing.json")).stderr
    net = network2.Network([3, 2], seed=0)
    net.save(path)
    result = run("evaluate", str(path), "--data", str(folder))
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "x has 16 components, but the network has 3 inputs" in result.stderr
    contents = json.loads(path.read_text())
    books = {name: contents[name] for name in ("sizes", "weights", "biases")} | {"cost": "MyCost"}
    path.write_text(json.dumps(books))
    assert "its cost is MyCost; it must be one of" in run("evaluate", str(path)).stderr
