"""What the site needs besides `conf.py`: the order and the pictures of the gallery, and stubs of missing packages."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx_gallery.scrapers import figure_rst

ORDER = (
    "first_network",
    "hidden_weights",
    "mistakes",
    "confusion_matrix",
    "saturation",
    "overfitting",
    "weight_initialization",
    "activations",
    "optimizers",
    "schedules",
    "universality",
    "vanishing_gradients",
    "convolution",
    "input_gradient",
    "decision_boundary",
    "regression",
    "scikit_learn",
    "sweep",
)
"""The examples, from the book's first network on."""


class InOrder:
    """Sorts the examples as in `ORDER`."""

    def __init__(self, folder: str) -> None:
        pass

    def __call__(self, file: str) -> int:
        """Return the place of an example."""
        return ORDER.index(Path(file).stem.removeprefix("plot_"))

    def __repr__(self) -> str:
        return "InOrder"


def _get_sg_image_scraper() -> Any:
    return save_figures


def save_figures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures that fastnet has drawn: pyplot, and so the gallery, does not know them."""
    from fastnet.plots.notebook import NotebookFigure

    paths = []
    for value in list(block_vars["example_globals"].values()):
        if isinstance(value, NotebookFigure) and not hasattr(value, "is_in_gallery"):
            paths.append(next(block_vars["image_path_iterator"]))
            value.savefig(paths[-1], dpi=150)
            value.is_in_gallery = True
    return figure_rst(paths, gallery_conf["src_dir"])


class _Stub(type):
    """The type of classes that take any arguments, and whose attributes are such classes, too."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _stub(name)


def _stub(name: str) -> Any:
    """Return such a class; an instance is a decorator that changes nothing."""
    members = {"__init__": lambda self, *arguments, **keywords: None, "__call__": lambda self, function: function}
    return _Stub(name, (), members)


class _StubModule(ModuleType):
    """A module in which every name is such a class."""

    __path__: list[str] = []  # noqa: RUF012 - Python takes a module with a path for a package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, sys.modules.get(f"{self.__name__}.{name}") or _stub(name))
        return self.__dict__[name]


@contextlib.contextmanager
def stubs(*packages: str) -> Iterator[None]:
    """Have imports of missing packages succeed in the `with` block."""
    finder = _Finder(packages)
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.split(".")[0] in packages]:
            del sys.modules[name]


class _Finder:
    def __init__(self, packages: tuple[str, ...]) -> None:
        self._packages = packages

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self._packages else None

    def create_module(self, spec: Any) -> ModuleType:
        return _StubModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass
