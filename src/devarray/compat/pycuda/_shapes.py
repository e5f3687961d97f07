"""Indexing and shapes of `GPUArray`; structs are bytes along one more axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.layout import check_order, is_basic_key, normalize_axis, resolve_shape
from devarray.runtime import evaluate

from ._buffers import is_struct
from ._order import permuted
from ._transfers import on, upload

__all__ = ["Shapes"]


class Shapes:
    """The part of an array that makes views of it."""

    _array: DeviceArray
    _dtype: np.dtype[Any]
    _struct: bool
    shape: Any
    flags: Any

    def _values(self) -> DeviceArray:
        raise NotImplementedError

    def _view(self, array: DeviceArray) -> Any:
        raise NotImplementedError

    # Indexing

    def _key(self, key: Any) -> Any:
        """Return the key for the device array: one that makes a view, even of an element."""
        parts = key if type(key) is tuple else (key,)
        parts = tuple(part._values() if isinstance(part, Shapes) else part for part in parts)
        if not is_basic_key(parts):
            return (*parts, Ellipsis, slice(None)) if self._struct else parts
        used = sum(part is not None and part is not Ellipsis for part in parts)
        ndim = len(self.shape)
        if used > ndim:
            raise IndexError(
                f"too many indices for array: array is {ndim}-dimensional, but {used} were indexed"
            )
        if not any(part is Ellipsis for part in parts):
            parts = (*parts, Ellipsis)
        return (*parts, slice(None)) if self._struct else parts

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._field(key)
        place = self._key(key)
        part = self._array[place[0] if len(place) == 1 else place]
        if part._buffer is self._array._buffer:
            return self._view(part)
        return self._cast(part, self._dtype if self._struct else None)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, str):
            self._field(key)[...] = value
            return
        if self._struct:
            value = self._bytes_of(value)
        elif isinstance(value, Shapes):
            value = value._values()
        elif isinstance(value, np.ndarray) and value.ndim:
            value = upload(value, False, self._array.device)
        key = self._key(key)
        self._array[key[0] if len(key) == 1 else key] = value

    def _bytes_of(self, value: Any) -> DeviceArray:
        """Return a struct, or an array of structs, as bytes."""
        if isinstance(value, Shapes):
            if value._dtype != self._dtype:
                raise TypeError(f"elements of {value._dtype} do not go into one of {self._dtype}")
            return value._array
        array: DeviceArray = upload(np.asarray(value, self._dtype), True, self._array.device)
        return array

    def _field(self, name: str) -> Any:
        """Return a field of each struct, as a view."""
        if not self._struct or name not in (self._dtype.fields or {}):
            known = ", ".join(self._dtype.names or ()) or "no fields"
            raise IndexError(f"no field {name!r} in elements of {self._dtype} ({known})")
        dtype, offset, *_ = self._dtype.fields[name]  # type: ignore[index]
        part = self._array[..., offset : offset + dtype.itemsize]
        if is_struct(dtype):
            return type(self)._over(part, self, dtype)  # type: ignore[attr-defined]
        view = part.view(dtype)[..., 0]
        return type(self)._over(view, self)  # type: ignore[attr-defined]

    # Shape

    def transpose(self, *order: Any, axes: Any = None) -> Any:
        """Return a view with the axes permuted, reversed by default; see `numpy.transpose`.

        Parameters
        ----------
        *order : int, or one sequence of int
        axes : sequence of int, optional
            The same by name.
        """
        if axes is not None:
            if order:
                raise TypeError("transpose() got the axes twice")
            order = (axes,)
        ndim = len(self.shape)
        given: Any = order
        if len(order) == 1 and (order[0] is None or np.iterable(order[0])):
            given = order[0]
        if given is None or not order:
            given = range(ndim - 1, -1, -1)
        places = tuple(normalize_axis(axis, ndim) for axis in given)
        if len(places) != ndim or len(set(places)) != ndim:
            raise ValueError(f"transpose needs each of the {ndim} axes once, got {tuple(given)}")
        return self._view(permuted(self._array, places))

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        """Return the elements in another shape, contiguous in the order C or F.

        Parameters
        ----------
        *shape : int, or one sequence of int
            One length may be -1.
        order : {"C", "F", "A"}
            In which order elements are taken, and lie in the result. A: F for arrays that are
            contiguous so, else C.

        Returns
        -------
        GPUArray
            A view where this array is contiguous in that order, else a copy.

        Raises
        ------
        ValueError
            If the sizes do not match, or the order is none of those.
        """
        letter = check_order(order, "CFA", "order '{}' is not permitted for reshaping")
        wanted = shape[0] if len(shape) == 1 else shape
        if isinstance(wanted, np.ndarray):
            wanted = wanted.tolist()
        target = resolve_shape(math.prod(self.shape), wanted)
        flags = self.flags
        by_columns = letter == "F" or (letter == "A" and flags.f_contiguous)
        array = self._array
        if target == self.shape and (flags.f_contiguous if by_columns else flags.c_contiguous):
            return self._view(array)
        if by_columns:
            array = permuted(array, tuple(reversed(range(len(self.shape)))))
            target = tuple(reversed(target))
        if not array.flags.c_contiguous:
            array = array.copy()
        array = array.reshape((*target, self._dtype.itemsize) if self._struct else target)
        if by_columns:
            array = permuted(array, tuple(reversed(range(len(target)))))
        return self._view(array)

    def ravel(self, order: Any = "C") -> Any:
        """Return the elements along one axis: a view of a contiguous array, else a copy."""
        return self.reshape(-1, order=order)

    def squeeze(self, axis: Any = None) -> Any:
        """Return a view without the axes of length 1, or without those given."""
        ndim = len(self.shape)
        given = range(ndim) if axis is None else (axis if np.iterable(axis) else (axis,))
        drop = {normalize_axis(a, ndim) for a in given}
        if axis is None:
            drop = {a for a in drop if self.shape[a] == 1}
        if any(self.shape[a] != 1 for a in drop):
            raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
        return self[tuple(0 if a in drop else slice(None) for a in range(ndim))]

    def reverse(self, stream: Any = None) -> Any:
        """Return a copy with the elements in reverse, as if they lay along one axis."""
        back = (slice(None, None, -1),) * len(self.shape)
        with on(stream, self._array.device):
            result = self[back].copy()
            if stream is not None:
                evaluate(result._array)
        return result

    def view(self, dtype: Any = None) -> Any:
        """Return the memory as an array of another dtype.

        The axis that is fastest in memory changes its length with the size of the elements; it must
        be contiguous.

        Raises
        ------
        ValueError
            If the bytes of that axis are no whole number of elements, or it is not contiguous.
        """
        if dtype is None or np.dtype(dtype) == self._dtype:
            return self._view(self._array)
        wanted = np.dtype(dtype)
        flags = self.flags
        if flags.f_contiguous and not flags.c_contiguous:
            return self.transpose().view(wanted).transpose()
        array = self._array
        if not self._struct and not is_struct(wanted):
            return self._cast(array.view(wanted), None)
        if not self._struct:
            if not array.ndim:
                array = array.reshape(1)
            array = array.view(np.uint8)
        elif self.shape:  # bytes of all elements of the last axis along one
            if not flags.c_contiguous:
                raise ValueError("structs that are not contiguous have no view of another dtype")
            array = array.reshape((*array.shape[:-2], -1))
        count, rest = divmod(array.shape[-1], wanted.itemsize)
        if rest:
            raise ValueError(
                f"{array.shape[-1]} bytes of the last axis are no whole number of {wanted}"
            )
        if is_struct(wanted):
            shape = array.shape[:-1] + ((count,) if self.shape or count != 1 else ())
            return self._cast(array.reshape((*shape, wanted.itemsize)), wanted)
        view = array.view(wanted)
        return self._cast(view if self.shape or count != 1 else view.reshape(()), None)

    def _cast(self, array: DeviceArray, struct: Any) -> Any:
        return type(self)._over(array, self, struct)  # type: ignore[attr-defined]
