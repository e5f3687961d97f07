"""Memory of arrays: what `gpudata` is, shapes and orders as programs give them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray import engine
from devarray.array import DeviceArray
from devarray.boundary import from_address
from devarray.device import Block
from devarray.errors import UnsupportedError
from devarray.indexing import view
from devarray.kernels.ops import canonical
from devarray.layout import as_shape, check_order, make_layout
from devarray.record import fresh_buffer
from devarray.registry import get_device

from ._order import compact_strides, inverse, memory_axes, permuted

__all__ = ["Memory", "allocate", "is_struct", "lengths", "make", "ordered_axes"]

BYTES = np.dtype(np.uint8)


class Allocation:
    """Memory that `allocate` gave: ``int()`` of it is its address.

    Attributes
    ----------
    nbytes : int
    """

    def __init__(self, block: Block) -> None:
        self._block: Block | None = block
        self.nbytes = block.nbytes

    def __int__(self) -> int:
        if self._block is None:
            raise ValueError("this memory was given back, by free()")
        return self._block.address

    __index__ = __int__

    def free(self) -> None:
        """Give the memory back."""
        self._block = None


def allocate(nbytes: int) -> Any:
    """Return `nbytes` bytes of memory of the current device; the allocator of arrays by default."""
    return Allocation(get_device().empty(operator.index(nbytes)))


class Memory:
    """The memory of an array, as kernels and copies take it: ``int()`` of it is the address.

    What is pending on the array is evaluated before the address is told. The memory lives as long
    as this object does.
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def __int__(self) -> int:
        return int(self._owner.ptr)

    __index__ = __int__

    def free(self) -> None:
        """Let go of the memory: the array cannot be used any more, views of it can."""
        del self._owner._array

    def shown(
        self, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]
    ) -> DeviceArray | None:
        """Return an array over this memory; None if it would reach out of it."""
        array: DeviceArray = self._owner._array
        block, start = engine.export(array._buffer), array._layout().offset
        ends = [step * (n - 1) for step, n in zip(strides, shape, strict=True)]
        low = start + sum(end for end in ends if end < 0)
        high = start + sum(end for end in ends if end > 0) + dtype.itemsize
        if low < 0 or high > block.nbytes or start % dtype.alignment or 0 in shape:
            return None
        return _shown(array, shape, strides, dtype)

    def __eq__(self, other: object) -> bool:
        return int(self) == int(other) if isinstance(other, Memory) else NotImplemented

    def __hash__(self) -> int:
        return hash(int(self))

    def __repr__(self) -> str:
        return f"<device memory at {int(self):#x}>"


def is_struct(dtype: np.dtype[Any]) -> bool:
    """Say whether elements are only stored: structs and other dtypes that have no arithmetic here.

    Raises
    ------
    TypeError
        For Python objects, which no device can hold.
    """
    if dtype.hasobject:
        raise TypeError(f"dtype {dtype!r} holds Python objects, which no device can")
    try:
        canonical(dtype)
    except UnsupportedError:
        return True
    return False


def lengths(shape: Any) -> tuple[int, ...]:
    """Return a shape, given as an integer, a sequence, or a host array of at most one axis."""
    if isinstance(shape, np.ndarray):
        if shape.ndim > 1:
            raise ValueError(f"a shape has one axis, got an array of shape {shape.shape}")
        shape = shape.tolist()
    return as_shape(shape)


def ordered_axes(ndim: int, order: Any) -> tuple[int, ...]:
    """Return the axes from the slowest to the fastest in memory for order C or F."""
    refusal = f"order must be 'C' or 'F', got {order!r}"
    if not isinstance(order, str):
        raise ValueError(refusal)
    letter = check_order(order, "CF", refusal)
    return tuple(range(ndim)) if letter == "C" else tuple(range(ndim - 1, -1, -1))


def _address(gpudata: Any) -> int:
    if isinstance(gpudata, (int, np.integer)) or hasattr(type(gpudata), "__int__"):
        return int(gpudata)
    if hasattr(gpudata, "get_pointer"):
        return int(gpudata.get_pointer())
    raise TypeError(
        "gpudata must be an address: an integer, or an object with int() such as a "
        f"DeviceAllocation; got {type(gpudata).__name__}"
    )


def make(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    strides: Sequence[int] | None,
    axes: tuple[int, ...],
    gpudata: Any,
    allocator: Any,
    base: Any,
) -> tuple[DeviceArray, Any]:
    """Return a device array over fresh or given memory, and that memory if somebody gave it.

    Structs are bytes, along one more axis.
    """
    itemsize = dtype.itemsize
    compact = strides is None
    if strides is not None:
        strides = tuple(map(operator.index, strides))
        if len(strides) != len(shape):
            raise ValueError(f"{len(shape)} axes need as many strides, got {strides}")
        axes = memory_axes(shape, (strides,))
        compact = strides == compact_strides(shape, axes, itemsize)
    if gpudata is None and ((compact and allocator is allocate) or 0 in shape):
        return _fresh(shape, dtype, axes), None
    if strides is None:
        strides = compact_strides(shape, axes, itemsize)
    ends = [step * (n - 1) for step, n in zip(strides, shape, strict=True)]
    nbytes = sum(ends) + itemsize
    if gpudata is None and min(strides, default=0) < 0:
        raise ValueError(f"strides {strides} of new memory must not be negative")
    struct = is_struct(dtype)
    if struct:
        shape, strides, dtype = (*shape, itemsize), (*strides, 1), BYTES
    dtype = canonical(dtype)
    if gpudata is None and allocator is allocate:
        bytes_ = fresh_buffer(get_device(), (nbytes,), BYTES)
        return _shown(bytes_, shape, strides, dtype), None
    if gpudata is None:
        gpudata = allocator(nbytes)
    if isinstance(gpudata, Memory):
        inside = gpudata.shown(shape, strides, dtype)
        if inside is not None:
            return inside, gpudata
    array = from_address(_address(gpudata), shape, dtype, strides, owner=(gpudata, base))
    return array, gpudata


def _shown(
    array: DeviceArray, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]
) -> DeviceArray:
    """Return the memory from an array's first element on as another array."""
    place = make_layout(shape, strides, array._layout().offset, dtype.itemsize)
    result: DeviceArray = view(array, place, dtype)
    return result


def _fresh(shape: tuple[int, ...], dtype: np.dtype[Any], axes: tuple[int, ...]) -> DeviceArray:
    """Return uninitialised memory with the axes in an order; structs are bytes along one more."""
    slow = tuple(shape[axis] for axis in axes)
    if is_struct(dtype):
        slow, dtype = (*slow, dtype.itemsize), BYTES
    array: DeviceArray = fresh_buffer(get_device(), slow, canonical(dtype))
    return permuted(array, inverse(axes))
