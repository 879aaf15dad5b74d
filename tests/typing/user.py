"""A user's program with the public API. mypy --strict accepts it without casts, and a test runs it."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import fastnet
from fastnet import (
    Adam,
    BatchNormalization,
    Convolution,
    Cosine,
    Dataset,
    Dense,
    Dropout,
    MaxPooling,
    book,
    comparison,
    expand_mnist,
    handwriting,
    mnist_loader,
    network,
    network2,
    network3,
    plots,
)
from fastnet.comparison.plots import figure
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, ReLU, SoftmaxLayer
from fastnet.neural_network import MLPClassifier, MLPRegressor


def silently(history: object) -> None:
    """Print nothing."""


def chapter1(training: Dataset, test: Dataset, folder: Path) -> None:
    """Train the book's first network, read its parameters, and draw its mistakes."""
    net = network.Network([784, 30, 10], seed=1)
    net.SGD(training, 2, 10, 3.0, test_data=test, checkpoint=folder / "run.checkpoint")
    x, y = test[0]
    digit = int(net.feedforward(x).argmax())
    shapes: list[tuple[int, ...]] = [w.shape for w in net.weights] + [b.shape for b in net.biases]
    net.weights[0] *= 0.5
    net.biases = [b + 0.0 for b in net.biases]
    print(digit, y, shapes, net.evaluate(test))
    plots.save(plots.mistakes(net, test), folder / "mistakes.png")
    plots.save(plots.weights(net.weights[0]), folder / "weights.png")
    predictions = net.feedforward(test.inputs.T).argmax(axis=0)
    plots.save(plots.confusion_matrix(test.targets, predictions), folder / "confusion.png")
    again = network.Network([784, 30, 10], seed=1)
    again.SGD(training, 3, 10, 3.0, test_data=test, checkpoint=folder / "run.checkpoint", resume=True)
    assert again.history is not None
    print(len(again.history.epochs))


def chapter3(training: Dataset, validation: Dataset, folder: Path) -> None:
    """Train networks with other costs, layers, optimizers and schedules; save one, and load it."""
    layers = [784, Dropout(0.1), Dense(30, "relu"), BatchNormalization(), 10]
    net = network2.Network(layers, network2.LogLikelihoodCost, seed=1)
    _, correct, _, _ = net.SGD(
        training,
        2,
        50,
        0.01,
        optimizer="adam",
        evaluation_data=validation,
        monitor_evaluation_accuracy=True,
        report=lambda history: print(history.last_line()),
    )
    share: float = correct[-1] / len(validation)
    best: int = net.accuracy(validation)
    cost: float = net.total_cost(validation, 0.0)
    print(share, best, cost)
    assert net.history is not None
    plots.save(net.history.plot(), folder / "learning.png")
    print(net.history.as_dict()["epochs"])

    net.save(folder / "net.json")
    loaded = network2.load(folder / "net.json")
    print(loaded.sizes, loaded.layers)

    images = [(1, 28, 28), Convolution(2, 5, "relu"), MaxPooling(2), 10]
    convolutional = network2.Network(images, "log-likelihood", seed=1)
    convolutional.SGD(training[:100], 1, 10, 0.05, schedule=Cosine(last=0.001), report=silently)

    random = np.random.default_rng(0)
    points = random.uniform(-1, 1, (50, 1))
    curve = network2.Network([1, Dense(5, "tanh"), Dense(1, "linear")], network2.QuadraticCost, engine="numpy")
    samples = list(zip(points, np.sin(points), strict=True))
    curve.SGD(samples, 2, 10, 0.01, optimizer=Adam(beta2=0.99), report=silently)

    training_of_steps = net.begin_training(training, mini_batch_size=10, eta=0.001, optimizer=Adam())
    print(training_of_steps.advance(mini_batches=3), training_of_steps.epoch)
    x, _ = validation[0]
    print([a.shape for a in net.activations(x)], net.input_gradient(x, output=7).shape)


