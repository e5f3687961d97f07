"""PyCUDA's kinds of host memory: page-locked, aligned, managed, registered.

All are NumPy arrays; their ``base`` is the allocation, which lives as long as they do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.layout import contiguous
from devarray.registry import get_device

from ._allocations import PointerHolderBase, new_block, whole_number
from ._enums import mem_attach_flags
from ._errors import InvalidValueError, LogicError, UnsupportedError

__all__ = [
    "AlignedHostAllocation",
    "HostPointer",
    "ManagedAllocation",
    "PagelockedHostAllocation",
    "RegisteredHostMemory",
    "aligned_empty",
    "aligned_empty_like",
    "aligned_zeros",
    "aligned_zeros_like",
    "as_order",
    "managed_empty",
    "managed_empty_like",
    "managed_zeros",
    "managed_zeros_like",
    "pagelocked_empty",
    "pagelocked_empty_like",
    "pagelocked_zeros",
    "pagelocked_zeros_like",
    "register_host_memory",
]


class HostPointer:
    """Host memory that arrays are made of.

    Parameters
    ----------
    memory : numpy.ndarray
        The bytes.
    flags : int
        What it was asked for with.
    """

    __array_interface__: dict[str, Any]

    def __init__(self, memory: Any, flags: int = 0) -> None:
        self._memory = memory
        self._flags = int(flags)
        self._freed = False
        self.nbytes = int(memory.nbytes)

    def __len__(self) -> int:
        return self.nbytes

    def get_flags(self) -> int:
        """Return the flags that the memory was made with."""
        return self._flags

    def get_device_pointer(self) -> int:
        """Return the address for kernels; only where host and device share memory."""
        device = get_device()
        if not device.shares_host_memory:
            raise UnsupportedError(f"kernels on {device.name} cannot read memory of the host")
        return int(self._memory.__array_interface__["data"][0])

    def free(self) -> None:
        """Say that the memory is not needed any more; it goes with the last array over it.

        Raises
        ------
        LogicError
            If that was said before.
        """
        if self._freed:
            raise LogicError("the memory was freed before")
        self._freed = True


class PagelockedHostAllocation(HostPointer):
    """Memory that the device copies from and to by itself."""


class AlignedHostAllocation(HostPointer):
    """Memory that begins at a multiple of some number."""


class RegisteredHostMemory(HostPointer):
    """Memory of the program that is treated as page-locked."""

    def unregister(self) -> None:
        """End that."""
        self.free()


class ManagedAllocation(PointerHolderBase):
    """Memory that host and device share."""

    __array_interface__: dict[str, Any]

    def __init__(self, nbytes: int, flags: int) -> None:
        device = get_device()
        if not device.shares_host_memory:
            raise UnsupportedError(
                f"{device.name} has no memory that the host can use as well: use pagelocked_empty "
                "and copies, or gpuarray"
            )
        self._block = new_block(nbytes)
        self._memory = device.native(self._block, contiguous((nbytes,), 1), np.dtype(np.uint8))
        self._flags = mem_attach_flags(flags)

    def get_pointer(self) -> int:
        """Return the address."""
        return self._block.address

    get_device_pointer = get_pointer

    def attach(self, mem_flags: int, stream: Any = None) -> None:
        """Say which streams use the memory: all may, at any time."""
        self._flags = mem_attach_flags(mem_flags)


def as_order(order: str) -> str:
    """Return "C" or "F"; `ValueError` for anything else."""
    if order not in ("C", "F"):
        raise InvalidValueError(f"order must be 'C' or 'F', got {order!r}")
    return order


def _shape_of(shape: Any) -> tuple[int, ...]:
    lengths = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    return tuple(whole_number(length, "a length of the shape") for length in lengths)


def _array(make: Callable[[int], Any], shape: Any, dtype: Any, order: str) -> Any:
    """Return an array over what `make` returns for a number of bytes, which becomes its base."""
    lengths, kind = _shape_of(shape), np.dtype(dtype)
    if kind.hasobject:
        raise TypeError(f"memory for a device cannot hold {kind}")
    step = as_order(order)
    owner = make(max(math.prod(lengths) * kind.itemsize, 1))
    strides = contiguous(lengths[::-1] if step == "F" else lengths, kind.itemsize).strides
    owner.__array_interface__ = {
        "version": 3,
        "shape": lengths,
        "strides": strides[::-1] if step == "F" else strides,
        "typestr": kind.str,
        "descr": kind.descr,
        "data": owner._memory.__array_interface__["data"],
    }
    array = np.asarray(owner)
    return array if array.dtype == kind else array.view(kind)


def _order_of(array: Any) -> str:
    return "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"


def pagelocked_empty(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> Any:
    """Return an uninitialised host array in memory that copies with streams need.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
    order : {"C", "F"}
    mem_flags : int
        Flags of `host_alloc_flags`; of no effect.

    Examples
    --------
    >>> from devarray.compat.pycuda import driver
    >>> a = driver.pagelocked_empty((2, 3), "float32")
    >>> a.shape, type(a.base).__name__
    ((2, 3), 'PagelockedHostAllocation')
    """
    device = get_device()
    return _array(
        lambda n: PagelockedHostAllocation(device.pinned(n), mem_flags), shape, dtype, order
    )


def pagelocked_zeros(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> Any:
    """Return an array of zeros as `pagelocked_empty` makes it."""
    array = pagelocked_empty(shape, dtype, order, mem_flags)
    array[...] = np.zeros((), array.dtype)
    return array


def pagelocked_empty_like(array: Any, mem_flags: int = 0) -> Any:
    """Return an array as `pagelocked_empty` makes it, of another one's shape, dtype and order."""
    return pagelocked_empty(array.shape, array.dtype, _order_of(array), mem_flags)


