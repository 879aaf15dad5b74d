"""Chapter 2: how the backpropagation algorithm works."""

EXPERIMENTS: tuple[str, ...] = ("equations", "matrix_based", "backprop_speed")
