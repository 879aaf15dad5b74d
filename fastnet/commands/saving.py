"""Writes the files that commands make, and prints their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastnet import plots
from fastnet.commands.run import say
from fastnet.files.writing import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_picture(figure: Figure, path: Path) -> None:
    """Write a picture to a file, and print the file's name."""
    plots.save(figure, path)
    say(saved(path, "Picture saved"))


def save_text(text: str, path: Path) -> None:
    """Write a text to a file, and print the file's name."""
    write_text(path, text)
    say(saved(path))


def saved(path: Path, what: str = "Saved") -> str:
    """Return the line that a command prints after it has written a file."""
    return f"{what} to {path}"
