"""Analyse the assembly code of the kernels' innermost loops for several processors.

    python benchmarks/assembly.py [--processor NAME,NAME] [--dtype float64] [--show BLOCK]

Each block of `fastnet/kernels` is compiled for each processor, also for processors other than this one: Numba generates
LLVM IR with vectors of the given processor, and LLVM compiles the IR. Nothing is run. A block may have a case, with
its own loop, for each number of sums that the block can compute. Without `--all-cases`, the table has only the smallest
and the largest case. The table counts multiply-add instructions, the registers to which they add, loaded and stored
registers, and products per loaded register. A spill is a vector that a loop with products writes to the stack or reads
from the stack, because there are too few registers. Pointers and other integers on the stack are counted separately. A
good loop has nothing on the stack.

The exit status is 1 if a loop in the table has spills or integers on the stack, or if no block's name begins with
BLOCK. The exit status is 3 if llvmlite cannot compile for a processor.
"""

from __future__ import annotations

import argparse
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import llvmlite.binding as llvm

REFUSED = 3  # exit status if llvmlite cannot compile for a processor


class Processor(NamedTuple):
    """A processor: LLVM's triple, name and features, and the size of a vector register in bytes."""

    triple: str
    name: str
    features: str
    register: int


X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
PROCESSORS = {
    "haswell": Processor(X86, "haswell", "", 32),
    "znver3": Processor(X86, "znver3", "", 32),
    "skylake-avx512": Processor(X86, "skylake-avx512", "-prefer-256-bit", 64),
    "apple-m1": Processor(ARM, "apple-m1", "", 16),
    "neoverse-n1": Processor(ARM, "neoverse-n1", "", 16),
    "neoverse-v1": Processor(ARM, "neoverse-v1", "", 16),
}


COLUMNS = "processor", "block", "case", "products", "sums", "loads", "stores", "products a load", "spills", "pointers"
WIDTHS = 14, 24, 8, 8, 4, 5, 6, 15, 6, 8


class Loop(NamedTuple):
    """Counts of an innermost loop's instructions and registers; `pointers` is the number of integers on the stack."""

    multiplications: int
    sums: int
    loads: int
    stores: int
    spills: int
    pointers: int
    instructions: list[str]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processor", type=names, default=list(PROCESSORS), help="processors (default: all)")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="(default: %(default)s)")
    parser.add_argument("--show", metavar="BLOCK", help="print the loops of blocks whose names begin with BLOCK")
    parser.add_argument(
        "--all-cases", action="store_true", help="all cases of each block, not only the smallest and the largest"
    )
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # analyse one processor, in this process
    options = parser.parse_args()
    for name in options.processor:
        if name not in PROCESSORS:
            parser.error(f"unknown processor {name!r}; known: {', '.join(PROCESSORS)}")
        refuse_unless_known(PROCESSORS[name])
    if not options.one:  # one process per processor, because a process has one width of vectors
        if options.show is None:
            print(f"LLVM {'.'.join(map(str, llvm.llvm_version_info))}, {options.dtype}.\n")
            print(f"{line(COLUMNS)}\n{line(['-' * width for width in WIDTHS])}", flush=True)
        command = [sys.executable, __file__, "--one", "--dtype", options.dtype]
        command += ["--show", options.show] if options.show else []
        command += ["--all-cases"] if options.all_cases else []
        failed = [subprocess.run([*command, "--processor", name]).returncode for name in options.processor]
        raise SystemExit(max(failed, default=0))
    (name,), spilled, any_block = options.processor, False, False
    for block, case, loop in loops(PROCESSORS[name], options.dtype, Chosen(options.show or "", options.all_cases)):
        any_block = True
        if options.show:
            print(f"{name}, {block}, {case}:\n" + "\n".join(loop.instructions), flush=True)
            continue
        spills = loop.spills + loop.pointers
        spilled |= spills > 0
        ratio = f"{loop.multiplications / loop.loads:.2f}" if loop.loads else "all"
        counts = loop.multiplications, loop.sums, loop.loads, loop.stores, ratio, loop.spills, loop.pointers
        print(line((name, block, case, *map(str, counts))) + (" **missed**" if spills else ""), flush=True)
    if not any_block:
        print(f"no block's name begins with {options.show!r}", file=sys.stderr)
    raise SystemExit(int(spilled or not any_block))


