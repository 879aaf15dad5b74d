"""Every command refuses invalid values of its options, with a one-line error message and exit status 2."""

import os
import subprocess
import sys
import warnings

import click
import pytest

from fastnet.commands.all import fastnet_command
from fastnet.commands.run import in_words, run
from fastnet.sweeps.recipe import ARGUMENTS

# For each type of option, a dictionary that maps invalid values to a part of the error message.
NUMBERS = {"x": "not a valid", "": "not a valid", "nan": "not a finite", "inf": "not a finite", "-inf": "range"}
WHOLE = {"x": "not a valid integer", "1.5": "not a valid integer", "": "not a valid integer", "-1": "range"}
SIZES = dict.fromkeys(["", "x", "784", "784,", "784,30.5,10", "784,0,10", "784,-3,10"], "two or more whole numbers")
NAMES = {"": "is not one of", "none": "is not one of", "NUMBA": "is not one of"}
NEW_FILES = {"": "is a folder", ".": "is a folder", "nowhere/file": "is not a folder that can be written to"}
NEW_FOLDERS = {"": "is empty", __file__: "is a file", f"{__file__}/new": "is not a folder that can be written to"}
FILES = {"nowhere": "does not exist"}
PICTURES = {**NEW_FILES, "picture": "its extension must be one of"}
LAYERS = {
    "": "a layer is missing",
    "x": "is not a layer",
    "pool,": "a layer is missing",
    "dense": "too few or too many",
}
SHAPES = dict.fromkeys(["", "x", "28x28", "1x28x0", "1x28x-1", "1x28x28x1", "1x2.5x2"], "MAPSxHEIGHTxWIDTH")
RECIPE = {
    "--sizes": SIZES,
    "--layers": LAYERS,
    "--image-shape": SHAPES,
    "--epochs": WHOLE,
    "--batch": WHOLE | {"0": "range"},
    "--eta": NUMBERS | {"0": "range", "-1": "range"},
    "--cost": NAMES,
    "--lmbda": NUMBERS | {"-1": "range"},
    "--l1": NUMBERS | {"-1": "range"},
    "--init": NAMES,
    "--activation": NAMES,
    "--dropout": NUMBERS | {"inf": "range", "1": "range", "-0.1": "range"},
    "--momentum": NUMBERS | {"inf": "range", "1": "range"},
    "--optimizer": NAMES | {"sgd2": "is not one of"},
    "--max-norm": NUMBERS | {"0": "range", "-1": "range"},
    "--patience": WHOLE | {"0": "range"},
    "--schedule": dict.fromkeys(NAMES, "is not one of 'halve', 'geometric', 'cosine', 'steps'"),
    "--engine": NAMES,
    "--dtype": NAMES | {"float16": "is not one of"},
    "--data": FILES,
}
OPTIONS = {
    ("train",): RECIPE
    | {
        "--seed": WHOLE | {"4294967296": "range"},
        "--checkpoint": NEW_FILES,
        "--save": NEW_FILES,
        "--plot": PICTURES,
    },
    ("sweep",): RECIPE
    | {
        "--epochs": WHOLE | {"0": "range"},
        "--seeds": WHOLE | {"0": "range", "1000001": "range"},
        "--jobs": WHOLE | {"0": "range"},
        "--record": NEW_FILES,
        "--csv": NEW_FILES,
        "--json": NEW_FILES,
        "--plot": PICTURES,
    },
    ("compare",): {
        "--sizes": SIZES,
        "--batch": WHOLE | {"0": "range"},
        "--epochs": WHOLE | {"0": "range"},
        "--eta": NUMBERS | {"0": "range"},
        "--engines": {"": "there is no engine ''", "numba,jax": "there is no engine 'jax'"},
        "--dtype": NAMES,
        "--threads": WHOLE | {"0": "range"},
        "--json": NEW_FILES,
        "--plot": PICTURES,
    },
    ("compile",): {
        "--processor": dict.fromkeys(["", "none", "x86-64-v5", "ZNVER4"], "native, x86-64-v3, x86-64-v4, or LLVM's"),
        "--folder": NEW_FOLDERS,
        "--jobs": WHOLE | {"0": "range"},
    },
    ("evaluate", __file__): {"--engine": NAMES, "--data": FILES, "--plot": PICTURES, "--picture": NAMES},
    ("predict", __file__): {"--model": FILES, "--json": NEW_FILES, "--plot": PICTURES},
}
CASES = [
    pytest.param(command, option, value, said, id=f"{command[0]} {option} {value!r}")
    for command, options in OPTIONS.items()
    for option, values in options.items()
    for value, said in values.items()
]


