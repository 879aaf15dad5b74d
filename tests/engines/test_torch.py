"""What the engines on PyTorch have of their own: capturing, as far as it can be tested without a CUDA device."""

from itertools import chain

import numpy as np
import pytest

from fastnet import Dataset, network2
from fastnet.engines import VARIANTS, engine_class, why_missing
from fastnet.engines.contract import Architecture, Descent

torch = pytest.importorskip("torch")

from fastnet.engines import torch as torch_engine  # noqa: E402 - not without PyTorch

SIZES = (6, 9, 3)
MINI_BATCH_SIZE = 2


class GraphOnCPU:
    """As a CUDA graph: what is recorded is not done then, but whenever it is run."""

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
def make(draw_parameters):
    random = np.random.default_rng(0)
    weights, biases = draw_parameters(SIZES, random)
    data = Dataset(random.standard_normal((47, 6)), random.random((47, 3)))

    def make(class_):
        return class_(Architecture(SIZES, np.dtype("float64"), "tanh"), weights, biases, data)

    return make


@pytest.mark.parametrize(
    "descent",
    [Descent(), Descent(l2=0.1, l1=0.05), Descent(momentum=0.8), Descent(dropout=0.4, seed=3, momentum=0.5)],
    ids=str,
)
@pytest.mark.parametrize("samples", [3, 10, 30, 47])
def test_captured_steps_are_those_of_the_reference(graphs, make, descent, samples):
    captured, reference = make(CapturedOnCPU), make(engine_class("reference"))
    random = np.random.default_rng(1)
    for eta in (0.3, 0.3, 0.1):  # the velocity goes on where the learning rate changes
        order = random.permutation(47)[:samples]
        for engine in (captured, reference):
            engine.epoch(order, MINI_BATCH_SIZE, eta, descent)
        for found, expected in zip(chain(*captured.parameters()), chain(*reference.parameters()), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert graphs.recorded == (0 if samples < 5 * MINI_BATCH_SIZE else 2)  # once for each learning rate


def test_what_is_set_is_what_the_graph_goes_on_from(graphs, make):
    engine, fresh = make(CapturedOnCPU), make(CapturedOnCPU)
    start = fresh.parameters()
    order = np.arange(40)
    engine.epoch(order, MINI_BATCH_SIZE, 0.3)
    engine.set_parameters(*start)
    engine.epoch(order, MINI_BATCH_SIZE, 0.3)
    fresh.epoch(order, MINI_BATCH_SIZE, 0.3)
    for found, expected in zip(chain(*engine.parameters()), chain(*fresh.parameters()), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert graphs.recorded == 2


def test_who_computes_where():
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


def test_the_command_for_a_gpu_needs_no_numba():
    """It is run where neither Numba nor fastnet is installed."""
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


def test_gradients_that_somebody_has_left_switched_off_are_computed():
    """As Ctrl-C does that comes while `torch.no_grad` begins or ends."""
    net = network2.Network([3, 4, 2], engine="torch-cpu", seed=0)
    data = Dataset(np.eye(3), np.eye(2)[[0, 1, 0]])
    with torch.no_grad():
        net.SGD(data, 1, 2, 0.5, report=lambda history: None)
        net.backprop(np.ones((3, 1)), np.ones((2, 1)))
