"""What may be handed to the classifier and what may not: tables.

Whatever is refused is refused with a `TypeError` or a `ValueError` that names it, before anything is trained or
written; on the command line in one line, with the option's name and exit status 2.
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
from fastnet.torch_classifier.command import command  # noqa: E402
from fastnet.torch_classifier.options import _MOST_AT_ONCE  # noqa: E402

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
    "images alone": (TensorDataset(IMAGES), TypeError, "is a TensorDataset of 1; it must be"),
    "three tensors": (TensorDataset(IMAGES, LABELS, LABELS), TypeError, "is a TensorDataset of 3; it must be"),
    "float64": (TensorDataset(IMAGES.double(), LABELS), TypeError, "has images of torch.float64, .* of torch.float32"),
    "uint8": (TensorDataset(IMAGES.byte(), LABELS), TypeError, "has images of torch.uint8"),
    "int32": (TensorDataset(IMAGES, LABELS.int()), TypeError, "has labels of torch.int32, .* of torch.int64"),
    "labels as floats": (TensorDataset(IMAGES, LABELS.float()), TypeError, "has labels of torch.float32"),
    "sparse": (
        TensorDataset(IMAGES.to_sparse(), LABELS),
        TypeError,
        r"has images of .* torch\.sparse_coo; .* torch\.strided",
    ),
    "vectors": (TensorDataset(IMAGES, torch.eye(10).long()[LABELS]), ValueError, r"and labels of shape \(20, 10\)"),
    "numbers for images": (TensorDataset(torch.rand(N), LABELS), ValueError, r"has images of shape \(20,\) and"),
    "nothing": (TensorDataset(IMAGES[:0], LABELS[:0]), ValueError, r"images of shape \(0, 1, 2, 2\) .* n at least 1"),
    "no pixels": (
        TensorDataset(IMAGES[..., :0], LABELS),
        ValueError,
        "has images of 0 pixels, but sizes begins with 4",
    ),
    "too large a label": (
        TensorDataset(IMAGES, LABELS + 1),
        ValueError,
        "has labels from 1 to 10; they must be from 0",
    ),
    "a negative label": (TensorDataset(IMAGES, LABELS - 1), ValueError, "has labels from -1 to 8; they must be from 0"),
    "other images": (
        TensorDataset(torch.rand(N, 5), LABELS),
        ValueError,
        "has images of 5 pixels, but sizes .* with 4",
    ),
    "NaN": (with_a(math.nan), ValueError, "images contains NaN"),
    "infinity": (with_a(-math.inf), ValueError, "images contains an infinite number"),
}
SETTINGS = {
    "options": {None: TypeError, "fast": TypeError, (784, 10): TypeError},
    "report": {None: TypeError, 3: TypeError, "print": TypeError},
    "checkpoint": {
        None: TypeError,
        3: TypeError,
        b"net.pth": TypeError,
        "": ValueError,
        "a\0b": ValueError,
        ".": ValueError,
        "/dev/null": ValueError,
        "nowhere/net.pth": ValueError,
        "file/net.pth": ValueError,
    },
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, in which there is a file."""
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


@pytest.mark.parametrize("argument", ["training", "validation"])
@pytest.mark.parametrize("what", NO_DATA)
def test_what_is_no_data(what, argument, folder):
    data, error, message = NO_DATA[what]
    refused(error, f"^{argument}.*{message}", **{argument: data})


@pytest.mark.parametrize("what", NO_DATA)
def test_what_is_evaluated_are_data(what):
    data, error, message = NO_DATA[what]
    with pytest.raises(error, match=f"^data.*{message}"):
        evaluate(make_model(OPTIONS), data)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [(name, value, error) for name, values in SETTINGS.items() for value, error in values.items()]
    + [("options", {}, TypeError)],
)
def test_how_it_cannot_be_trained(name, value, error, folder):
    refused(error, f"^{name} is .* must be ", **{name: value})


def test_what_does_not_go_together(folder):
    one = TensorDataset(IMAGES[:1], LABELS[:1])
    refused(ValueError, "training has 1 image; .* at least 2", training=one, options=Options((4, 10), batch_norm=True))
    rows = TensorDataset(IMAGES.flatten(1), LABELS)  # a mini-batch of which would be rotated as a single image
    refused(
        ValueError, r"training .* \(20, 4\); to be augmented", training=rows, options=Options((4, 10), augment=True)
    )
    if not torch.cuda.is_available():
        refused(ValueError, "device is 'cuda', but this PyTorch finds no GPU", options=Options((4, 10), device="cuda"))


def test_images_without_an_order_of_pixels_are_taken(tmp_path):
    options = Options((4, 3, 10), epochs=1, device="cpu", seed=0)
    path = tmp_path / "net.pth"
    losses = [
        train(TensorDataset(images, LABELS), DATA, options, str(path), lambda epoch: None).history[0].loss
        for images in (IMAGES, IMAGES.flatten(1), IMAGES[:, 0], IMAGES.transpose(2, 3).contiguous().transpose(2, 3))
    ]
    assert losses == losses[:1] * 4


