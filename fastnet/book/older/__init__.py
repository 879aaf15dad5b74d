"""Older experiments from the book's repository, which no chapter has: codes of digits that are smaller than images."""

EXPERIMENTS: tuple[str, ...] = ("pca", "autoencoder")
