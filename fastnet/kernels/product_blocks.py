"""Blocks for products of matrices: as many sums as the processor has registers for.

Two registers are a vector. With sums of six rows of vectors, two thirds of a load serve a multiplication, and all that
a loop needs is in the sixteen registers of AVX2. Processors with 32 registers take eight rows, so that more sums need
not wait for one another.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from fastnet.kernels.blocks import Loop, block, switch
from fastnet.kernels.vectors import REGISTERS, Vector, load_vector, register_lanes_of, store_vector, wide

ROWS = 8 if REGISTERS >= 32 else 6
"""Largest number of rows whose sums are added up together; 4, 2 and 1 are the others."""

_NUMBERS_OF_ROWS = (1, 2, 4, ROWS)

PANELS = 4 if REGISTERS >= 32 else 3
"""Number of panels that a row without its zeros is multiplied by at once."""

_SPARSE_SUMS = 2  # of a row without its zeros, in each panel: the same for any number of panels, which threads divide


def _rows_of(loop: Loop, x: Any, rows: Any, first: Any, start: Any, stride: Any, count: int) -> list[Any]:
    """Return where some rows of x begin, which a list of numbers of rows picks."""
    numbers = [loop.builder.load(loop.at(rows, first, r)) for r in range(count)]
    return [loop.at(x, start, loop.times(number, stride)) for number in numbers]


def _products(
    loop: Loop, rows: Any, x: Any, w: Any, z: Any, first: Any, count: Any, x_start: Any, x_stride: Any, inner: Any,
    outer: Any, step: Any, w_start: Any, z_start: Any, z_stride: Any, setting: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes

    def emit(number: int) -> None:
        targets = [loop.at(z, z_start, loop.times(z_stride, r)) for r in range(number)]
        sums = loop.sums(number)
        with builder.if_then(builder.icmp_signed("==", setting, cgutils.intp_t(0))):
            for variable, target in zip(sums, targets, strict=True):
                builder.store(loop.load(target), variable)
        starts = [(each, step) for each in _rows_of(loop, x, rows, first, x_start, x_stride, number)]
        with (
            loop.walk(outer, (loop.at(w, w_start), loop.times(inner, lanes)), *starts) as (w_outer, *x_outer),
            loop.walk(inner, (w_outer, lanes), *((each, 1) for each in x_outer)) as (w_k, *x_k),
        ):
            weights = loop.load(w_k)
            for each, variable in zip(x_k, sums, strict=True):
                loop.add_product(loop.number(each), weights, variable)
        for variable, target in zip(sums, targets, strict=True):
            store_vector(builder, builder.load(variable), target)

    switch(loop, count, _NUMBERS_OF_ROWS, emit)


add_products = block(4, wide, _products)
"""`add_products(rows, x, w, z, first, count, x_start, x_stride, inner, outer, step, w_start, z_start, z_stride,

setting)` adds, for each r < count, which is 1, 2, 4 or `ROWS`, to the vector z[z_start + r z_stride] the sum over
j < inner and k < outer of x[x_start + rows[first + r] x_stride + k step + j] times the vector
w[w_start + (k inner + j) lanes]. If `setting` is not 0, it sets the vector to that sum.
"""


def _outer_products(
    loop: Loop, rows: Any, x: Any, d: Any, w: Any, first: Any, samples: Any, count: Any, x_start: Any, x_stride: Any,
    d_start: Any, d_stride: Any, w_start: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes

    def emit(number: int) -> None:
        sums = loop.sums(number)
        with loop.walk(samples, (loop.at(rows, first), 1), (loop.at(d, d_start), d_stride)) as (row, d_s):
            x_s, vector = loop.at(x, x_start, loop.times(builder.load(row), x_stride)), loop.load(d_s)
            for j, variable in enumerate(sums):
                loop.add_product(loop.number(loop.at(x_s, j)), vector, variable)
        for j, variable in enumerate(sums):
            target = loop.at(w, w_start, j * lanes)
            store_vector(builder, builder.fadd(loop.load(target), builder.load(variable)), target)

    switch(loop, count, _NUMBERS_OF_ROWS, emit)


add_outer_products = block(4, wide, _outer_products)
"""`add_outer_products(rows, x, d, w, first, samples, count, x_start, x_stride, d_start, d_stride, w_start)` adds,

for each j < count, which is 1, 2, 4 or `ROWS`, to the vector w[w_start + j lanes] the sum over s < samples of
x[x_start + rows[first + s] x_stride + j] times the vector d[d_start + s d_stride].
"""


def _packed(
    loop: Loop, rows: Any, x: Any, z: Any, first: Any, samples: Any, count: Any, x_start: Any, x_stride: Any,
    z_start: Any,
) -> None:  # fmt: skip
    def emit(number: int) -> None:
        type_ = ir.VectorType(loop.type.element, number)
        with loop.walk(samples, (loop.at(rows, first), 1), (loop.at(z, z_start), ROWS)) as (row, target):
            source = loop.at(x, x_start, loop.times(loop.builder.load(row), x_stride))
            store_vector(loop.builder, load_vector(loop.builder, source, type_), target)

    switch(loop, count, _NUMBERS_OF_ROWS, emit)


pack = block(3, wide, _packed)
"""`pack(rows, x, z, first, samples, count, x_start, x_stride, z_start)` copies together what

