import contextlib
import io
import itertools
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnet.utils import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock whose time the test sets."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(progress.time, "perf_counter", lambda: Clock.now)
    return Clock


@given(n=st.integers(0, 300), mini_batch_size=st.integers(1, 400), seconds=st.lists(st.floats(0, 1), min_size=1))
def test_runs_are_the_order_cut_between_mini_batches(n, mini_batch_size, seconds):
    order = np.random.default_rng(0).permutation(n)
    durations = itertools.cycle(seconds)
    with pytest.MonkeyPatch.context() as patch:
        now = [0.0]
        patch.setattr(progress.time, "perf_counter", lambda: now[0])
        pieces = []
        for run in progress.runs(order, mini_batch_size, "Epoch 0"):
            pieces.append(run)
            now[0] += next(durations)
    assert all(len(piece) % mini_batch_size == 0 for piece in pieces[:-1])
    np.testing.assert_array_equal(np.concatenate([*pieces, order[:0]]), order)


def test_a_short_epoch_is_few_runs_and_shows_nothing(clock, monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    count = 0
    for run in progress.runs(np.arange(50_000), 10, "Epoch 0"):
        clock.now += len(run) * 1e-6
        count += 1
    assert count < 8
    assert progress.sys.stderr.getvalue() == ""


def test_the_first_run_has_as_many_mini_batches_as_is_said():
    sizes = [len(run) for run in progress.runs(np.arange(95), 10, "Epoch 0", 8)]
    assert sizes == [80, 15]


@pytest.mark.parametrize(("stream", "shown"), [(Terminal, True), (io.StringIO, False)])
def test_a_long_epoch_shows_a_bar_on_a_terminal_only(clock, monkeypatch, capsys, stream, shown):
    monkeypatch.setattr(progress.sys, "stderr", stream())
    monkeypatch.setenv("TERM", "xterm")
    gaps = []
    for run in progress.runs(np.arange(50_000), 10, "Epoch 3"):
        clock.now += len(run) * 1e-4
        gaps.append(len(run) * 1e-4)
    assert max(gaps[10:]) < 0.2  # seconds between two updates
    assert ("Epoch 3" in progress.sys.stderr.getvalue()) == shown
    assert capsys.readouterr().out == ""


def test_compiling_is_a_plain_line_without_a_terminal(capsys):
    with progress.compiling():
        pass
    output = capsys.readouterr()
    assert output.err == f"{progress.COMPILING}\n"
    assert output.out == ""


def test_a_dumb_terminal_gets_the_plain_line(monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    with progress.compiling():
        assert progress.sys.stderr.getvalue() == f"{progress.COMPILING}\n"


def test_a_program_without_standard_error(monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", None)
    with progress.compiling():
        pass


def test_compiling_on_a_terminal_shows_the_time(monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress.compiling():
        pass
    assert progress.COMPILING in progress.sys.stderr.getvalue()
    assert "0:00:00" in progress.sys.stderr.getvalue()


def test_a_bar_of_steps_says_how_long_it_takes_still(clock, monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with progress.steps("0 of 3 networks", 300) as step:
        assert "-:--:--" in progress.sys.stderr.getvalue()
        clock.now = 10
        step(50)
        step(50, title="1 of 3 networks")
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", progress.sys.stderr.getvalue()).rstrip().splitlines()[-1]
    assert "1 of 3 networks" in last
    assert last.split()[-2:] == ["33%", "0:00:20"]


def test_steps_are_counted_in_all_threads(monkeypatch):
    @contextlib.contextmanager
    def bar(title, total):
        yield lambda done, title: shown.append((done, title))

    shown = []
    monkeypatch.setattr(progress, "_bar", bar)
    monkeypatch.setattr(progress, "_watched", lambda: True)
    with progress.steps("Timing", 400) as step, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: step(), range(400)))
    assert shown == [(done, None) for done in range(1, 401)]


def test_steps_without_a_terminal(capsys):
    with progress.steps("Timing", 3) as step:
        step()
        step(2, title="Done")
    assert capsys.readouterr() == ("", "")


def test_in_the_background_nothing_is_shown_and_a_function_is_called(clock, monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    calls = []
    with progress.in_background(lambda: calls.append(clock.now)):
        for run in progress.runs(np.arange(50_000), 10, "Epoch 3"):
            clock.now += len(run) * 1e-4
        with progress.compiling():
            pass
    assert progress.sys.stderr.getvalue() == ""
    assert np.diff(calls[10:]).max() < 0.2  # seconds between two calls
    assert calls[-1] == clock.now


def test_from_the_background_an_epoch_can_be_ended():
    def stop():
        raise InterruptedError

    with progress.in_background(stop), pytest.raises(InterruptedError):
        for _ in progress.runs(np.arange(50_000), 10, "Epoch 3"):
            pass
    assert sum(map(len, progress.runs(np.arange(50_000), 10, "Epoch 3"))) == 50_000


def test_the_background_is_that_of_one_thread(capsys):
    def compile_elsewhere():
        with progress.compiling():
            pass

    with progress.in_background(), ThreadPoolExecutor(1) as pool:
        pool.submit(compile_elsewhere).result()
    assert capsys.readouterr().err == f"{progress.COMPILING}\n"


def a_long_epoch(clock):
    for run in progress.runs(np.arange(50_000), 10, "Epoch 3"):
        clock.now += len(run) * 1e-4
        print("printed")


def steps(clock):
    with progress.steps("Timing", 3) as step:
        step()
        print("printed")


def compiling(clock):
    with progress.compiling():
        print("printed")


class WithoutIsatty:
    """A stream with the method that `print` needs, but without `isatty`."""

    def __init__(self):
        self.texts = []

    def write(self, text):
        self.texts.append(text)

    def getvalue(self):
        return "".join(self.texts)


@pytest.mark.parametrize("show", [a_long_epoch, steps, compiling])
@pytest.mark.parametrize("kind", [None, io.StringIO, WithoutIsatty])
def test_what_is_printed_goes_where_it_was_sent(clock, monkeypatch, show, kind):
    """Redirected lines never appear on the terminal with the bar, neither during the bar nor afterwards."""
    stdout = None if kind is None else kind()
    monkeypatch.setattr(progress.sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with contextlib.redirect_stdout(stdout):
        show(clock)
        assert progress.sys.stdout is stdout
        print("afterwards")
    shown = progress.sys.stderr.getvalue()
    assert shown  # a bar was shown
    assert "printed" not in shown
    assert "afterwards" not in shown
    assert stdout is None or stdout.getvalue().startswith("printed\n")
    assert stdout is None or stdout.getvalue().endswith("printed\nafterwards\n")


def test_lines_on_the_terminal_of_a_bar_go_above_it(clock, monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with contextlib.redirect_stdout(Terminal()) as stdout:
        steps(clock)
        assert progress.sys.stdout is stdout
    assert stdout.getvalue() == ""  # the bar would overwrite the text
    assert "printed" in terminal.getvalue()


@pytest.mark.parametrize("there", [True, False])
def test_a_notebook_shows_bars_where_it_can(monkeypatch, there):
    monkeypatch.setitem(progress.sys.modules, "ipykernel", object())
    monkeypatch.setattr(progress, "find_spec", lambda name: object() if there and name == "ipywidgets" else None)
    assert progress._watched() == there
    with progress.in_background():
        assert not progress._watched()
