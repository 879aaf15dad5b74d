"""Fits an estimator with its solver, and sets the estimator's attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import is_sparse
from fastnet.engines.contract import Engine
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.learning import diagnostics
from fastnet.neural_network import lbfgs
from fastnet.neural_network.callbacks import Callbacks
from fastnet.neural_network.settings import LARGEST_AUTOMATIC_BATCH, Settings
from fastnet.neural_network.stochastic import Continuation, DivergenceError, Samples, StochasticLearner
from fastnet.neural_network.stopping import Rule
from fastnet.neural_network.warn import warn

RECORDED = (
    "n_iter_", "t_", "loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_",
)  # fmt: skip
"""The attributes in which the solvers record training. The training of a new network begins without them."""


@dataclass(frozen=True)
class Task:
    """The estimator to train, its initial network, and the samples.

    Attributes
    ----------
    estimator : MLPClassifier or MLPRegressor
        The estimator to train, whose parameters are valid.
    settings : Settings
        The estimator's parameters, converted to fastnet's classes and names.
    architecture : Architecture
        The network's architecture.
    parameters : list of dict of str to ndarray
        The initial arrays of each layer.
    inputs : ndarray or SciPy sparse matrix, shape (n, n_in)
        All samples.
    targets : ndarray, shape (n, n_out)
        The desired outputs.
    weights : ndarray of shape (n,), or None
        Weight of each sample; None if all weights are 1.
    validation : tuple or None
        The validation samples that were given to `fit`, with desired outputs and weights. None if `fit` got
        no validation samples.
    random : RandomState
        The generator of all random numbers.
    callbacks : Callbacks
        The callbacks to call after each iteration.
    incremental : bool
        Whether to train for one iteration only.
    before : Continuation or None
        The solver's state after the last call, from which `partial_fit` continues. None if there is no such state.
    """

    estimator: Any
    settings: Settings
    architecture: Architecture
    parameters: Parameters
    inputs: Any
    targets: np.ndarray
    weights: np.ndarray | None
    validation: tuple[Any, np.ndarray, np.ndarray | None] | None
    random: np.random.RandomState
    callbacks: Callbacks
    incremental: bool
    before: Continuation | None


def fit_stochastic(task: Task) -> list[Warning]:
    """Train with mini-batches, and set the estimator's attributes. Return the warnings that `fit` must issue."""
    estimator, settings, before = task.estimator, task.settings, task.before
    samples = _samples(task)
    n = len(samples.chosen)
    if before is not None and before.fits(settings):  # as in scikit-learn, the optimizer of the last call is kept
        settings = replace(settings, optimizer=before.settings.optimizer, rates=before.settings.rates)
    else:
        before = None
    eta = settings.rates.first if before is None else before.eta
    rule = Rule(estimator, settings.rates, n, eta, estimator.t_, _best_so_far(estimator), estimator._since_improvement)
    learner = StochasticLearner(
        settings, task.architecture, task.parameters, samples, _batch_size(estimator, n), task.random,
        estimator.shuffle, rule, before,
    )  # fmt: skip
    interrupted = False
    try:
        learner.run(
            1 if task.incremental else estimator.max_iter,
            estimator._report,
            lambda number: task.callbacks.after_iteration(learner.parameters),
        )
    except KeyboardInterrupt:
        if not (estimator.keep_if_interrupted and diagnostics.all_finite(learner.engine.flat_arrays())):
            raise
        interrupted = True
    found = learner.best_parameters()
    vars(estimator).update(estimator._fitted(task.architecture, found))
    _note(estimator, learner, n)
    estimator._continuation, estimator._pickles_continuation = learner.continuation(), task.incremental
    task.callbacks.end(found)
    if interrupted:
        return [_interruption(estimator.n_iter_)]
    if task.incremental:
        return []
    due: list[Warning] = []
    if not rule.stopped and estimator.n_iter_ == estimator.max_iter:
        message = (
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't "
            "converged yet. A larger max_iter may be better"
        )
        due.append(ConvergenceWarning(message))
    # If training is unfinished, the network may still learn all labels, so no warning is needed. If the inputs' scale
    # saturates the neurons, however, more iterations hardly help.
    if rule.stopped or estimator._scale:
        due += estimator._warnings_of(learner.engine, samples.data, samples.chosen)
    return due


