import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np
import pytest
from engines.drawing import arrays_of, parameters_of
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Dense, Dropout
from fastnet.formulas.optimizers import Adam, GradientDescent
from fastnet.kernels import choice, threads
from fastnet.kernels.compiler import kernel
from fastnet.kernels.inputs import Matrix, Rows
from fastnet.kernels.vectors import item, set_item

DTYPES = ("float32", "float64")


@kernel
def share_of(n, share):
    return threads.share_of(n, share)


@kernel
def count_rounds(counters, rounds, late, share):
    """Run rounds with a barrier. Count in `late` how often this thread finds another thread in a different round."""
    for r in range(1, rounds + 1):
        set_item(counters, share.thread, r)
        threads.wait_for_all(share, 2 * r - 1)
        for thread in range(share.threads):
            if item(counters, thread) != r:
                set_item(late, share.thread, item(late, share.thread) + 1)
        threads.wait_for_all(share, 2 * r)


def shares(count):
    arrivals = np.zeros(1, np.int64)
    return [threads.Share(thread, count, arrivals) for thread in range(count)]


@given(n=st.integers(0, 100) | st.integers(0, 10**12), count=st.integers(1, 20))
@settings(deadline=None)
def test_shares_are_everything_without_gap_or_overlap(n, count):
    ends = [share_of(n, share) for share in shares(count)]
    assert ends[0][0] == 0
    assert ends[-1][1] == n
    assert all(stop == start for (_, stop), (start, _) in pairwise(ends))
    lengths = [stop - start for start, stop in ends]
    assert min(lengths) >= 0
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_share_is_done_once_and_in_a_thread_of_its_own(count):
    done = []
    meeting = threading.Barrier(count)

    def work(share):
        meeting.wait(timeout=10)  # blocks until all shares have begun, so each share needs a thread of its own
        done.append((share, threading.get_ident()))

    threads.run(work, count)
    assert sorted(share.thread for share, _ in done) == list(range(count))
    assert len({thread for _, thread in done}) == count
    assert (0, threading.get_ident()) in [(share.thread, thread) for share, thread in done]
    assert {share.threads for share, _ in done} == {count}
    assert len({id(share.arrivals) for share, _ in done}) == 1
    assert done[0][0].arrivals.tolist() == [0]


@pytest.mark.parametrize("failing", [0, 1])
def test_no_thread_waits_for_an_interrupted_thread(failing):
    counters, late = np.zeros(2, np.int64), np.zeros(2, np.int64)
    count_rounds(counters, 1, late, shares(1)[0])  # compiles the kernel before the threads wait for each other
    raised = []

    def work(share):
        if share.thread == failing:
            raise KeyboardInterrupt
        count_rounds(counters, 3, late, share)

    def run():
        with pytest.raises(KeyboardInterrupt):
            threads.run(work, 2)
        raised.append(True)

    runner = threading.Thread(target=run, daemon=True)
    runner.start()
    runner.join(timeout=30)
    assert raised


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_exception_comes_through_when_the_others_are_done(failing):
    done = []

    def work(share):
        if share.thread == failing:
            raise OSError("the reason")
        done.append(share.thread)

    with pytest.raises(OSError, match="the reason"):
        threads.run(work, 3)
    assert sorted([*done, failing]) == [0, 1, 2]


@pytest.mark.parametrize("startable", [0, 1])
def test_one_thread_does_all_where_others_cannot_be_started(monkeypatch, startable):
    class Pool(ThreadPoolExecutor):
        def submit(self, *arguments):
            if len(started) == startable:
                raise RuntimeError("can't start new thread")
            started.append(arguments)
            return super().submit(*arguments)

    started, done = [], []
    monkeypatch.setattr(threads, "ThreadPoolExecutor", Pool)
    threads.run(lambda share: done.append((share.thread, share.threads)), 3)
    assert len(started) == startable
    assert done == [(0, 1)]


def test_one_thread_does_all_where_threads_are_not_those_of_the_system(monkeypatch):
    # With gevent, for example, all Python threads run in one system thread.
    monkeypatch.setattr(threading, "get_native_id", lambda: 1)
    done = []
    threads.run(lambda share: done.append((share.thread, share.threads)), 3)
    assert done == [(0, 1)]


