import numpy as np
from play.client import parsed

from fastnet.play.frames import frame


def test_a_frame_has_a_header_and_aligned_arrays():
    arrays = {
        "bytes": np.arange(3, dtype=np.uint8),
        "signed": np.array([[-127], [127]], np.int8),
        "numbers": np.arange(6, dtype=np.float32).reshape(2, 3),
        "nothing": np.empty((0, 4), np.float32),
        "turned": np.arange(6, dtype=">f4").reshape(2, 3).T,
    }
    header, found = parsed(frame("seen", {"why": "“é”", "digit": None}, arrays))
    assert header == {"type": "seen", "why": "“é”", "digit": None}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_numbers_that_are_not_finite_are_null():
    header, _ = parsed(frame("progress", {"cost": float("nan"), "norms": [1.5, float("inf")], "of": {"a": -1e400}}))
    assert header == {"type": "progress", "cost": None, "norms": [1.5, None], "of": {"a": None}}


def test_a_frame_without_arrays():
    assert parsed(frame("state", {})) == ({"type": "state"}, {})
