import subprocess
import sys

import lines
import pytest

CODE = "import sys, fastnet.commands.{}; print(*(name for name in sys.modules if name.startswith('fastnet')))"


def test_imports_are_found_in_functions_and_not_for_annotations():
    source = """
import a, other
from b import c
from b import name
with d: import e
if TYPE_CHECKING:
    import never
else:
    import f
def __getattr__(name):
    import never
def function():
    from g import name
"""
    modules = {"a", "b", "b.c", "e", "f", "g", "never"}
    assert list(lines.imports_of(source, modules)) == ["a", "b.c", "b", "e", "f", "g"]


@pytest.mark.parametrize("module", ["types", "run"])
def test_what_is_counted_is_what_python_loads(module):
    result = subprocess.run([sys.executable, "-c", CODE.format(module)], capture_output=True, text=True, check=True)
    counted = lines.behind([f"fastnet.commands.{module}"])
    folders = ("commands", "datasets", "files", "learning", "utils")
    packages = {"fastnet", *(f"fastnet.{folder}" for folder in folders)}
    assert set(result.stdout.split()) - packages == set(counted)


def test_what_is_left_out_is_not_followed():
    whole = lines.behind(["fastnet.commands.run"])
    part = lines.behind(["fastnet.commands.run"], ("fastnet.learning", "fastnet.files"))
    assert part == {name: whole[name] for name in ("fastnet.commands.run", "fastnet.utils.interruption")}
    with pytest.raises(LookupError, match=r"there is no module fastnet\.nothing"):
        lines.behind(["fastnet.nothing"])


def test_lines_are_counted_without_comments_and_docstrings():
    source = '"""Text.\n\nMore.\n"""\n\n# why\nx = 1  # here\n\ndef f():\n    """Text."""\n    return "a value"\n'
    assert lines.lines_of(source) == {7, 9, 11}


def test_both_sides_of_the_comparison_have_the_same_scope():
    pytest.importorskip("torchvision")
    import by_hand

    counts = {name: lines.behind(side.entries, by_hand.LEFT_OUT) for name, side in by_hand.SIDES.items()}
    for counted in counts.values():  # each side includes commands, reading of files, and checks of arguments
        assert counted.keys() >= {f"fastnet.{name}" for name in ("commands.run", "files.reading", "utils.arguments")}
    by_numpy, compiled, pytorch = counts.values()
    assert pytorch.keys() >= {"fastnet.files.torch_pickles", "fastnet.commands.options"}
    assert not pytorch.keys() & {"fastnet.network2", "fastnet.sweeps.recipe"}
    needed = ("networks.base", "learning.checkpoints", "learning.schedules", "files.models", "commands.parameters")
    assert by_numpy.keys() >= {f"fastnet.{name}" for name in needed}
    assert compiled.keys() > by_numpy.keys() - {"fastnet.engines.numpy"}
