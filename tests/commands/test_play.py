"""`fastnet play` as a user types it. The tests in `tests/play` test the server."""

import json
import signal
import socket
import subprocess
import sys
import time
from urllib.request import Request, urlopen

import numpy as np
import pytest
from commands.in_process import run

from fastnet import network2, network3
from fastnet.play import models

pytest.importorskip("websockets")


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "net.json"
    network2.Network([784, 5, 10], seed=0).save(path)
    return path


def test_it_serves_until_ctrl_c(model):
    command = [sys.executable, "-u", "-m", "fastnet", "play", "--no-browser", str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            first, second = process.stdout.readline(), process.stdout.readline()
            address = first.removeprefix("The page is at ").strip()
            assert second == "Ctrl-C stops the server.\n"
            base, _, token = address.partition("/?token=")
            cookie = f"fastnet-{base.rpartition(':')[2]}={token}"
            with urlopen(Request(base + "/", headers={"Cookie": cookie})) as page:
                assert b"<html" in page.read()
            began = time.perf_counter()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
            assert time.perf_counter() - began < 5
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")


def test_what_is_no_network_for_digits_is_reported_in_one_line(tmp_path):
    network2.Network([4, 3], seed=0).save(tmp_path / "small.json")
    network2.Network([784, 10], "poisson", seed=0).save(tmp_path / "other cost.json")
    (tmp_path / "text.json").write_text("{}")
    (tmp_path / "other").write_bytes(b"\x00\x01")
    messages = {
        "small.json": "4 inputs and 3 outputs",
        "other cost.json": "it must be one of quadratic",
        "text.json": "text.json",
        "other": "other",
    }
    for name, text in messages.items():
        result = run("play", "--no-browser", str(tmp_path / name))
        assert result.returncode == 2
        assert result.stderr.count("\n") == 1
        assert text in result.stderr
    assert run("play", str(tmp_path / "none.json")).returncode == 2


def test_a_port_that_is_taken(model):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("play", "--no-browser", "--port", str(taken.getsockname()[1]), str(model))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "--port" in result.stderr
    result = run("play", "--no-browser", "--host", "no.such.host.invalid", str(model))
    assert result.returncode == 2
    assert "no.such.host.invalid" in result.stderr
    assert "Unknown error" not in result.stderr


def test_without_websockets_it_says_which_extra_installs_it(monkeypatch, model):
    for name in [name for name in sys.modules if name.startswith(("websockets", "fastnet.play.server"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "websockets", None)
    monkeypatch.setitem(sys.modules, "websockets.asyncio.server", None)
    result = run("play", "--no-browser", str(model))
    assert result.returncode == 2
    assert "pip install 'fastnet-nndl[play]'" in result.stderr


def test_a_network_of_the_books_program_may_begin_with_white_space(tmp_path):
    net = network2.Network([784, 5, 10], seed=0)
    data = {"sizes": net.sizes, "cost": "QuadraticCost"}
    data |= {name: [each.tolist() for each in getattr(net, name)] for name in ("weights", "biases")}
    (tmp_path / "net.json").write_text("\n " + json.dumps(data))
    assert models.read(tmp_path / "net.json").sizes == [784, 5, 10]


def test_a_network_of_chapter_6_is_read(tmp_path):
    layers = [
        network3.ConvPoolLayer((2, 1, 5, 5), (10, 1, 28, 28), activation_fn=network3.ReLU),
        network3.FullyConnectedLayer(2 * 12 * 12, 6, p_dropout=0.5),
        network3.SoftmaxLayer(6, 10),
    ]
    net = network3.Network(layers, 10)
    net.save(tmp_path / "net.safetensors")
    x = np.random.default_rng(0).random((3, 784), dtype=np.float32)
    found = models.read(tmp_path / "net.safetensors")
    np.testing.assert_allclose(found.feedforward(x.T).T, net.output(x), rtol=1e-5, atol=1e-7)
