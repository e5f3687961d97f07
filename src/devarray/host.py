"""How values come to the host: as arrays, as Python scalars, as bytes, through protocols."""

from __future__ import annotations

import hashlib
import math
import operator
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from devarray import engine
from devarray.asknumpy import ask_numpy, like_numpy
from devarray.config import current
from devarray.errors import HostMixError
from devarray.flat import claim
from devarray.library import native
from devarray.operands import import_array, on_stream
from devarray.peek import one_element
from devarray.record import Recorded, fresh_buffer
from devarray.registry import get_device
from devarray.streams import Stream

__all__ = ["HostMethods", "readable"]


def readable(array: Recorded) -> Any:
    """Return the values as a host array that is only read from, and at once."""
    buffer = array._buffer
    if buffer.block is None and array._dtype() == buffer.dtype:
        with engine.lock:
            value = one_element(buffer)
        shape = array._shape()
        if value is not None and math.prod(shape) == 1:
            return value.reshape(shape)
    with engine.lock:
        block = engine.materialize(buffer)
        return engine.on_host(block, array._layout(), array._dtype())


def _copied(array: Recorded, out: Any, wait: bool = True) -> Any:
    with engine.lock:
        block = engine.materialize(array._buffer)
        array._buffer.device.copy_out(block, array._layout(), out, wait)
    return out


def _rebuild(values: np.ndarray[Any, Any], device: str) -> Any:
    return import_array(values, get_device(device))


