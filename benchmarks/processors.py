"""Run a command with kernels for processors with narrower vectors than this machine's: generic, and AVX2.

    python benchmarks/processors.py pytest --benchmark-disable benchmarks/bench_kernels.py
    python benchmarks/processors.py --only avx2 python benchmarks/grid.py

Environment variables name the processor for which Numba compiles. The cache stores the kernels of each processor
separately. With `avx2`, other variables restrict OpenBLAS, NumPy, PyTorch and JAX to AVX2, too, so that benchmarks
compare all libraries with the same instructions. A processor of `PROCESSORS` is left out if this machine lacks its
instructions, or has no wider vectors than the processor. `--only` refuses such a processor. The exit status is 1 if the
command fails with any of the processors. To use this machine's own vectors, run the command without `processors.py`.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess

from llvmlite.binding import get_host_cpu_features

# Without NUMBA_CPU_FEATURES, Numba uses all instructions of this processor. If NUMBA_CPU_NAME is "generic", it uses no
# optional instructions.
PROCESSORS = {
    "generic": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "avx2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+sse4.2,+avx,+avx2,+fma"},
}
# Variables that restrict other libraries to a processor's instructions: OpenBLAS, PyTorch with oneDNN and MKL, JAX, and
# NumPy's own loops. With "generic", other libraries are not restricted.
LIBRARIES = {
    "generic": {},
    "avx2": {
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "TORCHINDUCTOR_CPP_MARCH": "haswell",  # otherwise, torch.compile would also load cached code for AVX-512
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        # Without the second option, XLA uses YNNPACK, which chooses its instructions itself.
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2 --xla_cpu_experimental_ynn_fusion_type=",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    },
}
# Instructions that code for each processor may use. LLVM and gcc derive some instructions from the processor's name.
INSTRUCTIONS = {"generic": (), "avx2": ("avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe")}
WIDER = {"generic": "avx", "avx2": "avx512f"}  # an instruction set with wider vectors


def known(name: str) -> bool:
    """Return whether this processor has all instructions that code for the processor `name` may use."""
    features = get_host_cpu_features()
    return is_x86() and all(features.get(instruction) for instruction in INSTRUCTIONS[name])


def is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PROCESSORS, help="the only processor to compile for")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command, with its arguments")
    options = parser.parse_args()
    command = options.command
    if not command:
        parser.error("a command is missing, such as `pytest`")
    failed = []
    features = get_host_cpu_features()
    narrower = [name for name in PROCESSORS if known(name) and features.get(WIDER[name])]
    if options.only and options.only not in narrower:
        parser.error(f"--only {options.only}: this machine lacks its instructions, or has no wider vectors")
    for name in [options.only] if options.only else narrower:
        print(f"Compiled for {name}:", flush=True)
        if subprocess.run(command, env=os.environ | LIBRARIES[name] | PROCESSORS[name]).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"{command[0]} failed with kernels compiled for {' and '.join(failed)}")


if __name__ == "__main__":
    main()
