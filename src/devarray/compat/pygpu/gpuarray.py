"""`GPUArray`: an array with a host mirror, whose device memory allocates itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.compat.pygpu.allocators import (
    HostAllocator,
    PagelockedAllocator,
    UnsupportedDataType,
    dtype_name,
    plain,
)
from devarray.compat.pygpu.arrays import DEVICE_ARRAYS, is_integer
from devarray.compat.pygpu.devices import attempt_here, current_device, numbered_device
from devarray.compat.pygpu.memory import at_address
from devarray.compat.pygpu.pointers import SUPPORTED_DTYPES, Pointer, dtype
from devarray.compat.pygpu.status import (
    INVALID_DEVICE_POINTER,
    INVALID_VALUE,
    cudaError_t,
    failure,
    success,
)
from devarray.errors import DeviceError
from devarray.layout import as_shape

__all__ = [
    "SUPPORTED_DTYPES",
    "Allocator",
    "GPUArray",
    "HostAllocator",
    "PagelockedAllocator",
    "UnsupportedDataType",
    "dtype",
    "to_gpu",
]


class Allocator:
    """Device memory of another array, for ``GPUArray(allocator=...)``, which does not own it.

    Parameters
    ----------
    data : GPUArray, PagelockedAllocator, devarray.DeviceArray, or an array such as CuPy's
        What has ``data.ptr``, ``shape`` and ``dtype``, or a ``__cuda_array_interface__``. It is
        kept alive, and must be contiguous, in C's or Fortran's order.
    host_data : numpy.ndarray, optional
        The mirror: a host array of the same shape and dtype; by default a new one.

    Raises
    ------
    UnsupportedDataType
        If there are no arrays of that dtype, or `data` is something else.
    ValueError
        If `data` is not contiguous, or `host_data` has another shape or dtype.
    """

    def __init__(self, data: Any, host_data: np.ndarray[Any, Any] | None = None) -> None:
        self.data = data
        self._memory: DeviceArray | None = None
        self._c_order = True
        self._status = success()
        if isinstance(data, GPUArray):
            self._of_array(data)
        elif isinstance(data, PagelockedAllocator):
            self._dtype, self._shape = data._dtype, data._shape
            self._found(int(data.ptr()), data, current_device)
        elif isinstance(data, DeviceArray):
            self._of_core(data)
        else:
            self._of_foreign(data)
        self.host_data = self._mirror(host_data)

    def _of_array(self, data: GPUArray) -> None:
        low = data._device_array
        self._dtype, self._shape = data._dtypestr, data.shape
        self._memory, self._c_order = low._memory, low._c_order
        if self._memory is None:
            self._status = low.last_status()

    def _of_core(self, data: DeviceArray) -> None:
        self._dtype, self._shape = dtype_name(data.dtype), data.shape
        flags = data.flags
        if not flags.writeable:
            raise ValueError("a read-only array cannot be wrapped: copy it first")
        self._c_order = bool(flags.c_contiguous)
        if not flags.forc:
            raise ValueError(_NOT_CONTIGUOUS)
        self._status = attempt_here(lambda: data.ptr)[1]  # others may write the memory from now on
        self._memory = (data if self._c_order else data.T).reshape(-1)

    def _of_foreign(self, data: Any) -> None:
        """Take the memory of CuPy's arrays and those like them."""
        interface = getattr(data, "__cuda_array_interface__", None)
        if isinstance(interface, dict):
            address, kind = interface["data"][0], np.dtype(interface["typestr"])
            shape, strides = interface["shape"], interface.get("strides")
        elif all(hasattr(data, name) for name in ("data", "shape", "dtype")) and hasattr(
            data.data, "ptr"
        ):
            address, kind, shape = data.data.ptr, data.dtype, data.shape
            strides = getattr(data, "strides", None)
        else:
            raise UnsupportedDataType(
                "Allocator wraps a GPUArray, a PagelockedAllocator, a devarray array, or what has "
                f"data.ptr, shape and dtype as CuPy's arrays do; got {type(data).__name__}"
            )
        self._dtype, self._shape = dtype_name(kind), as_shape(shape)
        self._c_order = _order_of(self._shape, strides, np.dtype(kind).itemsize)
        number = getattr(getattr(data, "device", None), "id", None)
        self._found(
            int(address),
            data,
            current_device if number is None else lambda: numbered_device(int(number)),
        )

    def _found(self, address: int, owner: Any, where: Any) -> None:
        size, kind = math.prod(self._shape), np.dtype(self._dtype)
        if not address and size:
            self._status = failure(INVALID_VALUE, f"{owner!r} has no memory: its address is 0")
            return
        self._memory, self._status = attempt_here(
            lambda: at_address(where(), address, size, kind, owner), INVALID_DEVICE_POINTER
        )

    def _mirror(self, given: np.ndarray[Any, Any] | None) -> np.ndarray[Any, Any]:
        if given is None:
            return np.empty(self._shape, self._dtype, order="C" if self._c_order else "F")
        if not isinstance(given, np.ndarray):
            raise TypeError(f"host_data must be a numpy.ndarray, got {type(given).__name__}")
        if given.shape != self._shape or given.dtype != self._dtype or not given.dtype.isnative:
            raise ValueError(
                f"host_data must have shape {self._shape} and dtype {self._dtype}, got "
                f"{given.shape} and {given.dtype}"
            )
        return plain(given)

    def ptr(self) -> int:
        """Return the address of the device memory; 0 if there is none."""
        return 0 if self._memory is None else self._memory.ptr

    def host_ptr(self) -> int:
        """Return the address of the mirror."""
        return int(self.host_data.__array_interface__["data"][0])


