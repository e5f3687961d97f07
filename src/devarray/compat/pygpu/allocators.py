"""Which dtypes there are arrays of, and host memory for mirrors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from devarray.compat.pygpu.pointers import (
    HOST_ALLOCATORS,
    PAGELOCKED_ALLOCATORS,
    SUPPORTED_DTYPES,
    Pointer,
)
from devarray.compat.pygpu.status import cudaError_t, success
from devarray.layout import as_shape

__all__ = ["HostAllocator", "PagelockedAllocator", "UnsupportedDataType", "dtype_name", "plain"]


class UnsupportedDataType(TypeError):  # noqa: N818
    """Elements that there are no arrays of, or something that is no array at all."""


def dtype_name(given: Any) -> str:
    """Return the name of a dtype, if there are arrays of it."""
    try:
        found: np.dtype[Any] = np.dtype(given)
    except TypeError:
        raise UnsupportedDataType(
            f"{given!r} is no dtype; supported are {', '.join(SUPPORTED_DTYPES)}"
        ) from None
    if found.name not in SUPPORTED_DTYPES or not found.isnative:
        raise UnsupportedDataType(
            f"Data type: {found.name if found.isnative else found.str} is not supported! Convert "
            f"to one of {', '.join(SUPPORTED_DTYPES)} first"
        )
    return found.name


def plain(data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a host array without a subclass, over the same memory."""
    if isinstance(data, np.ma.MaskedArray):
        raise UnsupportedDataType(
            "masked arrays have no counterpart on a device: pass x.filled(value), or x.data"
        )
    dtype_name(data.dtype)
    return np.asarray(data)


class HostAllocator:
    """Host memory that several arrays can have as their mirror.

    Parameters
    ----------
    shape : int or sequence of int
    dtype : dtype

    Raises
    ------
    UnsupportedDataType
        If there are no arrays of that dtype.
    """

    _kinds: ClassVar[dict[str, Any]] = HOST_ALLOCATORS

    def __init__(self, shape: Any, dtype: Any) -> None:
        self._dtype = dtype_name(dtype)
        self._shape = as_shape(shape)
        self._alloc = self._kinds[self._dtype]()
        self._status = self._alloc.allocate(math.prod(self._shape)) or success()

    @property
    def last_status(self) -> cudaError_t:
        """What the allocation ended with."""
        return self._status

    def get(self) -> np.ndarray[Any, Any]:
        """Return the memory as a host array of the shape; raises `MemoryError` if there is none."""
        return self._shaped("C")

    def _shaped(self, order: Any) -> np.ndarray[Any, Any]:
        if self._alloc._memory is None:
            raise MemoryError(self._status.message)
        flat: np.ndarray[Any, Any] = self._alloc._memory
        return flat.reshape(self._shape, order=order)

    def ptr(self) -> Pointer:
        """Return a pointer to the memory."""
        pointer: Pointer = self._alloc.ptr()
        return pointer


class PagelockedAllocator(HostAllocator):
    """Host memory that this thread's device copies from and to by itself; see `HostAllocator`.

    If there is not enough of it, `last_status` says so.
    """

    _kinds = PAGELOCKED_ALLOCATORS
