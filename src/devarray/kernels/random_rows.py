"""The rows of random numbers: Philox4x32-10, and what makes numbers of its bits.

Philox is the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
easy as 1, 2, 3" (SC 2011): the bits are a function of a counter and a key, so every element of an
array is computed by itself, in any order, on any device. Here the counter is (index of the element,
number of the call), 64 bits each, and the key 64 bits of the seed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from devarray.kernels.ops import op

__all__ = ["philox", "scaled", "unit32", "unit64"]

Array = np.ndarray[Any, Any]
U8, F4, F8 = np.dtype(np.uint64), np.dtype(np.float32), np.dtype(np.float64)
WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


class Fixed(NamedTuple):
    """The dtypes of a row that has one loop only."""

    signature: tuple[np.dtype[Any], ...]

    def resolve_dtypes(self, given: Any, **options: Any) -> tuple[np.dtype[Any], ...]:
        """Return the loop's dtypes, whatever the operands are."""
        return self.signature


def philox(index: Array, key: Array, call: Array) -> tuple[Array, Array]:
    """Return 128 random bits as two uint64: the words 0 and 1, and the words 2 and 3."""
    index, key, call = (np.asarray(x, U8) for x in (index, key, call))
    a, b, c, d = index & WORD, index >> HALF, call & WORD, call >> HALF
    k, m = key & WORD, key >> HALF
    for _ in range(10):
        p, q = np.uint64(0xD2511F53) * a, np.uint64(0xCD9E8D57) * c
        a, b, c, d = (q >> HALF) ^ b ^ k, q & WORD, (p >> HALF) ^ d ^ m, p & WORD
        k, m = (k + np.uint64(0x9E3779B9)) & WORD, (m + np.uint64(0xBB67AE85)) & WORD
    return a | b << HALF, c | d << HALF


def unit64(bits: Array) -> Array:
    """Return a float64 in [0, 1), a multiple of 2**-53, from the highest bits of two words."""
    high, low = (bits & WORD) >> np.uint64(5), bits >> np.uint64(38)
    return (high.astype(F8) * 2.0**26 + low.astype(F8)) * 2.0**-53


def unit32(bits: Array) -> Array:
    """Return a float32 in [0, 1), a multiple of 2**-24, from the highest bits of the first word."""
    result: Array = ((bits & WORD) >> np.uint64(8)).astype(F4) * F4.type(2.0**-24)
    return result


def _high(x: Array, y: Array) -> Array:
    """Return the upper 64 bits of a product."""
    a, b, c, d = x >> HALF, x & WORD, y >> HALF, y & WORD
    middle = a * d + (b * d >> HALF)
    result: Array = a * c + (middle >> HALF) + ((b * c + (middle & WORD)) >> HALF)
    return result


def scaled(low: Array, high: Array, count: Array) -> Array:
    """Return an integer in [0, count) from 128 random bits: ``bits * count >> 128``.

    No value is more likely than another by more than 2**-64 of its probability (multiplication in
    place of division: Lemire, "Fast random integer generation in an interval", 2019).
    """
    lower = high * count
    carried = lower + _high(low, count)
    return _high(high, count) + (carried < lower).astype(U8)


op(philox, ("da_random_low({0}, {1}, {2})", "da_random_high({0}, {1}, {2})"), nin=3,
   like=Fixed((U8,) * 5), dear=True, exact=True)  # fmt: skip
op(unit64, "da_random_unit64({0})", nin=1, like=Fixed((U8, F8)), exact=True)
op(unit32, "da_random_unit32({0})", nin=1, like=Fixed((U8, F4)), exact=True)
op(scaled, "da_random_scaled({0}, {1}, {2})", nin=3, like=Fixed((U8,) * 4), exact=True)
