"""Compare the book's published values with fastnet's, and time the book's figures.

    python benchmarks/book.py [--seeds 5] [--chapter 3] [--only NAME,NAME] [--json FILE] [--page docs/book.md]

Each chosen experiment of `fastnet book` is computed with several seeds, or once if it has no seed. The table has the
median, lowest and highest of fastnet's values, and marks published values outside this range. `--page` writes the
gallery, with the pictures in a folder beside the page. With `--only` or `--chapter`, `--page` replaces the sections of
the chosen experiments, and keeps all other sections. Without `--only` and `--chapter`, most of chapter 6 is left out,
because its networks train for hours.

The last lines have the total time of the figures of chapters 1 to 5, with one seed each. In the last line, the unit of
time is an epoch of the book's first network with the engine `reference`, timed in the same run. The total includes the
experiments that train support vector machines with scikit-learn; their time is also printed separately.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path
from statistics import median

import numpy as np

from fastnet import book, mnist_loader
from fastnet.book.seeds import repeated, seed_ranges
from fastnet.comparison.timing import drawn
from fastnet.engines import engine_class
from fastnet.utils import machine

MOST_EPOCHS = 25
PART = 20  # number of parts into which an epoch of `reference` is divided; only one part is timed
SLOW = ("svm", "more_data")
QUICK = ("filters", "feature_maps")  # the experiments of chapter 6 that are computed by default
INTRODUCTION = """# The book's figures and experiments

This page shows the book's figures and experiments, with the published values beside those of fastnet. The page is for
readers of the book.

```sh
pip install '.[plot]'
fastnet book
fastnet book saturation --save saturation.png
```

`fastnet book` lists the experiments by chapter. `fastnet book NAME` computes an experiment, prints the book's values
beside ours, and shows or saves the picture. `from fastnet import book; book.saturation()` returns the data, and
`.draw()` the picture. Each experiment is one small file in `fastnet/book/`. `benchmarks/book.py --page docs/book.md`
writes this page. The [exercises](exercises.md) have a page of their own.

Values of random experiments are medians of several seeds, with the lowest and the highest. A value of the book is met
if the value lies between these two. As far as the book says, its value comes from one run. If a program runs six times,
the result of the first run lies outside the range of the other five results in a third of all cases.

The networks of chapter 6 were trained with one seed, because a network takes up to 45 minutes of a processor. On 10,000
test digits, 0.07 percentage points are the standard error of an accuracy of 99.5 %. The book's values of chapter 6
differ by at most 0.14 percentage points from fastnet's.
"""


def main() -> None:
    """Print the table and the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds (default: %(default)s)")
    parser.add_argument("--chapter", type=int, help="run only the experiments of this chapter")
    parser.add_argument("--only", help="run only these experiments, separated by commas")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--page", type=Path, help="write the gallery to this file, and pictures to a folder beside it")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else book.names(options.chapter)
    if not (options.only or options.chapter):  # chapter 6 trains for hours
        names = [name for name in names if getattr(book, name).chapter != 6 or name in QUICK]
    print(f"{machine.sentence()}.\n")
    print("| chapter | experiment | value | the book | fastnet | |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    epochs, seconds, found = [an_epoch()], {}, []
    sections = sections_of(options.page) if options.page and (options.only or options.chapter) else {}
    for name in names:
        experiment = getattr(book, name)
        results = list(timed(repeated(experiment, range(options.seeds)), seconds.setdefault(name, [])))
        if options.page:
            folder = options.page.with_suffix("")
            folder.mkdir(exist_ok=True)
            results[0].save(folder / f"{name}.png")
            sections[name] = section(experiment, f"{folder.name}/{name}.png", seed_ranges(results), len(results))
            write(options.page, sections)  # after each experiment, so that an interruption loses at most one
        for seed_range in seed_ranges(results):
            what, theirs, ours = seed_range.cells()
            missed = f"**missed**: {seed_range.difference()}" if not seed_range.is_met else ""
            print(
                f"| {experiment.place.removeprefix('chapter ')} | `{name}` | {what} | {theirs} | {ours} | {missed} |",
                flush=True,
            )
            found.append({"name": name, "value": what, "book": theirs, "fastnet": ours, "met": seed_range.is_met})
        epochs.append(an_epoch())
    print(f"\npublished values that are met: {sum(each['met'] for each in found)} of {len(found)}")
    counted = {name: median(each) for name, each in seconds.items() if getattr(book, name).chapter in range(1, 6)}
    whole, epoch = sum(counted.values()), median(epochs)
    svm = sum(counted.get(name, 0.0) for name in SLOW)
    print(f"An epoch of `reference`: {epoch:.2f} s. Chapters 1 to 5: {whole:.1f} s.")
    print(f"Of these, {' and '.join(SLOW)}, which train SVMs: {svm:.1f} s.")
    print(f"chapters 1 to 5, in epochs of `reference`, at most {MOST_EPOCHS}: {whole / epoch:.1f}")
    if options.json:
        report = {"machine": machine.describe(), "epoch": epoch, "seconds": seconds, "values": found}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def write(page: Path, sections: dict[str, str]) -> None:
    """Write the gallery, in the book's order."""
    in_order = [sections[name] for name in book.names() if name in sections]
    page.write_text("\n".join([INTRODUCTION, f"{machine.sentence()}.", *in_order, ""]), encoding="utf-8")


def sections_of(page: Path) -> dict[str, str]:
    """Return the sections of an existing gallery, by the names of their experiments."""
    _, *sections = re.split("(?m)^\n(?=## )", page.read_text(encoding="utf-8"))
    return {re.search("`fastnet book (.*)`", each)[1]: "\n" + each.rstrip("\n") for each in sections}


def section(experiment, picture, ranges, seeds):
    """Return an experiment's section of the gallery, in Markdown."""
    lines = [f"\n## {experiment.title}\n", f"{experiment.place.capitalize()}: `fastnet book {experiment.name}`.\n"]
    lines += [experiment.description, f"\n![{experiment.title}]({picture})"]
    if ranges:
        several = f"fastnet, {seeds} seeds" if seeds > 1 else "fastnet"
        lines += [f"\n| value | the book | {several} | |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(each.cells())} | {each.difference()} |" for each in ranges]
    return "\n".join(lines)


def timed(results, seconds):
    """Yield results; the list `seconds` gets the time that each result took, in seconds."""
    while True:
        began = time.perf_counter()
        result = next(results, None)
        if result is None:
            return
        seconds.append(time.perf_counter() - began)
        yield result


def an_epoch() -> float:
    """Return the time of an epoch of the book's algorithm in seconds, extrapolated from a part of an epoch."""
    data = mnist_loader.load_data_wrapper()[0]
    engine = engine_class("reference")(*drawn((784, 30, 10), "float64", np.random.RandomState(0)), data)
    order = np.random.RandomState(1).permutation(len(data))[: len(data) // PART]
    began = time.perf_counter()
    engine.epoch(order, 10, 3.0)
    return PART * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
