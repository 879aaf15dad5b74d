"""Diagnostics: parameters that are no longer finite, and labels that are never predicted."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np

_ENOUGH = 20  # samples with a label: with fewer, that it is never predicted may be chance


class TrainingWarning(RuntimeWarning):
    """Something is wrong with how a network learns; the message says what, and what to try."""


def all_finite(arrays: Iterable[np.ndarray]) -> bool:
    """Whether no number in arrays is infinite or not a number."""
    return all(bool(np.isfinite(array).all()) for array in arrays)


def why_stopped(when: str) -> str:
    """Return why a training was stopped in an epoch, such as "epoch 3", or in a mini-batch."""
    return f"Stopped: weights became infinite or not a number in {when}"


def diverged(when: str, eta: float, stacklevel: int) -> None:
    """Warn that parameters are no longer finite.

    Parameters
    ----------
    when : str
        As for `why_stopped`.
    eta : float
        The learning rate.
    stacklevel : int
        Number of callers between this function and the one who is warned.
    """
    warnings.warn(
        f"{when}: weights became infinite or not a number, and training stopped; the network is as it was before. "
        f"A smaller eta than {eta:g}, less regularization, or weights that begin smaller may help",
        TrainingWarning,
        stacklevel=stacklevel + 1,
    )


def never_predicted(labels: np.ndarray, predicted: np.ndarray, n_out: int) -> tuple[int, ...]:
    """Return the labels that many samples have, and that were predicted for none.

    Parameters
    ----------
    labels, predicted : ndarray of int64
        The label of each sample, and the one that was predicted; -1 where there is none.
    n_out : int
        Number of labels.
    """
    counts, predictions = (np.bincount(each[each >= 0], minlength=n_out) for each in (labels, predicted))
    return tuple(np.flatnonzero((counts >= _ENOUGH) & (predictions == 0)).tolist())


class DeadOutputs:
    """Warns, once in a run, of labels that were predicted for no sample after two consecutive epochs."""

    def __init__(self) -> None:
        self._before: frozenset[int] = frozenset()
        self._has_warned = False

    def look_at(self, epoch: int, never_predicted: tuple[int, ...], stacklevel: int) -> None:
        """Take note of the labels that are never predicted after an epoch."""
        lasting = sorted(self._before.intersection(never_predicted))
        self._before = frozenset(never_predicted)
        if not lasting or self._has_warned:
            return
        self._has_warned = True
        warnings.warn(
            f"epoch {epoch}: for an epoch, the network has called no sample {' or '.join(map(str, lasting))}, of which "
            "there are many. It may be saturated: another seed, a smaller eta, or weights that begin smaller may help",
            TrainingWarning,
            stacklevel=stacklevel + 1,
        )
