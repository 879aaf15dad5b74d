"""A deep autoencoder with a code of 30 neurons, compared with 30 principal components.

The desired outputs are the inputs, so the image has to be reconstructed from the 30 activations of the code. The first
30 principal components are the best linear code. On test images, the autoencoder's error is smaller than that of the
principal components. The book's repository trains an autoencoder layer by layer; here, all layers are trained at the
same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet import Dataset, Dense, network2
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import Measured, experiment
from fastnet.book.older.components import components_of, mean_squared_error
from fastnet.book.older.rows import draw_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("A deep autoencoder against principal components", size=(9.0, 3.4))
def autoencoder(*, samples: int = 50_000, epochs: int = 4, code: int = 30, seed: int = 0) -> Measured:
    """Train 784-100-code-100-784 with Adam; reconstruct the test images from its code and from principal components."""
    training, _, test = mnist()
    images, test_images = training.inputs[:samples], test.inputs
    sizes = [784, 100, Dense(code, "linear"), 100, 784]
    net = network2.Network(sizes, network2.CrossEntropyCost, activation="relu", seed=seed)
    net.SGD(Dataset(images, images), epochs, 50, 0.002, optimizer="adam", schedule="cosine", report=silently)
    found = {
        "autoencoder": net.feedforward(test_images.T).T,
        f"{code} components": components_of(images).reconstructed(test_images, code),
    }
    data = {
        "errors": {name: mean_squared_error(test_images, each) for name, each in found.items()},
        "images": {"test images": test_images[:10], **{name: each[:10] for name, each in found.items()}},
    }
    return Measured(data)


@autoencoder.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw test images, and their reconstructions from the code and from principal components."""
    rows = {_title(name, data["errors"]): images for name, images in data["images"].items()}
    draw_rows(rows, figure.subplots(len(rows), 1))
    figure.suptitle("test images, and their reconstructions with the mean squared error of a pixel")


def _title(name: str, errors: Mapping[str, float]) -> str:
    return f"{name}\n{errors[name]:.4f}" if name in errors else name
