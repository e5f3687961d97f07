"""What arrays hand out about themselves: `flat`, an iterator that can be indexed, and `flags`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.asknumpy import stand_in
from devarray.layout import Layout, make_layout, memory_at
from devarray.library import call_library
from devarray.operands import import_array, refuse_host
from devarray.record import Recorded

__all__ = ["FlatIterator", "Flags", "claim", "claimed_layout"]

_START = 1 << 40  # where claimed memory starts: a multiple of every alignment
_OWNDATA = 4  # NumPy's bit


def claim(array: Recorded, start: int = _START) -> Any:
    """Return an ndarray with the layout of a device array; its elements must not be touched.

    For flags, and for views: what may copy (a new shape) would read memory that is not there.
    """
    return memory_at(start, array._layout(), array._dtype(), writeable=array._writeable())


def claimed_layout(result: Any, array: Recorded) -> Layout:
    """Return the layout of what NumPy made of ``claim(array)``."""
    address = result.__array_interface__["data"][0]
    offset = address - _START if result.size else array._layout().offset
    return make_layout(result.shape, result.strides, offset, result.itemsize)


def _get_flat(array: Any, key: Any) -> Any:
    return array.flat[key]


def _set_flat(array: Any, key: Any, value: Any) -> None:
    array.flat[key] = value


def _ask(function: Callable[..., Any], array: Any, key: Any, *value: Any) -> None:
    """Raise what NumPy raises: other libraries' arrays have no iterator that can be indexed."""
    refuse_host(key, "in an operation with a device array")
    try:
        host = stand_in(array)
    except OverflowError:
        return
    function(host, stand_in(key, indices=True), *map(stand_in, value))


def _get_elsewhere(array: Any, key: Any) -> Any:
    """Return ``array.flat[key]`` by means of ``array[key]``."""
    _ask(_get_flat, array, key)
    found = array.reshape(-1)[key]
    return found.copy() if found._buffer is array._buffer else found


def _set_elsewhere(array: Any, key: Any, value: Any) -> None:
    """Do ``array.flat[key] = value`` by means of ``array[key] = value``."""
    _ask(_set_flat, array, key, value)
    if not isinstance(value, Recorded):
        value = import_array(np.asarray(value), array.device)
    values: Any = value.astype(array.dtype).reshape(-1)
    flat = array.reshape(-1)
    chosen = flat[key] if values.size else values
    if not chosen.size:
        return
    if values.size != chosen.size:  # they are taken again and again
        values = values[import_array(np.arange(chosen.size) % values.size, array.device)]
    flat[key] = values.reshape(chosen.shape)
    if flat._buffer is not array._buffer:
        array[...] = flat.reshape(array.shape)


