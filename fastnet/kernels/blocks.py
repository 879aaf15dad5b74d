"""Blocks of sums that are kept in registers, written in LLVM's instructions.

A loop with a dozen sums in registers is a page of Numba, and takes its front end longer than all of LLVM. Here a
Python loop emits the instructions: for each number of sums a loop of its own, one behind a `switch`. So what is known
while a kernel compiles is only how many numbers are in a vector.

Each sum begins at zero, or where it was left off, and is added up in the order of the loop. The number of sums that
share the loop does not change that order. The exception is `add_vectors` with fewer vectors than `ENOUGH_SUMS`: each of
its sums is added up in several parts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnet.kernels.vectors import (
    Vector,
    broadcast_integer,
    constant,
    data_of,
    load_vector,
    narrow,
    register_lanes_of,
    store_vector,
    wide,
)

PLACES = 4  # of an image, whose sums are added up together
MOST_VECTORS = 15  # in a row, whose sums are in registers together
VECTORS_OF_MAPS = 4  # whose sums over places are added up together
DOTS = (5, 2), (5, 1), (1, 8), (1, 1)
"""Numbers of samples and of outputs whose dot products are added up together."""

_FILTERS = 3  # narrow vectors of them, whose sums are added up together
ENOUGH_SUMS = 4  # that need not wait for one another; fewer are added up in several parts at once


class _Loop:
    """What emits the instructions of a block, for sums that are vectors of one type."""

    def __init__(self, context: Any, builder: Any, vector: Vector) -> None:
        self.context, self.builder, self.vector = context, builder, vector
        self.type = context.get_value_type(vector)

    def sums(self, count: int) -> list[Any]:
        """Return variables for sums that begin at zero."""
        zero = constant(self.context, self.vector, 0.0)
        variables = [cgutils.alloca_once(self.builder, self.type) for _ in range(count)]
        for each in variables:
            self.builder.store(zero, each)
        return variables

    def add_product(self, a: Any, b: Any, to: Any) -> None:
        """Add a product of vectors to the sum in a variable; both may be one instruction."""
        product = self.builder.fmul(a, b, flags=("contract",))
        self.builder.store(self.builder.fadd(self.builder.load(to), product, flags=("contract",)), to)

    def load(self, address: Any) -> Any:
        """Return the vector at an address."""
        return load_vector(self.builder, address, self.type)

    def number(self, address: Any) -> Any:
        """Return the number at an address, as a vector."""
        undefined = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(undefined, self.builder.load(address), cgutils.int32_t(0))
        lanes = ir.Constant(ir.VectorType(cgutils.int32_t, self.vector.lanes), [0] * self.vector.lanes)
        return self.builder.shuffle_vector(first, undefined, lanes)

    def at(self, address: Any, *offsets: Any) -> Any:
        """Return an address behind another one by offsets, which are numbers of Python or of the kernel."""
        for each in offsets:
            address = self.builder.gep(address, [each if isinstance(each, ir.Value) else cgutils.intp_t(each)])
        return address

    def times(self, a: Any, b: Any) -> Any:
        """Return the product of two integers."""
        return self.builder.mul(a, b if isinstance(b, ir.Value) else cgutils.intp_t(b))

    @contextlib.contextmanager
    def walk(self, count: Any, *pointers: tuple[Any, Any]) -> Iterator[list[Any]]:
        """Loop so many times; yield pointers that each go a step further every time."""
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


def _block(arrays: int, vector_of: Callable[[Any], Vector], emit: Callable[..., None]) -> Any:
    """Return what kernels call with so many arrays, of which the last says the type of the sums, and integers."""
    count = emit.__code__.co_argcount - 1
    integers = count - arrays

    def typed(typing_context: Any, *given: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            loop = _Loop(context, builder, vector_of(given[arrays - 1]))
            data = [data_of(context, builder, given[i], arguments[i]) for i in range(arrays)]
            emit(loop, *data, *arguments[arrays:])
            return context.get_dummy_value()

        return types.void(*given[:arrays], *[types.intp] * integers), generate

    names = ", ".join(f"a{i}" for i in range(count))  # Numba wants to see how many arguments there are
    return intrinsic(eval(f"lambda context, {names}: typed(context, {names})", {"typed": typed}))


def _switch(loop: _Loop, number: Any, cases: Sequence[int], emit: Callable[[int], None]) -> None:
    """Emit a case for each number."""
    builder = loop.builder
    end = builder.append_basic_block("block.end")
    switch = builder.switch(number, end)
    for case in cases:
        block = builder.append_basic_block(f"block.{case}")
        switch.add_case(cgutils.intp_t(case), block)
        builder.position_at_end(block)
        emit(case)
        builder.branch(end)
    builder.position_at_end(end)


def _patch_products(
    loop: _Loop, taps: Any, x: Any, w: Any, z: Any, p0: Any, p1: Any, p2: Any, p3: Any, first: Any, last: Any,
    step: Any, column: Any, z_start: Any, vectors: Any, pooled: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes
    is_first = builder.icmp_signed("==", first, cgutils.intp_t(0))
    patches = [loop.at(x, each) for each in (p0, p1, p2, p3)]

    def emit(count: int) -> None:
        sums = loop.sums(PLACES * count)
        rows = [loop.at(z, z_start, loop.times(step, r), column) for r in range(PLACES)]
        targets = [loop.at(row, v * lanes) for row in rows for v in range(count)]
        with builder.if_then(builder.not_(is_first)):
            for variable, target in zip(sums, targets, strict=True):
                builder.store(loop.load(target), variable)
        weights = loop.at(w, loop.times(first, step), column)
        with loop.walk(builder.sub(last, first), (loop.at(taps, first), 1), (weights, step)) as (tap, w_k):
            offset = builder.load(tap)
            of_filters = [loop.load(loop.at(w_k, v * lanes)) for v in range(count)]
            for r, patch in enumerate(patches):
                x_k = loop.number(loop.at(patch, offset))
                for v, each in enumerate(of_filters):
                    loop.add_product(x_k, each, sums[r * count + v])
        with builder.if_else(builder.icmp_signed("!=", pooled, cgutils.intp_t(0))) as (is_pooled, is_not):
            with is_pooled:
                for v in range(count):
                    found = _pooled(loop, [builder.load(sums[r * count + v]) for r in range(PLACES)])
                    for r, value in enumerate(found):
                        store_vector(builder, value, targets[r * count + v])
            with is_not:
                for variable, target in zip(sums, targets, strict=True):
                    store_vector(builder, builder.load(variable), target)

    _switch(loop, vectors, range(1, _FILTERS + 1), emit)


def _pooled(loop: _Loop, values: Sequence[Any]) -> tuple[Any, Any]:
    """Return the largest of some values, and the number of the first that is as large."""
    builder, best, place = loop.builder, values[0], constant(loop.context, loop.vector, 0.0)
    for r, value in enumerate(values[1:], 1):
        is_larger = builder.fcmp_ordered(">", value, best)
        best = builder.select(is_larger, value, best)
        place = builder.select(is_larger, constant(loop.context, loop.vector, float(r)), place)
    return best, place


set_patch_products = _block(4, narrow, _patch_products)
"""`set_patch_products(taps, x, w, z, p0, p1, p2, p3, first, last, step, column, z_start, vectors, pooled)`

