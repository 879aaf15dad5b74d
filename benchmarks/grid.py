"""Is the default engine the fastest everywhere? Networks, mini-batch sizes and kinds of data, against every peer.

    python benchmarks/grid.py [--widths 30,100-100] [--batches 1,10] [--data mnist,dense] [--json FILE]

The peers are the engines `numpy` and `torch` and what `peers.py` has, each with all processors; those that are not
installed are named and left out. All take turns in each cell, and are checked first to compute the same (scikit-learn,
whose cost is another, only to train). An epoch is reckoned from a part of it. The whole grid takes about twelve
minutes. The last line is the smallest lead over the best peer.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import peers

from fastnet import Dataset, mnist_loader
from fastnet.comparison import timing
from fastnet.engines import engine_class, why_missing
from fastnet.utils import machine

OURS, ETA, ROUNDS = "numba", 0.1, 3
FLOAT32 = np.dtype("float32")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", default="30,100,300,1000,100-100", help="hidden layers (default: %(default)s)")
    parser.add_argument("--batches", default="1,10,32,100,1000", help="mini-batch sizes (default: %(default)s)")
    parser.add_argument("--data", default="mnist,dense", help="kinds of inputs (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")  # the peers' own
    classes, missing = competitors()
    print(f"{machine.sentence()}.")
    for name, reason in missing.items():
        print(f"Without {name}: {reason}.")
    digits = mnist_loader.load_data_wrapper()[0]
    random_inputs = np.random.default_rng(0).random(digits.inputs.shape, FLOAT32) - np.float32(0.5)
    data = {"mnist": digits, "dense": Dataset(random_inputs, digits.targets)}
    print("| data | hidden | batch |", " | ".join(classes), "| lead |")
    print("| --- " * (len(classes) + 4) + "|")
    cells = []
    for kind in arguments.data.split(","):
        for hidden in arguments.widths.split(","):
            for batch in arguments.batches.split(","):
                seconds = cell(classes, data[kind], [int(width) for width in hidden.split("-")], int(batch))
                lead = min(s for name, s in seconds.items() if name != OURS) / seconds[OURS]
                cells.append({"data": kind, "hidden": hidden, "batch": int(batch), "seconds": seconds, "lead": lead})
                times = " | ".join(f"{s:.3f}" for s in seconds.values())
                print(f"| {kind} | {hidden} | {batch} | {times} | {lead:.2f} |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine.describe(), "cells": cells}, indent=1) + "\n")
    worst = min(cells, key=lambda each: each["lead"])
    won = sum(each["lead"] >= 1 for each in cells)
    print(f"won: {won} of {len(cells)} cells")
    print(f"The smallest lead is with {worst['data']} {worst['hidden']}, mini-batches of {worst['batch']}.")
    print(f"smallest lead over the best peer, at least 1: {worst['lead']:.2f}")


def competitors() -> tuple[dict, dict]:
    """Return the classes of all engines and peers that are installed, ours first, and why the others are not."""
    names = (OURS, "numpy", "torch")
    classes = {name: engine_class(name) for name in names if why_missing(name) is None}
    missing = {name: why_missing(name) for name in names if why_missing(name)}
    return {**classes, **peers.ENGINES}, {**missing, **peers.MISSING}


def cell(classes: dict, data: Dataset, hidden: list[int], mini_batch_size: int) -> dict[str, float]:
    """Return the seconds per epoch of each engine."""
    sizes = [data.inputs.shape[1], *hidden, data.targets.shape[1]]
    racers = timing.racers(classes, sizes, FLOAT32, np.random.RandomState(0), data)
    comparable = {name: racer for name, racer in racers.items() if name not in peers.OF_ANOTHER_COST}
    timing.check(comparable, np.random.RandomState(1).permutation(len(data)), mini_batch_size, ETA)
    return timing.seconds_per_epoch(racers, len(data), mini_batch_size, ETA, ROUNDS)


if __name__ == "__main__":
    main()
