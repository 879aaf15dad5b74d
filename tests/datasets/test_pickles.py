"""Pickles of Python 2 and 3 are read. A pickle of other objects than arrays is refused, and its code is not run."""

import base64
import gzip
import os
import pickle
import pickletools
import struct
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnet.datasets import pickles
from fastnet.files.reading import DataError

# Python 2.7.18 (cPickle) with NumPy 1.16.6 wrote this tuple as pickles of the protocols 0, 1 and 2:
# tuple((np.linspace(0, 1, 8).astype(np.float32).reshape(2, 4) + i, np.array([3, i], np.int64)) for i in range(3))
BY_PYTHON_2 = {
    0: (
        "KChjbnVtcHkuY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApwMQooY251bXB5Cm5kYXJyYXkKcDIKKEkwCnRTJ2InCnRScDMK"
        "KEkxCihJMgpJNAp0Y251bXB5CmR0eXBlCnA0CihTJ2Y0JwpJMApJMQp0UnA1CihJMwpTJzwnCk5OTkktMQpJLTEKSTAKdGJJMDAK"
        "UydceDAwXHgwMFx4MDBceDAwJUlceDEyPiVJXHg5Mj5ceGI3bVx4ZGI+JUlceDEyP25ceGRiNj9ceGI3bVs/XHgwMFx4MDBceDgw"
        "PycKdGJnMQooZzIKKEkwCnRTJ2InCnRScDYKKEkxCihJMgp0ZzQKKFMnaTgnCkkwCkkxCnRScDcKKEkzClMnPCcKTk5OSS0xCkkt"
        "MQpJMAp0YkkwMApTJ1x4MDNceDAwXHgwMFx4MDBceDAwXHgwMFx4MDBceDAwXHgwMFx4MDBceDAwXHgwMFx4MDBceDAwXHgwMFx4"
        "MDAnCnRidChnMQooZzIKKEkwCnRTJ2InCnRScDgKKEkxCihJMgpJNAp0ZzUKSTAwClMnXHgwMFx4MDBceDgwPyVJXHg5Mj9JXHg5"
        "Mlx4YTQ/blx4ZGJceGI2P1x4OTIkXHhjOT9ceGI3bVx4ZGI/XHhkY1x4YjZceGVkP1x4MDBceDAwXHgwMEAnCnRiZzEKKGcyCihJ"
        "MAp0UydiJwp0UnA5CihJMQooSTIKdGc3CkkwMApTJ1x4MDNceDAwXHgwMFx4MDBceDAwXHgwMFx4MDBceDAwXHgwMVx4MDBceDAw"
        "XHgwMFx4MDBceDAwXHgwMFx4MDAnCnRidChnMQooZzIKKEkwCnRTJ2InCnRScDEwCihJMQooSTIKSTQKdGc1CkkwMApTJ1x4MDBc"
        "eDAwXHgwMEBceDkyJFx0QCVJXHgxMkBceGI3bVx4MWJASVx4OTIkQFx4ZGNceGI2LUBuXHhkYjZAXHgwMFx4MDBAQCcKdGJnMQoo"
        "ZzIKKEkwCnRTJ2InCnRScDExCihJMQooSTIKdGc3CkkwMApTJ1x4MDNceDAwXHgwMFx4MDBceDAwXHgwMFx4MDBceDAwXHgwMlx4"
        "MDBceDAwXHgwMFx4MDBceDAwXHgwMFx4MDAnCnRidHRwMTIKLg=="
    ),
    1: (
        "KChjbnVtcHkuY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApxAShjbnVtcHkKbmRhcnJheQpxAihLAHRVAWJ0UnEDKEsBKEsC"
        "SwR0Y251bXB5CmR0eXBlCnEEKFUCZjRLAEsBdFJxBShLA1UBPE5OTkr/////Sv////9LAHRiSTAwClUgAAAAACVJEj4lSZI+t23b"
        "PiVJEj9u2zY/t21bPwAAgD90YmgBKGgCKEsAdFUBYnRScQYoSwEoSwJ0aAQoVQJpOEsASwF0UnEHKEsDVQE8Tk5OSv////9K////"
        "/0sAdGJJMDAKVRADAAAAAAAAAAAAAAAAAAAAdGJ0KGgBKGgCKEsAdFUBYnRScQgoSwEoSwJLBHRoBUkwMApVIAAAgD8lSZI/SZKk"
        "P27btj+SJMk/t23bP9y27T8AAABAdGJoAShoAihLAHRVAWJ0UnEJKEsBKEsCdGgHSTAwClUQAwAAAAAAAAABAAAAAAAAAHRidCho"
        "AShoAihLAHRVAWJ0UnEKKEsBKEsCSwR0aAVJMDAKVSAAAABAkiQJQCVJEkC3bRtASZIkQNy2LUBu2zZAAABAQHRiaAEoaAIoSwB0"
        "VQFidFJxCyhLAShLAnRoB0kwMApVEAMAAAAAAAAAAgAAAAAAAAB0YnR0cQwu"
    ),
    2: (
        "gAJjbnVtcHkuY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApxAWNudW1weQpuZGFycmF5CnECSwCFVQFih1JxAyhLAUsCSwSG"
        "Y251bXB5CmR0eXBlCnEEVQJmNEsASwGHUnEFKEsDVQE8Tk5OSv////9K/////0sAdGKJVSAAAAAAJUkSPiVJkj63bds+JUkSP27b"
        "Nj+3bVs/AACAP3RiaAFoAksAhVUBYodScQYoSwFLAoVoBFUCaThLAEsBh1JxByhLA1UBPE5OTkr/////Sv////9LAHRiiVUQAwAA"
        "AAAAAAAAAAAAAAAAAHRihmgBaAJLAIVVAWKHUnEIKEsBSwJLBIZoBYlVIAAAgD8lSZI/SZKkP27btj+SJMk/t23bP9y27T8AAABA"
        "dGJoAWgCSwCFVQFih1JxCShLAUsChWgHiVUQAwAAAAAAAAABAAAAAAAAAHRihmgBaAJLAIVVAWKHUnEKKEsBSwJLBIZoBYlVIAAA"
        "AECSJAlAJUkSQLdtG0BJkiRA3LYtQG7bNkAAAEBAdGJoAWgCSwCFVQFih1JxCyhLAUsChWgHiVUQAwAAAAAAAAACAAAAAAAAAHRi"
        "hodxDC4="
    ),
}


