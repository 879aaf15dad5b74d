"""Tests of the data, and of the command as a user runs it."""

import contextlib
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import pytest
from commands.in_process import overriding

torch = pytest.importorskip("torch", reason="the extra torch is not installed")
torchvision = pytest.importorskip("torchvision", reason="the extra torch is not installed")

from fastnet import mnist_loader, pytorch_mnist  # noqa: E402
from fastnet.datasets import mnist  # noqa: E402

SMALL = ["--data", ".", "--sizes", "16,5,10", "--device", "cpu"]
ENDLESS = ["--epochs", "100000000", "--patience", "100000000"]
UNREADABLE = ".: torchvision cannot read MNIST from this folder"
LINE = r"Epoch {}, Loss: \d\.\d{{4}}, Train Acc: \d+\.\d\d%, Val Acc: \d+\.\d\d%"


def write(raw):
    """Write 60 training and 9 test images of 4 x 4 pixels where torchvision looks for MNIST."""
    random = np.random.default_rng(0)
    os.makedirs(raw)
    for name, n in (("train", 60), ("t10k", 9)):
        header = struct.pack(">HBB3I", 0, 8, 3, n, 4, 4), struct.pack(">HBBI", 0, 8, 1, n)
        for kind, head, count, values in zip(
            ("images-idx3", "labels-idx1"), header, (16 * n, n), (256, 10), strict=True
        ):
            contents = head + random.integers(0, values, count, np.uint8).tobytes()
            with open(os.path.join(raw, f"{name}-{kind}-ubyte"), "wb") as file:
                file.write(contents)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a small data set in it."""
    write(tmp_path / "MNIST" / "raw")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """A function that runs the command in this process, and returns its status, standard output and standard error."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # the command replaces `showwarning`

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["pytorch_mnist", *arguments])
        with pytest.raises(SystemExit) as ended:
            pytorch_mnist.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


def test_mnist_is_read_by_torchvision_from_the_bundled_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(torchvision.datasets.mnist, "download_and_extract_archive", lambda *a, **k: pytest.fail("net"))
    sets = pytorch_mnist.load_data()
    assert os.listdir(tmp_path) == []
    for data, (images, labels) in zip(sets, mnist_loader.load_data(), strict=True):
        pixels, digits = data.tensors
        assert (pixels.shape, pixels.dtype) == ((len(images), 1, 28, 28), torch.float32)
        np.testing.assert_allclose(pixels.view(-1, 784), images * (256 / 255), rtol=0, atol=1e-6)
        np.testing.assert_array_equal(digits, labels)


def test_a_damaged_bundled_file_is_named(tmp_path, monkeypatch):
    for name in mnist.CHECKSUMS:
        (tmp_path / f"{name}.gz").write_bytes(b"nonsense")
    monkeypatch.setattr(mnist, "bundled_folder", lambda: tmp_path)
    with pytest.raises(pytorch_mnist.DataError, match=r"train-images-idx3-ubyte.gz: SHA-256 checksum mismatch"):
        pytorch_mnist.load_data()


def test_where_there_are_no_files_torchvision_downloads_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mnist, "bundled_folder", lambda: tmp_path / "nowhere")
    fetched = []

    def download(self):
        if not self._check_exists():
            fetched.append(self.raw_folder)
            write(self.raw_folder)

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    assert [len(data) for data in pytorch_mnist.load_data()] == [50, 10, 9]
    assert fetched == [os.path.join("data", "MNIST", "raw")]


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("train-images-idx3-ubyte", b"", UNREADABLE),
        ("train-images-idx3-ubyte", struct.pack(">HBB3I", 0, 8, 3, 60, 4, 4) + bytes(959), UNREADABLE),
        ("train-images-idx3-ubyte", struct.pack(">HBB3I", 0, 8, 3, 59, 4, 4) + bytes(944), UNREADABLE),
        (
            "train-labels-idx1-ubyte",
            struct.pack(">HBBI", 0, 8, 1, 60) + bytes([10] * 60),
            "training has labels from 10",
        ),
        ("t10k-labels-idx1-ubyte", b"\x1f\x8bnonsense", UNREADABLE),
    ],
)
def test_broken_data_are_one_line(folder, run, name, contents, message):
    (folder / "MNIST" / "raw" / name).write_bytes(contents)
    status, output, errors = run(*SMALL)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"fastnet.pytorch_mnist: {message}")


