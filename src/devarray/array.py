"""`DeviceArray`: NumPy's array interface over buffers that may still be expressions."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from devarray import dispatch, engine, indexing, operators
from devarray.asknumpy import ask_numpy, like_numpy
from devarray.config import current
from devarray.device import Device, get_device
from devarray.errors import HostMixError, UnsupportedError
from devarray.graph import map_node
from devarray.kernels.ops import OPS, canonical
from devarray.layout import (
    make_layout,
    normalize_axis,
    reshape_layout,
    resolve_shape,
    transpose_layout,
)
from devarray.library import call_library, native
from devarray.methods import ReductionMethods
from devarray.operators import Operators
from devarray.record import call, fresh, import_array, set_array_class

__all__ = ["FUNCTIONS", "DeviceArray"]

# NumPy functions that devarray implements itself; the rest runs in the device's library. Chapters
# fill it.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}

API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")


class DeviceArray(Operators, ReductionMethods):
    """An n-dimensional array on a device.

    It is made by `devarray.to_gpu`, `devarray.zeros` and their like, and used like a
    `numpy.ndarray`. Operations are recorded and run, fused, when a value is needed: by `get`,
    ``float()``, printing, iteration, a library function. Basic indexing, transposition and
    reshaping give views that share memory, as in NumPy.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.arange(5.0)
    >>> x[1:] += 10 * x[:-1]
    >>> x
    array([ 0.,  1., 12., 23., 34.], device='openmp')
    """

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        raise TypeError(
            "make device arrays with devarray.asarray, devarray.to_gpu, devarray.zeros ..."
        )

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._buffer.node.shape if self._view is None else self._view.layout.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the elements."""
        return self._buffer.dtype if self._view is None else self._view.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.dtype.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from one element to the next along each axis."""
        return self._layout().strides

    @property
    def device(self) -> Device:
        """The device that holds the array."""
        return self._buffer.device

    @property
    def T(self) -> DeviceArray:
        """The array with its axes reversed, as a view."""
        return self.transpose()

    @property
    def mT(self) -> DeviceArray:
        """The array with its last two axes exchanged, as a view."""
        if self.ndim < 2:
            raise ValueError("matrix transpose with ndim < 2 is undefined")
        return self.swapaxes(-2, -1)

    @property
    def real(self) -> DeviceArray:
        """The real part, as a view."""
        return self._part(0)

    @real.setter
    def real(self, value: Any) -> None:
        self._part(0)[...] = value

    @property
    def imag(self) -> DeviceArray:
        """The imaginary part: a view of complex arrays, read-only zeros of real ones."""
        return self._part(1)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        self._part(1)[...] = value

    def _part(self, which: int) -> DeviceArray:
        dtype = self.dtype
        if dtype.kind != "c":
            if which == 0:
                return self
            zeros = fresh(
                map_node(engine.copy_loop(dtype, dtype), (dtype.type(0).item(),), self.shape),
                self.device,
            )
            array: DeviceArray = indexing.view(zeros, zeros._layout(), writeable=False)
            return array
        half = np.dtype("f4") if dtype.char == "F" else np.dtype("f8")
        layout = self._layout()
        offset = layout.offset + which * half.itemsize
        place = make_layout(layout.shape, layout.strides, offset, half.itemsize)
        part: DeviceArray = indexing.view(self, place, half)
        return part

    # To the host

    def get(self, out: np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
        """Return the values as a host array.

        Parameters
        ----------
        out : numpy.ndarray, optional
            Host array of the same shape and dtype to copy to.

        Returns
        -------
        numpy.ndarray

        Examples
        --------
        >>> import devarray as da
        >>> da.ones(2).get()
        array([1., 1.])
        """
        if out is None:
            out = np.empty(self.shape, self.dtype)
        elif not isinstance(out, np.ndarray):
            raise TypeError(f"out must be a numpy.ndarray, got {type(out).__name__}")
        elif out.shape != self.shape or out.dtype != self.dtype:
            raise ValueError(
                f"out must have shape {self.shape} and dtype {self.dtype}, "
                f"got {out.shape} and {out.dtype}"
            )
        elif not out.flags.writeable:
            raise ValueError("output array is read-only")
        with engine.lock:
            block = engine.materialize(self._buffer)
            self._buffer.device.copy_out(block, self._layout(), out)
        return out

    def to_numpy(self) -> np.ndarray[Any, Any]:
        """Return the values as a host array; the same as `get`."""
        return self.get()

    def item(self, *args: int) -> Any:
        """Return one element as a Python scalar; see `numpy.ndarray.item`."""
        return self.get().item(*args)

    def tolist(self) -> Any:
        """Return the values as nested lists of Python scalars."""
        return self.get().tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        access = current().host_access
        if access == "never" or not (self.device.shares_host_memory or access == "always"):
            raise HostMixError(
                "a device array is not converted to a host array by itself: use .get() "
                f"(device {self.device.name}, host_access={access!r})"
            )
        if copy or (access == "always" and copy is None) or not self.device.shares_host_memory:
            # "always" is for whole programs: a shared view would mark the memory as escaped for
            # good
            return self.get() if dtype is None else self.get().astype(dtype, copy=False)
        engine.export(self._buffer)
        shared: np.ndarray[Any, Any] = native(self)
        if not self._writeable():
            shared.flags.writeable = False
        return shared if dtype is None else shared.astype(dtype, copy=False)

    def to_device(self, device: Any, /, *, stream: Any = None) -> DeviceArray:
        """Return the array on a device: itself if it is there, else a copy.

        Parameters
        ----------
        device : str or Device
        stream : object, optional
            A stream of the target device to copy on; only None on devices without streams.
        """
        if stream is not None:
            raise ValueError(
                f"device {get_device(device).name} has no streams: stream must be None"
            )
        if get_device(device) is self.device:
            return self
        moved: DeviceArray = import_array(self.get(), get_device(device))
        return moved

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
        source = self.copy() if copy else self
        engine.export(source._buffer)
        return native(source).__dlpack__(
            stream=stream,
            max_version=max_version,
            dl_device=dl_device,
            copy=False if copy else copy,
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)

    def __reduce__(self) -> Any:
        return _rebuild, (self.get(), self.device.name)

    def __copy__(self) -> DeviceArray:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> DeviceArray:
        return self.copy()

    def __repr__(self) -> str:
        return f"{repr(self.get())[:-1]}, device={self.device.name!r})"

    def __str__(self) -> str:
        return str(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.item() if not self.shape else self.get(), spec)

    def __bool__(self) -> bool:
        return bool(self.get())

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        return float(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        return operator.index(self._scalar())

    def __round__(self, ndigits: int | None = None) -> Any:
        return (
            round(self._scalar().item(), ndigits)
            if ndigits is not None
            else round(self._scalar().item())
        )

    def _scalar(self) -> Any:
        if self.shape:
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
        return self.get()

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        engine.materialize(self._buffer)
        return (self[k] for k in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    # Dispatch

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return `devarray`, which is a namespace of the Array API standard.

        Raises
        ------
        ValueError
            If `api_version` is none of the standard's versions up to the one that is supported.
        """
        namespace = sys.modules[__package__]
        if api_version is not None and api_version not in API_VERSIONS:
            raise ValueError(
                f"api_version {api_version!r} is not supported: {', '.join(API_VERSIONS)} are"
            )
        return namespace

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__":
            return dispatch.ufunc_method(ufunc, method, inputs, options)
        op = OPS.get(ufunc)
        if op is None:
            return call_library(ufunc, inputs, options)
        if not options:
            return call(op, *inputs)
        return dispatch.call_ufunc(op, inputs, **options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        own = FUNCTIONS.get(function)
        if own is not None:
            try:
                return own(*args, **options)
            except UnsupportedError:  # an argument of text or objects, beside a device array
                if current().host_access != "always":
                    raise
        return call_library(function, args, options)

    # Indexing

    def __getitem__(self, key: Any) -> Any:
        return indexing.getitem(self, key)

    def __delitem__(self, key: Any) -> None:
        raise ValueError("cannot delete array elements")

    def __setitem__(self, key: Any, value: Any) -> None:
        indexing.setitem(self, key, value)

    # Shape

    def reshape(self, *shape: Any, order: str = "C") -> DeviceArray:
        """Return the elements in another shape; see `numpy.reshape`.

        The result is a view where strides allow, else a copy.
        """
        if not shape:
            raise TypeError("reshape() takes exactly 1 argument (0 given)")
        wanted = shape[0] if len(shape) == 1 else shape
        if order not in ("C", "A"):
            if order == "F":
                return self.T.reshape(tuple(reversed(resolve_shape(self.size, wanted)))).T
            raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got '{order}')")
        try:
            target = resolve_shape(self.size, wanted)
        except ValueError:
            ask_numpy(np.reshape, (self, wanted), {})
            raise
        layout = reshape_layout(self._layout(), target, self.itemsize)
        if layout is None:
            return self.copy().reshape(target)
        result: DeviceArray = indexing.view(self, layout)
        return result

    def ravel(self, order: str = "C") -> DeviceArray:
        """Return the elements along one axis: a view of a contiguous array, else a copy."""
        if order == "C" and not self._layout().dense:
            return self.flatten()
        return self.reshape(-1, order=order)

    def flatten(self, order: str = "C") -> DeviceArray:
        """Return a copy of the elements along one axis."""
        return self.copy().reshape(-1, order=order)

    def transpose(self, *axes: Any) -> DeviceArray:
        """Return a view with the axes permuted (reversed by default)."""
        ndim = self.ndim
        if not axes or axes == (None,):
            order = tuple(reversed(range(ndim)))
        else:
            given = axes[0] if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else axes
            if len(given) != ndim:
                raise ValueError("axes don't match array")
            order = tuple(normalize_axis(a, ndim) for a in given)
            if len(set(order)) != ndim:
                raise ValueError("repeated axis in transpose")
        result: DeviceArray = indexing.view(
            self, transpose_layout(self._layout(), order, self.itemsize)
        )
        return result

    @like_numpy(np.swapaxes)
    def swapaxes(self, axis1: int, axis2: int) -> DeviceArray:
        """Return a view with two axes exchanged."""
        order = list(range(self.ndim))
        a, b = normalize_axis(axis1, self.ndim), normalize_axis(axis2, self.ndim)
        order[a], order[b] = order[b], order[a]
        return self.transpose(order)

    def squeeze(self, axis: Any = None) -> DeviceArray:
        """Return a view without axes of length 1."""
        shape = self.shape
        if axis is None:
            drop = {a for a, n in enumerate(shape) if n == 1}
        else:
            drop = {
                normalize_axis(a, len(shape))
                for a in (axis if isinstance(axis, tuple) else (axis,))
            }
            if any(shape[a] != 1 for a in drop):
                raise ValueError(
                    "cannot select an axis to squeeze out which has size not equal to one"
                )
        return (
            self.reshape(tuple(n for a, n in enumerate(shape) if a not in drop))
            if drop
            else self[...]
        )

    # Copies

    def copy(self, order: str = "C") -> DeviceArray:
        """Return a copy.

        It is recorded, and made when it or the original is written, or it is read.
        """
        node = self._node()
        result: DeviceArray = fresh(engine.copy_node(node, node.shape, node.dtype), self.device)
        return result

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: Any = "unsafe",
        subok: bool = True,
        copy: bool = True,
        *,
        device: Any = None,
    ) -> DeviceArray:
        """Return the array cast to a dtype; see `numpy.ndarray.astype`."""
        target = canonical(np.dtype(dtype))
        if not np.can_cast(self.dtype, target, casting):
            raise TypeError(
                f"Cannot cast array data from {self.dtype!r} to {target!r} according to the rule "
                f"'{casting}'"
            )
        if not copy and target == self.dtype:
            return self if device is None else self.to_device(device)
        if self.dtype.kind == "c" and target.kind not in "cb":
            indexing._warn_complex()
        node = self._node()
        result: DeviceArray = fresh(engine.copy_node(node, node.shape, target), self.device)
        return result if device is None else result.to_device(device)

    def fill(self, value: Any) -> None:
        """Set every element to a scalar."""
        if not isinstance(value, DeviceArray):
            value = indexing.scalar_value(value, self.dtype)
        self[...] = value

    def set(self, source: np.ndarray[Any, Any]) -> None:
        """Copy a host array of the same shape into this array."""
        if not isinstance(source, np.ndarray) or source.shape != self.shape:  # type: ignore[redundant-expr]
            raise ValueError(
                f"set needs a host array of shape {self.shape}, got {np.shape(source)}"
            )
        self[...] = import_array(source.astype(self.dtype, copy=False), self.device)

    # Elementwise methods

    def conj(self) -> DeviceArray:
        """Return the complex conjugate."""
        result: DeviceArray = call(OPS[np.conjugate], self)
        return result

    conjugate = conj

    def clip(
        self, min: Any = None, max: Any = None, out: Any = None, **options: Any
    ) -> DeviceArray:
        """Return the values limited to an interval; see `numpy.clip`."""
        result: DeviceArray = FUNCTIONS[np.clip](self, min, max, out, **options)
        return result

    def round(self, decimals: int = 0, out: Any = None) -> DeviceArray:
        """Return the values rounded to a number of decimals; see `numpy.round`."""
        result: DeviceArray = FUNCTIONS[np.round](self, decimals, out)
        return result


def _rebuild(values: np.ndarray[Any, Any], device: str) -> DeviceArray:
    array: DeviceArray = import_array(values, get_device(device))
    return array


set_array_class(DeviceArray)
operators.set_array_class(DeviceArray)
