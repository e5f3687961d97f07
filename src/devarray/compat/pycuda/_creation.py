"""Making arrays: from host arrays, from values, like others, from other libraries."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.boundary import from_dlpack as device_from_dlpack
from devarray.boundary import to_gpu as to_device
from devarray.grids import arange as device_arange
from devarray.layout import check_order
from devarray.operands import decides_itself
from devarray.registry import get_device

from ._array import GPUArray
from ._buffers import allocate, is_struct
from ._order import compact_strides, memory_axes
from ._transfers import on, upload

__all__ = [
    "arange", "empty", "empty_like", "from_dlpack", "ones", "ones_like", "to_gpu", "to_gpu_async",
    "zeros", "zeros_like",
]  # fmt: skip

empty = GPUArray


def to_gpu(ary: Any, allocator: Any = allocate) -> GPUArray:
    """Copy a host array to the device.

    Parameters
    ----------
    ary : array_like
    allocator : callable, optional
        See `GPUArray`.

    Returns
    -------
    GPUArray
        Contiguous, with the axes in the order of `ary`.

    Raises
    ------
    TypeError
        For Python objects, masked arrays and matrices.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import gpuarray
    >>> gpuarray.to_gpu(np.eye(2).T).flags.f_contiguous
    True
    """
    return to_gpu_async(ary, allocator)


def to_gpu_async(ary: Any, allocator: Any = allocate, stream: Any = None) -> GPUArray:
    """Copy a host array to the device on a stream, without waiting.

    The array, best page-locked, must stay as it is until the stream has been synchronised. Without
    a stream the copy is made at once, as by `to_gpu`.
    """
    if isinstance(ary, (GPUArray, DeviceArray)):
        return ary.copy() if isinstance(ary, GPUArray) else GPUArray._over(ary.copy())
    if decides_itself(ary):
        to_device(ary)  # raises: it says what to do
    host = np.asarray(ary)
    host = host.astype(host.dtype.newbyteorder("="), copy=False)
    struct = is_struct(host.dtype)
    device = get_device()
    with on(stream, device):
        if allocator in (None, allocate):
            later = None if stream is None else device.current_stream()
            array = upload(host, struct, device, later)
            return GPUArray._over(array, None, host.dtype if struct else None)
        axes = memory_axes(host.shape, (host.strides,))
        strides = compact_strides(host.shape, axes, host.itemsize)
        result = GPUArray(host.shape, host.dtype, allocator, strides=strides)
        result.set(host, async_=stream is not None, stream=stream)
    return result


def zeros(
    shape: Any, dtype: Any = np.float64, allocator: Any = allocate, order: str = "C"
) -> GPUArray:
    """Return an array of zeros; see `GPUArray`.

    Examples
    --------
    >>> from devarray.compat.pycuda import gpuarray
    >>> gpuarray.zeros(3).get()
    array([0., 0., 0.])
    """
    return _filled(GPUArray(shape, dtype, allocator, order=order), 0)


def ones(
    shape: Any, dtype: Any = np.float64, allocator: Any = allocate, order: str = "C"
) -> GPUArray:
    """Return an array of ones; see `GPUArray`."""
    return _filled(GPUArray(shape, dtype, allocator, order=order), 1)


def _filled(array: GPUArray, value: int) -> GPUArray:
    return array.fill(np.full((), value, array.dtype)[()] if array._struct else value)


def _like(other: Any, dtype: Any, order: Any) -> GPUArray:
    """Return uninitialised memory of the shape of another array, in order C, F, A or K."""
    letter = check_order(order)
    kind = other.dtype if dtype is None else np.dtype(dtype)
    shape, flags = other.shape, other.flags
    if letter == "A":
        letter = "F" if flags.f_contiguous and not flags.c_contiguous else "C"
    if letter != "K":
        return GPUArray(shape, kind, order=letter)
    axes = memory_axes(shape, (other.strides,))
    if axes == tuple(range(len(shape))):
        return GPUArray(shape, kind)
    return GPUArray(shape, kind, strides=compact_strides(shape, axes, kind.itemsize))


def empty_like(other: Any, dtype: Any = None, order: str = "K") -> GPUArray:
    """Return uninitialised memory of the shape, and by default the dtype and order, of an array."""
    return _like(other, dtype, order)


def zeros_like(other: Any, dtype: Any = None, order: str = "K") -> GPUArray:
    """Return zeros of the shape, and by default the dtype and order, of an array."""
    return _filled(_like(other, dtype, order), 0)


def ones_like(other: Any, dtype: Any = None, order: str = "K") -> GPUArray:
    """Return ones of the shape, and by default the dtype and order, of an array."""
    return _filled(_like(other, dtype, order), 1)


_PLACES = ("start", "stop", "step")


def arange(*args: Any, **options: Any) -> GPUArray:
    """Return evenly spaced values: ``arange([start,] stop[, step][, dtype], stream=None)``.

    Parameters
    ----------
    start, stop, step : number
        As for `numpy.arange`; also by name.
    dtype : dtype, optional
        By default what `numpy.arange` gives. It may be the last positional argument.
    stream : Stream, optional

    Raises
    ------
    TypeError
        If there is no `stop`, or something that is not understood.
    """
    stream, dtype = options.pop("stream", None), options.pop("dtype", None)
    numeric = [isinstance(x, (numbers.Number, np.generic, np.ndarray)) for x in args]
    if args and not numeric[-1]:
        if dtype is not None:
            raise TypeError("arange() got the dtype twice")
        *args, dtype = args  # type: ignore[assignment]
    if len(args) > 3 or not all(numeric[: len(args)]):
        raise TypeError(f"arange() takes start, stop, step and a dtype, got {args}")
    names = ("stop",) if len(args) == 1 and "stop" not in options else _PLACES[: len(args)]
    given = dict(zip(names, args, strict=True))
    for name in _PLACES:
        if name in options:
            if name in given:
                raise TypeError(f"arange() got {name} twice")
            given[name] = options.pop(name)
    if options:
        raise TypeError(f"arange() got an unexpected keyword argument {next(iter(options))!r}")
    if given.get("stop") is None:
        raise ValueError("arange() needs a stop")
    start, step = given.get("start"), given.get("step")
    array = device_arange(
        0 if start is None else start, given["stop"], 1 if step is None else step, dtype=dtype
    )
    return GPUArray._over(array)._on(stream, array)


def from_dlpack(x: Any) -> GPUArray:
    """Return an array over the memory of an object of another library, by DLPack.

    See `devarray.from_dlpack`.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import gpuarray
    >>> gpuarray.from_dlpack(np.arange(3)).get()
    array([0, 1, 2])
    """
    return GPUArray._over(device_from_dlpack(x))
