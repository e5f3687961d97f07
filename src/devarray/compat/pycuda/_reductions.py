"""The functions of `pycuda.gpuarray` that reduce an array to one value, an array with no axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._array import GPUArray, placed

__all__ = [
    "all", "any", "dot", "max", "min", "subset_dot", "subset_max", "subset_min", "subset_sum",
    "sum",
]  # fmt: skip

_numpy: Any = np  # its functions take device arrays, which their types do not say


def _values(x: Any, name: str = "a") -> Any:
    if not isinstance(x, GPUArray):
        raise TypeError(f"{name} must be a GPUArray, got {type(x).__name__}: use gpuarray.to_gpu")
    return x._values()


def _subset(subset: Any, a: Any, name: str = "a") -> Any:
    """Return the elements of an array at positions in C order."""
    return _numpy.take(_values(a, name).reshape(-1), _values(subset, "subset"))


def any(a: GPUArray, stream: Any = None, allocator: Any = None) -> GPUArray:
    """Say whether any element is true."""
    return placed(_values(a).any(), None, stream, allocator)


def all(a: GPUArray, stream: Any = None, allocator: Any = None) -> GPUArray:
    """Say whether all elements are true."""
    return placed(_values(a).all(), None, stream, allocator)


def sum(a: GPUArray, dtype: Any = None, stream: Any = None, allocator: Any = None) -> GPUArray:
    """Return the sum of all elements; see `numpy.sum`.

    Parameters
    ----------
    a : GPUArray
    dtype : dtype, optional
        To add in; by default NumPy's, which adds small integers as int64.
    stream : Stream, optional
    allocator : callable, optional
        Gives the memory of the result.

    Examples
    --------
    >>> from devarray.compat.pycuda import gpuarray
    >>> gpuarray.sum(gpuarray.ones(4)).get()
    array(4.)
    """
    return placed(_values(a).sum(dtype=dtype), None, stream, allocator)


def subset_sum(
    subset: GPUArray, a: GPUArray, dtype: Any = None, stream: Any = None, allocator: Any = None
) -> GPUArray:
    """Return the sum of the elements of `a` at the positions `subset`."""
    return placed(_subset(subset, a).sum(dtype=dtype), None, stream, allocator)


def _product_sum(a: Any, b: Any, dtype: Any) -> Any:
    if a.shape != b.shape:
        raise ValueError(f"dot needs arrays of one size, got {a.size} and {b.size} elements")
    kind = np.result_type(a.dtype, b.dtype) if dtype is None else np.dtype(dtype)
    return (a.astype(kind, copy=False) * b.astype(kind, copy=False)).sum(dtype=kind)


def dot(
    a: GPUArray, b: GPUArray, dtype: Any = None, stream: Any = None, allocator: Any = None
) -> GPUArray:
    """Return the sum of the products of all elements.

    Matrices are multiplied by ``a @ b``.

    Parameters
    ----------
    a, b : GPUArray
        Of the same number of elements.
    dtype : dtype, optional
        To multiply and add in; by default the common one.
    stream : Stream, optional
    allocator : callable, optional
        Gives the memory of the result.
    """
    value = _product_sum(_values(a).reshape(-1), _values(b, "b").reshape(-1), dtype)
    return placed(value, None, stream, allocator)


def subset_dot(
    subset: GPUArray,
    a: GPUArray,
    b: GPUArray,
    dtype: Any = None,
    stream: Any = None,
    allocator: Any = None,
) -> GPUArray:
    """Return the sum of the products of the elements at the positions `subset`; see `dot`."""
    value = _product_sum(_subset(subset, a), _subset(subset, b, "b"), dtype)
    return placed(value, None, stream, allocator)


def min(a: GPUArray, stream: Any = None) -> GPUArray:
    """Return the least element, NaN if one is; see `numpy.min`."""
    return placed(_values(a).min(), None, stream)


def max(a: GPUArray, stream: Any = None) -> GPUArray:
    """Return the greatest element, NaN if one is; see `numpy.max`."""
    return placed(_values(a).max(), None, stream)


def subset_min(subset: GPUArray, a: GPUArray, stream: Any = None) -> GPUArray:
    """Return the least of the elements at the positions `subset`."""
    return placed(_subset(subset, a).min(), None, stream)


def subset_max(subset: GPUArray, a: GPUArray, stream: Any = None) -> GPUArray:
    """Return the greatest of the elements at the positions `subset`."""
    return placed(_subset(subset, a).max(), None, stream)
