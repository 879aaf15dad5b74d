"""The class of each sample, according to its target or to a network's outputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.datasets.dataset import Dataset


class Classes(NamedTuple):
    """The class of each sample of a data set, and the boundary between two classes.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
        Class of each sample, an integer of at least 0.
    boundary : float
        With one output neuron, outputs above the boundary mean class 1, and outputs up to the boundary mean class 0.
    """

    labels: np.ndarray
    boundary: float

    def predicted(self, outputs: np.ndarray) -> np.ndarray:
        """Return the predicted class of each sample.

        Parameters
        ----------
        outputs : ndarray, shape (n, n_out)
            Output activations, one sample per row.

        Returns
        -------
        ndarray of int64, shape (n,)
            Index of the largest output, or -1 if an output of the sample is NaN. With one output neuron,
            the class is 1 if the output is above the boundary, 0 if it is not, and -1 if it is NaN.
        """
        single = outputs.shape[1] == 1
        classes = (outputs[:, 0] > self.boundary).astype(np.int64) if single else outputs.argmax(axis=1)
        if outputs.size and np.isnan(outputs.max()):
            classes[np.isnan(outputs).any(axis=1)] = -1
        return classes

    def correct(self, outputs: np.ndarray) -> int:
        """Return the number of samples classified correctly."""
        return int(np.count_nonzero(self.predicted(outputs) == self.labels))


def classes_of(data: Dataset, n_out: int, activation: str) -> Classes:
    """Return the `Classes` of a data set, for a network with `n_out` outputs.

    Parameters
    ----------
    data : Dataset
        Samples whose targets are labels or vectors.
    n_out : int
        Number of output neurons.
    activation : str
        Activation function of the output neurons. The boundary of a single linear neuron is 0 if any target is neither
        0 nor 1, as with targets of -1 and 1. In all other cases, the boundary is 0.5.

    Raises
    ------
    ValueError
        If the targets do not fit `n_out` outputs; see `Dataset.labels` and `Dataset.vectors`.
    """
    if n_out > 1:
        return Classes(data.labels(n_out), 0.5)

    def decided() -> Classes:
        targets = data.vectors(1)[:, 0]
        are_0_and_1 = bool(np.isin(targets, (0, 1)).all())
        boundary = 0.0 if activation == "linear" and not are_0_and_1 else 0.5
        return Classes((targets > boundary).astype(np.int64), boundary)

    return data.derived(("classes", activation), decided)
