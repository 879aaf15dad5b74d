"""Chapter 1: using neural nets to recognize handwritten digits."""

EXPERIMENTS: tuple[str, ...] = ()
