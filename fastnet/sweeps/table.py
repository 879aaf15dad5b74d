"""The result of a sweep: a row for each recipe, as a table, data or a picture."""

from __future__ import annotations

import csv
import html
import io
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from fastnet.files.writing import write_text
from fastnet.sweeps.data import StrPath
from fastnet.sweeps.grid import as_text, columns, differing, labels
from fastnet.sweeps.recipe import Recipe
from fastnet.sweeps.run import Run
from fastnet.utils import tables, text
from fastnet.utils.frames import data_frame

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure
    from rich.table import Table


@dataclass(frozen=True)
class Row:
    """A recipe, and the networks that were trained with the recipe.

    Attributes
    ----------
    recipe : Recipe
        The recipe of the networks.
    runs : dict of int to Run
        The run of each network, by seed.
    samples : int
        Number of validation samples.
    """

    recipe: Recipe
    runs: dict[int, Run]
    samples: int

    @cached_property
    def accuracies(self) -> list[float]:
        """The validation accuracy of the trained network, for each seed."""
        return [run.last / self.samples for run in self.runs.values()]

    @property
    def curves(self) -> list[list[float]]:
        """The validation accuracy after each epoch, for each seed. The list of a run that diverged ends with NaN."""
        return [
            [correct / self.samples for correct in run.validation] + [math.nan] * run.diverged
            for run in self.runs.values()
        ]

    @property
    def mean(self) -> float:
        """Mean of the accuracies."""
        return fmean(self.accuracies)

    @property
    def std(self) -> float | None:
        """Standard deviation of the accuracies; None with one seed."""
        return stdev(self.accuracies) if len(self.accuracies) > 1 else None

    @property
    def diverged(self) -> int:
        """Number of networks whose weights became infinite or NaN."""
        return sum(run.diverged for run in self.runs.values())

    def summary(self) -> dict[str, Any]:
        """Return the arguments of the recipe and the statistics of the networks, by name."""
        return {
            **asdict(self.recipe),
            "networks": len(self.runs),
            "mean": self.mean,
            "std": self.std,
            "lowest": min(self.accuracies),
            "best": max(self.accuracies),
            "diverged": self.diverged,
        }


