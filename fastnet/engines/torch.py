"""PyTorch, on the CPU or a CUDA device: the usual training step, with its automatic gradients, and no data loader.

The data lie on the device, and a mini-batch is indexed out of them. There are three ways to run the step: eager, a call
from Python for each operation; compiled, by `torch.compile`; and captured, where a CUDA graph holds many steps, and
Python is back only after all of them.

On the CPU, the same seed gives the same bits again with the same number of threads (`torch.set_num_threads`). In
mini-batches too small to be divided, which are computed in one thread, their number makes no difference to training,
but it can to outputs and costs, which are computed for thousands of samples at a time.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.contract import Arrays, Descent, Pass, Receiver
from fastnet.formulas.costs import CrossEntropyCost, LogLikelihoodCost, QuadraticCost

Work: TypeAlias = Callable[[], None]

_SAMPLES_AT_A_TIME = 4096  # when feeding forward only: bounds the memory that it takes
_WORTHWHILE = 2_000_000  # multiplications in a mini-batch, for which PyTorch is faster with several threads
_STEPS_IN_A_GRAPH = 200
_WARM_UP = 3  # steps before a capture, in which PyTorch and its libraries allocate what they keep
_ACTIVATIONS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


class Eager(contract.Engine):
    """Tensors in the book's shapes, `torch.optim.SGD`, and a call from Python for each operation."""

    calls_no_function = "engine 'torch' has its gradients from PyTorch and cannot call"
    device: ClassVar[str] = "cpu"

    _optimizer: torch.optim.SGD | None = None

    @cached_property
    def _as_tensor(self) -> dict[str, Any]:
        return {"dtype": getattr(torch, self.architecture.dtype.name), "device": self.device}

    @cached_property
    def _weights_here(self) -> list[torch.Tensor]:
        shapes = [(n_out, n_in) for n_in, n_out in pairwise(self.architecture.sizes)]
        return [torch.zeros(shape, requires_grad=True, **self._as_tensor) for shape in shapes]

    @cached_property
    def _biases_here(self) -> list[torch.Tensor]:
        return [torch.zeros(n_out, requires_grad=True, **self._as_tensor) for n_out in self.architecture.sizes[1:]]

    def _lay_out(self, data: Dataset) -> None:
        rows = data.rows
        self._inputs = _SparseRows(rows, self._tensor) if isinstance(rows, SparseInputs) else self._tensor(rows)
        self._targets = self._tensor(data.targets)

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        with torch.no_grad():
            for tensor, array in zip(self._weights_here, weights, strict=True):
                tensor.copy_(self._tensor(array))
            for tensor, array in zip(self._biases_here, biases, strict=True):
                tensor.copy_(self._tensor(array[:, 0]))

    def parameters(self) -> tuple[Arrays, Arrays]:
        weights, biases = (
            [tensor.detach().cpu().numpy().copy() for tensor in tensors]
            for tensors in (self._weights_here, self._biases_here)
        )
        return weights, [b[:, np.newaxis] for b in biases]

    def _epoch(self, work: Pass) -> None:
        self._set_eta(work.eta, work.descent)
        factors = None if work.kept is None else self._tensor(work.kept) / (1 - work.descent.dropout)
        # Ctrl-C in the middle of another computation may have left gradients switched off.
        with self._threads(work.mini_batch_size), torch.enable_grad():
            order = torch.from_numpy(work.order).to(self.device)
            self._train(order, work.mini_batch_size, work.descent, factors)
        if self.device == "cuda":
            torch.cuda.synchronize()  # or the epoch would still be going on, and its time be that of asking for it

    @contextlib.contextmanager
    def _threads(self, mini_batch_size: int) -> Iterator[None]:
        """Keep PyTorch to one thread, if a mini-batch is too small to be divided: they would wait for one another."""
        multiplications = mini_batch_size * sum(n_in * n_out for n_in, n_out in pairwise(self.architecture.sizes))
        before = torch.get_num_threads()
        if multiplications < _WORTHWHILE:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _train(self, order: torch.Tensor, mini_batch_size: int, descent: Descent, factors: torch.Tensor | None) -> None:
        """Take a step for each mini-batch."""
        for start in range(0, len(order), mini_batch_size):
            part = slice(start, start + mini_batch_size)
            self._step(order[part], descent, None if factors is None else factors[part])

    def _step(self, mini_batch: torch.Tensor, descent: Descent, factors: torch.Tensor | None) -> None:
        assert self._optimizer is not None
        self._optimizer.zero_grad()
        cost = self._cost(self._inputs[mini_batch], self._targets[mini_batch], factors)
        if descent.l1:
            cost = cost + descent.l1 * sum(w.abs().sum() for w in self._weights_here)
        cost.backward()
        self._optimizer.step()

    def _set_eta(self, eta: float, descent: Descent) -> None:
        """Set what the optimizer follows, which keeps the velocity: PyTorch's is the book's without the eta."""
        if self._optimizer is None:
            groups = [{"params": self._weights_here}, {"params": self._biases_here}]
            self._optimizer = torch.optim.SGD(groups, lr=eta, foreach=True)
        of_weights, of_biases = self._optimizer.param_groups
        of_weights["weight_decay"], before = descent.l2, of_weights["lr"]
        for group in (of_weights, of_biases):
            group["lr"], group["momentum"] = eta, descent.momentum
        if before == eta:
            return
        for tensor in self._weights_here + self._biases_here:
            velocity = self._optimizer.state[tensor].get("momentum_buffer")
            if velocity is not None:
                velocity.mul_(before / eta)

    def _velocities(self) -> tuple[Arrays, Arrays] | None:
        if self._optimizer is None:
            return None
        tensors = self._weights_here + self._biases_here
        buffers = [self._optimizer.state[tensor].get("momentum_buffer") for tensor in tensors]
        arrays = [buffer.cpu().numpy().copy() for buffer in buffers if buffer is not None]
        depth = len(self._weights_here)
        return (arrays[:depth], [b[:, np.newaxis] for b in arrays[depth:]]) if arrays else None

    def _set_velocities(self, weights: Arrays, biases: Arrays) -> None:
        self._set_eta(self._eta, Descent())
        assert self._optimizer is not None
        for tensor, velocity in zip(
            self._weights_here + self._biases_here, [*weights, *(b[:, 0] for b in biases)], strict=True
        ):
            self._optimizer.state[tensor]["momentum_buffer"] = self._tensor(velocity)

    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        with torch.enable_grad():
            cost = self._cost(self._tensor(inputs), self._tensor(targets), None)
            nabla = torch.autograd.grad(cost, self._weights_here + self._biases_here)
        arrays = [each.cpu().numpy() for each in nabla]
        layers = len(self._weights_here)
        return [each[:, np.newaxis] for each in arrays[layers:]], arrays[:layers]

    def _feed_forward(self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver) -> None:
        rows = inputs.rows if isinstance(inputs, Dataset) else inputs
        for part in contract.parts(rows, _SAMPLES_AT_A_TIME):
            with torch.no_grad():
                receive(part, self._weighted_inputs(self._tensor(rows[part]), None).cpu().numpy())

    def _cost(self, inputs: torch.Tensor, targets: torch.Tensor, factors: torch.Tensor | None) -> torch.Tensor:
        """Return the mean cost over the samples, where hidden neurons are multiplied by factors, a row a sample."""
        functional, z = torch.nn.functional, self._weighted_inputs(inputs, factors)
        if self.architecture.cost is QuadraticCost:
            total = functional.mse_loss(torch.sigmoid(z), targets, reduction="sum") / 2
        elif self.architecture.cost is CrossEntropyCost:
            total = functional.binary_cross_entropy_with_logits(z, targets, reduction="sum")
        else:
            assert self.architecture.cost is LogLikelihoodCost
            total = functional.cross_entropy(z, targets, reduction="sum")
        return total / len(inputs)

    def _weighted_inputs(self, inputs: torch.Tensor, factors: torch.Tensor | None) -> torch.Tensor:
        """Return z of the output layer, where hidden neurons are multiplied by factors, a row a sample."""
        linear, activation = torch.nn.functional.linear, _ACTIVATIONS[self.architecture.activation]
        *hidden, (w_out, b_out) = zip(self._weights_here, self._biases_here, strict=True)
        layers = [None] * len(hidden) if factors is None else factors.split(self.architecture.sizes[1:-1], dim=1)
        a = inputs
        for (w, b), factor in zip(hidden, layers, strict=True):
            a = activation(linear(a, w, b))
            if factor is not None:
                a = a * factor
        return linear(a, w_out, b_out)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.tensor(array, **self._as_tensor)


