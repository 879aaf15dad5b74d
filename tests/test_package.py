"""What `import fastnet` costs, and what the package promises from outside."""

import doctest
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastnet

TRAIN = """
import numpy as np
from fastnet import Dataset, network
random = np.random.default_rng(0)
net = network.Network([5, 3, 2], seed=0)
net.SGD(Dataset(random.random((20, 5)), random.integers(0, 2, 20)), 1, 5, 0.5)
print(*net.weights[0].ravel())
"""


def python(code, **environment):
    """Run code where Python finds the installed package and not the checkout."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        cwd=Path(__file__).parent,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result


def test_import_loads_numpy_and_nothing_heavier():
    code = "import sys; import fastnet; print(*{name.partition('.')[0] for name in sys.modules})"
    alone = set(
        python("import sys; import numpy; print(*{name.partition('.')[0] for name in sys.modules})").stdout.split()
    )
    new = set(python(code).stdout.split()) - alone - set(sys.stdlib_module_names)
    assert new == {"fastnet"}


@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_the_other_engines_need_no_numba(engine):
    code = TRAIN.replace("seed=0", f"engine={engine!r}, seed=0")
    python(f"import sys; sys.modules['numba'] = None; sys.modules['rich'] = None{code}")


def test_the_first_process_says_that_it_compiles_and_the_second_does_not(tmp_path):
    first, second = (python(TRAIN, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first.stderr == "Compiling the kernels for this machine, once: a few seconds\n"
    assert second.stderr == ""
    assert first.stdout.splitlines()[1] == second.stdout.splitlines()[1]


NO_FOLDER_CAN_BE_WRITTEN = """
import tempfile
def refuse(*arguments, **keywords):
    raise PermissionError
tempfile.TemporaryFile = refuse  # with which Numba tries whether it can write there
"""
THE_DISK_IS_FULL = """
from numba.core.caching import IndexDataCacheFile
def refuse(*arguments, **keywords):
    raise OSError(28, "No space left on device")
IndexDataCacheFile.save = refuse
"""


@pytest.mark.parametrize("obstacle", [NO_FOLDER_CAN_BE_WRITTEN, THE_DISK_IS_FULL])
def test_it_works_where_the_cache_cannot_be_written(tmp_path, obstacle):
    for _ in range(2):
        result = python(obstacle + TRAIN, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
        assert result.stderr.startswith("Compiling the kernels")
    assert not list(tmp_path.rglob("*.nbc"))


def test_a_changed_kernel_is_compiled_again(tmp_path):
    """Numba by itself would run the old code: it looks at a kernel's own file, not at those that it calls."""
    python(TRAIN, NUMBA_CACHE_DIR=str(tmp_path))
    changed = python(
        f"import fastnet.kernels.compiler as c; c._SOURCES = 'others'{TRAIN}", NUMBA_CACHE_DIR=str(tmp_path)
    )
    assert changed.stderr.startswith("Compiling the kernels")


MODULES = [name for _, name, _ in pkgutil.walk_packages(fastnet.__path__, "fastnet.") if name != "fastnet.__main__"]


@pytest.mark.parametrize("name", ["fastnet", *MODULES])
def test_the_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
