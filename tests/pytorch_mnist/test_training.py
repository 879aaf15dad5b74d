import math
from itertools import combinations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra torch is not installed")
pytest.importorskip("torchvision", reason="the extra torch is not installed")

from fastnet import pytorch_mnist  # noqa: E402
from fastnet.pytorch_mnist import Options  # noqa: E402

SIZES = (16, 8, 10)
NO_PROGRESS = 1e-12  # a learning rate so small that parameters hardly change


def draw(samples, seed=0):
    """Draw images of 4 x 4 pixels; the label is the index of the one bright pixel."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, samples)
    images = random.random((samples, 16)) / 4
    images[np.arange(samples), labels] += 0.75
    pixels = torch.from_numpy(images.astype(np.float32)).view(-1, 1, 4, 4)
    return torch.utils.data.TensorDataset(pixels, torch.from_numpy(labels))


@pytest.fixture
def train(tmp_path):
    """Return a function that trains on drawn images, and by default prints nothing."""

    def train(report=lambda epoch: None, samples=60, path=tmp_path / "model.pth", **settings):
        options = Options(**{"sizes": SIZES, "device": "cpu", "seed": 1, **settings})
        return pytorch_mnist.train(draw(samples), draw(40, seed=1), options, path, report)

    return train


@pytest.fixture
def rising(monkeypatch):
    """Replace `evaluate` by a function that returns a higher accuracy in each call."""
    accuracies = iter(range(99))
    monkeypatch.setattr("fastnet.pytorch_mnist.evaluate", lambda model, data: next(accuracies) / 99)


def parameters(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_a_step_is_that_of_the_formulas(train):
    result = train(sizes=(16, 10), epochs=1, batch_size=60, learning_rate=0.7, weight_decay=0.3)
    torch.manual_seed(1)
    w, b = (p.detach().double().numpy() for p in pytorch_mnist.make_model(Options(sizes=(16, 10))).parameters())
    (images, labels), (seen, digits) = draw(60).tensors, draw(40, seed=1).tensors
    x, y = images.view(60, 16).double().numpy(), np.eye(10)[labels]
    z = x @ w.T + b
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    new_w = w - 0.7 * ((p - y).T @ x / 60 + 0.3 * w)
    new_b = b - 0.7 * ((p - y).mean(axis=0) + 0.3 * b)
    np.testing.assert_allclose(parameters(result.model), [*new_w.ravel(), *new_b], rtol=0, atol=1e-6)
    (epoch,) = result.history
    assert epoch.loss == pytest.approx(-np.log(p[y == 1]).mean(), abs=1e-6)
    assert epoch.training_accuracy == np.mean(p.argmax(axis=1) == labels.numpy())
    outputs = seen.view(40, 16).numpy() @ new_w.T + new_b
    assert epoch.validation_accuracy == np.mean(outputs.argmax(axis=1) == digits.numpy())


def test_the_loss_is_the_mean_over_samples_and_not_over_mini_batches(train):
    losses = [train(epochs=1, batch_size=n, learning_rate=NO_PROGRESS).history[0].loss for n in (7, 60)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_it_learns_and_the_best_epoch_is_kept(train):
    result = train(samples=500, epochs=10, patience=10, learning_rate=0.3)
    assert result.best.validation_accuracy > 0.9 > result.history[0].validation_accuracy
    assert pytorch_mnist.evaluate(result.model, draw(40, seed=1)) == result.best.validation_accuracy


def test_the_best_epoch_is_the_first_of_equals(train, tmp_path, monkeypatch):
    accuracies, seen = [0.2, 0.8, 0.5, 0.8], []

    def evaluate(model, data):
        seen.append(parameters(model).clone())
        return accuracies[len(seen) - 1]

    monkeypatch.setattr("fastnet.pytorch_mnist.evaluate", evaluate)
    result = train(epochs=4)
    assert (result.best.number, [epoch.number for epoch in result.history]) == (2, [1, 2, 3, 4])
    for model in (result.model, pytorch_mnist.load_model(tmp_path / "model.pth")):
        assert torch.equal(parameters(model), seen[1])
        assert not torch.equal(parameters(model), seen[3])


def test_the_result_is_that_of_the_run_whatever_happens_to_the_file(train, tmp_path):
    expected = train(epochs=2, path=tmp_path / "whole.pth").model
    found = train(lambda epoch: (tmp_path / "model.pth").unlink(missing_ok=True), epochs=2).model
    assert torch.equal(parameters(found), parameters(expected))
    assert not found.training


def test_it_stops_early(train):
    result = train(epochs=30, patience=3, learning_rate=NO_PROGRESS)
    assert (len(result.history), result.best.number) == (4, 1)


def test_an_epoch_prints_as_a_line():
    epoch = pytorch_mnist.EpochResult(1, 0.5, 0.73281, 0.75409, 0.88, 1.0)
    assert str(epoch) == "Epoch 1, Loss: 0.7328, Train Acc: 75.41%, Val Acc: 88.00%"


@pytest.mark.usefixtures("rising")
def test_what_was_best_before_an_interruption_is_kept(train, tmp_path):
    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(interrupt)
    expected = train(epochs=3, path=tmp_path / "whole.pth").model
    assert torch.equal(parameters(pytorch_mnist.load_model(tmp_path / "model.pth")), parameters(expected))


def test_the_same_seed_gives_the_same_run_and_leaves_no_trace(train):
    generator, threads = torch.get_rng_state(), torch.get_num_threads()
    settings = {"epochs": 3, "dropout": 0.2, "augment": True, "threads": threads + 1}
    first, again, other = train(**settings), train(**settings), train(**settings, seed=2)
    assert torch.equal(parameters(first.model), parameters(again.model))
    assert [epoch.loss for epoch in first.history] == [epoch.loss for epoch in again.history]
    assert first.history[0].loss != other.history[0].loss
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.get_num_threads() == threads


def test_without_a_seed_the_global_generator_makes_a_run_repeatable(train):
    losses = []
    for seed in (5, 5, None):  # the third run does not reset the generator
        if seed is not None:
            torch.manual_seed(seed)
        losses.append(train(epochs=1, seed=None).history[0].loss)
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize(
    "setting", [{"dropout": 0.3}, {"batch_norm": True}, {"momentum": 0.5}, {"augment": True}, {"batch_size": 9}]
)
def test_options_reach_the_training(train, setting):
    plain, changed = train(epochs=2), train(epochs=2, **setting)
    assert plain.history[1].loss != changed.history[1].loss


def test_dropout_is_for_every_epoch_of_training_and_not_for_validation(train):
    plain, changed = (train(epochs=3, learning_rate=NO_PROGRESS, dropout=dropout) for dropout in (0.0, 0.5))
    for epoch, expected in zip(changed.history, plain.history, strict=True):
        assert abs(epoch.loss - expected.loss) > 1e-3
        assert epoch.validation_accuracy == expected.validation_accuracy


def test_the_order_is_another_in_each_epoch(train, monkeypatch):
    seen = []
    monkeypatch.setattr("fastnet.pytorch_mnist.AUGMENTATION", lambda image: seen.append(image) or image)
    train(epochs=2, augment=True, batch_size=60)
    orders = draw(60).tensors[0], torch.stack(seen[:60]), torch.stack(seen[60:])
    assert not any(torch.equal(one, other) for one, other in combinations(orders, 2))


@pytest.mark.usefixtures("rising")
def test_momentum_is_that_of_the_formula(train):
    one, two, three = (
        parameters(train(sizes=(16, 10), epochs=n, batch_size=60, learning_rate=1e-3, momentum=0.9).model)
        for n in (1, 2, 3)
    )
    assert (three - two).norm() / (two - one).norm() == pytest.approx((1 + 0.9 + 0.81) / (1 + 0.9), rel=0.01)


def test_schedules(train):
    def rates(**settings):
        return [epoch.learning_rate for epoch in train(epochs=6, patience=6, **settings).history]

    assert rates() == [0.1] * 6
    cosine = [0.2 * (1 + math.cos(math.pi * epoch / 6)) for epoch in range(6)]
    assert rates(schedule="cosine", learning_rate=0.4) == pytest.approx(cosine)
    plateau = np.array([1, 1, 1, 0.5, 0.5, 0.25]) * NO_PROGRESS
    assert rates(schedule="plateau", learning_rate=NO_PROGRESS) == pytest.approx(plateau)


@pytest.mark.usefixtures("rising")
def test_while_there_is_progress_the_learning_rate_stays(train):
    assert {epoch.learning_rate for epoch in train(epochs=6, schedule="plateau").history} == {0.1}


def test_augmentation_is_for_training_images_only(train, monkeypatch):
    seen = []
    monkeypatch.setattr("fastnet.pytorch_mnist.AUGMENTATION", lambda image: seen.append(image) or image)
    train(epochs=2, augment=True, batch_size=30)
    images = draw(60).tensors[0]
    assert [image.shape for image in seen] == [images[0].shape] * 120  # each image is transformed separately
    training = {tuple(image.flatten().tolist()) for image in images}
    assert {tuple(image.flatten().tolist()) for image in seen[:60]} == training


def test_augmentation_moves_images_and_keeps_what_is_white():
    images = torch.zeros(5, 1, 28, 28)
    images[:, :, 8:20, 8:20] = 1
    moved = pytorch_mnist.AUGMENTATION(images)
    assert not torch.equal(moved, images)
    assert (moved.shape, moved.min(), moved.max()) == (images.shape, 0, 1)
    assert torch.allclose(moved.sum(), images.sum(), rtol=0.05)


def test_a_last_mini_batch_of_one_sample(train):
    assert math.isfinite(train(samples=21, epochs=1, batch_norm=True).history[0].loss)
    counted = round(train(samples=21, epochs=1).history[0].training_accuracy * 21, 9)
    assert counted == int(counted)


def test_evaluate_leaves_nothing_out(train):
    model = pytorch_mnist.make_model(Options(sizes=SIZES, dropout=0.9, batch_norm=True)).train()
    state, generator = {name: t.clone() for name, t in model.state_dict().items()}, torch.get_rng_state()
    data = draw(2500)
    accuracy = pytorch_mnist.evaluate(model, data)
    images, labels = data.tensors
    assert accuracy == (model.eval()(images).argmax(dim=1) == labels).double().mean().item()
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)


def test_a_batch_may_be_more_than_there_are(train):
    assert train(epochs=2, batch_size=10**30).history[1].loss == train(epochs=2, batch_size=60).history[1].loss


def test_parameters_that_are_none_end_the_training_too(train, monkeypatch):
    """An epoch's last step may make parameters NaN after the epoch's losses were computed."""
    monkeypatch.setattr("fastnet.pytorch_mnist.train_epoch", lambda model, *rest: set_nan(model))
    with pytest.raises(ArithmeticError, match=r"^epoch 1: loss or parameters are not finite"):
        train()


def set_nan(model):
    with torch.no_grad():
        model.layers[1].bias[0] = torch.nan
    return 0.5, 0.5


def test_a_run_that_diverges_says_so_and_keeps_the_best(train, tmp_path):
    with pytest.raises(ArithmeticError, match=r"^epoch \d+: loss or parameters are not finite; try a smaller"):
        train(learning_rate=1e30)
    (tmp_path / "model.pth").write_text("precious")
    with pytest.raises(ArithmeticError):
        train(learning_rate=1e30)
    assert (tmp_path / "model.pth").read_text() == "precious"
