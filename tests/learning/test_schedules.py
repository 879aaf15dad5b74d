"""Tests of the rules that stop training or reduce the learning rate, depending on the accuracy of each epoch."""

import pytest

from fastnet.learning.schedules import SCHEDULES, Plan


def follow(plan, accuracies):
    """Return the learning rate after each epoch, up to the epoch after which the plan stops."""
    etas = []
    for accuracy in accuracies:
        plan.look_at(accuracy)
        etas.append(plan.eta)
        if plan.stopped:
            break
    return etas


def test_without_patience_nothing_happens():
    plan = Plan(0.5, None, None)
    assert follow(plan, [3, 2, 1, 0] * 100) == [0.5] * 400
    assert plan.stopped == ""


@pytest.mark.parametrize(
    ("patience", "accuracies", "epochs"),
    [
        (1, [5, 6, 7, 7, 8], 4),  # an equal accuracy is no improvement
        (2, [5, 4, 6, 5, 6, 7], 5),  # an improvement restarts the count
        (3, [9, 1, 2, 3, 4], 4),  # the last epochs improve on the epoch before, but not on the best
        (2, [0, 0, 0], 3),  # the first epoch is an improvement
        (10, [1] * 10, 10),
    ],
)
def test_it_stops_when_so_many_epochs_were_no_better_than_the_best(patience, accuracies, epochs):
    plan = Plan(0.5, patience, None)
    assert follow(plan, accuracies) == [0.5] * epochs
    if patience == 10:
        assert plan.stopped == ""
        plan.look_at(1)
    best = max(accuracies[:epochs])
    counted = "1 epoch" if patience == 1 else f"{patience} epochs"
    assert plan.stopped == f"Stopped: no better evaluation accuracy than {best} in {counted}"


def test_it_halves_and_stops_when_it_has_halved_seven_times():
    assert SCHEDULES[0] == "halve"
    plan = Plan(0.3, 1, "halve")
    assert follow(plan, [5] * 100) == [0.3, *(0.3 / 2**k for k in range(1, 8))]
    assert plan.eta == 0.3 / 128
    assert plan.stopped == (
        "Stopped: no better evaluation accuracy than 5 in 1 epoch, with a learning rate halved seven times"
    )


@pytest.mark.parametrize("eta", [1e-300, 0.1, 0.7, 3.0, 1e300])
def test_seven_times_whatever_the_learning_rate(eta):
    assert len(set(follow(Plan(eta, 1, "halve"), [0] * 100))) == 8


def test_after_halving_it_waits_again_and_keeps_the_best():
    plan = Plan(8.0, 2, "halve")
    assert follow(plan, [5, 4, 4]) == [8.0, 8.0, 4.0]
    assert follow(plan, [4, 4]) == [4.0, 2.0]
    assert follow(plan, [4, 6, 5, 5]) == [2.0, 2.0, 2.0, 1.0]
    assert follow(plan, [5, 5]) == [1.0, 0.5]
    assert plan.stopped == ""


def test_whether_the_last_value_is_the_best():
    rule, improved = Plan(0.5, None, None), []
    for value in (3, 4, 4, 2, 5):
        rule.look_at(value)
        improved.append(rule.improved)
    assert improved == [True, True, False, False, True]