class HostMethods(Recorded):
    """The part of an array that gives its values to the host."""

    __slots__ = ()

    def get(
        self,
        out: np.ndarray[Any, Any] | None = None,
        *,
        stream: Stream | None = None,
        blocking: bool = True,
    ) -> np.ndarray[Any, Any]:
        """Return the values as a host array.

        Parameters
        ----------
        out : numpy.ndarray, optional
            Host array of the same shape and dtype to copy to.
        stream : Stream, optional
            The stream of the array's device to evaluate and copy on; by default the current one.
        blocking : bool, optional
            False: return at once. The values are there when the stream has been synchronised. From
            contiguous arrays to pinned memory (`devarray.empty_pinned`) the device copies by
            itself; other copies may have to wait all the same.

        Returns
        -------
        numpy.ndarray

        Raises
        ------
        ValueError
            If `out` has another shape or dtype, or the stream is another device's.

        Examples
        --------
        >>> import devarray as da
        >>> da.ones(2).get()
        array([1., 1.])
        """
        shape, dtype = self._shape(), self._dtype()
        if out is None:
            out = np.empty(shape, dtype)
        elif not isinstance(out, np.ndarray):
            raise TypeError(f"out must be a numpy.ndarray, got {type(out).__name__}")
        elif out.shape != shape or out.dtype != dtype:
            raise ValueError(
                f"out must have shape {shape} and dtype {dtype}, got {out.shape} and {out.dtype}"
            )
        elif not out.flags.writeable:
            raise ValueError("output array is read-only")
        if self._buffer.block is None and math.prod(shape) == 1:
            out[...] = readable(self)
            return out
        with on_stream(self._buffer.device, stream):
            result: np.ndarray[Any, Any] = _copied(self, out, blocking)
        return result

    def to_numpy(self) -> np.ndarray[Any, Any]:
        """Return the values as a host array; the same as `get`."""
        return self.get()

    @like_numpy(np.ndarray.item)
    def item(self, *args: Any) -> Any:
        """Return one element as a Python scalar; see `numpy.ndarray.item`.

        Parameters
        ----------
        *args : int or tuple of int, optional
            Its position in row-major order, or its index; not needed for one element.
        """
        shape = self._shape()
        if len(args) == 1 and type(args[0]) is tuple:
            args = args[0]
        if not args and math.prod(shape) != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        if not args or self._buffer.device.shares_host_memory:
            return readable(self).item(*args)
        key: Any = args
        if len(args) == 1:
            size, at = math.prod(shape), operator.index(args[0])
            if not -size <= at < size:
                raise IndexError(f"index {at} is out of bounds for size {size}")
            key = tuple(map(int, np.unravel_index(at % size, shape)))
        elif len(key) != len(shape):
            raise ValueError("incorrect number of indices for array")
        return readable(self[(..., *key)]).item()  # type: ignore[index]

    def tolist(self) -> Any:
        """Return the values as nested lists of Python scalars."""
        return readable(self).tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        """Return the bytes of the elements; see `numpy.ndarray.tobytes`."""
        columns = claim(self).flags.fnc
        out = np.empty(self._shape(), self._dtype(), order="F" if columns else "C")
        return self.get(out).tobytes(order)

    def tofile(self, fid: Any, /, sep: str = "", format: str = "%s") -> None:
        """Write the elements to a file; see `numpy.ndarray.tofile`."""
        self.get().tofile(fid, sep, format)

    def dumps(self) -> bytes:
        """Return the array pickled; ``pickle.loads`` puts it on the same device again."""
        return pickle.dumps(self)

    def dump(self, file: Any) -> None:
        """Pickle the array to a file, given open or by its path."""
        if hasattr(file, "write"):
            pickle.dump(self, file)
            return
        with open(file, "wb") as opened:
            pickle.dump(self, opened)

    # Protocols

    def _shared(self, what: str) -> Any:
        """Return a host array over the memory itself, from now on open to others.

        Raises
        ------
        AttributeError
            If `host_access` or the device forbid it.
        """
        access, device = current().host_access, self._buffer.device
        if access == "never" or not device.shares_host_memory:
            raise AttributeError(
                f"a device array has no {what} where host code may not read its memory "
                f"(device {device.name}, host_access={access!r}): use .get()"
            )
        engine.export(self._buffer)
        shared = native(self)
        if not self._writeable():
            shared.flags.writeable = False
        return shared

    @property
    def data(self) -> memoryview:
        """The memory, shared with the host; absent where the host may not read it."""
        view: memoryview = self._shared("data").data
        return view

    @property
    def ctypes(self) -> Any:
        """The memory for C functions, shared with the host; absent where it may not read it."""
        return self._shared("ctypes").ctypes

    @property
    def __array_interface__(self) -> dict[str, Any]:
        # "always" copies in __array__: a shared view would mark the memory as escaped for good
        if current().host_access == "always":
            raise AttributeError("with host_access='always' arrays are copied to the host")
        interface: dict[str, Any] = self._shared("__array_interface__").__array_interface__
        return interface

    if sys.version_info >= (3, 12):

        def __buffer__(self, flags: int, /) -> memoryview:
            if current().host_access == "always":
                raise BufferError("with host_access='always' arrays are copied to the host")
            try:
                return memoryview(self._shared("buffer"))
            except AttributeError as error:
                raise BufferError(str(error)) from None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        access, device = current().host_access, self._buffer.device
        if access == "never" or not (device.shares_host_memory or access == "always"):
            raise HostMixError(
                "a device array is not converted to a host array by itself: use .get() "
                f"(device {device.name}, host_access={access!r})"
            )
        if copy or (access == "always" and copy is None) or not device.shares_host_memory:
            # "always" is for whole programs: a shared view would mark the memory as escaped for
            # good
            return self.get() if dtype is None else self.get().astype(dtype, copy=False)
        shared: np.ndarray[Any, Any] = self._shared("memory")
        return shared if dtype is None else shared.astype(dtype, copy=False)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """Export the values as a DLPack capsule; see `numpy.ndarray.__dlpack__`.

        Raises
        ------
        BufferError
            If the memory cannot be exported as asked.
        """
        device = self._buffer.device
        elsewhere = dl_device is not None and tuple(dl_device) != device.dlpack_device
        if max_version is None and elsewhere and not device.shares_host_memory:
            raise BufferError(f"{dl_device} is another device, which needs max_version")
        if not copy:  # the library copies at once
            engine.export(self._buffer)
        elif not device.shares_host_memory:
            return native(self.copy()).__dlpack__(  # type: ignore[attr-defined]
                stream=stream, max_version=max_version, dl_device=dl_device
            )
        options = {"copy": copy} if device.shares_host_memory or dl_device else {}
        return native(self).__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, **options
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._buffer.device.dlpack_device

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The memory, as CuPy, Numba, PyTorch and others take it; on CUDA and HIP devices only."""
        device = self._buffer.device
        if not device.has_cuda_interface:
            raise AttributeError(
                f"arrays on {device.name} have no __cuda_array_interface__, which is for GPUs of "
                "CUDA and HIP"
            )
        block, layout = engine.export(self._buffer), self._layout()
        device.order((), (block,))
        return {
            "shape": layout.shape,
            "typestr": self._dtype().str,
            "data": (block.address + layout.offset, not self._writeable()),
            "strides": None if layout.dense else layout.strides,
            "stream": device.current_stream().native or 1,  # 1: the default stream
            "version": 3,
        }

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        digest = hashlib.sha256(self.get().tobytes()).hexdigest()
        name = self._buffer.device.name
        return "devarray.DeviceArray", name, self._dtype().str, self._shape(), digest

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """Return the array on a device: itself if it is there, else a copy.

        Parameters
        ----------
        device : str or Device
        stream : Stream, optional
            A stream of the target device to copy on.

        Raises
        ------
        DeviceError
            If there is no such device.
        ValueError
            If the stream is another device's.
        """
        target = get_device(device)
        mine = self._buffer.device
        with on_stream(target, stream):
            if target is mine:
                return self
            copy = fresh_buffer(target, self._shape(), self._dtype())
            with engine.lock:
                block, layout = engine.materialize(self._buffer), self._layout()
                if layout.dense and target.copy_between(block, layout.offset, copy._buffer.block):
                    return copy
            return import_array(self.get(), target)

    def __sizeof__(self) -> int:
        """Return the bytes of the object, and of its elements if it is no view."""
        return object.__sizeof__(self) + (
            0 if self._view else math.prod(self._shape()) * self._dtype().itemsize
        )

    def __reduce__(self) -> Any:
        return _rebuild, (self.get(), self._buffer.device.name)

    # Text

    def __repr__(self) -> str:
        return f"{repr(self.get())[:-1]}, device={self._buffer.device.name!r})"

    def __str__(self) -> str:
        return str(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.get() if self._shape() else self.item(), spec)

    # Scalars

    def __bool__(self) -> bool:
        if math.prod(self._shape()) != 1:
            ask_numpy(bool, (self,), {})  # without computing what is asked for: it raises
        return bool(readable(self))

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        return float(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        if self._shape() or self._dtype().kind not in "iu":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return operator.index(readable(self))

    def __round__(self, ndigits: int | None = None) -> Any:
        value = self._scalar().item()
        return round(value) if ndigits is None else round(value, ndigits)

    def _scalar(self) -> Any:
        if self._shape():
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
        return readable(self)

    def __len__(self) -> int:
        shape = self._shape()
        if not shape:
            raise TypeError("len() of unsized object")
        return shape[0]

    def __iter__(self) -> Iterator[Any]:
        shape = self._shape()
        if not shape:
            raise TypeError("iteration over a 0-d array")
        engine.materialize(self._buffer)
        return (self[k] for k in range(shape[0]))  # type: ignore[index]

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())