def test_a_script_that_ends_while_a_thread_trains():
    script = """
import sys, threading, time
import numpy as np
from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.formulas.architecture import Architecture, Dense
from fastnet.kernels import choice
choice.threads = lambda multiplications, parts, available: 2
random = np.random.default_rng(0)
data = Dataset(random.random((8, 5)), random.random((8, 3)))
architecture = Architecture((5,), (Dense(70), Dense(3)))
shapes = {"weights": (70, 5), "biases": (70, 1)}, {"weights": (3, 70), "biases": (3, 1)}
parameters = [{name: np.ones(shape) for name, shape in layer.items()} for layer in shapes]
engine = engine_class("numba")(architecture, parameters, data)
def train():
    threading.main_thread().join()
    engine.epoch(np.arange(8), 4, 0.1)
    print("trained", flush=True)
threading.Thread(target=train).start()
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0
    assert finished.stdout == "trained\n"
    assert "Traceback" not in finished.stderr


@pytest.fixture
def no_single_thread_period(monkeypatch):
    monkeypatch.setattr(threads, "_single_thread_period", threads._SingleThreadPeriod())
    monkeypatch.setattr(threads, "_processors", lambda: 10**6)


def test_threads_that_do_not_get_processors_are_given_up_for_a_while(monkeypatch, no_single_thread_period):
    now = [100.0]
    monkeypatch.setattr(threads.time, "monotonic", lambda: now[0])
    before = threads.available()
    threads.run(lambda share: time.sleep(0.01), 2)  # without `together`, sleeping threads leave the number unchanged
    assert threads.available() == before
    for seconds in (0.5, 1.0, 2.0):
        threads.run(lambda share: time.sleep(0.01), 2, together=True)
        assert threads.available() == 1
        now[0] += seconds - 0.1
        assert threads.available() == 1
        now[0] += 0.2
        assert threads.available() == before


def test_one_that_gets_its_processor_again_ends_the_longer_periods():
    period = threads._SingleThreadPeriod()
    for running, waits in ((0.5, 0.5), (0.5, 1.0), (0.9, None), (0.5, 0.5)):
        before = time.monotonic()
        period.update(running)
        if waits:
            assert before + waits <= period.until <= time.monotonic() + waits


@pytest.mark.usefixtures("no_single_thread_period")
def test_the_limit_holds_in_the_with_block_and_the_inner_one_counts():
    before = threads.available()
    assert before >= 1
    with threads.limited(1):
        assert threads.available() == 1
        with threads.limited(10**6):  # more than NUMBA_NUM_THREADS
            assert threads.available() == numba.config.NUMBA_NUM_THREADS
        assert threads.available() == 1
    assert threads.available() == before


@pytest.mark.usefixtures("no_single_thread_period")
def test_the_limit_ends_with_an_exception_too():
    before = threads.available()
    with pytest.raises(KeyError), threads.limited(0):
        raise KeyError(threads.available())
    assert threads.available() == before


@pytest.mark.usefixtures("no_single_thread_period")
def test_the_limit_is_that_of_the_thread_that_set_it():
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(threads.available).result()
        with threads.limited(1):
            assert pool.submit(threads.available).result() == before


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_thread_continues_before_the_last_has_arrived(count):
    rounds = 2000
    counters, late = np.zeros(count, np.int64), np.zeros(count, np.int64)
    count_rounds(counters, 0, late, shares(1)[0])  # compiles the kernel before the threads begin
    threads.run(lambda share: count_rounds(counters, rounds, late, share), count)
    assert counters.tolist() == [rounds] * count
    assert late.tolist() == [0] * count


PLAIN = (Dense(70), Dense(40), Dense(3))
EVERYTHING = (
    Dropout(0.2), Dense(70, "linear"), BatchNormalization("tanh"), Dropout(0.5), Dense(40, "relu"), Dense(3),
)  # fmt: skip
LARGE = (Dense(670), Dense(200), Dense(3))  # more than `WEIGHTS_IN_CACHE` weights in the second layer
TASKS = {
    "plain": (PLAIN, Descent(l2=0.1)),
    "large": (LARGE, Descent(l2=0.1)),
    "momentum": (PLAIN, Descent(GradientDescent(0.5), l1=0.01, max_norm=0.8)),
    "everything": (EVERYTHING, Descent(Adam(epsilon=1e-3), l2=0.1, max_norm=2.0)),
}


def what_is_computed(task, kind, dtype, count):
    """Return an engine's parameters, gradients and outputs after 15 epochs in `count` threads, as bytes."""
    layers, descent = TASKS[task]
    random, samples = np.random.default_rng(0), 45
    architecture = Architecture((20,), layers, dtype=np.dtype(dtype))
    inputs = random.standard_normal((samples, 20)) * (random.random((samples, 20)) >= 0.3)
    data = Dataset(inputs.astype(dtype), random.random((samples, 3)))
    parts = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "without_zeros", lambda density: kind is Rows)
        patch.setattr(choice, "threads", lambda multiplications, panels, available: parts.append(panels) or count)
        engine = engine_class("numba")(architecture, parameters_of(architecture, random), data)
        assert isinstance(engine._inputs, kind)
        for _ in range(15):
            engine.epoch(random.permutation(samples), 7, 0.05, descent)  # the last mini-batch has 3 samples
        gradients, parameters = engine.gradients(data.inputs, data.targets), engine.parameters()
        outputs = engine.outputs(data.inputs)
    assert len(parts) >= 17  # `choice.threads` is called for 15 epochs, the gradients and the outputs
    assert np.isfinite(outputs).all()
    return [array.tobytes() for array in (*arrays_of(parameters), *arrays_of(gradients), outputs)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [Matrix, Rows])
@pytest.mark.parametrize("task", TASKS)
def test_every_number_of_threads_gives_the_same_bit_for_bit(task, kind, dtype):
    alone = what_is_computed(task, kind, dtype, 1)
    for count in (2, 3, 7):
        assert what_is_computed(task, kind, dtype, count) == alone, f"{count} threads"
