"""Chapter 4: a visual proof that neural nets can compute any function."""

EXPERIMENTS: tuple[str, ...] = ()
