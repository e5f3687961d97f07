"""Layouts: where the elements of an array lie in a block of memory. Pure functions on pure values.

Strides and offsets are in bytes, as NumPy's are; broadcasting is stride 0. Nothing but `memory_at`
knows memory or dtypes beyond an item size. Error texts are NumPy's.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "Layout",
    "broadcast_layout",
    "broadcast_shapes",
    "bytes_at",
    "contiguous",
    "index_layout",
    "is_basic_key",
    "make_layout",
    "memory_at",
    "merge_axes",
    "normalize_axes",
    "normalize_axis",
    "overlap",
    "reduced_shape",
    "reshape_layout",
    "resolve_shape",
    "transpose_layout",
]

Shape = tuple[int, ...]


class Layout(NamedTuple):
    """Where the elements of an array lie relative to the start of its block.

    Attributes
    ----------
    shape : tuple of int
    strides : tuple of int
        In bytes; 0 along broadcast axes, negative along reversed ones.
    offset : int
        Byte position of the first element.
    dense : bool
        The elements are C-contiguous.
    """

    shape: Shape
    strides: Shape
    offset: int
    dense: bool


MOST_AXES = 64  # as in NumPy, whose arrays the library functions see


def check_axes(shape: Sequence[int]) -> None:
    """Raise NumPy's error for a shape with too many axes."""
    if len(shape) > MOST_AXES:
        raise ValueError(
            f"maximum supported dimension for an ndarray is currently {MOST_AXES}, found "
            f"{len(shape)}"
        )


def make_layout(shape: Shape, strides: Shape, offset: int, itemsize: int) -> Layout:
    """Return the layout, noting whether it is C-contiguous for elements of `itemsize` bytes."""
    expected = itemsize
    dense = True
    if 0 not in shape:
        for length, stride in zip(reversed(shape), reversed(strides), strict=True):
            if length != 1 and stride != expected:
                dense = False
                break
            expected *= length
    return Layout(shape, strides, offset, dense)


@lru_cache(maxsize=4096)
def contiguous(shape: Shape, itemsize: int) -> Layout:
    """Return the C-contiguous layout of `shape` at offset 0."""
    strides = []
    step = itemsize
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return Layout(shape, tuple(reversed(strides)), 0, True)


def check_order(order: Any, allowed: str = "CFAK", refusal: str = "") -> str:
    """Return the letter of an ``order=`` argument; None is C.

    Parameters
    ----------
    allowed : str
        The letters that are.
    refusal : str
        NumPy's words for the other ones of its four letters, ``{}`` for the letter.

    Raises
    ------
    TypeError, ValueError
        NumPy's.
    """
    if order is None:
        return "C"
    if not isinstance(order, str):
        raise TypeError(f"order must be str, not {type(order).__name__}")
    letter = order.upper()
    if letter not in ("C", "F", "A", "K"):
        raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got '{order}')")
    if letter not in allowed:
        raise ValueError(refusal.format(letter))
    return letter


@lru_cache(maxsize=4096)
def broadcast_shapes(*shapes: Shape) -> Shape:
    """Return the common shape, or raise NumPy's error for operands that do not fit together."""
    common = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for axis, length in enumerate(shape, len(common) - len(shape)):
            if length == 1 or length == common[axis]:
                continue
            if common[axis] != 1:
                listed = " ".join(str(each).replace(" ", "") for each in shapes)
                raise ValueError(f"operands could not be broadcast together with shapes {listed} ")
            common[axis] = length
    return tuple(common)


@lru_cache(maxsize=4096)
def broadcast_layout(layout: Layout, shape: Shape) -> Layout:
    """Return `layout` repeated to `shape` (which it must fit, aligned at the right)."""
    if layout.shape == shape:
        return layout
    lead = len(shape) - len(layout.shape)
    strides = (0,) * lead + tuple(
        0 if mine == 1 and wanted != 1 else stride
        for mine, wanted, stride in zip(layout.shape, shape[lead:], layout.strides, strict=True)
    )
    dense = layout.dense and math.prod(shape) == math.prod(layout.shape)
    return Layout(shape, strides, layout.offset, dense)


def normalize_axis(axis: Any, ndim: int) -> int:
    """Return `axis` counted from the front, or raise `numpy.exceptions.AxisError`."""
    if isinstance(axis, (bool, np.bool_)):
        raise TypeError("an integer is required for the axis")
    at: int = operator.index(axis)
    if not -ndim <= at < ndim:
        raise np.exceptions.AxisError(at, ndim)
    return at + ndim if at < 0 else at


