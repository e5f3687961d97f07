"""The functions of `numpy.random` that share one generator, and `RandomState` with their names."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.random.bits import Philox4x32
from devarray.random.generator import Generator

__all__ = ["NAMES", "RandomState", "shared"]


class RandomState(Generator):
    """A generator with the older names of NumPy beside the newer ones.

    Parameters
    ----------
    seed : optional
        See `default_rng`.
    device : str or Device, optional

    Examples
    --------
    >>> import devarray as da
    >>> da.random.RandomState(0).randn(2, 3).shape
    (2, 3)
    """

    def __init__(self, seed: Any = None, device: Any = None) -> None:
        super().__init__(seed, device)

    def seed(self, seed: Any = None) -> None:
        """Start anew from a seed."""
        state = Philox4x32(seed)
        self._bit_generator.seed_seq = state.seed_seq
        self._bit_generator.state = state.state

    def rand(self, *args: int) -> Any:
        """Draw uniform numbers from [0, 1) in a shape given as arguments."""
        return self.random(args or None)

    def randn(self, *args: int) -> Any:
        """Draw normal numbers in a shape given as arguments."""
        return self.standard_normal(args or None)

    def randint(self, low: Any, high: Any = None, size: Any = None, dtype: Any = int) -> Any:
        """Draw integers from [low, high); see `Generator.integers`."""
        return self.integers(low, high, size, dtype)

    def random_sample(self, size: Any = None) -> Any:
        """Draw uniform numbers from [0, 1)."""
        return self.random(size)

    ranf = sample = random_sample

    def get_state(self) -> dict[str, Any]:
        """Return key and counter, for `set_state`."""
        return self._bit_generator.state

    def set_state(self, state: Any) -> None:
        """Go on from where `get_state` was called."""
        self._bit_generator.state = state


shared = RandomState()

# What NumPy has as functions of its module, too.
NAMES = [
    name
    for name in dir(RandomState)
    if not name.startswith("_") and callable(getattr(np.random, name, None))
]
