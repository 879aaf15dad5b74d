"""The classes of samples: those that targets name, and those that a network's outputs name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.datasets.dataset import Dataset


class Classes(NamedTuple):
    """The class of each sample of a data set, and how outputs are read.

    Attributes
    ----------
    labels : ndarray, shape (n,)
        The class of each sample, from 0.
    boundary : float
        With one output neuron, class 1 is where the output is larger, and class 0 elsewhere.
    """

    labels: np.ndarray
    boundary: float

    def predicted(self, outputs: np.ndarray) -> np.ndarray:
        """Return the class that the outputs of each sample name; -1 where one is not a number.

        Parameters
        ----------
        outputs : ndarray, shape (n, n_out)
            The output activations, one sample a row.

        Returns
        -------
        ndarray of int64, shape (n,)
            The index of the largest output; of a single one, whether it is above the boundary.
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
    """Return the classes of a data set, as a network reads them.

    Parameters
    ----------
    data : Dataset
        With targets of either kind.
    n_out : int
        Number of output neurons.
    activation : str
        The activation function of the output neurons. A single linear neuron is read at 0 where a target is neither 0
        nor 1, as for targets of -1 and 1; every other single neuron at 0.5.

    Raises
    ------
    ValueError
        As `Dataset.labels` does.
    """
    if n_out > 1:
        return Classes(data.labels(n_out), 0.5)

    def decided() -> Classes:
        targets = data.vectors(1)[:, 0]
        are_0_and_1 = bool(np.isin(targets, (0, 1)).all())
        boundary = 0.0 if activation == "linear" and not are_0_and_1 else 0.5
        return Classes((targets > boundary).astype(np.int64), boundary)

    return data.derived(("classes", activation), decided)
