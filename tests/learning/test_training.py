"""Tests of the training loop with `FakeLearner`, which records its calls and returns given accuracies."""

import signal
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from fastnet.engines.contract import Totals
from fastnet.learning.diagnostics import NeverPredicted, TrainingWarning, never_predicted
from fastnet.learning.history import History
from fastnet.learning.schedules import Plan
from fastnet.learning.training import Findings, Training, descend
from fastnet.utils import progress


class FakeLearner:
    """A fake learner: `train` increments the parameter, and `findings` returns the next of the given accuracies."""

    def __init__(self, accuracies, at_epoch=None, at_evaluation=None, **findings):
        self.value, self.calls, self.findings_ = np.zeros(1), [], findings
        self.accuracies, self.at_epoch, self.at_evaluation = iter(accuracies), at_epoch or {}, at_evaluation or {}

    def begin(self):
        self.before = self.value

    def train(self, number, eta, handle_deferred):
        self.calls.append((number, eta))
        self.value = self.value + 1
        if number in self.at_epoch:
            self.at_epoch[number](self)
        handle_deferred()
        return 0.25

    def arrays(self):
        return [self.value]

    def undo(self):
        self.value = self.before

    def findings(self):
        number = len(self.calls) - 1
        if number in self.at_evaluation:
            self.at_evaluation[number](self)
        return Findings(evaluation_accuracy=next(self.accuracies), **self.findings_)


def run(learner, epochs, rule=None, report=lambda history: None, keep=lambda: None):
    training = Training(learner, History({}, 10, 10, machine={}), epochs, rule or Plan(0.5, None, None))
    training.run(report, keep)
    return training.history


def test_an_epoch_is_kept_and_then_reported():
    learner, done = FakeLearner([3, 4]), []
    history = run(learner, 2, None, lambda history: done.append(len(history.epochs)), lambda: done.append("kept"))
    assert done == ["kept", 1, "kept", 2]
    assert learner.calls == [(0, 0.5), (1, 0.5)]
    assert history.series("evaluation_accuracy") == [3, 4]
    assert history.series("mini_batch_cost") == [0.25, 0.25]
    assert (history.stopped, history.diverged) == ("", False)


def test_the_rule_says_how_fast_and_how_long():
    learner = FakeLearner([5] * 9)
    history = run(learner, 9, Plan(0.5, 1, "halve"))
    assert [eta for _, eta in learner.calls] == [0.5, 0.5, *(0.5 / 2**k for k in range(1, 7))]
    assert history.stopped.endswith("halved seven times")
    history = run(FakeLearner([5] * 9), 2, Plan(0.5, 1, None))
    assert len(history.epochs) == 2
    assert history.stopped == ""  # all requested epochs were trained


def test_the_value_that_the_rule_uses_can_be_chosen():
    training = Training(
        FakeLearner([1, 2, 3, 4]),
        History({}, 10, 10, machine={}),
        4,
        Plan(0.5, 2),
        lambda epoch: -epoch.evaluation_accuracy,
    )
    training.run(lambda history: None)
    assert len(training.history.epochs) == 3
    assert training.rule.stopped == "Stopped: no better evaluation accuracy than -1 in 2 epochs"


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_parameters_that_are_not_finite_are_undone(value):
    def diverge(learner):
        learner.value = np.array([value])

    learner = FakeLearner([3, 4, 5], {1: diverge})
    history = run(learner, 3)
    assert learner.value == 1
    assert len(history.epochs) == 1
    assert history.diverged
    assert history.stopped == "Stopped: weights became infinite or NaN in epoch 1"


def fail(learner):
    raise ZeroDivisionError


@pytest.mark.parametrize("failing", [{"at_epoch": {1: fail}}, {"at_evaluation": {1: fail}}])
def test_an_epoch_that_fails_is_undone(failing):
    learner, kept = FakeLearner([3, 4], **failing), []
    training = Training(learner, History({}, 10, 10, machine={}), 2, Plan(0.5, None, None))
    with pytest.raises(ZeroDivisionError):
        training.run(lambda history: None, lambda: kept.append(learner.value))
    assert learner.value == 1
    assert len(training.history.epochs) == 1
    assert kept == [1]


def test_ctrl_c_is_raised_where_the_learner_handles_it():
    deferred = []

    def interrupted(learner):
        signal.raise_signal(signal.SIGINT)
        deferred.append("not yet")

    with pytest.raises(KeyboardInterrupt):
        run(FakeLearner([3, 4], {0: interrupted}), 2)
    assert deferred == ["not yet"]


def test_ctrl_c_during_the_evaluation_is_raised_when_the_epoch_is_kept():
    learner, kept = FakeLearner([3, 4], at_evaluation={0: lambda learner: signal.raise_signal(signal.SIGINT)}), []
    training = Training(learner, History({}, 10, 10, machine={}), 2, Plan(0.5, None, None))
    with pytest.raises(KeyboardInterrupt):
        training.run(lambda history: None, lambda: kept.append(learner.value))
    assert kept == [learner.value] == [1]
    assert len(training.history.epochs) == 1


def test_labels_that_are_never_predicted_are_reported_once():
    with pytest.warns(
        TrainingWarning, match="^epoch 1: no sample was classified as 2 in two consecutive epochs"
    ) as caught:
        run(FakeLearner([1] * 4, never_predicted=NeverPredicted((2,))), 4)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(FakeLearner([1], never_predicted=NeverPredicted((2,))), 1)


def test_a_run_of_one_epoch_reports_that_all_samples_got_the_same_label():
    found = NeverPredicted((0, 2), all_the_same=True)
    with pytest.warns(TrainingWarning, match=r"^epoch 0: no sample was classified as 0 or 2, although .* more epochs$"):
        run(FakeLearner([1], never_predicted=found), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(FakeLearner([1, 1], {1: lambda learner: learner.findings_.clear()}, never_predicted=found), 2)


def test_never_predicted_counts():
    labels, predicted = np.repeat([0, 1, 2], [20, 19, 30]), np.repeat([2, -1], [60, 9])
    assert never_predicted(labels, predicted, 4) == NeverPredicted((0,), all_the_same=True)
    predicted[0] = 3
    assert never_predicted(labels, predicted, 4) == NeverPredicted((0,), all_the_same=False)


class Engine:
    """A fake engine with a cost of 0.1 per sample. Rounding makes sums of 0.1 depend on the order of summation."""

    def __init__(self):
        self.parts = []
        self.architecture = SimpleNamespace(multiplications=1 << 20)

    def epoch(self, part, mini_batch_size, eta, descent, with_costs=False, with_penalty=False):
        self.parts.append(len(part))
        return Totals(sum([0.1] * len(part)), sum([0.3] * len(part))) if with_costs else None


@pytest.mark.parametrize("mini_batch_size", [7, 10_000])
def test_the_sum_of_the_costs_does_not_depend_on_the_time(mini_batch_size, monkeypatch):
    sums, calls = [], []
    for seconds in (1e-9, 100):
        monkeypatch.setattr(progress, "_RUN", seconds)
        engine = Engine()
        order = np.arange(50_000)
        keywords = {"title": "", "handle_deferred": lambda: calls.append(1), "with_costs": True}
        sums.append(descend(engine, order, mini_batch_size, 0.5, None, **keywords))
        assert sum(engine.parts) == 50_000
        assert all(size % mini_batch_size == 0 for size in engine.parts[:-1])
    assert sums[0] == sums[1]
    assert len(calls) > 4
    assert descend(Engine(), order, mini_batch_size, 0.5, None, title="", handle_deferred=lambda: None) is None
