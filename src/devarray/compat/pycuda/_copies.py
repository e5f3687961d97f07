"""PyCUDA's copies and fills of device memory.

Copies without a stream come after all that was put into streams before, and have ended when they
return. Those with a stream return at once; host memory must then stay as it is until the stream has
passed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.boundary import from_address
from devarray.device import Device as Core
from devarray.layout import contiguous
from devarray.registry import get_device

from ._allocations import DeviceAllocation, address_of, block_of, check_range, in_use, mem_alloc
from ._allocations import whole_number as _number
from ._errors import InvalidValueError, UnsupportedError
from ._host_memory import as_order
from ._streams import null_stream, on_stream

__all__ = [
    "from_device",
    "from_device_like",
    "host_bytes",
    "memcpy_atoa",
    "memcpy_atod",
    "memcpy_atoh",
    "memcpy_dtoa",
    "memcpy_dtod",
    "memcpy_dtod_async",
    "memcpy_dtoh",
    "memcpy_dtoh_async",
    "memcpy_htoa",
    "memcpy_htod",
    "memcpy_htod_async",
    "memcpy_peer",
    "memcpy_peer_async",
    "memset_d2d8",
    "memset_d2d8_async",
    "memset_d2d16",
    "memset_d2d16_async",
    "memset_d2d32",
    "memset_d2d32_async",
    "memset_d8",
    "memset_d8_async",
    "memset_d16",
    "memset_d16_async",
    "memset_d32",
    "memset_d32_async",
    "to_device",
]


def host_bytes(buffer: Any, write: bool = False) -> Any:
    """Return the bytes of host memory, in the order in which they lie there, without a copy.

    Parameters
    ----------
    buffer : buffer
        An array, ``bytes``, a NumPy scalar, or whatever else has a contiguous buffer.
    write : bool
        It will be written.

    Raises
    ------
    TypeError
        If it is no buffer, or holds Python objects.
    InvalidValueError
        If it is not contiguous, or read-only and to be written.
    """
    if isinstance(buffer, (np.ndarray, np.generic)):
        array = np.asarray(buffer)
        if array.dtype.hasobject:
            raise TypeError(f"an array of {array.dtype} has no bytes that a device could use")
        if not array.flags.forc:
            raise InvalidValueError(
                f"host memory must be contiguous (shape {array.shape}, strides {array.strides}): "
                "pass numpy.ascontiguousarray(a)"
            )
        flat = array.reshape(-1, order="A").view(np.uint8)
    else:
        try:
            view = memoryview(buffer)
        except TypeError:
            raise TypeError(
                "host memory must be an array or another buffer, got " + type(buffer).__name__
            ) from None
        if not view.contiguous:
            raise InvalidValueError("host memory must be contiguous")
        flat = np.frombuffer(view, np.uint8) if view.nbytes else np.empty(0, np.uint8)
    if write and (not flat.flags.writeable or isinstance(buffer, np.generic)):
        raise InvalidValueError("the host memory that is copied to is read-only")
    return flat


def _to_device(dest: Any, src: Any, stream: Any, wait: bool) -> None:
    source = host_bytes(src)
    if source.nbytes == 0:
        return
    block = block_of(dest, source.nbytes)
    with on_stream(stream, block.device):
        block.device.copy_in(source, block, 0, wait)
    if not wait:
        in_use.hold((dest, source), block.device)


def _to_host(dest: Any, src: Any, stream: Any, wait: bool) -> None:
    target = host_bytes(dest, write=True)
    if target.nbytes == 0:
        return
    block = block_of(src, target.nbytes)
    with on_stream(stream, block.device):
        block.device.copy_out(block, contiguous((target.nbytes,), 1), target, wait)
    if not wait:
        in_use.hold((src, target), block.device)


def memcpy_htod(dest: Any, src: Any) -> None:
    """Copy host memory to the device.

    Parameters
    ----------
    dest : DeviceAllocation, GPUArray or int
        Where to, on the current device if it is an address.
    src : buffer
        All of its bytes are copied.

    Raises
    ------
    LogicError
        If the bytes do not fit into the allocation, or `src` is not contiguous.
    TypeError
        If `dest` is no address or `src` no buffer.
    """
    _to_device(dest, src, None, True)


def memcpy_htod_async(dest: Any, src: Any, stream: Any = None) -> None:
    """Put a copy from host memory to the device into a stream; see `memcpy_htod`.

    `src` must stay as it is until the stream has passed.
    """
    _to_device(dest, src, stream, False)


def memcpy_dtoh(dest: Any, src: Any) -> None:
    """Copy device memory to the host.

    Parameters
    ----------
    dest : buffer
        As many bytes are copied as it has.
    src : DeviceAllocation, GPUArray or int
        Where from.

    Raises
    ------
    LogicError
        If the allocation has fewer bytes, or `dest` is not contiguous or read-only.
    TypeError
        If `src` is no address or `dest` no buffer.
    """
    _to_host(dest, src, None, True)


def memcpy_dtoh_async(dest: Any, src: Any, stream: Any = None) -> None:
    """Put a copy from the device to host memory into a stream; see `memcpy_dtoh`."""
    _to_host(dest, src, stream, False)


def view_of(pointer: Any, shape: tuple[int, ...], strides: Any, dtype: Any, device: Core) -> Any:
    """Return device memory as an array over it."""
    return from_address(address_of(pointer), shape, dtype, strides, device=device)


def _device_of(pointer: Any) -> Core:
    if isinstance(pointer, DeviceAllocation):
        return pointer.block.device
    return get_device()  # type: ignore[no-any-return]


def _between(dest: Any, src: Any, size: int, stream: Any, wait: bool) -> None:
    nbytes = _number(size, "size")
    if nbytes == 0:
        return
    for pointer in (dest, src):
        check_range(address_of(pointer), nbytes)
    _copy(dest, _device_of(dest), src, _device_of(src), nbytes, stream, wait)


def _copy(
    dest: Any, target: Core, src: Any, origin: Core, nbytes: int, stream: Any, wait: bool
) -> None:
    source = view_of(src, (nbytes,), None, np.uint8, origin)
    result = view_of(dest, (nbytes,), None, np.uint8, target)
    if origin is not target:
        null_stream(origin).synchronize()
        source = source.to_device(target)
    with on_stream(stream, target) as core:
        result[...] = source
        if wait:
            core.synchronize()
    if not wait:
        in_use.hold((dest, src), target)


def memcpy_dtod(dest: Any, src: Any, size: int) -> None:
    """Copy bytes from device memory to other device memory, which must not overlap it.

    Parameters
    ----------
    dest, src : DeviceAllocation, GPUArray or int
    size : int
        Bytes.

    Raises
    ------
    LogicError
        If an allocation has fewer bytes.
    """
    _between(dest, src, size, None, True)


def memcpy_dtod_async(dest: Any, src: Any, size: int, stream: Any = None) -> None:
    """Put a copy within device memory into a stream; see `memcpy_dtod`."""
    _between(dest, src, size, stream, False)


def memcpy_peer(
    dest: Any, src: Any, size: int, dest_context: Any = None, src_context: Any = None
) -> None:
    """Copy bytes from one device's memory to another's.

    Parameters
    ----------
    dest, src : DeviceAllocation or int
    size : int
        Bytes.
    dest_context, src_context : Context, optional
        Which device an address belongs to: by default the allocation's, or the current one.
    """
    memcpy_peer_async(dest, src, size, None, dest_context, src_context)
    null_stream(_owner(dest, dest_context)).synchronize()


def memcpy_peer_async(
    dest: Any,
    src: Any,
    size: int,
    stream: Any = None,
    dest_context: Any = None,
    src_context: Any = None,
) -> None:
    """Put a copy between devices into a stream of the one that is copied to; see `memcpy_peer`."""
    nbytes = _number(size, "size")
    if nbytes:
        for pointer in (dest, src):
            check_range(address_of(pointer), nbytes)
        places = _owner(dest, dest_context), _owner(src, src_context)
        _copy(dest, places[0], src, places[1], nbytes, stream, False)


def _owner(pointer: Any, context: Any) -> Core:
    return _device_of(pointer) if context is None else context._device


def to_device(bf_obj: Any) -> DeviceAllocation:
    """Return new device memory with the bytes of a buffer.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import driver
    >>> a = np.arange(3)
    >>> driver.from_device(driver.to_device(a), (3,), a.dtype)
    array([0, 1, 2])
    """
    source = host_bytes(bf_obj)
    result = mem_alloc(source.nbytes)
    memcpy_htod(result, source)
    return result


def from_device(devptr: Any, shape: Any, dtype: Any, order: str = "C") -> Any:
    """Return a new host array with elements from device memory.

    Parameters
    ----------
    devptr : DeviceAllocation, GPUArray or int
    shape : int or tuple of int
    dtype : dtype
    order : {"C", "F"}
    """
    make: Any = np.empty
    result = make(shape, dtype, as_order(order))
    memcpy_dtoh(result, devptr)
    return result


def from_device_like(devptr: Any, other_ary: Any) -> Any:
    """Return a new host array of another one's shape and dtype, with elements from the device."""
    result = np.empty_like(other_ary)
    memcpy_dtoh(result, devptr)
    return result


