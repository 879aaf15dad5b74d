"""`fastnet train` as a user types it, in a separate process if a test needs one."""

import os
import pty
import re
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest
from commands.in_process import run

from fastnet import mnist_loader, network
from fastnet.utils import progress

COMMAND = [str(Path(sysconfig.get_path("scripts"), "fastnet"))]
LINE = r"Epoch {}: \d+ / {} \(\d+\.\d\d% accuracy\), took \d+\.\d\d seconds\n"


def small(folder, *arguments):
    return "train", "--data", str(folder), "--sizes", "16,5,10", *arguments


def test_train_learns_mnist_and_takes_less_than_600_mb(tmp_path):
    # On Linux, the peak memory of a new process includes its parent's, so a small process starts the command.
    starter = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(status, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024), file=sys.stderr)
"""
    command = [sys.executable, "-c", starter, *COMMAND, "train", "--epochs", "2", "--seed", "1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    status, peak = result.stderr.splitlines()[-1].split()  # an earlier line may say that kernels are compiled
    assert status == "0"
    assert int(peak) < 600e6
    assert re.fullmatch(LINE.format(0, 10000) + LINE.format(1, 10000), result.stdout)
    # Rounding errors, and thus the accuracy, depend on the processor. Even a network that recognizes only nine of the
    # ten digits can exceed this bound.
    assert int(re.findall(r"(\d+) / ", result.stdout)[1]) > 8000
    assert list(tmp_path.iterdir()) == []


def test_options_reach_the_network(folder):
    result = run(*small(folder, "--epochs", "3", "--batch", "7", "--eta", "0.5", "--engine", "numpy"),
                 "--dtype", "float64", "--seed", "5", "--save", str(folder / "net.json"))  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(f"Saved to {folder / 'net.json'}\n")
    training_data, _, test_data = mnist_loader.load_data_wrapper(folder)
    net = network.Network([16, 5, 10], engine="numpy", dtype="float64", seed=5)
    net.SGD(training_data, 3, 7, 0.5)
    saved = network.load(folder / "net.json")
    assert saved.dtype == np.float64
    for array, expected in zip(saved.weights + saved.biases, net.weights + net.biases, strict=True):
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-12)
    assert f"Epoch 2: {net.evaluate(test_data)} / 9 " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--engine", "cuda"],
            "Invalid value for '--engine': 'cuda' is not one of 'numba', 'numpy', 'torch', 'reference', 'torch-cpu'",
        ),
        (["--sizes", "784"], "Invalid value for '--sizes': '784' must be two or more whole numbers"),
        (["--sizes", "784,x,10"], "Invalid value for '--sizes': '784,x,10' must be"),
        (["--sizes", "783,10"], "training_data: x has 784 components, but the network has 783 inputs"),
        (["--sizes", "784,9"], "training_data: y has 10 components, but the network has 9 outputs"),
        (["--epochs", "-1"], "Invalid value for '--epochs'"),
        (["--batch", "0"], "Invalid value for '--batch'"),
        (["--eta", "0"], "Invalid value for '--eta'"),
        (["--eta", "nan"], "Invalid value for '--eta': nan is not a finite number."),
        (["--seed", "-1"], "Invalid value for '--seed'"),
        (["--data", "nowhere"], "Invalid value for '--data': Path 'nowhere' does not exist."),
        (["--data", "."], "there is no file train-images-idx3-ubyte"),
        (["--save", "nowhere/net.json"], "is not a folder that can be written to"),
        (["--save", "."], "Invalid value for '--save'"),
        (["--save", ""], "Invalid value for '--save': . is a folder"),
        (["--sizes", "784,99999999999999999999,10"], "fastnet: "),
        (["--fast"], "No such option"),
        (["now"], "Got unexpected extra argument (now)"),
    ],
)
def test_an_error_is_one_line_and_status_2(tmp_path, arguments, message):
    result = run("train", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("fastnet: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_a_broken_data_file_is_named(folder):
    path = folder / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    result = run(*small(folder))
    assert (result.returncode, result.stderr) == (2, f"fastnet: {path}: it ends too early; the file is truncated\n")


def test_no_command_and_help_and_version():
    assert run().stdout == run("--help").stdout
    assert re.search(r"train +Train a network on handwritten digits\.", run().stdout)
    assert re.search(r"--eta .*Learning rate", run("train", "--help").stdout)
    assert "\n    fastnet train --sizes 784,100,10 --cost cross-entropy" in run("train", "--help").stdout
    assert re.fullmatch(r"fastnet, version \d+\.\d+\.\d+\n", run("--version").stdout)
    module = [sys.executable, "-m", "fastnet", "--version"]
    assert subprocess.check_output(module, text=True, cwd=Path(__file__).parent) == run("--version").stdout
    assert run("bogus").stderr == "fastnet: No such command 'bogus'.\n"


def test_ctrl_c_saves_what_was_learnt(folder):
    path = folder / "net.json"
    command = [*COMMAND, *small(folder, "--epochs", "100000000", "--engine", "numpy", "--save", str(path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == ""
    assert network.load(path).sizes == [16, 5, 10]


@pytest.mark.parametrize("epoch", [0, 1])
def test_ctrl_c_writes_the_file_only_after_a_whole_epoch(epoch, folder, monkeypatch):
    whole = progress.runs

    def interrupted(order, mini_batch_size, title, first):
        yield from whole(order, mini_batch_size, title, first)
        if title == f"Epoch {epoch}":
            signal.raise_signal(signal.SIGINT)
            yield order[:0]  # between two mini-batches, signals are handled

    monkeypatch.setattr(progress, "runs", interrupted)
    path = folder / "net.json"
    path.write_text("precious")
    result = run(*small(folder, "--epochs", "3", "--engine", "numpy", "--save", str(path)))
    assert result.returncode == 130
    assert (path.read_text() == "precious") == (epoch == 0)
    assert ("Saved to" in result.stdout) == (epoch > 0)


def test_what_was_learnt_is_saved_when_standard_output_is_closed(folder):
    path = folder / "net.json"
    command = [*COMMAND, *small(folder, "--epochs", "100000000", "--engine", "numpy", "--save", str(path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert network.load(path).sizes == [16, 5, 10]


def test_what_was_learnt_is_saved_when_standard_output_is_closed_before_the_last_line(folder):
    command = [*COMMAND, *small(folder, "--epochs", "2", "--engine", "numpy", "--patience", "9", "--save", "net.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        for _ in range(2):
            process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert network.load(folder / "net.json").sizes == [16, 5, 10]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_what_cannot_be_saved_is_reported_and_the_rest_is_saved(folder):
    pytest.importorskip("matplotlib")
    more = ["--save", "/dev/full", "--plot", "run.png", "--checkpoint", "run"]
    command = [*COMMAND, *small(folder, "--epochs", "100000000", "--engine", "numpy", "--seed", "0", *more)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    said = [line for line in errors.splitlines() if line and "no sample was classified" not in line]
    assert said == [
        "Checkpoint kept in run; the same command with --resume continues the run",
        "fastnet: /dev/full: No space left on device",
    ]
    assert (folder / "run.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="this system has no /proc/self/mem")
@pytest.mark.parametrize("arguments", [["train", "--data"], ["evaluate"]])
def test_a_file_that_cannot_be_read_is_named(arguments):
    result = run(*arguments, "/proc/self/mem")
    assert (result.returncode, result.stderr) == (2, "fastnet: /proc/self/mem: Input/output error\n")


def test_a_reader_that_closes_the_pipe(folder):
    command = [*COMMAND, *small(folder, "--epochs", "100000000", "--engine", "numpy")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_on_a_terminal_a_slow_epoch_has_a_bar_that_goes_away(tmp_path):
    terminal, end = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    command = [*COMMAND, "train", "--epochs", "1", "--engine", "numpy", "--batch", "5"]  # slow enough for a bar
    with subprocess.Popen(command, stdout=end, stderr=end, stdin=end, env=environment, cwd=tmp_path) as process:
        os.close(end)
        shown = b""
        began = time.monotonic()
        while time.monotonic() - began < 100:
            try:
                part = os.read(terminal, 1 << 16)
            except OSError:  # Linux reports the end of the output as an error
                break
            if not part:
                break
            shown += part
    os.close(terminal)
    text = shown.decode()
    assert process.returncode == 0
    assert "━" in text
    assert re.search(r"Epoch 0: \d+ / 10000", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).rstrip().splitlines()[-1])
