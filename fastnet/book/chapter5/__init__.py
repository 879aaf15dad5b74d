"""Chapter 5: what makes deep neural networks hard to train."""

EXPERIMENTS: tuple[str, ...] = (
    "depth",
    "initial_gradients",
    "training_speeds",
    "sigmoid_prime",
    "exploding",
)
