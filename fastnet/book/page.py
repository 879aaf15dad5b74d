"""An HTML page with the pictures and the values of experiments."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from fastnet.book.experiment import Experiment
from fastnet.book.seeds import SeedRange

_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
img { max-width: 100%; background: white; }
table { border-collapse: collapse; }
th, td { padding: 0.1rem 1.5rem 0.1rem 0; text-align: left; }
"""


class Entry(NamedTuple):
    """An experiment on the page.

    Attributes
    ----------
    experiment : Experiment
        The experiment that was computed.
    picture : str
        Name of the picture's file, in the folder of the page.
    ranges : sequence of SeedRange
        The published values, each with the range of the computed values.
    seconds : float
        Number of seconds that the computation took.
    """

    experiment: Experiment
    picture: str
    ranges: Sequence[SeedRange]
    seconds: float


def page(entries: Sequence[Entry]) -> str:
    """Return the page as HTML, with a heading for each chapter."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>Neural Networks and Deep Learning: figures and experiments</title><style>{_STYLE}</style>",
        "<h1>Neural Networks and Deep Learning: figures and experiments</h1>",
    ]
    place = ""
    for entry in entries:
        if entry.experiment.place != place:
            place = entry.experiment.place
            parts.append(f"<h2>{place.capitalize()}</h2>")
        parts += _section(entry)
    return "\n".join(parts) + "\n"


def _section(entry: Entry) -> list[str]:
    title, name = escape(entry.experiment.title), escape(entry.experiment.name)
    parts = [
        f'<h3 id="{name}">{title}</h3>',
        *(f"<p>{escape(paragraph)}</p>" for paragraph in entry.experiment.description.split("\n\n")),
        f'<p><img src="{escape(entry.picture)}" alt="{title}"></p>',
        f"<p><code>fastnet book {name}</code>, {entry.seconds:.1f} seconds</p>",
    ]
    if entry.ranges:
        cells = [("", "the book", "fastnet", ""), *((*each.cells(), each.difference()) for each in entry.ranges)]
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in cells)
        parts.append("<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>")
    return parts
