"""A baseline: scikit-learn's support vector machine with the default settings of the time when the book was written.

At that time, the default of `gamma` was 1 divided by the number of inputs, which is `gamma="auto"` in today's `SVC`.
The machine is a little less accurate than the chapter's network with 30 hidden neurons. With gamma 0.02 and c 5, chosen
on the validation data, its test accuracy is 98.46 percent. The book mentions more than 98.5 percent for a tuned
machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet.book.chapter1.support_vectors import classify
from fastnet.book.digits import mnist, percent
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.plots.confusion import confusion_matrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment(
    "A support vector machine as a baseline",
    published=[Published("test accuracy", 94.35, "%", tolerance=0.005)],
    size=(7.4, 6.4),
)
def svm(*, samples: int = 50_000, gamma: float = 1 / 784, c: float = 1.0) -> Measured:
    """Train on the first `samples` training images, and classify the test images.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    try:
        import sklearn.svm  # noqa: F401
    except ImportError:
        raise ImportError("book.svm needs scikit-learn; pip install 'fastnet-nndl[sklearn]' installs it") from None
    training, _, test = mnist()
    images, labels = training.inputs[:samples], training.labels(10)[:samples]
    predictions, support_vectors = classify(images, labels, test.inputs, gamma=gamma, c=c)
    data = {"labels": test.targets, "predictions": predictions, "support vectors": support_vectors}
    return Measured(data, {"test accuracy": percent(int((predictions == test.targets).sum()), test)})


@svm.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the confusion matrix of the test images."""
    confusion_matrix(data["labels"], data["predictions"], axes=figure.subplots())
