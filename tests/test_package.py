"""What `import fastnet` costs, and what the package promises from outside."""

import doctest
import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fastnet
from fastnet import Dataset, network

TRAIN = """
import numpy as np
from fastnet import Dataset, network
random = np.random.default_rng(0)
net = network.Network([5, 3, 2], seed=0)
net.SGD(Dataset(random.random((20, 5)), random.integers(0, 2, 20)), 1, 5, 0.5)
print(*net.weights[0].ravel())
"""


def python(code, folder=Path(__file__).parent, **environment):
    """Run code in a folder: by default one where Python finds the installed package and not the checkout."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        cwd=folder,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result


def loaded_by(code):
    """Return the packages, beyond the standard library, that are imported when code has run."""
    modules = python(f"import sys; {code}; print(*{{name.partition('.')[0] for name in sys.modules}})").stdout.split()
    return set(modules) - set(sys.stdlib_module_names)


def test_import_loads_nothing_and_the_books_modules_numpy_and_nothing_heavier():
    assert loaded_by("import fastnet") - loaded_by("pass") == {"fastnet"}
    of_numpy = loaded_by("import numpy")
    assert loaded_by("from fastnet import expand_mnist, mnist_loader, network, network2") - of_numpy == {"fastnet"}
    assert loaded_by("import fastnet; fastnet.network.Network; fastnet.Dataset") - of_numpy == {"fastnet"}


NAMES = (
    "Adam", "BatchNormalization", "Dataset", "Dense", "Dropout", "GradientDescent", "comparison", "expand_mnist",
    "handwriting", "mnist_loader", "network", "network2", "plots", "sweep", "sweeps",
)  # fmt: skip
WITH_EXTRAS = ("NetworkClassifier", "network3", "pytorch_mnist", "torch_models")


@pytest.mark.parametrize("name", [*NAMES, *WITH_EXTRAS])
def test_a_name_can_be_had_after_importing_the_package(name):
    if name in WITH_EXTRAS:
        pytest.importorskip("sklearn" if name == "NetworkClassifier" else "torchvision")
    python(f"import fastnet; fastnet.{name}; assert '{name}' in dir(fastnet)")


def test_without_extras_all_names_but_those_that_need_one_can_be_had():
    code = "; ".join(
        f"sys.modules[{name!r}] = None" for name in ("torch", "sklearn", "matplotlib", "PIL", "distributed")
    )
    result = python(f"import sys; {code}; import fastnet; print(*{{n: getattr(fastnet, n) for n in dir(fastnet)}})")
    names = set(result.stdout.split())
    assert names >= set(NAMES)
    assert not names & set(WITH_EXTRAS)


@pytest.mark.parametrize("engine", ["numpy", "reference"])
def test_the_other_engines_need_no_numba(engine):
    code = TRAIN.replace("seed=0", f"engine={engine!r}, seed=0")
    python(f"import sys; sys.modules['numba'] = None; sys.modules['rich'] = None{code}")


def test_the_first_process_says_that_it_compiles_and_the_second_does_not(tmp_path):
    first, second = (python(TRAIN, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first.stderr == "Compiling for this machine: a few seconds\n"
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
    result = python(obstacle + TRAIN, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert result.stderr.startswith("Compiling for this machine")
    assert not list(tmp_path.rglob("*.nbc"))


def test_a_damaged_cache_is_made_again(tmp_path):
    before = python(TRAIN, NUMBA_CACHE_DIR=str(tmp_path)).stdout.splitlines()[1]
    for pattern, damage in (("*.nbc", b""), ("*.nbi", b"\x80\x04garbage")):
        for file in tmp_path.rglob(pattern):
            file.write_bytes(damage)
        again = python(TRAIN, NUMBA_CACHE_DIR=str(tmp_path))
        assert again.stdout.splitlines()[1] == before
        assert again.stderr.startswith("Compiling for this machine")
    assert python(TRAIN, NUMBA_CACHE_DIR=str(tmp_path)).stderr == ""


def test_a_changed_kernel_is_compiled_again(tmp_path):
    """Numba by itself would run the old code: it looks at a kernel's own file, not at those that it calls."""
    package = tmp_path / "fastnet"
    shutil.copytree(Path(fastnet.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    before = python(TRAIN, folder=tmp_path)
    assert python(TRAIN, folder=tmp_path).stderr == ""
    products = package / "kernels" / "products.py"
    changed = products.read_text().replace("w_j = w_j + item", "w_j = w_j - item")
    assert changed != products.read_text()
    products.write_text(changed)
    after = python(TRAIN, folder=tmp_path)
    assert after.stderr.startswith("Compiling for this machine")
    assert after.stdout.splitlines()[1] != before.stdout.splitlines()[1]


def test_python_goes_on_while_an_epoch_is_computed():
    data = Dataset(np.zeros((10, 5)), np.zeros((10, 2)))
    net = network.Network([5, 3, 2])
    order = np.zeros(1_000_000, np.int64)
    net.update_mini_batch(data, 0.5)  # compiles
    engine = net._make_engine(data)
    worker = threading.Thread(target=lambda: [engine.epoch(order, 1, 0.5) for _ in range(3)])
    turns = 0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 20  # it would be about one a call


def test_numba_that_may_not_compile_is_refused_in_a_line():
    result = subprocess.run(
        [sys.executable, "-m", "fastnet", "train"],
        capture_output=True,
        text=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parent,
    )
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "NUMBA_DISABLE_JIT is set" in result.stderr


MODULES = [name for _, name, _ in pkgutil.walk_packages(fastnet.__path__, "fastnet.") if name != "fastnet.__main__"]


OF_PYTORCH = ("fastnet.engines.torch", "fastnet.network3", "fastnet.pytorch_mnist", "fastnet.torch_models")


@pytest.mark.parametrize("name", OF_PYTORCH[1:])
def test_without_pytorch_a_module_says_which_extra_installs_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ImportError, match=r"pip install 'fastnet\[torch\]' installs"):
        importlib.import_module(name)


@pytest.mark.parametrize("name", ["fastnet", *MODULES])
def test_the_examples_in_docstrings(name):
    if name.startswith((*OF_PYTORCH, "fastnet.torch_classifier")):
        pytest.importorskip("torch")
    if name.startswith("fastnet.estimator"):
        pytest.importorskip("sklearn")
    assert doctest.testmod(importlib.import_module(name)).failed == 0
