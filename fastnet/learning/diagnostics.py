"""Diagnostics: inputs of a large scale, parameters that are no longer finite, and labels that are never predicted."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs

_LARGE = 5.0  # root mean square of the inputs above which a warning is given; it is 1 for standardized inputs
_ENOUGH = 20  # only labels with at least this many samples cause a warning; rarer labels may be missed by chance


class TrainingWarning(RuntimeWarning):
    """Warning that a network does not learn as it should. The message says why, and what to try."""


def all_finite(arrays: Iterable[np.ndarray]) -> bool:
    """Return whether all numbers in the arrays are finite."""
    return all(bool(np.isfinite(array).all()) for array in arrays)


def why_stopped(when: str) -> str:
    """Return the reason why training stopped, given the name of the epoch or mini-batch, such as "epoch 3"."""
    return f"Stopped: weights became infinite or NaN in {when}"


def diverged(when: str, eta: float, stacklevel: int) -> None:
    """Warn that parameters are no longer finite.

    Parameters
    ----------
    when : str
        Name of the epoch or mini-batch, such as "epoch 3".
    eta : float
        Learning rate.
    stacklevel : int
        Which line the warning names: 1 for the line that calls this function, 2 for the line that calls the caller, and
        so on.
    """
    warnings.warn(
        f"{when}: weights became infinite or NaN, and training stopped; the network keeps its previous "
        f"weights. A smaller eta than {eta:g}, less regularization, or smaller initial weights may help",
        TrainingWarning,
        stacklevel=stacklevel + 1,
    )


class NeverPredicted(NamedTuple):
    """Labels that at least `_ENOUGH` samples have, but that were predicted for no sample.

    Attributes
    ----------
    labels : tuple of int
        Labels that were never predicted.
    all_the_same : bool
        Whether the same label was predicted for all samples.
    """

    labels: tuple[int, ...] = ()
    all_the_same: bool = False


def never_predicted(labels: np.ndarray, predicted: np.ndarray, n_out: int) -> NeverPredicted:
    """Return the labels that at least `_ENOUGH` samples have, but that were predicted for no sample.

    Parameters
    ----------
    labels, predicted : ndarray of int64, shape (n,)
        Label and predicted label of each sample; -1 if there is none.
    n_out : int
        Number of labels.
    """
    counts, predictions = (np.bincount(each[each >= 0], minlength=n_out) for each in (labels, predicted))
    missing = np.flatnonzero((counts >= _ENOUGH) & (predictions == 0))
    return NeverPredicted(tuple(missing.tolist()), all_the_same=bool(np.count_nonzero(predictions) == 1))


def scale(data: Dataset) -> str:
    """Return a note such as "inputs go from 0 to 255" if inputs are far from unit scale, otherwise an empty string."""
    rows, (lowest, highest) = data.rows, data.input_extremes()
    if isinstance(rows, SparseInputs):  # only the stored numbers are averaged
        lowest, highest, numbers = min(lowest, 0.0), max(highest, 0.0), rows.arrays[2]
    else:
        numbers = rows
    return data.derived("scale", lambda: scale_of((lowest, highest), numbers))


def scale_of(extremes: tuple[float, float], numbers: np.ndarray) -> str:
    """Return a note if inputs are far from unit scale, otherwise an empty string.

    Parameters
    ----------
    extremes : tuple of float
        Smallest and largest input.
    numbers : ndarray
        All inputs, or the stored numbers of sparse inputs, in any shape.
    """
    if max(map(abs, extremes)) <= _LARGE:
        return ""
    flat = numbers.reshape(-1)
    root_mean_square = np.sqrt(float(np.vdot(flat, flat)) / flat.size)
    return "" if root_mean_square <= _LARGE else f"inputs go from {extremes[0]:g} to {extremes[1]:g}"


def warn_of_scale(scale: str, stacklevel: int) -> None:
    """Warn if inputs are far from unit scale.

    Parameters
    ----------
    scale : str
        Result of the function `scale`.
    stacklevel : int
        Which line the warning names: 1 for the line that calls this function, 2 for the line that calls the caller, and
        so on.
    """
    if scale:
        warnings.warn(
            f"{scale}, which is far from unit scale: training may be slow, or fail. Divide the inputs "
            "by the largest input, or subtract the mean of each input and divide by its standard deviation",
            TrainingWarning,
            stacklevel=stacklevel + 1,
        )


class DeadOutputs:
    """Warns once in a run if a label was predicted for no sample after each of two consecutive epochs.

    After a single epoch, some labels are often not predicted. So in a run of one epoch, the warning is given only if
    all samples have the same prediction.

    Parameters
    ----------
    scale : str
        Result of the function `scale`.
    """

    def __init__(self, scale: str = "") -> None:
        self._advice = f"the {scale}; scale them first. Otherwise " if scale else ""
        self._before: frozenset[int] = frozenset()
        self._has_warned = False

    def look_at(self, epoch: int, found: NeverPredicted, stacklevel: int, *, is_only: bool = False) -> None:
        """Record the labels that were never predicted after an epoch, and warn if necessary.

        Parameters
        ----------
        epoch : int
            Index of the epoch, numbered from 0.
        found : NeverPredicted
            Labels that were never predicted.
        stacklevel : int
            Which line the warning names: 1 for the line that calls this function, 2 for the line that calls the caller,
            and so on.
        is_only : bool, optional
            Whether the run has one epoch only.
        """
        lasting = sorted(self._before.intersection(found.labels))
        self._before = frozenset(found.labels)
        when = " in two consecutive epochs"
        if is_only and found.all_the_same:
            lasting, when = list(found.labels), ""
        if not lasting or self._has_warned:
            return
        self._has_warned = True
        warnings.warn(
            f"epoch {epoch}: no sample was classified as {' or '.join(map(str, lasting))}{when}, although many samples "
            f"have that label. The network may be saturated: {self._advice}another seed, a smaller eta, or smaller "
            f"initial weights may help{', or more epochs' if is_only else ''}",
            TrainingWarning,
            stacklevel=stacklevel + 1,
        )