@dataclass(frozen=True, repr=False)
class Sweep:
    """The result of a sweep, which `print` shows as a table.

    Recipes are compared on the validation data. Test accuracies are given for the best recipe only, because choosing a
    recipe by test accuracy would bias the test accuracy.

    Attributes
    ----------
    rows : list of Row
        The rows in the order of the grid.
    test_samples : int
        Number of test samples; 0 without test data.
    trained : int
        Number of networks that this sweep trained. All other networks of the sweep were found in the record.
    """

    rows: list[Row]
    test_samples: int
    trained: int

    @property
    def best(self) -> Row:
        """The first of the rows with the highest mean. Rows whose networks all diverged rank below all other rows."""
        return max(self.rows, key=lambda row: (row.diverged < len(row.runs), row.mean))

    @property
    def all_diverged(self) -> bool:
        """Whether every network diverged, so that no recipe can be recommended."""
        return all(row.diverged == len(row.runs) for row in self.rows)

    @property
    def networks(self) -> int:
        """Total number of networks of all recipes."""
        return sum(len(row.runs) for row in self.rows)

    def test_accuracies(self) -> list[float]:
        """Return the test accuracy of each network of the best recipe."""
        tests = [run.test for run in self.best.runs.values()]
        return [test / self.test_samples for test in tests if test is not None]

    def summary(self) -> str:
        """Return a sentence that names the best recipe, or says that every network diverged."""
        if self.all_diverged:
            return "Every network diverged: weights became infinite or NaN. A smaller eta may help."
        best = self.best
        name = labels(self._recipes)[self.rows.index(best)]
        said = f"Best on average: {name}, with {best.mean:.2%} of the validation data"
        tests = self.test_accuracies()
        return f"{said} and {fmean(tests):.2%} of the test data." if tests else f"{said}."

    def as_dict(self) -> dict[str, Any]:
        """Return the results as plain data, which `json.dump` can write."""
        tests = self.test_accuracies()
        return {
            "rows": [
                {
                    **row.summary(),
                    "seeds": list(row.runs),
                    "accuracies": row.accuracies,
                    "curves": [[value for value in curve if not math.isnan(value)] for curve in row.curves],
                }
                for row in self.rows
            ],
            "best": {"row": self.rows.index(self.best), "test_accuracies": tests or None},
        }

    def to_json(self, filename: StrPath) -> None:
        """Write the result of `as_dict` to a JSON file.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        write_text(filename, json.dumps(self.as_dict(), indent=1) + "\n")

    def to_csv(self, filename: StrPath) -> None:
        """Write a CSV file with a line of headings and a line for each recipe.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        summaries = [row.summary() for row in self.rows]
        for summary in summaries:
            summary.update({name: as_text(value) for name, value in summary.items() if isinstance(value, tuple)})
        file = io.StringIO()
        writer = csv.DictWriter(file, summaries[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(summaries)
        write_text(filename, file.getvalue())

    def plot(self) -> Figure:
        """Draw the validation accuracy after each epoch, for each recipe.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from fastnet import plots

        return plots.sweep(dict(zip(labels(self._recipes), (row.curves for row in self.rows), strict=True)))

    def table(self, width: int | None = None) -> Table:
        """Return the table as a `rich.table.Table`. The best row is bold.

        Parameters
        ----------
        width : int, optional
            Width of the terminal in characters. If the table is wider, all settings of a recipe are in one column, and
            wrap over several lines. By default, each setting has a column.
        """
        table = self._table(columns(self._recipes))
        if width is None or tables.width_of(table) <= width:
            return table
        left = width - tables.width_of(self._table({_RECIPE: [""] * len(self.rows)})) + len(_RECIPE)
        recipes = ["\n".join(text.lines(each, max(left, _NARROWEST))) for each in labels(self._recipes)]
        return self._table({_RECIPE: recipes})

    def _table(self, settings: dict[str, list[str]]) -> Table:
        """Return the table, given the cells of each column of settings, by the column's name."""
        epochs = {row.recipe.epochs for row in self.rows}
        number = epochs.pop() if len(epochs) == 1 else 0
        after = f"{number} epoch{'s' if number > 1 else ''}" if number else "the last epoch"
        table = tables.new_table(f"Accuracy on validation data after {after}")
        for name in settings:
            table.add_column(name, no_wrap=name != "layers")  # layers may be longer than a line
        names = _COLUMNS if any(len(row.runs) > 1 for row in self.rows) else {"accuracy": "mean"}
        names = names | ({"diverged": "diverged"} if any(row.diverged for row in self.rows) else {})
        for name in names:
            table.add_column(name, justify="right", no_wrap=True)
        for row, *texts in zip(self.rows, *settings.values(), strict=True):
            summary = row.summary()
            cells = [_cell(summary[name]) for name in names.values()]
            table.add_row(*texts, *cells, style="bold" if row is self.best else None)
        return table

    def to_frame(self) -> pandas.DataFrame:
        """Return the table as a pandas data frame, with a row for each recipe.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        names = differing(self._recipes)
        rows = [{**{name: getattr(row.recipe, name) for name in names}, **row.summary()} for row in self.rows]
        return data_frame({name: [row[name] for row in rows] for name in rows[0]})

    def __repr__(self) -> str:
        return f"<Sweep over {len(self.rows)} recipes: {self.summary()}>"

    def _repr_html_(self) -> str:
        """Return the table as HTML, for notebooks."""
        return f"<pre>{html.escape(str(self))}</pre>"

    def __str__(self) -> str:
        return f"{tables.as_text(self.table())}\n{self.summary()}"

    @property
    def _recipes(self) -> list[Recipe]:
        return [row.recipe for row in self.rows]


_COLUMNS = {name: name for name in ("networks", "mean", "std", "lowest", "best")}
"""Headings of the columns of figures, and the names of the values in `Row.summary`, if recipes have several seeds."""

_RECIPE = "recipe"  # heading of the column with all settings
_NARROWEST = 20  # smallest width of the column of recipes, in which each setting fits into a line


def _cell(value: float | None) -> str:
    """Return an accuracy or a number of networks as text."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.2%}"
