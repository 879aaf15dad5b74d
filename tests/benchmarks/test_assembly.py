"""The benchmark command that analyses the assembly code of the kernels' blocks."""

import subprocess
import sys

import assembly
import pytest

X86 = """
	.text
kernel:
	vmovups	(%rdi), %ymm0
.LBB0_1:                                # %walk.1
	vbroadcastss	(%rsi,%rax,4), %ymm2    # a number
	vmovups	32(%rsp), %ymm3                 # 32-byte Reload
	movq	8(%rsp), %rcx
	vfmadd231ps	(%rdi,%rcx), %ymm2, %ymm0
	vfmadd231ps	%ymm2, %ymm3, %ymm1
	vmovups	%ymm1, (%rdx)
	incq	%rax
	jne	.LBB0_1
	jmp	.LBB0_3
.LBB0_3:
	retq
"""
NEON = """
kernel:
	ldr	q0, [x0]
.LBB0_1:                                // %walk.1
	ldp	q2, q3, [x1], #32
	ldr	s4, [x2, x3, lsl #2]
	ldr	q5, [sp, #16]                   // 16-byte Reload
	ldr	x9, [sp]
	fmla	v0.4s, v2.4s, v4.s[0]
	fmla	v1.4s, v3.4s, v4.s[0]
	stp	q0, q1, [x4]
	b.ne	.LBB0_1
	ret
"""


@pytest.mark.parametrize(("text", "triple"), [(X86, assembly.X86), (NEON, assembly.ARM)], ids=["x86", "neon"])
def test_a_loop_is_counted(text, triple):
    (loop,) = assembly.innermost(text, triple)
    loads, stores = {assembly.X86: (3, 1), assembly.ARM: (4, 2)}[triple]
    assert loop[:-1] == (2, 2, loads, stores, 1, 1)


def test_only_the_innermost_loops_are_counted():
    text = ".LBB0_1:\n\tmovq %rax, %rbx\n.LBB0_2:\n\tvfmadd231ps %ymm0, %ymm1, %ymm2\n\tjne .LBB0_2\n\tjne .LBB0_1\n"
    (loop,) = assembly.innermost(text, assembly.X86)
    assert loop.multiplications == len(loop.instructions) - 1 == 1


def run(*arguments):
    command = [sys.executable, assembly.__file__, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize(("processor", "rows"), [("haswell", 6), ("skylake-avx512", 8), ("neoverse-n1", 8)])
def test_products_of_matrices_keep_all_sums_in_registers(processor, rows):
    found = run("--one", "--processor", processor, "--show", "add_products")
    assert found.returncode == 0, found.stderr
    *_, largest = found.stdout.split(f"{processor}, add_products, ")
    assert largest.startswith("4 of 4:")  # the block's last case, with the most rows
    assert largest.count("fm") >= 2 * rows
    assert "sp" not in largest.replace("sparse", "")


def test_an_unknown_block_and_an_unknown_processor_are_reported():
    found = run("--processor", "haswell", "--show", "subtract")
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "no block's name begins with 'subtract'\n")
    found = run("--processor", "abacus")
    assert found.returncode == 2
    assert "unknown processor 'abacus'; known: haswell, znver3" in found.stderr


def test_without_the_target_the_command_refuses_in_one_line(monkeypatch, capsys):
    def missing(triple):
        raise RuntimeError(f"No available targets are compatible with triple {triple!r}")

    monkeypatch.setattr("llvmlite.binding.Target.from_triple", missing)
    with pytest.raises(SystemExit) as error:
        assembly.refuse_unless_known(assembly.PROCESSORS["apple-m1"])
    assert error.value.code == assembly.REFUSED
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot compile for apple-m1: No available targets" in line
