"""Run the benchmarks in `LIMITS`, one after the other, and list the missed bounds.

    python benchmarks/limit.py [--only yardstick,products]

This program needs an idle machine, the extra `bench`, and gcc. A bound is missed if the measured value does not meet
the bound. The last lines list the missed bounds. A benchmark that cannot run on this machine prints the reason, and
counts as missed. All other benchmarks run.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parent
LIMITS = {
    "yardstick": ("an epoch, compared with hand-written C for this processor", "yardstick.py"),
    "products": ("products of dense layers, compared with OpenBLAS", "products.py"),
    "grid": ("an epoch, compared with other engines and libraries", "grid.py"),
    "start": ("start of a process, memory, shuffling", "measure.py"),
    "concurrency": ("threads and processes that all have to compile", "concurrency.py"),
    "epoch": ("time of options, costs and accuracies, in epochs", "chapter3.py", "options"),
    "threads": ("two networks in two threads", "two_threads.py"),
    "soak": ("thousands of epochs, with checkpoints", "soak.py"),
    "recipes": ("time to 97 and 98 %", "recipes.py"),
    "best": ("time to 99 % and more, on two processors", "best.py"),
    "scale": ("many samples, many layers, mapped inputs", "scale.py"),
    "assembly": ("the code for ARM", "assembly.py"),
}


def main() -> None:
    """Run the chosen benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(LIMITS), help="benchmarks to run (default: %(default)s)")
    chosen = parser.parse_args().only.split(",")
    unknown = [name for name in chosen if name not in LIMITS]
    if unknown:
        parser.error(f"--only: there is no benchmark {', '.join(unknown)}; the benchmarks are {', '.join(LIMITS)}")
    missed = []
    for name in chosen:
        title, script, *arguments = LIMITS[name]
        print(f"\n## {name}: {title}\n", flush=True)
        missed += [f"{name}: {line}" for line in printed(script, *arguments) if is_missed(line)]
    print(f"\n## Missed: {len(missed) or 'nothing'}\n", *missed, sep="\n")


def printed(script: str, *arguments: str) -> list[str]:
    """Run a benchmark, print each line as soon as the benchmark prints it, and return all lines."""
    command = [sys.executable, BENCHMARKS / script, *arguments]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.strip())
    if process.returncode:
        lines.append(f"missed: {script} ended with status {process.returncode}")
        print(lines[-1])
    return lines


def is_missed(line: str) -> bool:
    """Return whether a line reports a missed bound: by the word "missed", or by numbers as in "at most 1.05: 1.10"."""
    found = re.search(r", at (most|least) ([\d.]+): ([\d.]+)", line)
    if found is None or "missed" in line:
        return "missed" in line
    bound, value = float(found[2]), float(found[3])
    return value > bound if found[1] == "most" else value < bound


if __name__ == "__main__":
    main()
