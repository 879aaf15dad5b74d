"""Older experiments from the book's repository, which are in no chapter: digit images are encoded in few numbers."""

EXPERIMENTS: tuple[str, ...] = ("pca", "autoencoder")
