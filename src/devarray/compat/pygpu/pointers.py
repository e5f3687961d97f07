"""Typed pointers, and what allocates memory for them."""

from __future__ import annotations

import ctypes
import enum
import operator
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from devarray.array import DeviceArray
from devarray.compat.pygpu.devices import attempt_here, current_device
from devarray.compat.pygpu.memory import allocated
from devarray.compat.pygpu.status import cudaError_t
from devarray.layout import bytes_at

__all__ = [
    "DEVICE_ALLOCATORS",
    "HOST_ALLOCATORS",
    "PAGELOCKED_ALLOCATORS",
    "POINTERS",
    "SUPPORTED_DTYPES",
    "Pointer",
    "checked_size",
    "dtype",
    "host_array",
    "pointer_to",
    "typed",
]


class dtype(enum.Enum):  # noqa: N801
    """The dtypes that there are arrays of, and C's names for them."""

    int16 = 0
    short_alias = 0
    int32 = 1
    int_alias = 1
    int64 = 2
    long_alias = 2
    uint16 = 3
    unsigned_short_alias = 3
    uint32 = 4
    unsigned_alias = 4
    unsigned_int_alias = 4
    uint64 = 5
    unsigned_long_alias = 5
    float32 = 6
    float_alias = 6
    float64 = 7
    double_alias = 7
    complex64 = 8
    complex64_alias = 8
    complex128 = 9
    complex128_alias = 9
    __size__ = SimpleNamespace(name="__size__", value=10)


SUPPORTED_DTYPES = tuple(member.name for member in dtype)


_BACKEND = "devarray.compat.pygpu.backend"  # where users find the classes of each dtype


def typed(base: type, prefix: str) -> dict[str, Any]:
    """Return a class for each dtype, ``ptr_wrapper_int16`` and so on, by the dtype's name."""
    about = (base.__doc__ or "").partition("\n")[0].rstrip(".")
    return {
        label: type(
            f"{prefix}_{label}",
            (base,),
            {
                "label": label,
                "dtype": np.dtype(label),
                "__module__": _BACKEND,
                "__doc__": f"{about}: {label}.",
            },
        )
        for label in SUPPORTED_DTYPES
    }


def checked_size(n: Any) -> int:
    """Return a number of elements; raises `TypeError` or `ValueError` if it is none."""
    try:
        size = operator.index(n)
    except TypeError:
        raise TypeError(
            f"the number of elements must be an integer, got {type(n).__name__}"
        ) from None
    if size < 0:
        raise ValueError(f"the number of elements must not be negative, got {size}")
    return size


class Pointer:
    """A pointer to elements.

    ``int(pointer)`` is the address; functions of ctypes take the pointer as it is.

    Attributes
    ----------
    nbytes : int or None
        How long the memory is, if that is known.
    owner : object
        What keeps the memory alive: a host array, a device array, or None for foreign memory.
    """

    label: ClassVar[str] = ""
    dtype: ClassVar[np.dtype[Any]]

    def __init__(self) -> None:
        self._address = 0
        self._safe = False
        self.nbytes: int | None = None
        self.owner: Any = None

    @classmethod
    def _at(
        cls, address: int, owner: Any = None, nbytes: int | None = None, safe: bool = False
    ) -> Pointer:
        pointer = cls()
        pointer._address, pointer._safe = address, safe and address != 0
        pointer.owner, pointer.nbytes = owner, nbytes
        return pointer

    def create(self, n: int) -> None:
        """Point to new, uninitialised host memory for `n` elements."""
        memory = np.empty(checked_size(n), self.dtype)
        self._address, self._safe = memory.ctypes.data, True
        self.owner, self.nbytes = memory, memory.nbytes

    def destroy(self) -> None:
        """Point to nothing; memory made by `create` is freed when no array uses it any more."""
        self._address, self._safe = 0, False
        self.owner = self.nbytes = None

    def is_safe(self) -> bool:
        """Say whether it points to host memory that Python keeps alive."""
        return self._safe

    def print_address(self) -> None:
        """Print the address."""
        print(f"Address of ptr is {self._address:#x}")

    def __int__(self) -> int:
        return self._address

    __index__ = __int__

    @property
    def _as_parameter_(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self._address)

    def __repr__(self) -> str:
        return f"<ptr_wrapper<{self.label}>, is_safe={self._safe:d}, addr={self._address}>"


