"""Blocks for matrix products, with as many sums as fit into the processor's registers.

A vector is two registers. For each vector of weights, a block of six rows has 8 loads (2 registers of weights and 6
numbers) and 12 multiplications. The 12 sums fit into the 16 registers of AVX2. On processors with 32 registers, a block
has eight rows, so that more sums are independent.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

from fastnet.kernels.blocks import Loop, block, switch
from fastnet.kernels.vectors import REGISTERS, Vector, load_vector, register_lanes_of, store_vector, wide

ROWS = 8 if REGISTERS >= 32 else 6
"""Largest number of rows in a block. Smaller blocks have 4, 2 or 1 rows."""

_NUMBERS_OF_ROWS = (1, 2, 4, ROWS)

PANELS = 4 if REGISTERS >= 32 else 3
"""Largest number of panels by which a sparse row is multiplied at the same time."""

# Number of partial sums for the product of a sparse row and a panel. The number is constant, so that rounding does not
# depend on the number of threads.
_SPARSE_SUMS = 2


def _rows_of(loop: Loop, x: Any, rows: Any, first: Any, start: Any, stride: Any, count: int) -> list[Any]:
    """Return the addresses of `count` rows of x, whose indices are in the list `rows`."""
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
setting)`

For each r < count, add a sum over j < inner and k < outer to the vector at z[z_start + r * z_stride]. The terms are
x[x_start + rows[first + r] * x_stride + k * step + j] times the vector at w[w_start + (k * inner + j) * lanes]. `count`
is 1, 2, 4 or `ROWS`. If `setting` is not 0, set the vector to the sum.
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
"""`add_outer_products(rows, x, d, w, first, samples, count, x_start, x_stride, d_start, d_stride, w_start)`

For each j < count, add a sum over s < samples to the vector at w[w_start + j * lanes]. The terms are
x[x_start + rows[first + s] * x_stride + j] times the vector at d[d_start + s * d_stride]. `count` is 1, 2, 4 or `ROWS`.
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
"""`pack(rows, x, z, first, samples, count, x_start, x_stride, z_start)`

Pack the numbers that `add_outer_products` reads: for s < samples and j < count, set z[z_start + s * ROWS + j] to
x[x_start + rows[first + s] * x_stride + j].
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
"""`set_sparse_product(columns, values, w, z, first, last, w_start, w_panel, z_start, z_panel, panels)`

For each p < panels, set the vector at z[z_start + p * z_panel] to a sum over i from `first` to `last`. The terms are
values[i] times the vector at w[w_start + p * w_panel + columns[i] * lanes]. `panels` is at most `PANELS`.
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
            """Add products to the weights of different columns. Loads come first, so that no load waits for a store."""
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
"""`add_sparse_outer_product(columns, values, d, w, first, last, d_start, d_panel, w_start, w_panel, panels)`

For each p < panels and each i from `first` to `last`, add a product to the vector at
w[w_start + p * w_panel + columns[i] * lanes]. The product is values[i] times the vector at d[d_start + p * d_panel].
`panels` is at most `PANELS`. All `columns[i]` must be different from one another.
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

For each s < count and each k < 2, compute the dot product of row s of a and row k of w, over `panels` panels. The rows
of a belong to samples, and the rows of w to outputs. A dot product is stored as a register of partial sums, at
sums[start + s * sums_sample + k * lanes]. If `is_first` is 0, the products are added to the stored partial sums.
`count` is 1, 2, 4 or `ROWS`.
"""


def _totals(loop: Loop, sums: Any, z: Any, start: Any, count: Any, z_start: Any) -> None:
    lanes = loop.vector.lanes
    with loop.walk(count, (loop.at(sums, start), lanes * lanes), (loop.at(z, z_start), lanes)) as (here, target):
        vectors = [loop.load(loop.at(here, k * lanes)) for k in range(lanes)]
        quarter = 16 // (loop.vector.dtype.bitwidth // 8)  # numbers that fit into 16 bytes, where shuffles are fast
        added = 1  # number of numbers that are summed in each lane
        while len(vectors) > 1:
            add = _add_within_quarters if added < quarter else _add_quarters
            vectors = [add(loop, a, b, quarter) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
            added *= 2
        store_vector(loop.builder, vectors[0], target)


def _add_within_quarters(loop: Loop, a: Any, b: Any, quarter: int) -> Any:
    """Return the sums of adjacent numbers: in each quarter (16 bytes), the sums of a are followed by the sums of b."""
    lanes = loop.vector.lanes
    pairs = [v + q + i for q in range(0, lanes, quarter) for v in (0, lanes) for i in range(0, quarter, 2)]
    return _add_picked(loop, a, b, pairs, [i + 1 for i in pairs])


def _add_quarters(loop: Loop, a: Any, b: Any, quarter: int) -> Any:
    """Return the sums of adjacent quarters (16 bytes): the sums of a are followed by the sums of b."""
    even = [q + i for q in range(0, 2 * loop.vector.lanes, 2 * quarter) for i in range(quarter)]
    return _add_picked(loop, a, b, even, [i + quarter for i in even])


def _add_picked(loop: Loop, a: Any, b: Any, *places: list[int]) -> Any:
    """Return the sum of two shuffles of a and b, given the indices of each shuffle."""
    type_ = ir.VectorType(cgutils.int32_t, loop.vector.lanes)
    picked = [loop.builder.shuffle_vector(a, b, ir.Constant(type_, each)) for each in places]
    return loop.builder.fadd(*picked)


set_totals = block(2, _register, _totals)
"""`set_totals(sums, z, start, count, z_start)`

Set each number in `count` registers of z to the total of one register of `sums`. The registers are contiguous in both
arrays, and begin at z[z_start] and sums[start].
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
    """Return the interleaved even groups of a and b, and the interleaved odd groups; a group has `size` numbers."""
    lanes = loop.vector.lanes
    even = [v + q + i for q in range(0, lanes, 2 * size) for v in (0, lanes) for i in range(size)]
    type_ = ir.VectorType(cgutils.int32_t, lanes)
    picked = (ir.Constant(type_, [i + offset for i in even]) for offset in (0, size))
    first, second = (loop.builder.shuffle_vector(a, b, each) for each in picked)
    return first, second


set_transposed = block(2, _register, _transposed)
"""`set_transposed(w, z, w_start, z_start)` transposes a square matrix that is as wide as a register.

The matrix is read from a panel of w, and written to a panel of z.
"""