`add_outer_products` reads: for s < samples and j < count, z[z_start + s ROWS + j] is set to
x[x_start + rows[first + s] x_stride + j].
"""


def _sparse_product(
    loop: Loop, columns: Any, values: Any, w: Any, z: Any, first: Any, last: Any, w_start: Any, w_panel: Any,
    z_start: Any, z_panel: Any, panels: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes

    def emit(number: int) -> None:
        sums = [loop.sums(number) for _ in range(_SPARSE_SUMS)]
        starts = [loop.at(w, w_start, loop.times(w_panel, p)) for p in range(number)]

        def add(entries: list[list[Any]]) -> None:
            for (column, value), variables in zip(entries, sums, strict=False):
                offset, factor = loop.times(_index(loop, column), lanes), loop.number(value)
                for start, variable in zip(starts, variables, strict=True):
                    loop.add_product(factor, loop.load(loop.at(start, offset)), variable)

        pointers = loop.at(columns, first), loop.at(values, first)
        loop.walk_in_groups(builder.sub(last, first), _SPARSE_SUMS, pointers, add)
        for p in range(number):
            found = builder.load(sums[0][p])
            for variables in sums[1:]:
                found = builder.fadd(found, builder.load(variables[p]))
            store_vector(builder, found, loop.at(z, z_start, loop.times(z_panel, p)))

    switch(loop, panels, range(1, PANELS + 1), emit)


set_sparse_product = block(4, wide, _sparse_product)
"""`set_sparse_product(columns, values, w, z, first, last, w_start, w_panel, z_start, z_panel, panels)` sets,

for each p < panels, up to `PANELS`, the vector z[z_start + p z_panel] to the sum over i from `first` to `last` of
values[i] times the vector w[w_start + p w_panel + columns[i] lanes].
"""


def _sparse_outer_product(
    loop: Loop, columns: Any, values: Any, d: Any, w: Any, first: Any, last: Any, d_start: Any, d_panel: Any,
    w_start: Any, w_panel: Any, panels: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes

    def emit(number: int) -> None:
        vectors = [loop.load(loop.at(d, d_start, loop.times(d_panel, p))) for p in range(number)]
        starts = [loop.at(w, w_start, loop.times(w_panel, p)) for p in range(number)]

        def add(entries: list[list[Any]]) -> None:
            """Add to the weights of some columns, never the same: none waits until another is stored."""
            found = []
            for column, value in entries:
                offset, factor = loop.times(_index(loop, column), lanes), loop.number(value)
                for start, vector in zip(starts, vectors, strict=True):
                    target = loop.at(start, offset)
                    product = builder.fmul(factor, vector, flags=("contract",))
                    found.append((builder.fadd(loop.load(target), product, flags=("contract",)), target))
            for value, target in found:
                store_vector(builder, value, target)

        pointers = loop.at(columns, first), loop.at(values, first)
        loop.walk_in_groups(builder.sub(last, first), 2 if number <= 2 else 1, pointers, add)

    switch(loop, panels, range(1, PANELS + 1), emit)


add_sparse_outer_product = block(4, wide, _sparse_outer_product)
"""`add_sparse_outer_product(columns, values, d, w, first, last, d_start, d_panel, w_start, w_panel, panels)` adds,

for each p < panels, up to `PANELS`, and i from `first` to `last`, to the vector
w[w_start + p w_panel + columns[i] lanes] values[i] times the vector d[d_start + p d_panel]. No column occurs twice.
"""


def _index(loop: Loop, address: Any) -> Any:
    """Return the integer at an address, as an index."""
    found = loop.builder.load(address)
    return found if found.type == cgutils.intp_t else loop.builder.zext(found, cgutils.intp_t)


# Dot products


def _register(array: Any) -> Vector:
    return Vector(array.dtype, register_lanes_of(array.dtype.name))


def _dots(
    loop: Loop, a: Any, w: Any, sums: Any, count: Any, a_start: Any, a_sample: Any, a_panel: Any, w_start: Any,
    w_panel: Any, panels: Any, start: Any, sums_sample: Any, is_first: Any,
) -> None:  # fmt: skip
    builder, lanes = loop.builder, loop.vector.lanes

    def emit(samples: int) -> None:
        variables = loop.sums(2 * samples)
        targets = [loop.at(sums, start, loop.times(sums_sample, s), k * lanes) for s in range(samples) for k in (0, 1)]
        with builder.if_then(builder.icmp_signed("==", is_first, cgutils.intp_t(0))):
            for variable, target in zip(variables, targets, strict=True):
                builder.store(loop.load(target), variable)
        rows = [loop.at(a, a_start, loop.times(a_sample, s)) for s in range(samples)]
        with loop.walk(panels, (loop.at(w, w_start), w_panel), *((row, a_panel) for row in rows)) as (w_q, *a_q):
            for half in range(2):
                found = [loop.load(loop.at(w_q, (2 * k + half) * lanes)) for k in (0, 1)]
                for s, row in enumerate(a_q):
                    a_s = loop.load(loop.at(row, half * lanes))
                    for k, w_k in enumerate(found):
                        loop.add_product(a_s, w_k, variables[2 * s + k])
        for variable, target in zip(variables, targets, strict=True):
            store_vector(builder, builder.load(variable), target)

    switch(loop, count, _NUMBERS_OF_ROWS, emit)


add_dots = block(3, _register, _dots)
"""`add_dots(a, w, sums, count, a_start, a_sample, a_panel, w_start, w_panel, panels, start, sums_sample, is_first)`

