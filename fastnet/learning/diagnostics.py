"""What a training run should not do unseen: its numbers become infinite, or an output never wins."""

from __future__ import annotations

import warnings

import numpy as np

_ENOUGH = 20  # samples with a label: with fewer, that it is never predicted may be chance


class TrainingWarning(RuntimeWarning):
    """Something is wrong with how a network learns; the message says what, and what to try."""


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
        How many callers are between this and the one who is to be warned.
    """
    warnings.warn(
        f"{when}: weights became infinite or not a number, and training stopped; the network is as it was before. "
        f"A smaller eta than {eta:g}, less regularization, or weights that begin smaller may help",
        TrainingWarning,
        stacklevel=stacklevel + 1,
    )


def never_predicted(labels: np.ndarray, predicted: np.ndarray) -> tuple[int, ...]:
    """Return which labels occur, and often, but were predicted for no sample.

    Parameters
    ----------
    labels, predicted : ndarray of int64, shape (n_out,)
        How often each is the right one, and how often it was predicted.
    """
    return tuple(np.flatnonzero((labels >= _ENOUGH) & (predicted == 0)).tolist())


class DeadOutputs:
    """Warns, once in a run, of labels that were predicted for no sample after two epochs in succession."""

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
