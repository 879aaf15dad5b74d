"""Interrupted runs of chapter 6's networks resume from a checkpoint."""

import numpy as np
import pytest
from network3_in_numpy import bits, small_network, some_data

from fastnet.network3 import Network, ReLU, SoftmaxLayer, training

DATA = some_data()
VALIDATION, TEST = some_data(n=9, seed=1), some_data(n=10, seed=2)


def train(net, path, epochs, resume=False, eta=0.3, data=DATA, test=TEST):
    net.SGD(data, epochs, 4, eta, VALIDATION, test, lmbda=0.1, checkpoint=path, resume=resume)


@pytest.mark.parametrize("p_dropout", [0.0, 0.5])
def test_a_run_continues_bit_for_bit(p_dropout, engine, tmp_path, capsys):
    whole, begun = small_network(engine, p_dropout), small_network(engine, p_dropout)
    np.random.seed(1)
    train(whole, None, 5)
    state = np.random.get_state()[1]
    np.random.seed(1)
    train(begun, tmp_path / "run", 2)
    net = small_network(engine, p_dropout, seed=9)  # `resume` replaces the parameters by those in the file
    np.random.seed(2)
    train(net, tmp_path / "run", 5, resume=True)
    assert bits(net) == bits(whole)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    for name in ("number", "evaluation_accuracy"):
        assert net.history.series(name) == whole.history.series(name)
    assert net.best == whole.best
    assert net.history.series("test_accuracy") == whole.history.series("test_accuracy")
    assert f"iteration {whole.best.iteration}\n" in capsys.readouterr().out.rpartition("Finished")[2]


def test_ctrl_c_loses_no_whole_epoch(tmp_path, monkeypatch, capsys):
    net, like = small_network(p_dropout=0.5), small_network(p_dropout=0.5)
    calls = iter(range(100))

    def say(*args, **keywords):
        if next(calls) == 2:
            raise KeyboardInterrupt

    np.random.seed(1)
    train(like, None, 4)
    np.random.seed(1)
    monkeypatch.setattr(training, "print", say, raising=False)
    monkeypatch.setattr(training, "_MINI_BATCHES_PER_LINE", 6)  # an epoch has six mini-batches
    with pytest.raises(KeyboardInterrupt):
        train(net, tmp_path / "run", 4)
    assert len(net.history.epochs) == 2
    again = small_network(p_dropout=0.5)
    train(again, tmp_path / "run", 4, resume=True)
    assert bits(again) == bits(like)


def test_a_finished_run_trains_nothing_more(tmp_path, capsys):
    net, again = small_network(), small_network()
    train(net, tmp_path / "run", 3)
    train(again, tmp_path / "run", 3, resume=True)
    assert bits(again) == bits(net)
    assert len(again.history.epochs) == 3
    assert again.best == net.best  # the best epoch is the last one


def test_the_best_epoch_may_be_one_of_the_checkpoint(tmp_path, capsys):
    """The first of two epochs is the best, and its test accuracy is in the checkpoint."""
    data = np.zeros((1, 1)), [1]
    net, again = (Network([SoftmaxLayer(1, 2, params=([[0.0, 0.0]], [1.0, 0.0]))], 1, engine="numpy") for _ in "ab")
    arguments = (data, 2, 1, 0.5, (np.zeros((1, 1)), [0]), (np.zeros((2, 1)), [0, 1]))
    net.SGD(*arguments, checkpoint=tmp_path / "run")
    assert net.best == (1.0, 0, 0.5)
    again.SGD(*arguments, checkpoint=tmp_path / "run", resume=True)
    assert again.best == net.best
    assert again.history.series("test_accuracy") == [1, None]
    assert "accuracy" in str(again.history)


def other_network():
    net = small_network()
    net.layers[1].activation_fn = ReLU
    return net


OTHERS = {
    "eta": (small_network, {"eta": 0.2}, "this checkpoint is from another run, with eta 0.3; this run has eta 0.2"),
    "data": (small_network, {"data": some_data(seed=5)}, "this checkpoint is from a run on other data"),
    "test data": (small_network, {"test": None}, "this checkpoint is from a run on other data"),
    "layers": (
        other_network,
        {},
        r"from another run, with layers \[.*, dense \d+ sigmoid, .*\]; this run has layers \[.* relu",
    ),
    "engine": (lambda: small_network("reference"), {}, "this checkpoint is from another run, with "),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_run_is_refused(what, tmp_path, capsys):
    make, changes, message = OTHERS[what]
    train(small_network(), tmp_path / "run", 1)
    contents, net = (tmp_path / "run").read_bytes(), make()
    before = bits(net)
    with pytest.raises(ValueError, match=message):
        train(net, tmp_path / "run", 3, resume=True, **changes)
    assert (bits(net), net.history, net.best) == (before, None, None)
    assert (tmp_path / "run").read_bytes() == contents


def test_a_file_that_is_there_is_not_replaced(tmp_path, capsys):
    (tmp_path / "run").write_text("precious")
    net = small_network(p_dropout=0.5)
    before, state = bits(net), np.random.get_state()[2]
    with pytest.raises(ValueError, match="exists; give resume=True to continue the run, or another file"):
        train(net, tmp_path / "run", 1)
    with pytest.raises(ValueError, match="resume is True, but checkpoint is None"):
        train(net, None, 1, resume=True)
    assert (bits(net), np.random.get_state()[2]) == (before, state)
    assert (tmp_path / "run").read_text() == "precious"
