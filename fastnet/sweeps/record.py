"""The record of a sweep: a SQLite file with the finished runs.

Each run is written as soon as it has finished. A sweep that is continued after an interruption does not repeat the runs
in the record.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import fastnet
from fastnet.files.reading import DataError, one_line
from fastnet.sweeps.data import StrPath
from fastnet.sweeps.recipe import Recipe
from fastnet.sweeps.run import Run, Task

_OURS = 0x666E7377  # "fnsw": SQLite's application id, which identifies the record of a sweep
_FORMAT = 2  # version of the format of records, stored as SQLite's user version
_PATIENCE = 60  # largest number of seconds to wait for another process that is writing
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
    sha256 TEXT NOT NULL,
    PRIMARY KEY (recipe, seed, data, version)
) WITHOUT ROWID
"""
_FIND = """
SELECT validation, last, test, diverged, seconds, sha256 FROM runs
WHERE recipe = ? AND seed = ? AND data = ? AND version = ?
"""
_ADD = "INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Record:
    """Finished runs. The recipe, the seed, the data and the version of fastnet identify a run.

    On the same machine, and with the same number of threads, these also determine the result of the run.

    Several sweeps may use the same file at the same time. A recorded run is never changed.

    Parameters
    ----------
    path : path or None
        The file, which `begin` creates. None for a record in memory, which is lost when the sweep ends.
    fingerprint : str
        Fingerprint of the data.

    Raises
    ------
    DataError
        If the file is damaged, or is not the record of a sweep.
    """

    def __init__(self, path: StrPath | None, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._connection: sqlite3.Connection | None = None  # None while there is no table of runs
        if path is not None and os.path.exists(path):
            if not os.path.isfile(path):  # without this check, SQLite could create files beside a device
                raise DataError(f"{self._name}: this is not a regular file; name another file")
            self._connection = self._connect()
            try:
                with self._transaction("BEGIN") as connection:
                    has_begun = self._has_begun(connection)
            except BaseException:
                self.close()
                raise
            if not has_begun:  # the process that created the file may have been killed before it wrote anything
                self.close()

    def begin(self) -> None:
        """Create the file if it does not exist, so that an unwritable file is reported before anything is trained.

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        if self._connection is None:
            self._connection = self._connect()
        with self._transaction("BEGIN IMMEDIATE") as connection:
            if not self._has_begun(connection):
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA application_id = {_OURS}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")

    def find(self, recipe: Recipe, seed: int) -> Run | None:
        """Return the recorded run of a recipe and a seed; None if no run is recorded.

        Raises
        ------
        DataError
            If the record is damaged or cannot be read.
        """
        if self._connection is None:
            return None
        key = self._key(recipe, seed)
        with self._named_errors():
            found = self._connection.execute(_FIND, key).fetchone()
        if found is None:
            return None
        *values, checksum = found
        try:
            if checksum != _checksum(key, values):  # SQLite itself has no checksums
                raise ValueError
            return _run(*values)
        except (RecursionError, TypeError, ValueError):
            raise DataError(f"{self._name}: this record of a sweep is damaged; name another file") from None

    def __getitem__(self, task: Task) -> Run:
        """Return the recorded run of a recipe and a seed."""
        run = self.find(*task)
        if run is None:
            raise KeyError(task)
        return run

    def add(self, recipe: Recipe, seed: int, run: Run) -> None:
        """Record a run. If the record is a file, the run is on the disk when this method returns.

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        key = self._key(recipe, seed)
        values = json.dumps(run.validation), run.last, run.test, int(run.diverged), run.seconds
        with self._transaction("BEGIN IMMEDIATE") as connection:
            connection.execute(_ADD, (*key, *values, _checksum(key, values)))

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _key(self, recipe: Recipe, seed: int) -> tuple[Any, ...]:
        return recipe.as_json(), seed, self._fingerprint, fastnet.__version__

    def _connect(self) -> sqlite3.Connection:
        with self._named_errors():
            # An absolute path, because SQLite gives some names, such as ":memory:", another meaning.
            place = ":memory:" if self._path is None else os.path.abspath(self._path)
            connection = sqlite3.connect(place, timeout=_PATIENCE, isolation_level=None)
            connection.execute("PRAGMA trusted_schema = OFF")
            return connection

    def _has_begun(self, connection: sqlite3.Connection) -> bool:
        """Return whether the file has the table of runs; raise a `DataError` if the file has any other contents.

        Call this method in a transaction, because another process may create the table between two queries.
        """
        with self._named_errors():
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            schema = connection.execute("SELECT type, name, trim(sql, char(10)) FROM sqlite_master LIMIT 9").fetchall()
        if (application, version, schema) == (0, 0, []):
            return False
        if application != _OURS:
            raise DataError(f"{self._name}: this is a database, but not the record of a sweep; name another file")
        if version != _FORMAT:
            raise DataError(
                f"{self._name}: this record has format {version}, but this version of fastnet reads format {_FORMAT}; "
                "name another file"
            )
        if schema != [("table", "runs", _TABLE.strip("\n"))]:  # a view or a trigger would execute SQL from the file
            raise DataError(
                f"{self._name}: this database has other tables than the record of a sweep; name another file"
            )
        return True

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        """Run the `with` block as a transaction, which reads a consistent state and writes everything or nothing."""
        assert self._connection is not None
        with self._named_errors():
            self._connection.execute(begin)
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite ends the transaction itself if a disk is full, for example
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turn SQLite's errors in the `with` block into a `DataError` that names the file."""
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


def _run(validation: Any, last: Any, test: Any, diverged: Any, seconds: Any) -> Run:
    """Return the run with these values; raise an error if the values are not those of a run."""
    correct = json.loads(validation)
    counts = [*correct, last, *([] if test is None else [test])]
    if not all(type(count) is int and count >= 0 for count in counts) or type(seconds) is not float:
        raise ValueError
    return Run(tuple(correct), last, test, bool(diverged), seconds)


def _checksum(key: Sequence[Any], values: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps([*key, *values]).encode()).hexdigest()