def the_pairs():
    return tuple(
        (np.linspace(0, 1, 8).astype(np.float32).reshape(2, 4) + i, np.array([3, i], np.int64)) for i in range(3)
    )


def assert_same(pairs, expected):
    for arrays, expected_arrays in zip(pairs, expected, strict=True):
        for array, expected_array in zip(arrays, expected_arrays, strict=True):
            np.testing.assert_array_equal(array, expected_array, strict=True)


@pytest.fixture
def write(tmp_path):
    def write(contents):
        (tmp_path / "data.pkl").write_bytes(contents)
        return tmp_path / "data.pkl"

    return write


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzipped"])
@pytest.mark.parametrize("protocol", BY_PYTHON_2)
def test_python_2(write, protocol, compress):
    path = write(compress(base64.b64decode(BY_PYTHON_2[protocol])))
    assert_same(pickles.read_pairs(path), the_pairs())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", "uint8", "int64", "bool"])
@pytest.mark.parametrize("order", "CF")
def test_python_3(write, protocol, dtype, order):
    array = np.asarray(np.arange(12).reshape(3, 4).astype(dtype), order=order)
    pairs = ((array, array[:, 0].copy()), (array[:0].copy(), array))
    assert_same(pickles.read_pairs(write(pickle.dumps(pairs, protocol))), pairs)


