"""The cost of a mini-batch and its derivatives, computed without fastnet.

Parameters may have axes in front of their own: one stack of arrays is as many networks, computed at once.
"""

import numpy as np
from engines.names import ACTIVATIONS, COSTS

from fastnet.formulas import dropout


def transposed(matrices):
    return np.swapaxes(matrices, -1, -2)


def dense(layer, parameters, x, factors):
    return x @ transposed(parameters["weights"]) + transposed(parameters["biases"])


def batch_normalization(layer, parameters, x, factors):
    """Normalize by the mini-batch."""
    mean, variance = x.mean(axis=-2, keepdims=True), x.var(axis=-2, keepdims=True)
    normalized = (x - mean) / np.sqrt(variance + layer.epsilon)
    return normalized * transposed(parameters["gamma"]) + transposed(parameters["beta"])


def dropped(layer, parameters, x, factors):
    return x if factors is None else x * factors


FORWARD = {"Dense": dense, "BatchNormalization": batch_normalization, "Dropout": dropped}


def factors_of(architecture, seed, first, samples):
    """Return what the inputs of each layer are multiplied by: None where it is not Dropout."""
    widths = [shape[0] for shape in architecture.shapes]
    probabilities = [getattr(layer, "p", None) for layer in architecture.layers]
    widths = [0 if p is None else width for width, p in zip(widths, probabilities, strict=False)]
    each = np.repeat([p or 0 for p in probabilities], widths).astype(np.float32)
    kept = np.split(dropout.kept(seed, first, samples, each), np.cumsum(widths)[:-1], axis=1)
    return [None if p is None else k / (1 - p) for p, k in zip(probabilities, kept, strict=True)]


class Truth:
    """The mean cost over a mini-batch, with regularization, as a function of the parameters."""

    def __init__(self, architecture, inputs, targets, *, factors=None, sample_weights=1.0, l2=0.0, l1=0.0):
        self.layers, self.trained = architecture.layers, architecture.trained
        losses = getattr(COSTS.get(getattr(architecture.cost, "__name__", None)), "losses", None)
        self.losses = losses and losses[self.layers[-1].activation]
        self.inputs, self.targets, self.sample_weights = inputs, targets, sample_weights
        self.factors = factors or [None] * len(self.layers)
        self.l2, self.l1 = l2, l1

    def forward(self, parameters):
        """Return the outputs' z, and the sign of everything that has a kink at 0."""
        z, signs = self.inputs, []
        for layer, own, factors in zip(self.layers, parameters, self.factors, strict=True):
            z = FORWARD[type(layer).__name__](layer, own, z, factors)
            activation = ACTIVATIONS.get(getattr(layer, "activation", None))
            if activation is None or layer is self.layers[-1]:
                continue
            if activation.kinked:
                signs.append(np.sign(z))
            z = activation.function(z)
        return z, signs

    def costs(self, parameters):
        """Return the cost of each network without regularization, and all signs on which its derivative depends."""
        z, signs = self.forward(parameters)
        return np.sum(self.losses(z, self.targets) * self.sample_weights, axis=-1) / len(self.inputs), signs

    def gradient(self, parameters):
        """Return the derivative by each trained array, and whether it is accurate.

        The derivative of the cost is a central difference of fourth order. It is accurate where no sign changes as far
        as the cost was computed, and where twice the distance gives the same.
        """
        flat = flattened(self.trained, parameters)
        _, signs = self.costs(parameters)
        h, costs, accurate = 1e-4, {}, True
        for k in (-4, -2, -1, 1, 2, 4):
            costs[k], others = self.costs(self.unflattened(flat + k * h * np.eye(len(flat))))
            accurate &= all((other == sign).all() for other, sign in zip(others, signs, strict=True))
        near, far = ((8 * (costs[k] - costs[-k]) - (costs[2 * k] - costs[-2 * k])) / (12 * k * h) for k in (1, 2))
        accurate &= np.linalg.norm(near - far) <= 1e-7 * np.linalg.norm(near) + 1e-11
        return near + flattened(self.trained, [self.decay(own) for own in parameters]), bool(accurate)

    def decay(self, arrays):
        """Return the derivative of the regularization, which is of the weights only."""
        of_weights = {name: self.l2 * w + self.l1 * np.sign(w) for name, w in arrays.items() if name == "weights"}
        return {name: np.zeros_like(array) for name, array in arrays.items()} | of_weights

    def unflattened(self, flat):
        """Return networks' parameters, given the trained ones of each network as a row."""
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