# ---- fills ---------------------------------------------------------------------------------------


def _fill(
    dest: Any,
    pitch: int,
    value: int,
    size: tuple[int, ...],
    bits: int,
    stream: Any,
    wait: bool,
) -> None:
    dtype: Any = np.dtype(f"uint{bits}")
    shape = tuple(_number(n, "a count") for n in size)
    word = int(value)
    if not -(1 << (bits - 1)) <= word < 1 << bits:
        raise InvalidValueError(f"{value} does not fit into {bits} bits")
    if 0 in shape:
        return
    width = shape[-1] * dtype.itemsize
    rows = shape[0] if len(shape) == 2 else 1
    if rows > 1 and pitch < width:
        raise InvalidValueError(f"the pitch of {pitch} bytes is less than a row of {width}")
    address = address_of(dest)
    if address % dtype.itemsize or (rows > 1 and pitch % dtype.itemsize):
        raise InvalidValueError(f"address and pitch must be multiples of {dtype.itemsize} bytes")
    check_range(address, (rows - 1) * pitch + width)
    device = _device_of(dest)
    strides = (pitch, dtype.itemsize)[-len(shape) :]
    with on_stream(stream, device) as core:
        view_of(dest, shape, strides, dtype, device)[...] = np.array(word & (1 << bits) - 1, dtype)
        if wait:
            core.synchronize()
    if not wait:
        in_use.hold(dest, device)


