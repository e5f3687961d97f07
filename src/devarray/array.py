"""`DeviceArray`: NumPy's array interface over buffers that may still be expressions."""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray import dispatch, engine, indexing, operators
from devarray.asknumpy import ask_numpy, like_numpy
from devarray.config import current
from devarray.device import Device
from devarray.errors import UnsupportedError
from devarray.graph import map_node
from devarray.host import HostMethods, readable
from devarray.kernels.ops import OPS, canonical
from devarray.layout import (
    as_shape,
    check_order,
    make_layout,
    normalize_axes,
    normalize_axis,
    reshape_layout,
    resolve_shape,
    sequence,
    transpose_layout,
)
from devarray.library import call_library
from devarray.memory import MemoryMethods
from devarray.methods import LibraryMethods, ReductionMethods
from devarray.operands import call, import_array
from devarray.operators import Operators
from devarray.record import as_scalar, fresh, fresh_buffer, set_array_class
from devarray.registry import get_device

__all__ = ["FUNCTIONS", "DeviceArray"]

# NumPy functions that devarray implements itself; the rest runs in the device's library. Chapters
# fill it.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}

API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")


class DeviceArray(Operators, ReductionMethods, LibraryMethods, MemoryMethods, HostMethods):
    """An n-dimensional array on a device.

    It is made by `devarray.to_gpu`, `devarray.zeros` and their like (called itself, it gives
    uninitialised memory of a shape and a dtype, as NumPy's class does), and used like a
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

    def __init__(self, shape: Any, dtype: Any = float, **others: Any) -> None:
        if others:
            raise TypeError(
                f"a device array is made of a shape and a dtype, not of {', '.join(others)}: use "
                "devarray.asarray, devarray.to_gpu, devarray.from_dlpack, devarray.zeros ..."
            )
        made = fresh_buffer(get_device(), as_shape(shape), canonical(np.dtype(dtype)))
        self._buffer, self._view, self._load = made._buffer, None, None

    # What it is (shape, dtype, flags: see `memory`)

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
    def ptr(self) -> int:
        """The address of the first element, in the device's memory.

        What is pending on the array is evaluated first, and from then on at once: code outside
        devarray may read and write the memory.
        """
        return engine.export(self._buffer).address + self._layout().offset

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
        self._part(0)[...] = _real(value)

    @property
    def imag(self) -> DeviceArray:
        """The imaginary part: a view of complex arrays, read-only zeros of real ones."""
        return self._part(1)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        self._part(1)[...] = _real(value)

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
        return call_library(function, args, options, default=self.device)

    # Indexing

    def __getitem__(self, key: Any) -> Any:
        kind = type(key)
        if kind is int or kind is tuple:
            shape = self.shape
            if len(shape) == (1 if kind is int else len(key)) and shape and self._at_hand():
                for part in () if kind is int else key:
                    if type(part) is not int:
                        break
                else:  # an element, which follows no later writes to the array, as in NumPy
                    value = readable(self)[key]
                    if current().host_access == "always":
                        return value
                    return as_scalar(indexing.constant(self, self.dtype, value.item()))
        return indexing.getitem(self, key)

    def _at_hand(self) -> bool:
        return self._buffer.block is not None and self._buffer.device.shares_host_memory

    def __class_getitem__(cls, item: Any) -> types.GenericAlias:
        given = len(item) if isinstance(item, tuple) else 1
        if not 1 <= given <= 2:
            raise TypeError(f"Too {'many' if given else 'few'} arguments for {cls}")
        return types.GenericAlias(cls, item)

    def __delitem__(self, key: Any) -> None:
        raise ValueError("cannot delete array elements")

    def __setitem__(self, key: Any, value: Any) -> None:
        indexing.setitem(self, key, value)

    # Shape

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> DeviceArray:
        """Return the elements in another shape; see `numpy.reshape`.

        The result is a view where strides allow, else a copy; `copy` true asks for a copy, false
        for a view or a ValueError.
        """
        if copy is not None:
            if copy:
                return self.copy(order="K" if order == "C" else order).reshape(*shape, order=order)
            view = self.reshape(*shape, order=order)
            if view._buffer is not self._buffer:
                raise ValueError("Unable to avoid creating a copy while reshaping.")
            return view
        if not shape:
            raise TypeError("reshape() takes exactly 1 argument (0 given)")
        wanted = shape[0] if len(shape) == 1 else shape
        letter = check_order(order, "CFA", "order '{}' is not permitted for reshaping")
        if letter == "F" or (letter == "A" and self.flags.fnc):
            return self.T.reshape(tuple(reversed(resolve_shape(self.size, wanted)))).T
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

    def ravel(self, order: Any = "C") -> DeviceArray:
        """Return the elements along one axis: a view of a contiguous array, else a copy."""
        if check_order(order) != "C":
            array: DeviceArray = FUNCTIONS[np.ravel](self, order)
            return array
        return self.reshape(-1) if self._layout().dense else self.flatten()

    def flatten(self, order: Any = "C") -> DeviceArray:
        """Return a copy of the elements along one axis."""
        if check_order(order) != "C":
            array: DeviceArray = FUNCTIONS[np.ravel](self, order)
            return array if array._buffer is not self._buffer else array.copy()
        return self.copy().reshape(-1)

    def transpose(self, *axes: Any) -> DeviceArray:
        """Return a view with the axes permuted (reversed by default)."""
        ndim = self.ndim
        if not axes or (len(axes) == 1 and axes[0] is None):
            order = tuple(reversed(range(ndim)))
        else:
            given = sequence(axes[0]) if len(axes) == 1 else axes
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
            drop = set(normalize_axes(axis, len(shape)))
            if any(shape[a] != 1 for a in drop):
                raise ValueError(
                    "cannot select an axis to squeeze out which has size not equal to one"
                )
        return (
            self.reshape(tuple(n for a, n in enumerate(shape) if a not in drop)) if drop else self
        )

    # Copies

    def copy(self, order: Any = "C") -> DeviceArray:
        """Return a copy.

        It is recorded, and made when it or the original is written, or it is read.

        Parameters
        ----------
        order : {"C", "F", "A", "K"}
            F: columns lie together. A: so they do if they do here. C and K: rows lie together.
        """
        if self._by_columns(order):
            return self.T.copy().T
        node = self._node()
        result: DeviceArray = fresh(engine.copy_node(node, node.shape, node.dtype), self.device)
        return result

    def __copy__(self) -> DeviceArray:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> DeviceArray:
        return self.copy()

    def _by_columns(self, order: Any) -> bool:
        order = check_order(order)
        return order == "F" or (order == "A" and bool(self.flags.fnc))

    def astype(
        self,
        dtype: Any,
        order: Any = "K",
        casting: Any = "unsafe",
        subok: bool = True,
        copy: bool = True,
        *,
        device: Any = None,
    ) -> DeviceArray:
        """Return the array cast to a dtype; see `numpy.ndarray.astype`.

        Parameters
        ----------
        dtype : dtype
        order : {"C", "F", "A", "K"}
            See `copy`.
        casting : str
            What may be lost: ``no``, ``equiv``, ``safe``, ``same_kind``, ``unsafe``; with
            ``same_value`` (NumPy 2.4) the values are looked at.
        subok : bool
            Ignored: there are no subclasses.
        copy : bool
            False: return this array if it has the dtype already.
        device : str or Device, optional
            Where to put the result.
        """
        target = canonical(np.dtype(dtype))
        columns = self._by_columns(order)
        if casting == "same_value":
            exact: DeviceArray
            if self.device.xp is np:
                options = {"casting": casting}
                exact = call_library(np.ndarray.astype, (self, target), options, True)
            else:  # other libraries know nothing of it
                on_host: Any = self.get().astype(target, casting=casting)
                exact = import_array(on_host, self.device)
            return exact if device is None else exact.to_device(device)
        if casting != "unsafe" and not _can_cast(self.dtype, target, casting):
            ask_numpy(np.ndarray.astype, (self, target, order, casting), {})
            raise TypeError(
                f"Cannot cast array data from {self.dtype!r} to {target!r} according to the rule "
                f"'{casting}'"
            )
        if not copy and target == self.dtype and (not columns or self.flags.f_contiguous):
            return self if device is None else self.to_device(device)
        if self.dtype.kind == "c" and target.kind not in "cb":
            indexing._warn_complex()
        if columns:
            return self.T.astype(target, device=device).T
        node = self._node()
        result: DeviceArray = fresh(engine.copy_node(node, node.shape, target), self.device)
        return result if device is None else result.to_device(device)

    def fill(self, value: Any) -> None:
        """Set every element to a scalar."""
        if not isinstance(value, DeviceArray):
            holder = np.empty(1, self.dtype)
            with np.errstate(all="ignore"):
                holder.fill(value)
            value = holder[0].item()
        elif value.shape:
            raise ValueError("setting an array element with a sequence.")
        self[...] = value

    def set(self, source: np.ndarray[Any, Any]) -> None:
        """Copy a host array of the same shape into this array."""
        if not isinstance(source, np.ndarray) or source.shape != self.shape:  # type: ignore[redundant-expr]
            raise ValueError(
                f"set needs a host array of shape {self.shape}, got {np.shape(source)}"
            )
        self[...] = import_array(source.astype(self.dtype, copy=False), self.device)

    # Elementwise methods

    def conj(self, out: Any = None, /) -> DeviceArray:
        """Return the complex conjugate; of an array that is not complex, the array itself."""
        if self.dtype.kind != "c" and out is None:
            return self
        result: DeviceArray = dispatch.call_ufunc(OPS[np.conjugate], (self,), out=out)
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


def _can_cast(source: Any, target: Any, casting: Any) -> bool:
    known = casting in ("no", "equiv", "safe", "same_kind")
    return known and bool(np.can_cast(source, target, casting))


def _real(value: Any) -> Any:
    """Return the real part of a complex scalar, with NumPy's warning; other values as they are."""
    if not isinstance(value, (complex, np.complexfloating)):
        return value
    indexing._warn_complex()
    return value.real


set_array_class(DeviceArray)
operators.set_array_class(DeviceArray)
