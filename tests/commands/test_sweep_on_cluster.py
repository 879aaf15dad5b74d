"""`fastnet sweep` with a Dask scheduler and two workers. The tests kill some of these processes."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from commands.in_process import run

from fastnet import mnist_loader
from fastnet.sweeps import sweep

pytest.importorskip("distributed", reason="the extra dask is not installed")

COMMAND = [str(Path(sysconfig.get_path("scripts"), "fastnet")), "sweep"]
DASK = [sys.executable, "-m", "dask"]
AS_OPTIONS = ["--data", ".", "--engine", "numpy", "--sizes", "16,5,10", "--eta", "0.5", "--eta", "3", "--seeds", "6"]
EPOCHS = ["--epochs", "150"]


@contextlib.contextmanager
def running(folder, **environment):
    """Start a scheduler and two workers, and yield the scheduler's address and the three processes."""
    file, quiet = folder / "scheduler.json", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    file.unlink(missing_ok=True)  # an earlier scheduler may have written this file
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    place = ["--scheduler-file", str(file), "--no-dashboard"]
    commands = [
        ["scheduler", "--host", "127.0.0.1", "--port", "0", *place],
        *[["worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(folder), *place]] * 2,
    ]
    processes = [subprocess.Popen([*DASK, *each], env=environment, cwd="/", **quiet) for each in commands]
    try:
        yield address_in(file), processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def address_in(file):
    for _ in range(600):
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads(file.read_text())["address"]
        time.sleep(0.05)
    return pytest.fail("the scheduler did not start in 30 seconds")


def start(folder, address, *arguments):
    pipe = subprocess.PIPE
    epochs = arguments or EPOCHS
    command = [*COMMAND, *AS_OPTIONS, *epochs, "--scheduler", address, "--record", "on-cluster", "--json",
               "on-cluster.json"]  # fmt: skip
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=folder)


def wait_until_recorded(path, number):
    for _ in range(600):
        with contextlib.suppress(sqlite3.OperationalError):
            if path.exists() and recorded(path) >= number:
                return
        time.sleep(0.05)
    pytest.fail("too few runs were recorded in 30 seconds")


def recorded(path):
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as database:
        return database.execute("SELECT count(*) FROM runs").fetchone()[0]


def test_nothing_is_lost_when_a_worker_is_killed_in_the_middle(folder):
    expected = run("sweep", *AS_OPTIONS, *EPOCHS, "--record", "here", "--json", "here.json", cwd=folder).stdout
    with running(folder) as (address, (_, worker, _)), start(folder, address) as process:
        wait_until_recorded(folder / "on-cluster", 3)
        assert recorded(folder / "on-cluster") < 12
        worker.kill()
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert recorded(folder / "on-cluster") == 12
    assert output.partition("Trained now:")[0] == expected.partition("Trained now:")[0]
    assert (folder / "on-cluster.json").read_text() == (folder / "here.json").read_text()


def test_sets_are_sent_and_errors_on_a_cluster_are_reported(folder):
    data = mnist_loader.load_data_wrapper(folder)
    grid = {"sizes": [16, 5, 10], "eta": [0.5, 3.0], "engine": "numpy", "epochs": 20, "seeds": 3}
    expected = sweep(data, **grid)
    with running(folder, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as (address, (scheduler, worker, _)):
        assert sweep(data, scheduler=address, **grid).as_dict() == expected.as_dict()
        with start(folder, address) as process:  # a killed worker's task is not retried (ALLOWED_FAILURES)
            wait_until_recorded(folder / "on-cluster", 3)
            worker.kill()
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 2
        done = recorded(folder / "on-cluster")
        assert 3 <= done < 12
        assert errors.startswith(f"fastnet: {done} of 12 networks are trained; eta ")
        assert "no worker finished this network" in errors
        assert errors.endswith("; the trained networks are recorded in on-cluster\n")
        with start(folder, address, "--epochs", "1000") as process:
            wait_until_recorded(folder / "on-cluster", done + 1)
            scheduler.kill()
            output, errors = process.communicate(timeout=60)
        assert (process.returncode, output) == (2, "")
        assert errors == "fastnet: the scheduler no longer answers\n"
