"""Two kernels, which another process can import and compile."""

from fastnet.kernels.compiler import kernel


@kernel
def doubled(n):
    """Return 2 n."""
    return 2 * n


@kernel
def squared(x):
    """Return x x."""
    return x * x
