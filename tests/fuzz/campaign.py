"""Fuzz one reader: `python -m tests.fuzz.campaign READER INPUTS SECONDS FOLDER SEED`.

The result is written to `result.json` in FOLDER. One input for each kind of finding is written to its own file in
FOLDER.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
import warnings
import zlib
from pathlib import Path
from random import Random
from typing import Any

import atheris

with atheris.instrument_imports(include=["fastnet", "pickle", "gzip", "zipfile"]):
    import gzip  # noqa: F401
    import pickle  # noqa: F401
    import zipfile  # noqa: F401

    import fastnet.datasets.mnist
    import fastnet.files.models  # noqa: F401

    from . import damage
    from .monitored_reader import Finding, MonitoredReader
    from .readers import READERS, Reader

    for _reader in (READERS[sys.argv[1]],):
        for _seed in _reader.whole():
            _reader.read(_seed)  # imports all modules that the reader needs, and checks that it reads undamaged files

_ONE_IN = 1000  # on average, one in this number of inputs is enlarged by about a megabyte
_LONGEST = 6000  # largest size, in bytes, of an input that is not enlarged
_DEADLINE = 300  # libFuzzer ends the process if an input takes more than this number of wall-clock seconds
_REPORTED = 1000  # number of inputs between two writes of the result


class Campaign:
    """Reads and counts inputs, and keeps one input for each kind of finding."""

    def __init__(self, reader: Reader, inputs: int, seconds: float, folder: Path) -> None:
        self._reader, self._inputs, self._folder = reader, inputs, folder
        memory = Path("/dev/shm")
        self._path = (memory if memory.is_dir() else folder) / f"fastnet-fuzz-{os.getpid()}"
        self._monitored_reader = MonitoredReader(
            reader.read, self._path, [path.read_bytes() for path in reader.whole()]
        )
        self._findings: dict[str, str] = {}
        self._count = self._accepted = 0
        self._start = time.monotonic()
        self._end = self._start + seconds if seconds else float("inf")

    def one(self, contents: bytes) -> None:
        """Read one input; called by libFuzzer."""
        random = Random(zlib.crc32(contents))
        enlarge = random.randrange(_ONE_IN) == 0
        if enlarge:
            contents = damage.enlarged(contents, self._reader.format, random)
        try:
            self._accepted += self._monitored_reader(contents, count_memory=enlarge)
        except Finding as finding:
            self._keep(str(finding), contents)
        self._count += 1
        if self._count % _REPORTED == 0:
            self._write_result()
        if self._count >= self._inputs or time.monotonic() > self._end:
            self._write_result()
            self._path.unlink()
            os._exit(0)  # no other way stops libFuzzer

    def mutate(self, contents: bytes, longest: int, seed: int) -> bytes:
        """Return a mutated input; called by libFuzzer."""
        random = Random(seed)

        def by_libfuzzer(part: bytes) -> bytes:
            return atheris.Mutate(part, max(longest, len(part) + 1))

        damaged = damage.damaged(contents, self._reader.format, random, by_libfuzzer)
        return damaged if len(damaged) <= longest else by_libfuzzer(contents)[:longest]

    def _keep(self, finding: str, contents: bytes) -> None:
        kind = finding.partition(": ")[0]
        if kind not in self._findings:
            name = self._folder / f"finding-{hashlib.sha256(kind.encode()).hexdigest()[:8]}"
            name.write_bytes(contents)
            self._findings[kind] = f"{finding} ({name})"

    def _write_result(self) -> None:
        result: dict[str, Any] = {
            "inputs": self._count,
            "accepted": self._accepted,
            "seconds": time.monotonic() - self._start,
            "findings": sorted(self._findings.values()),
            "memory": self._monitored_reader.memory,
        }
        unfinished = self._folder / "result.part"
        unfinished.write_text(json.dumps(result))
        unfinished.replace(self._folder / "result.json")


def main() -> None:
    name, inputs, seconds, folder, seed = sys.argv[1:]
    reader = READERS[name]
    warnings.simplefilter("ignore")  # to show a warning, Python would open a source file, which is forbidden
    corpus = Path(folder) / "corpus"
    corpus.mkdir(exist_ok=True)
    for each in reader.seeds():
        shutil.copy(each, corpus)
    campaign = Campaign(reader, int(inputs), float(seconds), Path(folder))
    options = {
        "seed": seed,
        "max_len": _LONGEST,
        "len_control": 0,
        "mutate_depth": 2,
        "timeout": _DEADLINE,
        "rss_limit_mb": 0,
        "verbosity": 0,
        "artifact_prefix": f"{folder}/died-",
    }
    command = [name, *(f"-{key}={value}" for key, value in options.items()), str(corpus)]
    atheris.Setup(command, campaign.one, custom_mutator=campaign.mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