sets z[z_start + r step + column] = sum over k of x[p_r + taps[k]] w[k step + column], for taps k from `first` to
`last`, four places r and up to three narrow vectors of columns. From another tap than 0 on, it adds to what is there.
If `pooled` is not 0, z[z_start + column] is the largest of the four instead, and z[z_start + step + column] says which.
"""


def _vectors(
    loop: _Loop, values: Any, offsets: Any, x: Any, z: Any, count: Any, x_start: Any, x_line: Any, z_start: Any,
    z_line: Any, rows: Any, vectors: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes

    def emit(number: int) -> None:
        with loop.walk(rows, (loop.at(x, x_start), x_line), (loop.at(z, z_start), z_line)) as (of_x, of_z):
            emit_row(number, of_x, of_z)

    def emit_row(number: int, x: Any, z: Any) -> None:
        sets = 1 if number >= ENOUGH_SUMS else 2 * ENOUGH_SUMS // number
        sums = [loop.sums(number) for _ in range(sets)]

        def add(value: Any, offset: Any, variables: list[Any]) -> None:
            factor, here = loop.number(value), loop.at(x, builder.load(offset))
            for v, variable in enumerate(variables):
                loop.add_product(factor, loop.load(loop.at(here, v * lanes)), variable)

        whole = builder.udiv(count, cgutils.intp_t(sets))
        with loop.walk(whole, (values, sets), (offsets, sets)) as (value, offset):
            for k, variables in enumerate(sums):
                add(loop.at(value, k), loop.at(offset, k), variables)
        done = loop.times(whole, sets)
        rest = (loop.at(values, done), 1), (loop.at(offsets, done), 1)
        with loop.walk(builder.sub(count, done), *rest) as (value, offset):
            add(value, offset, sums[0])
        for v in range(number):
            target = loop.at(z, v * lanes)
            found = loop.load(target)
            for variables in sums:
                found = builder.fadd(found, builder.load(variables[v]))
            store_vector(builder, found, target)

    _switch(loop, vectors, range(1, MOST_VECTORS + 1), emit)


add_vectors = _block(4, narrow, _vectors)
"""`add_vectors(values, offsets, x, z, count, x_start, x_line, z_start, z_line, rows, vectors)` adds, for each row r,

