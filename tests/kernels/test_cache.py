"""Compiled code is found by its contents: by copies of the package, and not after a change, in a zip file either."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastnet

TWICE = """
from fastnet.kernels.compiler import announced, kernel
from fastnet.kernels.inputs import inputs_of
import contextlib, numpy as np

compiled = []
with announced(lambda: contextlib.nullcontext(compiled.append(True))):
    rows = inputs_of(np.eye(5), np.dtype("float32"))
print(bool(compiled), *rows.values)
"""


def run(package: Path, folder: Path, cache: Path | None, **environment: str) -> list[str]:
    """Run the program with a copy of the package; return whether it compiled, and what it computed."""
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
    formulas = two / "fastnet" / "formulas" / "activations.py"  # whose constants are compiled into kernels
    formulas.write_text(formulas.read_text() + "\n")
    assert run(two, tmp_path, tmp_path / "cache")[0] == "True"
    assert run(one, tmp_path, tmp_path / "cache")[0] == "False"


def test_in_a_zip_file_a_change_is_noticed(copies, tmp_path):
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
