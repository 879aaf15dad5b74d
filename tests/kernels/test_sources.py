"""The hash of a kernel's sources covers exactly the modules that the kernel uses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kernels import two_kernels

import fastnet
from fastnet.kernels import epoch, sources

ALL = {name for name in sources._modules() if name.startswith("fastnet.kernels")}
CHANGES = """
import json, sys
from pathlib import Path
from fastnet.compilation.kernels import kernels
from fastnet.kernels import sources

def source_hashes():
    sources._module.cache_clear()
    return {name: sources.source_hash(getattr(module, name).py_func) for module, name in kernels()}

before, found = source_hashes(), {"all": sorted(name for _, name in kernels())}
for changed in sys.argv[1:]:
    file = Path(sources.__file__).parents[1] / changed
    text = file.read_text()
    file.write_text(text + "# changed\\n")
    found[changed] = sorted(name for name, source_hash in source_hashes().items() if source_hash != before[name])
    file.write_text(text)
print(json.dumps(found))
"""


def test_a_changed_module_changes_the_kernels_that_reach_it_and_no_others(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(Path(fastnet.__file__).parent, tmp_path / "fastnet", ignore=ignored)
    expected = {
        "kernels/deformation.py": ["deform"],
        "kernels/epoch.py": ["epoch"],
        "kernels/backward.py": ["epoch"],
        "kernels/dense.py": ["dense", "epoch"],
        "kernels/images.py": ["images"],
        "kernels/convolution.py": ["images"],
        "kernels/parallel_compilation.py": ["shuffle"],
        "formulas/dropout.py": [],
        "engines/numba.py": [],
    }
    command = [sys.executable, "-c", CHANGES, *expected, "kernels/vectors.py"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, env={"PYTHONPATH": "."})
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    every = found.pop("all")
    assert {"deform", "epoch", "images"} < set(every)
    assert found == {**expected, "kernels/vectors.py": every}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import fastnet.kernels.vectors as v", {"vectors"}),
        ("from fastnet.kernels import vectors, choice", {"vectors", "choice"}),
        ("from fastnet.kernels.vectors import lanes", {"vectors"}),
        ("from fastnet.kernels.vectors import (\n    item,  # (a comment)\n    lanes,\n)", {"vectors"}),
        ("from fastnet.kernels import \\\n    vectors", {"vectors"}),
        ("from . import vectors", {"vectors"}),
        ("from .vectors import *", {"vectors"}),
        ("from ..kernels.vectors import lanes", {"vectors"}),
        ("def f():\n    from fastnet.kernels import vectors", {"vectors"}),
        ("if TYPE_CHECKING:\n    from fastnet.kernels.vectors import Vector", {"vectors"}),
        ("try: from fastnet.kernels import vectors\nexcept ImportError: pass", {"vectors"}),
        ("x = 1; import fastnet.kernels.vectors as v", {"vectors"}),
        ('"""Text.\n\nfrom nothing import of value\n"""\nfrom fastnet.kernels import vectors', {"vectors"}),
        ("import numpy as np\nfrom numba.core import types", set()),
        ("from fastnet.utils import folders", set()),
        ("", set()),
    ],
)
def test_all_forms_of_import_are_found(source, expected):
    found = set(sources._imported(source, "fastnet.kernels"))
    assert found - {"fastnet.kernels"} == {f"fastnet.kernels.{name}" for name in expected}
    assert not expected or "fastnet.kernels" in found


@pytest.mark.parametrize("source", ["import fastnet.kernels.vectors", "from fastnet import kernels", "import fastnet"])
def test_a_package_stands_for_all_of_its_modules(source):
    assert set(sources._imported(source, "somewhere")) >= ALL


def test_a_kernel_outside_of_the_package_reaches_what_its_module_imports():
    source_hash = sources.source_hash(two_kernels.doubled.py_func)
    assert source_hash not in (None, sources.source_hash(epoch.epoch.py_func))
    assert sources.source_hash(two_kernels.first.py_func) == source_hash


def test_without_sources_there_is_no_hash(monkeypatch):
    names = {"__name__": "typed_in"}
    exec("def function(): pass", names)
    assert sources.source_hash(names["function"]) is None
    monkeypatch.setattr(sources, "_modules", lambda: {})
    assert sources.source_hash(epoch.epoch.py_func) is None


def test_in_a_frozen_program_the_executable_counts(monkeypatch, tmp_path):
    program = tmp_path / "program"
    program.write_text("one")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    before = sources.source_hash(epoch.epoch.py_func)
    assert sources.source_hash(epoch.epoch.py_func) == before
    program.write_text("another")
    assert sources.source_hash(epoch.epoch.py_func) != before