@pytest.fixture
def fastnet(tmp_path, monkeypatch, capsys):
    """A function that runs the command in this process and returns its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["fastnet", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(fastnet_command, "fastnet")
        return ended.value.code, *capsys.readouterr()

    return call


@pytest.mark.parametrize(("command", "option", "value", "said"), CASES)
def test_what_an_option_refuses(command, option, value, said, fastnet, tmp_path):
    status, output, errors = fastnet(*command, option, value)
    assert (status, output) == (2, "")
    assert errors.startswith("fastnet: ")
    assert errors.count("\n") == 1
    assert said in errors
    assert option in errors or said == "its extension must be one of"
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_is_not_complete_is_completed(fastnet, monkeypatch):
    line = "fastnet train --eta 1 --eta 2 --optim"
    for name, value in (("COMPLETE", "bash_complete"), ("COMP_WORDS", line), ("COMP_CWORD", "6")):
        monkeypatch.setenv(f"_FASTNET_{name}" if name == "COMPLETE" else name, value)
    assert fastnet() == (0, "plain,--optimizer\n", "")


def test_no_option_is_left_out():
    flags = {"--help", "--expand", "--deform", "--resume", "--map", "--show", "--scheduler"}
    flags |= {"--batch-size", "--mini-batch-size"}  # aliases of --batch
    for command, options in OPTIONS.items():
        known = {name for param in fastnet_command.commands[command[0]].params for name in param.opts if "-" in name}
        assert known - flags == set(options)


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_each_argument_of_a_recipe_is_an_option(command):
    assert set(ARGUMENTS) <= {param.name for param in fastnet_command.commands[command].params}


@pytest.mark.parametrize("command", [fastnet_command, *fastnet_command.commands.values()], ids=lambda each: each.name)
def test_the_help_fits_into_80_columns(command):
    text = command.get_help(click.Context(command, info_name=f"fastnet {command.name}", terminal_width=80))
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("command", "option", "suggested"),
    [
        ("train", "--lambda", "Did you mean '--lmbda'?"),
        ("train", "--epoch", "Did you mean '--epochs'?"),
        ("train", "--lr", ""),
        ("play", "--no-browsr", "(Did you mean one of: '--browser', '--no-browser'?)"),
    ],
)
def test_a_similar_option_is_suggested(command, option, suggested, fastnet):
    errors = fastnet(command, option, "1")[2]
    assert errors == f"fastnet: No such option {option!r}.{suggested and ' '}{suggested}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eta", "1e39"], "eta is 1e+39; it must be positive and finite in float32"),
        (["--eta", "1e39", "--engine", "torch-cpu"], "eta is 1e+39; it must be positive and finite in float32"),
        (
            ["--lmbda", "1e300", "--engine", "torch-cpu"],
            "lmbda is 1e+300; it must be finite and not negative in float32",
        ),
        (["--sizes", "784,99999999,10"], "its weights need"),
        (["--schedule", "halve"], "--schedule halve needs --patience"),
        (["--eta", "1", "--eta", "2"], "--eta is given 2 times; it takes one value"),
        (["--batch", "1", "--batch-size", "2"], "--batch is given 2 times; it takes one value"),
        (["--sizes", "784,10", "--dropout", "0.5"], "--dropout is for hidden neurons"),
    ],
)
def test_what_is_refused_together(arguments, message, fastnet, tmp_path):
    if "torch-cpu" in arguments:
        pytest.importorskip("torch")
    status, output, errors = fastnet("train", *arguments)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert message in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", [[], ["-u"]])
def test_a_full_output_is_reported(unbuffered):
    command = [sys.executable, *unbuffered, "-m", "fastnet", "--help"]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2
    assert ended.stderr == "fastnet: standard output: No space left on device\n"


def test_an_error_without_a_file_is_not_blamed_on_standard_output():
    with pytest.raises(OSError) as caught:  # noqa: PT011 - `in_words` takes any
        os.close(-1)
    assert in_words(caught.value) == "Bad file descriptor"


def test_a_removed_current_folder_is_reported(fastnet, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    status, _, errors = fastnet("train", "--save", "net.json")
    assert (status, errors) == (2, "fastnet: the current folder no longer exists; change to another folder\n")


@pytest.mark.parametrize(
    ("command", "encoding"),
    [([name], "ascii") for name in ("train", "predict", "compare", "sweep", "evaluate", "compile")]
    + [([], "ascii"), ([], "latin-1")],
)
def test_help_is_shown_in_terminals_of_other_encodings(command, encoding):
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    code = [sys.executable, "-m", "fastnet", *command, "--help"]
    result = subprocess.run(code, capture_output=True, env=environment, timeout=60)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"Usage: fastnet")
