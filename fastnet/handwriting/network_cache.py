"""Trains the default network once, and keeps it in a file in the user's cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import fastnet
from fastnet import network2
from fastnet.datasets.mnist import CHECKSUMS
from fastnet.handwriting import prediction, training
from fastnet.utils.folders import cache_folder


def default_network(report: Callable[[str], object] = lambda line: None) -> network2.Network:
    """Return the network that reads digits. If the network's file does not exist, train the network and save it.

    Parameters
    ----------
    report : callable, optional
        Function that is called with a line of text before the network is trained, and again if the network cannot be
        saved.

    Returns
    -------
    Network
        A network with 784 inputs, 10 softmax outputs and `engine="numpy"`.

    Notes
    -----
    The file is in the folder `fastnet` of the user's cache folder: `$XDG_CACHE_HOME` or `~/.cache`, on macOS
    `~/Library/Caches`. On Windows, it is in the folder `fastnet/Cache` of `%LOCALAPPDATA%`. The file's name depends on
    the version of fastnet, the training code and MNIST's files. A damaged file is replaced.
    """
    path = file()
    net = None if path is None else _kept(path)
    if net is None:
        where = f"is kept in {path}" if path else "is not kept, because there is no cache folder: set XDG_CACHE_HOME"
        report(f"Training a network to read digits takes some seconds; the network {where}")
        net = training.train()
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                net.save(path)
        except OSError as error:
            report(f"The network is not kept: {path}: {error.strerror}; the next command trains it again")
    net.engine = "numpy"  # NumPy needs no compilation, which takes longer than a few predictions
    return net


def file() -> Path | None:
    """Return the file of the default network; None if the user has no cache folder."""
    folder = cache_folder()
    if folder is None:
        return None
    recipe = Path(training.__file__).read_bytes()
    key = hashlib.sha256("\n".join([fastnet.__version__, *CHECKSUMS.values()]).encode() + recipe)
    return folder / f"digits-{key.hexdigest()[:16]}.json"


def _kept(path: Path) -> network2.Network | None:
    """Return the network in a file; None if the file does not exist, is damaged, or contains no network for MNIST."""
    try:
        if not path.is_file():
            return None
        net = network2.load(path, engine="numpy")
        prediction.check(net)
    except (OSError, ValueError):
        return None
    return net
