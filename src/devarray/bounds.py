"""Whether integer arrays that are used as indices are within bounds.

Libraries of devices other than the host's take an index that is out of bounds for some other one,
without a word. NumPy raises, so we do, before anything is read or written.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.record import Recorded

__all__ = ["check_bounds"]

_MOST = 1 << 16  # indices that are copied to the host; of more, the least and the greatest


def _check(indices: Any, length: int, axis: int) -> None:
    """Raise NumPy's error for the first index that is out of bounds for an axis."""
    if isinstance(indices, Recorded):
        array: Any = indices
        if array.dtype.kind not in "iu" or not array.size:
            return
        if array.size > _MOST:
            least, greatest = array.min(), array.max()
            if least.item() >= -length and greatest.item() < length:
                return
        indices = array.get()
    else:
        indices = np.asarray(indices)
        if indices.dtype.kind not in "iu":
            return
    wrong = _outside(indices, length)
    if wrong.any():
        raise IndexError(
            f"index {indices[wrong][0]} is out of bounds for axis {axis} with size {length}"
        )


def _on_host(value: Any) -> np.ndarray[Any, Any]:
    array: Any = value
    host: np.ndarray[Any, Any] = array.get() if isinstance(value, Recorded) else np.asarray(value)
    return host


def _outside(indices: np.ndarray[Any, Any], length: int) -> np.ndarray[Any, Any]:
    """Return where indices are out of bounds, in whatever integers they are."""
    info = np.iinfo(indices.dtype)
    above = indices >= length if length <= info.max else np.zeros(indices.shape, bool)
    return above | (indices < -length) if info.min < -length else above


def _axes(part: Any) -> int:
    """Return how many axes of the array a part of a key stands for."""
    if part is None or part is Ellipsis or isinstance(part, (bool, np.bool_)):
        return 0
    if isinstance(part, Recorded) and part._dtype().kind == "b":
        return len(part._shape())
    return 1


def _check_key(array: Any, key: Any, *rest: Any) -> None:
    """Check the integer arrays of ``array[key]``; NumPy looks at them one after the other."""
    if not isinstance(array, Recorded):
        return
    shape = array._shape()
    parts = key if type(key) is tuple else (key,)
    axis = 0
    for part in parts:
        if part is Ellipsis:
            axis += len(shape) - sum(map(_axes, parts))
        elif isinstance(part, Recorded) and part._shape() and axis < len(shape):
            _check(part, shape[axis], axis)
        axis += _axes(part)


def _check_take(
    a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise"
) -> None:
    if mode != "raise" or not isinstance(a, Recorded):
        return
    shape = a._shape()
    if axis is None:
        _check(indices, math.prod(shape), 0)
    elif -len(shape) <= axis < len(shape):
        _check(indices, shape[axis], axis % len(shape))


def _check_put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    _check_take(a, ind, None, None, mode)


def _check_along(arr: Any, indices: Any, axis: Any = -1) -> None:
    """Check what differs along the other axes, of the same shape as the array there."""
    _check_take(arr, indices, axis)


def _check_put_along(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    _check_take(arr, indices, axis)


def _check_choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> None:
    if mode != "raise":
        return
    count = len(choices)
    chosen = _on_host(a)
    if chosen.dtype.kind in "iu" and ((chosen < 0) | (chosen >= count)).any():
        raise ValueError("invalid entry in choice array")


def _check_compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> None:
    """Check a condition that is longer than the axis: what it selects may be there all the same."""
    if not isinstance(a, Recorded):
        return
    chosen = _on_host(condition)
    if chosen.ndim == 1:
        _check_take(a, np.flatnonzero(chosen), axis)


_CHECKS: dict[Callable[..., Any], Callable[..., None]] = {
    operator.getitem: _check_key,
    operator.setitem: _check_key,
    np.take: _check_take,
    np.put: _check_put,
    np.take_along_axis: _check_along,
    np.put_along_axis: _check_put_along,
    np.choose: _check_choose,
    np.compress: _check_compress,
}


def check_bounds(function: Callable[..., Any], args: Any, options: Any) -> None:
    """Raise what NumPy raises for a call whose indices are out of bounds, if they are.

    Raises
    ------
    IndexError, ValueError
    """
    check = _CHECKS.get(function)
    if check is not None:
        check(*args, **options)