def _comparison(name: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        other = other.copy() if isinstance(other, FlatIterator) else other
        return getattr(self.copy(), name)(other)

    method.__name__ = name
    return method


def _as_arrays(values: Any) -> Any:
    return [value.copy() if isinstance(value, FlatIterator) else value for value in values]


class FlatIterator:
    """The elements of an array in row-major order, whatever its shape; see `numpy.flatiter`.

    It iterates over elements, and can be indexed by one integer, slice, boolean or integer array:
    that reads copies, and writes to the array itself.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.zeros((2, 2))
    >>> x.flat[1:] = [1.0, 2.0, 3.0]
    >>> x
    array([[0., 1.],
           [2., 3.]], device='openmp')
    """

    __slots__ = ("_array", "_at")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array: Any) -> None:
        self._array = array
        self._at = 0

    @property
    def base(self) -> Any:
        """The array that is iterated over."""
        return self._array

    @property
    def index(self) -> int:
        """Position of the next element."""
        return self._at

    @property
    def coords(self) -> tuple[int, ...]:
        """Index of the next element in the array."""
        shape = self._array.shape
        found = []
        at = self._at
        for axis in range(len(shape) - 1, -1, -1):
            length = shape[axis] if axis else max(shape[0], at + 1)  # the end lies outside
            found.append(at % length)
            at //= length
        return tuple(reversed(found))

    def copy(self) -> Any:
        """Return the elements as a new array of one axis."""
        return self._array.flatten()

    def __len__(self) -> int:
        return int(self._array.size)

    def __iter__(self) -> FlatIterator:
        return self

    def __next__(self) -> Any:
        if self._at >= len(self):
            raise StopIteration
        value = self._array[self.coords]
        self._at += 1
        return value

    def __getitem__(self, key: Any) -> Any:
        self._at = 0
        if key is Ellipsis or (type(key) is tuple and not key):
            return self.copy()
        if type(key) is int:
            shape, size = self._array.shape, len(self)
            if not -size <= key < size:
                raise IndexError(f"index {key} is out of bounds for size {size}")
            return self._array[tuple(map(int, np.unravel_index(key % size, shape)))]
        if self._array.device.xp is not np:
            return _get_elsewhere(self._array, key)
        return call_library(_get_flat, (self._array, key), {}, reads_only=True)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._at = 0
        if not self._array._writeable():
            raise ValueError("underlying array is read-only")
        refuse_host(value, "is assigned to a device array")
        value = value.copy() if isinstance(value, FlatIterator) else value
        if isinstance(value, Recorded) and value._buffer is self._array._buffer:
            value = value.copy()  # type: ignore[attr-defined]
        if self._array.device.xp is not np:
            _set_elsewhere(self._array, key, value)
            return
        call_library(_set_flat, (self._array, key, value), {})

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.copy().__array__(dtype, copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*_as_arrays(inputs), **options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return function(*_as_arrays(args), **options)

    __eq__, __ne__ = _comparison("__eq__"), _comparison("__ne__")
    __lt__, __le__ = _comparison("__lt__"), _comparison("__le__")
    __gt__, __ge__ = _comparison("__gt__"), _comparison("__ge__")


_SETTABLE = {
    "WRITEABLE": "write",
    "W": "write",
    "ALIGNED": "align",
    "A": "align",
    "WRITEBACKIFCOPY": "uic",
    "X": "uic",
}
_PRINTED = (
    "C_CONTIGUOUS",
    "F_CONTIGUOUS",
    "OWNDATA",
    "WRITEABLE",
    "ALIGNED",
    "WRITEBACKIFCOPY",
)


def _flag(name: str, words: str) -> property:
    def read(self: Any) -> bool:
        return bool(getattr(self._native, name))

    return property(read, doc=words)


def _settable_flag(name: str, words: str) -> property:
    def read(self: Any) -> bool:
        return bool(getattr(self._native, name.lower()))

    def write(self: Any, value: Any) -> None:
        self[name] = value

    return property(read, write, doc=words)


class Flags:
    """How the elements of an array lie in memory; see `numpy.ndarray.flags`.

    Each flag is an attribute in lower case, and a key in upper case. They are as they were when
    this object was made.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.ones((2, 3))
    >>> x.flags.c_contiguous, x.T.flags["C_CONTIGUOUS"], x.T.flags.owndata
    (True, False, False)
    """

    __slots__ = ("_array", "_native", "owndata")
    __hash__ = None  # type: ignore[assignment]

    owndata: bool

    def __init__(self, array: Any) -> None:
        self._array = array
        block = array._buffer.block
        start = _START + (0 if block is None else block.address % 64)
        self._native = claim(array, start).flags
        object.__setattr__(self, "owndata", array.base is None)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "owndata" and hasattr(self, "owndata"):
            raise AttributeError("attribute 'owndata' of 'Flags' objects is not writable")
        object.__setattr__(self, name, value)

    c_contiguous = _flag("c_contiguous", "Rows follow one another without gaps.")
    f_contiguous = _flag("f_contiguous", "Columns follow one another without gaps.")
    contiguous = _flag("contiguous", "The same as `c_contiguous`.")
    fortran = _flag("fortran", "The same as `fnc`.")
    fnc = _flag("fnc", "F-contiguous and not C-contiguous.")
    forc = _flag("forc", "F-contiguous or C-contiguous.")
    behaved = _flag("behaved", "Aligned and writeable.")
    carray = _flag("carray", "C-contiguous, aligned and writeable.")
    farray = _flag("farray", "`fnc`, aligned and writeable.")
    writeable = _settable_flag("WRITEABLE", "The elements can be written; see `setflags`.")
    aligned = _settable_flag("ALIGNED", "Addresses are multiples of what the dtype needs.")
    writebackifcopy = _settable_flag("WRITEBACKIFCOPY", "Never.")

    @property
    def num(self) -> int:
        """All flags as bits of an integer."""
        return int(self._native.num) & ~_OWNDATA | _OWNDATA * self.owndata

    def __getitem__(self, key: Any) -> bool:
        if key in ("OWNDATA", "O"):
            return self.owndata
        return bool(self._native[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        if key not in _SETTABLE:
            raise KeyError("Unknown flag")
        self._array.setflags(**{_SETTABLE[key]: bool(value)})

    def __eq__(self, other: Any) -> Any:
        return self.num == other.num if isinstance(other, Flags) else NotImplemented

    def __repr__(self) -> str:
        return "".join(f"  {name} : {self[name]}\n" for name in _PRINTED)
