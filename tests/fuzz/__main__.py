"""Fuzz the readers of files, guided by code coverage. No finding is expected.

    python -m tests.fuzz [--reader idx,pickle] [--inputs 1000000] [--seconds N] [--folder FOLDER] [--seed N]

Run the command in the repository, with the extra `fuzz` installed. Each reader has its own process, which damages the
reader's seeds in `tests/fuzz/seeds`, often with corrected checksums. A reader must read a file or refuse it with a
one-line `DataError`, within a second and with less than 64 MiB of additional memory. A reader must not execute or
import anything, or open any file except the input. The 1,000,000 inputs take two to twenty minutes per reader. Inputs
that reach new code stay in FOLDER, and the next run with the same FOLDER continues from these inputs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .readers import READERS, Reader


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--reader", default=",".join(READERS), help="comma-separated readers (default: %(default)s)")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="inputs per reader (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=0, help="most seconds per reader (default: no limit)")
    parser.add_argument("--folder", type=Path, help="folder of inputs and findings (default: a temporary folder)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random inputs (default: %(default)s)")
    arguments = parser.parse_args()
    if find_spec("atheris") is None:
        parser.error("fuzzing needs atheris; pip install 'fastnet-nndl[fuzz]' installs it")
    if unknown := [name for name in arguments.reader.split(",") if name not in READERS]:
        parser.error(f"there is no reader {unknown[0]}; choose from {', '.join(READERS)}")
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="fastnet-fuzz-"))
    print("| reader | inputs | accepted | inputs per second | findings | largest memory for a file |", flush=True)
    print("| --- " * 6 + "|", flush=True)
    findings = []
    for name in arguments.reader.split(","):
        if not READERS[name].is_there:
            print(f"{name} is left out, because {READERS[name].needs} is not installed", file=sys.stderr)
            continue
        result = fuzz(READERS[name], arguments.inputs, arguments.seconds, folder / name, arguments.seed)
        findings += [f"{name}: {finding}" for finding in result["findings"]]
        speed, memory = result["inputs"] / max(result["seconds"], 1e-9), result["memory"] / 2**20
        print(
            f"| {name} | {result['inputs']:,} | {result['accepted']:,} | {speed:,.0f} "
            f"| {len(result['findings'])} | {memory:.0f} MiB |",
            flush=True,
        )
    print("\n".join(["", *findings]))
    return int(bool(findings))


def fuzz(reader: Reader, inputs: int, seconds: int, folder: Path, seed: int) -> dict[str, Any]:
    """Fuzz one reader in its own process, and return the campaign's counts, memory and findings."""
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "result.json"
    written.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"{__package__}.campaign", reader.name, *map(str, (inputs, seconds, folder, seed))]
    with (folder / "log").open("wb") as log:
        status = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    result: dict[str, Any] = {"inputs": 0, "accepted": 0, "seconds": 0.0, "memory": 0, "findings": []}
    if written.exists():
        result = json.loads(written.read_text())
    if status:
        result["findings"].append(f"the process died or hung; see {folder / 'log'}, and died-* in the same folder")
    return result


if __name__ == "__main__":
    sys.exit(main())
