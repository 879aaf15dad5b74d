"""After Ctrl-C at a random moment, the network is in the state after a whole epoch, and can be trained further."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fastnet import Adam, BatchNormalization, Dataset, Dense, Dropout, network2
from fastnet.engines import why_missing
from fastnet.utils import interruption

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no `setitimer`")

SEVEN = Path(__file__).parent.parent / "docs" / "seven.png"
SIZES = [12, Dense(1000, "linear"), BatchNormalization("sigmoid"), Dropout(0.2), 3]
MINI_BATCH_SIZE = 100  # large enough for two threads, if there are two processors
EPOCHS = 8


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    return Dataset(random.random((300, 12)), np.eye(3)[random.integers(0, 3, 300)])


def bits(net):
    return b"".join(array.tobytes() for layer in net.parameters for array in layer.values())


def train(net, data, epochs, report=lambda history: None):
    net.SGD(data, epochs, MINI_BATCH_SIZE, 0.01, evaluation_data=data, monitor_evaluation_accuracy=True, report=report,
            optimizer=Adam())  # fmt: skip


@pytest.fixture
def interrupt_after(monkeypatch):
    """A function that sends Ctrl-C to this process after a number of seconds."""
    before = signal.signal(signal.SIGALRM, lambda *details: signal.raise_signal(signal.SIGINT))
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    if "torch" in sys.modules:
        import torch

        torch.set_grad_enabled(True)  # Ctrl-C while `no_grad` begins or ends may leave gradients disabled


@pytest.mark.parametrize("engine", ["numba", "numpy", "torch-cpu"])
def test_the_network_is_as_after_a_whole_epoch(engine, data, interrupt_after):
    if why_missing(engine) is not None:
        pytest.skip(f"without {engine}")
    train(network2.Network(SIZES, engine=engine, seed=1), data, 1)  # compiles, and starts the engine's threads
    whole = network2.Network(SIZES, engine=engine, seed=1)
    states, began = [bits(whole)], time.perf_counter()
    train(whole, data, EPOCHS, lambda history: states.append(bits(whole)))
    seconds = time.perf_counter() - began
    moments, interrupted = np.random.default_rng(0), 0
    for _ in range(12):
        net = network2.Network(SIZES, engine=engine, seed=1)
        try:
            interrupt_after(moments.uniform(1e-4, 0.8 * seconds))
            train(net, data, EPOCHS)
            interrupt_after(0)
        except KeyboardInterrupt:
            interrupted += 1
        epochs = states.index(bits(net))
        known = 0 if net.history is None else len(net.history.epochs)
        assert epochs - 1 <= known <= epochs  # the last whole epoch may not yet be evaluated
        train(net, data, 1)
        assert bits(net) not in states[: epochs + 1]
    assert interrupted > 2


def test_an_import_is_not_interrupted():
    finished = False

    def imported():
        nonlocal finished
        with interruption.deferred_signals():
            signal.raise_signal(signal.SIGINT)
            finished = True

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            imported()
        assert finished
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_is_not_pythons_is_not_changed():
    """SIG_DFL is not Python's handler. Many GUI programs set SIG_DFL so that Ctrl-C ends the program immediately."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with interruption.deferred_signals():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


COMMAND = """
import os, runpy, signal, sys, threading, time

def interrupt():
    while "fastnet.utils.interruption" not in sys.modules:
        time.sleep(0.001)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGINT)

seconds, module = float(sys.argv.pop(1)), sys.argv.pop(1)
threading.Thread(target=interrupt, daemon=True).start()
runpy.run_module(module, run_name="__main__")
"""


@pytest.mark.parametrize(
    "command",
    [["fastnet", "--help"], ["fastnet", "train"], ["fastnet", "predict", str(SEVEN)], ["fastnet.pytorch_mnist"]],
    ids=["help", "train", "predict", "pytorch_mnist"],
)
def test_a_command_that_is_interrupted_while_it_begins_has_no_stack_trace(command, tmp_path):
    moments = [0.005, 0.04, 0.15]
    if "pytorch" in command[0]:
        pytest.importorskip("torchvision")
        moments = [0.3]  # one moment only, because importing PyTorch takes seconds
    statuses = set()
    for seconds in moments:
        process = [sys.executable, "-c", COMMAND, str(seconds), *command]
        ended = subprocess.run(process, capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert "Traceback" not in ended.stderr
        assert "Error" not in ended.stderr
        statuses.add(ended.returncode)
    assert statuses <= {130, 0, -signal.SIGINT}  # -SIGINT if the command had already finished
    assert 130 in statuses


@pytest.mark.parametrize(
    ("number", "times"),
    [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGTERM, 3), (signal.SIGHUP, 1)],
    ids=["Ctrl-C", "once", "thrice", "a closed terminal"],
)
def test_a_command_that_is_terminated_saves_what_was_learnt(number, times, tmp_path, request):
    """Cluster schedulers send jobs a signal before they kill them."""
    # Under `nohup`, the tests ignore SIGHUP, and the command would inherit this setting.
    request.addfinalizer(functools.partial(signal.signal, number, signal.signal(number, signal.SIG_DFL)))
    command = [sys.executable, "-m", "fastnet", "train", "--engine", "numpy", "--sizes", "784,10"]
    command += ["--cost", "cross-entropy", "--seed", "0", "--epochs", "1000", "--save", "net.json"]
    command += ["--checkpoint", "run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        process.stdout.readline()
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.002)
        output, errors = process.communicate(timeout=60)
    # The last signal may come at the end of the process, when Python has restored the system's handler.
    assert process.returncode in ({128 + number} if times == 1 else {128 + number, -number})
    assert output.endswith("Saved to net.json\n")
    assert errors.strip() == "Checkpoint kept in run; the same command with --resume continues the run"
    assert network2.load(tmp_path / "net.json").sizes == [784, 10]


def test_ctrl_c_is_confirmed_to_the_user(capsys):
    said = []

    def interrupted():
        with interruption.deferred_signals("Stopping soon"):
            os.kill(os.getpid(), signal.SIGINT)
            said.append(capsys.readouterr().err)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert said == ["\nStopping soon\n"]
