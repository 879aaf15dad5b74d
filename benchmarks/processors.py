"""Run a command as each processor with narrower vectors that this one can stand for: generic, and with AVX2.

    python benchmarks/processors.py pytest --benchmark-disable benchmarks/bench_kernels.py
    python benchmarks/processors.py python benchmarks/yardstick.py

Kernels are compiled for the processor that Numba is told of, and its cache keeps those of each apart. It fails if the
command fails as one of them. As this processor itself, a command runs without this one.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

from llvmlite.binding import get_host_cpu_features

# Without NUMBA_CPU_FEATURES, Numba takes all instructions of this processor, but for "generic" none.
PROCESSORS = {
    "generic": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "avx2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+sse4.2,+avx,+avx2,+fma"},
}
# What each has to know. LLVM and gcc take some of it from the name alone.
INSTRUCTIONS = {"generic": (), "avx2": ("avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe")}
WIDER = {"generic": "avx", "avx2": "avx512f"}  # who knows this has wider vectors


def known(name: str) -> bool:
    """Return whether this processor knows all instructions of that one."""
    features = get_host_cpu_features()
    return is_x86() and all(features.get(instruction) for instruction in INSTRUCTIONS[name])


def is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


def main() -> None:
    command = sys.argv[1:]
    if not command:
        raise SystemExit(__doc__)
    failed = []
    features = get_host_cpu_features()
    for name in PROCESSORS:
        if not known(name) or not features.get(WIDER[name]):
            continue
        print(f"As {name}:", flush=True)
        if subprocess.run(command, env=os.environ | PROCESSORS[name]).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"{command[0]} has failed as {' and '.join(failed)}")


if __name__ == "__main__":
    main()
