"""Making arrays from values, ranges and grids."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from devarray import engine
from devarray.array import DeviceArray
from devarray.boundary import asarray
from devarray.chapters import implements, library_functions
from devarray.device import Device
from devarray.graph import map_node
from devarray.kernels.ops import canonical
from devarray.layout import Shape, as_shape, check_order
from devarray.record import fresh, fresh_buffer
from devarray.registry import get_device

__all__ = [
    "copy",
    "empty",
    "empty_like",
    "full",
    "full_like",
    "ndarray",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]

DType = np.dtype[Any]


ONLY_C_OR_F = "only 'C' or 'F' order is permitted"


@implements(np.empty)
def empty(
    shape: Any, dtype: Any = float, order: Any = None, *, device: Any = None, like: Any = None
) -> DeviceArray:
    """Return an array of uninitialised memory; see `numpy.empty`.

    Examples
    --------
    >>> import devarray as da
    >>> da.empty((2, 3)).shape
    (2, 3)
    """
    check_order(order, "CF", ONLY_C_OR_F)
    result: DeviceArray = fresh_buffer(
        get_device(device), as_shape(shape), canonical(np.dtype(dtype))
    )
    return result


def _constant(shape: Shape, value: Any, dtype: DType, device: Device) -> DeviceArray:
    if math.prod(max(length, 1) for length in shape) * dtype.itemsize > sys.maxsize:
        raise ValueError(
            "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible "
            "size."
        )
    value = np.full(1, value, dtype)[0].item()
    node = map_node(engine.copy_loop(dtype, dtype), (value,), shape)
    result: DeviceArray = fresh(node, device)
    return result


@implements(np.full)
def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    like: Any = None,
) -> DeviceArray:
    """Return an array of one value; see `numpy.full`.

    Examples
    --------
    >>> import devarray as da
    >>> da.full(2, 7)
    array([7, 7], device='openmp')
    """
    check_order(order, "CF", ONLY_C_OR_F)
    if isinstance(fill_value, DeviceArray) or np.ndim(fill_value):
        value = asarray(fill_value, dtype, device=device)
        result = empty(shape, value.dtype, device=device)
        result[...] = value
        return result
    if dtype is None:
        dtype = np.asarray(fill_value).dtype
    return _constant(as_shape(shape), fill_value, canonical(np.dtype(dtype)), get_device(device))


@implements(np.zeros)
def zeros(
    shape: Any, dtype: Any = float, order: Any = None, *, device: Any = None, like: Any = None
) -> DeviceArray:
    """Return an array of zeros; see `numpy.zeros`.

    Examples
    --------
    >>> import devarray as da
    >>> da.zeros(2)
    array([0., 0.], device='openmp')
    """
    check_order(order, "CF", ONLY_C_OR_F)
    return _constant(as_shape(shape), 0, canonical(np.dtype(dtype)), get_device(device))


@implements(np.ones)
def ones(
    shape: Any, dtype: Any = float, order: Any = None, *, device: Any = None, like: Any = None
) -> DeviceArray:
    """Return an array of ones; see `numpy.ones`.

    Examples
    --------
    >>> import devarray as da
    >>> da.ones(2)
    array([1., 1.], device='openmp')
    """
    check_order(order, "CF", ONLY_C_OR_F)
    return _constant(as_shape(shape), 1, canonical(np.dtype(dtype)), get_device(device))


def _like(x: Any, dtype: Any, shape: Any, device: Any, order: Any) -> dict[str, Any]:
    check_order(order)
    own = x.device if isinstance(x, DeviceArray) else None
    have = x if isinstance(x, DeviceArray) else np.asarray(x)
    return {
        "shape": have.shape if shape is None else shape,
        "dtype": have.dtype if dtype is None else dtype,
        "device": own if device is None else device,
    }


@implements(np.empty_like)
def empty_like(
    x: Any,
    dtype: Any = None,
    order: Any = None,
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> DeviceArray:
    """Return uninitialised memory of the shape and dtype of `x`; see `numpy.empty_like`."""
    return empty(**_like(x, dtype, shape, device, order))


@implements(np.zeros_like)
def zeros_like(
    x: Any,
    dtype: Any = None,
    order: Any = None,
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> DeviceArray:
    """Return zeros of the shape and dtype of `x`; see `numpy.zeros_like`."""
    return zeros(**_like(x, dtype, shape, device, order))


@implements(np.ones_like)
def ones_like(
    x: Any,
    dtype: Any = None,
    order: Any = None,
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> DeviceArray:
    """Return ones of the shape and dtype of `x`; see `numpy.ones_like`."""
    return ones(**_like(x, dtype, shape, device, order))


@implements(np.full_like)
def full_like(
    x: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = None,
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> DeviceArray:
    """Return one value in the shape and dtype of `x`; see `numpy.full_like`."""
    return full(fill_value=fill_value, **_like(x, dtype, shape, device, order))


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> DeviceArray:
    """Return a copy of an array; see `numpy.copy`."""
    return asarray(a, order=order, copy=True)


ndarray = DeviceArray

library_functions(
    globals(),
    "asarray_chkfinite ascontiguousarray asfortranarray bartlett blackman "
    "frombuffer fromfile fromiter fromregex fromstring genfromtxt hamming "
    "hanning kaiser load loadtxt packbits require save savetxt savez savez_compressed "
    "unpackbits",
)