def fit_lbfgs(task: Task) -> list[Warning]:
    """Train with SciPy, in float64, and set the estimator's attributes. Return the warnings that `fit` must issue."""
    estimator, float64 = task.estimator, np.dtype(np.float64)
    architecture = replace(task.architecture, dtype=float64)
    initial = [{name: array.astype(float64) for name, array in layer.items()} for layer in task.parameters]
    data = _converted(task.inputs, task.targets, float64, "X", "y")
    engine = task.settings.make_engine(architecture, initial, data, task.weights)

    def after(number: int, loss: float) -> bool:
        estimator._report(f"Iteration {number + 1}, loss = {loss:.8f}")
        return task.callbacks.after_iteration(engine.parameters)

    options = {"maxiter": estimator.max_iter, "maxfun": estimator.max_fun, "gtol": estimator.tol}
    total = float(len(data)) if task.weights is None else float(task.weights.sum())
    found = lbfgs.minimize(engine, initial, task.settings.alpha, total, options, after, estimator.keep_if_interrupted)
    arrays = (array for layer in found.parameters for array in layer.values())
    if not (np.isfinite(found.loss) and diagnostics.all_finite(arrays)):
        raise DivergenceError(
            f"the network diverged, its loss is {found.loss}: the inputs or the targets are too large; scale them"
        )
    vars(estimator).update(estimator._fitted(architecture, found.parameters))
    estimator.loss_, estimator.n_iter_, estimator._continuation = found.loss, found.iterations, None
    task.callbacks.end(found.parameters)
    if found.interrupted:
        return [_interruption(found.iterations)]
    if not found.failure:
        return list(estimator._warnings_of(engine, data, np.arange(len(data))))
    message = (
        f"lbfgs failed to converge after {found.iterations} iterations: {found.failure}. A larger max_iter "
        f"({estimator.max_iter}) or max_fun ({estimator.max_fun}), or scaled inputs, may help"
    )
    due = estimator._warnings_of(engine, data, np.arange(len(data))) if estimator._scale else []
    return [ConvergenceWarning(message), *due]


def _converted(inputs: Any, targets: np.ndarray, dtype: np.dtype, *names: str) -> Dataset:
    """Return samples, converted to the precision `dtype`. `names` are the names of both arguments.

    Raises
    ------
    ValueError
        If a number is too large for the precision.
    """
    found = []
    for name, given in zip(names, (inputs, targets), strict=True):
        with np.errstate(over="ignore"):
            array = given.astype(dtype, copy=False)
        if array.dtype != given.dtype and not np.isfinite(array.data if is_sparse(array) else array).all():
            raise ValueError(f"{name} has a number that is too large for {dtype.name}; scale it")
        found.append(array)
    return Dataset(*found)


def _samples(task: Task) -> Samples:
    """Divide samples into training and validation samples."""
    estimator, targets, weights = task.estimator, task.targets, task.weights
    data = _converted(task.inputs, targets, task.settings.dtype, "X", "y")
    chosen = np.arange(len(data))
    if not estimator.early_stopping:
        return Samples(data, weights, chosen, None)
    if task.validation is not None:
        return Samples(data, weights, chosen, _scorer(task, *task.validation))
    stratify = targets if estimator._stratifies and targets.shape[1] == 1 else None
    chosen, held_out = train_test_split(
        chosen, random_state=task.random, test_size=estimator.validation_fraction, stratify=stratify
    )
    if len(held_out) < 2:
        raise ValueError(
            f"The validation set is too small: it has {len(held_out)} sample. Increase 'validation_fraction' or the "
            "size of your dataset."
        )
    their_weights = None if weights is None else weights[held_out]
    return Samples(data, weights, chosen, _scorer(task, task.inputs[held_out], targets[held_out], their_weights))


def _scorer(task: Task, inputs: Any, targets: np.ndarray, weights: np.ndarray | None) -> Callable[[Engine], float]:
    """Return a function that scores an engine on samples. The score is NaN if an output is not finite."""
    estimator = task.estimator
    if len(targets) < 2 and not is_classifier(estimator):
        raise ValueError("X_val has 1 sample; the score R^2 needs at least two")
    y = estimator._decoded(targets)
    data = _converted(inputs, targets, task.settings.dtype, "X_val", "y_val")

    def score(engine: Engine) -> float:
        predicted = engine.outputs(data)
        if not np.isfinite(predicted).all():
            return float("nan")
        return float(estimator._score_of(y, estimator._decoded(predicted), weights))

    return score


def _batch_size(estimator: Any, n: int) -> int:
    """Return the number of samples in a mini-batch."""
    if estimator.batch_size == "auto":
        return min(LARGEST_AUTOMATIC_BATCH, n)
    if estimator.batch_size > n:
        warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped: "
            f"{estimator.batch_size} becomes {n}"
        )
    return min(int(estimator.batch_size), n)


def _best_so_far(estimator: Any) -> float:
    """Return the best validation score so far; without early stopping, return -1 times the lowest loss.

    If there is no score and no loss yet, return -inf.
    """
    best = getattr(estimator, "best_validation_score_" if estimator.early_stopping else "best_loss_", None)
    if best is None:  # the last fit had another solver or another early_stopping
        return -np.inf
    return float(best) if estimator.early_stopping else -float(best)


def _note(estimator: Any, learner: StochasticLearner, n: int) -> None:
    """Set the estimator's attributes about the iterations: their number, and the losses and validation scores."""
    estimator.n_iter_ = len(learner.losses)
    estimator.t_ += n * estimator.n_iter_
    estimator.loss_curve_ = [*getattr(estimator, "loss_curve_", []), *learner.losses]
    if learner.losses:
        estimator.loss_ = learner.losses[-1]
    estimator._since_improvement = learner.rule.since
    if estimator.early_stopping:
        estimator.validation_scores_ = [*(getattr(estimator, "validation_scores_", None) or []), *learner.scores]
        estimator.best_validation_score_, estimator.best_loss_ = learner.best_score, None
    else:
        estimator.best_loss_ = -learner.rule.best
        estimator.validation_scores_ = estimator.best_validation_score_ = None


def _interruption(iterations: int) -> Warning:
    """Return the warning that training was interrupted and that its result is kept."""
    return UserWarning(f"training was interrupted in iteration {iterations + 1}; what was learnt is kept")
