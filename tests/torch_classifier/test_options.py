import math

import pytest

pytest.importorskip("torch", reason="the extra torch is not installed")
pytest.importorskip("torchvision", reason="the extra torch is not installed")

from fastnet.pytorch_mnist import Options


@pytest.mark.parametrize(
    ("name", "value"),
    [("sizes", 784), ("sizes", (10,)), ("sizes", (784, 9)), ("sizes", (0, 10)), ("sizes", (7.0, 10)),
     ("sizes", (2**31, 10)), ("dropout", 1), ("batch_norm", 1), ("epochs", 0), ("batch_size", 0), ("learning_rate", 0),
     ("learning_rate", math.nan), ("momentum", -0.1), ("weight_decay", -1), ("schedule", "step"), ("patience", 0),
     ("augment", "no"), ("device", "tpu"), ("seed", -1), ("workers", -1), ("threads", 0)],
)  # fmt: skip
def test_options_that_are_refused_by_name(name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name}"):
        Options(**{name: value})


def test_batch_normalization_needs_more_than_one_sample():
    with pytest.raises(ValueError, match="batch_size is 1; batch normalization"):
        Options(batch_norm=True, batch_size=1)
