"""`fastnet train` with interrupted, resumed and failing runs."""

import signal
import subprocess
import sysconfig
from pathlib import Path

import pytest
from commands import in_process
from commands.in_process import overriding

COMMAND = [str(Path(sysconfig.get_path("scripts"), "fastnet"))]


def small(folder, *arguments):
    return ["train", *overriding(("--data", str(folder), "--sizes", "16,5,10", "--engine", "numpy"), *arguments)]


def run(folder, *arguments):
    return in_process.run(*small(folder, *arguments), cwd=folder)


def test_an_interrupted_run_continues_as_if_it_had_not_been(folder):
    kept = ["--seed", "3", "--momentum", "0.5", "--checkpoint", "run"]
    with subprocess.Popen(
        [*COMMAND, *small(folder, "--epochs", "100000000", *kept)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    ) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.strip()) == (
        130,
        "Checkpoint kept in run; the same command with --resume continues the run",
    )
    again = run(folder, "--epochs", "400", *kept, "--resume", "--save", "again.json")
    assert (again.returncode, again.stderr) == (0, "")
    assert not again.stdout.startswith("Epoch 0:")
    whole = run(folder, "--epochs", "400", "--seed", "3", "--momentum", "0.5", "--save", "whole.json")
    assert (folder / "again.json").read_bytes() == (folder / "whole.json").read_bytes()
    assert whole.stdout.splitlines()[399].split(",")[0] == again.stdout.splitlines()[-2].split(",")[0]


def test_a_run_that_is_over_says_so(folder):
    first, again = (run(folder, "--epochs", "2", "--checkpoint", "run", *more) for more in ([], ["--resume"]))
    assert again.stdout == f"run has all epochs already; the last one: {first.stdout.splitlines()[-1]}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume"], "fastnet: --resume needs --checkpoint: the file to continue from\n"),
        (["--checkpoint", "run"], "fastnet: --checkpoint run exists already; add --resume, or name another file\n"),
        (
            ["--checkpoint", "run", "--resume", "--seed", "2"],
            "fastnet: run: this checkpoint is from another run, with seed 1; this run has seed 2\n",
        ),
        (["--checkpoint", "text", "--resume"], "does not begin with a safetensors header)\n"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(folder, arguments, message):
    assert run(folder, "--epochs", "1", "--seed", "1", "--checkpoint", "run").returncode == 0
    (folder / "text").write_text("What is written here is no checkpoint.")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = run(folder, "--epochs", "2", *arguments)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.endswith(message)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_training_that_diverges_says_so_and_fails(folder):
    result = run(
        folder, "--epochs", "5", "--sizes", "16,10", "--cost", "log-likelihood", "--eta", "3e38", "--seed", "0"
    )
    lines = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert (result.returncode, result.stdout) == (1, "")
    assert len(lines) == 1
    assert lines[0].startswith("warning: epoch 0: weights became infinite or NaN, and training stopped")
