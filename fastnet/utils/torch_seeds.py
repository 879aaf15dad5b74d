"""The seed of PyTorch's global generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seed the global generators of the CPU and of a device in the `with` block; afterwards they are as before.

    If the seed is None, the block draws from the generators as they are, and they stay as they are after the block.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else [], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        yield
