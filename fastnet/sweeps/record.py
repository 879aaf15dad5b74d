"""The record of a sweep: each finished run in a SQLite file, written at once, so that it is never trained again."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from typing import Any

import fastnet
from fastnet.datasets.files import DataError, one_line
from fastnet.recipe import Recipe
from fastnet.sweeps.data import StrPath
from fastnet.sweeps.run import Run, Task

_OURS = 0x666E7377  # "fnsw": SQLite's application id, by which the file is known as one of these
_FORMAT = 1  # SQLite's user version
_PATIENCE = 60  # seconds to wait for another process that is writing
_TABLE = """
CREATE TABLE runs (
    recipe TEXT NOT NULL,
    seed INTEGER NOT NULL,
    data TEXT NOT NULL,
    version TEXT NOT NULL,
    validation TEXT NOT NULL,
    last INTEGER NOT NULL,
    test INTEGER,
    diverged INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (recipe, seed, data, version)
) WITHOUT ROWID
"""
_FIND = """
SELECT validation, last, test, diverged, seconds FROM runs
WHERE recipe = ? AND seed = ? AND data = ? AND version = ?
"""
_ADD = "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Record:
    """Finished runs, by all that decides on their numbers: recipe, seed, data, and the version of fastnet.

    Several sweeps may use the same file at the same time; what one of them has recorded stays as it is.

    Parameters
    ----------
    path : path or None
        The file. It is not made before `begin`; None for a record in memory, which ends with the sweep.
    fingerprint : str
        Of the data.

    Raises
    ------
    DataError
        If the file is damaged or of another kind.
    """

    def __init__(self, path: StrPath | None, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._connection: sqlite3.Connection | None = None  # as long as there is nothing to be read
        if path is not None and os.path.exists(path):
            connection = self._connect()
            if self._has_begun(connection):
                self._connection = connection
            else:  # a process may have been killed before it had written anything
                connection.close()

    def begin(self) -> None:
        """Make the file, if it is not there, so that it is known early whether it can be written.

        Raises
        ------
        DataError
            If it cannot.
        """
        if self._connection is None:
            self._connection = self._connect()
        with self._transaction() as connection:
            if not self._has_begun(connection):
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA application_id = {_OURS}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")

    def find(self, recipe: Recipe, seed: int) -> Run | None:
        """Return what came of a recipe and a seed, if it is known."""
        if self._connection is None:
            return None
        with self._named_errors():
            found = self._connection.execute(_FIND, self._key(recipe, seed)).fetchone()
        if found is None:
            return None
        validation, *others = found
        try:
            return Run(tuple(json.loads(validation)), *others)
        except (TypeError, ValueError):
            raise DataError(f"{self._name}: this record of a sweep is damaged") from None

    def __getitem__(self, task: Task) -> Run:
        """Return what came of a recipe and a seed that are in the record."""
        run = self.find(*task)
        if run is None:
            raise KeyError(task)
        return run

    def add(self, recipe: Recipe, seed: int, run: Run) -> None:
        """Record a run; when this returns, it is on the disk."""
        values = json.dumps(run.validation), run.last, run.test, run.diverged, run.seconds
        with self._transaction() as connection:
            connection.execute(_ADD, (*self._key(recipe, seed), *values))

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def _key(self, recipe: Recipe, seed: int) -> tuple[Any, ...]:
        return recipe.as_json(), seed, self._fingerprint, fastnet.__version__

    def _connect(self) -> sqlite3.Connection:
        with self._named_errors():
            return sqlite3.connect(self._path or ":memory:", _PATIENCE, isolation_level=None)

    def _has_begun(self, connection: sqlite3.Connection) -> bool:
        """Whether there is a table of runs; raise a `DataError` if there is anything else."""
        with self._named_errors():
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (application, version, tables) == (0, 0, 0):
            return False
        if application != _OURS:
            raise DataError(f"{self._name}: this is a database, but not the record of a sweep")
        if version != _FORMAT:
            raise DataError(
                f"{self._name}: this record has format {version}, and this version of fastnet reads {_FORMAT}"
            )
        return True

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Write what the `with` block writes, all of it or nothing."""
        assert self._connection is not None
        with self._named_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Say what SQLite refuses with the file's name."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DataError(f"{self._name}: {one_line(error)}") from None
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise DataError(
                f"{self._name}: this is not the record of a sweep, or it is damaged ({one_line(error)})"
            ) from None

    @property
    def _name(self) -> str:
        return "the record" if self._path is None else os.fspath(self._path)
