"""Reads Parquet tables, with PyArrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fastnet.datasets.csv import is_label, label_column
from fastnet.files.reading import DataError, one_line

MAGIC = b"PAR1"
_MOST_BYTES = 1 << 30  # largest number of bytes of a table in float32; a larger table is refused
_OLDEST = (14, 0, 1)  # oldest allowed version of PyArrow; older versions could execute code in a file


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a table of numbers.

    Returns
    -------
    inputs : ndarray of float32, shape (n, n_in)
        All columns except the label column and the index column that pandas writes.
    labels : ndarray, shape (n,)
        The column that is named label, labels, class, target, y or digit.

    Raises
    ------
    ImportError
        If PyArrow is not installed, or older than 14.0.1, the first safe version.
    OSError
        If the file cannot be opened.
    DataError
        If the file is damaged, or the table is larger than 1 GiB in float32. If a value is missing, or a column does
        not hold numbers. If there is no label column, or more than one.
    """
    with _opened(path) as file:
        schema, n = file.schema_arrow, file.metadata.num_rows
        label = label_column(schema.names, path)
        _check(schema, n, path)
        table = file.read()
    columns = [i for i in range(len(schema)) if i != label and schema.names[i] != "__index_level_0__"]
    inputs = np.empty((n, len(columns)), np.float32)
    for i, column in enumerate(columns):
        inputs[:, i] = _numbers(table.column(column), schema.names[column], path)
    return inputs, _numbers(table.column(label), schema.names[label], path)


def has_label(path: Path) -> bool:
    """Return whether a table has a label column.

    Raises
    ------
    ImportError, OSError
        As in `read`.
    DataError
        If the file is damaged.
    """
    with _opened(path) as file:
        return any(is_label(name) for name in file.schema_arrow.names)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Provide a `pyarrow.parquet.ParquetFile`. PyArrow's exceptions in the `with` block become `DataError`s."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        how = f"pandas.read_parquet({str(path)!r}).to_csv('data.csv', index=False) converts the file"
        raise ImportError(
            f"{path}: Parquet needs PyArrow; pip install pyarrow installs it; on a machine that has PyArrow, {how}"
        ) from None
    if tuple(int(part) for part in arrow.__version__.split(".")[:3] if part.isdigit()) < _OLDEST:
        raise ImportError(
            f"{path}: PyArrow is {arrow.__version__}; it must be at least 14.0.1, which pip install -U pyarrow installs"
        )
    with path.open("rb") as stream:
        try:
            yield parquet.ParquetFile(stream)
        except DataError:
            raise
        except (arrow.ArrowException, OSError, ValueError) as error:
            raise DataError(f"{path}: the file is damaged, or not Parquet ({one_line(error)})") from None


def _check(schema: Any, n: int, path: Path) -> None:
    """Before the table is read, raise a `DataError` if a column does not hold numbers or the table is too large."""
    from pyarrow import types

    for field in schema:
        if not (types.is_integer(field.type) or types.is_floating(field.type)):
            raise DataError(
                f"{path}: its column {field.name} is of type {one_line(field.type)}; all columns must be numbers; save "
                "arrays with np.savez('data.npz', x_train=images, y_train=labels) instead"
            )
    if n * len(schema) * 4 > _MOST_BYTES:
        raise DataError(
            f"{path}: it claims {n} rows of {len(schema)} columns, more than the limit of {_MOST_BYTES >> 20} MiB"
        )


def _numbers(column: Any, name: str, path: Path) -> np.ndarray:
    if column.null_count:
        raise DataError(f"{path}: its column {name} lacks {column.null_count} values; fill them, or drop their rows")
    numbers: np.ndarray = column.to_numpy()
    return numbers
