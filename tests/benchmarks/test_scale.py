"""The benchmark command that measures large data sets and deep networks."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import scale

COMMAND = Path(scale.__file__)


def test_the_quick_command_prints_a_line_for_each_bound_and_removes_its_file(tmp_path):
    command = [sys.executable, COMMAND, "--quick", "--folder", tmp_path]
    found = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert found.returncode == 0, found.stderr
    rows = [line.split(" | ") for line in found.stdout.splitlines() if line.startswith("| ")][2:]
    assert all(len(row) == 3 for row in rows)
    titles = "\n".join(row[0] for row in rows)
    for part in (
        "28-300-2, 100,000 against 50,000 samples, in random order",
        "layers of 100 neurons: 5 against 1",
        "making the engine",
    ):
        assert part in titles
    assert list(tmp_path.iterdir()) == []


def test_the_engine_that_is_measured_computes_with_the_map(tmp_path):
    path = tmp_path / "inputs.npy"
    scale.write(path, 1000)
    inputs, labels = scale.mapped(path)
    assert isinstance(inputs, np.memmap)
    assert inputs.shape == (1000, scale.COLUMNS)
    assert set(labels) == {0, 1}
    engine = scale.made_engine(scale.SIZES[0], scale.Dataset(inputs, labels))
    assert np.may_share_memory(engine._inputs.values, inputs)


def test_memory_of_a_process_that_has_ended_is_nothing():
    assert scale.anonymous(2**22 + 1) == 0
