"""Arrays of two sides: a host mirror, and device memory that differs from it until copied."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from devarray.array import DeviceArray as Core
from devarray.compat.pygpu.devices import attempt_here, current_device
from devarray.compat.pygpu.memory import allocated, at_address, download, upload
from devarray.compat.pygpu.pointers import Pointer, checked_size, host_array, pointer_to, typed
from devarray.compat.pygpu.status import (
    INVALID_DEVICE_POINTER,
    INVALID_VALUE,
    cudaError_t,
    failure,
    success,
)
from devarray.errors import DeviceError
from devarray.layout import as_shape, bytes_at

__all__ = ["DEVICE_ARRAYS", "DeviceArray", "is_integer"]

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def is_integer(x: Any) -> bool:
    """Say whether `x` is a number such as an address or a length, and no array."""
    return isinstance(x, (int, np.integer))


class DeviceArray:
    """An array with a host mirror and device memory.

    It is made in one of these ways (`flag_c_contiguous` 0 stands for Fortran's order):

    - ``(n)`` or ``(shape, flag_c_contiguous=1)``: a host mirror of its own;
    - ``(buffer)``: the mirror is the buffer's memory;
    - ``(pointer, shape, flag_c_contiguous=1)``: the mirror is what a ``ptr_wrapper`` points to;
    - ``(host_addr, device_addr, shape, flag_c_contiguous=1)``: both lie at addresses, of memory
      that is somebody else's. 0 stands for none.

    Nothing is on the device before `allocate`, and nothing is copied but by name.

    Raises
    ------
    TypeError
        If the arguments fit none of these, or the buffer's elements have another size.
    ValueError
        If a shape is none, or a pointer's memory is too short for it.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pygpu.backend import DeviceArray_int64
    >>> a = np.array([1, 2, 3])
    >>> da = DeviceArray_int64(a)
    >>> da.allocate(), da.to_device()
    (<CudaError: 'code=0'>, <CudaError: 'code=0'>)
    >>> a[:] = 0
    >>> da.to_host()
    <CudaError: 'code=0'>
    >>> a
    array([1, 2, 3])
    """

    label: ClassVar[str]
    dtype: ClassVar[np.dtype[Any]]

    def __init__(self, *args: Any, **options: Any) -> None:
        self._mirror: np.ndarray[Any, Any] | None = None
        self._memory: Core | None = None
        self._owns = False
        self._status = success()
        first = args[0] if args else None
        given = len(args) + len(options)
        if not args:
            by_name: dict[str, Any] = {
                "host_addr": self._at,
                "a": self._over_pointer,
                "l": self._of_shape,
            }
            make = next((by_name[name] for name in by_name if name in options), None)
            if make is None:
                raise TypeError(
                    f"{type(self).__name__} is made of a length, a shape, a buffer, a pointer and "
                    "a shape, or two addresses and a shape"
                )
            make(**options)
        elif isinstance(first, (list, tuple)):
            self._of_shape(*args, **options)
        elif is_integer(first) and given == 1:
            self._of_shape([checked_size(first)])
        elif isinstance(first, Pointer) and (len(args) == 1 or isinstance(args[1], (list, tuple))):
            self._over_pointer(*args, **options)
        elif _is_address(first):
            self._at(*args, **options)
        elif given == 1:
            self._over_buffer(first)
        else:
            raise TypeError(f"a buffer is the only argument, got {given - 1} more")

    # Ways to make one; `l` and the other names are those that PyGPU gave them

    def _set(self, shape: tuple[int, ...], c_order: bool) -> None:
        self._shape, self._c_order = shape, c_order

    def _of_shape(self, l: Sequence[int], flag_c_contiguous: int = 1) -> None:  # noqa: E741
        self._set(as_shape(l), bool(flag_c_contiguous))
        self._mirror = np.empty(self._shape, self.dtype, order="C" if self._c_order else "F")

    def _over_pointer(self, a: Pointer, l: Sequence[int], flag_c_contiguous: int = 1) -> None:  # noqa: E741
        self._set(as_shape(l), bool(flag_c_contiguous))
        self._mirror = self._foreign(a)

    def _over_buffer(self, buffer: Any) -> None:
        self._mirror = array = self._as_mirror(buffer)
        self._set(array.shape, array.flags.c_contiguous or not array.flags.f_contiguous)

    def _at(
        self,
        host_addr: Any,
        device_addr: Any,
        l: Sequence[int],  # noqa: E741
        flag_c_contiguous: int = 1,
    ) -> None:
        self._set(as_shape(l), bool(flag_c_contiguous))
        for address in (host_addr, device_addr):
            if not _is_address(address):
                raise TypeError(
                    f"an address is an integer or a pointer, got {type(address).__name__}"
                )
        self._mirror = self._foreign(host_addr)
        self._wrap(device_addr)

    def _wrap(self, pointer: Any) -> None:
        """Take memory that a pointer or an address points to as the device's."""
        owner = pointer.owner if isinstance(pointer, Pointer) else None
        size = self.size()
        if isinstance(owner, Core):
            if owner.nbytes < self.nbytes():
                raise ValueError(
                    f"{size} elements of {self.label} need {self.nbytes()} bytes, but {pointer!r} "
                    f"points to {owner.nbytes}"
                )
            whole = owner if owner.dtype == self.dtype else owner.view(self.dtype)
            self._memory = whole[:size]
        elif int(pointer):
            address, keep = int(pointer), pointer if owner is not None else None
            self._memory, self._status = attempt_here(
                lambda: at_address(current_device(), address, size, self.dtype, keep),
                INVALID_DEVICE_POINTER,
            )

    @classmethod
    def _made_of(cls, mirror: np.ndarray[Any, Any], memory: Core | None, c_order: bool) -> Any:
        """Return one over a mirror and device memory that is somebody else's."""
        made = cls.__new__(cls)
        made._mirror, made._memory, made._owns = mirror, memory, False
        made._status = success()
        made._set(mirror.shape, c_order)
        return made

    def _foreign(self, pointer: Any) -> np.ndarray[Any, Any] | None:
        if isinstance(pointer, Pointer) and pointer.label != self.label:
            raise TypeError(
                f"{type(self).__name__} needs a ptr_wrapper_{self.label}, got {pointer!r}"
            )
        if not int(pointer) and self.size():
            return None
        flat = host_array(pointer, self.size(), self.dtype)
        return flat.reshape(self._shape, order="C" if self._c_order else "F")

    def _as_mirror(self, buffer: Any) -> np.ndarray[Any, Any]:
        if not (isinstance(buffer, np.ndarray) or hasattr(buffer, "__array_interface__")):
            try:
                buffer = memoryview(buffer)
            except TypeError:
                raise TypeError(
                    f"{type(self).__name__} needs a length, a shape, a buffer or pointers, got "
                    f"{type(buffer).__name__}"
                ) from None
        array: np.ndarray[Any, Any] = np.asarray(buffer)
        if array.dtype.itemsize != self.dtype.itemsize or not array.dtype.isnative:
            raise TypeError(
                f"{type(self).__name__} cannot take elements of dtype {array.dtype!r} for "
                f"{self.label}: convert them first, with x.astype({self.label!r})"
            )
        return array if array.dtype == self.dtype else array.view(self.dtype)

    # What it is

    def size(self) -> int:
        """Return the number of elements."""
        return math.prod(self._shape)

    def nbytes(self) -> int:
        """Return the bytes of all elements."""
        return self.size() * self.dtype.itemsize

    def shape(self) -> list[int]:
        """Return the lengths of the axes."""
        return list(self._shape)

    def strides(self) -> list[int]:
        """Return the bytes from one element of the device memory to the next, along each axis."""
        order = reversed(range(len(self._shape))) if self._c_order else range(len(self._shape))
        strides, step = [0] * len(self._shape), self.dtype.itemsize
        for axis in order:
            strides[axis] = step
            step *= self._shape[axis]
        return strides

    def last_status(self) -> cudaError_t:
        """Return what the last allocation or transfer ended with."""
        return self._status

    def allocated(self) -> bool:
        """Say whether it has device memory of its own."""
        return self._owns

    def host_data(self) -> Pointer:
        """Return a pointer to the host mirror; null if there is none."""
        mirror = self._mirror
        if mirror is None:
            return pointer_to(self.label, 0, None)
        address = mirror.__array_interface__["data"][0]
        whole = mirror.flags.c_contiguous or mirror.flags.f_contiguous
        return pointer_to(self.label, address, mirror, mirror.nbytes if whole else None, True)

    def device_data(self) -> Pointer:
        """Return a pointer to the device memory; null if there is none."""
        memory = self._memory
        if memory is None:
            return pointer_to(self.label, 0, None)
        return pointer_to(self.label, memory.ptr, memory, memory.nbytes)

    @property
    def array(self) -> Core:
        """The device memory as a devarray array of the same shape, without a copy.

        Raises
        ------
        DeviceError
            If there is no device memory.
        """
        if self._memory is None:
            raise DeviceError(_NO_MEMORY)
        if self._c_order:
            return self._memory.reshape(self._shape)
        return self._memory.reshape(self._shape[::-1]).T

    # Memory and transfers

    def allocate(self) -> cudaError_t:
        """Allocate device memory, not initialised, unless there is some already.

        Returns
        -------
        cudaError_t
            ``cudaErrorMemoryAllocation`` if there is not enough.
        """
        if self._memory is not None:
            self._status = success()
            return self._status
        self._memory, self._status = attempt_here(
            lambda: allocated(current_device(), self.size(), self.dtype)
        )
        self._owns = self._memory is not None
        return self._status

    def to_device(self) -> cudaError_t:
        """Copy the host mirror to the device memory."""
        mirror = self._mirror
        if mirror is None:
            return self._refused(_NO_MIRROR)
        return self._upload(mirror)

    def _upload(self, values: np.ndarray[Any, Any], first: int = 0) -> cudaError_t:
        memory = self._memory
        if memory is None:
            return self._refused(_NO_MEMORY)
        flat = np.ascontiguousarray((values if self._c_order else values.T).reshape(-1))
        self._status = attempt_here(lambda: upload(memory, flat, first))[1]
        return self._status

    def to_host(self) -> cudaError_t:
        """Copy the device memory to the host mirror."""
        mirror = self._mirror
        if mirror is None:
            return self._refused(_NO_MIRROR)
        if not mirror.flags.writeable:
            return self._refused("the host mirror is read-only: make the array over a copy of it")
        return self._download(mirror)

    def _download(self, target: np.ndarray[Any, Any]) -> cudaError_t:
        """Copy the device memory to a host array of the same shape and dtype."""
        memory = self._memory
        if memory is None:
            return self._refused(_NO_MEMORY)
        place = target if self._c_order else target.T
        direct = place.flags.c_contiguous and place.flags.aligned
        flat = place.reshape(-1) if direct else np.empty(self.size(), self.dtype)
        self._status = attempt_here(lambda: download(memory, flat))[1]
        if not direct and not self._status.as_int():
            place[...] = flat.reshape(place.shape)
        return self._status

    def set(self, addr: Any) -> cudaError_t:
        """Copy to the device from a host address; the mirror stays as it is.

        Parameters
        ----------
        addr : int or pointer
            Where `nbytes` bytes lie, the elements in the order of the device memory.
        """
        if not _is_address(addr):
            raise TypeError(f"an address is an integer or a pointer, got {type(addr).__name__}")
        if not int(addr) and self.size():
            return self._refused("the address is 0")
        source = bytes_at(int(addr), self.nbytes(), addr).view(self.dtype)
        return self._upload(source.reshape(self._shape, order="C" if self._c_order else "F"))

    def set_val(self, i: int, v: Any) -> cudaError_t:
        """Set one element of the device memory, counted in the order of memory.

        Returns
        -------
        cudaError_t
            ``cudaErrorInvalidValue`` if there is no element of that number.

        Raises
        ------
        TypeError, OverflowError
            If the value is none of the array's dtype.
        """
        at = checked_index(i)
        value = np.asarray(v)
        rank = _RANK.get(value.dtype.kind, 9)
        if value.ndim or rank > _RANK[self.dtype.kind]:
            raise TypeError(f"an element of {self.label} cannot be set to {v!r}")
        one = np.array(value.item(), self.dtype)
        if not 0 <= at < self.size():
            return self._refused(f"there is no element {at} among {self.size()}")
        return self._upload(one.reshape(1), at)

    def _refused(self, why: str) -> cudaError_t:
        self._status = failure(INVALID_VALUE, why)
        return self._status

    # The mirror as a buffer

    @property
    def __array_interface__(self) -> dict[str, Any]:
        if self._mirror is None:
            raise AttributeError(_NO_MIRROR)
        interface: dict[str, Any] = self._mirror.__array_interface__
        return interface

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int, /) -> memoryview:
            if self._mirror is None:
                raise BufferError(_NO_MIRROR)
            return memoryview(self._mirror)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of shape {self._shape}>"


DEVICE_ARRAYS = typed(DeviceArray, "DeviceArray")

_NO_MEMORY = "there is no device memory: call allocate() first"
_NO_MIRROR = "there is no host mirror: its address is 0"


def _is_address(x: Any) -> bool:
    return isinstance(x, Pointer) or is_integer(x)


def checked_index(i: Any) -> int:
    """Return an element's number; raises `TypeError` if it is no integer."""
    if not is_integer(i):
        raise TypeError(f"an element's number must be an integer, got {type(i).__name__}")
    return int(i)