def pagelocked_zeros_like(array: Any, mem_flags: int = 0) -> Any:
    """Return an array as `pagelocked_zeros` makes it, of another one's shape, dtype and order."""
    return pagelocked_zeros(array.shape, array.dtype, _order_of(array), mem_flags)


def aligned_empty(shape: Any, dtype: Any, order: str = "C", alignment: int = 4096) -> Any:
    """Return an uninitialised host array that begins at a multiple of `alignment`.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
    order : {"C", "F"}
    alignment : int
        A power of two.
    """
    unit = whole_number(alignment, "alignment")
    if unit < 1 or unit & (unit - 1):
        raise InvalidValueError(f"alignment must be a power of two, got {alignment}")

    def make(nbytes: int) -> AlignedHostAllocation:
        memory: Any = np.empty(nbytes + unit, np.uint8)
        skip = -memory.__array_interface__["data"][0] % unit
        return AlignedHostAllocation(memory[skip : skip + nbytes])

    return _array(make, shape, dtype, order)


def aligned_zeros(shape: Any, dtype: Any, order: str = "C", alignment: int = 4096) -> Any:
    """Return an array of zeros as `aligned_empty` makes it."""
    array = aligned_empty(shape, dtype, order, alignment)
    array[...] = np.zeros((), array.dtype)
    return array


def aligned_empty_like(array: Any, alignment: int = 4096) -> Any:
    """Return an array as `aligned_empty` makes it, of another one's shape, dtype and order."""
    return aligned_empty(array.shape, array.dtype, _order_of(array), alignment)


def aligned_zeros_like(array: Any, alignment: int = 4096) -> Any:
    """Return an array as `aligned_zeros` makes it, of another one's shape, dtype and order."""
    return aligned_zeros(array.shape, array.dtype, _order_of(array), alignment)


def managed_empty(
    shape: Any, dtype: Any, order: str = "C", mem_flags: int = mem_attach_flags.GLOBAL
) -> Any:
    """Return an uninitialised host array that kernels take as it is, by its address.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
    order : {"C", "F"}
    mem_flags : mem_attach_flags

    Raises
    ------
    UnsupportedError
        On devices with memory of their own.
    """
    return _array(lambda n: ManagedAllocation(n, mem_flags), shape, dtype, order)


def managed_zeros(
    shape: Any, dtype: Any, order: str = "C", mem_flags: int = mem_attach_flags.GLOBAL
) -> Any:
    """Return an array of zeros as `managed_empty` makes it."""
    array = managed_empty(shape, dtype, order, mem_flags)
    array[...] = np.zeros((), array.dtype)
    return array


def managed_empty_like(array: Any, mem_flags: int = mem_attach_flags.GLOBAL) -> Any:
    """Return an array as `managed_empty` makes it, of another one's shape, dtype and order."""
    return managed_empty(array.shape, array.dtype, _order_of(array), mem_flags)


def managed_zeros_like(array: Any, mem_flags: int = mem_attach_flags.GLOBAL) -> Any:
    """Return an array as `managed_zeros` makes it, of another one's shape, dtype and order."""
    return managed_zeros(array.shape, array.dtype, _order_of(array), mem_flags)


def register_host_memory(ary: Any, flags: int = 0) -> Any:
    """Return an array over the same memory, for copies with streams.

    It is a view whose base is a `RegisteredHostMemory`. Its pages are not locked: that makes copies
    slower, not wrong.

    Parameters
    ----------
    ary : numpy.ndarray
        Contiguous.
    flags : int
        Flags of `mem_host_register_flags`; of no effect.
    """
    if not isinstance(ary, np.ndarray):
        raise TypeError(f"ary must be a NumPy array, got {type(ary).__name__}")
    if not ary.flags.forc:
        raise InvalidValueError("ary must be contiguous")
    return _array(lambda n: RegisteredHostMemory(ary, flags), ary.shape, ary.dtype, _order_of(ary))