POINTERS = typed(Pointer, "ptr_wrapper")


def pointer_to(
    label: str, address: int, owner: Any, nbytes: int | None = None, safe: bool = False
) -> Pointer:
    """Return a pointer of a dtype."""
    kind: type[Pointer] = POINTERS[label]
    return kind._at(address, owner, nbytes, safe)


class _Allocator:
    """Allocates memory that lives as long as it, its pointers, and arrays over them."""

    label: ClassVar[str]
    dtype: ClassVar[np.dtype[Any]]

    def __init__(self) -> None:
        self._memory: Any = None


class HostAllocator(_Allocator):
    """Allocates host memory."""

    def allocate(self, n: int) -> None:
        """Allocate uninitialised memory for `n` elements, instead of what there was before."""
        self._memory = np.empty(checked_size(n), self.dtype)

    def ptr(self) -> Pointer:
        """Return a pointer to the memory; it is null before `allocate`."""
        memory = self._memory
        if memory is None:
            return pointer_to(self.label, 0, None)
        return pointer_to(self.label, memory.ctypes.data, memory, memory.nbytes, True)


class PagelockedAllocator(HostAllocator):
    """Allocates host memory that this thread's device copies from and to by itself."""

    def allocate(self, n: int) -> cudaError_t:  # type: ignore[override]
        """Allocate uninitialised memory for `n` elements, instead of what there was before.

        Returns
        -------
        cudaError_t
            ``cudaErrorMemoryAllocation`` if there is not enough memory.
        """
        nbytes = checked_size(n) * self.dtype.itemsize
        memory, error = attempt_here(lambda: current_device().pinned(nbytes))
        self._memory = None if memory is None else memory.view(self.dtype)
        return error


class DeviceAllocator(_Allocator):
    """Allocates memory of this thread's device."""

    def allocate(self, n: int) -> cudaError_t:
        """Allocate uninitialised memory for `n` elements, instead of what there was before.

        Returns
        -------
        cudaError_t
            ``cudaErrorMemoryAllocation`` if there is not enough memory.
        """
        size = checked_size(n)
        self._memory = None  # it may be what the new memory needs
        self._memory, error = attempt_here(lambda: allocated(current_device(), size, self.dtype))
        return error

    def ptr(self) -> Pointer:
        """Return a pointer to the memory; it is null before `allocate`."""
        memory: DeviceArray | None = self._memory
        if memory is None:
            return pointer_to(self.label, 0, None)
        return pointer_to(self.label, memory.ptr, memory, memory.nbytes)


HOST_ALLOCATORS = typed(HostAllocator, "HostAllocator")
PAGELOCKED_ALLOCATORS = typed(PagelockedAllocator, "PagelockedAllocator")
DEVICE_ALLOCATORS = typed(DeviceAllocator, "DeviceAllocator")


def host_array(pointer: Pointer | int, size: int, kind: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return a host array over the memory that a pointer or an address points to.

    Raises
    ------
    ValueError
        If the pointer's memory is too short, or a device's that the host cannot read.
    """
    if isinstance(pointer, Pointer):
        nbytes, owner = pointer.nbytes, pointer.owner
        if isinstance(owner, DeviceArray) and not owner.device.shares_host_memory:
            raise ValueError(
                f"{pointer!r} points to memory of {owner.device.name}, which the host cannot "
                "read: pass a pointer to host memory first, and the device's second"
            )
        if nbytes is not None and nbytes < size * kind.itemsize:
            raise ValueError(
                f"{size} elements of {kind} need {size * kind.itemsize} bytes, but {pointer!r} "
                f"points to {nbytes}"
            )
    memory: np.ndarray[Any, Any] = bytes_at(int(pointer), size * kind.itemsize, pointer)
    return memory.view(kind)
