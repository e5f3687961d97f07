"""Random order and random choice: permutations are sorted random keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.boundary import to_gpu
from devarray.kernels.random_rows import philox
from devarray.random.bits import Draw, scaled
from devarray.random.distributions import exponential

__all__ = ["chosen", "integers", "orders", "weighted", "weighted_distinct"]

U8 = np.dtype(np.uint64)
FULL = 1 << 64


def orders(draw: Draw) -> Any:
    """Return random permutations of ``0, 1, ...`` along the last axis, as int64.

    Random bits and the position share one uint64, so that values are sorted, which is several times
    faster than finding the order of keys. Where the random bits beside the position (40 of them for
    ten million elements) are equal, 64 more decide.
    """
    n = draw.shape[-1]
    width = max(n - 1, 1).bit_length()
    low, _ = draw.bits()
    keys: Any = np.sort(low >> width << width | draw.places().astype(U8))
    if n > 1 and 0 not in draw.shape:
        ties = (keys[..., 1:] ^ keys[..., :-1]) < 1 << width
        if bool(ties.any()):
            keys = _untie(keys, ties, draw, width)
    return (keys & ((1 << width) - 1)).astype(np.int64)


def _untie(keys: DeviceArray, ties: DeviceArray, draw: Draw, width: int) -> Any:
    """Return sorted keys with those whose random bits are equal in the order of further bits."""
    n = draw.shape[-1]
    nonzero: Any = np.nonzero
    found = [index.get() for index in nonzero(ties.reshape(-1, n - 1))]
    first = found[0] * n + found[1]
    members = np.union1d(first, first + 1)
    places = to_gpu(members, draw.device)
    flat = keys.reshape(-1)
    tied = flat[places].get()
    row = members // n
    element = row * n + (tied & U8.type((1 << width) - 1)).astype(np.int64)
    _, further = philox(element, np.asarray(draw.key, U8), np.asarray(draw.call, U8))
    order = np.lexsort((further, tied >> U8.type(width), row))
    flat[places] = to_gpu(tied[order], draw.device)
    return flat.reshape(keys.shape)


def chosen(draw: Draw, count: int) -> Any:
    """Return random positions below `count`."""
    return scaled(draw, count).astype(np.int64)


def weighted(draw: Draw, p: np.ndarray[Any, Any]) -> Any:
    """Return random positions in `p`, each as likely as `p` says."""
    limits = p.cumsum()
    limits /= limits[-1]
    return np.searchsorted(to_gpu(limits, draw.device), draw.units()[0], side="right")


def weighted_distinct(draw: Draw, p: np.ndarray[Any, Any], count: int) -> Any:
    """Return different positions in `p`, each the next one as likely as `p` says.

    They are the first to happen of independent waiting times at rates `p`.
    """
    times = exponential(draw) / to_gpu(p, draw.device)
    return np.argsort(times)[:count]


# Integers between bounds


def integers(draw: Draw, low: Any, high: Any, dtype: np.dtype[Any]) -> Any:
    """Return random integers from `low` to `high`, both included.

    The bounds are Python integers or device arrays of the 64-bit dtype that holds `dtype`.
    """
    start, end = _modular(low), _modular(high)
    if isinstance(start, int) and isinstance(end, int):
        count = (end - start + 1) % FULL
        offset = scaled(draw, count) if count else draw.bits()[0]
        return ((offset + start) if start else offset).astype(dtype)
    count = end - start + 1
    offset = scaled(draw, count)
    if dtype.itemsize == 8:  # the whole range has one value more than 64 bits can count
        offset = np.where(count == 0, draw.bits()[0], offset)
    return (offset + start).astype(dtype)


def _modular(bound: Any) -> Any:
    """Return a bound modulo 2**64."""
    return bound.astype(U8) if isinstance(bound, DeviceArray) else bound % FULL
