"""Reads tables in text files (CSV and TSV), with one sample per line and the label in one column."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fastnet.files.reading import DataError, one_line, opened

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_LABELS = ("label", "labels", "class", "target", "y", "digit")
_DELIMITERS = ",;\t"
_MOST_BYTES = 1 << 30  # largest number of bytes of a table; a larger table is refused
_LONGEST_LINE = 1 << 24  # largest number of bytes of a line; a longer line is read as several lines


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a table of numbers, gzipped or not.

    Returns
    -------
    inputs : ndarray of int16 or float32, shape (n, n_in)
        All columns except the label column and unnamed index columns, which pandas may write.
    labels : ndarray of the same type, shape (n,)
        The column that is named label, labels, class, target, y or digit. If the table has no column names, the
        first column is the label column.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file is damaged, or the table is larger than 1 GiB. If the table has no rows, only one column, or rows of
        different lengths. If a value is not a number. If there is no label column, or more than one.
    """
    try:
        with opened(path) as stream:
            table, names = _table(stream, np.int16)
    except DataError:  # int16 is tried first, because integers are read five times as fast as floats
        try:
            with opened(path) as stream:
                table, names = _table(stream, np.float32)
        except DataError:
            fault = _fault(path)
            if fault is None:
                raise
            raise DataError(f"{path}: {fault}") from None
    label = 0 if names is None else label_column(names, path)
    unnamed = [] if names is None else [i for i, name in enumerate(names) if _plain(name) in ("", "unnamed: 0")]
    return np.delete(table, [label, *unnamed], axis=1), table[:, label]


def label_column(names: Sequence[str], path: Path) -> int:
    """Return the index of the label column, which is named label, labels, class, target, y or digit.

    Raises
    ------
    DataError
        If there is no label column, or more than one.
    """
    found = [i for i, name in enumerate(names) if is_label(name)]
    if len(found) != 1:
        shown = one_line(", ".join(names))
        raise DataError(
            f"{path}: exactly one column must be named label, labels, class, target, y or digit; found {shown}"
        )
    return found[0]


def is_label(name: str) -> bool:
    """Return whether `name` is the name of a label column."""
    return _plain(name) in _LABELS


def has_label(path: Path) -> bool:
    """Return whether a table has a label column. The test data of competitions often have no label column."""
    with opened(path) as stream:
        names, _ = _head(stream)
    return names is None or any(is_label(name) for name in names)


def _table(stream: BinaryIO, dtype: type[np.number]) -> tuple[np.ndarray, list[str] | None]:
    names, delimiter = _head(stream)
    if names is None:
        stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # so that NumPy's warning of a table without rows is an exception
        try:
            table = np.loadtxt(
                _lines(stream), dtype, delimiter=delimiter, comments=None, quotechar='"', ndmin=2, encoding="utf-8-sig"
            )
        except UserWarning:
            raise ValueError("this table has no rows") from None
    if names is not None and len(names) != table.shape[1]:
        raise ValueError(f"its first line has {len(names)} names for {table.shape[1]} columns")
    return table, names


def _fault(path: Path) -> str | None:
    """Return which line of a table has a value that is no number, or too many or too few values; None if no line has.

    NumPy's error messages have neither the line of the file nor the name of the column.
    """
    with opened(path) as stream:
        names, delimiter = _head(stream)
        if names is None:
            stream.seek(0)
        reader = csv.reader((line.decode("utf-8-sig") for line in _lines(stream)), delimiter=delimiter)
        expected = len(names or ())
        wrong = "the lines before have {}; correct this line" if names is None else "the first line has {} names"
        try:
            for fields in filter(None, reader):
                line = f"line {reader.line_num + (names is not None)}"
                expected = expected or len(fields)
                if len(fields) != expected:
                    values = f"{len(fields)} value{'s' if len(fields) > 1 else ''}"
                    return f"{line} has {values}, but {wrong.format(expected)}"
                for i, value in enumerate(fields):
                    if not _is_number(value):
                        return f"{line}, {_faulty(value, i, names)}"
        except csv.Error:  # then NumPy's message is shown
            return None
    return None


def _faulty(value: str, i: int, names: list[str] | None) -> str:
    """Return a message about a value that is no number, in the column with index i."""
    column = f"column {one_line(names[i])}" if names is not None and i < len(names) else f"column {i + 1}"
    if not value.strip():
        return f"{column} is empty; all values must be numbers: fill in a number, or delete the line"
    if i == 0 if names is None else i < len(names) and is_label(names[i]):
        how = "labels must be integers of at least 0: np.unique(labels, return_inverse=True)[1] numbers them"
    else:
        how = "all values must be numbers: leave out the column, or replace its values by numbers"
    return f"{column} has the value {one_line(repr(value))}; {how}"


def _head(stream: BinaryIO) -> tuple[list[str] | None, str]:
    """Return the column names and the delimiter. If the first line holds only numbers, the column names are None."""
    line = stream.readline(_LONGEST_LINE).decode("utf-8-sig")
    delimiter = max(_DELIMITERS, key=line.count)
    if delimiter not in line:
        raise ValueError("its first line has no comma, semicolon or tab; a table needs at least two columns")
    try:
        fields = next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(f"its first line cannot be divided into columns: {error}") from None
    return (None if all(map(_is_number, fields)) else fields), delimiter


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    left = _MOST_BYTES
    while line := stream.readline(_LONGEST_LINE):
        left -= len(line)
        if left < 0:
            raise ValueError(f"its table is larger than the limit of {_MOST_BYTES >> 20} MiB")
        yield line


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    return name.strip().lower()
