"""Making arrays from values, ranges and grids."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from devarray import engine
from devarray.array import DeviceArray
from devarray.boundary import asarray, asnumpy, to_gpu
from devarray.chapters import implements, library_functions
from devarray.device import Device, get_device
from devarray.graph import map_node
from devarray.indexing import view
from devarray.kernels.ops import canonical
from devarray.layout import Shape, broadcast_layout, broadcast_shapes
from devarray.record import fresh, fresh_buffer

__all__ = [
    "arange",
    "copy",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "identity",
    "indices",
    "linspace",
    "meshgrid",
    "ndarray",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]

DType = np.dtype[Any]


def _shape(shape: Any) -> Shape:
    if isinstance(shape, (list, tuple)):
        result = tuple(operator.index(n) for n in shape)
    else:
        result = (operator.index(shape),)
    if any(n < 0 for n in result):
        raise ValueError("negative dimensions are not allowed")
    return result


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
    result: DeviceArray = fresh_buffer(
        get_device(device), _shape(shape), canonical(np.dtype(dtype))
    )
    return result


def _constant(shape: Shape, value: Any, dtype: DType, device: Device) -> DeviceArray:
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
    if isinstance(fill_value, DeviceArray) or np.ndim(fill_value):
        value = asarray(fill_value, dtype, device=device)
        result = empty(shape, value.dtype, device=device)
        result[...] = value
        return result
    if dtype is None:
        dtype = np.asarray(fill_value).dtype
    return _constant(_shape(shape), fill_value, canonical(np.dtype(dtype)), get_device(device))


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
    return _constant(_shape(shape), 0, canonical(np.dtype(dtype)), get_device(device))


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
    return _constant(_shape(shape), 1, canonical(np.dtype(dtype)), get_device(device))


def _like(x: Any, dtype: Any, shape: Any, device: Any) -> dict[str, Any]:
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
    return empty(**_like(x, dtype, shape, device))


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
    return zeros(**_like(x, dtype, shape, device))


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
    return ones(**_like(x, dtype, shape, device))


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
    return full(fill_value=fill_value, **_like(x, dtype, shape, device))


@implements(np.arange)
def arange(
    start: Any = None,
    stop: Any = None,
    step: Any = None,
    dtype: Any = None,
    *,
    device: Any = None,
    like: Any = None,
) -> DeviceArray:
    """Return evenly spaced values in a half-open interval; see `numpy.arange`.

    Examples
    --------
    >>> import devarray as da
    >>> da.arange(3)
    array([0, 1, 2], device='openmp')
    """
    given = {"start": start, "stop": stop, "step": step}
    values = {
        name: x.item() if isinstance(x, DeviceArray) else x
        for name, x in given.items()
        if x is not None
    }
    if "stop" not in values and "start" in values:
        values["stop"] = values.pop("start")
    return to_gpu(np.arange(**values, dtype=dtype), device)  # type: ignore[call-overload]


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """Return evenly spaced values between two ends; see `numpy.linspace`.

    Examples
    --------
    >>> import devarray as da
    >>> da.linspace(0, 1, 3)
    array([0. , 0.5, 1. ], device='openmp')
    """
    start, stop = asnumpy(start), asnumpy(stop)
    num = operator.index(num)
    values, step = np.linspace(  # type: ignore[call-overload]
        start, stop, num, endpoint, True, dtype, axis
    )
    result = to_gpu(values, device)
    return (result, step) if retstep else result


@implements(np.eye)
def eye(
    n: int,
    m: int | None = None,
    k: int = 0,
    dtype: Any = float,
    order: Any = None,
    *,
    device: Any = None,
    like: Any = None,
) -> DeviceArray:
    """Return ones on a diagonal, zeros elsewhere; see `numpy.eye`.

    Examples
    --------
    >>> import devarray as da
    >>> da.eye(2)
    array([[1., 0.],
           [0., 1.]], device='openmp')
    """
    return to_gpu(np.eye(n, m, k, canonical(np.dtype(dtype))), device)


@implements(np.identity)
def identity(n: int, dtype: Any = None, *, device: Any = None, like: Any = None) -> DeviceArray:
    """Return the identity matrix; see `numpy.identity`."""
    return eye(n, dtype=float if dtype is None else dtype, device=device)


@implements(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[DeviceArray, ...]:
    """Return coordinate arrays of a grid; see `numpy.meshgrid`.

    Examples
    --------
    >>> import devarray as da
    >>> x, y = da.meshgrid(da.arange(2), da.arange(3))
    >>> x.shape
    (3, 2)
    """
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    arrays = [asarray(x) for x in xi]
    ndim = len(arrays)
    order = list(range(ndim))
    if indexing == "xy" and ndim > 1:
        order[:2] = [1, 0]
    parts = []
    for k, x in enumerate(arrays):
        shape = [1] * ndim
        shape[order[k]] = x.size
        parts.append(x.reshape(shape))
    if sparse:
        return tuple(x.copy() for x in parts) if copy else tuple(parts)
    full_shape = broadcast_shapes(*[x.shape for x in parts])
    grids = [view(x, broadcast_layout(x._layout(), full_shape), writeable=False) for x in parts]
    return tuple(x.copy() for x in grids) if copy else tuple(grids)


def indices(dimensions: Any, dtype: Any = int, sparse: bool = False, *, device: Any = None) -> Any:
    """Return the indices of a grid; see `numpy.indices`.

    Examples
    --------
    >>> import devarray as da
    >>> da.indices((2, 2)).shape
    (2, 2, 2)
    """
    shape = _shape(tuple(dimensions))
    lines = [
        arange(n, dtype=dtype, device=device).reshape((1,) * k + (n,) + (1,) * (len(shape) - k - 1))
        for k, n in enumerate(shape)
    ]
    if sparse:
        return tuple(lines)
    result = empty((len(shape), *shape), dtype, device=device)
    for k, line in enumerate(lines):
        result[k] = line
    return result


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> DeviceArray:
    """Return a copy of an array; see `numpy.copy`."""
    return asarray(a, copy=True)


ndarray = DeviceArray

library_functions(
    globals(),
    "asarray_chkfinite ascontiguousarray asfortranarray bartlett blackman "
    "frombuffer fromfile fromfunction fromiter fromregex fromstring genfromtxt geomspace hamming "
    "hanning kaiser load loadtxt logspace packbits require save savetxt savez savez_compressed "
    "tri tril triu unpackbits",
)
