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
        The mean image.
    directions : ndarray, shape (pixels, pixels)
        Columns of length 1: the directions in which the images differ from their mean, the most important first.
    variances : ndarray, shape (pixels,)
        The variance of the images along each direction.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray

    def coded(self, images: np.ndarray, number: int) -> np.ndarray:
        """Return the first components of images: one image a row, one component a column."""
        return (images - self.mean) @ self.directions[:, :number]

    def reconstructed(self, images: np.ndarray, number: int) -> np.ndarray:
        """Return what images become if only so many of their components are kept."""
        return self.mean + self.coded(images, number) @ self.directions[:, :number].T

    def share(self, number: int) -> float:
        """Return the share of the variance that the first components have."""
        return float(self.variances[:number].sum() / self.variances.sum())


def components_of(images: np.ndarray) -> Components:
    """Return the principal components of images, one image a row."""
    mean = images.mean(axis=0)
    centred = images - mean
    # The singular vectors of the covariance matrix are those of the images, and it has far fewer rows than these.
    covariance = centred.T @ centred / len(images)
    with one_thread_of_blas():  # on so small a matrix, threads mostly wait for one another
        directions, variances, _ = np.linalg.svd(covariance, hermitian=True)
    return Components(mean, directions, variances)


def mean_squared_error(images: np.ndarray, reconstructed: np.ndarray) -> float:
    """Return the mean over images and pixels of the squared difference."""
    return float(np.mean((images - reconstructed) ** 2))
