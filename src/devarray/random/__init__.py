"""Random numbers on a device, with the names of `numpy.random`.

`default_rng` makes a `Generator`; the functions (``random.normal(size=3)``) are the methods of one
that the module keeps, for convenience. Threads may share generators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.random import SeedSequence

from devarray.random.bits import Philox4x32
from devarray.random.generator import Generator, default_rng
from devarray.random.legacy import NAMES, RandomState, shared

__all__ = ["Generator", "Philox4x32", "RandomState", "SeedSequence", "default_rng"]

globals().update({name: getattr(shared, name) for name in NAMES})
__all__ += NAMES  # noqa: PLE0605

if TYPE_CHECKING:  # the names above are no definitions to a type checker

    def __getattr__(name: str) -> Any: ...