def normalize_axes(axis: Any, ndim: int) -> Shape:
    """Return the axes that `axis` names, in increasing order.

    It is an int, a tuple of ints, or None for all.
    """
    if axis is None:
        return tuple(range(ndim))
    if not ndim and axis in (0, -1):
        return ()  # NumPy, too, lets a 0-d array be reduced along an axis that it does not have
    if not isinstance(axis, tuple):
        if isinstance(axis, (bool, np.bool_)):
            raise TypeError("an integer is required")
        return (normalize_axis(axis, ndim),)
    axes = [normalize_axis(one, ndim) for one in axis]
    if len(set(axes)) != len(axes):
        raise ValueError("duplicate value in 'axis'")
    return tuple(sorted(axes))


def reduced_shape(shape: Shape, axes: Shape, keepdims: bool) -> Shape:
    """Return what a reduction along `axes` leaves of a shape."""
    if keepdims:
        return tuple(1 if a in axes else n for a, n in enumerate(shape))
    return tuple(n for a, n in enumerate(shape) if a not in axes)


def transpose_layout(layout: Layout, axes: Sequence[int], itemsize: int) -> Layout:
    """Return `layout` with its axes in the order `axes` (already normalized)."""
    return make_layout(
        tuple(layout.shape[a] for a in axes),
        tuple(layout.strides[a] for a in axes),
        layout.offset,
        itemsize,
    )


def is_basic_key(key: Any) -> bool:
    """Say whether an index makes a view: integers, slices, None and Ellipsis only."""
    for part in key if type(key) is tuple else (key,):
        if part is None or part is Ellipsis or type(part) is int or type(part) is slice:
            continue
        if isinstance(part, (bool, np.bool_)) or hasattr(part, "__array_ufunc__"):
            if isinstance(part, np.integer):
                continue
            return False
        if not hasattr(type(part), "__index__"):
            return False
    return True


def index_layout(layout: Layout, key: Any, itemsize: int) -> Layout:
    """Return the layout of the view ``x[key]`` for a basic key, or raise NumPy's IndexError."""
    parts = key if type(key) is tuple else (key,)
    used = sum(1 for part in parts if part is not None and part is not Ellipsis)
    ndim = len(layout.shape)
    if used > ndim:
        raise IndexError(
            f"too many indices for array: array is {ndim}-dimensional, but {used} were indexed"
        )
    ellipses = sum(1 for part in parts if part is Ellipsis)
    if ellipses > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not ellipses:
        parts = (*parts, Ellipsis)
    shape: list[int] = []
    strides: list[int] = []
    offset = layout.offset
    axis = 0
    for part in parts:
        if part is None:
            shape.append(1)
            strides.append(0)
        elif part is Ellipsis:
            rest = ndim - used
            shape.extend(layout.shape[axis : axis + rest])
            strides.extend(layout.strides[axis : axis + rest])
            axis += rest
        elif type(part) is slice:
            length, stride = layout.shape[axis], layout.strides[axis]
            start, stop, step = part.indices(length)
            count = len(range(start, stop, step))
            if count:
                offset += start * stride
            shape.append(count)
            strides.append(stride * step if count > 1 else stride)
            axis += 1
        else:
            length = layout.shape[axis]
            at = operator.index(part)
            if not -length <= at < length:
                raise IndexError(f"index {at} is out of bounds for axis {axis} with size {length}")
            offset += (at + length if at < 0 else at) * layout.strides[axis]
            axis += 1
    if len(shape) > MOST_AXES:
        raise IndexError(
            f"number of dimensions must be within [0, {MOST_AXES}], indexing result would have "
            f"{len(shape)}"
        )
    return make_layout(tuple(shape), tuple(strides), offset, itemsize)


def sequence(value: Any) -> tuple[Any, ...]:
    """Return lengths or axes, given as one or as a sequence or an array of them, as a tuple."""
    if isinstance(value, (tuple, list)):
        return tuple(value)
    if getattr(value, "ndim", 0) == 1:
        return tuple(value.tolist())
    return (value,)


def lengths_of(shape: Any) -> list[int]:
    """Return a shape given as an integer or a sequence of integers; bools are none."""
    given = sequence(shape)
    if any(isinstance(length, (bool, np.bool_)) for length in given):
        raise TypeError("an integer is required")
    return [operator.index(length) for length in given]


def as_shape(shape: Any) -> Shape:
    """Return a shape given as an integer or a sequence of integers."""
    result = tuple(lengths_of(shape))
    check_axes(result)
    if any(n < 0 for n in result):
        raise ValueError("negative dimensions are not allowed")
    return result


def resolve_shape(size: int, shape: Any) -> Shape:
    """Return the shape that ``reshape(shape)`` asks for, with any -1 filled in."""
    wanted = lengths_of(shape)
    check_axes(wanted)
    unknown = [axis for axis, length in enumerate(wanted) if length < 0]
    if len(unknown) > 1:
        raise ValueError("can only specify one unknown dimension")
    known = math.prod(n for n in wanted if n >= 0)
    if unknown and known and size % known == 0:
        wanted[unknown[0]] = size // known
    elif unknown or known != size:
        listed = ",".join(str(n) for n in wanted) + ("," if len(wanted) == 1 else "")
        raise ValueError(f"cannot reshape array of size {size} into shape ({listed})")
    return tuple(wanted)


