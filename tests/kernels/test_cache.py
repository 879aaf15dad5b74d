"""The cache finds a kernel's code by the contents of its sources. Copies of fastnet with equal sources share
the code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import numba
import numpy as np
import pytest
from kernels import two_kernels

import fastnet
from fastnet.kernels import cache, compiler

TWICE = """
from fastnet.kernels.compiler import kernel, on_compilation
from fastnet.kernels.inputs import inputs_of
import contextlib, numpy as np

compiled = []
with on_compilation(lambda: contextlib.nullcontext(compiled.append(True))):
    rows = inputs_of(np.eye(5), np.dtype("float32"))
print(bool(compiled), *rows.values)
"""


def run(package: Path, folder: Path, cache: Path | None, **environment: str) -> list[str]:
    """Run a program with a copy of the package, and return the words that the program prints.

    The first word says whether a kernel was compiled. The other words are numbers.
    """
    (folder / "program.py").write_text(TWICE)
    ours = ("NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "PYTHONPATH")
    own = {key: value for key, value in os.environ.items() if key not in ours}
    own |= {"PYTHONPATH": str(package), **environment} | ({"NUMBA_CACHE_DIR": str(cache)} if cache else {})
    result = subprocess.run(
        [sys.executable, "program.py"], capture_output=True, text=True, env=own, cwd=folder, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@pytest.fixture
def copies(tmp_path):
    """Return two folders with a copy of the package in each."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        ignored = shutil.ignore_patterns("__pycache__", "data")
        shutil.copytree(Path(fastnet.__file__).parent, folder / "fastnet", ignore=ignored)
    return folders


def test_a_copy_finds_what_another_compiled_and_a_changed_copy_does_not(copies, tmp_path):
    one, two = copies
    assert run(one, tmp_path, tmp_path / "cache")[0] == "True"
    assert run(two, tmp_path, tmp_path / "cache")[0] == "False"
    for module, compiles in (("epoch", "False"), ("vectors", "True")):  # the kernel uses `vectors`, but not `epoch`
        file = two / "fastnet" / "kernels" / f"{module}.py"
        file.write_text(file.read_text() + "\n")
        assert run(two, tmp_path, tmp_path / "cache")[0] == compiles
    assert run(one, tmp_path, tmp_path / "cache")[0] == "False"


def test_in_a_zip_file_a_change_is_detected(copies, tmp_path):
    one, _ = copies
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), "zip", one))
    assert run(archive, tmp_path, tmp_path / "cache") == ["True", *["1.0"] * 5]
    assert run(archive, tmp_path, tmp_path / "cache") == ["False", *["1.0"] * 5]
    inputs = one / "fastnet" / "kernels" / "inputs.py"
    changed = inputs.read_text().replace("values[p] = inputs[i, column]", "values[p] = 2 * inputs[i, column]")
    assert changed != inputs.read_text()
    inputs.write_text(changed)
    shutil.make_archive(str(tmp_path / "archive"), "zip", one)
    assert run(archive, tmp_path, tmp_path / "cache") == ["True", *["2.0"] * 5]


def test_by_default_it_is_in_the_users_cache_folder(copies, tmp_path):
    one, _ = copies
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home" / "cache")}
    run(one, tmp_path, None, **home)
    assert list((tmp_path / "home").rglob("*.nbc"))
    assert not list(one.rglob("*.nbc"))


def test_processors_of_two_kinds_share_a_folder_and_no_code(copies, tmp_path):
    one, _ = copies
    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    for environment, compiles in (({}, "True"), (other, "True"), ({}, "False"), (other, "False")):
        assert run(one, tmp_path, tmp_path / "cache", **environment) == [compiles, *["1.0"] * 5]


