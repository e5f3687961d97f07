"""The border to the host: arrays from host data and back, shared memory, DLPack."""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray import engine
from devarray.array import FUNCTIONS, DeviceArray
from devarray.device import Device
from devarray.graph import Buffer, load_node
from devarray.indexing import view
from devarray.kernels.ops import canonical, canonical_values
from devarray.layout import check_order, make_layout
from devarray.library import adopt
from devarray.operands import import_array
from devarray.record import fresh_buffer
from devarray.registry import get_device

__all__ = ["array", "asanyarray", "asarray", "asnumpy", "from_dlpack", "to_gpu"]

DType = np.dtype[Any]


def to_gpu(x: Any, device: str | Device | None = None) -> DeviceArray:
    """Copy host data to a device.

    Parameters
    ----------
    x : array_like
        A host array, nested sequences of numbers, or a scalar. A device array is copied, too.
    device : str or Device, optional
        Where to; by default the default device.

    Returns
    -------
    DeviceArray
        A C-contiguous array of the same shape and dtype.

    Raises
    ------
    UnsupportedError
        If the dtype is not numeric or bool.

    Examples
    --------
    >>> import devarray as da
    >>> da.to_gpu([1, 2, 3]) + 1
    array([2, 3, 4], device='openmp')
    """
    if isinstance(x, DeviceArray):
        if device is None or get_device(device) is x.device:
            return x.copy()
        x = x.get()
    target = get_device(device)
    result: DeviceArray = import_array(_host(x), target)
    return result


def _host(x: Any) -> np.ndarray[Any, Any]:
    """Return host data as an ndarray; nested sequences may hold 0-d device arrays."""
    if isinstance(x, (list, tuple)):
        x = _without_device(x)
    return x if isinstance(x, np.ndarray) else np.asarray(x)


def _without_device(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [_without_device(item) for item in x]
    return x.get() if isinstance(x, DeviceArray) else x


def asarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    copy: bool | None = None,
    device: Any = None,
    like: Any = None,
) -> DeviceArray:
    """Return `a` as a device array: itself if it is one already, else a copy of it on the device.

    Parameters
    ----------
    a : array_like
    dtype : dtype, optional
    order : optional
        Ignored: results are C-contiguous.
    copy : bool, optional
        True: always copy. False: never; a host array's memory is then shared where the device can.
    device : str or Device, optional

    Returns
    -------
    DeviceArray

    Raises
    ------
    ValueError
        If `copy` is False and a copy is needed.

    Examples
    --------
    >>> import devarray as da
    >>> da.asarray([1, 2], dtype="float32")
    array([1., 2.], dtype=float32, device='openmp')
    """
    check_order(order)
    wanted = None if dtype is None else canonical_values(np.dtype(dtype))
    if isinstance(a, DeviceArray):
        if device is not None and get_device(device) is not a.device:
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array on another device.")
            a = to_gpu(a, device)
        elif copy:
            a = a.copy()
        array: DeviceArray = a
        if wanted is None or wanted == array.dtype:
            return array
        if copy is False:
            raise ValueError("Unable to avoid copy while creating an array as requested.")
        return array.astype(wanted)
    if isinstance(a, (list, tuple)) and any(
        isinstance(item, DeviceArray) and item.shape for item in a
    ):
        return _stack(a, wanted, device)
    host = _host(a)
    if copy is False:
        target = get_device(device)
        same = canonical_values(host.dtype) == host.dtype and wanted in (None, host.dtype)
        if not (same and isinstance(a, np.ndarray) and target.shares_host_memory):
            raise ValueError("Unable to avoid copy while creating an array as requested.")
        return _share(host, target)
    if wanted is not None:
        host = (
            host.astype(wanted)
            if isinstance(a, np.ndarray)
            else np.asarray(_without_device(a), wanted)
        )
    return to_gpu(host, device)


def _stack(items: Any, wanted: Any, device: Any) -> DeviceArray:
    """Return an array made of a list with device arrays in it."""
    parts = [asarray(item) for item in items]
    if any(part.shape != parts[0].shape for part in parts):
        raise ValueError(
            "setting an array element with a sequence. "
            "The requested array has an inhomogeneous shape"
        )
    dtype = canonical(np.result_type(*[part.dtype for part in parts]))
    result: DeviceArray = fresh_buffer(get_device(device), (len(parts), *parts[0].shape), dtype)
    for k, part in enumerate(parts):
        result[k] = part
    return result if wanted is None else result.astype(wanted)


def _share(host: np.ndarray[Any, Any], device: Device) -> DeviceArray:
    """Return an array over a host array's own memory.

    Others may write that memory: its reads are evaluated at once.
    """
    canonical(host.dtype)
    result: DeviceArray = adopt(host, device) if host.flags.writeable else _read_only(host, device)
    engine.export(result._buffer)
    return result


def _read_only(host: np.ndarray[Any, Any], device: Device) -> Any:
    block = device.adopt(host)
    offset = host.__array_interface__["data"][0] - block.address
    layout = make_layout(host.shape, host.strides, offset, host.itemsize)
    buffer = Buffer(device, load_node(block, layout, canonical(host.dtype)))
    buffer.hold(block, layout)
    whole = DeviceArray._make(buffer, None)
    return view(whole, layout, writeable=False)


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = None,
    ndmin: int = 0,
    device: Any = None,
    subok: bool = False,
    like: Any = None,
) -> DeviceArray:
    """Return a new device array with the values of `object`; see `numpy.array` and `asarray`.

    Examples
    --------
    >>> import devarray as da
    >>> da.array([[1, 2], [3, 4]]).sum(axis=0)
    array([4, 6], device='openmp')
    """
    if copy and not isinstance(object, DeviceArray):
        copy = None  # what comes from the host is copied anyway
    result = asarray(object, dtype, order, copy=copy, device=device)
    if result.ndim < ndmin:
        result = result.reshape((1,) * (ndmin - result.ndim) + result.shape)
    return result


def asnumpy(x: Any) -> np.ndarray[Any, Any]:
    """Return device or host data as a host array.

    Examples
    --------
    >>> import devarray as da
    >>> da.asnumpy(da.ones(2))
    array([1., 1.])
    """
    return x.get() if isinstance(x, DeviceArray) else np.asarray(x)


def from_dlpack(x: Any, *, device: Any = None, copy: bool | None = None) -> DeviceArray:
    """Return a device array with the values of any array that supports DLPack.

    Parameters
    ----------
    x : object with ``__dlpack__``
    device : str or Device, optional
    copy : bool, optional
        By default the memory is shared where the device can, as the Array API standard wants it;
        True always copies, False never. What is shared may be written by others, so its reads are
        evaluated at once.

    Returns
    -------
    DeviceArray

    Examples
    --------
    >>> import devarray as da, numpy as np
    >>> da.from_dlpack(np.arange(3))
    array([0, 1, 2], device='openmp')
    """
    if isinstance(x, DeviceArray):
        return asarray(x, copy=copy, device=device)
    host = np.from_dlpack(x)
    target = get_device(device)
    if copy is None and target.shares_host_memory and canonical_values(host.dtype) == host.dtype:
        copy = False
    return asarray(host, copy=copy, device=target)


def asanyarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: bool | None = None,
    like: Any = None,
) -> DeviceArray:
    """Return `a` as a device array: there are no subclasses, so this is `asarray`."""
    return asarray(a, dtype, order, device=device, copy=copy)


FUNCTIONS.update({np.asarray: asarray, np.array: array, np.asanyarray: asanyarray})
