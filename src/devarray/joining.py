"""Joins and splits: arrays put together, and views of their parts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.boundary import asarray
from devarray.chapters import implements, library_functions, on_device
from devarray.creation import empty
from devarray.kernels.ops import canonical
from devarray.layout import normalize_axis
from devarray.library import call_library
from devarray.manipulation import ALL, is_small, numbers, with_axes
from devarray.operands import refuse_host

__all__ = [
    "append",
    "array_split",
    "block",
    "column_stack",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "stack",
    "unstack",
    "vsplit",
    "vstack",
]

DType = np.dtype[Any]


def _items(arrays: Any) -> list[Any]:
    """Return what is to be joined: the items of a sequence, or the parts of an array."""
    if not hasattr(arrays, "__getitem__"):
        raise TypeError("arrays to join must be passed as a sequence type such as list or tuple")
    refuse_host(arrays, "in a function of devarray")
    if isinstance(arrays, DeviceArray):
        return [arrays[k, ...] for k in range(len(arrays))]
    parts = list(arrays)
    if any(isinstance(x, DeviceArray) for x in parts):
        for x in parts:
            refuse_host(x, "is joined with device arrays")
    return parts


def _sequence(arrays: Any) -> list[DeviceArray]:
    return [asarray(x) for x in _items(arrays)]


def _result_dtype(parts: Sequence[Any], dtype: Any, casting: str) -> DType:
    """Return the dtype of a join; Python's scalars among the parts adapt to the others."""
    target = canonical(np.result_type(*parts) if dtype is None else np.dtype(dtype))
    for have in (*parts, target):  # it is cast to itself, so that `casting` is looked at
        if isinstance(have, np.dtype) and not np.can_cast(have, target, casting):  # type: ignore[arg-type]
            raise TypeError(
                f"Cannot cast array data from {have!r} to {target!r} according to the rule "
                f"'{casting}'"
            )
    return target


def _joined_shape(shapes: Sequence[tuple[int, ...]], axis: int) -> tuple[int, ...]:
    """Return the shape of arrays of these shapes joined along an axis."""
    first = shapes[0]
    for k, shape in enumerate(shapes):
        what = "all the input array dimensions except for the concatenation axis must match exactly"
        if len(shape) != len(first):
            raise ValueError(
                f"{what}, but along dimension 0, the array at index 0 has {len(first)} "
                f"dimension(s) and the array at index {k} has {len(shape)} dimension(s)"
            )
        for a, (want, have) in enumerate(zip(first, shape, strict=True)):
            if a != axis and have != want:
                raise ValueError(
                    f"{what}, but along dimension {a}, the array at index 0 has size {want} "
                    f"and the array at index {k} has size {have}"
                )
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


