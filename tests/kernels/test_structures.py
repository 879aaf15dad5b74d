"""Kernels read from a structure the values that Python reads from the named tuple."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from fastnet.kernels.compiler import kernel
from fastnet.kernels.structures import Reference


class Mixed(NamedTuple):
    flag: bool
    small: np.ndarray
    rate: float
    counts: np.ndarray
    number: int


@kernel
def read(mixed, index, start, stop, into):
    part = mixed.small[start:stop]
    into[0] = mixed.flag
    into[1] = mixed.rate
    into[2] = mixed.number
    into[3] = len(mixed.small)
    into[4] = mixed.small[index]
    into[5] = mixed.counts[-1]
    into[6] = len(part)
    for i in range(len(part)):
        into[7 + i] = part[i]


def mixed(flag=True, dtype=np.float32):
    return Mixed(flag, np.arange(10, 16).astype(dtype), np.float64(0.25), np.array([7, 8, 9], np.uint16), 2**40)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("index", "start", "stop"), [(0, 0, 6), (5, 2, 4), (-1, 4, 99), (-6, 99, 99), (2, 3, 3)])
def test_fields_elements_and_slices(dtype, index, start, stop):
    structure, into = mixed(index < 0, dtype), np.full(20, -1.0)
    read(Reference(structure), index, start, stop, into)
    part = structure.small[start:stop]
    expected = [
        structure.flag, structure.rate, structure.number, len(structure.small), structure.small[index],
        structure.counts[-1], len(part), *part,
    ]  # fmt: skip
    np.testing.assert_array_equal(into[: len(expected)], expected)
    assert (into[len(expected) :] == -1).all()


def test_numbers_of_another_type_compile_nothing():
    into = np.empty(20)
    read(Reference(mixed()), 0, 0, 6, into)
    compiled = len(read.signatures)
    read(Reference(mixed()._replace(rate=3, number=np.int32(4), flag=False)), 0, 0, 6, into)
    assert len(read.signatures) == compiled
    assert into[1] == 3
    assert into[2] == 4


def test_what_is_written_later_is_read():
    structure, into = mixed(), np.empty(20)
    reference = Reference(structure)
    structure.small[0] = 99
    read(reference, 0, 0, 6, into)
    assert into[4] == 99


@pytest.mark.parametrize("array", [np.zeros((2, 3), np.float32), np.zeros(6, np.float32)[::2]])
def test_arrays_that_kernels_cannot_read_are_refused(array):
    with pytest.raises(ValueError, match="contiguous arrays of one dimension"):
        Reference(mixed()._replace(small=array))
