"""Images that a network misclassifies."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, overload, runtime_checkable

import numpy as np

from fastnet.datasets.classes import Classes
from fastnet.datasets.dataset import Dataset, Sample, as_dataset
from fastnet.plots.figures import new_figure, style_images
from fastnet.plots.images import Mosaic, Shape, drawn_images
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Samples: TypeAlias = Dataset | Iterable[Sample]
    Model: TypeAlias = "Network | Classifier"

_TEXT_HEIGHT, _GAP = 0.24, 0.2  # text height above an image, and distance between images, as shares of an image's side
_INCHES = 1.04  # width of an image in inches; the text above is not wider


@runtime_checkable
class Network(Protocol):
    """A network of the module `network` or `network2`."""

    @property
    def sizes(self) -> list[int]:
        """Number of neurons in each layer, the inputs first."""

    def feedforward(self, a: Any) -> np.ndarray:
        """Return the outputs, with one sample in each column."""

    def classes(self, data: Dataset) -> Classes:
        """Return the class of each sample, and the boundary between the two classes of a network with one output."""


class Classifier(Protocol):
    """A classifier with the methods of scikit-learn, and with probabilities."""

    classes_: np.ndarray

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Return the probability of each class, with one sample in each row."""


@overload
def mistakes(net: Model, data: Samples, *, shape: Shape = ..., most: int = ..., axes: None = ...) -> Figure: ...
@overload
def mistakes(net: Model, data: Samples, *, shape: Shape = ..., most: int = ..., axes: Axes) -> Axes: ...
def mistakes(
    net: Model, data: Samples, *, shape: Shape = None, most: int = 18, axes: Axes | None = None
) -> Figure | Axes:
    """Draw the images that a network misclassifies, the most confident mistakes first.

    The text above an image has the label, the predicted label, and the network's output for the prediction in percent.

    Parameters
    ----------
    net : Network or classifier
        Network of `network` or `network2`, or a classifier of scikit-learn with `predict_proba`. The classes of a
        classifier must be integers, or strings of integers such as "7".
    data : Dataset or iterable of (x, y)
        Images with labels or column vectors as targets, usually the test data. With a classifier, the components of a
        vector are those of `predict_proba`.
    shape : tuple (height, width) or (3, height, width), optional
        Shape of an image of grey values, or of an RGB image. By default, images are square and have grey values.
    most : int, optional
        Largest number of mistakes to show.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    Figure or Axes
        The axes if they were given, otherwise the figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument has a wrong type or value, or the inputs are not images of the given shape.
    """
    most = arguments.positive(most, "most")
    data = as_dataset(data)
    of_all = drawn_images(data.inputs, shape)
    height, width = of_all.shape[1:3]
    found = _find(net, data)
    shown = found[:most]
    mosaic = Mosaic(of_all[[mistake.sample for mistake in shown]], (ceil(_TEXT_HEIGHT * height), ceil(_GAP * width)))
    if axes is None:
        rows, columns = mosaic.shape if shown else (0, 0)
        scale = _INCHES / width
        figure = new_figure(max(6.0, 0.2 + scale * columns), 0.7 + scale * rows)
        mistakes(net, data, shape=shape, most=most, axes=figure.add_subplot())
        return figure
    style_images(axes)
    axes.set_anchor("W")  # at the left, because the title can be wider than the images
    axes.set_title(_title(len(shown), len(found), len(data)), loc="left")
    if not shown:
        return axes
    mosaic.draw(axes, cmap="gray_r")
    for i, mistake in enumerate(shown):
        top, left = mosaic.corner(i)
        words = f"{mistake.label} as {mistake.taken_for} ({mistake.output * 100:.0f} %)"
        axes.text(left + (width - 1) / 2, top - 0.5, words, ha="center", va="bottom")
    axes.set_xlabel(_example(shown[0]), loc="left")
    return axes


class _Mistake(NamedTuple):
    """Index of a sample, its label, the predicted label, and the network's output for the prediction."""

    sample: int
    label: int
    taken_for: int
    output: float


def _find(net: Model, data: Dataset) -> list[_Mistake]:
    """Return the misclassified samples, the most confident mistakes first."""
    outputs, labels, classes = _outputs(net, data)
    answers, confidence = classes[outputs.argmax(axis=1)], outputs.max(axis=1)
    wrong = np.flatnonzero(answers != labels)
    order = np.argsort(-confidence[wrong], kind="stable")
    return [_Mistake(i, int(labels[i]), int(answers[i]), float(confidence[i])) for i in wrong[order]]


def _outputs(net: Model, data: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the outputs with one sample in each row, the label of each sample, and the label of each output."""
    if not isinstance(net, Network):
        return net.predict_proba(data.inputs), *_labels_and_classes(np.asarray(net.classes_), data)
    with arguments.named("data"):
        data.check_inputs(net.sizes[0])
        outputs, classes = net.feedforward(data.inputs.T).T, net.classes(data)
    if net.sizes[-1] == 1:  # makes two outputs, the larger one for the predicted class
        outputs = np.hstack([2 * classes.boundary - outputs, outputs])
    return outputs, classes.labels, np.arange(outputs.shape[1])


def _labels_and_classes(names: np.ndarray, data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the label of each sample, and a classifier's classes as integers; the classifier may have strings."""
    try:
        classes = names.astype(np.int64)
        if names.dtype.kind == "f" and (classes != names).any():
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(f"net has classes such as {str(names[0])!r}; they must be integers, as labels are") from None
    are_vectors = data.targets.ndim == 2 and data.targets.shape[1] > 1
    with arguments.named("data"):
        labels = classes[data.labels(len(classes))] if are_vectors else data.labels(1)
        if not np.isin(labels, classes).any():
            raise ValueError(f"no label is a class of net: the labels are such as {labels[0]}, the classes {classes}")
    return labels, classes


def _title(shown: int, wrong: int, n: int) -> str:
    """Return a title with the number of mistakes, and the number of mistakes that are shown."""
    images = f"{n:,} image" if n == 1 else f"{n:,} images"
    if not wrong:
        return f"No mistake in {images}"
    if shown < wrong:
        return f"The {shown} most confident of {wrong:,} mistakes in {images}"
    return f"The only mistake in {images}" if wrong == 1 else f"All {wrong} mistakes in {images}"


def _example(mistake: _Mistake) -> str:
    """Return an explanation of the text above an image."""
    label, other = mistake.label, mistake.taken_for
    return f"{label} as {other}: an image of {label}, classified as {other}; in brackets the output for {other}"
