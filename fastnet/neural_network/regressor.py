"""scikit-learn's `MLPRegressor`, computed by fastnet."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import column_or_1d

from fastnet.datasets.sparse import is_sparse
from fastnet.formulas.costs import BuiltIn, QuadraticCost
from fastnet.formulas.layers import Layer
from fastnet.formulas.regression import AbsoluteErrorCost, HuberCost, PoissonCost, QuantileCost
from fastnet.neural_network.base import BaseMLP, for_mini_batches
from fastnet.neural_network.callbacks import with_callbacks

LOSSES = ("squared_error", "poisson", "absolute_error", "huber", "quantile")


class MLPRegressor(RegressorMixin, BaseMLP):
    """A network as a scikit-learn regressor: `sklearn.neural_network.MLPRegressor`, computed by fastnet.

    All parameters, attributes and methods of scikit-learn's class exist here, with the same meaning. With the same
    integer `random_state`, both classes train the same network, up to rounding. Only fastnet has the losses
    'absolute_error', 'huber' and 'quantile', and the last six parameters.

    Parameters
    ----------
    loss : {'squared_error', 'poisson', 'absolute_error', 'huber', 'quantile'}, optional
        Loss to minimize. 'squared_error' is half of the squared error. 'poisson' is half of the Poisson deviance, with
        exponential outputs, for targets of at least 0. 'absolute_error' is the absolute error. 'huber' is Huber's loss:
        quadratic for errors up to `huber_delta`, and linear above. 'quantile' is the pinball loss, with which the
        network learns the conditional `quantile` of the targets.
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
        Whether to keep validation samples out of training. Training then stops when R^2 on the validation samples no
        longer improves, and the weights and biases with the best R^2 are kept.
    validation_fraction : float, optional
        Fraction of the samples that are validation samples, between 0 and 1.
    beta_1, beta_2, epsilon : float, optional
        Parameters of Adam.
    n_iter_no_change : int or inf, optional
        See `tol`.
    max_fun : int, optional
        Largest number of evaluations of the loss by the solver 'lbfgs'.
    quantile : float, optional
        Quantile that the network learns with the loss 'quantile', between 0 and 1.
    huber_delta : float, optional
        Largest error for which the loss 'huber' is quadratic, positive.
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
        `KeyboardInterrupt`, and the regressor is unchanged.

    Attributes
    ----------
    loss_, best_loss_ : float
        Loss of the last iteration, and lowest loss of all iterations. With `early_stopping`, `best_loss_` is None. If
        training was interrupted in the first iteration, there is no `loss_`.
    loss_curve_ : list of float
        Loss of each iteration, with regularization: the mean over the mini-batches. The loss of a mini-batch is
        computed before its step.
    validation_scores_ : list of float or None
        With `early_stopping`, R^2 on the validation samples after each iteration.
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
        Output activation: 'exp' with the loss 'poisson', otherwise 'identity'.
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

    If `fit` or `partial_fit` raises an error, the regressor is unchanged. The state of the random generator is also
    restored, unless the network has diverged. Another attempt then draws other numbers. The last step of `fit` is to
    warn of problems of the trained network. If such a warning is turned into an error, the regressor keeps what was
    learnt.

    If the last call was `partial_fit`, a pickle or a copy includes the solver's state, with which the next call
    continues. After `fit`, a pickle or a copy does not include the solver's state.

    With several targets, `loss_` is the mean of the squared errors over the targets, but the steps follow the gradient
    of the sum, as in scikit-learn. With 'lbfgs', scikit-learn gives SciPy the mean of the squared errors, but the
    gradient of their sum. In fastnet, SciPy minimizes the sum of the squared errors.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.neural_network import MLPRegressor
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> regressor = MLPRegressor(solver="lbfgs", activation="tanh", random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> print(f"{regressor.predict([[0.5]])[0]:.1f}")
    1.0
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        loss: str = "squared_error",
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
        quantile: float = 0.5,
        huber_delta: float = 1.0,
        dropout: float = 0.0,
        image_shape: Sequence[int] | None = None,
        engine: str = "numba",
        keep_if_interrupted: bool = False,
    ) -> None:
        self.loss = loss
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
        self.quantile = quantile
        self.huber_delta = huber_delta
        self.dropout = dropout
        self.image_shape = image_shape
        self.engine = engine
        self.keep_if_interrupted = keep_if_interrupted

    @with_callbacks
    def fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        X_val: Any = None,  # noqa: N803
        y_val: npt.ArrayLike | None = None,
        sample_weight_val: npt.ArrayLike | None = None,
    ) -> MLPRegressor:
        """Train on samples until there is no more improvement, or for `max_iter` iterations.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
            The desired outputs.
        sample_weight : array_like, shape (n_samples,), optional
            Weight of each sample, at least 0.
        X_val, y_val, sample_weight_val : optional
            Samples for early stopping, at least two, used instead of a part of `X` and `y`. Apart from the number of
            samples, the shapes are those of `X`, `y` and `sample_weight`.

        Returns
        -------
        MLPRegressor
            This regressor.

        Raises
        ------
        ImportError
            If a package that the engine needs is not installed.
        TypeError, ValueError
            If a parameter or an argument has a wrong type or value. If the network diverges, because the learning rate,
            the inputs or the targets are too large.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale.
        ConvergenceWarning
            If training did not converge, for example within `max_iter` iterations.
        """
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    @for_mini_batches
    def partial_fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> MLPRegressor:
        """Train on the samples once.

        Training begins with the parameters and the solver's state after the last call of `fit` or `partial_fit`. As in
        scikit-learn, a new value of `learning_rate`, `learning_rate_init`, `power_t`, `momentum`, `nesterovs_momentum`,
        `beta_1`, `beta_2` or `epsilon` has no effect until the next `fit`. This method exists only with the solvers
        'sgd' and 'adam'.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.

        Returns
        -------
        MLPRegressor
            This regressor.

        Raises
        ------
        ImportError, TypeError, ValueError
            See `fit`. Also if `early_stopping` is True, because early stopping needs all samples.
        """
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def _cost(self, n_out: int) -> BuiltIn:
        if self.loss == "huber":
            return HuberCost(self.huber_delta)
        if self.loss == "quantile":
            return QuantileCost(self.quantile)
        others: dict[str, BuiltIn] = {
            "squared_error": QuadraticCost,
            "poisson": PoissonCost,
            "absolute_error": AbsoluteErrorCost,
        }
        return others[self.loss]

    def _of_targets(self) -> dict[str, Any]:
        return {"y_numeric": True}

    def _targets(self, y: Any, anew: bool, incremental: bool) -> np.ndarray:
        if is_sparse(y):
            raise ValueError("y is sparse; it must be an array: y.toarray()")
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        if y.dtype.kind not in "fiub":
            raise ValueError(f"y is of type {y.dtype}; it must have numbers")
        targets: np.ndarray = y.reshape(len(y), -1)
        if not anew and targets.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {targets.shape[1]} outputs; the fitted network has {self.n_outputs_}")
        if self.loss == "poisson" and targets.min() < 0:
            raise ValueError(f"y has the number {targets.min():g}; with loss='poisson', targets must be at least 0")
        return targets

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _score_of(self, y: np.ndarray, predicted: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(r2_score(y, predicted, sample_weight=sample_weight))
