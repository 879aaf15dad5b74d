"""No command writes two outputs into one file, or overwrites its input."""

import pytest
from click.testing import CliRunner

from fastnet import network
from fastnet.commands.all import fastnet_command


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--save", "a.png", "--plot", "a.png"],
        ["train", "--save", "run", "--checkpoint", "./run"],
        ["train", "--save", "link.json", "--checkpoint", "net.json", "--resume"],
        ["train", "--save", "run.epochs", "--checkpoint", "run"],
        ["sweep", "--record", "a.sqlite", "--csv", "a.sqlite"],
        ["sweep", "--json", "a", "--csv", "a"],
        ["predict", "seven.png", "--model", "net.json", "--json", "net.json"],
        ["predict", "seven.png", "--plot", "seven.png"],
        ["evaluate", "net.json", "--plot", "net.json"],
        ["compare", "--json", "a.png", "--plot", "a.png"],
    ],
)
def test_the_same_file_twice_is_refused(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network.Network([784, 10]).save("net.json")
    (tmp_path / "link.json").symlink_to("net.json")
    (tmp_path / "seven.png").write_bytes(b"an image")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    result = CliRunner().invoke(fastnet_command, arguments)
    assert result.exit_code == 2
    assert " are the same file, " in result.output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_device_may_be_given_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "--epochs", "0", "--engine", "numpy", "--save", "/dev/null"]
    assert CliRunner().invoke(fastnet_command, [*arguments, "--data", "/dev/null"]).exit_code != 0  # /dev/null is empty
    assert CliRunner().invoke(fastnet_command, arguments).exit_code == 0


def test_a_link_into_a_folder_that_does_not_exist_is_refused_before_the_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.json").symlink_to("/nowhere/net.json")
    result = CliRunner().invoke(fastnet_command, ["train", "--epochs", "1", "--save", "link.json"])
    assert result.exit_code == 2
    assert "Epoch" not in result.output
    assert "/nowhere is not a folder that can be written to" in result.output