adds up dot products of 1, 2, 4 or `ROWS` samples' rows of a and two outputs' rows of w, over panels: a register of
partial sums for each sample s and output k, at sums[start + s sums_sample + k lanes]. Unless `is_first`, they go on
from what is there.
"""


def _totals(loop: Loop, sums: Any, z: Any, start: Any, count: Any, z_start: Any) -> None:
    lanes = loop.vector.lanes
    with loop.walk(count, (loop.at(sums, start), lanes * lanes), (loop.at(z, z_start), lanes)) as (here, target):
        vectors = [loop.load(loop.at(here, k * lanes)) for k in range(lanes)]
        quarter = 16 // (loop.vector.dtype.bitwidth // 8)  # numbers of 16 bytes, within which shuffles are fast
        added = 1  # numbers that are one sum already
        while len(vectors) > 1:
            add = _add_within_quarters if added < quarter else _add_quarters
            vectors = [add(loop, a, b, quarter) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
            added *= 2
        store_vector(loop.builder, vectors[0], target)


def _add_within_quarters(loop: Loop, a: Any, b: Any, quarter: int) -> Any:
    """Return the sums of neighbours: in each quarter those of a, and behind them those of b."""
    lanes = loop.vector.lanes
    pairs = [v + q + i for q in range(0, lanes, quarter) for v in (0, lanes) for i in range(0, quarter, 2)]
    return _add_picked(loop, a, b, pairs, [i + 1 for i in pairs])


def _add_quarters(loop: Loop, a: Any, b: Any, quarter: int) -> Any:
    """Return the sums of neighbouring quarters: those of a, and behind them those of b."""
    even = [q + i for q in range(0, 2 * loop.vector.lanes, 2 * quarter) for i in range(quarter)]
    return _add_picked(loop, a, b, even, [i + quarter for i in even])


def _add_picked(loop: Loop, a: Any, b: Any, *places: list[int]) -> Any:
    """Return the sum of two vectors, whose numbers are picked out of both a and b."""
    type_ = ir.VectorType(cgutils.int32_t, loop.vector.lanes)
    picked = [loop.builder.shuffle_vector(a, b, ir.Constant(type_, each)) for each in places]
    return loop.builder.fadd(*picked)


set_totals = block(2, _register, _totals)
"""`set_totals(sums, z, start, count, z_start)` sets z, from z_start on, to the totals of registers, one behind the

other from sums[start] on: `count` registers of totals.
"""


# Transposing


def _transposed(loop: Loop, w: Any, z: Any, w_start: Any, z_start: Any) -> None:
    lanes = loop.vector.lanes
    vectors = [loop.load(loop.at(w, w_start, 2 * lanes * k)) for k in range(lanes)]
    size = lanes // 2
    while size > 0:
        for i in (i for i in range(lanes) if i & size == 0):
            vectors[i], vectors[i + size] = _groups_exchanged(loop, vectors[i], vectors[i + size], size)
        size //= 2
    for j, vector in enumerate(vectors):
        store_vector(loop.builder, vector, loop.at(z, z_start, 2 * lanes * j))


def _groups_exchanged(loop: Loop, a: Any, b: Any, size: int) -> tuple[Any, Any]:
    """Return the even groups of two vectors in turns, and the odd ones, of so many numbers each."""
    lanes = loop.vector.lanes
    even = [v + q + i for q in range(0, lanes, 2 * size) for v in (0, lanes) for i in range(size)]
    type_ = ir.VectorType(cgutils.int32_t, lanes)
    picked = (ir.Constant(type_, [i + offset for i in even]) for offset in (0, size))
    first, second = (loop.builder.shuffle_vector(a, b, each) for each in picked)
    return first, second


set_transposed = block(2, _register, _transposed)
"""`set_transposed(w, z, w_start, z_start)` transposes a square as wide as a register, from a panel of w to one of z."""
