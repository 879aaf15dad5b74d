"""Behaviour without PyTorch or torchvision, whether or not they are installed."""

import subprocess
import sys

import pytest


def run(code, missing):
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules[{missing!r}] = None\n{code}"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_fastnet_imports_and_trains():
    result = run(
        "import numpy as np; from fastnet import Dataset, network\n"
        "data = Dataset(np.eye(3), np.eye(3))\n"
        "network.Network([3, 3], engine='numpy', seed=0).SGD(data, 1, 1, 1.0)",
        "torch",
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("missing", ["torch", "torchvision"])
def test_the_command_says_what_to_install_in_one_line(missing):
    result = run("import runpy; runpy.run_module('fastnet.pytorch_mnist', run_name='__main__')", missing)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("fastnet.pytorch_mnist: ")
    assert "pip install 'fastnet-nndl[torch]' installs" in result.stderr