def memset_d8(dest: Any, data: int, size: int) -> None:
    """Fill device memory with a byte.

    Parameters
    ----------
    dest : DeviceAllocation, GPUArray or int
    data : int
        The value.
    size : int
        How many elements.

    Raises
    ------
    LogicError
        If the value or the elements do not fit.
    """
    _fill(dest, 0, data, (size,), 8, None, True)


def memset_d16(dest: Any, data: int, size: int) -> None:
    """Fill device memory with a 16-bit value; see `memset_d8`."""
    _fill(dest, 0, data, (size,), 16, None, True)


def memset_d32(dest: Any, data: int, size: int) -> None:
    """Fill device memory with a 32-bit value; see `memset_d8`."""
    _fill(dest, 0, data, (size,), 32, None, True)


def memset_d8_async(dest: Any, data: int, size: int, stream: Any = None) -> None:
    """Put a fill into a stream; see `memset_d8`."""
    _fill(dest, 0, data, (size,), 8, stream, False)


def memset_d16_async(dest: Any, data: int, size: int, stream: Any = None) -> None:
    """Put a fill into a stream; see `memset_d8`."""
    _fill(dest, 0, data, (size,), 16, stream, False)


def memset_d32_async(dest: Any, data: int, size: int, stream: Any = None) -> None:
    """Put a fill into a stream; see `memset_d8`."""
    _fill(dest, 0, data, (size,), 32, stream, False)


def memset_d2d8(dest: Any, pitch: int, data: int, width: int, height: int) -> None:
    """Fill the rows of a rectangle with a byte.

    Parameters
    ----------
    dest : DeviceAllocation, GPUArray or int
    pitch : int
        Bytes from row to row.
    data : int
        The value.
    width, height : int
        Elements of a row, and rows.

    Raises
    ------
    LogicError
        If the value or the elements do not fit.
    """
    _fill(dest, pitch, data, (height, width), 8, None, True)


def memset_d2d16(dest: Any, pitch: int, data: int, width: int, height: int) -> None:
    """Fill the rows of a rectangle with a 16-bit value; see `memset_d2d8`."""
    _fill(dest, pitch, data, (height, width), 16, None, True)


def memset_d2d32(dest: Any, pitch: int, data: int, width: int, height: int) -> None:
    """Fill the rows of a rectangle with a 32-bit value; see `memset_d2d8`."""
    _fill(dest, pitch, data, (height, width), 32, None, True)


def memset_d2d8_async(
    dest: Any, pitch: int, data: int, width: int, height: int, stream: Any = None
) -> None:
    """Put a fill into a stream; see `memset_d2d8`."""
    _fill(dest, pitch, data, (height, width), 8, stream, False)


def memset_d2d16_async(
    dest: Any, pitch: int, data: int, width: int, height: int, stream: Any = None
) -> None:
    """Put a fill into a stream; see `memset_d2d8`."""
    _fill(dest, pitch, data, (height, width), 16, stream, False)


def memset_d2d32_async(
    dest: Any, pitch: int, data: int, width: int, height: int, stream: Any = None
) -> None:
    """Put a fill into a stream; see `memset_d2d8`."""
    _fill(dest, pitch, data, (height, width), 32, stream, False)


# ---- arrays for textures -------------------------------------------------------------------------


def _no_arrays(*args: Any, **options: Any) -> None:
    """Not supported: arrays for textures went with texture references; see `driver.Array`."""
    raise UnsupportedError(
        "there are no arrays for textures (CUDA 12 removed texture references): keep the data in "
        "plain memory, and let the kernel index it"
    )


memcpy_dtoa = memcpy_atod = memcpy_htoa = memcpy_atoh = memcpy_atoa = _no_arrays
