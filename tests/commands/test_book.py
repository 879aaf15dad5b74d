"""`fastnet book` as a user types it."""

import functools
import re

import pytest
from commands.in_process import run

from fastnet import book


@pytest.fixture
def two(monkeypatch):
    """Restrict `book.names` to two experiments that take little time."""
    monkeypatch.setattr(book, "names", lambda chapter=None: ["nand", "saturation"])


def test_without_a_name_it_lists_all_by_chapter():
    output = run("book").stdout
    assert re.findall(r"^Chapter (\d)$", output, re.MULTILINE) == list("123456")
    assert re.findall(r"^  (\w+)  ", output, re.MULTILINE) == book.names()
    assert run("book", "--chapter", "3").stdout.splitlines()[0] == "Chapter 3"


def test_an_experiment_prints_the_books_values_and_saves_its_picture(tmp_path):
    result = run("book", "saturation", "--save", str(tmp_path / "picture.png"))
    assert result.returncode == 0
    assert result.stdout.startswith("A saturated neuron")
    assert result.stdout.endswith(f"\nPicture saved to {tmp_path / 'picture.png'}\n")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_without_a_screen_it_says_how_to_get_the_picture(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "--save FILE writes the picture" in run("book", "nand").stderr


def test_a_screen_shows_the_picture(monkeypatch):
    shown = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("click.launch", shown.append)
    run("book", "nand")
    assert [path.endswith("nand.png") for path in shown] == [True]


def test_all_writes_pictures_and_a_page(two, tmp_path):
    folder = tmp_path / "new" / "folder"
    result = run("book", "--all", "--folder", str(folder))
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("2 experiments in ")
    assert {each.name for each in folder.iterdir()} == {"nand.png", "saturation.png", "index.html"}


def test_an_experiment_whose_library_is_missing_is_left_out(two, tmp_path, monkeypatch):
    def missing():
        raise ImportError("book.nand needs a library; install it")

    monkeypatch.setattr(book.nand, "function", functools.update_wrapper(missing, book.nand.function))
    result = run("book", "--all", "--folder", str(tmp_path))
    assert result.returncode == 1
    assert result.stderr == "fastnet: nand is left out: book.nand needs a library; install it\n"
    assert {each.name for each in tmp_path.iterdir()} == {"saturation.png", "index.html"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nandd"], "there is no experiment 'nandd'; did you mean nand?"),
        (["qqqqqqq"], "there is no experiment 'qqqqqqq'; `fastnet book` lists all"),
        (["--all"], "--all and --folder go together"),
        (["--folder", "x"], "--all and --folder go together"),
        (["nand", "--all", "--folder", "x"], "leave out 'nand', or --all"),
        (["--all", "--folder", ""], "the name is empty"),
        (["--all", "--folder", f"{__file__}/new"], "is not a folder that can be written to"),
        (["--save", "x.png"], "--save needs NAME"),
        (["nand", "--chapter", "1"], "--chapter selects"),
        (["valley", "--seed", "4294967296"], "not in the range"),
        (["valley", "--seed", "4294967295", "--seeds", "2"], "with --seeds 2: the largest seed is 4294967295"),
        (["nand", "--save", "x.abc"], "its extension must be one of"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("book", *arguments)
    assert result.returncode != 0
    assert message in result.stderr
    assert not list(tmp_path.iterdir())
