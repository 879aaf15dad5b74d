"""The older experiments, on fewer samples and epochs."""

import numpy as np
import pytest

from fastnet.book.digits import mnist
from fastnet.book.older.autoencoder import autoencoder
from fastnet.book.older.components import components_of, mean_squared_error
from fastnet.book.older.pca import pca


def test_components_are_those_of_another_decomposition():
    images = np.random.default_rng(0).random((50, 12)) @ np.random.default_rng(1).random((12, 12))
    components = components_of(images)
    centred = images - images.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred)  # SVD of the images instead of eigenvectors of their covariance
    np.testing.assert_allclose(components.variances, singular**2 / 50, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.abs(components.directions.T @ directions.T), np.eye(12), rtol=0, atol=1e-6)
    assert components.share(3) == pytest.approx((singular[:3] ** 2).sum() / (singular**2).sum())
    np.testing.assert_allclose(components.reconstructed(images, 12), images, rtol=0, atol=1e-10)
    # The reconstruction error is the variance along the omitted directions.
    error = mean_squared_error(images, components.reconstructed(images, 4))
    assert error == pytest.approx(components.variances[4:].sum() / 12)
    assert components.coded(images, 4).var(axis=0) == pytest.approx(components.variances[:4])


def test_more_components_lose_less_of_the_digits():
    data = pca(samples=1000, numbers=(5, 20, 60)).data
    _, _, test = mnist()
    errors, shares = [*data["errors"].values()], [*data["share of the variance"].values()]
    assert np.var(test.inputs, axis=0).mean() > errors[0] > errors[1] > errors[2] > 0
    assert shares == sorted(shares)
    np.testing.assert_allclose(data["shares"][[4, 19, 59]], shares, rtol=1e-5)
    assert data["first two"].var(axis=0)[0] > data["first two"].var(axis=0)[1]
    np.testing.assert_array_equal(data["images"]["test images"], test.inputs[:10])


def test_the_autoencoder_reconstructs_better_than_components_do():
    """To save time, images are encoded in 4 numbers, and training uses a tenth of the default number of samples."""
    data = autoencoder(samples=5000, epochs=4, code=4).data
    learnt, linear = data["errors"].values()
    assert learnt < 0.95 * linear
    images = data["images"]
    assert [*images] == ["test images", "autoencoder", "4 components"]
    assert 0 <= images["autoencoder"].min() <= images["autoencoder"].max() <= 1
