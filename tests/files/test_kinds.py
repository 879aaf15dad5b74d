import numpy as np
import pytest

from fastnet import Dataset, mnist_loader, network2, network3, plots
from fastnet.files.reading import DataError
from fastnet.sweeps import sweep

DATA = Dataset(np.eye(4), [0, 1, 0, 1])


@pytest.fixture
def written(tmp_path):
    """A function that returns the path of a file of a kind."""

    def write(kind):
        path = tmp_path / "file"
        net = network2.Network([4, 2], engine="numpy", seed=0)
        if kind == "network":
            net.save(path)
        elif kind == "checkpoint":
            net.SGD(DATA, 1, 2, 0.5, checkpoint=path)
        elif kind == "network of network3":
            network3.Network([network3.SoftmaxLayer(4, 2)], 2).save(path)
        elif kind == "table of a sweep":
            sweep((DATA, DATA), sizes=[4, 2], epochs=1, engine="numpy").to_json(path)
        elif kind == "record of a sweep":
            sweep((DATA, DATA), sizes=[4, 2], epochs=1, engine="numpy", record=path)
        elif kind == "picture":
            pytest.importorskip("matplotlib", reason="the extra plot is not installed")
            plots.save(plots.weights(np.eye(4)), path.with_suffix(".png"))
            path = path.with_suffix(".png")
        return path

    return write


KINDS = ["network", "checkpoint", "network of network3", "table of a sweep", "record of a sweep", "picture"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind_is_named(written, kind):
    path = written(kind)
    readers = {
        "network": lambda: network2.load(path, engine="numpy"),
        "checkpoint": lambda: network2.Network([4, 2]).SGD(DATA, 2, 2, 0.5, checkpoint=path, resume=True),
        "network of network3": lambda: network3.load(path),
        "data": lambda: mnist_loader.load_data(path),
    }
    readers.pop(kind, None)
    for expected, read in readers.items():
        with pytest.raises(DataError, match=rf"{path.name}: this file does not hold a? ?{expected}, but a {kind}"):
            read()


def test_a_damaged_file_is_of_its_kind(written):
    path = written("checkpoint")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=r"does not hold a checkpoint .*its checksum does not match"):
        network2.Network([4, 2]).SGD(DATA, 2, 2, 0.5, checkpoint=path, resume=True)
