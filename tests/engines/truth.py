"""The cost of a mini-batch and its derivatives, computed without fastnet, except for the dropout masks.

Parameters may have additional leading axes: stacked arrays are the parameters of several networks, which are computed
at the same time.
"""

from math import prod

import numpy as np
from engines.names import ACTIVATIONS, COSTS, losses_of
from numpy.lib.stride_tricks import sliding_window_view

from fastnet.formulas import dropout
from fastnet.formulas.costs import class_name


def transposed(matrices):
    return np.swapaxes(matrices, -1, -2)


def dense(layer, parameters, x, factors, shape):
    return x @ transposed(parameters["weights"]) + transposed(parameters["biases"])


def convolution(layer, parameters, x, factors, shape):
    """Return the weighted inputs z of a convolution: products of all windows and filters, plus the biases."""
    (rows, columns), images = layer.shape, x.reshape(*x.shape[:-1], *shape)
    if layer.padding == "same":
        around = [((n - 1) // 2, n // 2) for n in (rows, columns)]  # if n - 1 is odd, the end gets one pixel more
        images = np.pad(images, [(0, 0)] * (images.ndim - 2) + around)
    windows = sliding_window_view(images, (rows, columns), axis=(-2, -1))
    z = np.einsum("...mahwrc,...farc->...mfhw", windows, parameters["weights"], optimize=True)
    z = z + parameters["biases"][..., np.newaxis, :, :, np.newaxis]
    return z.reshape(*z.shape[:-3], -1)


def pooling_windows(layer, x, shape):
    """Return the pooling windows of images as vectors, in an array of shape (..., samples, windows, pixels)."""
    images = x.reshape(*x.shape[:-1], *shape)
    windows = sliding_window_view(images, layer.shape, axis=(-2, -1))
    windows = windows[..., :: layer.shape[0], :: layer.shape[1], :, :]
    return windows.reshape(*x.shape[:-1], -1, layer.shape[0] * layer.shape[1])


def max_pooling(layer, parameters, x, factors, shape):
    return pooling_windows(layer, x, shape).max(axis=-1)


def batch_normalization(layer, parameters, x, factors, shape):
    """Normalize each map with its mean and variance over the mini-batch."""
    maps = x.reshape(*x.shape[:-1], shape[0], -1)
    mean, variance = (moment(axis=(-3, -1), keepdims=True) for moment in (maps.mean, maps.var))
    gamma, beta = (parameters[name][..., np.newaxis, :, :] for name in ("gamma", "beta"))
    z = (maps - mean) / np.sqrt(variance + layer.epsilon) * gamma + beta
    return z.reshape(*z.shape[:-2], -1)


def dropped(layer, parameters, x, factors, shape):
    if factors is None:
        return x if layer.inverted else x * (1 - layer.p)
    return x * factors


FORWARD = {
    "Dense": dense,
    "Convolution": convolution,
    "MaxPooling": max_pooling,
    "BatchNormalization": batch_normalization,
    "Dropout": dropped,
}


def factors_of(architecture, seed, first, samples):
    """Return a list with the factors of each Dropout layer's inputs, and None for every other layer."""
    widths = [prod(shape) for shape in architecture.shapes]
    probabilities = [getattr(layer, "p", None) for layer in architecture.layers]
    widths = [0 if p is None else width for width, p in zip(widths, probabilities, strict=False)]
    each = np.repeat([p or 0 for p in probabilities], widths).astype(np.float32)
    kept = np.split(dropout.kept(seed, first, samples, each), np.cumsum(widths)[:-1], axis=1)
    divisors = [1 - layer.p if getattr(layer, "inverted", False) else 1 for layer in architecture.layers]
    return [None if p is None else k / divisor for p, k, divisor in zip(probabilities, kept, divisors, strict=True)]


class Truth:
    """The mean cost over a mini-batch, with regularization, as a function of the parameters."""

    def __init__(
        self, architecture, inputs, targets, *,
        factors=None, sample_weights=1.0, l2=0.0, l1=0.0, weighted_mean=False,
    ):  # fmt: skip
        self.layers, self.shapes, self.trained = architecture.layers, architecture.shapes, architecture.trained
        own = COSTS.get(class_name(architecture.cost))  # None for a custom cost
        self.losses = own and losses_of(architecture.cost, self.layers[-1].activation)
        self.kinks = own.kinks if own else lambda z, y: []
        self.inputs, self.targets, self.sample_weights = inputs, targets, sample_weights
        self.factors = factors or [None] * len(self.layers)
        weight = np.sum(np.broadcast_to(sample_weights, len(inputs)))
        self.divisor = (weight or np.inf) if weighted_mean else len(inputs)
        self.l2, self.l1 = (each / (self.divisor if weighted_mean else 1) for each in (l2, l1))

    def forward(self, parameters):
        """Return z of the outputs, and a list.

        The list contains the signs of z before kinked activations, and the argmax of pooling windows.
        """
        z, signs = self.inputs, []
        for layer, shape, own, factors in zip(self.layers, self.shapes, parameters, self.factors, strict=False):
            if type(layer).__name__ == "MaxPooling":
                signs.append(pooling_windows(layer, z, shape).argmax(axis=-1))
            z = FORWARD[type(layer).__name__](layer, own, z, factors, shape)
            activation = ACTIVATIONS.get(getattr(layer, "activation", None))
            if activation is None or layer is self.layers[-1]:
                continue
            if activation.kinked:
                signs.append(np.sign(z))
            z = activation.function(z)
        return z, signs

    def costs(self, parameters):
        """Return each network's cost without regularization, and all signs on which the cost's derivative depends."""
        z, signs = self.forward(parameters)
        signs += [np.sign(each) for each in self.kinks(z, self.targets)]
        return np.sum(self.losses(z, self.targets) * self.sample_weights, axis=-1) / self.divisor, signs

    def penalty(self, parameters):
        """Return the term that L2 regularization adds to the cost."""
        return self.l2 / 2 * sum(np.sum(own["weights"] ** 2) for own in parameters if "weights" in own)

    def gradient(self, parameters):
        """Return the derivative of the cost with respect to all trained parameters, and whether it is accurate.

        The derivative is a vector of central differences of fourth order, plus the regularization's exact derivative.
        The differences are accurate under three conditions. No sign and no argmax changes between the points of a
        difference. Twice the step gives nearly the same differences. The cost's rounding error divided by the step is
        at most 1e-9.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # an infinite cost makes the derivative inaccurate
            return self._gradient(parameters)

    def _gradient(self, parameters):
        flat = flattened(self.trained, parameters)
        _, signs = self.costs(parameters)
        h, costs, accurate = 1e-4, {}, True
        for k in (-4, -2, -1, 1, 2, 4):
            costs[k], others = self.costs(self.unflattened(flat + k * h * np.eye(len(flat))))
            accurate &= all((other == sign).all() for other, sign in zip(others, signs, strict=True))
        near, far = ((8 * (costs[k] - costs[-k]) - (costs[2 * k] - costs[-2 * k])) / (12 * k * h) for k in (1, 2))
        accurate &= np.linalg.norm(near - far) <= 1e-7 * np.linalg.norm(near) + 1e-11
        # The rounding error of each component is proportional to the cost, and RMSProp may divide by small components.
        accurate &= np.finfo(float).eps * max(np.abs(each).max() for each in costs.values()) / h <= 1e-9
        return near + flattened(self.trained, [self.decay(own) for own in parameters]), bool(accurate)

    def decay(self, arrays):
        """Return the derivative of the regularization term, which contains only weights."""
        of_weights = {name: self.l2 * w + self.l1 * np.sign(w) for name, w in arrays.items() if name == "weights"}
        return {name: np.zeros_like(array) for name, array in arrays.items()} | of_weights

    def unflattened(self, flat):
        """Return the parameters of one or more networks. Each row of `flat` has one network's trained parameters."""
        start, parameters = 0, []
        for trained in self.trained:
            parameters.append({})
            for name, shape in trained.items():
                stop = start + int(np.prod(shape))
                parameters[-1][name] = flat[..., start:stop].reshape(*flat.shape[:-1], *shape)
                start = stop
        return parameters


def flattened(trained, parameters):
    """Return all trained parameters as one vector, given their names by layer."""
    pairs = zip(parameters, trained, strict=True)
    return np.concatenate([np.ravel(own[name]) for own, names in pairs for name in names])
