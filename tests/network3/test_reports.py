"""`report`, which chapter 6's `SGD` calls instead of printing the book's lines."""

import numpy as np
import pytest
from network3_in_numpy import bits, small_network, some_data

from fastnet.network3 import Network, SoftmaxLayer
from fastnet.network3 import training as printing

DATA = some_data()


def test_a_report_is_called_after_each_epoch_instead_of_printing(engine, monkeypatch, capsys):
    monkeypatch.setattr(printing, "_MINI_BATCHES_PER_LINE", 4)
    net, plain, seen = small_network(engine, 0.5), small_network(engine, 0.5), []
    np.random.seed(1)
    net.SGD(DATA, 3, 4, 0.3, DATA, DATA, report=lambda history: seen.append((history, len(history.epochs), net.best)))
    assert capsys.readouterr() == ("", "")
    assert [(history is net.history, epochs) for history, epochs, _ in seen] == [(True, 1), (True, 2), (True, 3)]
    np.random.seed(1)
    plain.SGD(DATA, 3, 4, 0.3, DATA, DATA)
    assert capsys.readouterr().out
    assert bits(net) == bits(plain)
    assert seen[-1][2] == net.best == plain.best
    assert net.history.series("test_accuracy") == plain.history.series("test_accuracy")


def test_a_report_can_use_the_best_epoch_so_far():
    """The validation sample is classified correctly after the first epoch, and incorrectly after the second."""
    net, seen = Network([SoftmaxLayer(1, 2, params=([[0.0, 0.0]], [0.3, 0.0]))], 1, engine="numpy"), []
    net.SGD(
        (np.zeros((1, 1)), [1]), 2, 1, 0.2, (np.zeros((1, 1)), [0]), None, report=lambda history: seen.append(net.best)
    )
    assert net.history.series("evaluation_accuracy") == [1, 0]
    assert seen == [(1.0, 0, None)] * 2


@pytest.mark.filterwarnings("ignore")
def test_a_run_that_diverges_is_silent_too(capsys):
    net = Network([SoftmaxLayer(2, 2)], 1, engine="numpy")
    data = np.ones((2, 2)), [0, 1]
    net.SGD(data, 3, 1, 1e38, data, None, lmbda=1e38, report=lambda history: None)
    assert "infinite or NaN" in net.stopped
    assert capsys.readouterr().out == ""


def test_only_new_epochs_are_reported(tmp_path, capsys):
    calls = []
    for epochs in (2, 5):
        net = small_network()
        net.SGD(
            DATA, epochs, 4, 0.3, DATA, None, checkpoint=tmp_path / "run", resume=epochs == 5,
            report=lambda history: calls.append(len(history.epochs)),
        )  # fmt: skip
    assert calls == [1, 2, 3, 4, 5]


def test_what_a_report_raises_ends_the_run_after_that_epoch(tmp_path):
    def stop(history):
        if len(history.epochs) == 2:
            raise RuntimeError("enough")

    net, whole, again = (small_network(p_dropout=0.5) for _ in range(3))
    for each, epochs, options in ((net, 4, {"report": stop, "checkpoint": tmp_path / "run"}), (whole, 4, {})):
        np.random.seed(1)
        if each is net:
            with pytest.raises(RuntimeError, match="enough"):
                each.SGD(DATA, epochs, 4, 0.3, DATA, None, **options)
        else:
            each.SGD(DATA, epochs, 4, 0.3, DATA, None, report=lambda history: None)
    assert len(net.history.epochs) == 2
    again.SGD(DATA, 4, 4, 0.3, DATA, None, report=lambda history: None, checkpoint=tmp_path / "run", resume=True)
    assert bits(again) == bits(whole)


@pytest.mark.parametrize("report", [3, "print", []])
def test_what_is_no_report(report, tmp_path, capsys):
    net = small_network(p_dropout=0.5)
    np.random.seed(7)
    before = bits(net)
    with pytest.raises(TypeError, match=r"^report is .*; it must be a function"):
        net.SGD(DATA, 1, 4, 0.3, DATA, None, report=report, checkpoint=tmp_path / "run")
    assert (bits(net), net.history, net.best) == (before, None, None)
    assert np.random.random() == np.random.RandomState(7).random()
    assert not [*tmp_path.iterdir()]
    assert capsys.readouterr().out == ""
