"""What an array shows of its memory: shape and dtype as they can be set, flags, views of bytes."""

from __future__ import annotations

import builtins
import functools
import math
import operator
import sys
import weakref
from typing import Any

import numpy as np

from devarray import engine, indexing
from devarray.asknumpy import raise_as_numpy
from devarray.errors import HostMixError, UnsupportedError
from devarray.flat import Flags, FlatIterator, claim, claimed_layout
from devarray.graph import Buffer, load_node
from devarray.kernels.ops import canonical
from devarray.layout import Layout, contiguous, make_layout, reshape_layout, resolve_shape
from devarray.library import call_library, native
from devarray.record import Recorded, View, array_over, fresh_buffer

__all__ = ["MemoryMethods"]

# Buffers whose owner was made read-only by `setflags`: no view of them can be made writeable.
_locked: weakref.WeakSet[Buffer] = weakref.WeakSet()


class Owned(View):
    """What an owner shows after its shape, dtype or flags were set: it still is the owner."""

    __slots__ = ()


def _dtype_of(dtype: Any) -> np.dtype[Any]:
    wanted: np.dtype[Any] = np.dtype(dtype)
    if canonical(wanted) != wanted:
        raise UnsupportedError(f"memory cannot be seen as {wanted!r} on a device")
    return wanted


def _owner(array: Recorded) -> Any:
    """Return an array that shows the whole buffer; it is read-only where its owner is."""
    buffer = array._buffer
    whole = array_over(buffer)
    if _memory_is_writeable(whole) and buffer not in _locked:
        return whole
    return array_over(buffer, Owned(buffer.whole(), buffer.dtype, False))


def _memory_is_writeable(whole: Recorded) -> bool:
    device, block = whole._buffer.device, whole._buffer.block
    if block is None or not device.shares_host_memory:
        return True  # only foreign memory, of the host, can be read-only
    return bool(native(whole).flags.writeable)