def reshape_layout(layout: Layout, shape: Shape, itemsize: int) -> Layout | None:
    """Return the layout of the same elements in `shape`, of equal size; None if it needs a copy.

    Runs of axes of the old shape are matched with runs of the new one that hold as many elements; a
    run can be split anew only if it lies evenly spaced.
    """
    if layout.dense or math.prod(shape) == 0:
        dense = contiguous(shape, itemsize)
        return Layout(shape, dense.strides, layout.offset, True)
    old = [(n, s) for n, s in zip(layout.shape, layout.strides, strict=True) if n != 1]
    strides = [0] * len(shape)
    i = j = 0
    while i < len(old) or j < len(shape):
        if i == len(old):  # only axes of length 1 are left
            strides[j] = itemsize
            j += 1
            continue
        first_i, first_j = i, j
        have, want = old[i][0], shape[j]
        i, j = i + 1, j + 1
        while have != want:
            if have < want:
                have *= old[i][0]
                i += 1
            else:
                want *= shape[j]
                j += 1
        for k in range(first_i, i - 1):
            if old[k][1] != old[k + 1][1] * old[k + 1][0]:
                return None
        step = old[i - 1][1]
        for k in range(j - 1, first_j - 1, -1):
            strides[k] = step
            step *= shape[k]
    return make_layout(shape, tuple(strides), layout.offset, itemsize)


def _bounds(layout: Layout, itemsize: int) -> tuple[int, int]:
    low = high = layout.offset
    for length, stride in zip(layout.shape, layout.strides, strict=True):
        if stride < 0:
            low += stride * (length - 1)
        else:
            high += stride * (length - 1)
    return low, high + itemsize


class _Memory:
    """Memory of the host at an address, for NumPy; keeps its owner alive."""

    def __init__(
        self, address: int, layout: Layout, dtype: np.dtype[Any], owner: Any, writeable: bool
    ) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "shape": layout.shape,
            "strides": layout.strides,
            "typestr": dtype.str,
            "data": (address + layout.offset, not writeable),
        }


def memory_at(
    address: int, layout: Layout, dtype: np.dtype[Any], owner: Any = None, writeable: bool = True
) -> Any:
    """Return a NumPy array over memory of the host, which it does not touch.

    Parameters
    ----------
    address : int
        Where the layout's offset counts from. NumPy also answers questions about layouts from
        addresses where there is no memory.
    owner : object
        What the array keeps alive.
    """
    return np.asarray(_Memory(address, layout, dtype, owner, writeable))


def bytes_at(address: int, nbytes: int, owner: Any = None, writeable: bool = True) -> Any:
    """Return bytes of the host's memory as a NumPy array; see `memory_at`."""
    return memory_at(address, contiguous((nbytes,), 1), np.dtype(np.uint8), owner, writeable)


@lru_cache(maxsize=4096)
def overlap(a: Layout, a_itemsize: int, b: Layout, b_itemsize: int) -> bool:
    """Say whether two layouts of one block may share a byte.

    Intervals come first, then an exact solve with a cap.
    """
    if 0 in a.shape or 0 in b.shape:
        return False
    a_low, a_high = _bounds(a, a_itemsize)
    b_low, b_high = _bounds(b, b_itemsize)
    if a_high <= b_low or b_high <= a_low:
        return False
    one, two = [
        memory_at(1 << 40, layout, np.dtype(f"V{itemsize}"))
        for layout, itemsize in ((a, a_itemsize), (b, b_itemsize))
    ]
    try:  # NumPy solves it from addresses alone
        return np.shares_memory(one, two, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def merge_axes(shape: Shape, strides: Sequence[Shape]) -> tuple[Shape, tuple[Shape, ...]]:
    """Drop axes of length 1 and join neighbours that every operand walks in one stride.

    Parameters
    ----------
    shape : tuple of int
        The index space.
    strides : sequence of tuple of int
        Of each operand, over all axes of the space.

    Returns
    -------
    (shape, strides)
        Of the same walk over fewer axes; a space of one element has no axes.
    """
    lengths: list[int] = []
    rows: list[list[int]] = [[] for _ in strides]
    for axis, length in enumerate(shape):
        if length == 1:
            continue
        steps = [operand[axis] for operand in strides]
        if lengths and all(row[-1] == step * length for row, step in zip(rows, steps, strict=True)):
            lengths[-1] *= length
            for row, step in zip(rows, steps, strict=True):
                row[-1] = step
        else:
            lengths.append(length)
            for row, step in zip(rows, steps, strict=True):
                row.append(step)
    return tuple(lengths), tuple(tuple(row) for row in rows)
