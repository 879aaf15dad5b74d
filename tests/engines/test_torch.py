"""Tests of the PyTorch engines, above all of their use of CUDA graphs, on machines without a CUDA device."""

import numpy as np
import pytest
from engines.drawing import SEEDS, descents, drawn, largest_difference, same_bits, task_of
from hypothesis import given

from fastnet import Dataset, network2
from fastnet.engines import VARIANTS, engine_class, why_missing
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Dense, Dropout
from fastnet.formulas.optimizers import NAMES, GradientDescent, as_optimizer

torch = pytest.importorskip("torch")

from fastnet.engines import torch as torch_engine  # noqa: E402 - not without PyTorch

MINI_BATCH_SIZE = 3  # batch normalization maps 2 samples to nearly -1 and 1, which loses digits
OPTIMIZERS = [GradientDescent(0.8), *map(as_optimizer, NAMES)]


class GraphOnCPU:
    """A replacement for a CUDA graph. Each `run` executes the work, but recording does not."""

    recorded = 0

    def __init__(self, order, factors, warm_up, work):
        self._order, self._factors, self._work = order, factors, work
        warm_up()
        type(self).recorded += 1

    def run(self, order, factors):
        self._order.copy_(order)
        if self._factors is not None:
            self._factors.copy_(factors)
        self._work()


class CapturedOnCPU(torch_engine.Captured):
    device = "cpu"


@pytest.fixture
def graphs(monkeypatch):
    monkeypatch.setattr(torch_engine, "Graph", GraphOnCPU)
    monkeypatch.setattr(torch_engine, "_STEPS_IN_A_GRAPH", 5)
    monkeypatch.setattr(GraphOnCPU, "recorded", 0)
    return GraphOnCPU


@pytest.fixture
def task():
    layers = (Dropout(0.2), Dense(9, "linear"), BatchNormalization("tanh", epsilon=0.1), Dropout(0.4), Dense(3))
    architecture = Architecture((6,), layers, dtype=np.dtype("float64"))
    return task_of(architecture, np.random.default_rng(0), 47, weighted=True)


def captured_on_cpu(task):
    return CapturedOnCPU(task.architecture, task.parameters, task.data, task.sample_weights)


@pytest.mark.parametrize("samples", [4, 15, 30, 47])
@given(descents(), SEEDS)
@drawn(8)
def test_captured_steps_are_those_of_the_reference(graphs, task, samples, descent, seed):
    captured, reference = captured_on_cpu(task), task.engine("reference")
    random = np.random.default_rng(seed)
    before = graphs.recorded
    # A new eta must keep the velocity. The values are small, because with a large eta RMSProp would amplify rounding
    # errors.
    for eta in (0.02, 0.02, 0.01):
        order = random.permutation(47)[:samples]
        costs = [
            each.epoch(order, MINI_BATCH_SIZE, eta, descent, with_costs=True).costs for each in (captured, reference)
        ]
        assert costs[0] == pytest.approx(costs[1], rel=1e-10)
        assert largest_difference(captured.parameters(), reference.parameters()) < 1e-10
    captured = samples >= 5 * MINI_BATCH_SIZE and not getattr(descent.optimizer, "epsilon_hat", False)
    assert graphs.recorded - before == 2 * captured  # the work is recorded once for each learning rate


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_what_is_set_is_what_the_graph_continues_from(graphs, task, optimizer):
    engine, fresh = captured_on_cpu(task), captured_on_cpu(task)
    order, descent = np.arange(40), Descent(optimizer)
    engine.epoch(order, MINI_BATCH_SIZE, 0.3, descent)
    engine.set_parameters(task.parameters)
    engine.set_state(fresh.state())
    for each in (engine, fresh):
        each.epoch(order, MINI_BATCH_SIZE, 0.3, descent)
    assert same_bits(engine.parameters(), fresh.parameters())
    state, after = engine.state(), engine.parameters()
    other = captured_on_cpu(task)
    other.set_parameters(after)
    other.set_state(state)
    for each in (engine, other):
        each.epoch(order, MINI_BATCH_SIZE, 0.1, descent)
    assert same_bits(other.parameters(), engine.parameters())


def test_the_device_of_each_engine():
    classes = torch_engine.CLASSES
    assert set(classes) == {"torch", *VARIANTS}
    assert {name: class_.device for name, class_ in classes.items() if name != "torch"} == {
        name: "cuda" if "cuda" in name else "cpu" for name in VARIANTS
    }


def test_without_a_device_the_reason_is_said(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("shutil.which", lambda command: None)
    assert why_missing("torch-cuda") == "there is no CUDA device"
    assert why_missing("torch-compiled") == "torch.compile needs a C++ compiler"
    assert why_missing("torch-cpu") is None
    with pytest.raises(ImportError, match="engine 'torch-cuda' cannot be used: there is no CUDA device"):
        engine_class("torch-cuda")


def test_a_message_about_a_missing_gpu_is_not_shown_and_others_are(monkeypatch, caplog):
    from torch.utils import cpp_extension

    def imported(name):
        cpp_extension._find_cuda_home()  # logs the message
        cpp_extension.logger.warning("another message")

    monkeypatch.setenv("CUDA_HOME", "/usr/local")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    cpp_extension.logger.addHandler(caplog.handler)
    caplog.clear()  # the import itself may have logged the message
    try:
        monkeypatch.setattr(torch_engine, "import_module", imported)
        torch_engine._import_extensions()
        assert {record.message for record in caplog.records} == {"another message"}
        cpp_extension._find_cuda_home()
        assert caplog.records[-1].message.startswith("No CUDA runtime is found")
    finally:
        cpp_extension.logger.removeHandler(caplog.handler)


def test_the_command_for_a_gpu_needs_no_numba():
    """The command must run where neither Numba nor fastnet is installed."""
    import subprocess
    import sys
    from pathlib import Path

    script = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
    program = f"""
import sys
sys.modules["numba"] = sys.modules["threadpoolctl"] = sys.modules["click"] = sys.modules["rich"] = None
sys.argv = ["gpu.py", "--help"]
import runpy
runpy.run_path({str(script)!r}, run_name="__main__")
"""
    result = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "--device" in result.stdout


def test_gradients_are_computed_where_pytorch_has_disabled_them():
    """Ctrl-C while `torch.no_grad` begins or ends can leave gradients switched off."""
    net = network2.Network([3, 4, 2], engine="torch-cpu", seed=0)
    data = Dataset(np.eye(3), np.eye(2)[[0, 1, 0]])
    with torch.no_grad():
        net.SGD(data, 1, 2, 0.5, report=lambda history: None)
        net.backprop(np.ones((3, 1)), np.ones((2, 1)))
