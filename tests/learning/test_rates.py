"""Compares schedules of the learning rate with NumPy and PyTorch, and tests training on deformed images."""

import numpy as np
import pytest

from fastnet import Cosine, Dataset, Geometric, Steps, expand_mnist, network2
from fastnet.learning.schedules import as_schedule


def rates(schedule, eta, epochs):
    return [as_schedule(schedule).rate(eta, epoch, epochs) for epoch in range(epochs)]


@pytest.mark.parametrize("epochs", [1, 2, 7, 60])
def test_geometric_rates_are_numpys(epochs):
    np.testing.assert_allclose(rates(Geometric(0.002), 0.1, epochs), np.geomspace(0.1, 0.002, epochs), rtol=1e-12)
    np.testing.assert_allclose(rates("geometric", 3.0, epochs), np.geomspace(3.0, 0.03, epochs), rtol=1e-12)


@pytest.mark.parametrize("epochs", [1, 2, 7, 60])
def test_the_other_rates_are_pytorchs(epochs):
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    for schedule, make in [
        ("cosine", lambda optimizer: schedulers.CosineAnnealingLR(optimizer, epochs)),
        (Cosine(0.01), lambda optimizer: schedulers.CosineAnnealingLR(optimizer, epochs, eta_min=0.01)),
        (Steps([1, 5], 0.3), lambda optimizer: schedulers.MultiStepLR(optimizer, [1, 5], 0.3)),
    ]:
        optimizer = torch.optim.SGD([torch.zeros(1)], 0.5)
        scheduler, expected = make(optimizer), []
        for _ in range(epochs):
            expected += scheduler.get_last_lr()
            optimizer.step()
            scheduler.step()
        np.testing.assert_allclose(rates(schedule, 0.5, epochs), expected, rtol=1e-9)


def test_steps_by_default():
    assert rates("steps", 8.0, 8) == pytest.approx([8.0] * 4 + [0.8] * 2 + [0.08] * 2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Geometric(0), ValueError, r"last is 0"),
        (lambda: Cosine(-1), ValueError, r"last is -1"),
        (lambda: Steps([1.5]), TypeError, r"epochs\[0\] is 1\.5"),
        (lambda: Steps({20: 0.1}), TypeError, r"epochs is \{20: 0.1\}; it must be a sequence"),
        (lambda: Steps(5), TypeError, r"epochs is 5; it must be a sequence of integers, such as \(20, 25\)"),
        (lambda: Steps(factor=0), ValueError, r"factor is 0"),
        (lambda: as_schedule("linear"), ValueError, r"schedule is 'linear'; it must be one of halve, geometric, "),
    ],
)
def test_what_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def images(n=30):
    random = np.random.default_rng(0)
    return Dataset(random.random((n, 64)).astype(np.float32), np.eye(3)[random.integers(0, 3, n)])


def trained(epochs, folder=None, engine="numba", **keywords):
    net = network2.Network([64, 5, 3], engine=engine, seed=1)
    options = {"checkpoint": folder / "run", "resume": True} if folder else {}
    net.SGD(images(), epochs, 4, 0.5, report=lambda history: None, **options, **keywords)
    return net


def test_sgd_trains_with_these_rates():
    net = trained(3, schedule=Geometric(0.02))
    assert [epoch.eta for epoch in net.history.epochs] == pytest.approx([0.5, 0.1, 0.02])
    with_steps = trained(3, schedule=Steps([1], 1.0))  # with the factor 1, the rate is constant
    assert [w.tolist() for w in with_steps.weights] == [w.tolist() for w in trained(3).weights]


@pytest.mark.parametrize("engine", ["numba", "numpy", "reference", "torch-cpu"])
def test_each_epoch_trains_on_images_that_are_deformed_anew(engine):
    if engine == "torch-cpu":
        pytest.importorskip("torch")
    net, data = network2.Network([64, 5, 3], engine=engine, seed=1), images()
    net.SGD(data, 2, 4, 0.5, deform={"rotation": 20}, report=lambda history: None)
    other, random = network2.Network([64, 5, 3], engine=engine, seed=1), np.random.RandomState(7)
    random.set_state(network2.Network([64, 5, 3], seed=1)._random.get_state())
    for _ in range(2):
        deformed = expand_mnist.deform(data, rotation=20, seed=int(random.randint(2**31)))
        order = random.permutation(len(data))
        for start in range(0, len(data), 4):
            batch = order[start : start + 4]
            other.update_mini_batch(Dataset(deformed.inputs[batch], deformed.targets[batch]), 0.5)
    for found, expected in zip((*net.weights, *net.biases), (*other.weights, *other.biases), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_it_continues_bit_for_bit_from_a_checkpoint(tmp_path, monkeypatch):
    whole = trained(4, schedule="cosine", deform=True)
    deform, calls = expand_mnist.deform, []

    def interrupted(*arguments, **keywords):
        calls.append(1)
        if len(calls) == 4:  # the first call is a trial, so call 4 is in the third epoch
            raise KeyboardInterrupt
        return deform(*arguments, **keywords)

    monkeypatch.setattr(expand_mnist, "deform", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(4, tmp_path, schedule="cosine", deform=True)
    continued = trained(4, tmp_path, schedule="cosine", deform=True)
    assert len(continued.history.epochs) == 4
    assert [w.tobytes() for w in continued.weights] == [w.tobytes() for w in whole.weights]


def test_more_epochs_are_refused_where_all_rates_would_be_others(tmp_path):
    trained(2, tmp_path, schedule="cosine")
    with pytest.raises(ValueError, match="schedule"):
        trained(3, tmp_path, schedule="cosine")


@pytest.mark.parametrize(
    ("deform", "error", "message"),
    [
        (3, TypeError, "deform is 3; it must be True or False"),
        ({"rotate": 3}, TypeError, "deform: .*unexpected keyword argument 'rotate'"),
        ({"rotation": -1}, ValueError, r"deform: rotation is -1"),
    ],
)
def test_a_wrong_deformation_is_refused_before_training(deform, error, message):
    with pytest.raises(error, match=message):
        trained(1, deform=deform)
