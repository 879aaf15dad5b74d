"""The learner that trains a network in the training loop, with checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.engines.contract import Descent, Engine, Totals
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.learning import checkpoints
from fastnet.learning.checkpoints import Checkpoint, CheckpointFile, Earlier
from fastnet.learning.history import Epoch, History
from fastnet.learning.training import Findings, descend
from fastnet.utils import arguments


class TrainedNetwork(Protocol):
    """The attributes of a network that training uses."""

    parameters: Parameters
    """Arrays of each layer by name."""

    def _architecture(self) -> Architecture:
        """Return the layers and the cost."""

    def _checked_parameters(self) -> Parameters:
        """Check the parameters, which the user may have assigned, and return them."""

    def _generator(self) -> Any:
        """Return the random generator: a `numpy.random.RandomState`, or the module `numpy.random`."""


@dataclass
class NetworkLearner:
    """A network that an engine trains.

    Attributes
    ----------
    net : TrainedNetwork
        Network to train. At the end of each epoch, the trained parameters are copied to the network.
    engine : Engine
        Engine with the training data.
    mini_batch_size : int
        Number of samples in a mini-batch.
    descent : Descent
        Optimizer, regularization and dropout seed.
    findings : callable
        Function that measures costs and accuracies of the network.
    with_costs : bool
        Whether `train` returns the mean cost of an epoch.
    deform : callable, optional
        Function that returns the samples of an epoch, given the training data and a seed.
    """

    net: TrainedNetwork
    engine: Engine
    mini_batch_size: int
    descent: Descent
    findings: Callable[[], Findings]
    with_costs: bool = False
    deform: Callable[[Dataset, int], Dataset] | None = None

    def __post_init__(self) -> None:
        assert self.engine.data is not None
        self.data = self.engine.data
        self._earlier = Earlier()  # number and checksum of the epochs in the checkpoint's second file

    def begin(self) -> None:
        """Copy the network's parameters to the engine."""
        parameters = self._parameters()  # the user may have changed the parameters between epochs
        self._before = self.net.parameters
        self.engine.set_parameters(parameters)

    def order(self) -> np.ndarray:
        """Return a new random order of an epoch's samples."""
        return self.engine.permutation(self.net._generator(), len(self.data))

    def train(self, number: int, eta: float, handle_deferred: Callable[[], None]) -> float | None:
        """Train for an epoch. At the end, the trained parameters are copied to the network."""
        if self.deform is not None:
            self.engine.train_on(self.deform(self.data, int(self.net._generator().randint(2**31))))
        order = self.order()
        total = self.descend(number, order, eta, handle_deferred)
        self._assign(self.engine.parameters())
        return None if total is None else total.costs / len(order)

    def train_part(self, order: np.ndarray, eta: float) -> Totals:
        """Train on a part of an epoch, copy the trained parameters to the network, and return the costs."""
        self._before = self.net.parameters
        total = self.engine.epoch(order, self.mini_batch_size, eta, self.descent, with_costs=True)
        self._trained = self.engine.parameters()
        self._assign([{name: array.copy() for name, array in layer.items()} for layer in self._trained])
        assert total is not None
        return total

    def is_as_trained(self) -> bool:
        """Return whether the network still has the parameters from the last call of `train_part`."""
        pairs = zip(arrays_of(self._parameters()), arrays_of(self._trained), strict=True)
        return all(np.array_equal(array, trained) for array, trained in pairs)

    def seed_dropout(self) -> None:
        """Draw the seed of the dropout masks. Without dropout, no seed is drawn, as in the book's program."""
        if len(self.engine.architecture.drop_probabilities):
            self.descent = replace(self.descent, seed=int(self.net._generator().randint(2**31)))

    def descend(self, number: int, order: np.ndarray, eta: float, handle_deferred: Callable[[], None]) -> Totals | None:
        """Train on samples in the given order; return the totals of the costs if `with_costs` is True."""
        return descend(
            self.engine, order, self.mini_batch_size, eta, self.descent,
            title=f"Epoch {number}", handle_deferred=handle_deferred, with_costs=self.with_costs,
        )  # fmt: skip

    def arrays(self) -> Iterable[np.ndarray]:
        """Return the network's parameters."""
        return arrays_of(self.net.parameters)

    def undo(self) -> None:
        """Restore the network's parameters from before the last call of `train` or `train_part`."""
        self.net.parameters = self._before

    def continue_from(self, file: CheckpointFile, history: History) -> Iterable[Epoch]:
        """Restore the run's state from the checkpoint, and return its epochs. For a new run, draw the dropout seed."""
        architecture, generator = self.engine.architecture, self.net._generator()
        found = file.found(history.recipe, architecture, self.descent.optimizer.state_names)
        if found is None:
            self.seed_dropout()
            return ()
        self._earlier = found.earlier
        self.engine.set_state(found.engine)
        self.descent = replace(self.descent, seed=found.dropout_seed)
        generator.set_state(found.generator)
        self._assign([{name: array.copy() for name, array in layer.items()} for layer in found.parameters])
        return found.epochs

    def keep(self, file: CheckpointFile, history: History) -> None:
        """Write the parameters and all other state that the next epoch depends on to the file, if there is one."""
        if file.path is None:
            return
        state, state_names = self.engine.state(), self.descent.optimizer.state_names
        optimizer_state = {name: state.optimizer_state[name] for name in state_names if name in state.optimizer_state}
        checkpoint = Checkpoint(
            recipe=history.recipe,
            data=file.data,
            parameters=self._parameters(),
            engine=replace(state, optimizer_state=optimizer_state),
            dropout_seed=self.descent.seed,
            generator=self.net._generator().get_state(legacy=False),
            epochs=history.epochs,
            earlier=self._earlier,
        )
        self._earlier = checkpoints.write(file.path, checkpoint)

    def _parameters(self) -> Parameters:
        """Return the network's parameters for the engine's layers."""
        return for_layers_of(self.engine.architecture, self.net._checked_parameters())

    def _assign(self, parameters: Parameters) -> None:
        self.net.parameters = for_layers_of(self.net._architecture(), parameters)


def for_layers_of(architecture: Architecture, parameters: Parameters) -> Parameters:
    """Return the arrays of parameters for each layer of an architecture; an empty dict for a layer without arrays.

    The Dropout layers of the architecture may differ from those of the network that has the parameters.

    Raises
    ------
    TypeError, ValueError
        If the parameters do not have the arrays of the layers.
    """
    arrays = iter(with_arrays(parameters, [list(names) for names in architecture.arrays if names]))
    return [next(arrays) if trained else {} for trained in architecture.trained]


def with_arrays(parameters: Any, names: list[list[str]]) -> Parameters:
    """Return the layers of parameters that have arrays. The layers must have arrays of the names `names`.

    Raises
    ------
    TypeError
        If `parameters` is not a list of dictionaries.
    ValueError
        If the dictionaries do not have the names `names`.
    """
    if not (isinstance(parameters, (list, tuple)) and all(isinstance(layer, dict) for layer in parameters)):
        raise TypeError(
            f"parameters is {arguments.brief(parameters)}; it must be a list with a dictionary of arrays for each layer"
        )
    found = [layer for layer in parameters if layer]
    if [layer.keys() for layer in found] != [set(each) for each in names]:
        given = [list(layer) for layer in found]
        raise ValueError(f"parameters have the arrays {arguments.brief(given)}; they must be {names}")
    return found


def arrays_of(parameters: Parameters) -> Iterator[np.ndarray]:
    """Return all arrays of parameters."""
    return (array for layer in parameters for array in layer.values())
