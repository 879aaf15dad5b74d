"""Older experiments from the book's repository that are in no chapter: codes of digits that are smaller than images."""

EXPERIMENTS: tuple[str, ...] = ("pca", "autoencoder")
