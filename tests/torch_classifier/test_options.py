import pytest

pytest.importorskip("torch", reason="the extra torch is not installed")
pytest.importorskip("torchvision", reason="the extra torch is not installed")

from fastnet.pytorch_mnist import Options


def test_batch_normalization_needs_more_than_one_sample():
    with pytest.raises(ValueError, match="batch_size is 1; batch normalization"):
        Options(batch_norm=True, batch_size=1)
