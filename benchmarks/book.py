"""The book's published values beside ours, and how long all of its figures take.

    python benchmarks/book.py [--seeds 5] [--chapter 3] [--only NAME,NAME] [--json FILE]

Every experiment of `fastnet book` is computed with several seeds, or once if nothing in it is random. A table has the
median of ours with the lowest and highest, and marks what lies outside. The last lines say how long the figures of
chapters 1 to 5 take together, with one seed each, in epochs of the engine `reference` on the book's first network in
the same run. Experiments that train support vector machines with scikit-learn are counted, and named beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median

import numpy as np

from fastnet import book, mnist_loader
from fastnet.book.seeds import repeated, spreads
from fastnet.comparison.timing import drawn
from fastnet.engines import engine_class
from fastnet.utils import machine

MOST_EPOCHS = 25
PART = 20  # an epoch of the engine `reference` is this many times a part of it
SLOW = ("svm", "more_data")


def main() -> None:
    """Print the table and the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds (default: %(default)s)")
    parser.add_argument("--chapter", type=int, help="only this chapter")
    parser.add_argument("--only", help="only these experiments")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else book.names(options.chapter)
    print(f"{machine.sentence()}.\n")
    print("| chapter | experiment | value | the book | fastnet | |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    epochs, seconds, found = [an_epoch()], {}, []
    for name in names:
        experiment, results = getattr(book, name), []
        for result in timed(repeated(experiment, range(options.seeds)), seconds.setdefault(name, [])):
            results.append(result)
        result.draw().canvas.draw()
        for spread in spreads(results):
            what, theirs, ours = spread.cells()
            verdict = "" if spread.is_met else f"**missed**: {spread.published.miss or 'not known why'}"
            print(f"| {experiment.chapter} | `{name}` | {what} | {theirs} | {ours} | {verdict} |", flush=True)
            found.append({"name": name, "value": what, "book": theirs, "fastnet": ours, "met": spread.is_met})
        epochs.append(an_epoch())
    print(f"\npublished values that are met: {sum(each['met'] for each in found)} of {len(found)}")
    whole, epoch = sum(map(median, seconds.values())), median(epochs)
    svm = sum(median(seconds[name]) for name in SLOW if name in seconds)
    print(f"An epoch of `reference`: {epoch:.2f} s. All experiments: {whole:.1f} s, of which {svm:.1f} s train SVMs.")
    print(f"all experiments but the SVMs, in epochs of `reference`, at most {MOST_EPOCHS}: {(whole - svm) / epoch:.1f}")
    print(f"all experiments, in epochs of `reference`, at most {MOST_EPOCHS}: {whole / epoch:.1f}")
    if options.json:
        report = {"machine": machine.describe(), "epoch": epoch, "seconds": seconds, "values": found}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def timed(results, seconds):
    """Yield results, and append how long each takes."""
    while True:
        began = time.perf_counter()
        result = next(results, None)
        if result is None:
            return
        seconds.append(time.perf_counter() - began)
        yield result


def an_epoch() -> float:
    """Return the seconds of an epoch of the book's algorithm, reckoned from a part of it."""
    data = mnist_loader.load_data_wrapper()[0]
    engine = engine_class("reference")(*drawn((784, 30, 10), "float64", np.random.RandomState(0)), data)
    order = np.random.RandomState(1).permutation(len(data))[: len(data) // PART]
    began = time.perf_counter()
    engine.epoch(order, 10, 3.0)
    return PART * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
