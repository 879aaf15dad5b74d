"""A classifier of handwritten digits in idiomatic PyTorch: `python -m fastnet.pytorch_mnist`.

The command's functions can be called from a script:

>>> from fastnet import pytorch_mnist
>>> options = pytorch_mnist.Options(sizes=(784, 100, 10), dropout=0.2, seed=1)  # doctest: +SKIP
>>> training, validation, test = pytorch_mnist.load_data()  # doctest: +SKIP
>>> result = pytorch_mnist.train(training, validation, options)  # doctest: +SKIP
>>> pytorch_mnist.evaluate(pytorch_mnist.load_model("best_model.pth"), test)  # doctest: +SKIP

The classifier shares no code with fastnet's networks. It needs the extra `torch`: `pip install 'fastnet-nndl[torch]'`.
"""

from __future__ import annotations

import sys

from fastnet.utils.interruption import heard_afterwards

try:
    with heard_afterwards():
        import torch  # noqa: F401
        import torchvision  # noqa: F401
except KeyboardInterrupt:
    if __name__ != "__main__":
        raise
    sys.exit(130)
except ImportError as error:
    missing = f"PyTorch and torchvision are needed ({error}); pip install 'fastnet-nndl[torch]' installs them"
    if __name__ != "__main__":
        raise ImportError(f"fastnet.pytorch_mnist: {missing}") from error
    print(f"fastnet.pytorch_mnist: {missing}", file=sys.stderr)
    sys.exit(2)

from fastnet.commands.run import run
from fastnet.files.reading import DataError
from fastnet.torch_classifier.checkpoint import load_model, save_model
from fastnet.torch_classifier.command import command
from fastnet.torch_classifier.data import load_data
from fastnet.torch_classifier.model import Classifier, make_model
from fastnet.torch_classifier.options import Options
from fastnet.torch_classifier.training import EpochResult, Result, evaluate, train

__all__ = [
    "Classifier",
    "DataError",
    "EpochResult",
    "Options",
    "Result",
    "evaluate",
    "load_data",
    "load_model",
    "main",
    "make_model",
    "save_model",
    "train",
]


def main() -> None:
    """Run the command. An error prints one line on standard error and sets exit status 2."""
    # PyTorch raises RuntimeError if memory is short or the GPU fails.
    run(command, "python -m fastnet.pytorch_mnist", also=(RuntimeError,))


if __name__ == "__main__":
    main()
