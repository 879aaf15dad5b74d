"""The book's experiments, as settings of the page."""

from __future__ import annotations

from typing import Any, NamedTuple


class Preset(NamedTuple):
    """An experiment.

    Attributes
    ----------
    name, title, text : str
        Name (part of the page's address), title, and a text that tells the user what to observe.
    chapter : int
        Chapter of the book.
    settings : dict
        Settings by name. The other settings have their defaults.
    """

    name: str
    title: str
    text: str
    chapter: int
    settings: dict[str, Any]


PRESETS = (
    Preset(
        "first-network",
        "Chapter 1's network",
        "30 hidden neurons, the quadratic cost and eta 3. After some epochs, over 90 % of the test digits are right.",
        1,
        {"cost": "quadratic", "eta": 3.0, "lambda": 0.0, "initial_weights": "large"},
    ),
    Preset(
        "eta-too-small",
        "A learning rate of 0.001",
        "The cost falls very slowly. Raise eta during the training, and watch the slope of the curve.",
        1,
        {"cost": "quadratic", "eta": 0.001, "lambda": 0.0, "initial_weights": "large"},
    ),
    Preset(
        "eta-too-large",
        "A learning rate of 100",
        "Each step is too large. Nearly all neurons are saturated, and the test accuracy stays near that of guessing.",
        1,
        {"cost": "quadratic", "eta": 100.0, "lambda": 0.0, "initial_weights": "large"},
    ),
    Preset(
        "saturation",
        "Saturated neurons",
        "Large initial weights and the quadratic cost: many outputs are near 0 or 1, where the sigmoid is flat and "
        "neurons learn slowly. With the cross-entropy cost, output neurons learn fast even there.",
        3,
        {"layers": "dense 100", "cost": "quadratic", "eta": 0.5, "lambda": 0.0, "initial_weights": "large"},
    ),
    Preset(
        "overfitting",
        "Overfitting",
        "Only 1,000 training samples and no regularization: the training accuracy reaches 100 %. The test accuracy "
        "stays far below.",
        3,
        {"samples": 1000, "lambda": 0.0, "initial_weights": "large"},
    ),
    Preset(
        "regularized",
        "Regularized",
        "The same 1,000 samples with lambda 0.1. The test accuracy becomes higher than without regularization, and the "
        "weights stay smaller.",
        3,
        {"samples": 1000, "lambda": 0.1, "initial_weights": "large"},
    ),
    Preset(
        "wrong-labels",
        "Wrong labels",
        "A third of the training samples have wrong labels. At first, the network still predicts the right digits; "
        "later, the network also learns the wrong labels.",
        3,
        {"layers": "dense 100", "samples": 5000, "noise": 0.33, "lambda": 0.0},
    ),
    Preset(
        "vanishing-gradients",
        "Vanishing gradients",
        "Four hidden layers of sigmoid neurons. Step by a mini-batch and compare the gradient norms: the norm of the "
        "first layer is much smaller than that of the last layer.",
        5,
        {"layers": "dense 30, dense 30, dense 30, dense 30", "eta": 0.1, "lambda": 5.0},
    ),
    Preset(
        "dead-relu",
        "Dead rectified linear units",
        "The learning rate is too large: many neurons output 0 for all digits and no longer learn. "
        "Look for neurons whose activation stays at 0.",
        3,
        {"activation": "relu", "cost": "log-likelihood", "eta": 1.0, "lambda": 0.0},
    ),
    Preset(
        "dropout",
        "Dropout",
        "For each sample, a different random half of the hidden neurons is left out. The training accuracy rises more "
        "slowly, and no neuron depends on a single other neuron.",
        3,
        {"layers": "dense 100", "dropout": 0.5, "lambda": 0.0},
    ),
    Preset(
        "convolution",
        "A convolution",
        "Twenty filters of 5 x 5 pixels, max-pooling, and 100 neurons. Open a filter to see its weights.",
        6,
        {
            "layers": "conv 20 5x5 relu, pool 2x2, dense 100 relu",
            "cost": "log-likelihood",
            "optimizer": "adam",  # with "sgd", all neurons of layer 3 can die in the first mini-batches
            "eta": 0.001,
            "lambda": 0.0,
        },
    ),
)
"""The experiments, in the book's order."""
