"""Random bits: the seed, the number of the call, and arrays of bits that are computed when read."""

from __future__ import annotations

import math
import threading
from typing import Any, NamedTuple

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.engine import copy_loop
from devarray.graph import Node, index_node, map_node
from devarray.kernels import random_rows
from devarray.kernels.ops import OPS
from devarray.layout import Shape
from devarray.record import fresh

__all__ = ["Draw", "Philox4x32", "scaled"]

DType = np.dtype[Any]
F8, U8 = np.dtype(np.float64), np.dtype(np.uint64)

PART = 56  # a call's number takes this many bits of its word; above stands the part of the call

_LOW, _HIGH = OPS[random_rows.philox].make((U8,) * 5)
_UNITS = {
    dtype: OPS[row].make((U8, dtype))[0]
    for row, dtype in ((random_rows.unit64, F8), (random_rows.unit32, np.dtype(np.float32)))
}
(_SCALED,) = OPS[random_rows.scaled].make((U8,) * 4)


class Draw(NamedTuple):
    """The random bits of one call: 128 for each element, and as many more for each further part.

    They depend on the key, the call's number and the element's position in C order, on nothing
    else.
    """

    key: int
    call: int
    shape: Shape
    device: Device

    def bits(self, part: int = 0) -> tuple[Any, Any]:
        """Return two arrays of random uint64."""
        # nodes, not scalars, which would be two operands each in the kernel and all bits made twice
        key, call = (
            map_node(copy_loop(U8, U8), (word,), self.shape)
            for word in (self.key, self.call | part << PART)
        )
        sources = (self._index(), key, call)
        low, high = (map_node(loop, sources, self.shape) for loop in (_LOW, _HIGH))
        return fresh(low, self.device), fresh(high, self.device)

    def _index(self) -> Node | int:
        """Return the elements' positions in C order."""
        if math.prod(self.shape) == 1:
            return 0
        steps = tuple(math.prod(self.shape[k + 1 :]) for k in range(len(self.shape)))
        return index_node(self.shape, steps)

    def units(self, dtype: DType = F8, part: int = 0) -> tuple[Any, Any]:
        """Return two arrays of random numbers in [0, 1), of float64 or float32."""
        low, high = self.bits(part)
        if dtype != F8:  # the low word has bits enough for two
            high = low >> 32
        loop = _UNITS[dtype]
        one, two = (map_node(loop, (bits._node(),), self.shape) for bits in (low, high))
        return fresh(one, self.device), fresh(two, self.device)

    def unit_and_sign(self) -> tuple[Any, Any]:
        """Return random numbers in [0, 1), and -1.0 or 1.0 from a bit that they leave over."""
        low, _ = self.bits()
        unit = fresh(map_node(_UNITS[F8], (low._node(),), self.shape), self.device)
        return unit, np.where(low & 1 == 0, -1.0, 1.0)

    def places(self) -> Any:
        """Return the positions along the last axis, as an int64 array."""
        steps = (0,) * (len(self.shape) - 1) + (1,)
        return fresh(index_node(self.shape, steps), self.device)


def scaled(draw: Draw, count: Any) -> Any:
    """Return random uint64 below `count`: the bits, as a binary fraction, times `count`.

    Up to 2**32 an integer takes 64 bits, above it, and if `count` is an array (of uint64 above 0),
    128 bits.
    """
    low, high = draw.bits()
    if isinstance(count, DeviceArray):
        return fresh(
            map_node(_SCALED, (low._node(), high._node(), count._node()), draw.shape), draw.device
        )
    if count > 1 << 32:
        return fresh(map_node(_SCALED, (low._node(), high._node(), count), draw.shape), draw.device)
    return ((low >> 32) * count + ((low & 0xFFFFFFFF) * count >> 32)) >> 32


class Philox4x32:
    """The state of a generator: a key of 64 bits that the seed gives, and a counter of calls.

    Philox4x32-10 (Salmon et al., 2011) makes the bits out of key, call and element. What is drawn
    moves the counter only, so a state is saved, restored and pickled as two integers. Threads may
    share one.

    Parameters
    ----------
    seed : None, int, sequence of int, SeedSequence, numpy BitGenerator, Generator or RandomState
        As for `numpy.random.default_rng`; NumPy's generators give the seed by 128 bits that are
        drawn from them.

    Attributes
    ----------
    seed_seq : numpy.random.SeedSequence
    key : int
    call : int
        How many calls have drawn numbers so far.
    lock : threading.Lock

    Examples
    --------
    >>> import devarray as da
    >>> da.random.Philox4x32(5).state["call"]
    0
    """

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, (np.random.BitGenerator, np.random.Generator, np.random.RandomState)):
            source = np.random.default_rng(seed)
            seed = source.integers(0, 2**32, 4, dtype=np.uint32)
        if not isinstance(seed, np.random.bit_generator.ISeedSequence):
            seed = np.random.SeedSequence(seed)
        self.seed_seq = seed
        self.key = int(seed.generate_state(1, np.uint64)[0])
        self.call = 0
        self.lock = threading.Lock()

    def take(self) -> int:
        """Return the number of the next call, and count it."""
        with self.lock:
            number = self.call
            self.call = (number + 1) % (1 << PART)
        return number

    @property
    def state(self) -> dict[str, Any]:
        """Key and counter; setting it sets them."""
        with self.lock:
            return {"bit_generator": type(self).__name__, "key": self.key, "call": self.call}

    @state.setter
    def state(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise TypeError("state must be a dict")
        name = type(self).__name__
        if value.get("bit_generator") != name:
            raise ValueError(f"state must be for a {name} RNG")
        key, call = int(value["key"]), int(value["call"])
        if not (0 <= key < 1 << 64 and 0 <= call < 1 << PART):
            raise ValueError(f"key must be below 2**64 and call below 2**{PART}")
        with self.lock:
            self.key, self.call = key, call

    def spawn(self, n_children: int) -> list[Philox4x32]:
        """Return bit generators with seeds of their own; see `numpy.random.BitGenerator.spawn`."""
        if not isinstance(self.seed_seq, np.random.bit_generator.ISpawnableSeedSequence):
            raise TypeError("The underlying SeedSequence does not implement spawning.")
        return [type(self)(child) for child in self.seed_seq.spawn(n_children)]

    def __getstate__(self) -> tuple[Any, dict[str, Any]]:
        return self.seed_seq, self.state

    def __setstate__(self, saved: tuple[Any, dict[str, Any]]) -> None:
        self.seed_seq, state = saved
        self.lock = threading.Lock()
        self.state = state

    def __repr__(self) -> str:
        return f"{type(self).__name__} at 0x{id(self):X}"
