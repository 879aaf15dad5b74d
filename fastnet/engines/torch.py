"""The PyTorch engine, on the CPU or a CUDA device: the usual training step with autograd, but without a data loader.

The data are stored on the device, where a mini-batch is selected by the indices of its samples. Sparse inputs, however,
stay in NumPy; each step copies the inputs of its mini-batch to the device. A step runs in one of three ways. Eager:
Python calls each operation. Compiled: `torch.compile` compiles the cost and its gradient. Captured: a CUDA graph of
many steps runs without Python.

On the CPU, the same seed gives bit-identical results if the number of threads (`torch.set_num_threads`) is the same.
Small mini-batches are computed in one thread, so training with them does not depend on the number of threads. The
outputs for a data set are computed in all threads, so outputs and costs can depend on the number of threads.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from importlib import import_module
from math import prod
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.contract import Pass, Receiver, Totals
from fastnet.engines.torch_costs import COSTS, LOSSES
from fastnet.engines.torch_layers import FORWARD, Use, activated
from fastnet.engines.torch_optimizers import (
    OptimizerState,
    Tensors,
    before_step,
    change_units,
    is_fixed,
    make,
    prepare,
    unit_of,
)
from fastnet.formulas.architecture import Parameters
from fastnet.formulas.costs import class_name
from fastnet.formulas.layers import Dropout, Shapes
from fastnet.utils import torch_threads

Work: TypeAlias = Callable[[], None]

_SAMPLES_AT_A_TIME = 4096  # largest number of samples that are fed forward together; bounds the memory
_LEAST_MULTIPLICATIONS = 2_000_000  # number of multiplications in a mini-batch above which several threads are faster
_STEPS_IN_A_GRAPH = 200  # number of steps in a CUDA graph
_WARM_UP = 3  # number of steps in which libraries allocate their buffers, before a CUDA graph is captured


class Eager(contract.Engine):
    """The engine in which Python calls each operation, with an optimizer of `torch.optim`."""

    calls_no_function = "engine 'torch' gets its gradients from PyTorch and cannot call"
    calls_custom_activations = True
    device: ClassVar[str] = "cpu"

    _captures: ClassVar[bool] = False
    _optimizer: torch.optim.Optimizer | None = None
    _unit: float = 0.0  # PyTorch's learning rate
    _factor: float = 1.0  # factor of the gradients; see `unit_of`
    _next_step: int = 0

    @cached_property
    def _as_tensor(self) -> dict[str, Any]:
        return {"dtype": getattr(torch, self.architecture.dtype.name), "device": self.device}

    @cached_property
    def _arrays(self) -> Tensors:
        """All arrays of each layer."""
        pairs = zip(self.architecture.trained, self.architecture.statistics, strict=True)
        return [{**self._zeros(trained, requires_grad=True), **self._zeros(rest)} for trained, rest in pairs]

    @cached_property
    def _trained(self) -> Tensors:
        """The trained arrays of each layer."""
        pairs = zip(self._arrays, self.architecture.trained, strict=True)
        return [{name: arrays[name] for name in trained} for arrays, trained in pairs]

    @cached_property
    def _weights(self) -> list[torch.Tensor]:
        return [arrays["weights"] for arrays in self._trained if "weights" in arrays]

    @cached_property
    def _optimizer_state(self) -> OptimizerState:
        return {}

    @cached_property
    def _total(self) -> torch.Tensor:
        """Sums of the costs and penalties of a pass, kept on the device so that no step synchronizes with the CPU."""
        return torch.zeros(2, dtype=torch.float64, device=self.device)

    def _zeros(self, shapes: Shapes, *, requires_grad: bool = False) -> dict[str, torch.Tensor]:
        return {
            name: torch.zeros(shape if name == "weights" else shape[:1], requires_grad=requires_grad, **self._as_tensor)
            for name, shape in shapes.items()
        }

    def _prepare(self, data: Dataset) -> None:
        rows, weights = data.rows, self._sample_weights
        self._inputs = _SparseRows(rows, self._tensor) if isinstance(rows, SparseInputs) else self._tensor(rows)
        self._targets = self._tensor(data.targets)
        self._cost_weights = None if weights is None else self._tensor(weights)

    def train_on(self, data: Dataset) -> None:
        inputs, targets = self._inputs, self._targets
        super().train_on(data)
        if self.device == "cuda" and isinstance(inputs, torch.Tensor) and isinstance(self._inputs, torch.Tensor):
            inputs.copy_(self._inputs)  # a captured graph reads the existing tensors
            targets.copy_(self._targets)
            self._inputs, self._targets = inputs, targets

    def set_parameters(self, parameters: Parameters) -> None:
        with torch.no_grad():
            for arrays, given in zip(self._arrays, self._tensors(parameters), strict=True):
                for name, tensor in arrays.items():
                    tensor.copy_(given[name])

    def parameters(self) -> Parameters:
        return _in_book_shapes(self._arrays)

    def _copied_optimizer_state(self) -> dict[str, Parameters]:
        return {name: _in_book_shapes(tensors) for name, tensors in self._optimizer_state.items()}

    def _set_optimizer_state(self, state: dict[str, Parameters]) -> None:
        self._optimizer_state = {name: self._tensors(arrays) for name, arrays in state.items()}
        self._unit = self._eta
        self._optimizer = None  # the next epoch makes an optimizer with this state

    def _epoch(self, work: Pass) -> Totals:
        self._set_optimizer(work)
        dropped = [each for each in work.factors if each is not None]
        factors = self._tensor(np.concatenate(dropped, axis=1)) if dropped else None
        # Ctrl-C during another computation may have left gradients disabled.
        with self._threads(work.mini_batch_size), torch.enable_grad():
            self._train(torch.from_numpy(work.order).to(self.device), factors, work)
        if self.device == "cuda":
            torch.cuda.synchronize()  # otherwise the time would be measured before the epoch has finished
        return Totals(*self._total.tolist()) if work.with_costs else Totals()

    def _set_optimizer(self, work: Pass) -> None:
        """Prepare the optimizer and the sum of the costs for a pass."""
        if self._optimizer is None:
            capturable = self._captures and self.device == "cuda"
            self._optimizer = make(work.descent.optimizer, self._trained, self._optimizer_state, capturable=capturable)
        before, self._unit = self._unit, unit_of(work.descent.optimizer, self._unit, work.eta)
        self._factor = 1.0 if self._unit == work.eta else work.eta / self._unit
        prepare(self._optimizer, work, self._unit, self._factor)
        change_units(self._optimizer_state, before, self._unit)
        self._eta, self._next_step = self._unit, work.steps
        self._total.zero_()

    def _threads(self, mini_batch_size: int) -> AbstractContextManager[None]:
        """Use one thread for a mini-batch with fewer than `_LEAST_MULTIPLICATIONS`; several threads would be slower."""
        multiplications = mini_batch_size * self.architecture.multiplications
        return torch_threads.limited(1) if multiplications < _LEAST_MULTIPLICATIONS else nullcontext()

    def _train(self, order: torch.Tensor, factors: torch.Tensor | None, work: Pass) -> None:
        """Take a step for each mini-batch.

        `factors` has the dropout factors, one row per sample.
        """
        for start in range(0, len(order), work.mini_batch_size):
            part = slice(start, start + work.mini_batch_size)
            self._step(order[part], None if factors is None else factors[part], work)

    def _step(self, mini_batch: torch.Tensor, factors: torch.Tensor | None, work: Pass) -> None:
        assert self._optimizer is not None
        descent = work.descent
        self._optimizer.zero_grad()
        weights = None if self._cost_weights is None else self._cost_weights[mini_batch]
        inputs, targets = self._inputs[mini_batch], self._targets[mini_batch]
        total, value = self._cost(inputs, targets, weights, factors, keep_statistics=True, accurate=work.with_costs)
        divisor: Any = len(mini_batch)
        if descent.weighted_mean and weights is not None:
            divisor = weights.sum()
            divisor = torch.where(divisor > 0, divisor, torch.inf)
        cost, penalty = total / divisor, torch.zeros(())
        if descent.l1:
            cost = cost + descent.l1 * sum(w.abs().sum() for w in self._weights) / (
                divisor if descent.weighted_mean else 1
            )
        if descent.l2 and (descent.weighted_mean or work.with_penalty):
            squares = torch.stack([w.square().sum() for w in self._weights]).sum()
            penalty = descent.l2 / 2 * squares / (divisor if descent.weighted_mean else 1)
        if descent.weighted_mean:  # otherwise the optimizer applies the weight decay
            cost = cost + penalty
        (cost if self._factor == 1 else self._factor * cost).backward()
        if work.with_costs:
            self._total[0].add_(len(mini_batch) * (value / divisor))
            if work.with_penalty and descent.l2:
                self._total[1].add_(len(mini_batch) * penalty.detach())
        self._next_step += 1
        before_step(self._optimizer, descent.optimizer, self._next_step)
        self._optimizer.step()
        if descent.max_norm:
            with torch.no_grad():
                for w in self._weights:
                    norms = torch.linalg.vector_norm(w, dim=tuple(range(1, w.ndim)), keepdim=True)
                    w.mul_((descent.max_norm / norms).clamp(max=1))

    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> Parameters:
        tensors = [tensor for arrays in self._trained for tensor in arrays.values()]
        with torch.enable_grad():
            total, _ = self._cost(self._tensor(inputs), self._tensor(targets), None, None, keep_statistics=False)
            gradients = iter(torch.autograd.grad(total / len(inputs), tensors))
        return _in_book_shapes([{name: next(gradients) for name in arrays} for arrays in self._trained])

    def _cost_and_gradients(self, data: Dataset) -> tuple[float, Parameters]:
        tensors = [tensor for arrays in self._trained for tensor in arrays.values()]
        total, sums = 0.0, [torch.zeros_like(tensor) for tensor in tensors]
        most = contract.samples_at_a_time(self.architecture, _SAMPLES_AT_A_TIME)
        for part in contract.parts(data.rows, most):
            samples = torch.arange(part.start, part.stop, device=self.device)
            weights = None if self._cost_weights is None else self._cost_weights[samples]
            with torch.enable_grad():
                cost, value = self._cost(
                    self._inputs[samples], self._targets[samples], weights, None, keep_statistics=False, accurate=True
                )
                for each, gradient in zip(sums, torch.autograd.grad(cost, tensors), strict=True):
                    each.add_(gradient)
            total += value.item()
        gradients = iter(sums)
        return total, _in_book_shapes([{name: next(gradients) for name in arrays} for arrays in self._trained])

    def _feed_forward(
        self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver, desired: Dataset | None = None
    ) -> None:
        rows = inputs.rows if isinstance(inputs, Dataset) else inputs
        most = contract.samples_at_a_time(self.architecture, _SAMPLES_AT_A_TIME)
        for part in contract.parts(rows, most):
            with torch.no_grad():
                receive(part, self._weighted_inputs(self._tensor(rows[part])).cpu().numpy(), None)

    def _cost(
        self,
        inputs: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor | None,
        factors: torch.Tensor | None,
        *,
        keep_statistics: bool,
        accurate: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return two tensors, each with the sum of a mini-batch's costs, weighted by the sample weights.

        The first tensor is for derivatives. The second has no derivative. If `accurate` is True, the second tensor is
        accurate even if the sum is small.
        """
        z = self._weighted_inputs(inputs, factors, training=True, keep_statistics=keep_statistics)
        name = class_name(self.architecture.cost)
        costs = COSTS[name](z, targets, self.architecture.outputs, weights is None)
        total = costs if weights is None else (weights @ costs).sum()
        if not accurate or name not in LOSSES:
            return total, total.detach()
        losses = LOSSES[name](z.detach(), targets)
        return total, (losses if weights is None else weights @ losses).sum()

    def _weighted_inputs(
        self,
        inputs: torch.Tensor,
        factors: torch.Tensor | None = None,
        *,
        training: bool = False,
        keep_statistics: bool = False,
    ) -> torch.Tensor:
        """Return z of the output layer.

        If `training`, batch normalization uses the statistics of `inputs`. If `keep_statistics`, batch normalization
        updates its running statistics. `factors` has one column for each input of each Dropout layer.
        """
        a, column = inputs, 0
        *hidden, _ = self.architecture.activations
        layers = zip(self.architecture.layers, self.architecture.shapes, self._arrays, [*hidden, None], strict=False)
        for layer, shape, arrays, activation in layers:
            own = None
            if factors is not None and isinstance(layer, Dropout):
                own, column = factors[:, column : column + prod(shape)], column + prod(shape)
            if a.shape[1:] != shape:
                a = a.reshape(len(a), *shape)
            z = FORWARD[type(layer)](layer, arrays, a, Use(training, keep_statistics, own))
            a = z if activation is None else activated(activation, z)
        return a

    def _tensors(self, parameters: Parameters) -> Tensors:
        return [
            {name: self._tensor(array if name == "weights" else array[:, 0]) for name, array in arrays.items()}
            for arrays in parameters
        ]

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.tensor(array, **self._as_tensor)


