import struct

import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path):
    """A folder with a small data set: 60 training and 9 test images of 4 x 4 pixels."""
    random = np.random.default_rng(0)
    for name, n in (("train", 60), ("t10k", 9)):
        pixels = random.integers(0, 256, 16 * n, np.uint8).tobytes()
        labels = random.integers(0, 10, n, np.uint8).tobytes()
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">HBB3I", 0, 8, 3, n, 4, 4) + pixels)
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, n) + labels)
    return tmp_path
