"""Write the fuzzer's seeds, which are undamaged files of each format.

    python -m tests.fuzz.seeds

This program does not write the checkpoints of versions 2, 3 and 4, which earlier versions of fastnet wrote.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
from pathlib import Path

import numpy as np

from fastnet import BatchNormalization, Convolution, Dataset, Dense, Dropout, MaxPooling, expand_mnist, network2
from fastnet.files import models

from .readers import READERS, SEEDS


def main() -> None:
    for name, reader in READERS.items():
        folder = SEEDS / name
        folder.mkdir(parents=True, exist_ok=True)
        if reader.is_there:
            globals()[f"_{name}"](folder)


def _idx(folder: Path) -> None:
    images = b"\0\0\x08\3" + np.array([2, 2, 3], ">u4").tobytes() + bytes(range(12))
    (folder / "whole-images").write_bytes(images)
    (folder / "whole-images.gz").write_bytes(gzip.compress(images, mtime=0))
    (folder / "whole-floats").write_bytes(
        b"\0\0\x0e\1" + np.array([2], ">u4").tobytes() + np.arange(2, dtype=">f8").tobytes()
    )


def _pickle(folder: Path) -> None:
    pair = np.array([[0, 0.5]], np.float32), np.array([7])
    for protocol in range(6):
        contents = pickle.dumps((pair,) * 3, protocol)
        (folder / f"whole-{protocol}").write_bytes(contents)
    (folder / "whole.gz").write_bytes(gzip.compress(contents, mtime=0))


def _model(folder: Path) -> None:
    for activation, dtype in (("sigmoid", "float32"), ("tanh", "float64")):
        net = network2.Network([2, 2, 1], activation=activation, dtype=dtype, seed=0)
        net.save(folder / f"whole-{activation}")
    layers = [2, Dropout(0.5), Dense(2, "linear"), BatchNormalization("relu"), 1]
    network2.Network(layers, seed=0).save(folder / "whole-layers")
    layers = [(1, 4, 4), Convolution(2, 2, "relu", padding="same"), MaxPooling(2), BatchNormalization(), 2]
    network2.Network(layers, seed=0).save(folder / "whole-images")
    model = models.read(folder / "whole-sigmoid")
    book = {
        "sizes": model.sizes,
        "weights": [w.tolist() for w in model.weights],
        "biases": [b.tolist() for b in model.biases],
        "cost": "CrossEntropyCost",
    }
    (folder / "whole-of-the-book").write_text(json.dumps(book))


def _checkpoint(folder: Path) -> None:
    from fastnet.engines.contract import State
    from fastnet.learning import checkpoints
    from fastnet.learning.history import Epoch, Epochs

    from .readers import RECIPE, RECIPE_OF_IMAGES, architecture

    generator = np.random.RandomState(0).get_state(legacy=False)
    epochs = Epochs([Epoch(0, 0.5, 0.1, 0.2, 3), Epoch(1, 0.5, 0.1, None, None, 0.3, 4, 0.5, 6)])
    for name, recipe in (("plain", RECIPE), ("velocity", RECIPE), ("images", RECIPE_OF_IMAGES)):
        layers = architecture(recipe)
        parameters = [{key: np.full(shape, 0.5, np.float32) for key, shape in each.items()} for each in layers.arrays]
        trained = zip(parameters, layers.trained, strict=True)
        velocity = [{key: arrays[key] for key in shapes} for arrays, shapes in trained]
        optimizer_state = {} if name == "plain" else {"velocity": velocity}
        checkpoint = checkpoints.Checkpoint(
            recipe, "data", parameters, State(2, 3, optimizer_state, 0.5), 7, generator, epochs
        )
        checkpoints.write(folder / f"whole-{name}", checkpoint)


def _expanded(folder: Path) -> None:
    images = np.array([[0, 0.5, 0.25, 0]] * 2, np.float32)
    expand_mnist.save(Dataset(images, np.array([3, 4])), folder / "whole-labels")
    expand_mnist.save(Dataset(images, np.eye(2, dtype=np.float32)), folder / "whole-vectors")


def _record(folder: Path) -> None:
    from fastnet.sweeps.recipe import recipe
    from fastnet.sweeps.record import Record
    from fastnet.sweeps.run import Run

    (folder / "whole").unlink(missing_ok=True)
    with Record(folder / "whole", "data") as record:
        record.begin()
        record.add(recipe(), 0, Run((3, 4), 4, None, False, 0.5))


def _network3(folder: Path) -> None:
    from fastnet.network3 import files
    from fastnet.network3.activations import ReLU
    from fastnet.network3.layers import ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer

    layers = [
        ConvPoolLayer((2, 1, 3, 3), (1, 1, 6, 6), (2, 2), ReLU),
        FullyConnectedLayer(8, 2, p_dropout=0.5),
        SoftmaxLayer(2, 2),
    ]
    files.write(folder / "whole", layers, 1)


def _torch(folder: Path) -> None:
    from fastnet import pytorch_mnist

    for name, sizes, batch_norm in (("plain", (2, 10), False), ("batch-norm", (1, 1, 10), True)):
        options = pytorch_mnist.Options(sizes=sizes, dropout=0.5, batch_norm=batch_norm)
        pytorch_mnist.save_model(pytorch_mnist.make_model(options), folder / f"whole-{name}")


def _image(folder: Path) -> None:
    from PIL import Image

    grey = Image.fromarray(np.arange(36, dtype=np.uint8).reshape(6, 6) * 7)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = Image.new("I;16", (4, 4), 3000) if mode == "I;16" else grey.convert(mode)
        image.save(folder / f"whole-{mode.replace(';', '-')}.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    for mode in ("L", "RGB", "CMYK"):
        stream = io.BytesIO()
        grey.convert(mode).save(stream, "JPEG", quality=30, exif=exif)
        (folder / f"whole-{mode}.jpg").write_bytes(stream.getvalue())


if __name__ == "__main__":
    main()
