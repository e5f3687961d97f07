"""The order of axes in memory: results lie as NumPy lays them out, and as user kernels expect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from devarray.array import DeviceArray

__all__ = ["compact_strides", "elementwise", "inverse", "memory_axes", "permuted"]

Axes = tuple[int, ...]


def memory_axes(shape: Axes, strides: Sequence[Axes]) -> Axes:
    """Return the axes of a result from the slowest to the fastest in memory, as NumPy orders them.

    Axes stand as in C unless all operands agree on something else.

    Parameters
    ----------
    shape : tuple of int
        Of the result.
    strides : sequence of tuple of int
        Of each operand, in bytes; 0 along axes where it repeats.
    """
    ndim = len(shape)
    order = list(range(ndim - 1, -1, -1))  # the fastest first
    for here in range(1, ndim):
        axis, place = order[here], here
        for there in range(here - 1, -1, -1):
            verdict = _slower(axis, order[there], strides)
            if verdict:
                break
            if verdict is False:
                place = there
        order.insert(place, order.pop(here))
    return tuple(reversed(order))


def _slower(axis: int, other: int, strides: Sequence[Axes]) -> bool | None:
    """Say whether an operand wants `axis` outside of `other`; None: none of them has an opinion."""
    pairs = [(abs(s[axis]), abs(s[other])) for s in strides if s[axis] and s[other]]
    return any(a >= b for a, b in pairs) if pairs else None


def compact_strides(shape: Axes, axes: Axes, itemsize: int) -> Axes:
    """Return the strides of contiguous memory with the axes from the slowest to the fastest."""
    strides, step = [0] * len(shape), itemsize
    for axis in reversed(axes):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


def inverse(axes: Axes) -> Axes:
    """Return the permutation that undoes another one."""
    back = [0] * len(axes)
    for place, axis in enumerate(axes):
        back[axis] = place
    return tuple(back)


def permuted(array: DeviceArray, axes: Axes) -> DeviceArray:
    """Return a view with the first axes permuted; what comes after them (bytes) stays in place."""
    if axes == tuple(range(len(axes))):
        return array
    return array.transpose((*axes, *range(len(axes), array.ndim)))


def elementwise(function: Callable[..., Any], *operands: Any) -> Any:
    """Call an elementwise function so that its results have the operands' order in memory.

    Device arrays hold results in C order, so the function is called with the axes moved.

    Parameters
    ----------
    function : callable
        It broadcasts its operands; its result is an array or a tuple of arrays.
    *operands : DeviceArray or scalar
    """
    arrays = [x for x in operands if isinstance(x, DeviceArray)]
    if all(x.ndim < 2 or x._layout().dense for x in arrays):
        return function(*operands)
    if any(np.ndim(x) for x in operands if not isinstance(x, DeviceArray)):
        return function(*operands)  # a host array, which is refused or is in C order
    ndim = max(x.ndim for x in arrays)
    shape, strides = (0,) * ndim, []
    for x in arrays:
        steps = [0 if n == 1 else s for n, s in zip(x.shape, x.strides, strict=True)]
        strides.append((0,) * (ndim - x.ndim) + tuple(steps))
    axes = memory_axes(shape, strides)
    if axes == tuple(range(ndim)):
        return function(*operands)
    moved = [
        x[(None,) * (ndim - x.ndim) + (...,)].transpose(axes) if isinstance(x, DeviceArray) else x
        for x in operands
    ]
    back = inverse(axes)
    result = function(*moved)
    if isinstance(result, tuple):
        return tuple(x.transpose(back) for x in result)
    return result.transpose(back)
