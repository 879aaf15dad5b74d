"""The data sets of a sweep, and the source from which workers on other machines load the same data sets."""

from __future__ import annotations

import hashlib
import math
import os
import threading
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

from fastnet import expand_mnist, mnist_loader
from fastnet.datasets.dataset import Dataset, as_dataset
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]

# Number of values that are hashed at a time, so that large sparse inputs are not made dense as a whole.
_NUMBERS_AT_A_TIME = 1 << 22

_loading = threading.Lock()


@dataclass(frozen=True)
class Data:
    """The data sets of a sweep.

    Attributes
    ----------
    training : Dataset
        The training data.
    validation : Dataset
        The validation data, which are used to compare recipes.
    test : Dataset or None
        The test data, for the accuracy of the best recipe.
    """

    training: Dataset
    validation: Dataset
    test: Dataset | None = None

    @property
    def ends(self) -> tuple[int, int]:
        """Numbers of inputs and outputs of a network for these data.

        If the targets are labels, the number of outputs is the largest training label plus 1.
        """
        rows, targets = self.training.rows, self.training.targets
        return rows.shape[1], targets.shape[1] if targets.ndim == 2 else int(targets.max()) + 1

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the data sets. Equal data have the same fingerprint, wherever they were loaded."""
        digest = hashlib.sha256()
        for data in (self.training, self.validation, self.test):
            for rows in () if data is None else (data.rows, data.targets):
                digest.update(f"{rows.shape} {rows.dtype} ".encode())
                step = max(_NUMBERS_AT_A_TIME * len(rows) // max(math.prod(rows.shape), 1), 1)
                for start in range(0, len(rows), step):
                    digest.update(rows[start : start + step].data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Source:
    """A description from which each machine loads the data. Workers get the source instead of the data.

    Attributes
    ----------
    path : path or None
        File or folder of the data, in a format of `mnist_loader.load_data`; None for MNIST.
    expanded : bool
        Whether copies of the training images, shifted by one pixel, are added to the training data.
    """

    path: StrPath | None = None
    expanded: bool = False

    def __post_init__(self) -> None:
        if self.path is not None:  # absolute, because a worker's working directory may differ from ours
            object.__setattr__(self, "path", os.path.abspath(self.path))

    def load(self) -> Data:
        """Load the data.

        Raises
        ------
        OSError, DataError
            If a file cannot be opened, or is invalid.
        """
        training, validation, test = mnist_loader.load_data_wrapper(self.path)
        return Data(expand_mnist.expand(training) if self.expanded else training, validation, test)


def given(value: object) -> Data | Source:
    """Convert the argument `data` of a sweep: data sets, a `Source`, a path, or None for MNIST.

    Raises
    ------
    TypeError, ValueError
        If `value` is none of these, or a data set is invalid.
    """
    if isinstance(value, Source):
        return value
    if value is None or isinstance(value, (str, os.PathLike)):
        return Source(value)
    if not (isinstance(value, (tuple, list)) and len(value) in (2, 3)):
        raise TypeError(
            f"data is {arguments.brief(value)}; it must be a path, or a tuple (training_data, validation_data, "
            "test_data); test_data may be omitted"
        )
    sets = []
    for each, name in zip(value, ("training_data", "validation_data", "test_data"), strict=False):
        with arguments.named(name):
            sets.append(as_dataset(each))
    return Data(*sets)


def load_on_worker(data: Data | Source, fingerprint: str) -> Data:
    """Return the data in a worker's process, given the data or their source.

    A process loads a source once, and keeps the data until it loads another source.

    Raises
    ------
    OSError, DataError
        If a file cannot be opened, or is invalid.
    ValueError
        If the fingerprint of the loaded data is not `fingerprint`.
    """
    if isinstance(data, Data):
        return data
    with _loading:
        loaded = _load_once(data)
        found = loaded.fingerprint
    if found != fingerprint:
        raise ValueError(
            "the data on this worker differ from the data of the process that started the sweep; use the same data"
        )
    return loaded


@lru_cache(maxsize=1)
def _load_once(source: Source) -> Data:
    return source.load()
