"""Run the recipes in `docs/chapter3.md` and `docs/chapter6.md` with several seeds.

    python benchmarks/best.py [--only RECIPE,RECIPE] [--seeds 3]

A recipe is a block of Python in `docs/chapter3.md` or `docs/chapter6.md` that prints the accuracy at its end. A recipe
may use names that earlier blocks define. A recipe's kernels are compiled before the recipe is timed. The bounds apply
to the medians over the seeds, on a machine with two processors.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from fastnet.utils import machine

DOCS = Path(__file__).parent.parent / "docs"
PAGES = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("chapter3.md", "chapter6.md"))


class Recipe(NamedTuple):
    """A block of Python, the least test accuracy in percent, and the largest time in seconds."""

    code: str
    percent: float
    seconds: float = np.inf


BOUNDS = {"best": (99.2,), "half-a-minute": (99.0, 30), "five-minutes": (99.6, 300)}
RECIPES = {
    name: Recipe(code, *bounds)
    for code, (name, bounds) in zip(re.findall(r"```python\n(.*?)```", PAGES, re.DOTALL), BOUNDS.items(), strict=True)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(RECIPES),
        help="recipes to run, separated by commas (default: all)",
    )
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default: %(default)s)")
    chosen = parser.parse_args()
    unknown = set(chosen.only) - set(RECIPES)
    if unknown:
        parser.error(f"--only: there is no recipe {', '.join(sorted(unknown))}; the recipes are {', '.join(RECIPES)}")
    print(f"{machine.sentence()}.")
    names: dict[str, Any] = {}
    for name, recipe in RECIPES.items():
        with contextlib.redirect_stdout(None):  # a short run compiles the kernels, and defines the names
            exec(re.sub(r"(\.SGD\(training_data)\b", r"\1[:100]", recipe.code), names)
        if name in chosen.only:
            measure(name, recipe, names, chosen.seeds)


def measure(name: str, recipe: Recipe, names: dict[str, Any], seeds: int) -> None:
    """Run a recipe with several seeds; print each result, and the medians with their bounds."""
    print(f"\n{name}\n\n{recipe.code}")
    found = []
    for seed in range(seeds):
        np.random.seed(seed)
        began = time.perf_counter()
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(recipe.code, names)
        found.append((int(output.getvalue().split()[-1]) / 100, time.perf_counter() - began))
        print(f"seed {seed}: {found[-1][0]:.2f} % in {found[-1][1]:.0f} s", flush=True)
    accuracies, seconds = zip(*found, strict=True)
    print(f"median, seconds{'' if recipe.seconds == np.inf else f', at most {recipe.seconds}'}: {median(seconds):.0f}")
    print(f"median, percent of the test digits, at least {recipe.percent}: {median(accuracies):.2f}")


if __name__ == "__main__":
    main()