to vectors from z[z_start + r z_line] on, up to `MOST_VECTORS`, the sum over i < count of values[i] times
those from x[x_start + r x_line + offsets[i]] on.
"""


def _columns(
    loop: _Loop, starts: Sequence[Any], step: Any, count: Any, targets: Sequence[Any], add: Callable[..., None]
) -> None:
    """Walk along rows from their starts, and go on with the sums that are in the targets: `add(here, sums)`."""
    builder, sums = loop.builder, loop.sums(len(targets))
    for variable, target in zip(sums, targets, strict=True):
        builder.store(loop.load(target), variable)
    with loop.walk(count, *((start, step) for start in starts)) as here:
        add(here, sums)
    for variable, target in zip(sums, targets, strict=True):
        store_vector(builder, builder.load(variable), target)


def _column_sums(loop: _Loop, x: Any, z: Any, x_start: Any, step: Any, count: Any, z_start: Any, vectors: Any) -> None:
    def emit(number: int) -> None:
        steps = [v * loop.vector.lanes for v in range(number)]

        def add(here: list[Any], sums: list[Any]) -> None:
            for variable, v in zip(sums, steps, strict=True):
                found = loop.builder.load(variable)
                loop.builder.store(loop.builder.fadd(found, loop.load(loop.at(here[0], v))), variable)

        _columns(loop, [loop.at(x, x_start)], step, count, [loop.at(z, z_start, v) for v in steps], add)

    _switch(loop, vectors, range(1, VECTORS_OF_MAPS + 1), emit)


def _column_squares(
    loop: _Loop, x: Any, means: Any, z: Any, x_start: Any, step: Any, count: Any, start: Any, vectors: Any
) -> None:
    def emit(number: int) -> None:
        steps = [v * loop.vector.lanes for v in range(number)]
        of_maps = [loop.load(loop.at(means, start, v)) for v in steps]

        def add(here: list[Any], sums: list[Any]) -> None:
            for variable, v, mean in zip(sums, steps, of_maps, strict=True):
                centred = loop.builder.fsub(loop.load(loop.at(here[0], v)), mean)
                loop.add_product(centred, centred, variable)

        _columns(loop, [loop.at(x, x_start)], step, count, [loop.at(z, start, v) for v in steps], add)

    _switch(loop, vectors, range(1, VECTORS_OF_MAPS + 1), emit)


def _column_errors(
    loop: _Loop, d: Any, x: Any, means: Any, inverses: Any, z: Any, d_start: Any, x_start: Any, step: Any, count: Any,
    start: Any, z_start: Any, vectors: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes

    def emit(number: int) -> None:
        steps = [v * lanes for v in range(number)]
        of_maps = [[loop.load(loop.at(array, start, v)) for v in steps] for array in (means, inverses)]

        def add(here: list[Any], sums: list[Any]) -> None:
            for k, (v, mean, inverse) in enumerate(zip(steps, *of_maps, strict=True)):
                error = loop.load(loop.at(here[0], v))
                normalized = builder.fmul(builder.fsub(loop.load(loop.at(here[1], v)), mean), inverse)
                builder.store(builder.fadd(builder.load(sums[k]), error), sums[k])
                loop.add_product(error, normalized, sums[number + k])

        targets = [loop.at(z, z_start, v) for v in range(0, 2 * number * lanes, lanes)]
        _columns(loop, [loop.at(d, d_start), loop.at(x, x_start)], step, count, targets, add)

    _switch(loop, vectors, range(1, VECTORS_OF_MAPS + 1), emit)


add_columns = _block(2, narrow, _column_sums)
"""`add_columns(x, z, x_start, step, count, z_start, vectors)` adds to up to `VECTORS_OF_MAPS` vectors from z[z_start]

on the sums over j < count of those from x[x_start + j step] on.
"""

add_squares_of_columns = _block(3, narrow, _column_squares)
"""`add_squares_of_columns(x, means, z, x_start, step, count, start, vectors)` adds the squares of x - means likewise;

