#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.10.14"]
# ///
"""Checks of the repository, each in its own environment. `nox` runs all except `tests`; `nox --list` lists them."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv|virtualenv"

GROUPS = nox.project.load_toml()


def install(session: nox.Session, *groups: str) -> None:
    """Install fastnet in editable mode, with its dependencies and the given dependency groups."""
    session.install("-e", ".", *nox.project.dependency_groups(GROUPS, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and spelling."""
    session.install(*nox.project.dependency_groups(GROUPS, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package, and the types in a program that uses the package."""
    install(session, "types")
    session.run("mypy")
    session.run("mypy", "tests/typing/user.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation and its gallery, with warnings (of broken links, for example) as errors."""
    install(session, "docs")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def review(session: nox.Session) -> None:
    """Check the repository against the Scientific Python development guide."""
    session.install(*nox.project.dependency_groups(GROUPS, "review"))
    session.run("repo-review", ".")


@nox.session(default=False)
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after `--` go to pytest."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


if __name__ == "__main__":
    nox.main()