_NOT_CONTIGUOUS = (
    "only contiguous arrays can be wrapped, in C's or Fortran's order: copy the array first"
)


def _order_of(shape: tuple[int, ...], strides: Any, itemsize: int) -> bool:
    """Return whether strides are those of C's order; raises if they are not Fortran's either."""
    if strides is None or 0 in shape:
        return True
    wide = [axis for axis, length in enumerate(shape) if length > 1]
    for axes, c_order in ((wide[::-1], True), (wide, False)):
        step, fits = itemsize, True
        for axis in axes:
            fits = fits and strides[axis] == step
            step *= shape[axis]
        if fits:
            return c_order
    raise ValueError(_NOT_CONTIGUOUS)


class GPUArray:
    """An array with a host mirror, and device memory that differs from it until copied.

    Parameters
    ----------
    data : numpy.ndarray, or sequence of int
        The mirror (no copy of it, and nothing is uploaded), or a shape. A read-only array is
        copied, so that `get` has somewhere to write.
    dtype : dtype, optional
        Of an array made of a shape; float64 by default.
    copy : bool, optional
        Let the mirror be a copy of `data`.
    order : {"C", "F"}, optional
        How the device memory lies: rows or columns together. An array that is contiguous has its
        own order; "C" is the default else.
    shape : sequence of int, optional
        The same as `data`, by name.
    allocator : Allocator, HostAllocator or PagelockedAllocator, optional
        Memory that this array uses and does not own: the device memory and the mirror of an
        `Allocator`, or the mirror of the others. Besides it only `order` may be given.

    Raises
    ------
    UnsupportedDataType
        If there are no arrays of that dtype, or `data` is something else.
    RuntimeError
        If something is given beside an allocator.
    ValueError
        If a shape is none, or `order` contradicts the array.

    Notes
    -----
    Allocations and transfers never raise: `last_status` is the error of the last one.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat import pygpu as gpuarray
    >>> g = gpuarray.GPUArray((2, 3), dtype=np.float32)
    >>> h = g.get()
    >>> h[:] = 7
    >>> g.to_device()
    <CudaError: 'code=0'>
    >>> h[:] = 0
    >>> float(g.get().sum())
    42.0
    """

    def __init__(
        self,
        data: Any = None,
        dtype: Any = None,
        *,
        copy: bool = False,
        order: Any = None,
        shape: Any = None,
        allocator: Any = None,
    ) -> None:
        if order not in (None, "C", "F"):
            raise ValueError(f"order must be 'C' or 'F', got {order!r}")
        self._allocator = allocator
        if allocator is not None:
            if data is not None or shape is not None or dtype is not None or copy:
                raise RuntimeError(
                    "When specifying the allocator kwarg, it must be the only input argument."
                )
            self._from_allocator(allocator, order)
            return
        if data is not None and shape is not None:
            raise TypeError("give an array or a shape, or shape= by name, not both")
        source = data if shape is None else shape
        if isinstance(source, np.ndarray):
            self._from_host(plain(source), dtype, copy, order)
        elif isinstance(source, (tuple, list)) or is_integer(source):
            self._dtypestr = dtype_name("float64" if dtype is None else dtype)
            low = DEVICE_ARRAYS[self._dtypestr]
            lengths = list(as_shape(source))
            self._device_array: Any = low(lengths, 0 if order == "F" else 1)
        else:
            raise UnsupportedDataType(
                "input must be a numpy array, or a shape as a list or a tuple; got "
                f"{type(source).__name__}"
            )
        self._device_array.allocate()

    def _from_host(
        self, array: np.ndarray[Any, Any], dtype: Any, copy: bool, order: str | None
    ) -> None:
        if dtype is not None and dtype_name(dtype) != array.dtype.name:
            raise UnsupportedDataType(
                f"the array has dtype {array.dtype}, not {dtype_name(dtype)}: convert it first"
            )
        self._dtypestr = array.dtype.name
        mirror = array.copy(order="K") if copy or not array.flags.writeable else array
        c, f = mirror.flags.c_contiguous, mirror.flags.f_contiguous
        if (c or f) and ((order == "C" and not c) or (order == "F" and not f)):
            convert = "ascontiguousarray" if order == "C" else "asfortranarray"
            raise ValueError(
                f"the array does not lie in order {order!r}, which its memory on the device "
                f"would have to: pass np.{convert}(x), or no order"
            )
        c_order = order == "C" or (order is None and (c or not f)) or (order == "F" and c and not f)
        low = DEVICE_ARRAYS[self._dtypestr]
        self._device_array = low._made_of(mirror, None, c_order)

    def _from_allocator(self, allocator: Any, order: str | None) -> None:
        if not isinstance(allocator, (Allocator, HostAllocator)):
            raise UnsupportedDataType(
                "allocator must be an Allocator, HostAllocator or PagelockedAllocator, got "
                f"{type(allocator).__name__}"
            )
        self._dtypestr = allocator._dtype
        low = DEVICE_ARRAYS[self._dtypestr]
        if isinstance(allocator, HostAllocator):
            mirror = allocator._shaped(order or "C")
            self._device_array = low._made_of(mirror, None, order != "F")
            self._device_array.allocate()
            return
        c_order = allocator._c_order if order is None else order == "C"
        self._device_array = low._made_of(allocator.host_data, allocator._memory, c_order)
        self._device_array._status = allocator._status

    @property
    def flag_c_contiguous(self) -> int:
        """1 if rows lie together in the device memory, 0 if columns do."""
        return int(self._device_array._c_order)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(self._device_array.size())

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return int(self._device_array.nbytes())

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(self._device_array.shape())

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from one element of the device memory to the next, along each axis."""
        return tuple(self._device_array.strides())

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the elements."""
        return np.dtype(self._dtypestr)

    @property
    def ptr(self) -> int:
        """Address of the device memory, for foreign functions; 0 if there is none."""
        return int(self._device_array.device_data())

    @property
    def host_data(self) -> Pointer:
        """A pointer to the host mirror."""
        pointer: Pointer = self._device_array.host_data()
        return pointer

    @property
    def device_data(self) -> Pointer:
        """A pointer to the device memory."""
        pointer: Pointer = self._device_array.device_data()
        return pointer

    @property
    def last_status(self) -> cudaError_t:
        """What the last allocation or transfer ended with."""
        status: cudaError_t = self._device_array.last_status()
        return status

    @property
    def array(self) -> DeviceArray:
        """The device memory as a devarray array, without a copy, to compute with.

        Raises
        ------
        DeviceError
            If there is no device memory.

        Examples
        --------
        >>> import numpy as np
        >>> from devarray.compat.pygpu import to_gpu
        >>> to_gpu(np.arange(4)).array.sum().get()
        array(6)
        """
        array: DeviceArray = self._device_array.array
        return array

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The device memory, as CuPy, Numba and others take it; where the device has that."""
        try:
            array = self.array
        except DeviceError as error:  # there is no memory
            raise AttributeError(str(error)) from None
        interface: dict[str, Any] = array.__cuda_array_interface__
        return interface

    def allocate(self) -> cudaError_t:
        """Allocate device memory, unless there is some already."""
        status: cudaError_t = self._device_array.allocate()
        return status

    def to_device(self) -> cudaError_t:
        """Copy the host mirror to the device memory."""
        status: cudaError_t = self._device_array.to_device()
        return status

    def to_host(self) -> cudaError_t:
        """Copy the device memory to the host mirror."""
        status: cudaError_t = self._device_array.to_host()
        return status

    def get(self, copy: bool = False) -> np.ndarray[Any, Any]:
        """Copy the device memory to the host mirror, and return that.

        Parameters
        ----------
        copy : bool, optional
            Return a copy instead, which later transfers leave as it is.

        Returns
        -------
        numpy.ndarray
            The mirror: what is written to it goes to the device with `to_device`. If the transfer
            failed (`last_status`), it is as it was.
        """
        self._device_array.to_host()
        mirror: np.ndarray[Any, Any] = self._device_array._mirror
        return mirror.copy(order="K") if copy else mirror.view()

    def set(self, host_data: np.ndarray[Any, Any]) -> cudaError_t:
        """Copy a host array to the device memory; the mirror stays as it is.

        Raises
        ------
        TypeError
            If it is no host array, or has another dtype.
        ValueError
            If it has another shape.
        """
        if not isinstance(host_data, np.ndarray):
            raise TypeError(f"set needs a numpy.ndarray, got {type(host_data).__name__}")
        if host_data.dtype != self.dtype or not host_data.dtype.isnative:
            raise TypeError(f"set needs elements of {self.dtype}, got {host_data.dtype}")
        if host_data.shape != self.shape:
            raise ValueError(f"set needs an array of shape {self.shape}, got {host_data.shape}")
        status: cudaError_t = self._device_array._upload(plain(host_data))
        return status

    def set_val(self, idx: int, val: Any) -> cudaError_t:
        """Set one element of the device memory, counted in the order of memory.

        Returns
        -------
        cudaError_t
            ``cudaErrorInvalidValue`` if there is no element of that number.
        """
        status: cudaError_t = self._device_array.set_val(idx, val)
        return status

    def __getitem__(self, index: Any) -> GPUArray:
        """Return a new array with a copy of elements, chosen by any index that NumPy has."""
        values = np.empty_like(self._device_array._mirror)
        error = self._device_array._download(values)
        part = GPUArray(np.array(values[index]))
        if error.as_int():
            part._device_array._status = error
        else:
            part.to_device()
        return part

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<GPUArray of shape {self.shape}, dtype {self.dtype}, at {self.ptr:#x}>"


def to_gpu(cpu_data: np.ndarray[Any, Any]) -> GPUArray:
    """Return an array whose mirror is a host array, with its values on the device as well.

    Parameters
    ----------
    cpu_data : numpy.ndarray

    Raises
    ------
    UnsupportedDataType
        If it is no host array, or there are no arrays of its dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat import pygpu as gpuarray
    >>> k = np.array([1, 2, 3])
    >>> gpuarray.to_gpu(k).get()
    array([1, 2, 3])
    """
    if not isinstance(cpu_data, np.ndarray):
        raise UnsupportedDataType(
            f"to_gpu needs a numpy.ndarray, got {type(cpu_data).__name__}: use np.asarray(x)"
        )
    array = GPUArray(cpu_data)
    if array.last_status.as_int() == 0:
        array.to_device()
    return array