`means` and z begin at `start`.
"""

add_errors_of_columns = _block(5, narrow, _column_errors)
"""`add_errors_of_columns(d, x, means, inverses, z, d_start, x_start, step, count, start, z_start, vectors)` adds d to

as many vectors of z, and d (x - means) inverses to those behind them; `means` and `inverses` begin at `start`.
"""


def _products(rows: int) -> Any:
    """Return a block for so many rows."""

    def emit(
        loop: _Loop, x: Any, w: Any, z: Any, p0: Any, p1: Any, p2: Any, p3: Any, p4: Any, inner: Any, outer: Any,
        step: Any, w_start: Any, z_start: Any, z_stride: Any,
    ) -> None:  # fmt: skip
        builder, lanes = loop.builder, loop.vector.lanes
        targets = [loop.at(z, z_start, loop.times(z_stride, r)) for r in range(rows)]
        sums = loop.sums(rows)
        for variable, target in zip(sums, targets, strict=True):
            builder.store(loop.load(target), variable)
        starts = [(loop.at(x, each), step) for each in (p0, p1, p2, p3, p4)[:rows]]
        with (
            loop.walk(outer, (loop.at(w, w_start), loop.times(inner, lanes)), *starts) as (w_outer, *x_outer),
            loop.walk(inner, (w_outer, lanes), *((each, 1) for each in x_outer)) as (w_k, *x_k),
        ):
            weights = loop.load(w_k)
            for each, variable in zip(x_k, sums, strict=True):
                loop.add_product(loop.number(each), weights, variable)
        for variable, target in zip(sums, targets, strict=True):
            store_vector(builder, builder.load(variable), target)

    return _block(3, wide, emit)


add_5_products, add_1_product = _products(5), _products(1)
"""`add_5_products(x, w, z, p0, p1, p2, p3, p4, inner, outer, step, w_start, z_start, z_stride)` adds, for each row r,

to the vector z[z_start + r z_stride] the sum over j < inner and k < outer of x[p_r + k step + j] times the vector
w[w_start + (k inner + j) lanes]. `add_1_product` has one row.
"""


def _outer_products(rows: int) -> Any:
    """Return a block for so many rows."""

    def emit(
        loop: _Loop, x: Any, d: Any, w: Any, p0: Any, p1: Any, p2: Any, p3: Any, p4: Any, inner: Any, outer: Any,
        step: Any, d_start: Any, d_stride: Any, w_start: Any,
    ) -> None:  # fmt: skip
        builder, lanes = loop.builder, loop.vector.lanes
        vectors = [loop.load(loop.at(d, d_start, loop.times(d_stride, r))) for r in range(rows)]
        starts = [(loop.at(x, each), step) for each in (p0, p1, p2, p3, p4)[:rows]]
        with (
            loop.walk(outer, (loop.at(w, w_start), loop.times(inner, lanes)), *starts) as (w_outer, *x_outer),
            loop.walk(inner, (w_outer, lanes), *((each, 1) for each in x_outer)) as (w_k, *x_k),
        ):
            (total,) = loop.sums(1)
            for each, vector in zip(x_k, vectors, strict=True):
                loop.add_product(loop.number(each), vector, total)
            store_vector(builder, builder.fadd(loop.load(w_k), builder.load(total)), w_k)

    return _block(3, wide, emit)


add_5_outer_products, add_1_outer_product = _outer_products(5), _outer_products(1)
"""`add_5_outer_products(x, d, w, p0, p1, p2, p3, p4, inner, outer, step, d_start, d_stride, w_start)` adds to vectors

w[w_start + (k inner + j) lanes], j < inner and k < outer, the sum over five rows r of x[p_r + k step + j] times the
vector d[d_start + r d_stride]. `add_1_outer_product` has one row.
"""


def _register(array: Any) -> Vector:
    return Vector(array.dtype, register_lanes_of(array.dtype.name))


def _dots(samples: int, outputs: int) -> Any:
    def emit(
        loop: _Loop, a: Any, w: Any, sums: Any, a_start: Any, a_sample: Any, a_panel: Any, w_start: Any, w_panel: Any,
        panels: Any, start: Any, sums_sample: Any, is_first: Any,
    ) -> None:  # fmt: skip
        builder, lanes = loop.builder, loop.vector.lanes
        variables = loop.sums(samples * outputs)
        targets = [
            loop.at(sums, start, loop.times(sums_sample, s), k * lanes) for s in range(samples) for k in range(outputs)
        ]
        with builder.if_then(builder.icmp_signed("==", is_first, cgutils.intp_t(0))):
            for variable, target in zip(variables, targets, strict=True):
                builder.store(loop.load(target), variable)
        rows = [loop.at(a, a_start, loop.times(a_sample, s)) for s in range(samples)]
        weights = loop.at(w, w_start)
        with loop.walk(panels, (weights, w_panel), *((row, a_panel) for row in rows)) as (w_q, *a_q):
            for half in range(2):
                found = [loop.load(loop.at(w_q, (2 * k + half) * lanes)) for k in range(outputs)]
                for s, row in enumerate(a_q):
                    a_s = loop.load(loop.at(row, half * lanes))
                    for k, w_k in enumerate(found):
                        loop.add_product(a_s, w_k, variables[s * outputs + k])
        for variable, target in zip(variables, targets, strict=True):
            store_vector(builder, builder.load(variable), target)

    return _block(3, _register, emit)


add_5_by_2_dots, add_5_by_1_dots, add_1_by_8_dots, add_1_dot = (_dots(*each) for each in DOTS)
"""`add_5_by_2_dots(a, w, sums, a_start, a_sample, a_panel, w_start, w_panel, panels, start, sums_sample, is_first)`