class _SparseRows:
    """Inputs that are sparse: those of a mini-batch become a tensor when they are asked for."""

    def __init__(self, inputs: SparseInputs, as_tensor: Callable[[np.ndarray], torch.Tensor]) -> None:
        self._inputs, self._as_tensor = inputs, as_tensor

    def __getitem__(self, samples: torch.Tensor) -> torch.Tensor:
        return self._as_tensor(self._inputs[samples.cpu().numpy()])


class Compiled(Eager):
    """The same, with the cost and its gradient compiled."""

    @cached_property
    def _compiled_cost(self) -> Callable[..., torch.Tensor]:
        torch.compiler.reset()  # or after eight networks it would go on uncompiled
        return torch.compile(super()._cost, dynamic=False)

    def _cost(self, inputs: torch.Tensor, targets: torch.Tensor, factors: torch.Tensor | None) -> torch.Tensor:
        return self._compiled_cost(inputs, targets, factors)


class EagerOnCUDA(Eager):
    """On a CUDA device."""

    device = "cuda"


class CompiledOnCUDA(Compiled):
    """On a CUDA device."""

    device = "cuda"


class Captured(Eager):
    """On a CUDA device, which goes through a graph of many steps by itself."""

    device = "cuda"
    _captured: tuple[tuple[int, float, Descent], Graph] | None = None

    def _train(self, order: torch.Tensor, mini_batch_size: int, descent: Descent, factors: torch.Tensor | None) -> None:
        samples = _STEPS_IN_A_GRAPH * mini_batch_size
        whole = 0 if isinstance(self._inputs, _SparseRows) else len(order) // samples * samples
        if whole:
            graph = self._graph(mini_batch_size, descent, factors)
            for start in range(0, whole, samples):
                part = slice(start, start + samples)
                graph.run(order[part], None if factors is None else factors[part])
        super()._train(order[whole:], mini_batch_size, descent, None if factors is None else factors[whole:])

    def _graph(self, mini_batch_size: int, descent: Descent, factors: torch.Tensor | None) -> Graph:
        """Return a graph of steps with these numbers, which are fixed in it; it is captured when they change."""
        assert self._optimizer is not None
        key = mini_batch_size, self._optimizer.param_groups[0]["lr"], descent
        if self._captured is None or self._captured[0] != key:
            samples = _STEPS_IN_A_GRAPH * mini_batch_size
            order = torch.zeros(samples, dtype=torch.int64, device=self.device)
            static = None if factors is None else torch.ones_like(factors[:1]).repeat(samples, 1)
            state = self._state()
            warm_up = slice(0, _WARM_UP * mini_batch_size)
            graph = Graph(
                order,
                static,
                lambda: Eager._train(
                    self, order[warm_up], mini_batch_size, descent, None if static is None else static[warm_up]
                ),
                lambda: Eager._train(self, order, mini_batch_size, descent, static),
            )
            self._restore(state)
            self._captured = key, graph
        return self._captured[1]

    def _state(self) -> list[torch.Tensor]:
        """Return copies of what a step changes: parameters, and velocities that have not been used yet as zeros."""
        assert self._optimizer is not None
        tensors = self._weights_here + self._biases_here
        velocities = [self._optimizer.state[tensor].get("momentum_buffer") for tensor in tensors]
        return [tensor.detach().clone() for tensor in tensors] + [
            torch.zeros_like(tensor) if velocity is None else velocity.clone()
            for tensor, velocity in zip(tensors, velocities, strict=True)
        ]

    def _restore(self, state: list[torch.Tensor]) -> None:
        assert self._optimizer is not None
        tensors = self._weights_here + self._biases_here
        with torch.no_grad():
            for tensor, parameters, velocity in zip(tensors, state, state[len(tensors) :], strict=False):
                tensor.copy_(parameters)
                buffer = self._optimizer.state[tensor].get("momentum_buffer")
                if buffer is not None:
                    buffer.copy_(velocity)