@implements(np.concatenate)
def concatenate(
    arrays: Any,
    /,
    axis: int | None = 0,
    out: DeviceArray | None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> DeviceArray:
    """Join arrays along an existing axis; see `numpy.concatenate`.

    Parameters
    ----------
    arrays : sequence of array_like
    axis : int, optional
        None: the elements of all arrays, one array after the other.
    out : DeviceArray, optional
        Where to write the result.
    dtype : dtype, optional
        By default the arrays' common one.
    casting : str
        What casts are allowed, to `dtype` or to that of `out`.

    Examples
    --------
    >>> import devarray as da
    >>> da.concatenate([da.zeros(2), da.ones(1)])
    array([0., 0., 1.], device='openmp')
    """
    items = _items(arrays)
    if not items:
        raise ValueError("need at least one array to concatenate")
    if out is not None and dtype is not None:
        raise TypeError(
            "concatenate() only takes `out` or `dtype` as an argument, but both were provided."
        )
    parts = [asarray(x) for x in items]
    kinds = [
        x if type(x) in (int, float, complex) else part.dtype
        for x, part in zip(items, parts, strict=True)
    ]
    if axis is None:
        parts, axis = [x.ravel() for x in parts], 0
    if not parts[0].ndim:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = normalize_axis(axis, parts[0].ndim)
    shape = _joined_shape([x.shape for x in parts], axis)
    if out is None and all(x._buffer.block is not None for x in parts) and is_small(*parts):
        kind = _result_dtype(kinds, dtype, casting)
        joined: DeviceArray = call_library(
            np.concatenate, (parts, axis), {"dtype": kind, "casting": "unsafe"}, reads_only=True
        )
        return joined
    if out is None:
        result = empty(shape, _result_dtype(kinds, dtype, casting), device=parts[0].device)
    else:
        result = _checked_out(out, shape)
        _result_dtype(kinds, out.dtype, casting)  # raises if a part cannot be cast
    at = 0
    for x in parts:
        stop = at + x.shape[axis]
        result[(ALL,) * axis + (slice(at, stop),)] = x
        at = stop
    return result


def _checked_out(out: Any, shape: tuple[int, ...]) -> DeviceArray:
    refuse_host(out, "is the output of a function of devarray")
    if not isinstance(out, DeviceArray):
        raise TypeError("'out' must be an array")
    if out.shape != shape:
        raise ValueError("Output array is the wrong shape")
    return out


concat = concatenate


@implements(np.stack)
def stack(
    arrays: Any,
    axis: int = 0,
    out: DeviceArray | None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> DeviceArray:
    """Join arrays along a new axis; see `numpy.stack`.

    Examples
    --------
    >>> import devarray as da
    >>> da.stack([da.zeros(2), da.ones(2)]).shape
    (2, 2)
    """
    parts = _sequence(arrays)
    if not parts:
        raise ValueError("need at least one array to stack")
    if any(x.shape != parts[0].shape for x in parts):
        raise ValueError("all input arrays must have the same shape")
    axis = normalize_axis(axis, parts[0].ndim + 1)
    key = (ALL,) * axis + (None,)
    return concatenate([x[key] for x in parts], axis, out, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> DeviceArray:
    """Join arrays along the second axis, or the first if there is one only; see `numpy.hstack`.

    Examples
    --------
    >>> import devarray as da
    >>> da.hstack([da.zeros(1), da.ones(2)])
    array([0., 1., 1.], device='openmp')
    """
    parts = [with_axes(x, 1) for x in _sequence(tup)]
    axis = 0 if not parts or parts[0].ndim == 1 else 1
    return concatenate(parts, axis, dtype=dtype, casting=casting)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> DeviceArray:
    """Join arrays along the first axis; those of one axis are rows; see `numpy.vstack`.

    Examples
    --------
    >>> import devarray as da
    >>> da.vstack([da.zeros(2), da.ones(2)])
    array([[0., 0.],
           [1., 1.]], device='openmp')
    """
    parts = [with_axes(x, 2) for x in _sequence(tup)]
    return concatenate(parts, 0, dtype=dtype, casting=casting)


@implements(np.dstack)
def dstack(tup: Any) -> DeviceArray:
    """Join arrays along the third axis; see `numpy.dstack`.

    Examples
    --------
    >>> import devarray as da
    >>> da.dstack([da.zeros(2), da.ones(2)]).shape
    (1, 2, 2)
    """
    return concatenate([with_axes(x, 3) for x in _sequence(tup)], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> DeviceArray:
    """Join arrays along the second axis; those of one axis are columns; see `numpy.column_stack`.

    Examples
    --------
    >>> import devarray as da
    >>> da.column_stack([da.zeros(2), da.ones(2)])
    array([[0., 1.],
           [0., 1.]], device='openmp')
    """
    parts = [x if x.ndim > 1 else with_axes(x, 2).T for x in _sequence(tup)]
    return concatenate(parts, 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> DeviceArray:
    """Return a copy with values after the end; see `numpy.append`.

    Examples
    --------
    >>> import devarray as da
    >>> da.append(da.arange(2), 7)
    array([0, 1, 7], device='openmp')
    """
    return concatenate([on_device(arr), on_device(values)], axis)


@implements(np.block)
def block(arrays: Any) -> DeviceArray:
    """Return an array put together from nested lists of blocks; see `numpy.block`.

    The innermost lists are joined along the last axis, those around them along the one before.

    Examples
    --------
    >>> import devarray as da
    >>> da.block([[da.zeros((1, 1)), da.ones((1, 2))], [da.ones((1, 3))]])
    array([[0., 1., 1.],
           [1., 1., 1.]], device='openmp')
    """
    depth = _depth(arrays)
    leaves: list[DeviceArray] = []
    tree = _leaves(arrays, leaves)
    ndim = max(depth, *[x.ndim for x in leaves], 0)
    places: list[tuple[int, ...]] = [(0,) * ndim] * len(leaves)
    whole = [x[(None,) * (ndim - x.ndim) + (...,)] for x in leaves]
    shape = _arrange(tree, ndim - depth, whole, places)
    dtype = canonical(np.result_type(*[x.dtype for x in leaves]))
    result = empty(shape, dtype, device=leaves[0].device)
    for x, start in zip(whole, places, strict=True):
        key = tuple(slice(at, at + n) for at, n in zip(start, x.shape, strict=True))
        result[(*key, ...)] = x
    return result


def _depth(arrays: Any) -> int:
    """Return how deep lists are nested, which must be the same everywhere."""
    if isinstance(arrays, tuple):
        raise TypeError("block takes lists, not tuples")
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        raise ValueError("List depths are mismatched, or a list is empty")
    return depths.pop() + 1


def _leaves(arrays: Any, found: list[DeviceArray]) -> Any:
    """Return the lists with the numbers of the arrays in them, which are added to `found`."""
    if isinstance(arrays, list):
        return [_leaves(part, found) for part in arrays]
    found.append(on_device(arrays))
    return len(found) - 1


def _arrange(
    tree: Any, axis: int, leaves: list[DeviceArray], places: list[tuple[int, ...]]
) -> tuple[int, ...]:
    """Find each block's place inside its list, and return the list's shape."""
    if isinstance(tree, int):
        return leaves[tree].shape
    shapes = [_arrange(part, axis + 1, leaves, places) for part in tree]
    at = 0
    for part, shape in zip(tree, shapes, strict=True):
        for leaf in _numbers(part):
            start = places[leaf]
            places[leaf] = (*start[:axis], start[axis] + at, *start[axis + 1 :])
        at += shape[axis]
    return _joined_shape(shapes, axis)


def _numbers(tree: Any) -> list[int]:
    return [leaf for part in tree for leaf in _numbers(part)] if isinstance(tree, list) else [tree]


# Splits


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[DeviceArray]:
    """Return views of parts, of nearly equal or given lengths; see `numpy.array_split`.

    Examples
    --------
    >>> import devarray as da
    >>> [part.size for part in da.array_split(da.arange(5), 2)]
    [3, 2]
    """
    ary, given = on_device(ary), numbers(indices_or_sections)
    at = axis if -ary.ndim <= axis < ary.ndim else normalize_axis(axis, ary.ndim)
    length = ary.shape[at]
    if hasattr(given, "__len__"):
        stops = [0, *given, length]
    else:
        sections = int(given)
        if sections <= 0:
            raise ValueError("number sections must be larger than 0.")
        each, more = divmod(length, sections)
        stops = [k * each + min(k, more) for k in range(sections + 1)]
    lead = (ALL,) * (at % ary.ndim)
    return [ary[(*lead, slice(start, stop))] for start, stop in itertools.pairwise(stops)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[DeviceArray]:
    """Return views of parts, of equal or given lengths; see `numpy.split`.

    Examples
    --------
    >>> import devarray as da
    >>> da.split(da.arange(3), [1])
    [array([0], device='openmp'), array([1, 2], device='openmp')]
    """
    ary, given = on_device(ary), numbers(indices_or_sections)
    if not hasattr(given, "__len__") and ary.shape[axis] % given:
        raise ValueError("array split does not result in an equal division")
    return array_split(ary, given, axis)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[DeviceArray]:
    """Return views of parts along the second axis, or the only one; see `numpy.hsplit`.

    Examples
    --------
    >>> import devarray as da
    >>> [part.shape for part in da.hsplit(da.ones((2, 4)), 2)]
    [(2, 2), (2, 2)]
    """
    ary = on_device(ary)
    if not ary.ndim:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[DeviceArray]:
    """Return views of parts along the first axis; see `numpy.vsplit`.

    Examples
    --------
    >>> import devarray as da
    >>> [part.shape for part in da.vsplit(da.ones((2, 4)), 2)]
    [(1, 4), (1, 4)]
    """
    ary = on_device(ary)
    if ary.ndim < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[DeviceArray]:
    """Return views of parts along the third axis; see `numpy.dsplit`.

    Examples
    --------
    >>> import devarray as da
    >>> [part.shape for part in da.dsplit(da.ones((1, 2, 4)), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    ary = on_device(ary)
    if ary.ndim < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)


@implements(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[DeviceArray, ...]:
    """Return the parts along an axis as a tuple of views; see `numpy.unstack`.

    Examples
    --------
    >>> import devarray as da
    >>> [part.shape for part in da.unstack(da.ones((2, 3)), axis=1)]
    [(2,), (2,), (2,)]
    """
    x = on_device(x)
    if not x.ndim:
        raise ValueError("Input array must be at least 1-d.")
    axis = normalize_axis(axis, x.ndim)
    return tuple(x[(ALL,) * axis + (k,)] for k in range(x.shape[axis]))


library_functions(globals(), "delete insert")
