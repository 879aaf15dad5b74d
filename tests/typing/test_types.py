"""Type checkers see all public names, and a user's program that mypy accepts can be run."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import fastnet
from fastnet import book
from fastnet.formulas import layers, optimizers

PROGRAM = Path(__file__).parent / "user.py"


def test_the_program_that_is_checked_runs(tmp_path):
    """`nox -s types` checks the program with mypy --strict. The program has no cast, `Any` or ignored error."""
    for word in ("cast", "Any", "type: ignore"):
        assert word not in PROGRAM.read_text().partition('"""\n')[2]
    result = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert result.returncode == 0, result.stderr


def names_for_checkers(module):
    """Yield the names that a module imports for type checkers only. An import of `*` yields the names in `__all__`."""
    for node in ast.parse(Path(module.__file__).read_text()).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                for alias in statement.names:
                    if alias.name == "*":
                        yield from importlib.import_module(statement.module).__all__
                    else:
                        yield alias.asname or alias.name


@pytest.mark.parametrize("module", [fastnet, book, fastnet.sweeps], ids=lambda module: module.__name__)
def test_checkers_see_the_names_that_are_imported_on_first_access(module):
    seen = set(names_for_checkers(module))
    if module is fastnet:
        lazy = {*fastnet._MODULES, *fastnet._IN_MODULES}
        lazy |= {name for each in fastnet._ALL_OF for name in importlib.import_module(each).__all__}
    else:
        lazy = set(book.names()) if module is book else set(fastnet.sweeps._IN_MODULES)
    assert seen == lazy


def test_an_import_of_everything_has_the_classes_of_settings():
    classes = {name for each in fastnet._ALL_OF for name in importlib.import_module(each).__all__}
    assert classes <= set(fastnet.__all__)


@pytest.mark.parametrize(("module", "base"), [(layers, layers.Layer), (optimizers, optimizers.Optimizer)])
def test_the_names_of_a_module_are_those_of_its_table(module, base):
    own = {name for name, each in vars(module).items() if inspect.isclass(each) and issubclass(each, base)}
    assert set(module.__all__) == own - {base.__name__}