def line(cells: Sequence[str]) -> str:
    """Return a line of the table."""
    return "| " + " | ".join(map(str.ljust, cells, WIDTHS)) + " |"


def names(text: str) -> list[str]:
    """Return the names in an option, given the names separated by commas."""
    return text.split(",")


def refuse_unless_known(processor: Processor) -> None:
    """Exit with `REFUSED` if this llvmlite cannot compile for a processor."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        llvm.Target.from_triple(processor.triple)
    except RuntimeError as error:
        print(f"this llvmlite cannot compile for {processor.name}: {error}", file=sys.stderr)
        raise SystemExit(REFUSED) from None


# From a block to assembly code


class _Taken(Exception):  # noqa: N818 - not an error
    """Raised with the LLVM IR of a kernel, before Numba compiles the IR for this processor."""


def loops(processor: Processor, dtype: str, chosen: Chosen) -> Iterator[tuple[str, str, Loop]]:
    """Yield the block's name, the case, and the case's loop with the most sums, for each compiled case.

    The loop's numbers of spills and pointers are the totals of all loops of the case that have products. A block may
    have a loop for each number of sums, as the cases of a switch.
    """
    from numba.core.registry import cpu_target

    # `fastnet.kernels.vectors` derives the number and the width of registers from these features.
    codegen = cpu_target.target_context.codegen()
    codegen._tm_features = {64: "+avx,+avx512f", 32: "+avx", 16: ""}[processor.register]
    codegen._llvm_module.triple = processor.triple
    from fastnet.kernels import image_blocks, product_blocks

    for module in (product_blocks, image_blocks):
        for name, block in vars(module).items():
            typed = getattr(getattr(block, "_defn", None), "__globals__", {}).get("typed")
            if typed is None or not name.startswith(chosen.blocks):
                continue
            only_case = OnlyCase()
            module.switch = only_case  # type: ignore[attr-defined]
            function, types = kernel(block, inspect.getclosurevars(typed).nonlocals, dtype)
            number = 0
            while number <= only_case.last:
                only_case.chosen = number
                text = assembly(instructions_of(function, types), processor)
                found = [each for each in innermost(text, processor.triple) if each.multiplications]
                if found:
                    spills, pointers = sum(each.spills for each in found), sum(each.pointers for each in found)
                    loop = max(found, key=lambda each: (each.sums, each.multiplications))
                    yield name, only_case.title, loop._replace(spills=spills, pointers=pointers)
                number += 1 if chosen.all_cases else max(only_case.last, 1)


class Chosen(NamedTuple):
    """Options: the prefix of the blocks' names, and whether all cases are compiled or only the smallest and largest."""

    blocks: str
    all_cases: bool


class OnlyCase:
    """Replaces the function that emits a switch; emits only one case, as if `number` were known at compile time."""

    chosen, last, title = 0, 0, ""

    def __call__(self, loop: Any, number: Any, cases: Sequence[int], emit: Callable[[int], None]) -> None:
        self.last, self.title = len(cases) - 1, f"{self.chosen + 1} of {len(cases)}"
        emit(cases[self.chosen])


