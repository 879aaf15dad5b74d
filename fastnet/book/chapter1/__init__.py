"""Chapter 1: using neural nets to recognize handwritten digits."""

EXPERIMENTS: tuple[str, ...] = (
    "nand",
    "sigmoid",
    "mnist_digits",
    "features",
    "rotated",
    "valley",
    "results",
    "average_darkness",
    "svm",
)
