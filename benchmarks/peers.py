"""Peers: networks in other libraries, written for speed, with the interface of fastnet's engines.

There is no data loader. The data are stored as the library's own arrays, and nothing is converted inside an epoch.
`ENGINES` has the peers whose libraries are installed. `MISSING` has all other peers, with the reason why they are
missing. All layers are dense. The cost is the quadratic cost or the cross-entropy of sigmoid neurons. The optimizer is
Adam, or gradient descent with or without momentum. The cost and the Adam of scikit-learn differ; see `Sklearn`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnet.engines import contract
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import CrossEntropyCost
from fastnet.formulas.optimizers import Adam, Optimizer


class Peer(contract.Engine):
    """A network in another library, which can only be trained and return its parameters."""

    def set_parameters(self, parameters):
        self._weights, self._biases = self.architecture.book_lists(parameters)

    def parameters(self):
        return self.architecture.parameters(*self._lists())

    def _gradients(self, inputs, targets):
        raise NotImplementedError("a network in another library can only be trained and return its parameters")

    _feed_forward = _copied_optimizer_state = _set_optimizer_state = _cost_and_gradients = _gradients


def change(
    optimizer: Optimizer, gradient: Any, state: tuple, numbers: Any, sqrt: Callable[[Any], Any]
) -> tuple[Any, tuple]:
    """Return the change of a parameter, and the optimizer's new state. No array is changed in place."""
    rate, root = numbers
    if isinstance(optimizer, Adam):
        mean, square = state
        mean = optimizer.beta1 * mean + (1 - optimizer.beta1) * gradient
        square = optimizer.beta2 * square + (1 - optimizer.beta2) * gradient**2
        return -rate * mean / (sqrt(square) / root + optimizer.epsilon), (mean, square)
    if optimizer.state_names:
        velocity = optimizer.momentum * state[0] - rate * gradient
        return velocity, (velocity,)
    return -rate * gradient, ()


def numbers_of_steps(work: contract.Pass) -> np.ndarray:
    """Return two numbers for each mini-batch: the learning rate, and the divisor of the root of Adam's mean square.

    With Adam, the learning rate is divided by the bias correction of the mean, 1 - beta1^t. The powers are computed
    once for all parameters.
    """
    optimizer, steps = work.descent.optimizer, work.steps + 1 + np.arange(len(work.starts))
    if isinstance(optimizer, Adam):
        return np.stack([work.eta / (1 - optimizer.beta1**steps), np.sqrt(1 - optimizer.beta2**steps)], axis=1)
    return np.full((len(steps), 2), [work.eta, 1.0])


class TorchCompiled(Peer):
    """PyTorch with a compiled training step: forward pass, gradients and the optimizer's update in one function."""

    def __init__(self, *arguments: Any) -> None:
        import torch

        super().__init__(*arguments)
        dtype = getattr(torch, self.architecture.dtype.name)
        self._inputs, self._targets = (torch.tensor(a, dtype=dtype) for a in (self.data.inputs, self.data.targets))
        pairs = zip(self._weights, self._biases, strict=True)
        self._tensors = [torch.tensor(array) for w, b in pairs for array in (w, b[:, 0])]
        self._step = None

    def _compile(self, optimizer: Optimizer) -> None:
        import torch

        functions = [getattr(torch, name) for name in self.architecture.activations]
        of_logits = self.architecture.cost is CrossEntropyCost

        def cost(tensors, x, y):
            for w, b, function in zip(tensors[::2], tensors[1::2], functions, strict=True):
                z = torch.nn.functional.linear(x, w, b)
                x = function(z)
            if of_logits:
                return torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum") / len(y)
            return torch.sum((x - y) ** 2) / (2 * len(y))

        gradient = torch.func.grad(cost)

        def step(tensors, state, inputs, targets, mini_batch, numbers):
            nabla = gradient(tensors, inputs[mini_batch], targets[mini_batch])
            for tensor, own, old_state in zip(tensors, nabla, state, strict=True):
                added, new_state = change(optimizer, own, old_state, numbers, torch.sqrt)
                tensor.add_(added)
                for old, new in zip(old_state, new_state, strict=True):
                    old.copy_(new)

        torch.compiler.reset()  # otherwise, after eight networks, steps would run uncompiled
        self._step = torch.compile(step, dynamic=False)
        self._optimizer_state = [tuple(torch.zeros_like(each) for _ in optimizer.state_names) for each in self._tensors]

    def _epoch(self, work):
        import torch

        if self._step is None:
            self._compile(work.descent.optimizer)
        mini_batches = torch.from_numpy(work.order).split(work.mini_batch_size)
        numbers = torch.from_numpy(numbers_of_steps(work).astype(self.architecture.dtype))
        with torch.no_grad():
            for mini_batch, own in zip(mini_batches, numbers, strict=True):
                self._step(self._tensors, self._optimizer_state, self._inputs, self._targets, mini_batch, own)
        return contract.Totals()

    def _lists(self):
        arrays = [each.numpy().copy() for each in self._tensors]
        return arrays[::2], [b[:, np.newaxis] for b in arrays[1::2]]


