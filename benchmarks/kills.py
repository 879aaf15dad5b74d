"""Kill a training process at random moments, let it go on each time, and compare with one that was left alone.

    python benchmarks/kills.py [--kills 200]

Epochs are short, with a checkpoint after each, so that many kills meet its writing. One kill in five comes earlier:
while Python starts, modules are imported and kernels loaded. A run that is over is compared, parameters and history,
byte for byte, and another begins, until there were as many kills as are wanted. The exit status is 1 if a run could not
go on, or ended otherwise.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fastnet import machine

PROGRAM = """
import json
import numpy as np
from fastnet import Dataset, network2

random = np.random.default_rng(0)
inputs = random.random((200, 12))
data = Dataset(inputs, np.eye(3)[inputs[:, :3].argmax(axis=1)])
net = network2.Network([12, 40, 3], engine="numba", seed=3)
print("begun", flush=True)
series = net.SGD(
    data, 600, 10, 0.5, 0.1, data[:50], True, True, momentum=0.5, dropout=0.2, patience=60, schedule="halve",
    report=lambda history: None, checkpoint="run", resume=True,
)
net.save("net.json")
with open("history.json", "w") as file:
    json.dump([net.history.series("eta"), series, net.history.stopped], file)
"""
RESULTS = ("net.json", "history.json")
EARLY = 1 / 5  # of the kills
LIVES = 3  # of a run at least: the longest that one lasts is this part of it


def main() -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="how many (default: 200)")
    wanted = parser.parse_args().kills
    print(f"{machine.sentence()}.\n")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected, start, training = uninterrupted(folder / "uninterrupted")
        kills, writing, runs, failures = 0, 0, 0, 0
        moments = random.Random(0)
        while kills < wanted:
            run = folder / str(runs)
            killed, right = killed_run(run, wanted - kills, moments, start, training / LIVES, expected)
            kills, runs, failures = kills + killed, runs + 1, failures + (not right)
            writing += len(list(run.glob(".fastnet-*")))  # what a process that is killed while it writes leaves behind
    print("| kills | while a checkpoint was written | runs | that ended otherwise than the uninterrupted one |")
    print("| --- | --- | --- | --- |")
    print(f"| {kills} | {writing} | {runs} | {failures}{' **missed**' if failures else ''} |")
    print(f"\n{time.perf_counter() - began:.0f} seconds")
    sys.exit(1 if failures else 0)


def uninterrupted(folder: Path) -> tuple[list[bytes], float, float]:
    """Return what a run gives, how long it takes to begin, and how long it then takes."""
    finish(folder)  # compiles, if nothing has before
    for name in ("run", *RESULTS):
        (folder / name).unlink()
    began = time.perf_counter()
    with process_in(folder) as process:
        wait_until_begun(process)
        start = time.perf_counter() - began
        process.communicate()
    return results(folder), start, time.perf_counter() - began - start


def killed_run(
    folder: Path, most: int, moments: random.Random, start: float, span: float, expected: list[bytes]
) -> tuple[int, bool]:
    """Kill a run at most so often, until it is over; return how often, and whether it ended as expected."""
    kills = 0
    while kills < most and not (folder / RESULTS[-1]).exists():
        if not killed(folder, moments, start, span):
            break
        kills += 1
    finish(folder)
    return kills, results(folder) == expected


def killed(folder: Path, moments: random.Random, start: float, span: float) -> bool:
    """Go on with a run, and kill it while it starts, or while it trains; return whether it was not over before."""
    with process_in(folder) as process:
        if moments.random() < EARLY:
            time.sleep(moments.uniform(0, start))
        else:
            wait_until_begun(process)
            time.sleep(moments.uniform(0, span))
        process.kill()
    return process.returncode < 0


def finish(folder: Path) -> None:
    """Go on with a run to its end."""
    process_in(folder).communicate()


def process_in(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that begins a run in a folder, or goes on with the one that is there."""
    folder.mkdir(exist_ok=True)
    return subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=folder, stdout=subprocess.PIPE)


def wait_until_begun(process: subprocess.Popen[bytes]) -> None:
    """Return when the process says that training begins, or when it has ended."""
    assert process.stdout is not None
    process.stdout.readline()


def results(folder: Path) -> list[bytes]:
    """Return what a run has left, empty where there is nothing: then it has failed, and said why."""
    return [(folder / name).read_bytes() if (folder / name).exists() else b"" for name in RESULTS]


if __name__ == "__main__":
    main()
