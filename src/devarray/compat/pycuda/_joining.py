"""The functions of `pycuda.gpuarray` that join arrays, take from them, and choose of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._array import GPUArray, placed, unwrap
from ._buffers import lengths
from ._order import elementwise
from ._transfers import on

__all__ = [
    "concatenate", "if_positive", "logical_and", "logical_not", "logical_or", "maximum", "minimum",
    "multi_put", "multi_take", "multi_take_put", "reshape", "splay", "stack", "take", "transpose",
    "where",
]  # fmt: skip

_numpy: Any = np  # its functions take device arrays, which their types do not say


def _values(x: Any, name: str) -> Any:
    """Return the device array of an argument that must be an array."""
    if not isinstance(x, GPUArray):
        raise TypeError(f"{name} must be a GPUArray, got {type(x).__name__}: use gpuarray.to_gpu")
    return x._values()


def _flat(x: Any, name: str = "a") -> Any:
    return _values(x, name).reshape(-1)


# Joining and shapes


def _arrays(arrays: Any, what: str) -> list[Any]:
    found = [_values(x, f"each of the arrays to {what}") for x in arrays]
    if not found:
        raise ValueError(f"there must be an array to {what}")
    return found


def concatenate(arrays: Sequence[Any], axis: int = 0, allocator: Any = None) -> GPUArray:
    """Join arrays along an axis; see `numpy.concatenate`."""
    return placed(_numpy.concatenate(_arrays(arrays, "concatenate"), axis), None, None, allocator)


def stack(arrays: Sequence[Any], axis: int = 0, allocator: Any = None) -> GPUArray:
    """Join arrays of one shape along a new axis; see `numpy.stack`."""
    return placed(_numpy.stack(_arrays(arrays, "stack"), axis), None, None, allocator)


def transpose(a: GPUArray, axes: Any = None) -> GPUArray:
    """Return a view with the axes permuted, reversed by default."""
    result: GPUArray = a.transpose(axes)
    return result


def reshape(a: GPUArray, *shape: Any, **options: Any) -> GPUArray:
    """Return the elements in another shape; see `GPUArray.reshape`."""
    result: GPUArray = a.reshape(*shape, **options)
    return result


# Taking and putting


def take(a: GPUArray, indices: Any, out: Any = None, stream: Any = None) -> GPUArray:
    """Return the elements at positions in C order; see `numpy.take`."""
    return placed(_numpy.take(_flat(a), _values(indices, "indices")), out, stream)


def _outs(out: Any, arrays: Sequence[Any], shape: Any) -> list[Any]:
    if out is None:
        return [GPUArray(shape, x.dtype, x.allocator) for x in arrays]
    if len(out) != len(arrays):
        raise ValueError(f"{len(arrays)} arrays need as many in out, got {len(out)}")
    return list(out)


def multi_take(
    arrays: Sequence[Any], indices: Any, out: Any = None, stream: Any = None
) -> list[GPUArray]:
    """Return the elements of each array at the same positions; see `take`."""
    outs = [None] * len(arrays) if out is None else _outs(out, arrays, None)
    return [take(a, indices, o, stream) for a, o in zip(arrays, outs, strict=True)]


def multi_take_put(
    arrays: Sequence[Any],
    dest_indices: Any,
    src_indices: Any,
    dest_shape: Any = None,
    out: Any = None,
    stream: Any = None,
    src_offsets: Any = None,
) -> list[GPUArray]:
    """Move elements of each array: ``out[k][dest_indices] = arrays[k][src_indices + offset[k]]``.

    Positions count in C order.

    Parameters
    ----------
    arrays : sequence of GPUArray
    dest_indices, src_indices : GPUArray of int
        Of one shape.
    dest_shape : int or tuple of int, optional
        Of the results, if there is no `out`; what is not written there is not initialised. By
        default that of `dest_indices`.
    out : sequence of GPUArray, optional
        Arrays for the results, C-contiguous.
    stream : Stream, optional
    src_offsets : sequence of int, optional
        Where positions in each array start; by default 0.

    Returns
    -------
    list of GPUArray
    """
    dest, source = _values(dest_indices, "dest_indices"), _values(src_indices, "src_indices")
    if dest.shape != source.shape:
        raise ValueError(
            f"src_indices must have the shape of dest_indices, {dest.shape}, got {source.shape}"
        )
    if isinstance(src_offsets, GPUArray):
        src_offsets = src_offsets.get()
    offsets = [0] * len(arrays) if src_offsets is None else src_offsets
    if len(offsets) != len(arrays):
        raise ValueError(f"{len(arrays)} arrays need as many src_offsets, got {len(offsets)}")
    moved = [
        _numpy.take(_flat(a), source.astype(np.int64) + int(offset))
        for a, offset in zip(arrays, offsets, strict=True)
    ]
    return _put(arrays, moved, dest, dest_shape, out, stream)


def multi_put(
    arrays: Sequence[Any],
    dest_indices: Any,
    dest_shape: Any = None,
    out: Any = None,
    stream: Any = None,
) -> list[GPUArray]:
    """Write each array to positions: ``out[k][dest_indices] = arrays[k]``; see `multi_take_put`."""
    dest = _values(dest_indices, "dest_indices")
    moved = [_values(x, "each of the arrays to put") for x in arrays]
    for x in moved:
        if x.size != dest.size:
            raise ValueError(f"{x.size} elements do not go to {dest.size} positions")
    return _put(arrays, moved, dest, dest_shape, out, stream)


def _put(
    arrays: Sequence[Any], moved: list[Any], dest: Any, shape: Any, out: Any, stream: Any
) -> list[GPUArray]:
    outs = _outs(out, arrays, dest.shape if shape is None else lengths(shape))
    with on(stream, dest.device):
        for array, values in zip(outs, moved, strict=True):
            whole = _values(array, "each of out")
            if not whole.flags.c_contiguous:
                raise ValueError("arrays that are put to must be C-contiguous")
            whole.reshape(-1)[dest.reshape(-1)] = values.reshape(-1)
    return outs


# Choosing


def _chosen(
    function: Any, out: Any, stream: Any, *operands: Any, allocator: Any = None
) -> GPUArray:
    if not any(isinstance(x, GPUArray) for x in operands):
        raise TypeError(f"{function.__name__} needs a GPUArray among its arguments")
    return placed(elementwise(function, *unwrap(operands)), out, stream, allocator)


def if_positive(
    criterion: Any, then_: Any, else_: Any, out: Any = None, stream: Any = None
) -> GPUArray:
    """Return ``then_`` where `criterion` is above 0, else ``else_``; arrays broadcast."""

    def if_positive(c: Any, t: Any, e: Any) -> Any:
        return np.where(c > 0, t, e)

    return _chosen(if_positive, out, stream, criterion, then_, else_)


def where(criterion: Any, then_: Any, else_: Any, out: Any = None, stream: Any = None) -> GPUArray:
    """Return ``then_`` where `criterion` is true, else ``else_``; see `numpy.where`."""
    return _chosen(np.where, out, stream, criterion, then_, else_)


def minimum(a: Any, b: Any, out: Any = None, stream: Any = None) -> GPUArray:
    """Return the lesser of each two elements, NaN if one is; see `numpy.minimum`."""
    return _chosen(np.minimum, out, stream, a, b)


def maximum(a: Any, b: Any, out: Any = None, stream: Any = None) -> GPUArray:
    """Return the greater of each two elements, NaN if one is; see `numpy.maximum`."""
    return _chosen(np.maximum, out, stream, a, b)


def _truth(x: Any) -> Any:
    """Return an operand of a logical function: of a scalar, its truth."""
    return x if isinstance(x, GPUArray) or np.ndim(x) else bool(x)


def logical_and(x1: Any, x2: Any, /, out: Any = None, *, allocator: Any = None) -> GPUArray:
    """Say where both are true; see `numpy.logical_and`."""
    return _chosen(np.logical_and, out, None, _truth(x1), _truth(x2), allocator=allocator)


def logical_or(x1: Any, x2: Any, /, out: Any = None, *, allocator: Any = None) -> GPUArray:
    """Say where one of two is true; see `numpy.logical_or`."""
    return _chosen(np.logical_or, out, None, _truth(x1), _truth(x2), allocator=allocator)


def logical_not(x: Any, /, out: Any = None, *, allocator: Any = None) -> GPUArray:
    """Say where elements are not true; see `numpy.logical_not`."""
    return _chosen(np.logical_not, out, None, x, allocator=allocator)


# Launches

_WARP, _MOST_THREADS, _BLOCKS_A_UNIT = 32, 128, 32


def splay(n: int, dev: Any = None) -> tuple[tuple[int, int], tuple[int, int, int]]:
    """Return a grid and a block for a kernel over `n` elements that steps by the whole grid.

    Parameters
    ----------
    n : int
    dev : driver.Device, optional
        By default the current device.

    Returns
    -------
    tuple
        ``(blocks, 1)`` and ``(threads, 1, 1)``.
    """
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}")
    units = 16 if dev is None else int(dev.multiprocessor_count)
    threads = min(max(-(-n // _WARP), 1) * _WARP, _MOST_THREADS)
    blocks = min(max(-(-n // threads), 1), units * _BLOCKS_A_UNIT)
    return (blocks, 1), (threads, 1, 1)
