"""The border to the host: arrays from host data and back, shared memory, DLPack."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from devarray import engine
from devarray.array import FUNCTIONS, DeviceArray
from devarray.device import Device
from devarray.graph import Buffer, load_node
from devarray.indexing import view
from devarray.kernels.ops import canonical, canonical_values
from devarray.layout import as_shape, check_order, contiguous, make_layout
from devarray.library import adopt
from devarray.operands import import_array, on_stream
from devarray.record import array_over, fresh_buffer
from devarray.registry import available_devices, get_device
from devarray.streams import Stream

__all__ = [
    "array",
    "asanyarray",
    "asarray",
    "asnumpy",
    "empty_pinned",
    "from_address",
    "from_dlpack",
    "to_gpu",
]

DType = np.dtype[Any]


def to_gpu(
    x: Any, device: str | Device | None = None, *, stream: Stream | None = None
) -> DeviceArray:
    """Copy host data to a device.

    Parameters
    ----------
    x : array_like
        A host array, nested sequences of numbers, or a scalar. A device array is copied, too.
    device : str or Device, optional
        Where to; by default the default device.
    stream : Stream, optional
        A stream of that device to copy on, without waiting: a contiguous array, best in pinned
        memory (`empty_pinned`), must stay as it is until the stream has been synchronised.

    Returns
    -------
    DeviceArray
        A C-contiguous array of the same shape and dtype.

    Raises
    ------
    UnsupportedError
        If the dtype is not numeric or bool.
    ValueError
        If the stream is another device's.

    Examples
    --------
    >>> import devarray as da
    >>> da.to_gpu([1, 2, 3]) + 1
    array([2, 3, 4], device='openmp')
    """
    if device is None and stream is not None:
        device = stream.device
    if isinstance(x, DeviceArray):
        if device is None or get_device(device) is x.device:
            with on_stream(x.device, stream):
                return x.copy()
        return x.to_device(device, stream=stream)  # type: ignore[no-any-return]
    target = get_device(device)
    with on_stream(target, stream):
        result: Any = _foreign(x, target, copy=True)
        if result is None:
            result = import_array(_host(x), target, stream is None)
    return result  # type: ignore[no-any-return]


def empty_pinned(
    shape: Any, dtype: Any = None, *, device: str | Device | None = None
) -> np.ndarray[Any, Any]:
    """Return a host array, not initialised, in memory that a device copies from and to by itself.

    Copies between such memory and a device are faster, and need not wait (``to_gpu(x, stream=s)``,
    ``x.get(out, stream=s, blocking=False)``). Where the device's memory is the host's, it is memory
    like any other.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype, optional
        float64 by default.
    device : str or Device, optional

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> import devarray as da
    >>> x = da.empty_pinned(3)
    >>> x[:] = 1, 2, 3
    >>> da.to_gpu(x).sum().get()
    array(6.)
    """
    lengths, kind = as_shape(shape), np.dtype(dtype)
    memory = get_device(device).pinned(math.prod(lengths) * kind.itemsize)
    return np.frombuffer(memory, kind).reshape(lengths)


def _foreign(x: Any, target: Device, copy: bool) -> Any:
    """Return an array of the device's own library, or of its kind, as one of ours; else None."""
    if isinstance(x, (np.ndarray, np.generic, list, tuple)):
        return None
    if target.describe(x) is None:
        if not (target.has_cuda_interface and hasattr(x, "__cuda_array_interface__")):
            return None
        x = target.xp.asarray(x)
    if copy:
        return adopt(x.copy(), target)
    return _shared(adopt(x, target))


def _shared(array: DeviceArray) -> DeviceArray:
    engine.export(array._buffer)
    return array


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
    foreign = _foreign(a, get_device(device), copy is not False)
    if foreign is not None:
        return asarray(foreign, wanted, copy=copy and None)
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
    source = _device_of_dlpack(x)
    if source is not None:
        shared = adopt(source.xp.from_dlpack(x), source)
        return asarray(shared if copy else _shared(shared), copy=copy, device=device or source)
    host = np.from_dlpack(x)
    target = get_device(device)
    if copy is None and target.shares_host_memory and canonical_values(host.dtype) == host.dtype:
        copy = False
    return asarray(host, copy=copy, device=target)


def from_address(
    address: int,
    shape: Any,
    dtype: Any = float,
    strides: Any = None,
    *,
    device: Any = None,
    owner: object = None,
) -> DeviceArray:
    """Return an array over memory that somebody else has made.

    Parameters
    ----------
    address : int
        Of the first element, in the device's memory.
    shape : int or tuple of int
    dtype : dtype
    strides : tuple of int, optional
        In bytes; by default those of a C-contiguous array.
    device : str or Device, optional
    owner : object, optional
        Lives as long as the array does. Without it, whoever made the memory must keep it.

    Returns
    -------
    DeviceArray
        What is pending on it is evaluated at once, as others may read and write the memory.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.arange(6.0)
    >>> da.from_address(x.ptr, (2, 3), owner=x).sum(axis=0)
    array([3., 5., 7.], device='openmp')
    """
    place: Device = get_device(device)
    kind = canonical(np.dtype(dtype))
    lengths, size = as_shape(shape), kind.itemsize
    steps = contiguous(lengths, size).strides if strides is None else tuple(strides)
    if len(steps) != len(lengths):
        raise ValueError("strides is incompatible with shape of requested array and size of buffer")
    if 0 in lengths:
        return fresh_buffer(place, lengths, kind)  # type: ignore[no-any-return]
    ends = [step * (n - 1) for step, n in zip(steps, lengths, strict=True)]
    low = sum(end for end in ends if end < 0)
    high = sum(end for end in ends if end > 0) + size
    block = place.at(operator.index(address) + low, high - low, owner)
    layout = make_layout(lengths, steps, -low, size)
    buffer = Buffer(place, load_node(block, layout, kind))
    buffer.hold(block, layout)
    return _shared(array_over(buffer))


_HOST_KINDS = (1, 3, 11)  # what DLPack calls memory that the host can read: its own, and pinned


def _device_of_dlpack(x: Any) -> Device | None:
    """Return the device on which the memory of an object with ``__dlpack__`` lies; None: the host.

    Raises
    ------
    BufferError
        If it is none of this machine that devarray can use.
    """
    if not hasattr(x, "__dlpack_device__"):
        raise AttributeError(f"from_dlpack needs an object with __dlpack__, got {type(x).__name__}")
    kind, index = x.__dlpack_device__()
    if int(kind) in _HOST_KINDS:
        return None
    for device in available_devices():
        if device.dlpack_device == (int(kind), int(index)):
            return device  # type: ignore[no-any-return]
    raise BufferError(
        f"the memory is on a device of DLPack's kind {int(kind)}, number {int(index)}, which "
        "devarray cannot use here: copy it to the host first"
    )


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
