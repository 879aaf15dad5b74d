"""`NetworkClassifier`: what scikit-learn asks of a classifier, and what it keeps of its training."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from fastnet.datasets.dataset import Dataset, refuse_masked
from fastnet.datasets.sparse import SparseInputs, is_sparse
from fastnet.estimator import checks
from fastnet.estimator.settings import Settings
from fastnet.estimator.training import ClassifierLearner, Continuation, Outcome, probabilities
from fastnet.formulas import initialization
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.layers import Convolution, Dense, Layer
from fastnet.learning import diagnostics
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.utils import arguments


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network as a scikit-learn classifier.

    Parameters that are called as `sklearn.neural_network.MLPClassifier` calls its own mean the same as there, with
    `solver="sgd"` and `nesterovs_momentum=False`: with the same `random_state`, both begin with the same weights, take
    the samples in the same order, and become the same network, up to rounding. Three have another default:
    `batch_size` and `learning_rate_init`, because small mini-batches are cheap here, and need no Adam; and `momentum`,
    which takes time, and did not help with these.

    Parameters
    ----------
    hidden_layer_sizes : int, or sequence of int and Layer, optional
        The number of neurons in each hidden layer. Instead of a number, a layer of `fastnet` may stand:
        `(Convolution(20, 5, "relu"), MaxPooling(2), 100)`.
    activation : {'relu', 'logistic', 'tanh'}, optional
        What the hidden neurons compute, in layers that have no activation of their own.
    alpha : float, optional
        The strength of L2 regularization, from 0; it is divided by the number of samples in a mini-batch.
    batch_size : int, optional
        The number of samples in a mini-batch; of fewer samples, all are one.
    learning_rate_init : float, optional
        The learning rate, positive; it stays the same.
    max_iter : int, optional
        How many times to go through the samples, at most, each time in a new random order.
    momentum : float, optional
        What remains of the velocity from one mini-batch to the next, from 0 to less than 1. It takes more time where
        most inputs are zero: without, the weights of these are not touched.
    dropout : float, optional
        The probability with which a hidden neuron is left out in training, from 0 to less than 1, for each sample anew.
        For dense layers only: among others, put `Dropout` where it belongs.
    cost : {'log-likelihood', 'cross-entropy', 'quadratic'}, optional
        What is lowered. With the first, outputs are softmax, with the others sigmoid. Of two classes a single sigmoid
        output decides, as in scikit-learn, and its log-likelihood is its cross-entropy.
    early_stopping : bool, optional
        Whether to keep a part of the samples out of training, stop when the accuracy on it grows no more, and keep the
        parameters with which it was best. Otherwise, training stops when the loss falls no more.
    validation_fraction : float, optional
        How large that part is, between 0 and 1. The classes have the same shares in it as in the whole.
    n_iter_no_change : int, optional
        After more iterations than this without an improvement by at least `tol`, training stops.
    tol : float, optional
        See `n_iter_no_change`.
    random_state : int, RandomState or None, optional
        What the initial parameters, the order of the samples, the part that is kept out, and dropout come from. With
        the same integer, the same engine gives the same result, bit for bit.
    warm_start : bool, optional
        Whether `fit` goes on with the parameters that it finds.
    verbose : bool, optional
        Whether to print a line for each iteration.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        What computes, as for `network2.Network`.
    dtype : {'float32', 'float64'}, optional
        The precision of parameters and arithmetic.
    image_shape : tuple (maps, height, width), optional
        The shape of a sample, if the first layers take images; its numbers are in a row, map by map and row by row. By
        default, n*n features are an image of one map, and 3*n*n features one of three maps.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels.
    coefs_ : list of ndarray
        The weights of each dense layer, of shape (n_in, n_out), and of each convolutional one, of shape (filters, maps,
        rows, columns). They may be assigned: what does not fit, or is not finite, is refused when it is used.
    intercepts_ : list of ndarray
        The biases, of shape (n_out,) or (filters,). They may be assigned, likewise.
    normalization_ : list of dict of str to ndarray
        The arrays of each `BatchNormalization`, of one number for each neuron or map: "gamma", "beta", "mean" and
        "variance". They may be assigned, likewise.
    loss_curve_ : list of float
        The loss after each iteration, over all that is trained on, and with regularization. (scikit-learn has the mean
        of what the mini-batches had on the way.)
    loss_ : float
        The last of these.
    best_loss_ : float or None
        The lowest of these; None with `early_stopping`.
    validation_scores_ : list of float or None
        With `early_stopping`, the accuracy on the part that is kept out, after each iteration.
    best_validation_score_ : float or None
        The highest of these.
    n_iter_ : int
        The number of iterations of the last `fit` or `partial_fit`.
    n_features_in_ : int
        The number of inputs.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Their names, if the inputs had some in `fit`.

    Notes
    -----
    In any thread but the main one, 'numba' computes in that thread alone: so a search that trains several networks at
    once, with joblib's threads or Dask, gives each its processor.

    SciPy sparse inputs are never made dense by the engine 'numba' if the first layer is dense; the others make one
    mini-batch dense at a time.

    Where `fit` or `partial_fit` fails or is interrupted, the classifier is as it was before, fitted or not. But what
    `fit` has drawn from a `RandomState` of yours stays drawn: another attempt may have more luck. The warnings of `fit`
    come last: where they are turned into errors, the classifier has what was learnt.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import NetworkClassifier
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25), np.array(["same", "other", "other", "same"] * 25)
    >>> classifier = NetworkClassifier(random_state=0).fit(X, y)
    >>> print(*classifier.predict([[0, 1], [1, 1]]))
    other same
    """

    _continuation: Continuation | None = None  # what the last `partial_fit` leaves for the next

    def __init__(
        self,
        hidden_layer_sizes: int | Layer | Sequence[int | Layer] = (100,),
        activation: str = "relu",
        *,
        alpha: float = 0.0001,
        batch_size: int = 10,
        learning_rate_init: float = 0.1,
        max_iter: int = 200,
        momentum: float = 0.0,
        dropout: float = 0.0,
        cost: str = "log-likelihood",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: bool = False,
        engine: str = "numba",
        dtype: npt.DTypeLike = "float32",
        image_shape: Sequence[int] | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.momentum = momentum
        self.dropout = dropout
        self.cost = cost
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.engine = engine
        self.dtype = dtype
        self.image_shape = image_shape

    def fit(self, X: Any, y: npt.ArrayLike) -> NetworkClassifier:  # noqa: N803 - scikit-learn's name
        """Train on samples, until it helps no more.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.
        y : array_like, shape (n_samples,)
            The labels: integers, strings, booleans or other objects that can be sorted. At least two.

        Returns
        -------
        NetworkClassifier
            Itself.

        Raises
        ------
        ImportError
            If what the engine needs is not installed.
        TypeError, ValueError
            If a parameter or an argument is not of that form; or if there is no number left in the network, which
            happens when the learning rate is too large, or the inputs are.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale. If training stopped by itself, or inputs are of such a scale, but a label
            that many of the samples have is predicted for none.
        ConvergenceWarning
            If training stopped at `max_iter` and might have gone on.
        """
        settings, random = Settings.of(vars(self)), check_random_state(self.random_state)
        anew = not (settings.warm_start and self.__sklearn_is_fitted__())
        with _all_or_nothing(self):
            inputs, labels = self._validated(X, y, settings, anew)
            parameters = self._initial(settings, random) if anew else self._present(settings)
            data, held_out = _divided(inputs, labels, settings, random)
            with settings.threads():
                learner = ClassifierLearner(settings, *parameters, data, random, held_out=held_out)
                outcome = learner.run(settings.max_iter, self._report)
                scale = diagnostics.scale(data)  # what was not trained to the end may yet learn, unless it is saturated
                never_predicted = learner.never_predicted() if outcome.converged or scale else ()
            self._keep(learner, outcome, anew)
            self._continuation = None
        self._warn(outcome.converged, never_predicted, scale)
        return self

    def partial_fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
    ) -> NetworkClassifier:
        """Go through samples once, from the parameters, the velocity and the generator as the last call left them.

        Parameters
        ----------
        X, y
            As for `fit`. There may be fewer classes.
        classes : array_like, shape (n_classes,), optional
            All classes that there will be. The first call needs them.

        Returns
        -------
        NetworkClassifier
            Itself.

        Raises
        ------
        ImportError, TypeError, ValueError
            As `fit` does; or if `early_stopping` is set, for which there would have to be all samples.
        """
        settings, random = Settings.of(vars(self)), check_random_state(self.random_state)
        if settings.early_stopping:
            raise ValueError("early_stopping is set; partial_fit does not see all samples, and cannot keep some out")
        anew = not self.__sklearn_is_fitted__()
        if anew and classes is None:
            raise ValueError("classes is missing; the first call of partial_fit needs all that there will be")
        before = None if anew else self._continuation
        if before is not None and not before.fits(settings):
            before = None
        with _all_or_nothing(self, before):
            inputs, labels = self._validated(X, y, settings, anew, classes)
            parameters = self._initial(settings, random) if anew else self._present(settings)
            with settings.threads():
                learner = ClassifierLearner(settings, *parameters, Dataset(inputs, labels), random, before)
                outcome = learner.run(1, self._report)
            self._keep(learner, outcome, anew)
            self._continuation = learner.continuation()
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Return the label of each sample: the most probable one.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.

        Returns
        -------
        ndarray, shape (n_samples,)
        """
        chosen: np.ndarray = self.predict_proba(X).argmax(axis=1)
        labels: np.ndarray = self.classes_[chosen]
        return labels

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Return the probability of each class, in the order of `classes_`.

        With the costs 'cross-entropy' and 'quadratic' and more than two classes, each output says of its class alone
        how probable it is; they are divided by their sum.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.

        Returns
        -------
        ndarray of `dtype`, shape (n_samples, n_classes)
            Each row has the sum 1.

        Raises
        ------
        TypeError, ValueError
            If the inputs, a parameter, `coefs_` or `intercepts_` are not of that form; or if the network's outputs are
            not numbers, which happens when the inputs are too large.
        """
        check_is_fitted(self)
        settings = Settings.of(vars(self))
        refuse_masked(X, "X")
        inputs = validate_data(self, X, accept_sparse="csr", dtype=settings.dtype, reset=False)
        engine = settings.make_engine(*self._parameters(settings))
        with settings.threads():
            return probabilities(engine, SparseInputs(inputs) if is_sparse(inputs) else inputs)

    def _validated(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: npt.ArrayLike,
        settings: Settings,
        anew: bool,
        classes: npt.ArrayLike | None = None,
    ) -> tuple[Any, np.ndarray]:
        """Return inputs and the numbers of the classes, if they can be trained on."""
        refuse_masked(X, "X")
        refuse_masked(y, "y")
        inputs, labels = validate_data(self, X, y, accept_sparse="csr", dtype=settings.dtype, reset=anew)
        if anew:
            with arguments.named("y"):
                check_classification_targets(labels)
        known = self._known(labels, anew, classes)
        numbers = np.searchsorted(known, labels).clip(max=len(known) - 1)
        strange = known[numbers] != labels
        if strange.any():
            raise ValueError(f"y has the label {labels[strange].tolist()[0]!r}; the classes are {known.tolist()}")
        self.classes_: np.ndarray = known
        return inputs, numbers

    def _known(self, labels: np.ndarray, anew: bool, classes: npt.ArrayLike | None) -> np.ndarray:
        """Return the labels that there are: those that are named, or were there before, or are in the samples."""
        if classes is not None:
            known = checks.labels(classes)
            if not anew and not np.array_equal(known, self.classes_):
                raise ValueError(f"classes are {known.tolist()}; in the first call they were {self.classes_.tolist()}")
            return known
        if not anew:
            return self.classes_
        known = np.unique(labels)
        if len(known) < 2:
            raise ValueError(f"there is one class only, {known.tolist()[0]!r}; a classifier needs two")
        return known

    def _initial(self, settings: Settings, random: np.random.RandomState) -> tuple[Architecture, Parameters]:
        """Return what is computed, with its initial arrays drawn."""
        architecture = settings.architecture(self.n_features_in_, len(self.classes_))
        weighted = [layer for layer in architecture.layers[:-1] if isinstance(layer, (Convolution, Dense))]
        activations = [*(layer.activation for layer in weighted), settings.activation]  # scikit-learn's, of the outputs
        drawn = initialization.glorot(architecture.weight_shapes, activations, random)
        return architecture, architecture.parameters(*drawn)

    def _present(self, settings: Settings) -> tuple[Architecture, Parameters]:
        """Return what is computed, and the arrays to go on with."""
        architecture, parameters = self._parameters(settings)
        hidden = architecture.sizes[1:-1]
        if settings.has_sizes_only and hidden != settings.hidden:
            raise ValueError(
                f"hidden_layer_sizes is {self.hidden_layer_sizes!r}, but the network to go on with has {hidden}"
            )
        return architecture, parameters

    def _keep(self, learner: ClassifierLearner, outcome: Outcome, anew: bool) -> None:
        """Take over what training has led to."""
        losses, scores = outcome.losses, outcome.scores
        parameters = learner.parameters()
        weights, biases = learner.engine.architecture.book_lists(parameters)
        self.coefs_, self.intercepts_ = checks.transposed(weights), [b[:, 0] for b in biases]
        others = (arrays for arrays in parameters if arrays and "weights" not in arrays)
        self.normalization_ = [{name: array[:, 0] for name, array in arrays.items()} for arrays in others]
        if anew:
            self.loss_curve_: list[float] = []
            self.best_loss_: float | None = None
            self.validation_scores_: list[float] | None = None
        self.loss_curve_ = self.loss_curve_ + losses  # a new list: what goes back on a failure is the old one
        self.loss_, self.n_iter_ = losses[-1], len(losses)
        best = losses if self.best_loss_ is None else [self.best_loss_, *losses]
        self.best_loss_ = None if scores else min(best)
        self.validation_scores_ = [*(self.validation_scores_ or []), *scores] if scores else None
        self.best_validation_score_ = max(self.validation_scores_) if self.validation_scores_ else None

    def _warn(self, converged: bool, never_predicted: tuple[int, ...], scale: str) -> None:
        """Tell who called `fit` what the network may lack."""
        if not converged:
            warnings.warn(f"max_iter is {self.max_iter}; more may be better", ConvergenceWarning, stacklevel=3)
        if never_predicted:
            missing = arguments.brief(self.classes_[list(never_predicted)].tolist())
            warnings.warn(
                f"no training sample is classified as any of {missing}, and many should be; "
                f"{f'the {scale}: scale them first. Otherwise ' if scale else 'scaled inputs, '}a smaller "
                "learning_rate_init or alpha, a larger n_iter_no_change, or another random_state may help",
                TrainingWarning,
                stacklevel=3,
            )

    def _parameters(self, settings: Settings) -> tuple[Architecture, Parameters]:
        """Return what is computed, and its arrays, which the user may have assigned."""
        given = self.coefs_, self.intercepts_, self.normalization_
        return checks.parameters(*given, settings, self.n_features_in_, len(self.classes_))

    def _report(self, line: str) -> None:
        if self.verbose:
            print(line)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextlib.contextmanager
def _all_or_nothing(classifier: NetworkClassifier, before: Continuation | None = None) -> Iterator[None]:
    """Put a classifier back as it was, and the generator it goes on with, if an exception leaves the `with` block."""
    attributes = dict(vars(classifier))
    state = None if before is None else before.random.get_state(legacy=False)
    try:
        yield
    except BaseException:  # an interrupt too
        vars(classifier).clear()
        vars(classifier).update(attributes)
        if before is not None:
            before.random.set_state(state)
        raise


def _divided(
    inputs: Any, labels: np.ndarray, settings: Settings, random: np.random.RandomState
) -> tuple[Dataset, Dataset | None]:
    """Return the samples to train on, and those to keep out of it, if any."""
    if not settings.early_stopping:
        return Dataset(inputs, labels), None
    inputs, others, labels, their_labels = train_test_split(
        inputs, labels, test_size=settings.validation_fraction, stratify=labels, random_state=random
    )
    return Dataset(inputs, labels), Dataset(others, their_labels)
