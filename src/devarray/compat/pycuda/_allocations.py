"""PyCUDA's device memory: blocks of devarray's pool, with their addresses as plain numbers."""

from __future__ import annotations

import bisect
import gc
import operator
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.device import Block
from devarray.device import Device as Core
from devarray.errors import DeviceMemoryError
from devarray.layout import bytes_at
from devarray.registry import get_device
from devarray.streams import Event, Stream

from ._errors import InvalidValueError, LogicError, MemoryError, UnsupportedError

__all__ = [
    "DeviceAllocation",
    "IPCMemoryHandle",
    "PointerHolderBase",
    "address_of",
    "block_of",
    "mem_alloc",
    "mem_alloc_like",
    "mem_alloc_pitch",
    "mem_get_address_range",
    "mem_get_ipc_handle",
    "whole_number",
]

_PITCH = 512  # rows of `mem_alloc_pitch` begin at multiples of it


def whole_number(value: Any, what: str) -> int:
    """Return a size as int.

    Raises
    ------
    TypeError
        If it is none.
    InvalidValueError
        If it is negative.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be an int, got {type(value).__name__}") from None
    if number < 0:
        raise InvalidValueError(f"{what} must not be negative, got {number}")
    return number


class _Ranges:
    """Where the live allocations are, by address."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a collected allocation may interrupt its own thread
        self._starts: list[int] = []
        self._sizes: dict[int, int] = {}

    def add(self, start: int, nbytes: int) -> None:
        with self._lock:
            if start not in self._sizes:
                bisect.insort(self._starts, start)
            self._sizes[start] = nbytes

    def remove(self, start: int) -> None:
        with self._lock:
            if self._sizes.pop(start, None) is not None:
                del self._starts[bisect.bisect_left(self._starts, start)]

    def find(self, address: int) -> tuple[int, int] | None:
        """Return start and size of the allocation that an address lies in."""
        with self._lock:
            place = bisect.bisect_right(self._starts, address) - 1
            if place < 0:
                return None
            start = self._starts[place]
            size = self._sizes[start]
        return (start, size) if address < start + size else None


_ranges = _Ranges()
find_range = _ranges.find


class _InUse:
    """What streams still use although the program may have dropped it, until they have passed.

    The streams are kept as well: work without a stream waits for those that are alive.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waiting: deque[tuple[Any, list[tuple[Stream, Event]]]] = deque()

    def hold(self, kept: Any, device: Core) -> None:
        """Keep something as long as the work that is in the device's streams now."""
        if device.several_streams and not device.unusable:
            busy = [(stream, stream.record()) for stream in device.streams() if not stream.done]
            if busy:
                self._waiting.append((kept, busy))
        self.sweep()

    def sweep(self) -> None:
        """Let go what no stream uses any more."""
        with self._lock:
            while self._waiting and all(event.done for _, event in self._waiting[0][1]):
                self._waiting.popleft()


in_use = _InUse()


class DeviceAllocation:
    """Memory of a device; it is freed when nothing refers to it any more, or by `free`.

    Kernels and copies take it, or its address: ``int(allocation) + offset``.

    Attributes
    ----------
    nbytes : int
    block : devarray.device.Block
    """

    __slots__ = ("__weakref__", "_address", "_block", "nbytes")

    def __init__(self, block: Block, nbytes: int | None = None) -> None:
        self._block: Block | None = block
        self._address = block.address
        self.nbytes = block.nbytes if nbytes is None else nbytes
        _ranges.add(self._address, self.nbytes)

    @property
    def block(self) -> Block:
        """The memory; `LogicError` if it was freed."""
        if self._block is None:
            raise LogicError("the allocation was freed")
        return self._block

    def __int__(self) -> int:
        return self.block.address

    __index__ = __int__

    def free(self) -> None:
        """Give the memory back before the last reference goes; no one may use it any more.

        Raises
        ------
        LogicError
            If it was freed before.
        """
        if self._block is None:
            raise LogicError("the allocation was freed before")
        self._let_go()

    def _let_go(self) -> None:
        block, self._block = self._block, None
        if block is not None:
            _ranges.remove(self._address)
            in_use.hold(block, block.device)

    def __del__(self, at_exit: Callable[[], bool] = sys.is_finalizing) -> None:
        if hasattr(self, "_block") and not at_exit():  # modules may be gone by then
            self._let_go()

    def as_buffer(self, size: int, offset: int = 0) -> memoryview:
        """Return bytes of the memory for the host; only where host and device share it."""
        return _host_bytes(self.block.device, int(self), size, offset, self)

    def __repr__(self) -> str:
        if self._block is None:
            return "<freed allocation>"
        return f"<{self.nbytes} bytes at {self._address:#x} on {self._block.device.name}>"


class PointerHolderBase:
    """Base of classes that know an address: they define ``get_pointer() -> int``."""

    def get_pointer(self) -> int:
        """Return the address."""
        raise NotImplementedError(f"{type(self).__name__} must define get_pointer()")

    def __int__(self) -> int:
        return operator.index(self.get_pointer())

    __index__ = __int__

    def as_buffer(self, size: int, offset: int = 0) -> memoryview:
        """Return bytes of the memory for the host; only where host and device share it."""
        return _host_bytes(get_device(), int(self), size, offset, self)


