"""Blocks for images: sums over the positions of maps, and over the taps of filters.

With fewer vectors than `ENOUGH_SUMS`, `add_vectors` splits each sum into several independent parts, because independent
additions need not wait for one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnet.kernels.blocks import Loop, block, switch
from fastnet.kernels.vectors import (
    broadcast_integer,
    constant,
    data_of,
    narrow,
    store_vector,
)

PLACES = 4  # number of positions in an image whose sums are computed together
MOST_VECTORS = 15  # largest number of vectors in a row whose sums are in registers at the same time
VECTORS_OF_MAPS = 4  # largest number of vectors of maps whose sums over positions are computed together
ENOUGH_SUMS = 4  # smallest number of sums that are not split into several independent parts
_FILTERS = 3  # largest number of narrow vectors of filters whose sums are computed together


def _patch_products(
    loop: Loop, taps: Any, x: Any, w: Any, z: Any, p0: Any, p1: Any, p2: Any, p3: Any, first: Any, last: Any,
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

    switch(loop, vectors, range(1, _FILTERS + 1), emit)


def _pooled(loop: Loop, values: Sequence[Any]) -> tuple[Any, Any]:
    """Return the maximum of the values in each lane, and the index of the first value that equals the maximum."""
    builder, best, place = loop.builder, values[0], constant(loop.context, loop.vector, 0.0)
    for r, value in enumerate(values[1:], 1):
        is_larger = builder.fcmp_ordered(">", value, best)
        best = builder.select(is_larger, value, best)
        place = builder.select(is_larger, constant(loop.context, loop.vector, float(r)), place)
    return best, place


set_patch_products = block(4, narrow, _patch_products)
"""`set_patch_products(taps, x, w, z, p0, p1, p2, p3, first, last, step, column, z_start, vectors, pooled)`

For each of four positions r, set the `vectors` narrow vectors that begin at z[z_start + r * step + column] to a sum
over taps k from `first` to `last`. The terms are x[p_r + taps[k]] times the vectors that begin at w[k * step + column].
`vectors` is at most 3. If `first` is not 0, add the sum to the vectors in z. If `pooled` is not 0, do not store the
sums: store their maximum over r at z[z_start + column], and the index r of the maximum at z[z_start + step + column].
"""


def _vectors(
    loop: Loop, values: Any, offsets: Any, x: Any, z: Any, count: Any, x_start: Any, x_line: Any, z_start: Any,
    z_line: Any, rows: Any, vectors: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes

    def emit(number: int) -> None:
        with loop.walk(rows, (loop.at(x, x_start), x_line), (loop.at(z, z_start), z_line)) as (of_x, of_z):
            emit_row(number, of_x, of_z)

    def emit_row(number: int, x: Any, z: Any) -> None:
        sets = 1 if number >= ENOUGH_SUMS else 2 * ENOUGH_SUMS // number
        sums = [loop.sums(number) for _ in range(sets)]

        def add(entries: list[list[Any]]) -> None:
            for (value, offset), variables in zip(entries, sums, strict=False):
                factor, here = loop.number(value), loop.at(x, builder.load(offset))
                for v, variable in enumerate(variables):
                    loop.add_product(factor, loop.load(loop.at(here, v * lanes)), variable)

        loop.walk_in_groups(count, sets, (values, offsets), add)
        for v in range(number):
            target = loop.at(z, v * lanes)
            found = loop.load(target)
            for variables in sums:
                found = builder.fadd(found, builder.load(variables[v]))
            store_vector(builder, found, target)

    switch(loop, vectors, range(1, MOST_VECTORS + 1), emit)


add_vectors = block(4, narrow, _vectors)
"""`add_vectors(values, offsets, x, z, count, x_start, x_line, z_start, z_line, rows, vectors)`

