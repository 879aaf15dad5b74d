"""The documentation contains every public name, and links to every page and example.

The build of the documentation runs the examples.
"""

import importlib
import re
from pathlib import Path

import pytest

import fastnet
from fastnet import book
from fastnet.formulas.activations import ACTIVATIONS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")
DOCUMENTED = re.findall(r"(?m)^(?:   |\.\. py:data:: )(fastnet\.[\w.]+)$", REFERENCE)
HERE = {name: fastnet for name in (*fastnet.__all__, *dir(fastnet)) if name[:1].isupper() or name == "sweep"}


def names_of(module):
    """Return a module's `__all__` or, without `__all__`, the public names that the module defines."""
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    return getattr(module, "__all__", [name for name in own if not name.startswith("_")])


MODULES = [getattr(fastnet, name) for name in fastnet._MODULES if name in dir(fastnet)]
NAMES = [(module, name) for module in MODULES for name in names_of(module)]
NAMES += [(fastnet, name) for name, module in HERE.items()]


def found(path):
    """Return the object with the given dotted name."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.fixture(scope="module")
def documented():
    missing = {"fastnet.pytorch_mnist", "fastnet.torch_models", "fastnet.neural_network"} - {
        module.__name__ for module in MODULES
    }
    return {path: found(path) for path in DOCUMENTED if path.rpartition(".")[0] not in missing}


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: getattr(value, "__name__", value))
def test_every_public_name_is_in_the_reference(documented, module, name):
    """The reference may use any name by which the object can be imported."""
    value = getattr(module, name)
    # Constants are not compared by identity, because different names may refer to one constant object.
    simple = isinstance(value, (str, int, tuple))
    assert f"{module.__name__}.{name}" in documented or (
        not simple and any(value is other for other in documented.values())
    )


def test_all_exported_names_are_searched():
    exported = {getattr(module, "__name__", "").removeprefix("fastnet.") for module in MODULES}
    assert set(fastnet.__all__) <= exported | HERE.keys()
    assert {"Dataset", "Dense", "Adam", "Cosine", "sweep"} <= HERE.keys()


def test_no_name_is_in_the_reference_twice():
    assert len(DOCUMENTED) == len(set(DOCUMENTED)) > 90


def test_every_experiment_is_on_the_page_of_figures():
    page = (DOCS / "book.md").read_text(encoding="utf-8")
    assert [name for name in book.names() if f"`fastnet book {name}`" not in page] == []
    assert {file.stem for file in (DOCS / "book").glob("*.png")} == set(book.names())


def test_every_page_is_in_a_table_of_contents():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = [line for block in re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL) for line in block.split("\n")]
    assert {line for line in pages if line and line[0] != ":"} == {
        "gallery/index",
        *(page.stem for page in DOCS.glob("*.md") if page.stem != "index"),
    }


def test_every_example_has_a_place_in_the_gallery():
    hooks = (DOCS / "gallery_hooks.py").read_text(encoding="utf-8")
    order = re.findall(r'(?m)^    "(\w+)",$', hooks)
    assert sorted(order) == sorted(file.stem.removeprefix("plot_") for file in (ROOT / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("page", ["chapter3.md", "tour.md"])
def test_activations_are_listed(page):
    """A line of the page lists the names of all activation functions, in the order of `ACTIVATIONS`."""
    lists = [re.findall(r'`"(\w+)"`', line) for line in (DOCS / page).read_text(encoding="utf-8").splitlines()]
    assert any(names[: len(ACTIVATIONS)] == list(ACTIVATIONS) for names in lists)


def test_activations_are_in_the_reference():
    assert [name for name in ACTIVATIONS if f".{name}\n" not in REFERENCE] == []


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_the_estimators_activations_are_in_their_docstrings(name):
    neural_network = pytest.importorskip("fastnet.neural_network")
    (listed,) = re.findall(r"activation : \{(.*)\}, optional", getattr(neural_network, name).__doc__)
    settings = importlib.import_module("fastnet.neural_network.settings")
    assert sorted(re.findall(r"'(\w+)'", listed)) == sorted(settings.ACTIVATIONS)


RUN_BY = {
    "pycon": "tests/test_readme.py",
    "sh": ".ci/run",
    "python": "benchmarks/best.py",
    "{eval-rst}": "the build",
    "{toctree}": "the build",
}
"""Maps the language of a code block to the file or program that runs the blocks in this language."""


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_block_of_code_is_run_by_something(page):
    text = page.read_text(encoding="utf-8")
    languages = re.findall(r"(?m)^```(\S*)$", text)[::2]
    assert set(languages) <= RUN_BY.keys()
    assert "python" not in languages or page.name in ("chapter3.md", "chapter6.md")
