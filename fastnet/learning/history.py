"""The history of a run of `SGD`: its arguments, the costs, accuracies and time of each epoch, and the machine."""

from __future__ import annotations

import hashlib
import html
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from fastnet.formulas import notation
from fastnet.formulas.layers import from_settings
from fastnet.utils import arguments, machine, text
from fastnet.utils.frames import data_frame

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

_WIDTH = 79  # largest number of characters in a line of the recipe, when a history is printed


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch, with the costs and accuracies measured in it or after it. Values that were not measured are None.

    Attributes
    ----------
    number : int
        Index of the epoch, numbered from 0.
    eta : float
        Learning rate.
    seconds : float
        Time of training in seconds, including the shuffling and deforming of the samples.
    training_cost, evaluation_cost : float or None
        Mean cost of the samples, with regularization.
    training_accuracy, evaluation_accuracy : int or None
        Number of samples classified correctly.
    mini_batch_cost : float or None
        Mean cost of the training samples, without regularization. The cost of a sample is computed before the step of
        its mini-batch.
    test_accuracy : int or None
        Number of test samples classified correctly. Only `network3` measures the test accuracy.
    """

    number: int
    eta: float
    seconds: float
    training_cost: float | None = None
    training_accuracy: int | None = None
    evaluation_cost: float | None = None
    evaluation_accuracy: int | None = None
    mini_batch_cost: float | None = None
    test_accuracy: int | None = None


class Epochs(Sequence[Epoch]):
    """A sequence of epochs, stored as rows of an array to save memory: each epoch takes 80 bytes.

    The sequence supports `len`, indices, slices (which are `Epochs`), iteration and `append`.

    Parameters
    ----------
    epochs : iterable of Epoch, optional
        Initial epochs.

    Examples
    --------
    >>> epochs = Epochs([Epoch(0, 0.5, 0.25), Epoch(1, 0.5, 0.25, training_cost=0.125)])
    >>> len(epochs), epochs[-1].training_cost
    (2, 0.125)
    """

    _ROW = np.dtype(
        [(each.name, np.int64 if str(each.type).startswith("int") else np.float64) for each in fields(Epoch)]
        + [("known", np.int64)]  # bit i, counted from the lowest bit, is 1 if the i-th value is not None
    )
    _NAMES = tuple(each.name for each in fields(Epoch))
    _ALWAYS_KNOWN = 0b111

    def __init__(self, epochs: Iterable[Epoch] = ()) -> None:
        self._rows, self._length = np.empty(0, self._ROW), 0
        for epoch in epochs:
            self.append(epoch)

    def append(self, epoch: Epoch) -> None:
        """Append an epoch."""
        values = [getattr(epoch, name) for name in self._NAMES]
        known = sum(1 << i for i, value in enumerate(values) if value is not None)
        if self._length == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty(16 + self._length // 4, self._ROW)])
        self._rows[self._length] = (*(0 if value is None else value for value in values), known)
        self._length += 1

    def series(self, name: str) -> list[Any]:
        """Return the values of an attribute of `Epoch` for all epochs; an empty list if all values are None."""
        arguments.one_of(name, self._NAMES, "name")
        rows = self._rows[: self._length]
        known = (rows["known"] >> self._NAMES.index(name) & 1).astype(bool)
        values: list[Any] = rows[name].tolist()
        if known.all():
            return values
        return [value if there else None for value, there in zip(values, known, strict=True)] if known.any() else []

    def arrays(self) -> dict[str, np.ndarray]:
        """Return copies of the columns by name, except "number" and the columns in which all values are None.

        For each epoch, the column "known" has an integer whose bits say which values of the epoch are not None.
        """
        rows = self._rows[: self._length]
        ever_known = int(np.bitwise_or.reduce(rows["known"]))
        names = [name for i, name in enumerate(self._NAMES) if ever_known >> i & 1 and name != "number"]
        return {name: np.array(rows[name]) for name in ("known", *names)}

    def checksum(self) -> str:
        """Return the SHA-256 checksum of the columns in `arrays`, as a hexadecimal string."""
        found = hashlib.sha256()
        for name, column in sorted(self.arrays().items()):
            found.update(name.encode() + column.astype(column.dtype.newbyteorder("<")).tobytes())
        return found.hexdigest()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], before: Epochs | None = None) -> Epochs:
        """Return the epochs of a run, given the result of `arrays`.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Columns by name.
        before : Epochs, optional
            Earlier epochs, which are put first.

        Raises
        ------
        ValueError
            If a column is missing or unknown, or has a wrong type, shape or value.
        """
        if "known" not in arrays or not arrays.keys() <= {"known", *cls._NAMES[1:]}:
            raise ValueError("its epochs have missing or unknown columns")
        rows = np.zeros(len(arrays["known"]), cls._ROW)
        before = before or cls()
        rows["number"] = np.arange(len(before), len(before) + len(rows))
        for name, array in arrays.items():
            if (array.shape, array.dtype) != (rows.shape, cls._ROW[name]):
                raise ValueError(f"its epochs' {name} must be {cls._ROW[name]} with shape {rows.shape}")
            rows[name] = array
        possible = sum(1 << i for i, name in enumerate(cls._NAMES) if name in ("number", *arrays))
        known = rows["known"]
        if not ((known & cls._ALWAYS_KNOWN == cls._ALWAYS_KNOWN) & (known & ~possible == 0)).all():
            raise ValueError("its epochs' column known does not match the other columns")
        if not np.isfinite(rows["eta"]).all() or any((rows[name] < 0).any() for name in arrays if "accuracy" in name):
            raise ValueError("its epochs have a learning rate that is not finite, or a negative accuracy")
        return cls._of_rows(np.concatenate([before._rows[: len(before)], rows]))

    @classmethod
    def _of_rows(cls, rows: np.ndarray) -> Epochs:
        epochs = cls()
        epochs._rows, epochs._length = rows, len(rows)
        return epochs

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Epoch: ...
    @overload
    def __getitem__(self, index: slice) -> Epochs: ...
    def __getitem__(self, index: int | slice) -> Epoch | Epochs:
        rows = self._rows[: self._length]
        if isinstance(index, slice):
            return self._of_rows(rows[index].copy())
        *values, known = rows[operator.index(index)].item()
        only_known: Iterator[Any] = (value if known >> i & 1 else None for i, value in enumerate(values))
        return Epoch(*only_known)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (Epochs, list)) else NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)})"


@dataclass(repr=False)
class History:
    """The history of a run of `SGD`. `print` shows the history as a table.

    Attributes
    ----------
    recipe : dict
        Settings of the network and arguments of `SGD` by name. Arguments with their default value may be missing.
    training_samples, evaluation_samples : int
        Number of training and evaluation samples; 0 evaluation samples if there are no evaluation data.
    epochs : Epochs
        Completed epochs, a sequence of `Epoch`.
    stopped : str
        Why training stopped before the last epoch; empty if all epochs were trained.
    diverged : bool
        Whether training stopped because weights became infinite or NaN.
    machine : dict
        Description of the machine; see `machine.describe`.
    test_samples : int
        Number of test samples; 0 if there are no test data, or training does not use them.

    Examples
    --------
    >>> history = History({"sizes": [2, 1], "eta": 0.5}, 1000, 200)
    >>> history.epochs.append(Epoch(0, 0.5, 0.25, evaluation_accuracy=150))
    >>> print(history)
    sizes [2, 1], eta 0.5
                         evaluation
    epoch  eta  seconds    accuracy
        0  0.5     0.25      75.00%
    """

    recipe: dict[str, Any]
    training_samples: int
    evaluation_samples: int
    epochs: Epochs = field(default_factory=Epochs)
    stopped: str = ""
    diverged: bool = False
    machine: dict[str, str] = field(default_factory=machine.describe)
    test_samples: int = 0

    def last_line(self) -> str:
        """Return a line about the last epoch, as chapter 1's `SGD` prints it.

        Examples
        --------
        >>> History({}, 1000, 200, Epochs([Epoch(3, 0.5, 0.25, evaluation_accuracy=150)])).last_line()
        'Epoch 3: 150 / 200 (75.00% accuracy), took 0.25 seconds'
        """
        if not self.epochs:
            return "No epoch was completed"
        epoch, n = self.epochs[-1], self.evaluation_samples
        took = f"took {epoch.seconds:.2f} seconds"
        correct = epoch.evaluation_accuracy
        if correct is None:
            return f"Epoch {epoch.number} complete, {took}"
        return f"Epoch {epoch.number}: {correct} / {n} ({correct / n:.2%} accuracy), {took}"

    def series(self, name: str) -> list[Any]:
        """Return the values of an attribute of `Epoch`, such as "training_cost", for all epochs.

        The value is None for an epoch in which the attribute was not measured. The list is empty if the attribute was
        measured in no epoch.

        Raises
        ------
        ValueError
            If `Epoch` has no attribute `name`.
        """
        return self.epochs.series(name)

    def summary(self) -> str:
        """Return a line about the whole run: the best epoch, the time, and how to save the network.

        Examples
        --------
        >>> epochs = [Epoch(0, 0.5, 0.25, evaluation_accuracy=150), Epoch(1, 0.5, 0.25, evaluation_accuracy=149)]
        >>> History({}, 1000, 200, Epochs(epochs)).summary()
        'Best after epoch 0: 150 / 200 (75.00%). 2 epochs took 0.50 seconds; net.save("net.json") keeps the network.'
        """
        seconds, accuracies = sum(self.series("seconds")), self.series("evaluation_accuracy")
        known = [(correct, -number) for number, correct in enumerate(accuracies) if correct is not None]
        best = ""
        if known:
            correct, number = max(known)
            share = correct / self.evaluation_samples
            best = f"Best after epoch {-number}: {correct} / {self.evaluation_samples} ({share:.2%}). "
        epochs = f"{len(self.epochs)} epoch{'s' if len(self.epochs) != 1 else ''}"
        return f'{best}{epochs} took {seconds:.2f} seconds; net.save("net.json") keeps the network.'

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas data frame with a row for each epoch, and a column for each measured attribute of `Epoch`.

        If no epoch was completed, the frame has no rows, and the columns of the learning rate and the time.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        columns = {each.name: self.series(each.name) for each in fields(Epoch)}
        measured = {name: values for name, values in columns.items() if values}
        without_epochs = {name: np.empty(0, Epochs._ROW[name]) for name in ("number", "eta", "seconds")}
        frame = data_frame(measured or without_epochs)
        indexed: pandas.DataFrame = frame.set_index("number")
        return indexed

    def as_dict(self) -> dict[str, Any]:
        """Return the history as plain data, which `json.dump` accepts."""
        plain = {each.name: deepcopy(getattr(self, each.name)) for each in fields(self)}
        return {**plain, "epochs": [asdict(epoch) for epoch in self.epochs]}

    def plot(self) -> Figure:
        """Plot costs and accuracies against epochs, as in the book's chapter 3.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If neither costs nor accuracies were measured.
        """
        from fastnet.plots import learning_curves

        return learning_curves(self)

    def __repr__(self) -> str:
        return f"<History of {len(self.epochs)} epochs{': ' + self.last_line() if self.epochs else ''}>"

    def _repr_html_(self) -> str:
        """Return the table as HTML for notebooks."""
        return f"<pre>{html.escape(str(self))}</pre>"

    def __str__(self) -> str:
        cells = self._rows()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        rows = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return "\n".join([*text.lines(in_words(self.recipe), _WIDTH), *rows, *([self.stopped] if self.stopped else [])])

    def _rows(self) -> list[list[str]]:
        """Return the rows of the table, one or two rows of headings first."""
        columns = [
            self._column("number", "epoch", str),
            self._column("eta", "eta", "{:g}".format),
            self._column("seconds", "seconds", "{:.2f}".format),
            self._column("mini_batch_cost", "mini-batch cost", "{:.4f}".format),
        ]
        for data, samples in (("training", self.training_samples), ("evaluation", self.evaluation_samples)):
            columns.append(self._column(f"{data}_cost", f"{data} cost", "{:.4f}".format))
            share = partial(_percentage, samples=samples)
            columns.append(self._column(f"{data}_accuracy", f"{data} accuracy", share))
        columns.append(self._column("test_accuracy", "test accuracy", partial(_percentage, samples=self.test_samples)))
        rows = [list(row) for row in zip(*filter(None, columns), strict=True)]
        return rows if rows and any(rows[0]) else rows[1:]

    def _column(self, name: str, heading: str, cell: Callable[[Any], str]) -> list[str]:
        """Return a column of the table with the two lines of its heading; an empty list if there are no values."""
        cells = ["" if value is None else cell(value) for value in self.series(name)]
        above, _, below = heading.rpartition(" ")
        return [above, below, *cells] if cells else []


def in_words(recipe: Mapping[str, Any]) -> str:
    """Return a recipe as a line of text: layers in the notation of `formulas.notation`, other values as `str`."""
    return ", ".join(f"{name} {_layers(value) if name == 'layers' else value}" for name, value in recipe.items())


def _layers(settings: Any) -> str:
    """Return layers in the notation of `formulas.notation`. Invalid settings (from a file) are returned as `str`."""
    try:
        return f"[{', '.join(notation.describe(from_settings(each)) for each in settings)}]"
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return str(settings)


def _percentage(correct: int, samples: int) -> str:
    return f"{correct / samples:.2%}"
