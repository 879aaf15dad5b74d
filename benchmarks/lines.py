"""Lines of code of a package, without blank lines, comments and docstrings: `python benchmarks/lines.py`."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import fastnet


def count(package: Path) -> dict[str, int]:
    """Return the number of lines of code in each folder of a package; "." is its root."""
    counts: Counter[str] = Counter()
    for path in sorted(package.rglob("*.py")):
        folder = path.relative_to(package).parts[0] if path.parent != package else "."
        counts[folder] += of_file(path)
    return dict(counts)


def of_file(path: Path) -> int:
    """Return the number of lines of code of a module."""
    source = path.read_text(encoding="utf-8")
    texts: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            texts.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in texts
        for number, line in enumerate(source.splitlines(), start=1)
    )


if __name__ == "__main__":
    folders = count(Path(fastnet.__file__).parent)
    for folder, lines in sorted(folders.items()):
        print(f"{folder:20}{lines:6}")
    print(f"{'all':20}{sum(folders.values()):6}")