def test_it_learns_mnist(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    status, output, errors = run("--epochs", "1", "--seed", "1", "--device", "cpu")
    assert (status, errors) == (0, "")
    line, last = output.splitlines()
    assert re.fullmatch(LINE.format(1), line)
    assert float(re.fullmatch(r"Test Accuracy: (\d\d\.\d\d)%", last)[1]) > 93
    model = pytorch_mnist.load_model("best_model.pth")
    assert last == f"Test Accuracy: {pytorch_mnist.evaluate(model, pytorch_mnist.load_data()[2]):.2%}"
    assert os.listdir(tmp_path) == ["best_model.pth"]


def test_options_reach_the_training(folder, run):
    status, output, errors = run(
        *SMALL, "--epochs", "4", "--batch", "7", "--lr", "0.05", "--dropout", "0.1", "--batch-norm",
        "--momentum", "0.5", "--weight-decay", "0.01", "--schedule", "cosine", "--patience", "4", "--augment",
        "--seed", "5", "--threads", "2", "--save", "net.pth",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    options = pytorch_mnist.Options(
        sizes=(16, 5, 10), dropout=0.1, batch_norm=True, epochs=4, batch_size=7, learning_rate=0.05, momentum=0.5,
        weight_decay=0.01, schedule="cosine", patience=4, augment=True, device="cpu", seed=5, threads=2,
    )  # fmt: skip
    training, validation, test = pytorch_mnist.load_data(folder)
    lines = []
    result = pytorch_mnist.train(training, validation, options, "again.pth", lambda epoch: lines.append(str(epoch)))
    expected = [*lines, f"Test Accuracy: {pytorch_mnist.evaluate(result.model, test):.2%}"]
    assert output.splitlines() == expected
    saved = pytorch_mnist.load_model("net.pth")
    for tensor, again in zip(saved.parameters(), result.model.parameters(), strict=True):
        assert torch.equal(tensor, again)


def test_early_stopping_is_said(folder, run):
    _, output, _ = run(*SMALL, "--lr", "1e-12", "--patience", "2", "--seed", "1")
    *lines, stopped, _ = output.splitlines()
    assert len(lines) == 3
    assert re.fullmatch(r"Stopped early: the best validation accuracy is \S+% after epoch 1 \(patience 2\)", stopped)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "1e38"], "epoch 1: loss or parameters are not finite"),
        (["--sizes", "784,10"], "training has images of 16 pixels; they must have 784"),
        (["--batch-norm", "--batch", "1"], "batch_size is 1; batch normalization needs"),
        (["--save", "/dev/null"], "checkpoint is /dev/null; it must be a regular file"),
        (["--fast"], "No such option"),
        (["now"], "Got unexpected extra argument (now)"),
    ],
)
def test_an_error_is_one_line_and_status_2(folder, run, arguments, message):
    status, output, errors = run(*overriding(SMALL, *arguments))
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("fastnet.pytorch_mnist: ")
    assert message in errors
    assert os.listdir(folder) == ["MNIST"]


NUMBERS = {"x": "not a valid float", "": "not a valid float", "nan": "is nan; it must be", "inf": "is inf; it must be"}
WHOLE = {"x": "not a valid integer", "1.5": "not a valid integer", "": "not a valid integer"}
NAMES = {"": "is not one of", "none": "is not one of"}
REFUSED = {
    "--sizes": dict.fromkeys(["", "x", "784", "784,", "784,0,10"], "two or more whole numbers")
    | {"4,9": "the last size must be 10", "4,999999999999,10": "its weights need"},
    "--dropout": NUMBERS | {"1": "dropout is 1.0; it must be at least 0 and less than 1"},
    "--epochs": WHOLE | {"0": "epochs is 0; it must be at least 1"},
    "--batch": WHOLE | {"0": "batch_size is 0; it must be at least 1"},
    "--lr": NUMBERS
    | dict.fromkeys(["0", "1e39"], "it must be positive and finite")
    | {"1e-50": "it must be at least 1.18e-38"},
    "--momentum": NUMBERS | {"-1": "momentum is -1.0; it must be"},
    "--weight-decay": NUMBERS | {"1e39": "weight_decay is 1e+39; it must be finite and not negative in float32"},
    "--schedule": NAMES,
    "--patience": WHOLE | {"0": "patience is 0; it must be at least 1"},
    "--device": NAMES,
    "--seed": WHOLE | {"-1": "seed is -1; it must", "4294967296": "seed is 4294967296; it must be below 2**32"},
    "--threads": WHOLE | {"0": "threads is 0; it must be from 1 to", "9999999": "it must be from 1 to"},
    "--data": {"file": "is a file"},
    "--save": {"": "is a folder", ".": "is a folder", "nowhere/net.pth": "is not a folder that can be written to"},
}


@pytest.mark.parametrize("option", REFUSED)
def test_what_an_option_refuses(option, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("precious")
    for value, said in REFUSED[option].items():
        status, output, errors = run(option, value)
        assert (status, output, errors.count("\n")) == (2, "", 1)
        assert errors.startswith(f"fastnet.pytorch_mnist: Invalid value for '{option}'")
        assert said in errors
    assert os.listdir(tmp_path) == ["file"]


def test_no_option_of_the_command_is_left_out(run):
    flags = {"--batch-norm", "--augment"}
    flags |= {"--batch-size", "--mini-batch-size", "--learning-rate"}  # aliases of --batch and --lr
    assert {name for param in pytorch_mnist.command.params for name in param.opts} - flags == set(REFUSED)
    status, output, _ = run("--help")
    assert status == 0
    defaults = ("default: 0.1]", "default: 784,30,10]", "default: best_model.pth]")
    for said in (*flags, *REFUSED, *defaults, "[auto|cpu|cuda]", "Ctrl-C"):
        assert said in " ".join(output.split())


def test_ctrl_c_leaves_the_best_network_so_far(folder):
    command = [
        sys.executable,
        "-m",
        "fastnet.pytorch_mnist",
        *SMALL,
        "--epochs",
        "100000000",
        "--patience",
        "100000000",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert re.match(LINE.format(1), process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.strip()) == (130, "")
    assert pytorch_mnist.load_model("best_model.pth").sizes == (16, 5, 10)
    assert sorted(os.listdir(folder)) == ["MNIST", "best_model.pth"]


def test_a_reader_that_closes_the_pipe(folder, run, monkeypatch):
    """The command runs in this process, because importing PyTorch in a new process takes seconds."""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(sys, "stderr", sys.stderr)  # click wraps stderr when a pipe is closed, and does not unwrap it
    # `close` flushes the last line, which raises the error again.
    with contextlib.suppress(BrokenPipeError), open(writer, "w", buffering=1) as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        status, _, errors = run(*SMALL, *ENDLESS)
    assert (status, errors) == (1, "")