class MemoryMethods(Recorded):
    """The part of an array that tells and changes how it shows its memory."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes.

        Assignment reshapes the array in place, and fails where that needs a copy.
        """
        return self._buffer.node.shape if self._view is None else self._view.layout.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        try:
            target = resolve_shape(math.prod(self._shape()), shape)
        except (TypeError, ValueError) as error:
            raise_as_numpy(error, setattr, (self, "shape", shape), {})
        layout = reshape_layout(self._layout(), target, self._dtype().itemsize)
        if layout is None:
            raise AttributeError(
                "Incompatible shape for in-place modification. Use `.reshape()` to make a copy "
                "with the desired shape."
            )
        self._show(layout, self._dtype())

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the elements.

        Assignment takes the bytes for elements of another dtype, as `view` does.
        """
        return self._buffer.dtype if self._view is None else self._view.dtype

    def _set_dtype(self, dtype: Any) -> None:
        try:
            np.dtype(dtype)
        except TypeError as error:
            raise_as_numpy(error, setattr, (self, "dtype", dtype), {})
        wanted = _dtype_of(dtype)
        self._show(self._as_dtype(wanted), wanted)

    dtype = dtype.setter(_set_dtype)  # type: ignore[attr-defined]

    def _show(self, layout: Layout, dtype: np.dtype[Any], writeable: bool | None = None) -> None:
        """Show the buffer otherwise from now on; owners stay owners."""
        kind = Owned if self.base is None else View
        self._view = kind(layout, dtype, self._writeable() if writeable is None else writeable)
        self._load = None

    def _as_dtype(self, dtype: np.dtype[Any]) -> Layout:
        layout = claimed_layout(claim(self).view(dtype), self)
        unit = dtype.alignment
        steps = [s for s, n in zip(layout.strides, layout.shape, strict=True) if n > 1]
        if 0 not in layout.shape and any(place % unit for place in (layout.offset, *steps)):
            raise UnsupportedError(
                f"elements of {dtype!r} would lie at addresses that are no multiples of {unit}: "
                "copy the array first"
            )
        return layout

    @property
    def base(self) -> Any:
        """An array that shows all the memory that this one shows a part of; None for owners.

        It is a new array over the same memory, so compare with `numpy.shares_memory` rather than
        with ``is``.
        """
        if self._view is None or type(self._view) is Owned:
            return None
        return _owner(self)

    @property
    def flat(self) -> FlatIterator:
        """The elements in row-major order, to iterate over or to index; can be assigned."""
        return FlatIterator(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        if not self._writeable():
            raise ValueError("array is read-only")
        FlatIterator(self)[...] = value

    @property
    def flags(self) -> Flags:
        """How the elements lie in memory, and whether they can be written."""
        return Flags(self)

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """Set whether the array can be written; see `numpy.ndarray.setflags`.

        Parameters
        ----------
        write : bool, optional
            True needs an owner that is writeable, and elements that do not share memory.
        align, uic : bool, optional
            Whether elements are aligned is a fact, and nothing is ever written back: they can be
            set only to what they are (`align` also to False, which changes nothing).

        Raises
        ------
        ValueError
            If a flag cannot be set so.
        """
        flags = self.flags
        if align and not flags.aligned:
            raise ValueError("cannot set aligned flag of mis-aligned array to True")
        if uic:
            raise ValueError("cannot set WRITEBACKIFCOPY flag to True")
        if write is None or bool(write) == self._writeable():
            return
        owns = flags.owndata
        layout, dtype = self._layout(), self._dtype()
        if write:
            repeats = any(
                s == 0 and n > 1 for s, n in zip(layout.strides, layout.shape, strict=True)
            )
            whole = array_over(self._buffer)
            if (
                repeats
                or not _memory_is_writeable(whole)
                or not (owns or self._buffer not in _locked)
            ):
                raise ValueError("cannot set WRITEABLE flag to True of this array")
        self._show(layout, dtype, bool(write))
        if owns:
            (_locked.discard if write else _locked.add)(self._buffer)
            if write and (layout, dtype) == (self._buffer.whole(), self._buffer.dtype):
                self._view = None

    def view(self, dtype: Any = None, type: Any = None) -> Any:
        """Return another array over the same memory; see `numpy.ndarray.view`.

        Parameters
        ----------
        dtype : dtype, optional
            What the bytes are taken for. A different size of elements needs a contiguous last axis.
        type : type, optional
            Only the class of device arrays.

        Examples
        --------
        >>> import devarray as da
        >>> da.asarray([1.0, -0.0]).view("uint64") >> 63
        array([0, 1], dtype=uint64, device='openmp')
        """
        if isinstance(dtype, builtins.type) and issubclass(dtype, (np.ndarray, Recorded)):
            if type is not None:
                raise ValueError("Cannot specify output type twice.")
            type, dtype = dtype, None
        if type is not None:
            if not (isinstance(type, builtins.type) and issubclass(type, (np.ndarray, Recorded))):
                raise ValueError("Type must be a sub-type of ndarray type")
            if issubclass(type, np.ndarray):
                raise HostMixError("a device array has no view as a host array: use .get()")
        if dtype is None:
            return indexing.view(self, self._layout())
        wanted = _dtype_of(dtype)
        return indexing.view(self, self._as_dtype(wanted), wanted)

    def getfield(self, dtype: Any, offset: int = 0) -> Any:
        """Return a view of some bytes of each element; see `numpy.ndarray.getfield`."""
        wanted = _dtype_of(dtype)
        layout = claimed_layout(claim(self).getfield(wanted, offset), self)
        if layout.offset % wanted.alignment:
            raise UnsupportedError(f"byte {offset} of an element is no place for a {wanted!r}")
        return indexing.view(self, layout, wanted)

    def setfield(self, val: Any, dtype: Any, offset: int = 0) -> None:
        """Write to some bytes of each element; see `numpy.ndarray.setfield`."""
        self.getfield(dtype, offset)[...] = val

    def byteswap(self, inplace: bool = False) -> Any:
        """Return the elements with their bytes in reverse; see `numpy.ndarray.byteswap`."""
        result = call_library(np.ndarray.byteswap, (self, bool(inplace)), {}, not inplace)
        return self if inplace else result

    def resize(self, *new_shape: Any, refcheck: bool = True) -> None:
        """Change shape and size in place; new elements are 0; see `numpy.ndarray.resize`.

        The array moves to new memory, where a view of the old memory does not follow.

        Parameters
        ----------
        new_shape : int or tuple of int
        refcheck : bool
            Refuse if there are views of the array.

        Raises
        ------
        ValueError
            If the array is a view, or there are views of it, or its memory was exported.
        """
        if not new_shape or (len(new_shape) == 1 and new_shape[0] is None):
            return
        block = self._buffer.block
        if self.base is not None:
            raise ValueError("cannot resize this array: it does not own its data")
        # this array's own reference, and the one of the call
        if (refcheck and sys.getrefcount(self._buffer) > 2) or (block and block.escaped):
            raise ValueError(
                "cannot resize an array that references or is referenced\n"
                "by another object in this way.\n"
                "Use the np.resize function to get a new resized copy or\n"
                " set refcheck=False to disable this check"
            )
        writeable = self._writeable()
        if hasattr(self._buffer.device.xp.ndarray, "resize"):
            resized = functools.partial(_resized, new_shape)
            changed = call_library(resized, (self,), {}, reads_only=True)
        else:
            changed = _moved(self, new_shape)
        self._buffer, self._view, self._load = changed._buffer, changed._view, None
        if not writeable:
            self.setflags(write=False)


def _moved(array: Any, new_shape: Any) -> Any:
    """Return the elements in the order of memory, cut or filled with 0, in another shape."""
    given = new_shape[0] if len(new_shape) == 1 else new_shape
    try:
        shape = tuple(map(operator.index, given if np.iterable(given) else (given,)))
    except TypeError:
        np.empty(given)  # raises in NumPy's words
        raise
    if min(shape, default=0) < 0:
        raise ValueError("negative dimensions not allowed")
    flags = claim(array).flags
    if not flags.forc:
        raise ValueError("resize only works on single-segment arrays")
    flat, size = (array.T if flags.fnc else array).reshape(-1), math.prod(shape)
    kept = min(flat.size, size)
    whole = fresh_buffer(array.device, (size,), array.dtype)
    whole[:kept] = flat[:kept]
    whole[kept:] = 0
    layout = contiguous(shape[::-1] if flags.fnc else shape, array.itemsize)
    if flags.fnc:
        layout = make_layout(shape, layout.strides[::-1], 0, array.itemsize)
    buffer = Buffer(array.device, load_node(engine.materialize(whole._buffer), layout, array.dtype))
    buffer.hold(whole._buffer.block, layout)
    return array_over(buffer)


def _resized(shape: Any, array: Any) -> Any:
    copy = array.copy(order="K")
    copy.resize(*shape, refcheck=False)
    return copy
