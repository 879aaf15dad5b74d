"""Count the lines of code, without blank lines, comments and docstrings: `python benchmarks/lines.py [REVISION]`.

REVISION is a commit of this repository, such as HEAD~1, whose lines are counted, too.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tarfile
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

import fastnet

PACKAGE = Path(fastnet.__file__).parent


def imports_of(source: str, modules: Container[str]) -> Iterator[str]:
    """Yield the modules that a module imports, also in functions, but not under `TYPE_CHECKING` or in `__getattr__`.

    Parameters
    ----------
    source : str
        The source of the module.
    modules : container of str
        Names of modules, such as "fastnet.network"; imports of other modules are ignored.
    """
    return _imports_in(ast.parse(source), modules)


def _imports_in(tree: ast.AST, modules: Container[str]) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            children: list[ast.AST] = [*node.orelse]
        elif isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            children = []
        else:
            children = [node]
        for child in children:
            if isinstance(child, ast.Import):
                yield from (alias.name for alias in child.names if alias.name in modules)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0  # the package has no relative imports
                names = [f"{child.module}.{alias.name}" for alias in child.names]
                yield from (name if name in modules else child.module for name in names if child.module in modules)
            yield from _imports_in(child, modules)


def behind(entries: Iterable[str], left_out: tuple[str, ...] = ()) -> dict[str, int]:
    """Return the number of lines of code of each entry module, and of each module imported directly or indirectly.

    Parameters
    ----------
    entries : iterable of str
        Names of modules, such as "fastnet.network".
    left_out : tuple of str, optional
        Modules and folders that are not counted, and whose imports are not followed.

    Raises
    ------
    LookupError
        If a module in `entries` or `left_out` does not exist.
    """
    sources = {_name(path): source for path, source in sources_in(PACKAGE).items()}
    for name in (*entries, *left_out):
        if name not in sources:
            raise LookupError(f"there is no module {name}")
    found: set[str] = set()
    waiting = [*entries]
    while waiting:
        name = waiting.pop()
        if name not in found and not any(f"{name}.".startswith(f"{each}.") for each in left_out):
            found.add(name)
            waiting += imports_of(sources[name], sources)
    return {name: len(lines_of(sources[name])) for name in sorted(found)}


def _name(path: str) -> str:
    """Return the name of a module, given its path in the package."""
    return ".".join(Path(PACKAGE.name, path.removesuffix("__init__.py")).with_suffix("").parts)


def count(package: Path) -> dict[str, int]:
    """Return the number of lines of code in each top-level folder of a package; "." is its root."""
    return by_folder(sources_in(package))


def sources_in(package: Path) -> dict[str, str]:
    """Return the source of each module, by its path in a package."""
    paths = sorted(package.rglob("*.py"))
    return {path.relative_to(package).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def sources_of(revision: str) -> dict[str, str]:
    """Return the source of each module of an earlier version, by its path in the package."""
    command = ["git", "archive", revision, PACKAGE.name]
    archive = subprocess.run(command, cwd=PACKAGE.parent, check=True, stdout=subprocess.PIPE).stdout
    sources = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            file = files.extractfile(member)
            if file is not None and member.name.endswith(".py"):
                sources[member.name.removeprefix(f"{PACKAGE.name}/")] = file.read().decode("utf-8")
    return sources


def lines_of(source: str) -> set[int]:
    """Return the line numbers of a module's code."""
    texts: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            texts.update(_lines(node))
    return {
        number
        for number, line in enumerate(source.splitlines(), start=1)
        if line.strip() and not line.strip().startswith("#") and number not in texts
    }


def _lines(node: ast.stmt) -> range:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return range(first, (node.end_lineno or node.lineno) + 1)


def by_folder(sources: Mapping[str, str]) -> dict[str, int]:
    """Return the number of lines of code in each top-level folder, given the modules' sources; "." is the root."""
    return _sums({module: len(lines_of(source)) for module, source in sources.items()})


def comparison(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return a table that compares the numbers of lines of code of two versions, given the source of each module."""
    columns = [by_folder(before), by_folder(now)]
    rows = ["| folder | lines before | now |", "| --- | --- | --- |"]
    for folder in sorted({*columns[0], *columns[1]}):
        rows.append(_row(folder, *(column.get(folder, 0) for column in columns)))
    return "\n".join([*rows, _row("all", *(sum(column.values()) for column in columns))])


def _sums(modules: Mapping[str, int]) -> dict[str, int]:
    """Return the sum of the modules' numbers in each top-level folder."""
    sums: Counter[str] = Counter()
    for module, number in modules.items():
        sums[module.partition("/")[0] if "/" in module else "."] += number
    return dict(sums)


def _row(folder: str, before: int, now: int) -> str:
    return f"| {folder} | {before} | {now} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", nargs="?", help="an earlier version to compare with: a commit")
    revision = parser.parse_args().revision
    if revision is None:
        folders = count(PACKAGE)
        for folder, lines in sorted(folders.items()):
            print(f"{folder:20}{lines:6}")
        print(f"{'all':20}{sum(folders.values()):6}")
        return
    try:
        before = sources_of(revision)
    except subprocess.CalledProcessError:  # Git has printed the reason
        parser.exit(1)
    print(comparison(before, sources_in(PACKAGE)))


if __name__ == "__main__":
    main()
