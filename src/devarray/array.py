"""`DeviceArray`: NumPy's array interface over buffers that may still be expressions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from devarray import dispatch, engine, indexing, reductions
from devarray.asknumpy import ask_numpy, like_numpy
from devarray.config import current
from devarray.device import Device, get_device
from devarray.errors import HostMixError, UnsupportedError
from devarray.graph import map_node
from devarray.kernels.ops import OPS, Op, canonical
from devarray.layout import (
    Layout,
    broadcast_shapes,
    normalize_axis,
    reshape_layout,
    resolve_shape,
    transpose_layout,
)
from devarray.library import call_library, native
from devarray.record import Recorded, call, fresh, import_array, set_array_class

__all__ = ["FUNCTIONS", "DeviceArray"]

NO_VALUE = np._NoValue

# NumPy functions that devarray implements itself; the rest runs in the device's library. Chapters
# fill it.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}

# Library functions that write to their first argument.
_WRITERS = frozenset({np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis})


def _binary(ufunc: Any, reflected: bool = False) -> Callable[[Any, Any], Any]:
    op = OPS[ufunc]
    loops = op.loops

    def method(self: DeviceArray, other: Any) -> Any:
        if type(self) is not DeviceArray:  # a selection by a mask
            pass
        elif type(other) is DeviceArray and self._buffer.device is other._buffer.device:
            a = self._buffer.node if self._view is None else self._node()
            b = other._buffer.node if other._view is None else other._node()
            found = loops.get((a.dtype, b.dtype))
            if found is not None and len(found) == 1:
                shape = a.shape if a.shape == b.shape else broadcast_shapes(a.shape, b.shape)
                return fresh(map_node(found[0], (a, b), shape), self._buffer.device)
        elif type(other) is float:
            a = self._buffer.node if self._view is None else self._node()
            found = loops.get((float, a.dtype) if reflected else (a.dtype, float))
            if found is not None and len(found) == 1:
                sources = (other, a) if reflected else (a, other)
                return fresh(map_node(found[0], sources, a.shape), self._buffer.device)
        result = call(op, other, self) if reflected else call(op, self, other)
        if result is NotImplemented:
            return _foreign(ufunc, self, other, reflected)
        return result

    method.__name__ = f"__{'r' if reflected else ''}{op.name}__"
    method.__doc__ = f"Record `numpy.{op.name}`."
    return method


def _foreign(ufunc: Any, self: DeviceArray, other: Any, reflected: bool) -> Any:
    """Return what an operator with an operand of another library's type gives.

    A type with ``__array_ufunc__`` decides itself, unless that is None: then its own operator does. What can be compared
    with no number is equal to none.
    """
    protocol = getattr(type(other), "__array_ufunc__", NO_VALUE)
    if protocol is not NO_VALUE and protocol is not None and not reflected:
        return ufunc(self, other)
    if protocol is NO_VALUE and ufunc in (np.equal, np.not_equal):
        value = ufunc is np.not_equal
        return fresh(map_node(engine.copy_loop(BOOL, BOOL), (value,), self.shape), self.device)
    return NotImplemented


BOOL = np.dtype("?")


def _checked_binary(ufunc: Any, reflected: bool = False) -> Callable[[Any, Any], Any]:
    op = OPS[ufunc]

    def method(self: DeviceArray, other: Any) -> Any:
        result = call(op, other, self) if reflected else call(op, self, other)
        return _foreign(ufunc, self, other, reflected) if result is NotImplemented else result

    method.__doc__ = f"Record `numpy.{op.name}`."
    return method


def _inplace(ufunc: Any) -> Callable[[Any, Any], Any]:
    op = OPS[ufunc]

    def method(self: DeviceArray, other: Any) -> Any:
        if self._lazy and self._update(op, other):  # type: ignore[attr-defined]
            return self
        return dispatch.call_ufunc(op, (self, other), out=self)

    method.__doc__ = f"Record `numpy.{op.name}` into this array."
    return method


def _unary(ufunc: Any) -> Callable[[Any], Any]:
    op = OPS[ufunc]

    def method(self: DeviceArray) -> Any:
        return call(op, self)

    method.__doc__ = f"Record `numpy.{op.name}`."
    return method


_POWERS: dict[float, Op] = {
    2: OPS[np.square],
    0.5: OPS[np.sqrt],
    -1: OPS[np.reciprocal],
    1: OPS[np.positive],
}


class DeviceArray(Recorded):
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
        place = Layout(layout.shape, layout.strides, layout.offset + which * half.itemsize, False)
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
                f"out must have shape {self.shape} and dtype {self.dtype}, got {out.shape} and {out.dtype}"
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

    def __dlpack__(self, **options: Any) -> Any:
        """Export the memory; see `numpy.ndarray.__dlpack__`."""
        engine.export(self._buffer)
        return native(self).__dlpack__(**options)

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

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__":
            return dispatch.ufunc_method(ufunc, method, inputs, options)
        op = OPS.get(ufunc)
        if op is None:
            writes = tuple(o for o in options.get("out", ()) if isinstance(o, Recorded))
            return call_library(ufunc, inputs, options, writes=writes)
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
        writes: tuple[Any, ...] = (args[0],) if function in _WRITERS else ()
        if isinstance(options.get("out"), Recorded):
            writes += (options["out"],)
        if self.device.name == "null":
            raise UnsupportedError(f"numpy.{function.__name__} is not supported on device null")
        return call_library(function, args, options, writes=writes)

    # Indexing

    def __getitem__(self, key: Any) -> Any:
        return indexing.getitem(self, key)

    def __delitem__(self, key: Any) -> None:
        raise ValueError("cannot delete array elements")

    def __setitem__(self, key: Any, value: Any) -> None:
        indexing.setitem(self, key, value)

    # Operators: each is its ufunc

    __add__, __radd__, __iadd__ = _binary(np.add), _binary(np.add, True), _inplace(np.add)
    __sub__, __rsub__, __isub__ = (
        _binary(np.subtract),
        _binary(np.subtract, True),
        _inplace(np.subtract),
    )
    __mul__, __rmul__, __imul__ = (
        _binary(np.multiply),
        _binary(np.multiply, True),
        _inplace(np.multiply),
    )
    __truediv__, __rtruediv__ = _binary(np.divide), _binary(np.divide, True)
    __itruediv__ = _inplace(np.divide)
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide), _binary(np.floor_divide, True)
    __ifloordiv__ = _inplace(np.floor_divide)
    __mod__, __rmod__, __imod__ = (
        _binary(np.remainder),
        _binary(np.remainder, True),
        _inplace(np.remainder),
    )
    __divmod__, __rdivmod__ = _checked_binary(np.divmod), _checked_binary(np.divmod, True)
    __rpow__ = _checked_binary(np.power, True)
    __and__, __rand__, __iand__ = (
        _binary(np.bitwise_and),
        _binary(np.bitwise_and, True),
        _inplace(np.bitwise_and),
    )
    __or__, __ror__, __ior__ = (
        _binary(np.bitwise_or),
        _binary(np.bitwise_or, True),
        _inplace(np.bitwise_or),
    )
    __xor__, __rxor__, __ixor__ = (
        _binary(np.bitwise_xor),
        _binary(np.bitwise_xor, True),
        _inplace(np.bitwise_xor),
    )
    __lshift__, __rlshift__, __ilshift__ = (
        _binary(np.left_shift),
        _binary(np.left_shift, True),
        _inplace(np.left_shift),
    )
    __rshift__, __rrshift__, __irshift__ = (
        _binary(np.right_shift),
        _binary(np.right_shift, True),
        _inplace(np.right_shift),
    )
    __lt__, __le__, __gt__, __ge__ = (
        _binary(np.less),
        _binary(np.less_equal),
        _binary(np.greater),
        _binary(np.greater_equal),
    )
    __eq__, __ne__ = _binary(np.equal), _binary(np.not_equal)  # type: ignore[assignment]
    __neg__, __pos__, __abs__, __invert__ = (
        _unary(np.negative),
        _unary(np.positive),
        _unary(np.absolute),
        _unary(np.invert),
    )

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        if modulo is not None:
            return NotImplemented
        # NumPy, too, takes these exponents as other ufuncs
        if type(other) in (int, float) and other in _POWERS:
            if self.dtype.kind in "fc" or (type(other) is int and other == 2):
                return call(_POWERS[other], self)
        result = call(OPS[np.power], self, other)
        return _foreign(np.power, self, other, False) if result is NotImplemented else result

    def __ipow__(self, other: Any) -> Any:
        if type(other) in (int, float) and other in _POWERS and self.dtype.kind in "fc":
            return dispatch.call_ufunc(_POWERS[other], (self,), out=self)
        return dispatch.call_ufunc(OPS[np.power], (self, other), out=self)

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return np.matmul(other, self)

    def __imatmul__(self, other: Any) -> Any:
        self[...] = np.matmul(self, other)
        return self

    def __round__(self, ndigits: int | None = None) -> Any:
        return (
            round(self._scalar().item(), ndigits)
            if ndigits is not None
            else round(self._scalar().item())
        )

    # Shape

    def reshape(self, *shape: Any, order: str = "C") -> DeviceArray:
        """Return the elements in another shape: a view where strides allow, else a copy; see `numpy.reshape`."""
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
        """Return a copy; it is recorded, and made when it or the original is written, or it is read."""
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
                f"Cannot cast array data from {self.dtype!r} to {target!r} according to the rule '{casting}'"
            )
        if not copy and target == self.dtype:
            return self
        if self.dtype.kind == "c" and target.kind not in "cb":
            indexing._warn_complex()
        node = self._node()
        result: DeviceArray = fresh(engine.copy_node(node, node.shape, target), self.device)
        return result

    def fill(self, value: Any) -> None:
        """Set every element to a scalar."""
        if not isinstance(value, DeviceArray):
            value = indexing.scalar_value(value, self.dtype)
        self[...] = value

    def set(self, source: np.ndarray[Any, Any]) -> None:
        """Copy a host array of the same shape into this array."""
        if not isinstance(source, np.ndarray) or source.shape != self.shape:
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

    # Reductions

    def sum(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
    ) -> Any:
        """Return the sum; see `numpy.sum`."""
        return reductions.reduce(OPS[np.add], self, axis, dtype, out, keepdims, initial, where)

    def prod(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
    ) -> Any:
        """Return the product; see `numpy.prod`."""
        return reductions.reduce(OPS[np.multiply], self, axis, dtype, out, keepdims, initial, where)

    def min(
        self,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
    ) -> Any:
        """Return the least value; see `numpy.min`."""
        options = {
            "axis": axis,
            "out": out,
            "keepdims": keepdims,
            "initial": initial,
            "where": where,
        }
        return _or_library(np.minimum, self, options)

    def max(
        self,
        axis: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = NO_VALUE,
        where: Any = True,
    ) -> Any:
        """Return the greatest value; see `numpy.max`."""
        options = {
            "axis": axis,
            "out": out,
            "keepdims": keepdims,
            "initial": initial,
            "where": where,
        }
        return _or_library(np.maximum, self, options)

    def any(
        self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
    ) -> Any:
        """Say whether any element is true; see `numpy.any`."""
        return reductions.truth(OPS[np.logical_or], self, axis, out, keepdims, where)

    def all(
        self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
    ) -> Any:
        """Say whether all elements are true; see `numpy.all`."""
        return reductions.truth(OPS[np.logical_and], self, axis, out, keepdims, where)

    def mean(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        *,
        where: Any = True,
    ) -> Any:
        """Return the arithmetic mean; see `numpy.mean`."""
        return reductions.mean(self, axis, dtype, out, keepdims, where)

    def var(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = NO_VALUE,
        correction: Any = NO_VALUE,
    ) -> Any:
        """Return the variance; see `numpy.var`."""
        return reductions.var(self, axis, dtype, out, ddof, keepdims, where, mean, correction)

    def std(
        self,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = NO_VALUE,
        correction: Any = NO_VALUE,
    ) -> Any:
        """Return the standard deviation; see `numpy.std`."""
        return reductions.std(self, axis, dtype, out, ddof, keepdims, where, mean, correction)

    def argmin(self, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Return the position of the least value; see `numpy.argmin`."""
        return _arg(np.argmin, OPS[np.minimum], self, axis, out, keepdims)

    def argmax(self, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Return the position of the greatest value; see `numpy.argmax`."""
        return _arg(np.argmax, OPS[np.maximum], self, axis, out, keepdims)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """Return the cumulative sum; see `numpy.cumsum`."""
        return _cumulative(np.add, self, axis, dtype, out)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """Return the cumulative product; see `numpy.cumprod`."""
        return _cumulative(np.multiply, self, axis, dtype, out)


def _or_library(ufunc: Any, array: DeviceArray, options: dict[str, Any]) -> Any:
    result = reductions.reduce(OPS[ufunc], array, **options)
    if result is NotImplemented:
        options = {key: value for key, value in options.items() if value is not NO_VALUE}
        return dispatch.ufunc_method(ufunc, "reduce", (array,), options)
    return result


def _arg(function: Any, op: Op, array: DeviceArray, axis: Any, out: Any, keepdims: bool) -> Any:
    result = reductions.arg_reduce(op, array, axis, out, keepdims, function.__name__)
    if result is NotImplemented:
        writes = (out,) if out is not None else ()
        return call_library(
            function, (array, axis), {"out": out, "keepdims": keepdims}, writes=writes
        )
    return result


def _cumulative(ufunc: Any, array: DeviceArray, axis: Any, dtype: Any, out: Any) -> Any:
    if axis is None:
        array, axis = array.reshape(-1), 0
    elif not array.shape:
        array = array.reshape(1)
    return dispatch.ufunc_method(
        ufunc, "accumulate", (array,), {"axis": axis, "dtype": dtype, "out": out}
    )


def _rebuild(values: np.ndarray[Any, Any], device: str) -> DeviceArray:
    array: DeviceArray = import_array(values, get_device(device))
    return array


set_array_class(DeviceArray)
