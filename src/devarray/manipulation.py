"""Shapes: arrays with other shapes, other orders of axes, other orders of elements."""

from __future__ import annotations

import itertools
import math
import operator
import sys
from typing import Any

import numpy as np

from devarray import indexing
from devarray.array import DeviceArray
from devarray.chapters import implements, method_function, on_device
from devarray.creation import empty
from devarray.layout import (
    broadcast_layout,
    broadcast_shapes,
    check_order,
    normalize_axis,
)
from devarray.library import call_library
from devarray.record import as_result

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "broadcast_to",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "ravel",
    "reshape",
    "roll",
    "rollaxis",
    "rot90",
    "squeeze",
    "swapaxes",
    "transpose",
]

ALL = slice(None)
SMALL = 1 << 20  # bytes up to which NumPy has moved them before some kernels have started


def numbers(value: Any) -> Any:
    """Return numbers that say what to do (shifts, widths), which may come as an array."""
    return value.tolist() if isinstance(value, (DeviceArray, np.ndarray)) else value


def is_small(*arrays: DeviceArray) -> bool:
    """Say whether NumPy moves the elements of arrays faster than several stores do."""
    return sum(x.nbytes for x in arrays) <= SMALL


def _axes(axis: Any, ndim: int) -> list[int]:
    """Return one axis or several, counted from the front, in the order given."""
    given = axis if np.iterable(axis) else (axis,)
    return [normalize_axis(operator.index(one), ndim) for one in given]


