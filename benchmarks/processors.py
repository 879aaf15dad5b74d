"""Run a command with kernels compiled for processors with narrower vectors than this one: generic, and AVX2.

    python benchmarks/processors.py pytest --benchmark-disable benchmarks/bench_kernels.py
    python benchmarks/processors.py python benchmarks/yardstick.py

Environment variables tell Numba which processor to compile for. The cache keeps the kernels of each processor apart. A
processor is left out if this one lacks its instructions, or has no wider vectors. The exit status is 1 if the command
fails with any of them. To use this processor's own vectors, run the command itself.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

from llvmlite.binding import get_host_cpu_features

# If NUMBA_CPU_FEATURES is not set, Numba uses all instructions of this processor, or none with the name "generic".
PROCESSORS = {
    "generic": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "avx2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+sse4.2,+avx,+avx2,+fma"},
}
# Instructions that code for each processor may use. LLVM and gcc derive some of them from the name alone.
INSTRUCTIONS = {"generic": (), "avx2": ("avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe")}
WIDER = {"generic": "avx", "avx2": "avx512f"}  # an instruction set with wider vectors


def known(name: str) -> bool:
    """Return whether this processor has all instructions that code for the processor `name` may use."""
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
        print(f"Compiled for {name}:", flush=True)
        if subprocess.run(command, env=os.environ | PROCESSORS[name]).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"{command[0]} failed with kernels compiled for {' and '.join(failed)}")


if __name__ == "__main__":
    main()
