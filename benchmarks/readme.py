"""Measure the figures of README and `docs/`, and write them there: tables between marks, and pictures into `docs/`.

    python benchmarks/readme.py [--only SECTION,SECTION]

All sections take about six hours, mostly for chapter 6, on an idle machine. The extras `bench`, `test` and `fuzz` are
needed. If a page has a section for each kind of processor, the section of this machine's processor is written. If
`processors.py --only avx2` runs this command, the section of processors with AVX2 is written.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path

from limit import is_missed
from processors import PROCESSORS

from fastnet import comparison, plots
from fastnet.comparison.plots import figure
from fastnet.utils import machine

BENCHMARKS = Path(__file__).parent
DOCS = BENCHMARKS.parent / "docs"
PAGES = (BENCHMARKS.parent / "README.md", *sorted(DOCS.glob("*.md")))
RESTRICTED_TO = "AVX2" if os.environ.get("NUMBA_CPU_NAME") == PROCESSORS["avx2"]["NUMBA_CPU_NAME"] else ""
VECTORS = RESTRICTED_TO or machine.describe()["vectors"]
MACHINE = machine.sentence() + (f"; all libraries restricted to {RESTRICTED_TO}" if RESTRICTED_TO else "")
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
LIMITS = ("yardstick.py", "two_threads.py", "products.py", "distribution.py", "grid.py")


def main() -> None:
    sections = {
        "engines": engines,
        "map": map_,
        "published": lambda: run("chapter3.py", "published"),
        "options": options,
        **{name: partial(best, name) for name in ("best", "half-a-minute", "five-minutes")},
        "by-hand": lambda: run("by_hand.py"),
        "with-pytorch": lambda: run("with_pytorch.py"),
        "chapter-6": lambda: tables("chapter6.py")[0],
        "convolution": lambda: tables("convolution.py")[0],
        "sweep": lambda: tables("sweep.py")[0],
        "sklearn": lambda: run("sklearn_mlp.py"),
        "handwriting": lambda: tables("handwriting.py")[0],
        "promises": promises,
        "limits": limits,
        "page": page,
        "scale": lambda: tables("scale.py")[0],
        "recipes": lambda: tables("recipes.py")[0],
        "kills": lambda: tables("kills.py")[0],
        "soak": lambda: tables("soak.py")[0],
        "concurrency": lambda: run("concurrency.py").partition("\n\n")[2],
        "versions": lambda: run("versions.py", "--torch"),
        "fuzz": fuzz,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(sections), help="sections to measure (default: %(default)s)")
    for name in parser.parse_args().only.split(","):
        text = sections[name]()
        print(f"{name}\n\n{text}\n", flush=True)
        write(name, text)


def write(name: str, text: str) -> None:
    """Put a text between the marks of a section, on every page with this section.

    A section for this kind of processor begins with the machine and the date.
    """
    written = False
    for page in PAGES:
        for section in (name, f"{name} on {VECTORS}"):
            start, end = f"<!-- {section} -->\n", f"<!-- end of {section} -->"
            before, found, rest = page.read_text(encoding="utf-8").partition(start)
            _, also_found, after = rest.partition(end)
            if found and also_found:
                about = "" if section == name else f"{MACHINE}; {date.today().isoformat()}.\n\n"
                page.write_text(f"{before}{start}{about}{text.strip()}\n{end}{after}", encoding="utf-8")
                written = True
    if not written:
        raise SystemExit(f"no page has a section {name}")


def engines() -> str:
    result = comparison.compare(epochs=7)
    plots.save(figure(result), DOCS / "engines.png")
    lines = [
        "| engine | seconds per epoch | fastest to slowest | times the book's speed | test accuracy |",
        "| --- " * 5 + "|",
    ]
    lines += [
        f"| `{each.engine}` | {each.median:.3f} | {min(each.seconds):.3f} to {max(each.seconds):.3f} "
        f"| {result.times(each.engine):.1f} | {each.accuracy:.2%} |"
        for each in result.results
        if each.seconds
    ]
    return "\n".join([*lines, "", f"{machine.sentence()}."])


def map_() -> str:
    result = comparison.compare_map()
    plots.save(figure(result), DOCS / "map.png")
    return result.summary()


def options() -> str:
    return run("chapter3.py", "options") + "\n\n" + run("chapter3.py", "overfitting")


def best(recipe: str) -> str:
    """Return a sentence with the results of a recipe in `docs/`."""
    lines = run("best.py", "--only", recipe).splitlines()
    each = ", ".join(f"{percent} %" for percent in re.findall(r"seed \d+: ([\d.]+) %", "\n".join(lines)))
    seconds, percent = (line.rpartition(": ")[2] for line in lines[-2:])
    return f"{percent} % of the test digits in {seconds} seconds, with two processors: the median of {each}."


def promises() -> str:
    return run("measure.py").partition("\n\n")[2]


def limits() -> str:
    """Return the table of limits, with new figures in the column of this processor's vectors.

    Each row after the first is one of the last lines of a benchmark in `LIMITS`. All other columns keep the page's
    figures. The table that a benchmark prints is also written to the section with the benchmark's name, on every page
    that has this section.
    """
    page = (DOCS / "limits.md").read_text(encoding="utf-8")
    table = page.partition("<!-- limits -->\n")[2].partition("<!-- end of")[0]
    header, _, *old = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line)
    columns = header[1:-1]
    if VECTORS not in columns:
        raise SystemExit(
            f"docs/limits.md lacks a column for {VECTORS or 'this processor'}; it has {', '.join(columns)}"
        )
    rows = {what: {**dict(zip(columns, cells, strict=True)), "by": script} for what, *cells, script in old}
    processor = machine.describe()["processor"] + (f", restricted to {RESTRICTED_TO}" if RESTRICTED_TO else "")
    rows["measured on"][VECTORS] = f"{processor}, {date.today().isoformat()}"
    for script in LIMITS:
        output = run(script) + "\n"
        for what, found in re.findall(r"^(.+): ([\d.]+(?: of \d+ cells)?)$", output, re.MULTILINE):
            cells = re.fullmatch(r"(\d+) of (\d+) cells", found)
            missed = cells[1] != cells[2] if cells else is_missed(f"{what}: {found}")
            rows[what] = rows.get(what, {}) | {
                VECTORS: found + " **missed**" * missed,
                "by": f"`benchmarks/{script}`",
            }
        for table in TABLE.findall(output):
            write(Path(script).stem, table)
    lines = [f"| {' | '.join(header)} |", "| --- " * len(header) + "|"]
    for what, cells in rows.items():
        lines.append(f"| {what} | {' | '.join(cells.get(each, '') for each in (*columns, 'by'))} |")
    return "\n".join(lines)


def page() -> str:
    """Return a table of the figures that `page.py` prints, followed by the sentence that describes the machine.

    Missed bounds are marked.
    """
    sentence, _, found = run("page.py").partition("\n\n")
    lines = ["| what, and its bound | measured |", "| --- | --- |"]
    for line in found.splitlines():
        what, _, value = line.rpartition(": ")
        lines.append(f"| {what} | {value}{' **missed**' if is_missed(line) else ''} |")
    return "\n".join([*lines, "", sentence])


def fuzz() -> str:
    """Return the table of the fuzzed readers, each with a million files; raise an error if there is a finding."""
    command = [sys.executable, "-m", "tests.fuzz"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=BENCHMARKS.parent).stdout.strip()


def tables(script: str) -> list[str]:
    """Return the tables that a benchmark prints."""
    return TABLE.findall(run(script) + "\n")


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, BENCHMARKS / script, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    main()
