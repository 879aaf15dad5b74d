"""`MLPRegressor`: scikit-learn's, computed by fastnet."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from fastnet.datasets.sparse import is_sparse
from fastnet.formulas.costs import AbsoluteErrorCost, BuiltIn, HuberCost, PoissonCost, QuadraticCost, QuantileCost
from fastnet.formulas.layers import Layer
from fastnet.neural_network.base import BaseMLP, is_stochastic
from fastnet.neural_network.callbacks import with_callbacks

LOSSES = ("squared_error", "poisson", "absolute_error", "huber", "quantile")


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A network as a scikit-learn regressor: `sklearn.neural_network.MLPRegressor`, computed by fastnet.

    All that scikit-learn's has, this has, and it means the same. From the same integer `random_state`, both become the
    same network, up to rounding. Three losses and the last six parameters are fastnet's own.

    Parameters
    ----------
    loss : {'squared_error', 'poisson', 'absolute_error', 'huber', 'quantile'}, optional
        What is lowered: half of the squared error; half of the Poisson deviance, for targets from 0, with exponential
        outputs; the absolute error; Huber's loss, squared up to `huber_delta` and linear beyond; or the loss with which
        the network learns the `quantile` of the targets.
    hidden_layer_sizes : int, or sequence of int and Layer, optional
        The number of neurons in each hidden layer. Instead of a number, a layer of `fastnet` may stand:
        `(Convolution(20, 5, "relu"), MaxPooling(2), Dense(100, "tanh"))`.
    activation : {'relu', 'identity', 'logistic', 'tanh', 'leaky_relu', 'gelu'}, optional
        The activation function of hidden layers that have none of their own.
    solver : {'adam', 'sgd', 'lbfgs'}, optional
        How the weights follow the gradient: Adam, gradient descent, or SciPy's L-BFGS-B over all samples at once.
    alpha : float, optional
        The strength of L2 regularization, from 0; it is divided by the sum of the weights of a mini-batch's samples.
    batch_size : int or 'auto', optional
        The number of samples in a mini-batch; 'auto' is 200, or all samples if they are fewer.
    learning_rate : {'constant', 'invscaling', 'adaptive'}, optional
        How the learning rate of the solver 'sgd' falls. 'invscaling': it is `learning_rate_init / (t_ + 1)**power_t`.
        'adaptive': it is divided by 5, instead of stopping, each time that there is no improvement.
    learning_rate_init : float, optional
        The learning rate, positive, of the solvers 'sgd' and 'adam'.
    power_t : float, optional
        See `learning_rate`.
    max_iter : int, optional
        How many times to go through the samples, at most; the number of iterations of 'lbfgs'.
    shuffle : bool, optional
        Whether each iteration takes the samples in a new random order.
    random_state : int, RandomState or None, optional
        What the initial parameters, the order of the samples, the validation samples, and dropout come from. With the
        same integer, the same engine gives the same result, bit for bit.
    tol : float, optional
        Training stops when the loss, or with `early_stopping` the validation score, has not improved by this in more
        than `n_iter_no_change` iterations in succession.
    verbose : bool or int, optional
        Whether to print a line for each iteration.
    warm_start : bool, optional
        Whether `fit` goes on with the parameters that it finds.
    momentum : float, optional
        The momentum of 'sgd', from 0 to 1.
    nesterovs_momentum : bool, optional
        Whether it is Nesterov's.
    early_stopping : bool, optional
        Whether to keep a part of the samples out of training. Training stops when R^2 on it grows no more, and the
        parameters with which it was best are kept.
    validation_fraction : float, optional
        How large that part is, between 0 and 1.
    beta_1, beta_2, epsilon : float, optional
        Adam's.
    n_iter_no_change : int or inf, optional
        See `tol`.
    max_fun : int, optional
        The largest number of times that 'lbfgs' may compute the loss.
    quantile : float, optional
        Which quantile the loss 'quantile' is for, between 0 and 1.
    huber_delta : float, optional
        Up to which size the loss 'huber' squares an error, positive.
    dropout : float, optional
        The probability with which a hidden neuron is left out in training, from 0 to less than 1, for each sample anew.
        For dense layers only: among others, put `Dropout` where it belongs.
    image_shape : tuple (maps, height, width), optional
        The shape of a sample, if the first layers take images; its numbers are in a row, map by map and row by row. By
        default, n*n features are an image of one map, and 3*n*n features one of three maps.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        What computes, as for `network2.Network`.
    keep_if_interrupted : bool, optional
        Whether Ctrl-C ends `fit` with a warning, and what was learnt until then is kept. By default `KeyboardInterrupt`
        is raised, and the regressor is as it was before.

    Attributes
    ----------
    loss_, best_loss_ : float
        The last and the lowest loss; the latter is None with `early_stopping`.
    loss_curve_ : list of float
        The loss of each iteration: the mean over its mini-batches before their steps, regularization included.
    validation_scores_ : list of float or None
        With `early_stopping`, R^2 on the validation samples after each iteration.
    best_validation_score_ : float or None
        The highest of these.
    t_ : int
        The number of samples that the network was trained on, in all iterations.
    coefs_, intercepts_ : list of ndarray
        The weights of each layer, of shape (n_in, n_out), and of a convolution (filters, maps, rows, columns); and the
        biases. They may be assigned: what does not fit, or is not finite, is refused when it is used.
    normalization_ : list of dict of str to ndarray
        The arrays of each `BatchNormalization`. They may be assigned, likewise.
    n_iter_ : int
        The number of iterations of the last `fit` or `partial_fit`.
    n_layers_, n_outputs_ : int
        The number of layers that have weights, and one for the inputs; the number of output neurons.
    out_activation_ : str
        'identity', or 'exp' with the loss 'poisson'.
    n_features_in_ : int
        The number of inputs.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Their names, if the inputs had some in `fit`.

    Notes
    -----
    The precision is that of `X`: float32, or float64 for all other types; with 'lbfgs' always float64, as in
    scikit-learn.

    In any thread but the main one, 'numba' computes in that thread alone: so a search that trains several networks at
    once, with joblib's threads or Dask, gives each its processor.

    SciPy sparse inputs are never made dense by the engine 'numba' if the first layer is dense; the others make one
    mini-batch dense at a time.

    Where `fit` or `partial_fit` fails, the regressor is as it was before, fitted or not. The warnings of `fit` come
    last: where they are turned into errors, the regressor has what was learnt.

    A pickle or a copy holds what the next `partial_fit` goes on with if the last call was one. What Adam remembers
    after `fit` is left out.

    Of several targets, `loss_` has the mean of the squared errors over the targets. The steps follow the gradient of
    their sum. Both are as in scikit-learn. With 'lbfgs', scikit-learn gives SciPy that gradient and the mean, which do
    not belong together. Here, SciPy minimizes the sum.

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
        """Train on samples, until it helps no more.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.
        y : array_like, shape (n_samples,) or (n_samples, n_outputs)
            The desired outputs.
        sample_weight : array_like, shape (n_samples,), optional
            The weight of each sample, from 0.
        X_val, y_val, sample_weight_val : optional
            Samples to use for early stopping, instead of a part of the above.

        Returns
        -------
        MLPRegressor
            Itself.

        Raises
        ------
        ImportError
            If what the engine needs is not installed.
        TypeError, ValueError
            If a parameter or an argument is not of that form; or if there is no number left in the network, which
            happens when the learning rate is too large, or the inputs or targets are.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale.
        ConvergenceWarning
            If training stopped at `max_iter` and might have gone on.
        """
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))
        return self

    @available_if(is_stochastic)
    def partial_fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> MLPRegressor:
        """Go through samples once, from the parameters and what the solver remembers, as the last call left them.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        MLPRegressor
            Itself.

        Raises
        ------
        ImportError, TypeError, ValueError
            As `fit` does; or if `early_stopping` is set, for which there would have to be all samples.
        """
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def _cost(self, n_out: int) -> BuiltIn:
        if self.loss == "huber":
            return HuberCost(self.huber_delta)
        if self.loss == "quantile":
            return QuantileCost(self.quantile)
        return {"squared_error": QuadraticCost, "poisson": PoissonCost, "absolute_error": AbsoluteErrorCost}[self.loss]

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
            raise ValueError(f"y has {targets.shape[1]} outputs; the network to go on with has {self.n_outputs_}")
        if self.loss == "poisson" and targets.min() < 0:
            raise ValueError(f"y has the number {targets.min():g}; with loss='poisson', it must be at least 0")
        return targets

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _score_of(self, y: np.ndarray, predicted: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(r2_score(y, predicted, sample_weight=sample_weight))
