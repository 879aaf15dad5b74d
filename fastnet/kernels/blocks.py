"""Blocks: loops whose sums stay in registers, emitted as LLVM instructions.

In Numba, a loop with a dozen sums in registers would be a page of code. Numba's front end would take longer for that
page than LLVM takes for the whole kernel. Here, Python code emits the instructions: one loop for each number of sums,
and a `switch` that selects a loop at run time. So only the number of lanes has to be known when a kernel is compiled.

Given a function that emits instructions, `block` returns a function that kernels can call; see `image_blocks` and
`product_blocks`.

Each sum begins at zero or at a stored sum. The terms are added in the order of the loop. Except in
`image_blocks.add_vectors`, the order of the additions does not depend on the number of sums.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnet.kernels.vectors import Vector, constant, data_of, load_vector


class Loop:
    """Emits the instructions of a block, whose sums are vectors of one type."""

    def __init__(self, context: Any, builder: Any, vector: Vector) -> None:
        self.context, self.builder, self.vector = context, builder, vector
        self.type = context.get_value_type(vector)

    def sums(self, count: int) -> list[Any]:
        """Return `count` variables for sums, which are initially zero."""
        zero = constant(self.context, self.vector, 0.0)
        variables = [cgutils.alloca_once(self.builder, self.type) for _ in range(count)]
        for each in variables:
            self.builder.store(zero, each)
        return variables

    def add_product(self, a: Any, b: Any, to: Any) -> None:
        """Add the product of two vectors to the sum in the variable `to`; LLVM may use a fused multiply-add."""
        product = self.builder.fmul(a, b, flags=("contract",))
        self.builder.store(self.builder.fadd(self.builder.load(to), product, flags=("contract",)), to)

    def load(self, address: Any) -> Any:
        """Return the vector that begins at an address."""
        return load_vector(self.builder, address, self.type)

    def number(self, address: Any) -> Any:
        """Return a vector that has the number at an address in every lane."""
        undefined = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(undefined, self.builder.load(address), cgutils.int32_t(0))
        lanes = ir.Constant(ir.VectorType(cgutils.int32_t, self.vector.lanes), [0] * self.vector.lanes)
        return self.builder.shuffle_vector(first, undefined, lanes)

    def at(self, address: Any, *offsets: Any) -> Any:
        """Return the sum of an address and offsets; an offset is a Python integer or an LLVM value."""
        for each in offsets:
            address = self.builder.gep(address, [each if isinstance(each, ir.Value) else cgutils.intp_t(each)])
        return address

    def times(self, a: Any, b: Any) -> Any:
        """Return the product of two integers."""
        return self.builder.mul(a, b if isinstance(b, ir.Value) else cgutils.intp_t(b))

    @contextlib.contextmanager
    def walk(self, count: Any, *pointers: tuple[Any, Any]) -> Iterator[list[Any]]:
        """Emit a loop of `count` iterations; the `with` block emits the body.

        `pointers` are pairs of a pointer and a step. The yielded pointers advance by their steps in every iteration.
        """
        builder = self.builder
        before, head, body, end = builder.block, *(builder.append_basic_block(f"walk.{n}") for n in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        left = builder.phi(cgutils.intp_t)
        here = [builder.phi(pointer.type) for pointer, _ in pointers]
        builder.cbranch(builder.icmp_signed(">", left, cgutils.intp_t(0)), body, end)
        builder.position_at_end(body)
        yield here
        following = [self.at(pointer, step) for pointer, (_, step) in zip(here, pointers, strict=True)]
        left.add_incoming(count, before)
        left.add_incoming(builder.sub(left, cgutils.intp_t(1)), builder.block)
        for phi, (pointer, _), after in zip(here, pointers, following, strict=True):
            phi.add_incoming(pointer, before)
            phi.add_incoming(after, builder.block)
        builder.branch(head)
        builder.position_at_end(end)

    def walk_in_groups(
        self, count: Any, size: int, pointers: Sequence[Any], emit: Callable[[list[list[Any]]], None]
    ) -> None:
        """Emit a loop of `count` iterations: first in groups of `size` iterations, then one by one.

        `emit` emits the body for a group. The argument of `emit` is a list that has the pointers of each iteration.
        """
        whole = self.builder.udiv(count, cgutils.intp_t(size))
        with self.walk(whole, *((pointer, size) for pointer in pointers)) as here:
            emit([[self.at(each, k) for each in here] for k in range(size)])
        if size > 1:
            done = self.times(whole, size)
            rest = [(self.at(pointer, done), 1) for pointer in pointers]
            with self.walk(self.builder.sub(count, done), *rest) as here:
                emit([here])


def block(arrays: int, vector_of: Callable[[Any], Vector], emit: Callable[..., None]) -> Any:
    """Return a function that kernels can call, with the instructions that `emit` emits.

    The arguments of the function are `arrays` arrays, followed by integers. `vector_of` returns the type of the sums,
    given the type of the last array.
    """
    count = emit.__code__.co_argcount - 1
    integers = count - arrays

    def typed(typing_context: Any, *given: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            loop = Loop(context, builder, vector_of(given[arrays - 1]))
            data = [data_of(context, builder, given[i], arguments[i]) for i in range(arrays)]
            emit(loop, *data, *arguments[arrays:])
            return context.get_dummy_value()

        return types.void(*given[:arrays], *[types.intp] * integers), generate

    names = ", ".join(f"a{i}" for i in range(count))  # not *args, because Numba counts the arguments in the signature
    return intrinsic(eval(f"lambda context, {names}: typed(context, {names})", {"typed": typed}))


def switch(loop: Loop, number: Any, cases: Sequence[int], emit: Callable[[int], None]) -> None:
    """Emit a `switch` on `number`; `emit` emits the instructions of each case."""
    builder = loop.builder
    end = builder.append_basic_block("block.end")
    found = builder.switch(number, end)
    for case in cases:
        block = builder.append_basic_block(f"block.{case}")
        found.add_case(cgutils.intp_t(case), block)
        builder.position_at_end(block)
        emit(case)
        builder.branch(end)
    builder.position_at_end(end)
