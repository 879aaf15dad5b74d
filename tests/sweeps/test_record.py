import hashlib
import json
import re
import resource
import sqlite3
import threading

import pytest

import fastnet
from fastnet.files.reading import DataError
from fastnet.sweeps.recipe import recipe
from fastnet.sweeps.record import Record
from fastnet.sweeps.run import Run

RUN = Run((5, 7), 7, None, False, 0.25)


@pytest.fixture
def path(tmp_path):
    """The path of a record with one run."""
    path = tmp_path / "sweep.sqlite"
    with Record(path, "data") as record:
        record.begin()
        record.add(recipe(), 3, RUN)
    return path


def test_what_is_recorded_is_found_again(path):
    with Record(path, "data") as record:
        assert record[recipe(), 3] == RUN
        diverged = Run((), 4, 9, True, 1.0)
        record.begin()
        record.add(recipe(eta=1e6), 2**32 - 1, diverged)
    with Record(path, "data") as record:
        assert record[recipe(eta=1e6), 2**32 - 1] == diverged
        assert record[recipe(), 3].seconds == RUN.seconds


def test_a_file_may_have_a_name_that_sqlite_reserves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with Record(":memory:", "data") as record:
            record.begin()
            record.add(recipe(), 3, RUN)
    assert (tmp_path / ":memory:").is_file()
    with Record(":memory:", "data") as record:
        assert record[recipe(), 3] == RUN


def test_a_run_is_identified_by_everything_that_affects_it(path, monkeypatch):
    with Record(path, "data") as record, Record(path, "other data") as other:
        assert record.find(recipe(), 4) is None
        assert record.find(recipe(engine="numpy"), 3) is None
        assert other.find(recipe(), 3) is None
        monkeypatch.setattr(fastnet, "__version__", "999")
        assert record.find(recipe(), 3) is None


def test_what_is_there_stays(path):
    with Record(path, "data") as record:
        record.begin()
        record.add(recipe(), 3, Run((1, 1), 1, None, False, 9.0))
        assert record[recipe(), 3] == RUN


def test_nothing_is_written_before_it_begins(tmp_path):
    path = tmp_path / "sweep.sqlite"
    with Record(path, "data") as record:
        assert record.find(recipe(), 0) is None
        assert not path.exists()
        record.begin()
    assert path.exists()


def test_a_run_is_on_the_disk_at_once(path):
    with Record(path, "data") as record:
        record.begin()
        record.add(recipe(), 4, RUN)
        with Record(path, "data") as other:
            assert other[recipe(), 4] == RUN


@pytest.mark.parametrize("contents", [b"", None])
def test_an_empty_file_is_as_good_as_none(tmp_path, contents):
    path = tmp_path / "sweep.sqlite"
    if contents is None:
        sqlite3.connect(path).close()
    else:
        path.write_bytes(contents)
    with Record(path, "data") as record:
        assert record.find(recipe(), 0) is None
        record.begin()
        record.add(recipe(), 0, RUN)
        assert record[recipe(), 0] == RUN


def test_without_a_path_it_is_in_memory():
    with Record(None, "data") as record:
        record.begin()
        record.add(recipe(), 0, RUN)
        assert record[recipe(), 0] == RUN


def test_files_of_another_kind_are_refused_and_not_changed(tmp_path):
    path = tmp_path / "precious"
    for contents in (b"a text of more than a hundred bytes" * 30, b"SQLite format 3\0" + bytes(4096)):
        path.write_bytes(contents)
        with pytest.raises(DataError, match=f"^{path}: this is not the record of a sweep, or it is damaged"):
            Record(path, "data")
        assert path.read_bytes() == contents
    path.unlink()
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE runs (mine)")
    database.commit()
    database.close()
    contents = path.read_bytes()
    with pytest.raises(DataError, match="this is a database, but not the record of a sweep"):
        Record(path, "data")
    assert path.read_bytes() == contents


