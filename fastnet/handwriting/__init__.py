"""Reads digits in pictures: prepares a picture as MNIST's digits were prepared, and predicts the digit.

>>> from fastnet import handwriting
>>> net = handwriting.default_network()  # doctest: +SKIP
>>> print(handwriting.predict(net, handwriting.read("seven.png")))  # doctest: +SKIP
7 (99.1 %)
"""

from fastnet.handwriting.images import read
from fastnet.handwriting.network_cache import default_network
from fastnet.handwriting.prediction import Prediction, predict
from fastnet.handwriting.preprocessing import Prepared, prepare

__all__ = ["Prediction", "Prepared", "default_network", "predict", "prepare", "read"]
