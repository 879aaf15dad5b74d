"""The same network in other libraries, each written as its own users would for speed, behind fastnet's contract.

No data loader, the data where the arithmetic is, nothing converted inside an epoch. `ENGINES` lists those whose
libraries are installed, `MISSING` the others with the reason.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from fastnet.engines import contract


class Peer(contract.Engine):
    """A library that takes part in races: it trains and shows its parameters, which is all that they ask for."""

    def set_parameters(self, parameters):
        self._weights, self._biases = self.architecture.book_lists(parameters)

    def parameters(self):
        return self.architecture.parameters(*self._lists())

    def _gradients(self, inputs, targets):
        raise NotImplementedError("a peer only trains")

    _feed_forward = _memory_copied = _set_memory = _cost_and_gradients = _gradients


class TorchCompiled(Peer):
    """A training step of PyTorch, compiled: forward, gradients and update in one."""

    def __init__(self, *arguments: Any) -> None:
        import torch

        super().__init__(*arguments)
        dtype = getattr(torch, self.architecture.dtype.name)
        self._inputs, self._targets = (torch.tensor(a, dtype=dtype) for a in (self.data.inputs, self.data.targets))
        self._tensors = [torch.tensor(w) for w in self._weights], [torch.tensor(b[:, 0]) for b in self._biases]

        def cost(weights, biases, x, y):
            for w, b in zip(weights, biases, strict=True):
                x = torch.sigmoid(torch.nn.functional.linear(x, w, b))
            return torch.sum((x - y) ** 2) / (2 * len(x))

        gradient = torch.func.grad(cost, argnums=(0, 1))

        def step(weights, biases, inputs, targets, mini_batch, eta):
            nabla = gradient(weights, biases, inputs[mini_batch], targets[mini_batch])
            for tensors, gradients in zip((weights, biases), nabla, strict=True):
                for tensor, change in zip(tensors, gradients, strict=True):
                    tensor.sub_(eta * change)

        torch.compiler.reset()  # or after eight networks it would go on uncompiled
        self._step = torch.compile(step, dynamic=False)

    def _epoch(self, work):
        import torch

        with torch.no_grad():
            for mini_batch in torch.from_numpy(work.order).split(work.mini_batch_size):
                self._step(*self._tensors, self._inputs, self._targets, mini_batch, work.eta)
        return contract.Totals()

    def _lists(self):
        weights, biases = self._tensors
        return [w.numpy().copy() for w in weights], [b.numpy()[:, np.newaxis].copy() for b in biases]


class Jax(Peer):
    """JAX, with all mini-batches of an epoch in one compiled `scan`; a last, shorter one in a call of its own."""

    def __init__(self, *arguments: Any) -> None:
        import jax
        import jax.numpy as jnp

        super().__init__(*arguments)
        self._inputs = jnp.asarray(self.data.inputs.astype(self.architecture.dtype))
        self._targets = jnp.asarray(self.data.targets.astype(self.architecture.dtype))
        self._tree = [
            (jnp.asarray(w.T), jnp.asarray(b[:, 0])) for w, b in zip(self._weights, self._biases, strict=True)
        ]

        def cost(parameters, x, y):
            for w, b in parameters:
                x = jax.nn.sigmoid(x @ w + b)
            return jnp.sum((x - y) ** 2) / (2 * len(x))

        def epoch(parameters, inputs, targets, mini_batches, eta):
            def step(parameters, mini_batch):
                nabla = jax.grad(cost)(parameters, inputs[mini_batch], targets[mini_batch])
                return jax.tree.map(lambda p, g: p - eta * g, parameters, nabla), None

            return jax.lax.scan(step, parameters, mini_batches)[0]

        self._run = jax.jit(epoch, donate_argnums=0)

    def _epoch(self, work):
        whole = len(work.order) - len(work.order) % work.mini_batch_size
        for part in (work.order[:whole].reshape(-1, work.mini_batch_size), work.order[whole:].reshape(1, -1)):
            if part.size:
                self._tree = self._run(self._tree, self._inputs, self._targets, part, np.float32(work.eta))
        self._tree[0][0].block_until_ready()
        return contract.Totals()

    def _lists(self):
        weights, biases = zip(*self._tree, strict=True)
        return [np.array(w).T for w in weights], [np.array(b)[:, np.newaxis] for b in biases]


class Sklearn(Peer):
    """scikit-learn's `MLPClassifier`: it has another cost, cross-entropy of a softmax, and shuffles by itself."""

    def __init__(self, *arguments: Any) -> None:
        from sklearn.neural_network import MLPClassifier

        super().__init__(*arguments)
        self._labels = self.data.targets.argmax(axis=1)
        self._inputs = self.data.inputs.astype(self.architecture.dtype)
        self._classifier = MLPClassifier(
            self.architecture.sizes[1:-1], activation="logistic", solver="sgd", alpha=0, momentum=0, random_state=0
        )

    def _epoch(self, work):
        self._classifier.set_params(batch_size=work.mini_batch_size, learning_rate_init=work.eta)
        classes = np.arange(self.architecture.sizes[-1])
        self._classifier.partial_fit(self._inputs[: len(work.order)], self._labels[: len(work.order)], classes=classes)
        return contract.Totals()

    def _lists(self):
        return [w.T for w in self._classifier.coefs_], [b[:, np.newaxis] for b in self._classifier.intercepts_]


_PEERS = {"torch.compile": ("torch", TorchCompiled), "jax": ("jax", Jax), "scikit-learn": ("sklearn", Sklearn)}
ENGINES = {name: peer for name, (library, peer) in _PEERS.items() if importlib.util.find_spec(library)}
MISSING = {name: f"{library} is not installed" for name, (library, _) in _PEERS.items() if name not in ENGINES}
OF_ANOTHER_COST = {"scikit-learn"}