KEYS = """
import os, sys
import numba
from numba.core.config import reload_config
from numba.core.registry import cpu_target
from fastnet.kernels.inputs import _fill

for setting in sys.argv[1:]:
    name, value = setting.split("=")
    os.environ[name] = value
    reload_config()
    print(_fill._cache._index_key((numba.int64,), cpu_target.target_context.codegen()))
    del os.environ[name]
"""


def test_settings_of_numba_that_change_code_change_the_file():
    settings = {
        "NUMBA_OPT": ["1", "max"],
        "NUMBA_LOOP_VECTORIZE": ["0"],
        "NUMBA_SLP_VECTORIZE": ["1"],
        "NUMBA_BOUNDSCHECK": ["0", "1"],
        "NUMBA_DEBUGINFO": ["1"],
        "NUMBA_EXTEND_VARIABLE_LIFETIMES": ["1"],
        "NUMBA_DEBUG_JIT": ["1"],
    }
    arguments = [f"{name}={value}" for name, values in settings.items() for value in values]
    none = ["NUMBA_SHOW_HELP=1", "NUMBA_SHOW_HELP=0"]  # NUMBA_SHOW_HELP does not change compiled code
    inherited = {name: value for name, value in os.environ.items() if name not in settings}
    command = [sys.executable, "-c", KEYS, *none, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=inherited, timeout=60)
    assert result.returncode == 0, result.stderr
    first, second, *others = result.stdout.split()
    assert first == second
    assert len({first, *others}) == 1 + len(arguments)


def test_the_order_of_the_fields_of_a_named_tuple_changes_the_file():
    """Numba gives the same type name to two named tuples that differ only in the order of their fields."""
    cache, codegen = two_kernels.first._cache, two_kernels.first.targetctx.codegen()
    one, other = (namedtuple("Pair", names)(np.zeros(1), np.zeros(1)) for names in ("first second", "second first"))
    types = [(numba.typeof(each),) for each in (one, other)]
    assert repr(types[0]) == repr(types[1])
    assert cache._index_key(types[0], codegen) != cache._index_key(types[1], codegen)


@pytest.fixture
def image(monkeypatch, tmp_path):
    """Return a read-only cache folder, as in a container image, with a kernel compiled for an integer argument."""
    folder = tmp_path / "image"
    monkeypatch.setattr("numba.config.CACHE_DIR", str(folder))
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "user")
    monkeypatch.setattr(cache, "can_be_written", cache.can_be_written.__wrapped__)
    compiler.kernel(two_kernels.doubled.py_func)(1)
    assert len(list(folder.rglob("*.nbc"))) == 1
    make = tempfile.TemporaryFile

    def refuse(dir):
        if Path(dir).is_relative_to(folder):
            raise PermissionError
        return make(dir=dir)

    monkeypatch.setattr("numba.core.caching.tempfile.TemporaryFile", refuse)
    return folder


def test_code_is_found_where_no_file_can_be_written_and_new_code_is_kept_elsewhere(image, tmp_path):
    for hits, misses, files in ((1, 1, 1), (2, 0, 1)):
        doubled = compiler.kernel(two_kernels.doubled.py_func)
        assert (doubled(1), doubled(1.5)) == (2, 3.0)
        assert sum(doubled.stats.cache_hits.values()) == hits
        assert sum(doubled.stats.cache_misses.values()) == misses
        assert len(list(image.rglob("*.nbc"))) == 1
        assert len(list((tmp_path / "user").rglob("*.nbc"))) == files


def test_code_is_found_where_there_is_no_folder_to_write_to(image, monkeypatch):
    monkeypatch.setattr(cache, "can_be_written", lambda folder: False)
    doubled = compiler.kernel(two_kernels.doubled.py_func)
    assert (doubled(1), doubled(1.5)) == (2, 3.0)
    assert sum(doubled.stats.cache_hits.values()) == 1
    assert not doubled._cache.is_writable


def test_a_folder_that_is_chosen_and_can_be_written_is_the_only_one(monkeypatch, tmp_path):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    assert cache.folders() == [tmp_path / "fastnet"]
