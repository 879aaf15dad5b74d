"""scikit-learn's `MLPClassifier`, computed by fastnet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from fastnet.datasets.dataset import Dataset, refuse_masked
from fastnet.engines.contract import Engine
from fastnet.formulas.costs import BuiltIn, CrossEntropyCost, LogLikelihoodCost
from fastnet.formulas.layers import Layer
from fastnet.learning import diagnostics
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.neural_network.base import BaseMLP, all_or_nothing, for_mini_batches
from fastnet.neural_network.callbacks import with_callbacks
from fastnet.neural_network.sample_weights import class_indices
from fastnet.utils import arguments


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A network as a scikit-learn classifier: `sklearn.neural_network.MLPClassifier`, computed by fastnet.

    All parameters, attributes and methods of scikit-learn's class exist here, with the same meaning. With the same
    integer `random_state`, both classes train the same network, up to rounding. Only fastnet has the last five
    parameters.

    Parameters
    ----------
    hidden_layer_sizes : int, or sequence of int and Layer, optional
        Number of neurons in each hidden layer. A layer of `fastnet` may replace a number:
        `(Convolution(20, 5, "relu"), MaxPooling(2), Dense(100, "tanh"))`.
    activation : {'relu', 'identity', 'logistic', 'tanh', 'leaky_relu', 'gelu'}, optional
        Activation function of hidden layers that specify none.
    solver : {'adam', 'sgd', 'lbfgs'}, optional
        Optimizer: Adam, stochastic gradient descent, or SciPy's L-BFGS-B on the whole data set.
    alpha : float, optional
        Strength of L2 regularization, at least 0. The penalty of a mini-batch is divided by the sum of its sample
        weights.
    batch_size : int or 'auto', optional
        Number of samples in a mini-batch; 'auto' means 200, or all samples if there are fewer.
    learning_rate : {'constant', 'invscaling', 'adaptive'}, optional
        Schedule of the learning rate of the solver 'sgd'. 'invscaling': `learning_rate_init / (t_ + 1)**power_t`.
        'adaptive': whenever training would stop, the learning rate is divided by 5 instead, until it is 1e-6 or less.
    learning_rate_init : float, optional
        Learning rate of the solvers 'sgd' and 'adam', positive.
    power_t : float, optional
        See `learning_rate`.
    max_iter : int, optional
        Largest number of iterations. In an iteration, 'sgd' and 'adam' train on all samples once.
    shuffle : bool, optional
        Whether each iteration takes the samples in a new random order.
    random_state : int, RandomState or None, optional
        Seed or generator of all random numbers: of the initial parameters, the order of the samples, the validation
        samples, and dropout. With the same integer, the same engine gives the same result, bit for bit.
    tol : float, optional
        Smallest improvement that counts. Training stops when the loss has not improved by `tol` in more than
        `n_iter_no_change` consecutive iterations. With `early_stopping`, the validation score replaces the loss.
        With the solver 'lbfgs', `tol` is SciPy's option `gtol`.
    verbose : bool or int, optional
        Whether to print a line for each iteration.
    warm_start : bool, optional
        Whether `fit` continues training from the current weights and biases.
    momentum : float, optional
        Momentum of the solver 'sgd', from 0 to 1.
    nesterovs_momentum : bool, optional
        Whether the momentum is Nesterov's.
    early_stopping : bool, optional
        Whether to keep validation samples out of training. Training then stops when the accuracy on the validation
        samples no longer improves, and the weights and biases with the best accuracy are kept.
    validation_fraction : float, optional
        Fraction of the samples that are validation samples, between 0 and 1. As in scikit-learn, the validation samples
        are stratified if there are two classes, and not if there are more.
    beta_1, beta_2, epsilon : float, optional
        Parameters of Adam.
    n_iter_no_change : int or inf, optional
        See `tol`.
    max_fun : int, optional
        Largest number of evaluations of the loss by the solver 'lbfgs'.
    class_weight : dict, 'balanced' or None, optional
        Factor for each label, by which the weights of the label's samples are multiplied. With 'balanced', the factor
        is inversely proportional to the label's frequency in `y`. `partial_fit` does not see all samples, so it refuses
        'balanced'. The factors also apply to the validation samples of `early_stopping`.
    dropout : float, optional
        Probability that a hidden neuron is dropped in training, at least 0 and less than 1. The dropped neurons are
        drawn anew for each sample. Only for networks of dense layers; in other networks, add `Dropout` layers to
        `hidden_layer_sizes`.
    image_shape : tuple (maps, height, width), optional
        Shape of a sample, if the first layers take images. A sample's numbers are ordered map by map and row by row. By
        default, n*n features are interpreted as an image of one map, and 3*n*n features as an image of three maps.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        Engine that does the arithmetic; see `network2.Network`.
    keep_if_interrupted : bool, optional
        Whether Ctrl-C ends `fit` with a warning and keeps what was learnt until then. By default, Ctrl-C raises
        `KeyboardInterrupt`, and the classifier is unchanged.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels.
    loss_, best_loss_ : float
        Loss of the last iteration, and lowest loss of all iterations. With `early_stopping`, `best_loss_` is None. If
        training was interrupted in the first iteration, there is no `loss_`.
    loss_curve_ : list of float
        Loss of each iteration, with regularization: the mean over the mini-batches. The loss of a mini-batch is
        computed before its step.
    validation_scores_ : list of float or None
        With `early_stopping`, the accuracy on the validation samples after each iteration, weighted by their sample
        weights and `class_weight`.
    best_validation_score_ : float or None
        Highest validation score.
    t_ : int
        Number of samples on which the network was trained, summed over all iterations.
    coefs_, intercepts_ : list of ndarray
        Weights and biases of each layer. Weights have shape (n_in, n_out), or for a convolution (filters, maps, rows,
        columns). `coefs_` and `intercepts_` may be assigned. Arrays that do not fit or are not finite raise an error
        when the estimator uses them.
    normalization_ : list of dict of str to ndarray
        Arrays of each `BatchNormalization`. `normalization_` may be assigned.
    n_iter_ : int
        Number of iterations of the last `fit` or `partial_fit`.
    n_layers_, n_outputs_ : int
        `n_layers_` is the number of layers with weights, plus 1 for the inputs. `n_outputs_` is the number of output
        neurons.
    out_activation_ : str
        Output activation: 'softmax' for more than two classes; 'logistic' for two classes, or if a sample may have
        several labels.
    n_features_in_ : int
        Number of inputs.
    feature_names_in_ : ndarray of str, shape (n_features,)
        Names of the inputs, if `X` had column names in `fit`.

    Notes
    -----
    The precision is float32 if `X` has type float32, otherwise float64. With 'lbfgs', the precision is always float64,
    as in scikit-learn. 'lbfgs' does not record `best_loss_`, `loss_curve_`, `t_` or the validation scores.

    Outside of the main thread, the engine 'numba' uses only the thread that calls it. A search that trains several
    networks at the same time, with joblib's threads or Dask, therefore gives each network one processor.

    If the first layer is a `Dense` layer, the engine 'numba' does not convert SciPy sparse inputs to dense arrays in
    training. The engines other than 'numba' convert one mini-batch at a time.

    If `fit` or `partial_fit` raises an error, the classifier is unchanged. The state of the random generator is also
    restored, unless the network has diverged. Another attempt then draws other numbers. The last step of `fit` is to
    warn of problems of the trained network. If such a warning is turned into an error, the classifier keeps what was
    learnt.

    If the last call was `partial_fit`, a pickle or a copy includes the solver's state, with which the next call
    continues. After `fit`, a pickle or a copy does not include the solver's state.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.neural_network import MLPClassifier
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25), np.array(["same", "other", "other", "same"] * 25)
    >>> classifier = MLPClassifier(learning_rate_init=0.01, random_state=0).fit(X, y)
    >>> print(*classifier.predict([[0, 1], [1, 1]]))
    other same
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }
    _stratifies = True

    def __init__(
        self,
        hidden_layer_sizes: int | Layer | Sequence[int | Layer] = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Mapping[Any, float] | str | None = None,
        dropout: float = 0.0,
        image_shape: Sequence[int] | None = None,
        engine: str = "numba",
        keep_if_interrupted: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.dropout = dropout
        self.image_shape = image_shape
        self.engine = engine
        self.keep_if_interrupted = keep_if_interrupted

    @with_callbacks
    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        sample_weight: npt.ArrayLike | None = None,
        *,
        X_val: Any = None,  # noqa: N803
        y_val: Any = None,
        sample_weight_val: npt.ArrayLike | None = None,
    ) -> MLPClassifier:
        """Train on samples until there is no more improvement, or for `max_iter` iterations.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.
        y : array_like, shape (n_samples,) or (n_samples, n_labels)
            The labels: integers, strings, booleans or other objects that can be sorted; or, if a sample may have
            several labels, a matrix of zeros and ones.
        sample_weight : array_like, shape (n_samples,), optional
            Weight of each sample, at least 0.
        X_val, y_val, sample_weight_val : optional
            Samples for early stopping, used instead of a part of `X` and `y`. Apart from the number of samples, the
            shapes are those of `X`, `y` and `sample_weight`.

        Returns
        -------
        MLPClassifier
            This classifier.

        Raises
        ------
        ImportError
            If a package that the engine needs is not installed.
        TypeError, ValueError
            If a parameter or an argument has a wrong type or value. If the network diverges, because the learning rate
            or the inputs are too large.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale. If at least 20 samples have the same label, but no sample is classified
            as that label.
        ConvergenceWarning
            If training did not converge, for example within `max_iter` iterations.
        """
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    @for_mini_batches
    def partial_fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        sample_weight: npt.ArrayLike | None = None,
        classes: npt.ArrayLike | None = None,
    ) -> MLPClassifier:
        """Train on the samples once.

        Training begins with the parameters and the solver's state after the last call of `fit` or `partial_fit`. As in
        scikit-learn, a new value of `learning_rate`, `learning_rate_init`, `power_t`, `momentum`, `nesterovs_momentum`,
        `beta_1`, `beta_2` or `epsilon` has no effect until the next `fit`. This method exists only with the solvers
        'sgd' and 'adam'.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`. Some classes may be missing in `y`.
        classes : array_like, shape (n_classes,), optional
            All classes in this call and later calls. The first call needs this argument.

        Returns
        -------
        MLPClassifier
            This classifier.

        Raises
        ------
        ImportError, TypeError, ValueError
            See `fit`. Also if `early_stopping` is True, because early stopping needs all samples.
        """
        refuse_masked(classes, "classes")
        refuse_masked(y, "y")
        self._check_parameters(incremental=True)
        with all_or_nothing(self):
            if _check_partial_fit_first_call(self, classes):
                with arguments.named("y"):
                    kind = type_of_target(y, input_name="y")
                self._label_binarizer = LabelBinarizer().fit(y if kind.startswith("multilabel") else classes)
            self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Return the probability of each class, in the order of `classes_`.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.

        Returns
        -------
        ndarray of float32 or float64, shape (n_samples, n_classes)
            Each row has the sum 1, unless a sample may have several labels.

        Raises
        ------
        TypeError, ValueError
            See `predict`.
        """
        outputs = self._outputs(X)
        if outputs.shape[1] == 1:
            return np.concatenate([1 - outputs, outputs], axis=1)
        if self.out_activation_ == "logistic":  # so that no probability is rounded to 0 or 1
            limits = np.finfo(outputs.dtype)
            np.clip(outputs, limits.tiny, 1 - limits.epsneg, out=outputs)
        return outputs

    def predict_log_proba(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Return the logarithms of the probabilities that `predict_proba` returns."""
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            np.log(probabilities, out=probabilities)
        return probabilities

    def _cost(self, n_out: int) -> BuiltIn:
        return LogLikelihoodCost if self._label_binarizer.y_type_ == "multiclass" else CrossEntropyCost

    def _targets(self, y: Any, anew: bool, incremental: bool) -> np.ndarray:
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        with arguments.named("y"):
            kind = type_of_target(y, input_name="y")
            if kind not in ("binary", "multiclass", "multilabel-indicator"):
                raise ValueError(f"Unknown label type: {kind}. y must be labels, or a matrix of zeros and ones")
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
            return self._binarized(y)
        self._check_kind(y, kind)
        known, found = set(np.ravel(self.classes_).tolist()), set(unique_labels(y).tolist())
        strange = sorted(found - known, key=str)
        if strange:
            raise ValueError(f"y has the labels {strange}; the classes are {arguments.brief(self.classes_.tolist())}")
        if self.warm_start and not incremental and found != known:
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {unique_labels(y)}"
            )
        return self._binarized(y)

    def _check_kind(self, y: Any, kind: str) -> None:
        """Raise an error if `y` has several labels per sample and the fitted classifier one, or the other way round."""
        several, fitted = (each.startswith("multilabel") for each in (kind, self._label_binarizer.y_type_))
        if several != fitted:
            kinds = {False: "one label", True: "a row of zeros and ones"}
            raise ValueError(
                f"y has {kinds[several]} for each sample; the classifier was fitted to {kinds[fitted]} for each sample"
            )
        if several and y.shape[1] != len(self.classes_):
            raise ValueError(
                f"y has {y.shape[1]} columns; it must have one for each of the {len(self.classes_)} classes"
            )

    def _binarized(self, y: Any) -> np.ndarray:
        binarized: np.ndarray = self._label_binarizer.transform(y)
        return binarized

    def _class_weights(self, targets: np.ndarray, incremental: bool) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        if self._label_binarizer.y_type_.startswith("multilabel"):
            raise ValueError("class_weight is given, but a sample may have several labels; use sample_weight instead")
        indices = np.arange(len(self.classes_))
        if self.class_weight == "balanced":
            if incremental:
                raise ValueError(
                    "class_weight is 'balanced', but partial_fit does not see all samples; give a dictionary of weights"
                )
            balanced: np.ndarray = compute_class_weight("balanced", classes=indices, y=class_indices(targets))
            return balanced
        assert not isinstance(self.class_weight, str)
        weights = np.ones(len(indices))
        for label, weight in self.class_weight.items():
            if label not in self.classes_:
                raise ValueError(f"class_weight has the label {label!r}; classes_ has {self.classes_.tolist()}")
            weights[self.classes_ == label] = arguments.number_from_zero(weight, f"class_weight[{label!r}]")
        return weights

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        labels: np.ndarray = self._label_binarizer.inverse_transform(
            outputs.ravel() if outputs.shape[1] == 1 else outputs
        )
        return labels

    def _score_of(self, y: np.ndarray, predicted: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def _warnings_of(self, engine: Engine, data: Dataset, chosen: np.ndarray) -> list[Warning]:
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return []
        outputs, targets = engine.outputs(data)[chosen], data.targets[chosen]
        missing = diagnostics.never_predicted(class_indices(targets), class_indices(outputs), len(self.classes_)).labels
        if not missing:
            return []
        names = arguments.brief(self.classes_[list(missing)].tolist())
        advice = f"the {self._scale}: scale them first. Otherwise " if self._scale else "scaled inputs, "
        message = (
            f"no training sample is classified as any of {names}, which many training samples have; {advice}another "
            "learning_rate_init, a smaller alpha, more iterations, or another random_state may help"
        )
        return [TrainingWarning(message)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
