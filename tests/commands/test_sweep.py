"""`fastnet sweep` as a user types it, also in separate processes that are killed or interrupted."""

import contextlib
import csv
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest
from commands import in_process

from fastnet import expand_mnist, mnist_loader, network2

COMMAND = [str(Path(sysconfig.get_path("scripts"), "fastnet")), "sweep"]
GRID = ("--data", ".", "--engine", "numpy", "--sizes", "16,5,10", "--sizes", "16,10", "--eta", "0.5", "--eta", "3",
        "--seeds", "4", "--epochs", "60")  # fmt: skip


def run(*arguments, **keywords):
    return in_process.run("sweep", *arguments, **keywords)


def start(*arguments, **keywords):
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *arguments], stdout=pipe, stderr=pipe, text=True, **keywords)


def table(result):
    """Return the printed lines up to the summary. The next line contains the duration."""
    assert result.returncode == 0, result.stderr
    return result.stdout.partition("Trained now:")[0].splitlines()


def recorded(path):
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as database:
        return database.execute("SELECT count(*) FROM runs").fetchone()[0]


def wait_until_recorded(path, number):
    for _ in range(2000):
        if path.exists():
            try:
                if recorded(path) >= number:
                    return
            except sqlite3.OperationalError:  # the table does not exist yet
                pass
        time.sleep(0.01)
    pytest.fail("too few runs were recorded in 20 seconds")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A function that returns the table and the JSON figures of an uninterrupted sweep, which runs only once."""

    def find(folder):
        if not found:
            kept = tmp_path_factory.mktemp("whole")
            result = run(*GRID, "--record", str(kept / "r"), "--json", str(kept / "j"), cwd=folder)
            found.append((table(result), json.loads((kept / "j").read_text())))
        return found[0]

    found = []
    return find


def test_the_options_reach_the_networks(folder):
    result = run("--data", ".", "--engine", "numpy", "--dtype", "float64", "--sizes", "16,5,10", "--batch", "7",
                 "--cost", "cross-entropy", "--cost", "log-likelihood", "--lmbda", "0.7", "--l1", "0.2",
                 "--activation", "tanh",
                 "--dropout", "0.25", "--momentum", "0.5", "--expand", "--deform", "--seeds", "2", "--epochs", "4",
                 "--init", "large", "--init", "small",
                 "--csv", "sweep.csv", "--json", "sweep.json", cwd=folder)  # fmt: skip
    assert result.returncode == 0, result.stderr
    training_data, validation_data, test_data = mnist_loader.load_data_wrapper(folder)
    training_data = expand_mnist.expand(training_data)
    expected, tests = [], []
    for cost in (network2.CrossEntropyCost, network2.LogLikelihoodCost):
        for initializer in ("large_weight_initializer", "default_weight_initializer"):
            nets = []
            for seed in range(2):

                class Net(network2.Network):
                    default_weight_initializer = getattr(network2.Network, initializer)

                nets.append(Net([16, 5, 10], cost, activation="tanh", engine="numpy", dtype="float64", seed=seed))
                nets[-1].SGD(
                    training_data,
                    4,
                    7,
                    0.1,
                    0.7,
                    l1=0.2,
                    deform=True,
                    momentum=0.5,
                    dropout=0.25,
                    report=lambda history: None,
                )
            expected.append([net.accuracy(validation_data) / len(validation_data) for net in nets])
            tests.append([net.accuracy(test_data) / len(test_data) for net in nets])
    found = json.loads((folder / "sweep.json").read_text())
    assert [row["accuracies"] for row in found["rows"]] == expected
    best = int(np.argmax([np.mean(each) for each in expected]))
    assert found["best"] == {"row": best, "test_accuracies": tests[best]}
    lines = list(csv.DictReader((folder / "sweep.csv").read_text().splitlines()))
    assert [(line["cost"], line["init"]) for line in lines] == [
        ("cross-entropy", "large"), ("cross-entropy", "small"), ("log-likelihood", "large"), ("log-likelihood", "small")
    ]  # fmt: skip
    assert [float(line["mean"]) for line in lines] == pytest.approx([np.mean(each) for each in expected])
    for line, each in zip(lines, expected, strict=True):
        (shown,) = re.findall(rf"{line['cost']} +{line['init']} +(.*)", result.stdout)
        assert shown.split() == [
            "2",
            *(f"{x:.2%}" for x in (np.mean(each), np.std(each, ddof=1), min(each), max(each))),
        ]


def test_killed_at_any_moment_it_continues_to_the_same_table(folder, whole):
    random, path = np.random.default_rng(), folder / "sweep.sqlite"
    kills = 0
    while kills < 3:
        seconds = random.uniform(0, 0.3)
        with start(*GRID, cwd=folder) as process:
            if kills:  # only the first process may be killed before it records a run
                before = recorded(path) if path.exists() and path.stat().st_size else 0
                wait_until_recorded(path, min(before + 1, 16))
            time.sleep(seconds)
            process.kill()
        kills += 1
    known = recorded(path)
    result = run(*GRID, "--json", "sweep.json", cwd=folder)
    assert (table(result), json.loads((folder / "sweep.json").read_text())) == whole(folder)
    assert re.search(rf"^Trained now: {16 - known} networks, in .* known from sweep\.sqlite: {known}\.\n"
                     r"Saved to sweep\.json\n\Z", result.stdout, re.MULTILINE)  # fmt: skip


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_says_how_to_continue(folder, whole, jobs):
    path = folder / "sweep.sqlite"
    many = [*GRID, "--jobs", jobs]
    with start(*many, cwd=folder) as process:
        wait_until_recorded(path, 2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (130, "")
    said = re.fullmatch(
        r"(\d+) of 16 networks are trained, and recorded in sweep.sqlite; the same command continues the sweep",
        errors.strip(),
    )
    assert said
    assert int(said[1]) == recorded(path) < 16
    result = run(*many, cwd=folder)
    assert table(result) == whole(folder)[0]
    assert f"known from sweep.sqlite: {said[1]}." in result.stdout
    again = run(*many, cwd=folder)
    assert table(again) == whole(folder)[0]
    assert "Trained now: 0 networks" in again.stdout


def test_two_sweeps_at_once_share_a_record(folder, whole):
    with start(*GRID, cwd=folder) as first, start(*GRID, cwd=folder) as second:
        outputs = [process.communicate(timeout=60) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], outputs
    for output, _ in outputs:
        assert output.splitlines()[:-1] == whole(folder)[0]
    assert recorded(folder / "sweep.sqlite") == 16


def test_a_picture(folder):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    result = run(*GRID[:-1], "2", "--plot", "sweep.png", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert (folder / "sweep.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "16"], "Invalid value for '--sizes': '16' must be two or more whole numbers"),
        (["--sizes", "15,10"], "training_data: x has 16 components, but the network has 15 inputs"),
        (["--sizes", "16,9"], "training_data: y has 10 components, but the network has 9 outputs"),
        (
            ["--sizes", "16,10", "--sizes", "16,5,10", "--dropout", "0.5"],
            "dropout is 0.5, but the network has no hidden neurons",
        ),
        (["--eta", "1", "--eta", "0"], "Invalid value for '--eta'"),
        (["--eta", "nan"], "Invalid value for '--eta': nan is not a finite number."),
        (["--seeds", "0"], "Invalid value for '--seeds'"),
        (["--epochs", "0"], "Invalid value for '--epochs'"),
        (["--jobs", "0"], "Invalid value for '--jobs'"),
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:9"], "--jobs is for this machine"),
        (["--schedule", "halve"], "schedule is 'halve'; it needs patience"),
        (["--record", "nowhere/sweep.sqlite"], "is not a folder that can be written to"),
        (["--record", "notes.txt"], "notes.txt: this is not the record of a sweep, or it is damaged"),
        (["--plot", "sweep.docx"], "its extension must be one of"),
        (["--json", "."], "Invalid value for '--json'"),
        (["--seed", "3"], "No such option"),
    ],
)
def test_an_error_is_one_line_and_nothing_is_written(folder, arguments, message):
    (folder / "notes.txt").write_text("precious" * 100)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    result = run("--data", ".", "--engine", "numpy", "--sizes", "16,5,10", *arguments, cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("fastnet: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_on_a_terminal_a_bar_says_how_many_and_how_long(folder):
    terminal, end = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([*COMMAND, *GRID], stdout=end, stderr=end, stdin=end, env=environment, cwd=folder) as process:
        os.close(end)
        shown = b""
        while True:
            try:
                part = os.read(terminal, 1 << 16)
            except OSError:  # Linux reports the end of the output as an error
                break
            if not part:
                break
            shown += part
    os.close(terminal)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert process.returncode == 0
    assert "Traceback" not in text
    assert re.search(r"0 of 16 networks .* -:--:--", text)
    assert re.search(r"\d+ of 16 networks ━.* \d+% 0:00:\d\d", text)
    assert text.rstrip().splitlines()[-1].startswith("Trained now: 16 networks")


def test_help_shows_the_options():
    result = run("--help")
    for option in ("--sizes", "--seeds", "--jobs", "--scheduler", "--record", "--csv", "--json", "--plot", "--data"):
        assert option in result.stdout
    assert "\n    fastnet sweep --sizes 784,30,10 --sizes 784,100,10 \\\n      --eta 0.5" in result.stdout
