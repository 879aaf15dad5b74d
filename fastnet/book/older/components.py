"""Principal component analysis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.sweeps.run import one_thread_of_blas


class Components(NamedTuple):
    """The principal components of images.

    Attributes
    ----------
    mean : ndarray, shape (pixels,)
        Mean image.
    directions : ndarray, shape (pixels, pixels)
        Principal directions: the columns are unit vectors, in order of decreasing variance.
    variances : ndarray, shape (pixels,)
        Variance of the images along each direction.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray

    def coded(self, images: np.ndarray, number: int) -> np.ndarray:
        """Return the first `number` components of images, shape (n, number), given images of shape (n, pixels)."""
        components: np.ndarray = (images - self.mean) @ self.directions[:, :number]
        return components

    def reconstructed(self, images: np.ndarray, number: int) -> np.ndarray:
        """Return images, shape (n, pixels), reconstructed from their first `number` components."""
        reconstructed: np.ndarray = self.mean + self.coded(images, number) @ self.directions[:, :number].T
        return reconstructed

    def share(self, number: int) -> float:
        """Return the share of the variance in the first `number` components, from 0 to 1."""
        return float(self.variances[:number].sum() / self.variances.sum())


def components_of(images: np.ndarray) -> Components:
    """Return the principal components of images, given as an array of shape (n, pixels)."""
    mean = images.mean(axis=0)
    centred = images - mean
    # The covariance matrix has the same right singular vectors as the centred images, but far fewer rows.
    covariance = centred.T @ centred / len(images)
    with one_thread_of_blas():  # on such a small matrix, threads mostly wait for one another
        directions, variances, _ = np.linalg.svd(covariance, hermitian=True)
    return Components(mean, directions, variances)


def mean_squared_error(images: np.ndarray, reconstructed: np.ndarray) -> float:
    """Return the mean squared difference over all images and pixels."""
    return float(np.mean((images - reconstructed) ** 2))
