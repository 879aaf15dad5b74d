"""Measure the time of a sweep of chapter 1's network on all processors and on one processor.

    python benchmarks/sweep.py [--networks 100] [--rounds 5]

The networks are 784-30-10, trained for 30 epochs in mini-batches of 10, with an evaluation after each epoch. In each
round, a part of the networks is trained on one processor, and then on all processors, so that changes of the machine's
speed affect both times. The command takes about three minutes. A missed bound is marked "missed". The last line
compares the processor times: processor time grows if the networks slow one another down, but not if other programs run.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

from joblib import cpu_count

from fastnet import mnist_loader, sweeps
from fastnet.utils import machine

SECONDS, TIMES = 60, 0.95  # most seconds for 100 networks; least speedup, as a share of the number of processors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=100, help="number of networks (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds (default: %(default)s)")
    options = parser.parse_args()
    processors, data = cpu_count(), mnist_loader.load_data_wrapper()
    sweeps.sweep(data, epochs=1)  # compiles the kernels, and prepares the data
    seconds: dict[int, list[float]] = {1: [], processors: []}
    computing = dict.fromkeys(seconds, 0.0)
    for numbers in (range(options.networks)[first :: options.rounds] for first in range(options.rounds)):
        tables = []
        for jobs, each in seconds.items():
            began, began_computing = time.perf_counter(), time.process_time()
            tables.append(str(sweeps.sweep(data, seeds=numbers, jobs=jobs)))
            each.append(time.perf_counter() - began)
            computing[jobs] += time.process_time() - began_computing
        assert len(set(tables)) == 1, "the same networks have different results"
    whole = sum(seconds[processors]) * 100 / options.networks
    times = median(alone / together for alone, together in zip(*seconds.values(), strict=True))
    print(f"{machine.sentence()}.\n")
    print("| promise | | measured |\n| --- | --- | --- |")
    show(f"100 networks, 30 epochs, {processors} at a time", f"under {SECONDS} s", f"{whole:.1f} s", whole < SECONDS)
    bound = TIMES * processors
    show(f"{processors} at a time against one", f"at least {bound:.1f} times", f"{times:.2f} times", times >= bound)
    print(
        f"\nprocessor time of a network, {processors} at a time against one: {computing[processors] / computing[1]:.2f}"
    )


def show(name: str, bound: str, measured: str, kept: bool) -> None:
    print(f"| {name} | {bound} | {measured}{'' if kept else ' **missed**'} |")


if __name__ == "__main__":
    main()