def axes_in_order(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes that an int, a sequence, or None for all, names, in the order given."""
    axes = tuple(range(ndim) if axis is None else _axes(axis, ndim))
    if len(set(axes)) != len(axes):
        raise ValueError("repeated axis")
    return axes


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> DeviceArray:
    """Return a read-only view of an array repeated to a shape; see `numpy.broadcast_to`.

    Examples
    --------
    >>> import devarray as da
    >>> da.broadcast_to(da.arange(2), (2, 2))
    array([[0, 1],
           [0, 1]], device='openmp')
    """
    array = on_device(array)
    shape = tuple(operator.index(n) for n in (shape if np.iterable(shape) else (shape,)))
    if any(n < 0 for n in shape):
        raise ValueError("all elements of broadcast shape must be non-negative")
    if math.prod(shape) > sys.maxsize:
        raise ValueError("iterator is too large")
    if len(shape) < array.ndim or broadcast_shapes(array.shape, shape) != shape:
        raise ValueError(
            "operands could not be broadcast together with remapped shapes [original->remapped]: "
            f"{array.shape} and requested shape {shape}"
        )
    layout = broadcast_layout(array._layout(), shape)
    result: DeviceArray = indexing.view(array, layout, writeable=False)
    return result


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[DeviceArray, ...]:
    """Return read-only views repeated to a common shape; see `numpy.broadcast_arrays`.

    Arrays that all have the same shape already are returned as they are.

    Examples
    --------
    >>> import devarray as da
    >>> a, b = da.broadcast_arrays(da.arange(2), da.ones((3, 1)))
    >>> a.shape, b.shape
    ((3, 2), (3, 2))
    """
    arrays = tuple(on_device(x) for x in args)
    shape = broadcast_shapes(*[x.shape for x in arrays])
    if all(x.shape == shape for x in arrays):
        return arrays
    return tuple(broadcast_to(x, shape) for x in arrays)


@implements(np.reshape)
def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> DeviceArray:
    """Return the elements in another shape; see `numpy.reshape`.

    Parameters
    ----------
    a : array_like
    shape : int or sequence of int
        One length may be -1.
    order : {"C", "F", "A"}
        The order in which elements are read and placed. "A" is "F" for an array that is laid out
        so, else "C".
    copy : bool, optional
        True: always copy. False: never. By default the result is a view where strides allow.

    Raises
    ------
    ValueError
        If the sizes differ, or `copy` is False and a view is not possible.

    Examples
    --------
    >>> import devarray as da
    >>> da.reshape(da.arange(4), (2, 2), order="F")
    array([[0, 2],
           [1, 3]], device='openmp')
    """
    return on_device(a).reshape(numbers(shape), order=order, copy=copy)


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> DeviceArray:
    """Return the elements along one axis; see `numpy.ravel`.

    It is a view where the elements lie side by side in the order asked for, else a copy.

    Examples
    --------
    >>> import devarray as da
    >>> da.ravel(da.arange(4).reshape(2, 2), order="F")
    array([0, 2, 1, 3], device='openmp')
    """
    x = on_device(a)
    kind = check_order(order)
    if kind == "F" or (kind == "A" and x.T._layout().dense):
        x = x.T
    elif kind == "K":
        x = x.transpose(_as_in_memory(x))
    return x.ravel()


def _as_in_memory(x: DeviceArray) -> list[int]:
    """Return the axes from the longest stride to the shortest.

    Axes without a stride (of length 1, or broadcast) stay where they are, as in NumPy's iterators.
    """
    steps = [abs(s) if n != 1 else 0 for n, s in zip(x.shape, x.strides, strict=True)]
    order: list[int] = []
    for axis in reversed(range(x.ndim)):
        at = 0
        for k, other in enumerate(order):
            if steps[axis] and steps[other]:
                if steps[axis] >= steps[other]:
                    break
                at = k + 1
        order.insert(at, axis)
    return order


swapaxes = method_function("swapaxes")
squeeze = method_function("squeeze")


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any = 0) -> DeviceArray:
    """Return a view with new axes of length 1; see `numpy.expand_dims`.

    Examples
    --------
    >>> import devarray as da
    >>> da.expand_dims(da.ones(2), (0, -1)).shape
    (1, 2, 1)
    """
    a = on_device(a)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    ndim = a.ndim + len(axes)
    places = axes_in_order(axes, ndim)
    key = tuple(None if k in places else ALL for k in range(ndim))
    result: DeviceArray = a[(*key, ...)]
    return result


def _one_or_all(arrays: list[DeviceArray]) -> Any:
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


def with_axes(x: Any, ndim: int) -> DeviceArray:
    """Return an array with axes of length 1 added, so that it has `ndim`, where NumPy adds them."""
    array = on_device(x)
    if array.ndim >= ndim:
        return array
    keys: dict[int, dict[int, tuple[Any, ...]]] = {
        1: {0: (None,)},
        2: {0: (None, None), 1: (None, ALL)},
        3: {0: (None, None, None), 1: (None, ALL, None), 2: (ALL, ALL, None)},
    }
    result: DeviceArray = array[keys[ndim][array.ndim]]
    return result


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Return views of at least one axis; see `numpy.atleast_1d`.

    Examples
    --------
    >>> import devarray as da
    >>> da.atleast_1d(da.asarray(3))
    array([3], device='openmp')
    """
    return _one_or_all([with_axes(x, 1) for x in arys])


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Return views of at least two axes; see `numpy.atleast_2d`.

    Examples
    --------
    >>> import devarray as da
    >>> da.atleast_2d(da.arange(3)).shape
    (1, 3)
    """
    return _one_or_all([with_axes(x, 2) for x in arys])


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Return views of at least three axes; see `numpy.atleast_3d`.

    Examples
    --------
    >>> import devarray as da
    >>> da.atleast_3d(da.arange(3)).shape
    (1, 3, 1)
    """
    return _one_or_all([with_axes(x, 3) for x in arys])


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> DeviceArray:
    """Return a view with the axes permuted, by default reversed; see `numpy.transpose`.

    Examples
    --------
    >>> import devarray as da
    >>> da.transpose(da.ones((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    return on_device(a).transpose(numbers(axes))


def permute_dims(a: Any, /, axes: Any = None) -> DeviceArray:
    """Return a view with the axes permuted; the Array API's name of `transpose`.

    Examples
    --------
    >>> import devarray as da
    >>> da.permute_dims(da.ones((2, 3)), (1, 0)).shape
    (3, 2)
    """
    return transpose(a, axes)


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> DeviceArray:
    """Return a view with the last two axes exchanged; see `numpy.matrix_transpose`.

    Examples
    --------
    >>> import devarray as da
    >>> da.matrix_transpose(da.ones((2, 3, 4))).shape
    (2, 4, 3)
    """
    return on_device(x).mT


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> DeviceArray:
    """Return a view with axes moved to new positions; see `numpy.moveaxis`.

    Examples
    --------
    >>> import devarray as da
    >>> da.moveaxis(da.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = on_device(a)
    sources, places = axes_in_order(source, x.ndim), axes_in_order(destination, x.ndim)
    if len(sources) != len(places):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return x.transpose(order)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> DeviceArray:
    """Return a view with an axis moved to before another; see `numpy.rollaxis`.

    Examples
    --------
    >>> import devarray as da
    >>> da.rollaxis(da.ones((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    x = on_device(a)
    axis = normalize_axis(axis, x.ndim)
    before = start + x.ndim if start < 0 else start
    if not 0 <= before <= x.ndim:
        raise np.exceptions.AxisError(
            f"'start' arg requires {-x.ndim} <= start < {x.ndim + 1}, but {start} was passed in"
        )
    order = [k for k in range(x.ndim) if k != axis]
    order.insert(before - (axis < before), axis)
    return x.transpose(order)


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> DeviceArray:
    """Return a view with the elements in reverse order along axes; see `numpy.flip`.

    Examples
    --------
    >>> import devarray as da
    >>> da.flip(da.arange(3))
    array([2, 1, 0], device='openmp')
    """
    m = on_device(m)
    axes = axes_in_order(axis, m.ndim)
    if not m.ndim:
        return as_result(m.copy())  # type: ignore[no-any-return]
    key = tuple(slice(None, None, -1) if k in axes else ALL for k in range(m.ndim))
    result: DeviceArray = m[key]
    return result


@implements(np.flipud)
def flipud(m: Any) -> DeviceArray:
    """Return a view with the rows in reverse order; see `numpy.flipud`.

    Examples
    --------
    >>> import devarray as da
    >>> da.flipud(da.arange(3))
    array([2, 1, 0], device='openmp')
    """
    m = on_device(m)
    if m.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return flip(m, 0)


@implements(np.fliplr)
def fliplr(m: Any) -> DeviceArray:
    """Return a view with the columns in reverse order; see `numpy.fliplr`.

    Examples
    --------
    >>> import devarray as da
    >>> da.fliplr(da.arange(4).reshape(2, 2))
    array([[1, 0],
           [3, 2]], device='openmp')
    """
    m = on_device(m)
    if m.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return flip(m, 1)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> DeviceArray:
    """Return a view turned `k` times by 90 degrees in a plane; see `numpy.rot90`.

    Examples
    --------
    >>> import devarray as da
    >>> da.rot90(da.arange(4).reshape(2, 2))
    array([[1, 3],
           [0, 2]], device='openmp')
    """
    x = on_device(m)
    first, second = _axes(axes, x.ndim)
    if first == second:
        raise ValueError("Axes must be different.")
    turns = k % 4  # not only of integers: what is not 0, 1 or 2 counts as 3
    turned = x[...] if turns in (0, 2) else x.swapaxes(first, second)
    if turns in (1, 2):
        turned = flip(turned, first)
    if turns not in (0, 1):
        turned = flip(turned, second)
    return turned


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> DeviceArray:
    """Return a copy with the elements moved on, in a circle, along axes; see `numpy.roll`.

    Examples
    --------
    >>> import devarray as da
    >>> da.roll(da.arange(4), 1)
    array([3, 0, 1, 2], device='openmp')
    """
    x, shift = on_device(a), numbers(shift)
    if is_small(x):
        moved: DeviceArray = call_library(np.roll, (x, shift, numbers(axis)), {}, reads_only=True)
        return moved
    if axis is None:
        return roll(x.ravel(), shift, 0).reshape(x.shape)
    pairs = np.broadcast(shift, _axes(axis, x.ndim))
    if pairs.ndim > 1:
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    shifts = [0] * x.ndim
    for step, at in pairs:
        shifts[at] += int(step)
    pieces = []  # of each axis: from where, to where
    for step, length in zip(shifts, x.shape, strict=True):
        k = step % length if length else 0
        tail = [(slice(length - k, None), slice(0, k))] if k else []
        pieces.append([(slice(0, length - k), slice(k, None)), *tail])
    if all(len(one) == 1 for one in pieces):
        return x.copy()
    result = empty(x.shape, x.dtype, device=x.device)
    for parts in itertools.product(*pieces):
        source, target = zip(*parts, strict=True)
        result[target] = x[source]
    return result