def _host_bytes(device: Core, address: int, size: int, offset: int, owner: Any) -> memoryview:
    if not device.shares_host_memory:
        raise UnsupportedError(f"the host cannot read {device.name}'s memory: use memcpy_dtoh")
    start = address + whole_number(offset, "offset")
    size = whole_number(size, "size")
    check_range(start, size)
    return memoryview(bytes_at(start, size, owner))


class IPCMemoryHandle:
    """Not supported: memory is not shared among processes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        raise UnsupportedError("memory is not shared among processes: send it with mpi4py or so")


def mem_get_ipc_handle(devptr: Any) -> bytes:
    """Not supported: memory is not shared among processes."""
    raise UnsupportedError("memory is not shared among processes: send it with mpi4py or so")


def new_block(nbytes: int) -> Block:
    """Return memory of the current device, after a garbage collection if it is short of it."""
    device = get_device()
    in_use.sweep()
    try:
        return device.empty(nbytes)  # type: ignore[no-any-return]
    except DeviceMemoryError:
        gc.collect()
        in_use.sweep()
    try:
        return device.empty(nbytes)  # type: ignore[no-any-return]
    except DeviceMemoryError as error:
        raise MemoryError(str(error)) from None


def mem_alloc(nbytes: int) -> DeviceAllocation:
    """Return memory of the current device, uninitialised.

    Parameters
    ----------
    nbytes : int
        At least 1.

    Raises
    ------
    MemoryError
        If there is too little, even after a garbage collection.
    LogicError
        If `nbytes` is 0 or negative.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import driver
    >>> a = np.arange(4.0)
    >>> a_gpu = driver.mem_alloc(a.nbytes)
    >>> driver.memcpy_htod(a_gpu, a)
    >>> driver.from_device_like(a_gpu, a)
    array([0., 1., 2., 3.])
    """
    if whole_number(nbytes, "nbytes") == 0:
        raise InvalidValueError("mem_alloc needs at least one byte, as CUDA does")
    return DeviceAllocation(new_block(operator.index(nbytes)))


def mem_alloc_like(ary: Any) -> DeviceAllocation:
    """Return memory for the elements of an array."""
    return mem_alloc(ary.nbytes)


def mem_alloc_pitch(width: int, height: int, access_size: int) -> tuple[DeviceAllocation, int]:
    """Return memory for rows that begin at aligned addresses, and the bytes from row to row.

    Parameters
    ----------
    width : int
        Bytes of a row.
    height : int
        Rows.
    access_size : {4, 8, 16}
        Bytes that kernels read at a time.
    """
    if access_size not in (4, 8, 16):
        raise InvalidValueError(f"access_size must be 4, 8 or 16, got {access_size!r}")
    pitch = -(-whole_number(width, "width") // _PITCH) * _PITCH
    return mem_alloc(pitch * whole_number(height, "height")), pitch


def mem_get_address_range(devptr: Any) -> tuple[int, int]:
    """Return start and bytes of the allocation that an address lies in.

    Raises
    ------
    LogicError
        If it lies in none that `mem_alloc` or a pool made.
    """
    address = address_of(devptr)
    found = _ranges.find(address)
    if found is None:
        raise InvalidValueError(f"{address:#x} is in no allocation of this module")
    return found


def check_range(address: int, nbytes: int) -> None:
    """Refuse bytes that reach out of the allocation that they begin in."""
    found = _ranges.find(address)
    if found is not None and address + nbytes > sum(found):
        raise InvalidValueError(
            f"{nbytes} bytes at byte {address - found[0]} do not fit into an allocation of "
            f"{found[1]} bytes"
        )


def address_of(pointer: Any) -> int:
    """Return the address of what a program passes as a pointer to device memory.

    That is an int, an allocation, a `PointerHolderBase`, an array of ours, or an object with a
    ``__cuda_array_interface__``.

    Raises
    ------
    TypeError
        If it is nothing of that.
    """
    if isinstance(pointer, (int, np.integer, DeviceAllocation, PointerHolderBase)):
        return int(pointer)
    if isinstance(pointer, np.ndarray):
        base: Any = pointer.base
        if isinstance(base, PointerHolderBase):  # managed memory
            return int(pointer.__array_interface__["data"][0])
        raise TypeError(
            "a host array is no device memory: copy it with to_device, memcpy_htod or gpuarray, or "
            "pass driver.In(array)"
        )
    for name in ("gpudata", "ptr"):
        if hasattr(pointer, name):
            found = getattr(pointer, name)
            return 0 if found is None else int(found)
    interface: Any = getattr(pointer, "__cuda_array_interface__", None)
    if interface is not None:
        return int(interface["data"][0])
    if hasattr(pointer, "__index__"):
        return operator.index(pointer)
    raise TypeError(
        "an address of device memory is needed (an int, an allocation or a GPUArray), got "
        + type(pointer).__name__
    )


def block_of(pointer: Any, nbytes: int) -> Block:
    """Return the device memory behind a pointer.

    Raises
    ------
    InvalidValueError
        If `nbytes` from there reach out of the allocation.
    """
    address = address_of(pointer)
    check_range(address, nbytes)
    if isinstance(pointer, DeviceAllocation):
        return pointer.block
    if address == 0:
        raise InvalidValueError("the pointer is null")
    return get_device().at(address, nbytes)  # type: ignore[no-any-return]
