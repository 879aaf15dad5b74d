"""What a run of `SGD` did: with what, how well after each epoch, how long it took, and on which machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from fastnet import machine

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch, and how well the network did after it; None for what was not asked for.

    Attributes
    ----------
    number : int
        From 0.
    eta : float
        The learning rate.
    seconds : float
        Of shuffling and training.
    training_cost, evaluation_cost : float or None
        The mean cost over the data, with regularization.
    training_accuracy, evaluation_accuracy : int or None
        For how many samples the largest output was the right one.
    """

    number: int
    eta: float
    seconds: float
    training_cost: float | None = None
    training_accuracy: int | None = None
    evaluation_cost: float | None = None
    evaluation_accuracy: int | None = None


@dataclass
class History:
    """What a run did. It prints as a table.

    Attributes
    ----------
    recipe : dict
        The network and the arguments of `SGD`, by their names; those that have their default value may be left out.
    training_samples, evaluation_samples : int
        How many there are; 0 evaluation samples if there are no evaluation data.
    epochs : list of Epoch
        One for each that was completed.
    stopped : str
        Why there are fewer than were asked for; empty if there are not.
    diverged : bool
        Whether that was because weights became infinite or not a number.
    machine : dict
        See `machine.describe`.

    Examples
    --------
    >>> history = History({"sizes": [2, 1], "eta": 0.5}, 1000, 200)
    >>> history.epochs.append(Epoch(0, 0.5, 0.25, evaluation_accuracy=150))
    >>> print(history)
    sizes [2, 1], eta 0.5
    epoch  eta  seconds  evaluation accuracy
        0  0.5     0.25               75.00%
    """

    recipe: dict[str, Any]
    training_samples: int
    evaluation_samples: int
    epochs: list[Epoch] = field(default_factory=list)
    stopped: str = ""
    diverged: bool = False
    machine: dict[str, str] = field(default_factory=machine.describe)

    def last_line(self) -> str:
        """Return a line on the last epoch, as chapter 1 prints it.

        Examples
        --------
        >>> History({}, 1000, 200, [Epoch(3, 0.5, 0.25, evaluation_accuracy=150)]).last_line()
        'Epoch 3: 150 / 200 (75.00% accuracy), took 0.25 seconds'
        """
        epoch, n = self.epochs[-1], self.evaluation_samples
        took = f"took {epoch.seconds:.2f} seconds"
        correct = epoch.evaluation_accuracy
        if correct is None:
            return f"Epoch {epoch.number} complete, {took}"
        return f"Epoch {epoch.number}: {correct} / {n} ({correct / n:.2%} accuracy), {took}"

    def series(self, name: str) -> list[Any]:
        """Return what is known of each epoch by that name, such as "training_cost"; nothing if it was not asked for."""
        values = [getattr(epoch, name) for epoch in self.epochs]
        return [] if None in values else values

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data, which `json.dump` takes."""
        return asdict(self)

    def plot(self) -> Figure:
        """Draw the costs and the accuracies against the epochs, as the figures of the book's chapter 3.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If neither costs nor accuracies were asked for.
        """
        from fastnet.plots import learning_curves

        return learning_curves(self)

    def __str__(self) -> str:
        recipe = ", ".join(f"{name} {value}" for name, value in self.recipe.items())
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([recipe, *lines, *([self.stopped] if self.stopped else [])])

    def _rows(self) -> list[list[str]]:
        """Return the cells of the table, the headings first."""
        columns = [
            ("epoch", [str(n) for n in self.series("number")]),
            ("eta", [f"{eta:g}" for eta in self.series("eta")]),
            ("seconds", [f"{seconds:.2f}" for seconds in self.series("seconds")]),
        ]
        for data, samples in (("training", self.training_samples), ("evaluation", self.evaluation_samples)):
            columns.append((f"{data} cost", [f"{cost:.4f}" for cost in self.series(f"{data}_cost")]))
            accuracies = [f"{correct / samples:.2%}" for correct in self.series(f"{data}_accuracy")]
            columns.append((f"{data} accuracy", accuracies))
        shown = [[heading, *cells] for heading, cells in columns if cells]
        return [list(row) for row in zip(*shown, strict=True)]