def _in_book_shapes(tensors: Tensors) -> Parameters:
    """Return copies of tensors as arrays in the book's shapes, in which vectors are columns."""
    arrays = [{name: each.detach().cpu().numpy().copy() for name, each in layer.items()} for layer in tensors]
    return [
        {name: each if name == "weights" else each[:, np.newaxis] for name, each in layer.items()} for layer in arrays
    ]


class _SparseRows:
    """Sparse inputs. Indexing returns the inputs of a mini-batch as a dense tensor."""

    def __init__(self, inputs: SparseInputs, as_tensor: Callable[[np.ndarray], torch.Tensor]) -> None:
        self._inputs, self._as_tensor = inputs, as_tensor

    def __getitem__(self, samples: torch.Tensor) -> torch.Tensor:
        return self._as_tensor(self._inputs[samples.cpu().numpy()])


class Compiled(Eager):
    """`Eager`, with the cost and its gradient compiled by `torch.compile`."""

    @cached_property
    def _compiled_cost(self) -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
        _import_extensions()
        torch.compiler.reset()  # otherwise `torch.compile` would stop compiling after eight networks
        compiled: Callable[..., tuple[torch.Tensor, torch.Tensor]] = torch.compile(super()._cost, dynamic=False)
        return compiled

    def _cost(
        self, *args: torch.Tensor | None, keep_statistics: bool, accurate: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self._compiled_cost(*args, keep_statistics=keep_statistics, accurate=accurate)


class EagerOnCUDA(Eager):
    """`Eager` on a CUDA device."""

    device = "cuda"


class CompiledOnCUDA(Compiled):
    """`Compiled` on a CUDA device."""

    device = "cuda"


class Captured(Eager):
    """`Eager` on a CUDA device, with `_STEPS_IN_A_GRAPH` steps captured in a CUDA graph."""

    device = "cuda"
    _captures = True
    _captured: tuple[tuple[Any, ...], Graph] | None = None

    def _train(self, order: torch.Tensor, factors: torch.Tensor | None, work: Pass) -> None:
        samples = _STEPS_IN_A_GRAPH * work.mini_batch_size
        captured = is_fixed(work.descent.optimizer) and not isinstance(self._inputs, _SparseRows)
        whole = len(order) // samples * samples if captured else 0
        if whole:
            graph = self._graph(factors, work)
            for start in range(0, whole, samples):
                part = slice(start, start + samples)
                graph.run(order[part], None if factors is None else factors[part])
        super()._train(order[whole:], None if factors is None else factors[whole:], work)

    def _graph(self, factors: torch.Tensor | None, work: Pass) -> Graph:
        """Return a CUDA graph of steps; capture it again if the optimizer or a setting of the graph has changed."""
        rates = self._unit, work.eta
        key = self._optimizer, work.mini_batch_size, rates, work.descent, work.with_costs, work.with_penalty
        if self._captured is None or self._captured[0] != key:
            samples = _STEPS_IN_A_GRAPH * work.mini_batch_size
            order = torch.zeros(samples, dtype=torch.int64, device=self.device)
            static = None if factors is None else torch.ones_like(factors[:1]).repeat(samples, 1)
            changed = self._changed_by_steps()
            before = [tensor.detach().clone() for tensor in changed]
            warm_up = slice(0, _WARM_UP * work.mini_batch_size)
            graph = Graph(
                order,
                static,
                lambda: Eager._train(self, order[warm_up], None if static is None else static[warm_up], work),
                lambda: Eager._train(self, order, static, work),
            )
            with torch.no_grad():
                for tensor, values in zip(changed, before, strict=True):
                    tensor.copy_(values)
            self._captured = key, graph
        return self._captured[1]

    def _changed_by_steps(self) -> list[torch.Tensor]:
        assert self._optimizer is not None
        groups = [*self._arrays, *self._optimizer.state.values()]
        return [*(tensor for tensors in groups for tensor in tensors.values()), self._total]


class Graph:
    """A CUDA graph: steps that are captured once, and then replayed on new samples.

    Parameters
    ----------
    order : Tensor of int64
        Indices of the samples. `run` copies new indices into this tensor.
    factors : Tensor or None
        Factors of the inputs of Dropout layers. `run` copies new factors into this tensor.
    warm_up, work : callable
        Functions that run steps. `warm_up` is called before the capture, so that libraries allocate their buffers.
        `work` is captured. The caller has to restore the tensors that `warm_up` changes, such as the parameters.
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
        """Replay the work on the given samples."""
        self._order.copy_(order)
        if self._factors is not None and factors is not None:
            self._factors.copy_(factors)
        self._graph.replay()


def _import_extensions() -> None:
    """Import the module of PyTorch that `torch.compile` imports, without its log message about a missing GPU.

    The message "No CUDA runtime is found" is for programs that build CUDA extensions. Other messages are shown.
    """
    logger = logging.getLogger("torch.utils.cpp_extension")

    def is_wanted(record: logging.LogRecord) -> bool:
        return "No CUDA runtime is found" not in record.getMessage()

    logger.addFilter(is_wanted)
    try:
        with suppress(ImportError):  # `torch.compile` reports what is missing
            import_module("torch.utils.cpp_extension")
    finally:
        logger.removeFilter(is_wanted)


CLASSES: dict[str, type[Eager]] = {
    "torch": Captured if torch.cuda.is_available() else Eager,
    "torch-cpu": Eager,
    "torch-compiled": Compiled,
    "torch-cuda-eager": EagerOnCUDA,
    "torch-cuda-compiled": CompiledOnCUDA,
    "torch-cuda": Captured,
}


def why_missing(name: str) -> str | None:
    """Return why an engine cannot be used on this machine; None if it can."""
    if CLASSES[name].device == "cuda" and not torch.cuda.is_available():
        return "there is no CUDA device"
    if name == "torch-compiled" and not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        return "torch.compile needs a C++ compiler"
    return None