def chapter6(folder: Path) -> None:
    """Train a convolutional network of chapter 6."""
    training, validation, test = network3.load_data_shared()
    some = [each[:100] for each in training]
    net = network3.Network(
        [
            ConvPoolLayer(filter_shape=(2, 1, 5, 5), image_shape=(10, 1, 28, 28), activation_fn=ReLU),
            FullyConnectedLayer(n_in=2 * 12 * 12, n_out=10, activation_fn=ReLU, p_dropout=0.5),
            SoftmaxLayer(n_in=10, n_out=10),
        ],
        mini_batch_size=10,
    )
    net.SGD(some, 1, 10, 0.03, validation, test, lmbda=0.1)
    net.save(folder / "net3.json")
    print(network3.load(folder / "net3.json").layers[-1].n_out)


def estimators(training: Dataset) -> None:
    """Fit the estimators with scikit-learn's API."""
    labels = training.labels(10)
    classifier = MLPClassifier((20,), learning_rate_init=0.01, tol=10.0, n_iter_no_change=20, random_state=0)
    classifier = classifier.fit(training.inputs, labels)
    probabilities: np.ndarray = classifier.predict_proba(training.inputs)
    accuracy: float = classifier.score(training.inputs, labels)
    losses: list[float] = classifier.loss_curve_
    print(probabilities.shape, accuracy, losses, classifier.partial_fit(training.inputs, labels).n_iter_)

    random = np.random.default_rng(0)
    x = random.uniform(-2, 2, (200, 1))
    y = np.sin(2 * x[:, 0])
    regressor = MLPRegressor("quantile", (5,), quantile=0.9, solver="lbfgs", tol=1.0, random_state=0).fit(x, y)
    print(float(np.mean(y < regressor.predict(x))))


def many(training: Dataset, validation: Dataset, folder: Path) -> None:
    """Train networks in a sweep, and compare engines."""
    found = fastnet.sweep(
        (training, validation), eta=[0.5, 3.0], sizes=[784, 10], seeds=2, epochs=1, record=folder / "sweep.sqlite"
    )
    print(found, [row.mean for row in found.rows])
    plots.save(found.plot(), folder / "sweep.png")

    compared = comparison.compare(
        [784, 5, 10], epochs=1, engines=["numpy", "reference"], training_data=training[:50], test_data=validation[:50]
    )
    print([(result.engine, result.seconds) for result in compared.results], compared.times("numpy"))
    plots.save(figure(compared), folder / "engines.png")


def pictures(training: Dataset, folder: Path) -> None:
    """Compute a figure of the book, expand images, and read a handwritten digit."""
    result = book.sigmoid()
    print(result, result.values)
    result.save(folder / "sigmoid.png")
    print([experiment.name for experiment in book.experiments(2)], book.names(6))

    expanded = expand_mnist.expand(training[:10])
    deformed = expand_mnist.deform(expanded, rotation=5, seed=1)
    expand_mnist.save(deformed, folder / "expanded.npz")
    both: Dataset = deformed + expand_mnist.load(folder / "expanded.npz")

    reader = network2.Network([784, 10], network2.LogLikelihoodCost, seed=0)
    image = handwriting.prepare(1 - both.inputs[0].reshape(28, 28))
    prediction = handwriting.predict(reader, 1 - image.pixels)
    print(prediction, prediction.digit, prediction.probabilities)


def main() -> None:
    """Run all parts, most of them on 500 training digits of MNIST, and write into a temporary folder."""
    folder = Path(mkdtemp())
    training, validation, test = mnist_loader.load_data_wrapper()
    some = training[:500]
    chapter1(some, test[:200], folder)
    chapter3(some, validation[:200], folder)
    chapter6(folder)
    estimators(some)
    many(some, validation[:200], folder)
    pictures(some, folder)


if __name__ == "__main__":
    main()
