"""Diagonals and triangles of matrices."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from devarray import indexing
from devarray.array import DeviceArray
from devarray.chapters import implements, on_device
from devarray.creation import zeros
from devarray.grids import arange
from devarray.layout import make_layout, normalize_axis
from devarray.manipulation import ALL, ravel
from devarray.searching import where

__all__ = ["diag", "diagflat", "diagonal", "tri", "tril", "triu"]


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> DeviceArray:
    """Return a read-only view of a diagonal, as the last axis; see `numpy.diagonal`.

    Examples
    --------
    >>> import devarray as da
    >>> da.diagonal(da.arange(4).reshape(2, 2))
    array([0, 3], device='openmp')
    """
    a = on_device(a)
    if a.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    return _diagonal(a, offset, axis1, axis2, writeable=False)


def _diagonal(a: Any, offset: int, axis1: int, axis2: int, writeable: bool) -> DeviceArray:
    offset = operator.index(offset)
    down, right = (normalize_axis(operator.index(axis), a.ndim) for axis in (axis1, axis2))
    if down == right:
        raise ValueError("axis1 and axis2 cannot be the same")
    key = [ALL] * a.ndim
    key[down], key[right] = slice(max(-offset, 0), None), slice(max(offset, 0), None)
    corner = a[tuple(key)]._layout()
    rest = [k for k in range(a.ndim) if k not in (down, right)]
    length = min(corner.shape[down], corner.shape[right])
    step = a.strides[down] + a.strides[right]
    layout = make_layout(
        (*(corner.shape[k] for k in rest), length),
        (*(corner.strides[k] for k in rest), step),
        corner.offset,
        a.itemsize,
    )
    result: DeviceArray = indexing.view(a, layout, writeable=writeable)
    return result


@implements(np.diag)
def diag(v: Any, k: int = 0) -> DeviceArray:
    """Return the matrix with a given diagonal, or the diagonal of a matrix; see `numpy.diag`.

    Examples
    --------
    >>> import devarray as da
    >>> da.diag(da.asarray([1, 2]))
    array([[1, 0],
           [0, 2]], device='openmp')
    """
    v = on_device(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    n = v.size + abs(k)
    result = zeros((n, n), v.dtype, device=v.device)
    _diagonal(result, k, 0, 1, writeable=True)[...] = v
    return result


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> DeviceArray:
    """Return the matrix with all elements of an array on a diagonal; see `numpy.diagflat`.

    Examples
    --------
    >>> import devarray as da
    >>> da.diagflat(da.ones((1, 2)))
    array([[1., 0.],
           [0., 1.]], device='openmp')
    """
    return diag(ravel(v), k)


def _below(rows: int, columns: int, k: int, device: Any = None) -> DeviceArray:
    """Return where a matrix has its diagonal `k` and what is left of it; it is not evaluated."""
    down = arange(rows, dtype=np.intp, device=device)
    right = arange(-k, columns - k, dtype=np.intp, device=device)
    result: DeviceArray = down[:, None] >= right
    return result


@implements(np.tri)
def tri(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: Any = float,
    *,
    device: Any = None,
    like: Any = None,
) -> DeviceArray:
    """Return ones at and below a diagonal, zeros above; see `numpy.tri`.

    Examples
    --------
    >>> import devarray as da
    >>> da.tri(2)
    array([[1., 0.],
           [1., 1.]], device='openmp')
    """
    return _below(N, N if M is None else M, k, device).astype(dtype)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> DeviceArray:
    """Return a copy with zeros above a diagonal; see `numpy.tril`.

    Examples
    --------
    >>> import devarray as da
    >>> da.tril(da.ones((2, 2)))
    array([[1., 0.],
           [1., 1.]], device='openmp')
    """
    m = on_device(m)
    return where(_triangle(m, k), m, m.dtype.type(0))  # type: ignore[no-any-return]


@implements(np.triu)
def triu(m: Any, k: int = 0) -> DeviceArray:
    """Return a copy with zeros below a diagonal; see `numpy.triu`.

    Examples
    --------
    >>> import devarray as da
    >>> da.triu(da.ones((2, 2)))
    array([[1., 1.],
           [0., 1.]], device='openmp')
    """
    m = on_device(m)
    return where(_triangle(m, k - 1), m.dtype.type(0), m)  # type: ignore[no-any-return]


def _triangle(m: DeviceArray, k: int) -> DeviceArray:
    if not m.ndim:
        raise TypeError("a triangle needs an array of at least one dimension")
    return _below(m.shape[-2:][0], m.shape[-1], k, m.device)
