"""Valid and invalid arguments of the classifier, in tables.

An invalid argument raises a `TypeError` or a `ValueError` that names the argument, before any training or writing.
"""

import math
import os

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra torch is not installed")
pytest.importorskip("torchvision", reason="the extra torch is not installed")

from torch import nn  # noqa: E402
from torch.utils.data import Subset, TensorDataset  # noqa: E402

from fastnet.pytorch_mnist import Options, evaluate, make_model, train  # noqa: E402

N = 20
IMAGES, LABELS = torch.rand(N, 1, 2, 2, generator=torch.Generator().manual_seed(0)), torch.arange(N) % 10
DATA = TensorDataset(IMAGES, LABELS)
OPTIONS = Options(sizes=(4, 3, 10), epochs=2, device="cpu")


def with_a(value):
    copy = IMAGES.clone()
    copy[5, 0, 1, 1] = value
    return TensorDataset(copy, LABELS)


NO_DATA = {
    "None": (None, TypeError, "is a NoneType; it must be a TensorDataset of images and labels"),
    "a tuple": ((IMAGES, LABELS), TypeError, "is a tuple; it must be a TensorDataset"),
    "a part": (Subset(DATA, [0, 1]), TypeError, "is a Subset; it must be a TensorDataset"),
    "images alone": (TensorDataset(IMAGES), TypeError, r"is a TensorDataset \(number of tensors: 1\); it"),
    "three tensors": (TensorDataset(IMAGES, LABELS, LABELS), TypeError, r"TensorDataset \(number of tensors: 3\); it"),
    "float64": (TensorDataset(IMAGES.double(), LABELS), TypeError, "images of dtype torch.float64 .* torch.float32"),
    "int32": (TensorDataset(IMAGES, LABELS.int()), TypeError, "has labels of dtype torch.int32 .* torch.int64"),
    "sparse": (TensorDataset(IMAGES.to_sparse(), LABELS), TypeError, r"has images of .*sparse_coo; .* torch\.strided"),
    "vectors": (TensorDataset(IMAGES, torch.eye(10).long()[LABELS]), ValueError, r"and labels of shape \(20, 10\)"),
    "numbers for images": (TensorDataset(torch.rand(N), LABELS), ValueError, r"has images of shape \(20,\) and"),
    "nothing": (TensorDataset(IMAGES[:0], LABELS[:0]), ValueError, r"images of shape \(0, 1, 2, 2\) .* n at least 1"),
    "no pixels": (TensorDataset(IMAGES[..., :0], LABELS), ValueError, "has images of 0 pixels; they must have 4"),
    "other images": (TensorDataset(torch.rand(N, 5), LABELS), ValueError, "has images of 5 pixels; they must have 4"),
    "too large a label": (TensorDataset(IMAGES, LABELS + 1), ValueError, "has labels from 1 to 10; they must .* to 9"),
    "a negative label": (TensorDataset(IMAGES, LABELS - 1), ValueError, "has labels from -1 to 8; they must be from 0"),
    "NaN": (with_a(math.nan), ValueError, "has images with infinite or NaN pixels"),
    "infinity": (with_a(-math.inf), ValueError, "has images with infinite or NaN pixels"),
}
SETTINGS = {
    "options": [None, "fast", (784, 10), {}],
    "report": [3, "print"],
    "checkpoint": [None, 3, b"net.pth", "", "a\0b", ".", "/dev/null", "nowhere/net.pth", "file/net.pth"],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a file that the test must leave unchanged."""
    (tmp_path / "file").write_text("precious")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "precious"


def refused(error, message, **arguments):
    generator = torch.get_rng_state()
    with pytest.raises(error, match=message):
        train(**{"training": DATA, "validation": DATA, "options": OPTIONS, "report": pytest.fail, **arguments})
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize("what", NO_DATA)
def test_what_is_no_data(what, folder):
    data, error, message = NO_DATA[what]
    for argument in ("training", "validation"):
        refused(error, f"^{argument}.*{message}", **{argument: data})
    with pytest.raises(error, match=f"^data.*{message}"):
        evaluate(make_model(OPTIONS), data)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in SETTINGS.items() for value in values])
def test_how_it_cannot_be_trained(name, value, folder):
    refused((TypeError, ValueError), f"^{name} is .* (must be|name a file) ", **{name: value})


def test_what_does_not_go_together(folder):
    one = TensorDataset(IMAGES[:1], LABELS[:1])
    normalized = Options((4, 10), batch_norm=True)
    refused(ValueError, r"training .* \(1, 1, 2, 2\) .* n at least 2", training=one, options=normalized)
    single = Options((4, 10), batch_norm=True, batch_size=1)
    refused(ValueError, "batch_size is 1; batch normalization needs mini-batches of at least 2", options=single)
    rows = TensorDataset(IMAGES.flatten(1), LABELS)  # `augment` would rotate a mini-batch of rows as one image
    message = r"training .* \(20, 4\) .* must be \(n, \.\.\., \.\.\.\)"
    refused(ValueError, message, training=rows, options=Options((4, 10), augment=True))
    if not torch.cuda.is_available():
        refused(ValueError, "device is 'cuda', but PyTorch finds no GPU", options=Options((4, 10), device="cuda"))


def test_images_without_an_order_of_pixels_are_taken(tmp_path):
    options = Options((4, 3, 10), epochs=1, device="cpu", seed=0)
    path = tmp_path / "net.pth"
    losses = [
        train(TensorDataset(images, LABELS), DATA, options, str(path), None).history[0].loss
        for images in (IMAGES, IMAGES.flatten(1), IMAGES[:, 0], IMAGES.transpose(2, 3).contiguous().transpose(2, 3))
    ]
    assert losses == losses[:1] * 4


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (nn.Linear(4, 10), ValueError, "model has parameters or buffers that are infinite or NaN"),
        (None, TypeError, "model is a NoneType; it must be a Module"),
        (lambda images: images, TypeError, "model is a function; it must be"),
    ],
)
def test_what_cannot_be_evaluated(model, error, message):
    for value in (math.nan, math.inf):
        if isinstance(model, nn.Module):
            nn.init.constant_(model.bias, value)
        with pytest.raises(error, match=message):
            evaluate(model, DATA)


def test_a_given_model_is_evaluated():
    known = TensorDataset(torch.eye(10).view(10, 1, 2, 5), torch.arange(10))
    assert evaluate(nn.Flatten(), known) == 1  # a model without parameters


REFUSED = {
    "sizes": [None, 784, "784", (10,), (784, 9), (0, 10), (7.0, 10), (4, 2**31 - 1, 10), (4, 10**30, 10)],
    "dropout": [1, -0.1, math.nan, "0", None],
    "batch_norm": [1, None, "yes"],
    "epochs": [0, 1.5, True, None],
    "batch_size": [0, 2.0],
    "learning_rate": [0, -1, math.nan, math.inf, 1e39, 10**400, 1e-50, "1", True],
    "momentum": [-0.1, 1, math.nan],
    "weight_decay": [-1, math.nan, math.inf, 1e39],
    "schedule": ["step", None, ["cosine"]],
    "patience": [0, None],
    "augment": ["no", 0],
    "device": ["tpu", None],
    "seed": [-1, 2**32, 0.5],
    "threads": [0, 4 * (os.cpu_count() or 1) + 1, 999999999999, 1.0, None],
}


@pytest.mark.parametrize("name", Options.__dataclass_fields__)
def test_options_that_are_refused_by_name(name):
    names = "sizes|a size" if name == "sizes" else name
    for value in REFUSED[name]:
        with pytest.raises((TypeError, ValueError), match=rf"^({names}) is .*(must |its weights need .+ GiB)"):
            Options(**{name: value})


def test_each_option_has_its_meaning_in_the_docstring():
    for name, field in Options.__dataclass_fields__.items():
        assert f"\n{name} : {field.type}\n    {field.metadata['settings']['help']}" in Options.__doc__


def test_options_of_other_types_are_taken_as_what_they_are():
    options = Options([4, 10], epochs=np.int64(3), batch_norm=np.True_, learning_rate=np.float32(0.5), threads=1)
    assert (options.sizes, options.epochs, options.batch_norm) == ((4, 10), 3, True)
    assert [type(each) for each in (options.epochs, options.batch_norm, options.learning_rate)] == [int, bool, float]