class Graph:
    """Work on a CUDA device that is recorded once, and then done again and again, on other contents of its inputs.

    Parameters
    ----------
    order : Tensor of int64
        Which samples: what `run` is given is copied there.
    factors : Tensor or None
        What hidden neurons are multiplied by, likewise.
    warm_up, work : callable
        What is done before, so that libraries have what they need, and what is recorded. Both change parameters:
        put them back afterwards.
    """

    def __init__(self, order: torch.Tensor, factors: torch.Tensor | None, warm_up: Work, work: Work) -> None:
        self._order, self._factors = order, factors
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            warm_up()
        torch.cuda.current_stream().wait_stream(beside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            work()

    def run(self, order: torch.Tensor, factors: torch.Tensor | None) -> None:
        """Do the work on these samples."""
        self._order.copy_(order)
        if self._factors is not None and factors is not None:
            self._factors.copy_(factors)
        self._graph.replay()


CLASSES: dict[str, type[Eager]] = {
    "torch": Captured if torch.cuda.is_available() else Eager,
    "torch-cpu": Eager,
    "torch-compiled": Compiled,
    "torch-cuda-eager": EagerOnCUDA,
    "torch-cuda-compiled": CompiledOnCUDA,
    "torch-cuda": Captured,
}


def why_missing(name: str) -> str | None:
    """Return what an engine lacks on this machine, if anything."""
    if CLASSES[name].device == "cuda" and not torch.cuda.is_available():
        return "there is no CUDA device"
    if name == "torch-compiled" and not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        return "torch.compile needs a C++ compiler"
    return None