class Evil:
    """An object that creates a folder when `pickle.loads` unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_code_is_run(write, tmp_path, protocol):
    trap = tmp_path / "trap"
    contents = pickle.dumps(((np.zeros(2), Evil(trap)),), protocol)
    with pytest.raises(DataError, match=r"asks for '.*mkdir'; only NumPy arrays are read"):
        pickles.read_pairs(write(contents))
    assert not trap.exists()
    pickle.loads(contents)
    assert trap.exists()  # `pickle.loads` runs the code


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "more than NumPy arrays"),
        ({"a": 1}, "more than NumPy arrays"),
        (((1, 2),), "does not hold pairs of arrays"),
        ((np.zeros(2), np.zeros(2)), "does not hold pairs of arrays"),
        (7, "does not hold pairs of arrays"),
        (((np.array([None]), np.zeros(1)),), "of type 'O8'; only numbers are read|more than NumPy arrays"),
        (((np.zeros(1, "f4,i4"), np.zeros(1)),), "only numbers are read|more than NumPy arrays"),
        (((np.array(["text"]), np.zeros(1)),), "of type 'U4'; only numbers are read"),
        (((np.zeros(1, complex), np.zeros(1)),), "of type 'c16'; only numbers are read"),
        (((np.zeros(1, "M8[s]"), np.zeros(1)),), "only numbers are read|more than NumPy arrays"),
        (((np.float32(1), np.zeros(1)),), "asks for 'numpy.*scalar"),
    ],
)
def test_what_else_a_pickle_may_hold_is_refused(write, value, message):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(DataError, match=message):
            pickles.read_pairs(write(pickle.dumps(value, protocol)))


def array_pickle(shape, contents, dtype=b"f4"):
    """Return a handwritten pickle of one pair of arrays. The contents of the arrays need not match their shape."""
    numbers = b"".join(b"J" + struct.pack("<i", n) for n in shape)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
        b"(K\x01(" + numbers + b"tcnumpy\ndtype\nU\x02" + dtype + b"K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89" + contents + b"tb"
    )
    return b"\x80\x02" + array + array + b"\x86\x85."


def test_the_handwritten_pickle_is_one(write):
    ((first, _),) = pickles.read_pairs(write(array_pickle((2,), b"C\x08" + struct.pack("<2f", 1, 2))))
    np.testing.assert_array_equal(first, np.array([1, 2], np.float32), strict=True)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (array_pickle((2**31 - 1,) * 4, b"C\x00"), "an invalid shape"),
        (array_pickle((2**20,) * 4, b"C\x00"), "claims an array of shape"),
        (array_pickle((-1,), b"C\x00"), "an invalid shape"),
        (array_pickle((0,), b"N"), "not of plain numbers"),
        (array_pickle((2**28,), b"B" + struct.pack("<I", 2**29)), "truncated"),
        (array_pickle((2,), b"\x8e" + struct.pack("<Q", 2**62)), "claims to hold more than"),
        (array_pickle((2,), b"\x96" + struct.pack("<Q", 2**62)), "claims to hold more than"),
        (array_pickle((2,), b"\x96" + struct.pack("<Q", 2**29)), "truncated"),
        (b"\x80\x04\x95" + struct.pack("<Q", 2**40), "claims to hold more than"),
        (b"\x80\x04\x95" + struct.pack("<Q", 2**29), "truncated"),
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "does not hold pairs"),  # the C unpickler would make a memo of 2**31 entries
        (b"\x80\x02" + b"N" * 20_000 + b".", "instructions"),
        (b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.", "not a pickle of NumPy arrays"),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00bz2\x86R.", "only latin1 is read"),
        (
            b"\x80\x02(" + b"K\x01q\x00" + b"h\x00h\x00\x86q\x00" * 60 + b"cnumpy\ndtype\nh\x00\x85R.",
            "where a name should",
        ),
        (b"\x80\x02cnumpy\ndtype\nh\x00R.", "not a pickle of NumPy arrays"),
        (b"\x80\x02cnumpy\ndtype\nU\xff" + b"a" * 255 + b"\x85R.", "where a name should"),
        (b"\x80\x03cnumpy\ndtype\nB\x00\x00\x01\x00" + bytes(65536) + b"R.", "at most 8 arguments"),
        (b"\x80\x02c" + b"\x1b[2J" * 1000 + b"\nname\n.", r"asks for .\\x1b\[2J"),
        (b"\x80\x02N)R.", "not a function"),
        (b"\x80\x02N)b.", "not an array"),
        (b"\x80\x02h\x05.", "not a pickle of NumPy arrays"),
        (b"\x80\xff", "unsupported pickle protocol"),
        (b".", "not a pickle of NumPy arrays"),
    ],
)
def test_wrong_sizes_and_instructions(write, contents, message):
    path = write(contents)
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"data\.pkl: .*{message}") as caught:
        pickles.read_pairs(path)
    assert len(str(caught.value)) < len(str(path)) + 200
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6


def test_what_is_made_of_the_bytes_read_is_bounded_too(write, monkeypatch):
    monkeypatch.setattr(pickles, "_MOST_BYTES", 1 << 20)
    text = b"X" + struct.pack("<I", 1 << 16) + b"a" * (1 << 16) + b"q\x00"
    encode = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    with pytest.raises(DataError, match="claims to hold more than the limit of 1 MiB"):
        pickles.read_pairs(write(b"\x80\x02" + text + encode * 100 + b"."))


def test_a_text_of_which_python_warns_is_refused_and_nothing_is_shown(write):
    """Found by fuzzing: an unknown escape sequence in a text makes Python warn."""
    contents = base64.b64decode(BY_PYTHON_2[0]).replace(b"\\x00\\x00\\x80?", b"\\q00\\x00\\x80?", 1)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with pytest.raises(DataError, match="not a pickle of NumPy arrays"):
            pickles.read_pairs(write(contents))
    assert not shown


def test_the_checksum_of_gzip_is_compared(write):
    """gzip compares the checksum only if the reader reads on after the pickle's last instruction."""
    contents = bytearray(gzip.compress(base64.b64decode(BY_PYTHON_2[2])))
    contents[-8] ^= 1
    with pytest.raises(DataError, match="compressed data is damaged"):
        pickles.read_pairs(write(contents))


def test_a_pickle_cut_off_anywhere(write):
    for protocol in BY_PYTHON_2:
        whole = base64.b64decode(BY_PYTHON_2[protocol])
        for length in range(len(whole)):
            with pytest.raises(DataError, match=r"data\.pkl: "):
                pickles.read_pairs(write(whole[:length]))


@given(st.data())
def test_a_damaged_pickle_gives_arrays_or_an_error(tmp_path_factory, data):
    contents = bytearray(pickletools.optimize(pickle.dumps(the_pairs(), data.draw(st.integers(0, 5)))))
    for _ in range(data.draw(st.integers(1, 4))):
        contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "data.pkl"
    path.write_bytes(contents)
    try:
        pairs = pickles.read_pairs(path)
    except DataError:
        return
    assert all(isinstance(array, np.ndarray) for pair in pairs for array in pair)