def spoilt(value=math.nan):
    model = make_model(OPTIONS)
    with torch.no_grad():
        model.layers[1].bias[0] = value
    return model


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (spoilt(), ValueError, "model has parameters that are infinite or not a number"),
        (spoilt(math.inf), ValueError, "model has parameters that are infinite"),
        (None, TypeError, "model is a NoneType; it must be a torch.nn.Module"),
        (lambda images: images, TypeError, "model is a function; it must be"),
    ],
)
def test_what_cannot_be_evaluated(model, error, message):
    with pytest.raises(error, match=message):
        evaluate(model, DATA)


def test_a_model_of_ones_own_is_evaluated():
    known = TensorDataset(torch.eye(10).view(10, 1, 2, 5), torch.arange(10))
    assert evaluate(nn.Flatten(), known) == 1  # which has no parameters


REFUSED = {
    "sizes": [None, 784, "784", (10,), (784, 9), (0, 10), (7.0, 10), (4, 2**31 - 1, 10), (4, 10**30, 10)],
    "dropout": [1, -0.1, math.nan, "0", None],
    "batch_norm": [1, None, "yes"],
    "epochs": [0, 1.5, True, None],
    "batch_size": [0, 2.0],
    "learning_rate": [0, -1, math.nan, math.inf, 1e39, 1e300, 10**400, 1e-50, "1", True],
    "momentum": [-0.1, 1, math.nan],
    "weight_decay": [-1, math.nan, math.inf, 1e39],
    "schedule": ["step", None, ["cosine"]],
    "patience": [0, None],
    "augment": ["no", 0],
    "device": ["tpu", None],
    "seed": [-1, 2**32, 0.5],
    "workers": [-1, _MOST_AT_ONCE + 1, 99999999, 1.0],
    "threads": [0, _MOST_AT_ONCE + 1, 9999999, 999999999999, None],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_options_that_are_refused_by_name(name, value):
    names = "sizes|a size" if name == "sizes" else name
    with pytest.raises((TypeError, ValueError), match=rf"^({names}) is .*(must |its weights need .+ GiB)"):
        Options(**{name: value})


def test_no_option_is_left_out():
    assert set(REFUSED) == set(Options.__dataclass_fields__)
    assert {param.name for param in command.params} == {*REFUSED, "data", "save"}


def test_options_of_other_types_are_taken_as_what_they_are():
    options = Options([4, 10], epochs=np.int64(3), batch_norm=np.True_, learning_rate=np.float32(0.5), threads=1)
    assert (options.sizes, options.epochs, options.batch_norm) == ((4, 10), 3, True)
    assert [type(each) for each in (options.epochs, options.batch_norm, options.learning_rate)] == [int, bool, float]


NUMBERS = {"x": "not a valid", "": "not a valid", "nan": "not a finite", "inf": "not a finite", "-inf": "range"}
WHOLE = {"x": "not a valid integer", "1.5": "not a valid integer", "": "not a valid integer", "-1": "range"}
NAMES = {"": "is not one of", "none": "is not one of"}
OPTIONS_OF_THE_COMMAND = {
    "--sizes": dict.fromkeys(["", "x", "784", "784,", "784,0,10"], "at least two whole numbers")
    | {"4,9": "the last must be 10", "4,2147483647,10": "its weights need", "4,999999999999,10": "its weights need"},
    "--dropout": NUMBERS | {"inf": "range", "1": "range"},
    "--epochs": WHOLE | {"0": "range"},
    "--batch": WHOLE | {"0": "range"},
    "--lr": NUMBERS
    | dict.fromkeys(["0", "-1"], "range")
    | dict.fromkeys(["1e39", "1e300", "1e-50"], "it must be positive and finite in float32"),
    "--momentum": NUMBERS | {"inf": "range", "1": "range"},
    "--weight-decay": NUMBERS | {"-1": "range", "1e39": "it must be finite and not negative in float32"},
    "--schedule": NAMES,
    "--patience": WHOLE | {"0": "range"},
    "--device": NAMES,
    "--seed": WHOLE | {"4294967296": "range"},
    "--workers": WHOLE | dict.fromkeys(["99999999", "99999999999999999999"], "it must be from 0 to"),
    "--threads": WHOLE | {"0": "range"} | dict.fromkeys(["9999999", "999999999999"], "it must be from 1 to"),
    "--data": {"file": "is a file"},
    "--save": {
        "": "is a folder",
        ".": "is a folder",
        "nowhere/net.pth": "is not a folder that can be written to",
        "/dev/null": "it must be a regular file",
    },
}


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [(option, value, said) for option, values in OPTIONS_OF_THE_COMMAND.items() for value, said in values.items()],
)
def test_what_an_option_refuses(option, value, said, run, folder):
    status, output, errors = run(option, value)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"fastnet.pytorch_mnist: Invalid value for '{option}'")
    assert said in errors


def test_no_option_of_the_command_is_left_out():
    flags = {"--batch-norm", "--augment", "--batch-size", "--mini-batch-size"}  # the last are other names of --batch
    assert {name for param in command.params for name in param.opts} - flags == set(OPTIONS_OF_THE_COMMAND)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-norm", "--batch", "1"], "batch_size is 1; batch normalization needs"),
        (["--fast"], "No such option"),
        (["now"], "Got unexpected extra argument (now)"),
    ],
)
def test_what_is_refused_together(arguments, message, run, folder):
    status, output, errors = run(*arguments)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert message in errors