def test_a_record_of_a_later_version_is_refused(path):
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 3")
    database.close()
    with pytest.raises(DataError, match="this record has format 3, but this version of fastnet reads format 2"):
        Record(path, "data")


def changed(path, columns, correct_checksum):
    """Change columns of the only run; if `correct_checksum`, also correct the checksum."""
    database = sqlite3.connect(path)
    database.execute(f"UPDATE runs SET {columns}")
    row = database.execute("SELECT * FROM runs").fetchone()
    if correct_checksum:
        database.execute("UPDATE runs SET sha256 = ?", [hashlib.sha256(json.dumps(row[:-1]).encode()).hexdigest()])
    database.commit()
    database.close()


@pytest.mark.parametrize(
    ("columns", "correct_checksum"),
    [
        ("last = 6", False),
        ("test = 9", False),
        ("validation = x'00ff'", False),
        ("validation = '[1,'", True),
        ("validation = 3", True),
        ("validation = '[0.5]'", True),
        ("validation = '[-1]'", True),
        ("validation = '" + "[" * 100_000 + "'", True),
        ("last = 'many'", True),
        ("last = -1", True),
        ("test = 0.5", True),
        ("seconds = 'a'", True),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_damaged_run_is_reported(path, columns, correct_checksum):
    changed(path, columns, correct_checksum)
    with Record(path, "data") as record, pytest.raises(DataError, match="this record of a sweep is damaged"):
        record.find(recipe(), 3)


def test_a_corrected_checksum_is_valid(path):
    """With `correct_checksum`, `changed` writes a valid checksum; `test_a_damaged_run_is_reported` depends on this."""
    changed(path, "last = last", True)
    with Record(path, "data") as record:
        assert record.find(recipe(), 3) == RUN


def test_a_truncated_file_is_reported(path):
    long = Run(tuple(range(3000)), 7, None, False, 0.25)
    with Record(path, "data") as record:
        record.begin()
        record.add(recipe(), 4, long)
        record.add(recipe(), 5, long)
    path.write_bytes(path.read_bytes()[:6000])
    with pytest.raises(DataError, match="damaged"):
        find_all(path)


def find_all(path):
    with Record(path, "data") as record:
        return [record.find(recipe(), seed) for seed in (3, 4, 5)]


def test_a_file_that_cannot_be_written_is_reported_before_anything_is_trained(tmp_path):
    with (
        Record(tmp_path / "nowhere" / "sweep.sqlite", "data") as record,
        pytest.raises(DataError, match="unable to open"),
    ):
        record.begin()


def test_several_may_write_at_once(tmp_path):
    path, failures = tmp_path / "sweep.sqlite", []

    def write(first):
        try:
            with Record(path, "data") as record:
                record.begin()
                for seed in range(first, first + 6):
                    record.add(recipe(), seed, RUN)
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(first,)) for first in (0, 3, 6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    with Record(path, "data") as record:
        assert all(record.find(recipe(), seed) == RUN for seed in range(12))


def test_no_byte_of_the_file_can_change_what_is_found(path):
    """After a change of a byte that is not zero, the run is found unchanged, is not found, or the file is refused."""
    whole, refused = path.read_bytes(), 0
    for place in [place for place, byte in enumerate(whole) if byte]:
        damaged = bytearray(whole)
        damaged[place] ^= (1, 2, 16, 128, 255)[place % 5]
        path.write_bytes(damaged)
        try:
            with Record(path, "data") as record:
                found = record.find(recipe(), 3)
        except DataError:
            refused += 1
            continue
        assert found is None or (found, found.seconds) == (RUN, RUN.seconds)
    assert refused > 100


def test_of_a_full_disk_what_was_recorded_is_left(path):
    """A limit on the file's size simulates a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, limits[1]))
    added = 0
    with Record(path, "data") as record:
        try:
            while added < 100:
                record.add(recipe(), 10 + added, RUN)
                added += 1
        except DataError as error:
            message = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert re.search(r"sweep\.sqlite: .*(full|I/O)", message)
    with Record(path, "data") as record:
        assert [record.find(recipe(), seed) for seed in (3, *range(10, 10 + added))] == [RUN] * (1 + added)
        assert record.find(recipe(), 10 + added) is None
        record.begin()
        record.add(recipe(), 999, RUN)


def test_an_error_after_which_sqlite_rolled_back_is_raised(path):
    """On a full disk, SQLite rolls back by itself; the record must then raise the original error."""
    with Record(path, "data") as record, pytest.raises(ZeroDivisionError):
        with_a_transaction_that_ends(record)


def with_a_transaction_that_ends(record):
    with record._transaction("BEGIN IMMEDIATE") as connection:
        connection.execute("ROLLBACK")
        raise ZeroDivisionError


def test_what_could_not_be_written_for_a_reader_is_written_when_that_has_gone(path, monkeypatch):
    monkeypatch.setattr("fastnet.sweeps.record._PATIENCE", 0.01)
    reader = sqlite3.connect(path, isolation_level=None)
    with Record(path, "data") as record:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM runs").fetchall()
        with pytest.raises(DataError, match="database is locked"):
            record.add(recipe(), 4, RUN)
        assert record.find(recipe(), 4) is None
        reader.execute("COMMIT")
        record.add(recipe(), 4, RUN)
        assert record.find(recipe(), 4) == RUN
    reader.close()


ENDLESS = """
CREATE VIEW runs AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)
SELECT n AS recipe, 0 AS seed, '' AS data, '' AS version, '[]' AS validation, 0 AS last, 0 AS test, 0 AS diverged,
0.0 AS seconds, '' AS sha256 FROM r
"""


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP TABLE runs", ENDLESS],
        ["CREATE TRIGGER t BEFORE INSERT ON runs BEGIN SELECT count(*) FROM runs a, runs b, runs c, runs d; END"],
        ["CREATE INDEX i ON runs (seed)"],
        ["ALTER TABLE runs ADD COLUMN mine AS (zeroblob(1000000000))"],
    ],
    ids=["view", "trigger", "index", "column"],
)
def test_sql_in_the_file_is_not_run(tmp_path, statements):
    """A file is refused if its schema is not exactly that of a record."""
    path = tmp_path / "record"
    with Record(path, "data") as record:
        record.begin()
    database = sqlite3.connect(path)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    with pytest.raises(DataError, match=f"^{path}: this database has other tables than the record of a sweep"):
        Record(path, "data")


def test_networks_of_layers_have_runs_of_their_own(path):
    made = recipe(layers="pool 4x4, dense 30", cost="quadratic", init="large", eta=3.0)
    with Record(path, "data") as record:
        assert record.find(made, 3) is None
        record.begin()
        record.add(made, 3, diverged := Run((), 4, 9, True, 1.0))
        assert record.find(recipe(layers="dense 30", cost="quadratic", init="large", eta=3.0), 3) is None
    with Record(path, "data") as record:
        assert (record.find(recipe(), 3), record.find(made, 3)) == (RUN, diverged)


def test_a_record_from_before_there_were_layers_is_read(path):
    """A record finds a run by the text of the recipe. Without `layers`, this text is the same as in older versions."""
    database = sqlite3.connect(path)
    (text,) = database.execute("SELECT recipe FROM runs").fetchone()
    database.close()
    assert text == (
        '{"activation": "sigmoid", "cost": "quadratic", "dropout": 0.0, "dtype": "float32", "engine": "numba", '
        '"epochs": 30, "eta": 3.0, "init": "large", "l1": 0.0, "lmbda": 0.0, "max_norm": null, "mini_batch_size": 10, '
        '"momentum": 0.0, "optimizer": "sgd", "patience": null, "schedule": null, "sizes": [784, 30, 10]}'
    )
