"""Kill or interrupt training at random moments, continue it, and compare the files with an uninterrupted run's.

    python benchmarks/kills.py [--kills 200] [--interruptions 200]

Epochs are short, with a checkpoint after each epoch, so that many signals come while a checkpoint is written. A program
is killed with SIGKILL, which it cannot handle. One kill in five comes while Python starts, imports modules and loads
kernels. The command `fastnet train` is interrupted with SIGINT, as by Ctrl-C: it must exit with status 130 and one
line, and must have saved the network. The files of a complete run are compared, byte for byte, with those of an
uninterrupted run. Then a new run starts, until the requested number of kills and interruptions is reached. The exit
status is 1 if a process ended wrongly after a signal, if a run's files differ from those of the uninterrupted run, or
if temporary files are left.
"""

from __future__ import annotations

import argparse
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastnet import network2
from fastnet.utils import machine

PROGRAM = """
import json
import numpy as np
from fastnet import Dataset, network2
from fastnet.learning import checkpoints

checkpoints._PART = 5  # writes the second file often, so that some kills interrupt the writing
random = np.random.default_rng(0)
inputs = random.random((200, 12))
data = Dataset(inputs, np.eye(3)[inputs[:, :3].argmax(axis=1)])
net = network2.Network([12, 40, 3], engine="numba", seed=3)
series = net.SGD(
    data, 600, 10, 0.5, 0.1, data[:50], True, True, momentum=0.5, dropout=0.2, patience=60, schedule="halve",
    report=lambda history: print(len(history.epochs), flush=True), checkpoint="run", resume=True,
)
net.save("net.json")
with open("history.json", "w") as file:
    json.dump([net.history.series("eta"), series, net.history.stopped], file)
"""
COMMAND = (
    "-m fastnet train --data . --sizes 16,40,10 --epochs 600 --seed 3 --momentum 0.5 --dropout 0.2 "
    "--checkpoint run --resume --save net.json"
)
EARLY = 1 / 5  # share of the kills that come while the program starts
OVER = (0, -signal.SIGINT)  # exit statuses of a complete run; SIGINT during Python's shutdown gives the second
MOST_EPOCHS = 200  # largest number of epochs that a process trains before the signal; a run has 600
WITHIN = 0.003  # largest delay of a signal after an epoch, in seconds: about the time of an epoch and its checkpoint


class SignalledProgram(NamedTuple):
    """A program to kill or interrupt: arguments, signal, share of early signals, and names of the result files."""

    arguments: list[str]
    number: signal.Signals
    early: float
    results: tuple[str, ...]

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        """Start a process that begins a run in a folder, or continues the run of that folder."""
        if not folder.exists():
            folder.mkdir()
            write_digits(folder)
        output = (folder / "output").open("wb")
        return subprocess.Popen(
            [sys.executable, "-u", *self.arguments], cwd=folder, stdout=subprocess.PIPE, stderr=output
        )

    def finish(self, folder: Path) -> list[bytes]:
        """Continue a run to its end; return the contents of its result files. Contents of missing files are empty."""
        with self.start(folder) as process:
            process.communicate()
        files = [folder / name for name in self.results]
        return [path.read_bytes() if path.exists() else b"" for path in files]


KILLED = SignalledProgram(["-c", PROGRAM], signal.SIGKILL, EARLY, ("net.json", "history.json"))
INTERRUPTED = SignalledProgram(COMMAND.split(), signal.SIGINT, 0.0, ("net.json",))


def main() -> None:
    """Print the table, and exit with status 1 if there were failures."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="number of kills (default: 200)")
    parser.add_argument("--interruptions", type=int, default=200, help="number of interruptions (default: 200)")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have made its processes ignore SIGINT
    print(f"{machine.sentence()}.\n")
    print("| ended by | times | while a file was written | runs | failures | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    failures = [ended("SIGKILL", KILLED, options.kills), ended("Ctrl-C", INTERRUPTED, options.interruptions)]
    sys.exit(1 if any(failures) else 0)


def ended(how: str, program: SignalledProgram, wanted: int) -> int:
    """Send `wanted` signals to runs, print a row, and return the number of failures."""
    began, moments = time.perf_counter(), random.Random(0)
    ends = writing = runs = failures = 0
    with tempfile.TemporaryDirectory() as name:
        expected, start = uninterrupted(program, Path(name, "uninterrupted"))
        while ends < wanted:
            run = Path(name, str(runs))
            while ends < wanted:
                process = end(program, run, moments, start)
                if process.returncode in OVER:
                    break
                ends += 1
                failures += not went_right(program, run, process.returncode)
                writing += bool(list(run.glob(".fastnet-*")))
            failures += program.finish(run) != expected
            failures += bool(list(run.glob(".fastnet-*")))  # the next process should have removed the leftovers
            runs += 1
    missed = " **missed**" if failures else ""
    print(
        f"| {how} | {ends} | {writing} | {runs} | {failures}{missed} | {time.perf_counter() - began:.0f} |", flush=True
    )
    return failures


def uninterrupted(program: SignalledProgram, folder: Path) -> tuple[list[bytes], float]:
    """Return the contents of an uninterrupted run's result files, and the seconds until its first epoch ends."""
    program.finish(folder)  # also compiles the kernels, if they are not compiled yet
    for name in ("run", "run.epochs", *program.results):
        (folder / name).unlink(missing_ok=True)
    began = time.perf_counter()
    with program.start(folder) as process:
        wait_for_epochs(process, 1)
        start = time.perf_counter() - began
        process.communicate()
    return program.finish(folder), start


def end(program: SignalledProgram, folder: Path, moments: random.Random, start: float) -> subprocess.Popen[bytes]:
    """Start or continue a run, and send the signal while the process starts or trains."""
    with program.start(folder) as process:
        if moments.random() < program.early:
            time.sleep(moments.uniform(0, start))
        else:
            wait_for_epochs(process, moments.randint(1, MOST_EPOCHS))
            time.sleep(moments.uniform(0, WITHIN))
        process.send_signal(program.number)
        process.communicate()
    return process


def went_right(program: SignalledProgram, folder: Path, status: int) -> bool:
    """Whether a process ended with the right status and, after SIGINT, with the right message and network."""
    if program.number == signal.SIGKILL:
        return status == -signal.SIGKILL
    said = (folder / "output").read_text().strip()
    kept = said == "Checkpoint kept in run; the same command with --resume continues the run"
    return status == 128 + program.number and kept and network2.load(folder / "net.json").sizes == [16, 40, 10]


def wait_for_epochs(process: subprocess.Popen[bytes], number: int) -> None:
    """Wait until the process has printed lines for `number` epochs, or has ended."""
    assert process.stdout is not None
    for _ in range(number):
        process.stdout.readline()


def write_digits(folder: Path) -> None:
    """Write a small data set in MNIST's format."""
    draw = np.random.default_rng(0)
    for name, n in (("train", 120), ("t10k", 30)):
        pixels, labels = draw.integers(0, 256, 16 * n, np.uint8).tobytes(), draw.integers(0, 10, n, np.uint8).tobytes()
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">HBB3I", 0, 8, 3, n, 4, 4) + pixels)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, n) + labels)


if __name__ == "__main__":
    main()
