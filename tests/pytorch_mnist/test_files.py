"""Tests of the model files of `fastnet.files.torch_archives`: their contents, and refusal of invalid files."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra torch is not installed")
pytest.importorskip("torchvision", reason="the extra torch is not installed")

from fastnet import pytorch_mnist  # noqa: E402
from fastnet.pytorch_mnist import DataError, Options, load_model, save_model  # noqa: E402

WEIGHT = "layers.1.weight"


@pytest.fixture
def model():
    """A new network that has fed a mini-batch forward, so that its running means and variances have changed."""
    torch.manual_seed(0)
    model = pytorch_mnist.make_model(Options(sizes=(6, 5, 4, 10), dropout=0.5, batch_norm=True))
    model(torch.randn(20, 6))
    return model


@pytest.fixture
def path(model, tmp_path):
    path = tmp_path / "model.pth"
    save_model(model, path)
    return path


@pytest.mark.parametrize("versioned", [True, False])
def test_a_network_comes_back_as_it_was(model, path, versioned):
    """Older files, which contain no version, can also be read."""
    if not versioned:
        contents = torch.load(path, weights_only=True)
        del contents["version"]
        torch.save(contents, path)
    generator = torch.get_rng_state()
    loaded = load_model(path)
    assert torch.equal(torch.get_rng_state(), generator)
    images = torch.randn(7, 6)
    assert torch.equal(loaded(images), model.eval()(images))
    assert (loaded.sizes, loaded.dropout, loaded.batch_norm, loaded.training) == ((6, 5, 4, 10), 0.5, True, False)
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_the_file_holds_tensors_and_plain_data_only(path):
    contents = torch.load(path, weights_only=True)
    state = contents.pop("state")
    assert {type(tensor) for tensor in state.values()} == {torch.Tensor}
    assert contents == {
        "kind": "fastnet.pytorch_mnist", "version": 1, "sizes": [6, 5, 4, 10], "dropout": 0.5, "batch_norm": True,
    }  # fmt: skip


def change_bias(model):
    with torch.no_grad():
        model.layers[1].bias[0] = torch.nan


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (change_bias, ValueError, "its parameters are infinite or NaN"),
        (lambda model: model.double(), ValueError, "its parameters are not of the shapes and the type"),
        (lambda model: setattr(model, "dropout", 2), ValueError, "dropout is 2"),
        (lambda model: setattr(model, "dropout", np.float64(0.5)), ValueError, "its dropout is a float64"),
        (lambda model: setattr(model, "sizes", (6, 5, 10)), ValueError, "its parameters are not those of its layers"),
        (lambda model: model.layers.pop(1), ValueError, "its parameters are not those of its layers"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(model, path, change, error, message):
    before = path.read_bytes()
    change(model)
    with pytest.raises(error, match=f"^the network cannot be saved: {message}"):
        save_model(model, path)
    assert path.read_bytes() == before


def test_another_model_is_not_saved(tmp_path):
    with pytest.raises(TypeError, match="model is a Linear; it must be a Classifier"):
        save_model(torch.nn.Linear(6, 10), tmp_path / "model.pth")
    assert os.listdir(tmp_path) == []


def test_a_file_is_written_whole_or_not_at_all(model, path, monkeypatch):
    before = path.read_bytes()

    def save(contents, file):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(KeyboardInterrupt):
        save_model(model, path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def refused(path):
    """Check that the file is refused in one line; return the message."""
    with pytest.raises(DataError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: this file does not hold a network (")
    assert "\n" not in message
    return message


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_that_a_file_asks_for_is_run(path, zipped):
    made = path.parent / "made"
    contents = torch.load(path, weights_only=True) | {"more": Hostile(made)}
    torch.save(contents, path, _use_new_zipfile_serialization=zipped)
    assert "asks for more than tensors" in refused(path) or not zipped
    assert not made.exists()
    torch.load(path, weights_only=False)
    assert made.exists()  # with `weights_only=False`, PyTorch runs the code


def test_a_damaged_file(path):
    whole = path.read_bytes()
    for end in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        refused(path)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        start = archive.getinfo(next(name for name in archive.namelist() if name.endswith("data/0"))).header_offset
    random = np.random.default_rng(0)
    for position in random.integers(0, 120, 40) + 128 + start:  # after the header, in the first tensor
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        try:
            loaded = load_model(path)
        except DataError:
            continue
        path.write_bytes(whole)
        for tensor, expected in zip(loaded.parameters(), load_model(path).parameters(), strict=True):
            assert torch.equal(tensor, expected)  # the file is accepted only if the changed byte is padding


def changed(contents, **changes):
    return contents | {"state": contents["state"] | changes.pop("state", {})} | changes


HUGE = 10**4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda contents: contents["state"][WEIGHT], "of another kind"),
        (lambda contents: changed(contents, kind="another"), "of another kind"),
        (lambda contents: changed(contents, version=2), "its version is 2; it must be 1"),
        (lambda contents: changed(contents, version=torch.zeros(2)), "this file does not hold a network"),
        (lambda contents: {name: contents[name] for name in contents if name != "sizes"}, "it has no 'sizes'"),
        (lambda contents: changed(contents, sizes=[6, 10]), "not those of its layers"),
        (lambda contents: changed(contents, sizes=[7, 5, 4, 10]), "not of the shapes"),
        (lambda contents: changed(contents, sizes=[6, 2**31 - 1, 4, 10]), "its weights need"),
        (lambda contents: changed(contents, sizes=[6, 5, 4, 9]), "the last size must be 10"),
        (lambda contents: changed(contents, sizes=[6] * 10**5 + [1000] * 10**5), "asks for more than"),
        (lambda contents: changed(contents, sizes=[6] * 100 + [10]), "do not fit"),
        (lambda contents: changed(contents, sizes=["6", 5, 4, 10]), "a size is '6'"),
        (lambda contents: changed(contents, sizes=(6, 5, 4, 10)), "its sizes is a tuple"),
        (lambda contents: changed(contents, dropout=1.0), "dropout is 1.0"),
        (lambda contents: changed(contents, batch_norm=False), "not those of its layers"),
        (lambda contents: changed(contents, state={"more": torch.zeros(1)}), "not those of its layers"),
        (lambda contents: changed(contents, state={WEIGHT: torch.zeros(5, 6).double()}), "the type"),
        (lambda contents: changed(contents, state={WEIGHT: torch.zeros(5, 6, device="meta")}), "asks for more than"),
        (lambda contents: changed(contents, state={WEIGHT: torch.full((5, 6), torch.inf)}), "infinite or NaN"),
        (lambda contents: contents | {"state": 3}, "not tensors"),
        (lambda contents: changed(contents, state={WEIGHT: [[0.0] * 6] * 5}), "not tensors"),
    ],
)
def test_a_foreign_file_is_refused_with_the_reason(path, change, message):
    torch.save(change(torch.load(path, weights_only=True)), path)
    assert message in refused(path)


def test_a_few_bytes_that_claim_to_be_many(path):
    state = {
        WEIGHT: torch.zeros(1, 1).expand(HUGE, HUGE), "layers.1.bias": torch.zeros(1).expand(HUGE),
        "layers.3.weight": torch.zeros(1, 1).expand(10, HUGE), "layers.3.bias": torch.zeros(10),
    }  # fmt: skip
    contents = torch.load(path, weights_only=True)
    torch.save(contents | {"sizes": [HUGE, HUGE, 10], "batch_norm": False, "dropout": 0.0, "state": state}, path)
    assert "larger than the file" in refused(path)


def test_archives_that_pytorch_is_not_shown(path, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *arguments, **keywords: pytest.fail("PyTorch reads the file"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"0" * 10**6)
    assert "it is compressed" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/Constants.PKL", b"0")
    assert "a TorchScript program" in refused(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "nothing.pth")
    with pytest.raises(IsADirectoryError):
        load_model(tmp_path)
    assert "not a regular file" in refused("/dev/zero")


@pytest.mark.parametrize("change", [str, str.upper])
def test_what_calls_a_tensor_is_not_shown_to_pytorch(path, monkeypatch, change):
    """To unpickle a file that calls a tensor, PyTorch would import modules."""
    contents = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(contents) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in entries if name.endswith("data.pkl"))
    entries[name] = entries[name].replace(pickle.REDUCE, pickle.EMPTY_TUPLE + pickle.REDUCE * 2, 1)
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in entries.items():
            archive.writestr(change(each), content)
    monkeypatch.setattr(torch, "load", lambda *arguments, **keywords: pytest.fail("PyTorch reads the file"))
    assert "asks for more than" in refused(path)
