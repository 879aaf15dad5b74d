"""The reader of IDX files, tested with files that follow the definition of the format."""

import gzip
import hashlib
import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastnet.datasets import idx
from fastnet.files.reading import DataError

CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def encode(array):
    header = struct.pack(f">HBB{array.ndim}I", 0, CODES[array.dtype.str.lstrip("|")], array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def write(tmp_path):
    def write(contents, name="file"):
        (tmp_path / name).write_bytes(contents)
        return tmp_path / name

    return write


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzipped"])
@pytest.mark.parametrize("dtype", CODES)
def test_every_type_comes_back(write, dtype, compress):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    np.testing.assert_array_equal(idx.read(write(compress(encode(array)))), array, strict=True)


@given(arrays.arrays(np.uint8, arrays.array_shapes(max_dims=4, max_side=5, min_side=0)), st.booleans())
def test_every_shape_comes_back(tmp_path_factory, array, compressed):
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(gzip.compress(encode(array)) if compressed else encode(array))
    np.testing.assert_array_equal(idx.read(path), array, strict=True)


VALID = encode(np.arange(6, dtype=np.uint8).reshape(2, 3))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_off_anywhere(write, compressed):
    whole = gzip.compress(VALID) if compressed else VALID
    for length in range(len(whole)):
        with pytest.raises(DataError, match=r"file: .*truncated|file: this is not an IDX file"):
            idx.read(write(whole[:length]))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"\x80\x02(K\x01.", "not an IDX file"),
        (b"PK\x03\x04" + bytes(100), "not an IDX file"),
        (b"\0\0\x08\0", "claims 0 dimensions"),
        (b"\0\0\x08\xff" + bytes(2000), "claims 255 dimensions"),
        (b"\0\0\x07\x01\0\0\0\x01\0", "not an IDX file"),
        (struct.pack(">HBB8I", 0, 8, 8, *[2**32 - 1] * 7, 0), "cannot reshape"),
        (VALID + b"\0", "goes on after the 6 bytes"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "claims to hold 4294967295 x"),
        (struct.pack(">HBB2I", 0, 14, 2, 2**16, 2**16), "claims to hold 65536 x 65536 numbers"),
        (gzip.compress(VALID)[:-8] + bytes(8), "compressed data is damaged"),
        (b"\x1f\x8b" + bytes(30), "compressed data is damaged"),
    ],
)
def test_what_is_wrong_is_said(write, contents, message):
    with pytest.raises(DataError, match=f"file: .*{message}"):
        idx.read(write(contents))


def test_a_size_that_is_only_claimed_is_not_allocated(write):
    claimed = struct.pack(">HBB2I", 0, 8, 2, 2**14, 2**13)  # a header for 128 MiB, without any data
    assert math.prod((2**14, 2**13)) < 1 << 28
    for contents in (claimed, gzip.compress(claimed)):
        tracemalloc.start()
        with pytest.raises(DataError, match="truncated"):
            idx.read(write(contents))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4e6


def test_the_checksum_is_that_of_the_file_as_it_lies_there(write):
    contents = gzip.compress(VALID)
    path = write(contents)
    assert idx.read(path, hashlib.sha256(contents).hexdigest()).shape == (2, 3)
    with pytest.raises(DataError, match="SHA-256 checksum mismatch"):
        idx.read(path, hashlib.sha256(VALID).hexdigest())


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        idx.read(tmp_path / "nothing")