def kernel(block: Any, parts: Mapping[str, Any], dtype: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return a function that only calls a block, and the types of its arguments, derived from their names."""
    from numba import types

    code = parts["emit"].__code__
    arguments = code.co_varnames[1 : code.co_argcount]
    integers = {"rows": types.int64, "offsets": types.int64, "taps": types.int64, "columns": types.uint16}
    arrays = [types.Array(integers.get(name, getattr(types, dtype)), 1, "C") for name in arguments[: parts["arrays"]]]
    function = eval(f"lambda {', '.join(arguments)}: block({', '.join(arguments)})", {"block": block})
    return function, (*arrays, *[types.intp] * (len(arguments) - len(arrays)))


def instructions_of(function: Callable[..., Any], types: tuple[Any, ...]) -> str:
    """Return the LLVM IR of a kernel, after linking and before optimization."""
    import numba

    from fastnet.kernels import compiler

    class Library(compiler._KernelLibrary):
        def _optimize_final_module(self) -> None:
            raise _Taken(str(self._final_module))

    class Compiler(compiler._KernelCompiler):
        _library = Library

    flags = {**compiler._FLAGS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    try:
        numba.njit(pipeline_class=Compiler, **flags)(function).compile(types)
    except _Taken as taken:
        return str(taken)
    raise AssertionError("Numba has compiled no kernel")


def assembly(instructions: str, processor: Processor) -> str:
    """Compile LLVM IR for a given processor, with the options of the kernels; return the assembly code."""
    machine = llvm.Target.from_triple(processor.triple).create_target_machine(
        cpu=processor.name, features=processor.features, opt=2
    )
    text = re.sub(r"^target (triple|datalayout) = .*\n", "", instructions, flags=re.MULTILINE)
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = processor.triple, str(machine.target_data)
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return str(machine.emit_assembly(module))


# Analysis of assembly code


def innermost(text: str, triple: str) -> Iterator[Loop]:
    """Yield the innermost loops of all functions. A loop is the code between a label and a jump back to that label."""
    lines = [re.split(r"#(?= )|//", line)[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line and (line.endswith(":") or not line.startswith("."))]
    labels = {line[:-1]: i for i, line in enumerate(lines) if line.endswith(":")}
    jumps = {
        (labels[target], i)
        for i, line in enumerate(lines)
        for target in re.findall(r"^(?:j\w+|b(?:\.\w+)?|cbn?z|tbn?z)\s.*?(\.L\w+)$", line)
        if labels.get(target, len(lines)) <= i
    }
    for start, end in jumps:
        if not any((start, end) != other and start <= other[0] and other[1] <= end for other in jumps):
            body = [line for line in lines[start : end + 1] if not line.endswith(":")]
            yield (counted_on_arm if triple == ARM else counted_on_x86)(body)


def counted_on_x86(body: list[str]) -> Loop:
    """Count the instructions of a loop in AT&T syntax, where the last operand is the result."""
    products = [line for line in body if re.match(r"vfn?m(add|sub)\d*p[sd]", line)]
    sums = {operands(line)[-1] for line in products}
    vectors = [line for line in body if re.search(r"%[xyz]mm", line)]
    loads = [line for line in vectors if any("(" in each for each in operands(line)[:-1])]
    stores = [line for line in vectors if "(" in operands(line)[-1]]
    # The kernels keep no frame pointer: rbp is an ordinary register, and only rsp addresses the stack.
    on_stack = [line for line in body if "(%rsp" in line]
    spills = [line for line in on_stack if line in vectors]
    counts = len(products), len(sums), len(loads), len(stores), len(spills), len(on_stack) - len(spills)
    return Loop(*counts, body)


def counted_on_arm(body: list[str]) -> Loop:
    """Count the instructions of a loop in ARM syntax, where the first operand is the result."""
    products = [line for line in body if re.match(r"fml[as]\b", line)]
    sums = {operands(line)[0].partition(".")[0] for line in products}
    loads = [register for line in body for register in moved(line, "ld")]
    stores = [register for line in body for register in moved(line, "st")]
    on_stack = [line for line in body if re.search(r"\[sp\b", line)]
    spills = [register for line in on_stack for way in ("ld", "st") for register in moved(line, way)]
    others = [line for line in on_stack if not (moved(line, "ld") or moved(line, "st"))]
    return Loop(len(products), len(sums), len(loads), len(stores), len(spills), len(others), body)


def moved(line: str, way: str) -> list[str]:
    """Return the vector registers that an instruction loads or stores."""
    if not line.startswith(way):
        return []
    before = line.partition("[")[0]
    return re.findall(r"\b[qdsvz]\d+\b", before)


def operands(line: str) -> list[str]:
    """Return an instruction's operands."""
    return re.split(r",\s*(?![^(\[{]*[)\]}])", line.partition("\t")[2] or line.partition(" ")[2])


if __name__ == "__main__":
    main()