adds up dot products of samples' rows of a and outputs' rows of w, over panels: a register of partial sums for each
sample s and output k, at sums[start + s sums_sample + k lanes]. Unless `is_first`, they go on from what is there.
"""


@intrinsic
def total_of_register(typing_context: Any, array: Any, index: Any) -> Any:
    """Return the sum of the numbers of a register that begin at `array[index]`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loop = _Loop(context, builder, _register(array))
        found = loop.load(loop.at(data_of(context, builder, array, arguments[0]), arguments[1]))
        name = f"llvm.vector.reduce.fadd.v{loop.vector.lanes}f{array.dtype.bitwidth}"
        element = loop.type.element
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(element, [element, loop.type]), name)
        return builder.call(function, [ir.Constant(element, -0.0), found], fastmath=("reassoc",))

    return array.dtype(array, types.intp), generate


def _or_rows(loop: _Loop, x: Any, z: Any, start: Any, line: Any, rows: Any, z_start: Any, vectors: Any) -> None:
    builder, lanes = loop.builder, loop.vector.lanes
    bits = _bits(loop)
    with loop.walk(vectors, (loop.at(x, start), lanes), (loop.at(z, z_start), lanes)) as (column, target):
        found = cgutils.alloca_once(builder, bits)
        builder.store(ir.Constant(bits, [0] * lanes), found)
        with loop.walk(rows, (column, line)) as (here,):
            builder.store(builder.or_(builder.load(found), builder.bitcast(loop.load(here), bits)), found)
        store_vector(builder, builder.bitcast(builder.load(found), loop.type), target)


or_rows = _block(2, narrow, _or_rows)
"""`or_rows(x, z, start, line, rows, z_start, vectors)` sets z, from z_start on, to what is not 0 where numbers of

some row are not 0. Rows begin at x[start], `line` numbers apart, and are as many narrow vectors long.
"""


def _bits(loop: _Loop) -> ir.VectorType:
    """Return the type of integers with the bits of a vector."""
    return ir.VectorType(ir.IntType(loop.vector.dtype.bitwidth), loop.vector.lanes)


@intrinsic
def is_blank(typing_context: Any, x: Any, start: Any, n: Any) -> Any:
    """Return whether n numbers that begin at `x[start]`, 1 or more, are all 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, start, n = arguments
        loop = _Loop(context, builder, narrow(x))
        bits, lanes = _bits(loop), loop.vector.lanes
        nothing = ir.Constant(bits, [0] * lanes)
        which = ir.Constant(ir.VectorType(cgutils.intp_t, lanes), list(range(lanes)))
        first = loop.at(data_of(context, builder, x, address), start)
        whole = builder.udiv(builder.sub(n, cgutils.intp_t(1)), cgutils.intp_t(lanes))
        found = cgutils.alloca_once(builder, bits)
        last = builder.bitcast(loop.load(loop.at(first, loop.times(whole, lanes))), bits)
        rest = broadcast_integer(builder, builder.sub(n, loop.times(whole, lanes)), lanes)
        builder.store(builder.select(builder.icmp_signed("<", which, rest), last, nothing), found)
        with loop.walk(whole, (first, lanes)) as (here,):
            builder.store(builder.or_(builder.load(found), builder.bitcast(loop.load(here), bits)), found)
        name = f"llvm.vector.reduce.or.v{lanes}i{x.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(bits.element, [bits]), name)
        return builder.icmp_unsigned("==", builder.call(function, [builder.load(found)]), bits.element(0))

    return types.boolean(x, types.intp, types.intp), generate
