"""`fastnet compare` as a user types it. One test starts a separate process."""

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest
from commands.in_process import run

COMMAND = [str(Path(sysconfig.get_path("scripts"), "fastnet")), "compare"]


def test_a_table_and_the_figures_in_a_file(tmp_path):
    command = [*COMMAND, "--engines", "numba,numpy", "--epochs", "2", "--threads", "1", "--json", "engines.json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert result.returncode == 0
    assert "Traceback" not in result.stderr
    assert "One epoch of 784-30-10, mini-batches of 10, float32" in result.stdout
    figures = json.loads((tmp_path / "engines.json").read_text())
    for each in figures["results"]:
        (line,) = [line for line in result.stdout.splitlines() if line.split()[:1] == [each["engine"]]]
        assert f"{each['accuracy']:.2%}" in line
        assert f"{min(each['seconds']):.3f} to {max(each['seconds']):.3f}" in line
        assert each["accuracy"] > 0.9
    assert figures["threads"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engines", "numba,fortran"], "there is no engine 'fortran'; choose from numba, numpy, torch, reference"),
        (["--map", "--sizes", "784,30,10"], "--sizes is for one network; --map compares many"),
        (["--json", "/nowhere/engines.json"], "is not a folder that can be written to"),
        (["--plot", "engines.docx"], "engines.docx: its extension must be one of"),
        (["--sizes", "30,10", "--engines", "numpy"], "30 inputs"),
        (["--threads", "0"], "0 is not in the range"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, arguments, message):
    result = run("compare", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
