"""A hash of the sources that a kernel was compiled from: the kernel's module, and all modules that it imports.

A kernel contains functions and constants of the modules that its own module imports, directly or indirectly. Only
modules of `fastnet.kernels` and `fastnet.formulas` are hashed, because kernels contain no code of other modules.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

_PACKAGES = "fastnet.kernels", "fastnet.formulas"
_ROOT = "fastnet"

# A regular expression is used, because parsing whole modules would take a sixth of fastnet's import time.
_STATEMENT = re.compile(r"^[ \t]*((?:from [\w.]+ )?import (?:\([^)]*\)|[^\n]*))", re.MULTILINE)


def source_hash(function: Callable[..., Any]) -> str | None:
    """Return a hash of the sources that a function is compiled from; None if a source cannot be read."""
    if getattr(sys, "frozen", False):  # a frozen program is one executable file, without sources
        file = Path(sys.executable).stat()
        return hashlib.sha256(f"{file.st_mtime_ns} {file.st_size}".encode()).hexdigest()
    known = _modules()
    if not all(package in known for package in _PACKAGES):
        return None
    own = function.__module__
    if own in known:
        source, reached = "", _reached_from([own])
    else:  # a kernel outside of fastnet, such as the kernel of a test
        module = inspect.getmodule(function)
        try:
            source = inspect.getsource(module or function)
        except (OSError, TypeError):  # defined interactively, or without a source file
            return None
        reached = _reached_from(_imported(source, str(getattr(module, "__package__", None) or "")))
    found = hashlib.sha256(source.encode())
    for name in sorted(reached):
        found.update(f"{name} {_module(name).digest}\n".encode())
    return found.hexdigest()


class _Module(NamedTuple):
    digest: str
    imported: frozenset[str]


def _reached_from(names: Iterable[str]) -> set[str]:
    """Return the modules with these names, and all modules that they import, directly or indirectly."""
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += _module(name).imported
    return reached


@cache
def _module(name: str) -> _Module:
    file = _modules()[name]
    source = file.read_bytes()
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    return _Module(hashlib.sha256(source).hexdigest(), frozenset(_imported(source.decode(), package)))


@cache
def _modules() -> dict[str, Traversable]:
    """Return the files of all modules, by the names of the modules."""
    return {name: file for package in _PACKAGES for name, file in _files(package, resources.files(package))}


def _files(package: str, folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    for each in folder.iterdir():
        if each.name == "__init__.py":
            yield package, each
        elif each.name.endswith(".py"):
            yield f"{package}.{each.name[:-3]}", each
        elif each.is_dir() and (each / "__init__.py").is_file():
            yield from _files(f"{package}.{each.name}", each)


def _imported(source: str, package: str) -> Iterator[str]:
    """Yield the modules that a source imports, and the packages that contain these modules.

    Imports under TYPE_CHECKING are included. Importing a package counts as importing all modules of the package,
    because the source does not show which of these modules are used.
    """
    for statement in _import_statements(source):
        if isinstance(statement, ast.ImportFrom):
            base = statement.module or ""
            if statement.level:
                base = importlib.util.resolve_name("." * statement.level + base, package)
            yield from _with_packages(base)
            for alias in statement.names:
                yield from _named(f"{base}.{alias.name}")
        else:
            for alias in statement.names:
                yield from _named(alias.name if alias.asname else alias.name.partition(".")[0])


def _import_statements(source: str) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield all import statements.

    A regular expression finds the statements, and only these are parsed. The whole source is parsed if `import` also
    occurs elsewhere, or if the statements alone cannot be parsed.
    """
    statements = _STATEMENT.findall(source)
    nodes: Iterable[ast.AST] | None = None
    if sum(each.count("import") for each in statements) == source.count("import"):
        with contextlib.suppress(SyntaxError):  # a line of a docstring may look like a statement
            nodes = ast.parse("\n".join(statements)).body
    for node in ast.walk(ast.parse(source)) if nodes is None else nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node


def _named(name: str) -> Iterator[str]:
    """Yield the module with a name, and the packages that contain the module.

    If the name is that of a package, yield all modules of the package.
    """
    if name.partition(".")[0] != _ROOT:
        return
    if name in _modules() and not _is_package(name):
        yield from _with_packages(name)
    else:
        yield from (each for each in _modules() if each == name or each.startswith(f"{name}."))


def _with_packages(name: str) -> Iterator[str]:
    """Yield a module and the packages that contain the module, except those that are not in `_modules`."""
    while name:
        if name in _modules():
            yield name
        name = name.rpartition(".")[0]


def _is_package(name: str) -> bool:
    return _modules()[name].name == "__init__.py"