class Jax(Peer):
    """JAX, with all mini-batches of an epoch in one compiled `scan`; a last, shorter mini-batch has its own call."""

    def __init__(self, *arguments: Any) -> None:
        import jax
        import jax.numpy as jnp

        super().__init__(*arguments)
        jax.config.update("jax_enable_x64", self.architecture.dtype == np.float64)
        self._inputs = jnp.asarray(self.data.inputs.astype(self.architecture.dtype))
        self._targets = jnp.asarray(self.data.targets.astype(self.architecture.dtype))
        pairs = zip(self._weights, self._biases, strict=True)
        self._arrays = [jnp.asarray(array) for w, b in pairs for array in (w.T, b[:, 0])]
        self._optimizer_state = None
        functions = [getattr(jax.nn, name) for name in self.architecture.activations]
        of_logits = self.architecture.cost is CrossEntropyCost

        def cost(arrays, x, y):
            for w, b, function in zip(arrays[::2], arrays[1::2], functions, strict=True):
                z = x @ w + b
                x = function(z)
            if of_logits:
                return jnp.sum(jax.nn.softplus(z) - z * y) / len(y)
            return jnp.sum((x - y) ** 2) / (2 * len(y))

        def epoch(arrays, state, inputs, targets, mini_batches, numbers, optimizer):
            def step(carried, given):
                (arrays, state), (mini_batch, own) = carried, given
                nabla = jax.grad(cost)(arrays, inputs[mini_batch], targets[mini_batch])
                pairs = zip(nabla, state, strict=True)
                added, state = zip(*(change(optimizer, g, kept, own, jnp.sqrt) for g, kept in pairs), strict=True)
                return ([a + b for a, b in zip(arrays, added, strict=True)], list(state)), None

            return jax.lax.scan(step, (arrays, state), (mini_batches, numbers))[0]

        self._run = jax.jit(epoch, donate_argnums=(0, 1), static_argnames="optimizer")

    def _epoch(self, work):
        import jax.numpy as jnp

        optimizer = work.descent.optimizer
        if self._optimizer_state is None:
            self._optimizer_state = [
                tuple(jnp.zeros_like(each) for _ in optimizer.state_names) for each in self._arrays
            ]
        size, numbers = work.mini_batch_size, numbers_of_steps(work).astype(self.architecture.dtype)
        steps = len(work.order) // size
        whole = work.order[: steps * size].reshape(-1, size), numbers[:steps]
        short = work.order[steps * size :].reshape(1, -1), numbers[steps:]
        for part, own in (whole, short):
            if part.size:
                state = self._arrays, self._optimizer_state
                self._arrays, self._optimizer_state = self._run(
                    *state, self._inputs, self._targets, part, own, optimizer
                )
        self._arrays[0].block_until_ready()
        return contract.Totals()

    def _lists(self):
        arrays = [np.array(each) for each in self._arrays]
        return [w.T for w in arrays[::2]], [b[:, np.newaxis] for b in arrays[1::2]]


class Sklearn(Peer):
    """scikit-learn's `MLPClassifier`, which trains on the samples in the given order.

    Its cost is the cross-entropy of a softmax, or of one sigmoid neuron. Its Adam adds epsilon to the root before the
    bias correction. See `computes_the_same`.
    """

    def __init__(self, *arguments: Any) -> None:
        from sklearn.neural_network import MLPClassifier

        super().__init__(*arguments)
        self._labels = self.data.labels(self.architecture.n_out).astype(int)
        self._inputs = self.data.inputs.astype(self.architecture.dtype)
        activation = {"sigmoid": "logistic", "tanh": "tanh"}[self.architecture.activations[0]]
        self._classifier = MLPClassifier(
            self.architecture.sizes[1:-1], activation=activation, alpha=0, shuffle=False, nesterovs_momentum=False
        )
        self._fit(slice(1))  # makes the arrays and an optimizer
        for array, w in zip(self._classifier.coefs_, self._weights, strict=True):
            array[...] = w.T
        for array, b in zip(self._classifier.intercepts_, self._biases, strict=True):
            array[...] = b[:, 0]
        del self._classifier._optimizer  # the next call makes an optimizer with the settings of `_epoch`

    def _fit(self, samples: slice | np.ndarray) -> None:
        classes = np.arange(max(self.architecture.n_out, 2))
        self._classifier.partial_fit(self._inputs[samples], self._labels[samples], classes=classes)

    def _epoch(self, work):
        optimizer = work.descent.optimizer
        if isinstance(optimizer, Adam):
            settings = {"solver": "adam", "epsilon": optimizer.epsilon}
            settings |= {"beta_1": optimizer.beta1, "beta_2": optimizer.beta2}
        else:
            settings = {"solver": "sgd", "momentum": optimizer.momentum}
        self._classifier.set_params(batch_size=work.mini_batch_size, learning_rate_init=work.eta, **settings)
        self._fit(work.order)
        return contract.Totals()

    def _lists(self):
        return [w.T for w in self._classifier.coefs_], [b[:, np.newaxis] for b in self._classifier.intercepts_]


_PEERS = {"torch.compile": ("torch", TorchCompiled), "jax": ("jax", Jax), "scikit-learn": ("sklearn", Sklearn)}
ENGINES = {name: peer for name, (library, peer) in _PEERS.items() if importlib.util.find_spec(library)}
MISSING = {name: f"{library} is not installed" for name, (library, _) in _PEERS.items() if name not in ENGINES}
OF_ANOTHER_COST = {"scikit-learn"}  # peers without the quadratic cost


def computes_the_same(name: str, architecture: Architecture, optimizer: Optimizer) -> bool:
    """Whether a peer has the network's cost, and the same formula as fastnet for the optimizer's step."""
    if name not in OF_ANOTHER_COST:
        return True
    cost = architecture.cost is CrossEntropyCost and architecture.n_out == 1
    return cost and getattr(optimizer, "epsilon_hat", True)