For each row r < rows, add a sum over i < count to the `vectors` narrow vectors that begin at z[z_start + r * z_line].
The terms are values[i] times the vectors that begin at x[x_start + r * x_line + offsets[i]]. `vectors` is at most
`MOST_VECTORS`.
"""


def _columns(
    loop: Loop, starts: Sequence[Any], step: Any, count: Any, targets: Sequence[Any], add: Callable[..., None]
) -> None:
    """Emit a loop that adds `count` rows to the sums that are stored in the targets.

    `add(here, sums)` emits the addition of a row, given the row's addresses and the variables of the sums.
    """
    builder, sums = loop.builder, loop.sums(len(targets))
    for variable, target in zip(sums, targets, strict=True):
        builder.store(loop.load(target), variable)
    with loop.walk(count, *((start, step) for start in starts)) as here:
        add(here, sums)
    for variable, target in zip(sums, targets, strict=True):
        store_vector(builder, builder.load(variable), target)


def _column_sums(loop: Loop, x: Any, z: Any, x_start: Any, step: Any, count: Any, z_start: Any, vectors: Any) -> None:
    def emit(number: int) -> None:
        steps = [v * loop.vector.lanes for v in range(number)]

        def add(here: list[Any], sums: list[Any]) -> None:
            for variable, v in zip(sums, steps, strict=True):
                found = loop.builder.load(variable)
                loop.builder.store(loop.builder.fadd(found, loop.load(loop.at(here[0], v))), variable)

        _columns(loop, [loop.at(x, x_start)], step, count, [loop.at(z, z_start, v) for v in steps], add)

    switch(loop, vectors, range(1, VECTORS_OF_MAPS + 1), emit)


def _column_squares(
    loop: Loop, x: Any, means: Any, z: Any, x_start: Any, step: Any, count: Any, start: Any, vectors: Any
) -> None:
    def emit(number: int) -> None:
        steps = [v * loop.vector.lanes for v in range(number)]
        of_maps = [loop.load(loop.at(means, start, v)) for v in steps]

        def add(here: list[Any], sums: list[Any]) -> None:
            for variable, v, mean in zip(sums, steps, of_maps, strict=True):
                centred = loop.builder.fsub(loop.load(loop.at(here[0], v)), mean)
                loop.add_product(centred, centred, variable)

        _columns(loop, [loop.at(x, x_start)], step, count, [loop.at(z, start, v) for v in steps], add)

    switch(loop, vectors, range(1, VECTORS_OF_MAPS + 1), emit)


def _column_errors(
    loop: Loop, d: Any, x: Any, means: Any, inverses: Any, z: Any, d_start: Any, x_start: Any, step: Any, count: Any,
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

    switch(loop, vectors, range(1, VECTORS_OF_MAPS + 1), emit)


add_columns = block(2, narrow, _column_sums)
"""`add_columns(x, z, x_start, step, count, z_start, vectors)`

Add a sum over j < count to the `vectors` narrow vectors that begin at z[z_start]. The terms are the vectors that begin
at x[x_start + j * step]. `vectors` is at most `VECTORS_OF_MAPS`.
"""

add_squares_of_columns = block(3, narrow, _column_squares)
"""`add_squares_of_columns(x, means, z, x_start, step, count, start, vectors)`

Add a sum over j < count to the `vectors` narrow vectors that begin at z[start]. The terms are (x - means)^2, for the
vectors that begin at x[x_start + j * step] and means[start]. `vectors` is at most `VECTORS_OF_MAPS`.
"""

add_errors_of_columns = block(5, narrow, _column_errors)
"""`add_errors_of_columns(d, x, means, inverses, z, d_start, x_start, step, count, start, z_start, vectors)`

Add the sum of d over j < count to the `vectors` vectors that begin at z[z_start]. Add the sum of
d * (x - means) * inverses to the next `vectors` vectors. The vectors of the terms begin at d[d_start + j * step],
x[x_start + j * step], means[start] and inverses[start]. `vectors` is at most `VECTORS_OF_MAPS`.
"""


def _or_rows(loop: Loop, x: Any, z: Any, start: Any, line: Any, rows: Any, z_start: Any, vectors: Any) -> None:
    builder, lanes = loop.builder, loop.vector.lanes
    bits = _bits(loop)
    with loop.walk(vectors, (loop.at(x, start), lanes), (loop.at(z, z_start), lanes)) as (column, target):
        found = cgutils.alloca_once(builder, bits)
        builder.store(ir.Constant(bits, [0] * lanes), found)
        with loop.walk(rows, (column, line)) as (here,):
            builder.store(builder.or_(builder.load(found), builder.bitcast(loop.load(here), bits)), found)
        store_vector(builder, builder.bitcast(builder.load(found), loop.type), target)


or_rows = block(2, narrow, _or_rows)
"""`or_rows(x, z, start, line, rows, z_start, vectors)`

Set the `vectors` narrow vectors that begin at z[z_start] to the bitwise OR of `rows` rows of x. The first row begins at
x[start], and rows are `line` numbers apart. A lane of the result is 0 only if the lane is 0 in all rows.
"""


def _bits(loop: Loop) -> ir.VectorType:
    """Return the type of a vector of integers that have as many bits as the numbers of `loop.vector`."""
    return ir.VectorType(ir.IntType(loop.vector.dtype.bitwidth), loop.vector.lanes)


@intrinsic
def is_blank(typing_context: Any, x: Any, start: Any, n: Any) -> Any:
    """Return whether the n numbers that begin at `x[start]` are all 0; -0 counts as nonzero. n must be at least 1."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, start, n = arguments
        loop = Loop(context, builder, narrow(x))
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
