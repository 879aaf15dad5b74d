"""Build the wheel, check its contents, and run the tests with the oldest and the newest requirements that it allows.

    python benchmarks/versions.py [--torch] [--oldest-python PYTHON] [--newest-python PYTHON]

The oldest versions are the lower bounds in the wheel's metadata, on the oldest allowed Python that is on the path. Only
wheels are installed, so no compiler is needed. PyTorch, which is large, is installed only with `--torch`. The suite
runs in a copy of the repository without the folder `fastnet`. The exit status is 1 if anything fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
SHOWN = ("numpy", "numba", "scipy", "scikit-learn", "matplotlib", "torch")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--torch", action="store_true", help="also install PyTorch")
    parser.add_argument("--oldest-python", default=None, help="by default, the oldest one allowed that is on the path")
    parser.add_argument("--newest-python", default=None, help="by default, the newest one on the path")
    parser.add_argument("tests", nargs="*", help="arguments of pytest; by default, the whole suite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = built(folder)
        wrong = sorted(contents(wheel) ^ expected())
        print(f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB, {len(contents(wheel))} files;", end=" ")
        print(f"unexpected or missing: {', '.join(wrong)} **missed**" if wrong else "exactly the expected ones")
        copy = folder / "repository"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("fastnet", ".*", "__pycache__"))
        needed = list(requirements(wheel, {"test"}, set() if options.torch else {"torch"}))
        pythons = found_pythons()
        oldest, newest = options.oldest_python or pythons[0], options.newest_python or pythons[-1]
        print(f"\n| versions | Python | {' | '.join(SHOWN)} | the suite | seconds |")
        print("| --- " * (len(SHOWN) + 4) + "|")
        results = [
            tried("oldest", oldest, wheel, [*map(lowest, needed)], copy, options.tests),
            tried("newest", newest, wheel, [*map(str, needed)], copy, options.tests),
        ]
    sys.exit(0 if all(results) and not wrong else 1)


def built(folder: Path) -> Path:
    """Build the wheel."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    return next(folder.glob("fastnet_nndl-*.whl"))


def contents(wheel: Path) -> set[str]:
    """Return the names of the files in a wheel. The version is removed from the name of the metadata folder."""
    with zipfile.ZipFile(wheel) as file:
        return {re.sub(r"^fastnet_nndl-[^/]*\.dist-info/", "dist-info/", name) for name in file.namelist()}


def expected() -> set[str]:
    """Return the names of the files that the wheel should contain."""
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "fastnet").rglob("*.py")}
    data = {f"fastnet/data/{path.name}" for path in (ROOT / "data").iterdir()}
    about = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "licenses/data/README.md"}
    return sources | data | {"fastnet/py.typed"} | {f"dist-info/{name}" for name in about}


def requirements(wheel: Path, extras: set[str], without: set[str]) -> Iterator[Requirement]:
    """Yield the requirements of a wheel with some extras, without the requirements of the extras in `without`."""
    with zipfile.ZipFile(wheel) as file:
        name = next(name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(file.read(name).decode())
    left_out = {
        requirement.name
        for requirement in map(Requirement, metadata.get_all("Requires-Dist", []))
        if requirement.marker and any(requirement.marker.evaluate({"extra": extra}) for extra in without)
    }
    wanted = {"", *extras}
    for requirement in map(Requirement, metadata.get_all("Requires-Dist", [])):
        if requirement.name in left_out or not _applies(requirement, wanted):
            continue
        if requirement.name == "fastnet-nndl":
            yield from requirements(wheel, requirement.extras - without, without)
        else:
            requirement.marker = None
            yield requirement


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def lowest(requirement: Requirement) -> str:
    """Return a requirement of exactly the lowest version that the given requirement allows."""
    (bound,) = (each.version for each in requirement.specifier if each.operator == ">=")
    return f"{requirement.name}=={bound}"


def found_pythons() -> list[str]:
    """Return the Python interpreters on the path, the oldest first; if there are none, this interpreter."""
    found = [f"python3.{minor}" for minor in range(10, 30) if shutil.which(f"python3.{minor}")]
    works = [each for each in found if not subprocess.run([each, "--version"], capture_output=True).returncode]
    return works or [sys.executable]


def tried(title: str, python: str, wheel: Path, needed: list[str], copy: Path, tests: list[str]) -> bool:
    """Install the wheel in a new environment, run the suite, and print a row; return whether the suite passed."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([python, "-m", "venv", name], check=True)
        bin = Path(name) / ("Scripts" if os.name == "nt" else "bin")
        install = [str(bin / "python"), "-m", "pip", "install", "--quiet", "--only-binary=:all:", str(wheel), *needed]
        installed = subprocess.run(install, capture_output=True, text=True)
        if installed.returncode:
            print(f"| {title} | {python} |{' |' * len(SHOWN)} not installed **missed** | |\n\n{installed.stderr}")
            return False
        began = time.perf_counter()
        # In one process, so that the output of a failing test is not mixed with that of other tests.
        command = [str(bin / "pytest"), "-q", "-n0", "-p", "no:cacheprovider", "--tb=short", *tests]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        ended = subprocess.run(command, cwd=copy, capture_output=True, text=True, env=environment)
        seconds = time.perf_counter() - began
        versions = subprocess.run([str(bin / "python"), "-c", VERSIONS, *SHOWN], capture_output=True, text=True).stdout
    summary = ended.stdout.rstrip().rpartition("\n")[2].partition(" in ")[0].strip("= ")
    missed = " **missed**" if ended.returncode else ""
    print(f"| {title} | {versions.strip()} | {summary}{missed} | {seconds:.0f} |", flush=True)
    if ended.returncode:
        print(ended.stdout[-20_000:], ended.stderr[-5_000:], file=sys.stderr)
    return not ended.returncode


VERSIONS = """
import platform, sys
from importlib.metadata import PackageNotFoundError, version

def shown(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return ""

print(" | ".join([platform.python_version(), *map(shown, sys.argv[1:])]))
"""


if __name__ == "__main__":
    main()
