"""The package as a whole: imports, compilation, structure, and examples in docstrings."""

import doctest
import graphlib
import importlib.util
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
from lines import imports_of

import fastnet
from fastnet import Dataset, network
from fastnet.utils import progress

TRAIN = """
import numpy as np
from fastnet import Dataset, network
random = np.random.default_rng(0)
net = network.Network([5, 3, 2], seed=0)
net.SGD(Dataset(random.random((20, 5)), random.integers(0, 2, 20)), 1, 5, 0.5)
print(*net.weights[0].ravel())
"""
LAY_OUT = """
import numpy as np
from fastnet.kernels.compiler import on_compilation
from fastnet.kernels.inputs import inputs_of
from fastnet.utils import progress
with on_compilation(progress.compiling):
    print(inputs_of(np.eye(5), np.dtype("float32")).columns)  # uses a kernel that compiles in less than a second
"""


def python(code, folder=Path(__file__).parent, arguments=(), **environment):
    """Run code in a separate process. The default working directory is `tests`, which does not contain fastnet."""
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        cwd=folder,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result


def test_what_is_tested_is_the_checkout_of_the_tests(tmp_path):
    """This process and its subprocesses import the checkout, not an installed copy."""
    checkout = Path(__file__).parents[1]
    assert Path(fastnet.__file__).parents[1] == checkout
    assert python("import fastnet; print(fastnet.__file__)", folder=tmp_path).stdout.strip() == fastnet.__file__
    shadow = tmp_path / "shadow" / "fastnet"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ImportError('another copy')")
    environment = {"PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(shadow.parent)])}
    assert python("import fastnet; print(fastnet.__file__)", **environment).stdout.strip() == fastnet.__file__


def loaded_by(code):
    """Return the packages outside the standard library that are loaded when code runs in a new process."""
    modules = python(f"import sys; {code}; print(*{{name.partition('.')[0] for name in sys.modules}})").stdout.split()
    return set(modules) - set(sys.stdlib_module_names)


def test_import_loads_nothing_and_the_books_modules_numpy_and_nothing_heavier():
    assert loaded_by("import fastnet") - loaded_by("pass") == {"fastnet"}
    of_numpy, modules = loaded_by("import numpy"), "expand_mnist, mnist_loader, network, network2, network3"
    assert loaded_by(f"from fastnet import {modules}") - of_numpy == {"fastnet"}
    assert loaded_by("import fastnet; fastnet.network.Network; fastnet.Dataset") - of_numpy == {"fastnet"}


NAMES = (
    "Adam", "BatchNormalization", "Convolution", "Dataset", "Dense", "Dropout", "GradientDescent", "MaxPooling",
    "comparison", "expand_mnist", "handwriting", "mnist_loader", "network", "network2", "network3", "plots", "sweep",
    "sweeps",
)  # fmt: skip
WITH_EXTRAS = ("neural_network", "pytorch_mnist", "torch_models")


# Each child process accesses one name of fastnet before any other. To save time, the parent process imports NumPy,
# Numba and PyTorch once for all child processes.
EACH_NAME_FIRST = """
import contextlib, importlib, os, sys
for package in ("numpy", "numba", "torch", "torchvision"):
    with contextlib.suppress(ImportError):
        importlib.import_module(package)
import fastnet
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        getattr(fastnet, name)
        assert name in dir(fastnet)
        print(name, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_each_name_can_be_had_after_importing_the_package():
    extras = {name: "sklearn" if name == "neural_network" else "torchvision" for name in WITH_EXTRAS}
    names = [*NAMES, *(name for name, package in extras.items() if importlib.util.find_spec(package))]
    result = python(EACH_NAME_FIRST, arguments=names)
    assert result.stdout.split() == names, result.stderr


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
    first, second = (python(LAY_OUT, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first.stderr == f"{progress.COMPILING}\n"
    assert second.stderr == ""
    assert first.stdout == second.stdout


TWO_NETWORKS = """
import contextlib, sys
import numpy as np
from numba.core.dispatcher import Dispatcher
from fastnet import Adam, BatchNormalization, Dataset, Dense, Dropout, network, network2
from fastnet.kernels import compiler, epoch

def specializations():
    modules = [module for name, module in sys.modules.items() if name.startswith("fastnet.kernels")]
    kernels = {id(k): k for module in modules for k in vars(module).values() if isinstance(k, Dispatcher)}
    return sum(len(kernel.signatures) for kernel in kernels.values())

compiled, (dtype, columns) = [], sys.argv[1:]
random = np.random.default_rng(0)
inputs = random.random((20, 5)) * (np.arange(5) < int(columns))  # the other columns are zero
data = Dataset(inputs, random.integers(0, 3, 20))
network.Network([5, 4, 3], seed=0, dtype=dtype).SGD(data, 1, 5, 0.5, test_data=data)
before = specializations()
layers = [5, Dropout(0.1), Dense(7, "linear"), BatchNormalization("tanh"), Dropout(0.5), Dense(9, "relu"), 3]
other = network2.Network(layers, cost=network2.LogLikelihoodCost, activation="tanh", seed=0, dtype=dtype)
with compiler.on_compilation(lambda: contextlib.nullcontext(compiled.append(True))):
    other.SGD(data, 2, 6, 0.01, 1.0, data, True, True, True, True, optimizer=Adam(), l1=0.1, max_norm=2.0,
              monitor_mini_batch_cost=True, report=lambda history: None)
    other.backprop(inputs[:1].T, np.eye(3)[:, :1])
    other.feedforward(inputs.T)
print(bool(compiled), before, specializations(), len(epoch.epoch.signatures))
"""


@pytest.mark.parametrize(("dtype", "columns"), [("float32", "1"), ("float64", "5")])
def test_another_activation_cost_and_optimizer_and_other_layers_compile_nothing(dtype, columns):
    """The second network has the first network's dtype and type of inputs, so it uses the same kernels."""
    compiled, before, after, epochs = python(TWO_NETWORKS, arguments=[dtype, columns]).stdout.splitlines()[-1].split()
    assert (compiled, after) == ("False", before)
    assert epochs == "1"


NO_FOLDER_CAN_BE_WRITTEN = """
import tempfile
def refuse(*arguments, **keywords):
    raise PermissionError
tempfile.TemporaryFile = refuse  # Numba creates a temporary file to test whether it can write to a folder
"""
THE_DISK_IS_FULL = """
from numba.core.caching import IndexDataCacheFile
def refuse(*arguments, **keywords):
    raise OSError(28, "No space left on device")
IndexDataCacheFile.save = refuse
"""


@pytest.mark.parametrize("obstacle", [NO_FOLDER_CAN_BE_WRITTEN, THE_DISK_IS_FULL])
def test_it_works_where_the_cache_cannot_be_written(tmp_path, obstacle):
    result = python(obstacle + LAY_OUT, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert result.stdout == "[0 1 2 3 4]\n"
    assert result.stderr.startswith(progress.COMPILING)
    assert not list(tmp_path.rglob("*.nbc"))


def test_a_damaged_cache_is_made_again(tmp_path):
    before = python(LAY_OUT, NUMBA_CACHE_DIR=str(tmp_path)).stdout
    for pattern, damage in (("*.nbc", b""), ("*.nbi", b"\x80\x04garbage")):
        files = list(tmp_path.rglob(pattern))
        assert files
        for file in files:
            file.write_bytes(damage)
        again = python(LAY_OUT, NUMBA_CACHE_DIR=str(tmp_path))
        assert again.stdout == before
        assert again.stderr.startswith(progress.COMPILING)
    assert python(LAY_OUT, NUMBA_CACHE_DIR=str(tmp_path)).stderr == ""


KERNEL_OF_PARTS = """
import numpy as np
from fastnet.kernels import products
from fastnet.kernels.compiler import kernel, on_compilation
from fastnet.kernels.vectors import lanes_of
from fastnet.utils import progress

@kernel
def product(x, rows, d, w):
    products.add_transposed_product(x, 0, 1, rows, 1, 1, 0, d, 0, 0, 0, w, 0, 0, 1, 1, w, 0, rows)

w, d = np.ones(lanes_of("float64")), np.ones(lanes_of("float64"))
with on_compilation(progress.compiling):
    product(np.array([3.0, 5.0]), np.arange(1), d, w)
print(w[0])
"""


def test_a_changed_kernel_is_compiled_again(tmp_path):
    """Numba alone would run the old code.

    Numba checks whether a kernel's file has changed, but not the files of functions that the kernel calls.
    """
    package = tmp_path / "fastnet"
    shutil.copytree(Path(fastnet.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    (tmp_path / "program.py").write_text(KERNEL_OF_PARTS)
    own = {"folder": tmp_path, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert python("import program", **own).stdout == "4.0\n"
    assert python("import program", **own).stderr == ""
    products = package / "kernels" / "products.py"
    changed = products.read_text().replace("n - j), x_start + o", "n - j), x_start + 1 + o")
    assert changed != products.read_text()
    products.write_text(changed)
    after = python("import program", **own)
    assert after.stderr.startswith(progress.COMPILING)
    assert after.stdout == "6.0\n"


def test_other_python_threads_run_while_an_epoch_is_computed():
    data = Dataset(np.zeros((10, 5)), np.zeros((10, 2)))
    net = network.Network([5, 3, 2])
    order = np.zeros(1_000_000, np.int64)
    net.update_mini_batch(data, 0.5)  # compiles the kernels
    engine = net._make_engine(data)
    worker = threading.Thread(target=lambda: [engine.epoch(order, 1, 0.5) for _ in range(3)])
    turns = 0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 20  # if `epoch` held the GIL, this thread would get about one turn per call


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


# The modules and folders in the package's root. A module or folder may import only those in the rows above it.
ROWS = (
    ("fastnet",),  # imports a module only when a name is accessed
    ("utils",),
    ("formulas",),
    ("files",),
    ("datasets",),
    ("kernels",),
    ("engines",),
    ("plots",),
    ("learning",),
    ("networks",),
    ("mnist_loader",),
    ("expand_mnist",),
    ("network", "network2", "network3"),
    ("torch_models", "sweeps", "neural_network", "handwriting", "comparison", "compilation"),
    ("book", "play"),
    ("commands",),
    ("cli", "pytorch_mnist"),
    ("__main__",),
)
IN_THE_ROOT = {
    "__init__", "__main__", "cli", "expand_mnist", "mnist_loader", "network", "network2", "network3", "pytorch_mnist",
    "torch_models",
}  # fmt: skip
PACKAGE = Path(fastnet.__file__).parent


def place(module):
    """Return the module or folder in the package's root to which a module belongs, or "fastnet" for the root itself."""
    return module.split(".")[1] if "." in module else module


@pytest.fixture(scope="module")
def imports():
    """A dictionary that maps each module of the package to the set of the package's modules that it imports."""
    files = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return {name: set(imports_of(file.read_text(), files)) for name, file in files.items()}


def test_imports_run_downward(imports):
    row_of = {name: number for number, row in enumerate(ROWS) for name in row}
    assert {place(name) for name in imports} == set(row_of)
    upward = [
        f"{name} imports {other}"
        for name, others in imports.items()
        for other in others
        if place(name) != place(other) and row_of[place(other)] >= row_of[place(name)]
    ]
    assert not upward


def test_no_module_imports_itself_through_others(imports):
    order = graphlib.TopologicalSorter({name: others - {name} for name, others in imports.items()})
    assert len(list(order.static_order())) == len(imports)  # `static_order` raises a CycleError for a cycle


def test_the_root_of_the_package_has_the_books_modules_and_entry_points_only():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert {path.stem for path in PACKAGE.glob("*.py")} | (folders & IN_THE_ROOT) == IN_THE_ROOT
    files = {path.name for path in PACKAGE.iterdir() if path.is_file() and path.suffix != ".py"}
    assert files == {"py.typed"}


MODULES = [name for _, name, _ in pkgutil.walk_packages(fastnet.__path__, "fastnet.") if name != "fastnet.__main__"]


OF_PYTORCH = (
    "fastnet.engines.torch", "fastnet.files.torch_archives", "fastnet.pytorch_mnist", "fastnet.torch_models",
    "fastnet.utils.torch_arguments", "fastnet.utils.torch_seeds",
)  # fmt: skip


@pytest.mark.parametrize("name", ["fastnet.pytorch_mnist", "fastnet.torch_models"])
def test_without_pytorch_a_module_says_which_extra_installs_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ImportError, match=r"pip install 'fastnet-nndl\[torch\]' installs"):
        importlib.import_module(name)


@pytest.mark.parametrize("name", ["fastnet", *MODULES])
def test_the_examples_in_docstrings(name):
    if name.startswith(OF_PYTORCH):
        pytest.importorskip("torch")
    if name.startswith("fastnet.neural_network"):
        pytest.importorskip("sklearn")
    assert doctest.testmod(importlib.import_module(name)).failed == 0
