"""Shapes and joins: views with other axes, repeated views, arrays put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray import indexing
from devarray.array import DeviceArray
from devarray.boundary import asarray
from devarray.chapters import implements, library_functions, method_function, on_device
from devarray.creation import empty
from devarray.kernels.ops import canonical
from devarray.layout import broadcast_layout, broadcast_shapes, normalize_axis
from devarray.record import refuse_host

__all__ = [
    "broadcast_arrays",
    "broadcast_to",
    "concat",
    "concatenate",
    "expand_dims",
    "moveaxis",
    "permute_dims",
    "ravel",
    "reshape",
    "squeeze",
    "stack",
    "swapaxes",
    "transpose",
]

DType = np.dtype[Any]


def _on_one_side(arrays: Any) -> list[DeviceArray]:
    """Return what is to be joined as device arrays.

    Host arrays do not meet device arrays unasked.
    """
    parts = list(arrays)
    if any(isinstance(x, DeviceArray) for x in parts):
        for x in parts:
            refuse_host(x, "is joined with device arrays")
    return [asarray(x) for x in parts]


@implements(np.broadcast_to)
def broadcast_to(x: Any, shape: Any, subok: bool = False) -> DeviceArray:
    """Return a read-only view of `x` repeated to a shape; see `numpy.broadcast_to`.

    Examples
    --------
    >>> import devarray as da
    >>> da.broadcast_to(da.arange(2), (2, 2))
    array([[0, 1],
           [0, 1]], device='openmp')
    """
    x = asarray(x)
    shape = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    if len(shape) < x.ndim or broadcast_shapes(x.shape, shape) != shape:
        raise ValueError(
            "operands could not be broadcast together with remapped shapes [original->remapped]: "
            f"{x.shape} and requested shape {shape}"
        )
    result: DeviceArray = indexing.view(x, broadcast_layout(x._layout(), shape), writeable=False)
    return result


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[DeviceArray, ...]:
    """Return read-only views repeated to a common shape; see `numpy.broadcast_arrays`."""
    arrays = [asarray(x) for x in args]
    shape = broadcast_shapes(*[x.shape for x in arrays])
    return tuple(broadcast_to(x, shape) for x in arrays)


def _result_dtype(arrays: Sequence[DeviceArray], dtype: Any, casting: str) -> DType:
    if dtype is None:
        return canonical(np.result_type(*[x.dtype for x in arrays]))
    target = canonical(np.dtype(dtype))
    for x in arrays:
        if not np.can_cast(x.dtype, target, casting):  # type: ignore[arg-type]
            raise TypeError(
                f"Cannot cast array data from {x.dtype!r} to {target!r} according to the rule "
                f"'{casting}'"
            )
    return target


@implements(np.concatenate)
def concatenate(
    arrays: Any,
    axis: int | None = 0,
    out: DeviceArray | None = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> DeviceArray:
    """Join arrays along an existing axis; see `numpy.concatenate`.

    Examples
    --------
    >>> import devarray as da
    >>> da.concatenate([da.zeros(2), da.ones(1)])
    array([0., 0., 1.], device='openmp')
    """
    parts = _on_one_side(arrays)
    if not parts:
        raise ValueError("need at least one array to concatenate")
    if out is not None and dtype is not None:
        raise TypeError(
            "concatenate() only takes `out` or `dtype` as an argument, but both were provided."
        )
    if axis is None:
        parts, axis = [x.reshape(-1) for x in parts], 0
    first = parts[0]
    if not first.ndim:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = normalize_axis(axis, first.ndim)
    for k, x in enumerate(parts):
        if x.ndim != first.ndim:
            raise ValueError(
                "all the input array dimensions except for the concatenation axis must match "
                f"exactly, but along dimension 0, the array at index 0 has {first.ndim} "
                f"dimension(s) and the array at index {k} has {x.ndim} dimension(s)"
            )
        for a in range(first.ndim):
            if a != axis and x.shape[a] != first.shape[a]:
                raise ValueError(
                    "all the input array dimensions except for the concatenation axis must match "
                    f"exactly, but along dimension {a}, the array at index 0 has size "
                    f"{first.shape[a]} and the array at index {k} has size {x.shape[a]}"
                )
    shape = list(first.shape)
    shape[axis] = sum(x.shape[axis] for x in parts)
    target = _result_dtype(parts, dtype, casting)
    result = empty(tuple(shape), target, device=first.device) if out is None else out
    if result.shape != tuple(shape):
        raise ValueError("Output array is the wrong shape")
    if out is not None:
        _result_dtype(parts, out.dtype, casting)  # raises if a part cannot be cast
    at = 0
    for x in parts:
        stop = at + x.shape[axis]
        result[(slice(None),) * axis + (slice(at, stop),)] = x
        at = stop
    return result


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
    parts = _on_one_side(arrays)
    if not parts:
        raise ValueError("need at least one array to stack")
    if any(x.shape != parts[0].shape for x in parts):
        raise ValueError("all input arrays must have the same shape")
    axis = normalize_axis(axis, parts[0].ndim + 1)
    key = (slice(None),) * axis + (None,)
    return concatenate([x[key] for x in parts], axis, out, dtype=dtype, casting=casting)


reshape = method_function("reshape")
ravel = method_function("ravel")
transpose = method_function("transpose")
swapaxes = method_function("swapaxes")
squeeze = method_function("squeeze")


def permute_dims(a: Any, /, axes: tuple[int, ...]) -> DeviceArray:
    """Return a view with the axes permuted; the Array API's name of `transpose`."""
    return on_device(a).transpose(axes)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> DeviceArray:
    """Return a view with new axes of length 1; see `numpy.expand_dims`."""
    a = on_device(a)
    axes = axis if isinstance(axis, tuple) else (axis,)
    ndim = a.ndim + len(axes)
    places = {normalize_axis(one, ndim) for one in axes}
    if len(places) != len(axes):
        raise ValueError("repeated axis")
    key = tuple(None if k in places else slice(None) for k in range(ndim))
    result: DeviceArray = a[key]
    return result


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> DeviceArray:
    """Return a view with axes moved to new positions; see `numpy.moveaxis`."""
    a = on_device(a)
    sources = source if isinstance(source, (tuple, list)) else (source,)
    places = destination if isinstance(destination, (tuple, list)) else (destination,)
    if len(sources) != len(places):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    moved = [normalize_axis(x, a.ndim) for x in sources]
    order = [axis for axis in range(a.ndim) if axis not in moved]
    for place, axis in sorted(zip([normalize_axis(x, a.ndim) for x in places], moved, strict=True)):
        order.insert(place, axis)
    result: DeviceArray = a.transpose(order)
    return result


concat = concatenate

library_functions(
    globals(),
    "append array_split atleast_1d atleast_2d atleast_3d block column_stack delete diag diagflat "
    "diagonal dsplit dstack flip fliplr flipud hsplit hstack insert matrix_transpose pad repeat "
    "resize roll rollaxis rot90 split tile trim_zeros unstack vsplit vstack",
)
